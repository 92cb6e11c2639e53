"""The synthetic country of the demo."""
