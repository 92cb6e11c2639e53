"""`creditcore ingest`: take in records of any number."""

from __future__ import annotations

from pathlib import Path

import click

from creditcore.cli.options import progress_to_stderr
from creditcore.cli.output import print_refresh, with_refresh_options


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True)
@with_refresh_options
def ingest(state: Path, files: tuple[str, ...], as_of: str | None, as_json: bool) -> None:
    """Take the records of FILES (Parquet, CSV, Arrow IPC) into the portfolio STATE, part by part.

    Quality gates are asked by `refresh`, not here.
    """
    from creditcore.portfolio.line import instant
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.open(state, "write") as portfolio, progress_to_stderr() as progress:
        done = portfolio.ingest(list(files), instant(as_of, portfolio.config), progress=progress)
    print_refresh(done.to_dict(), as_json)
