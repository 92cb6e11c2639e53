"""Answers of other systems."""
