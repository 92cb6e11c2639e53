"""Sources: every format, and bad input."""
