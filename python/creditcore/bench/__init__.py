"""Benchmarks that anyone can repeat: whole processes, interleaved, answers compared first."""
