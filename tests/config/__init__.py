"""Configurations of portfolios."""
