"""`creditcore sensitivity`: the leading places of a ranking under other choices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from creditcore.cli.measures import measure_arguments, measure_options
from creditcore.cli.options import numbers_of
from creditcore.cli.output import print_table
from creditcore.errors import ArgumentError


@click.command
@click.argument("files", nargs=-1, required=True)
@click.option("--by", default="city", help="What is ranked: a level, a family or a column.")
@measure_options
@click.option("--min-n", default="1000,100", metavar="N,N", help="Least units; the first is the usual one.")
@click.option("--trim", type=float, default=0.99, help="The share of records whose weights stay uncut.")
@click.option("--key", metavar="COL", help="The column of keys that --rings names.")
@click.option("--rings", type=click.Path(path_type=Path), help="Members of rings, from creditcore groups -o.")
@click.option("--top", type=click.IntRange(min=1), default=10, help="How many rows lead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def sensitivity(files: tuple[str, ...], min_n: str, rings: Path | None, as_json: bool, **given: Any) -> None:
    """Rank FILES in several ways, and show the places of every row that leads in one of them.

    By the weight and by head, with the largest weights cut, with other least numbers of units, and without
    the members of rings.
    """
    from creditcore.ranking.sensitivity import ring_members
    from creditcore.ranking.sensitivity import sensitivity as ranked_otherwise

    given = measure_arguments(given)
    for name in ("share_above", "ratio", "bands"):
        if given.pop(name) is not None:
            raise ArgumentError(f"`--{name.replace('_', '-')}` has no table of choices; give a score")
    given.pop("threads")
    least = numbers_of("--min-n", min_n) or []
    rows = ranked_otherwise(
        list(files),
        min_n=[int(number) for number in least],
        rings=None if rings is None else ring_members(rings),
        **given,
    )
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    titles = list(rows[0]) if rows else ["code", "name", "base"]
    print_table(titles, [["-" if row[name] is None else str(row[name]) for name in titles] for row in rows])
