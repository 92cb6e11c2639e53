"""Conditions: SQL's meaning, faults, refusals."""
