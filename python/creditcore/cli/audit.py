"""`creditcore audit`: the log of a portfolio's decisions, and decisions made again."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group()
def audit() -> None:
    """Answer for the decisions of a portfolio."""


@audit.command()
@click.argument("state", type=click.Path(path_type=Path))
@click.option("--key", help="Of one record; of all without it.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .csv or .parquet file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each decision.")
def decisions(state: Path, key: str | None, output: Path | None, as_json: bool) -> None:
    """Show the logged decisions of the portfolio STATE, in the order in which they were made."""
    from creditcore._frame import write_parts
    from creditcore.cli.output import print_table
    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.report.refresh import DECISION_COLUMNS, decision_cells

    with Portfolio.open(state, "read") as portfolio:
        rows = portfolio.decisions(None if key is None else portfolio.key_of(key))
    if output is not None:
        write_parts([rows], output)
    elif as_json:
        for row in rows.to_dicts():
            print(json.dumps(row, ensure_ascii=False, default=str))
    else:
        print_table(DECISION_COLUMNS, [decision_cells(row) for row in rows.to_dicts()])


@audit.command()
@click.argument("state", type=click.Path(path_type=Path))
@click.option("--sample", default=60, type=click.IntRange(min=1), help="Decisions to make again.")
@click.option("--seed", default=0, help="Which ones.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(state: Path, sample: int, seed: int, as_json: bool) -> int:
    """Make logged decisions of the portfolio STATE again, and compare them to the bit.

    Inputs, models, rules and configuration are those of their time. Exit status 3 where a decision differs or
    cannot be made again.
    """
    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.report.refresh import replay_text

    with Portfolio.open(state, "read") as portfolio:
        done = portfolio.replay(sample, seed)
    told = done.to_dict()
    print(json.dumps(told, ensure_ascii=False) if as_json else replay_text(told))
    return 0 if done.right else 3
