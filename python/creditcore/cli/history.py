"""`creditcore history`: the versions of a portfolio."""

from __future__ import annotations

import json
from pathlib import Path

import click

from creditcore.cli.output import print_table


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each version.")
def history(state: Path, as_json: bool) -> None:
    """Tell the versions of the portfolio STATE, the first one first."""
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.open(state, "read") as portfolio:
        rows = portfolio.history().to_dicts()
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False, default=str))
        return
    titles = [name for name in rows[0] if name != "digest"]
    print_table(titles, [["" if row[name] is None else str(row[name]) for name in titles] for row in rows])
