"""Benchmarks; figures and commands stand in README.md."""
