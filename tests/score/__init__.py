"""Scores: blends, points, calibrations, reasons, metrics."""
