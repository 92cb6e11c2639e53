"""`creditcore init`: make a portfolio."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path),
    help="The configuration (creditcore.toml), which is frozen in the state.",
)
def init(state: Path, config: Path) -> None:
    """Make a portfolio without records in the folder STATE."""
    from creditcore.config.config import Config
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.create(state, Config.load(config)) as portfolio:
        print(f"{portfolio!r} made; `creditcore ingest {state} FILES` takes in records", file=sys.stderr)
