"""`creditcore retain`: keep no record older than a day."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.option("--before", required=True, metavar="DAY", help="The first day that stays.")
def retain(state: Path, before: str) -> None:
    """Delete the records of the portfolio STATE of an event time before a day, from every file."""
    from creditcore.portfolio.line import instant
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.open(state, "write") as portfolio:
        day = instant(before, portfolio.config, "--before")
        assert day is not None
        gone = portfolio.retain(day)
        print(f"{portfolio!r}: {gone:,} records deleted", file=sys.stderr)
