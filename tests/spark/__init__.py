"""Spark: the same answers as one machine."""
