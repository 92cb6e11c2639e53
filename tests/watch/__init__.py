"""Watching a folder of deltas."""
