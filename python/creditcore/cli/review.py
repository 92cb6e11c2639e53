"""`creditcore review`: what people decided about the records of a portfolio."""

from __future__ import annotations

import json
from pathlib import Path

import click

from creditcore.cli.output import print_refresh, print_table, with_refresh_options


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1)
@with_refresh_options
def review(state: Path, files: tuple[str, ...], as_of: str | None, as_json: bool) -> None:
    """Take the reviews of FILES (key, time, from, to, reason, expires) into the portfolio STATE.

    A review counts from the day of its time on, until the day that it expires; a new score does not undo it.
    Without FILES the reviews are shown, and how often they differ from the rules.
    """
    from creditcore.portfolio.line import instant
    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.report.refresh import rates_text, review_cells

    if files:
        with Portfolio.open(state, "write") as portfolio:
            done = portfolio.review(list(files), instant(as_of, portfolio.config))
        print_refresh(done.to_dict(), as_json)
        return
    with Portfolio.open(state, "read") as portfolio:
        rows, rates = portfolio.reviews().to_dicts(), portfolio.review_rates()
    if as_json:
        print(json.dumps({"reviews": rows, "rates": rates}, ensure_ascii=False, default=str))
    else:
        if rows:
            print_table(list(rows[0]), [review_cells(row) for row in rows])
        print(rates_text(rates))
