"""Policies: files, decisions, checks."""
