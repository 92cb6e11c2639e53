"""Aggregation: exact sums, checked against exact rationals."""
