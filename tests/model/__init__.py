"""Models: the golden engine against the training libraries."""
