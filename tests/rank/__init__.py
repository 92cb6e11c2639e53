"""Ranking: regions, units, kinds, real data against DuckDB."""
