"""`creditcore show`: the rankings of a portfolio."""

from __future__ import annotations

from pathlib import Path

import click

from creditcore.cli.output import print_json, print_rankings, write_rankings


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.option("--by", help="Of what the configuration ranks by, split at commas; all without it.")
@click.option("--top", type=click.IntRange(min=1), help="Only the first rows, in files too.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .csv, .parquet or .json file.")
@click.option("--bom", is_flag=True, help="Start a CSV file with a byte order mark, for Excel.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(state: Path, by: str | None, top: int | None, output: Path | None, bom: bool, as_json: bool) -> None:
    """Show the rankings of the portfolio STATE, as they are now."""
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.open(state, "read") as portfolio:
        names = portfolio.config.by if by is None else [name.strip() for name in by.split(",")]
        rankings = {name: portfolio.ranking(name) for name in names}
        if output is not None:
            write_rankings(rankings, output, top=top, bom=bom)
        if as_json:
            print_json(rankings, top=top)
        elif output is None:
            print_rankings(rankings, top=top)
