"""`creditcore explain`: what a portfolio says of one record, and why."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(state: Path, key: str, as_json: bool) -> None:
    """Tell the record of KEY: columns, scores, the rules that were asked, the features behind its points."""
    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.report.refresh import explanation_text

    with Portfolio.open(state, "read") as portfolio:
        told = portfolio.explain(portfolio.key_of(key))
    print(json.dumps(told, ensure_ascii=False, default=str) if as_json else explanation_text(told))
