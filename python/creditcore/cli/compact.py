"""`creditcore compact`: write a portfolio anew, without what was replaced."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
def compact(state: Path) -> None:
    """Write the records of the portfolio STATE anew; figures and digest stay."""
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.open(state, "write") as portfolio:
        portfolio.compact()
        print(f"{portfolio!r} compacted", file=sys.stderr)
