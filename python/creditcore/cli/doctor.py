"""`creditcore doctor`: whether a portfolio is whole, and what can be made again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(state: Path, as_json: bool) -> int:
    """Compare every file of the portfolio STATE, and make again what can be.

    Exit status 3 where something cannot.
    """
    from creditcore.portfolio.portfolio import Portfolio

    found = Portfolio.doctor(state)
    if as_json:
        print(json.dumps({"findings": [asdict(one) for one in found]}, ensure_ascii=False))
    else:
        for one in found:
            print(("repaired: " if one.repaired else "damaged: ") + one.text)
        if not found:
            print(f"{state}: nothing is wrong")
    return 0 if all(one.repaired for one in found) else 3
