"""`creditcore erase`: take a record out of a portfolio, and out of every file of it."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.argument("key")
def erase(state: Path, key: str) -> None:
    """Delete the record of KEY from the portfolio STATE, with its decisions and reviews, from every file."""
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.open(state, "write") as portfolio:
        portfolio.erase(portfolio.key_of(key))
        print(f"{portfolio!r}: erased", file=sys.stderr)
