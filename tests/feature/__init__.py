"""Schemas: reading them, applying them, the real case."""
