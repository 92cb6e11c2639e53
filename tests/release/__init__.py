"""Releases: kept, compared and made again."""
