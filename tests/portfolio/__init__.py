"""Portfolios: the state, its durability and the refresh."""
