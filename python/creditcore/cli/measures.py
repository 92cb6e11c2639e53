"""The options that say what is averaged, by what weight, over whom: shared by the verbs that rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from creditcore.cli.options import parse_bands, parse_ratio

Command = Callable[..., Any]

_OPTIONS = (
    click.option("--score", metavar="COL", help="The column to average (points_model without it)."),
    click.option("--weight", metavar="COL", help="The column of weights."),
    click.option("--region", metavar="COL", help="The column of region codes or names."),
    click.option("--unit", metavar="COL", help="The column of what a statistic counts."),
    click.option(
        "--pick",
        type=click.Choice(["latest", "first", "mean", "sum"]),
        default="latest",
        help="Which record of a unit counts.",
    ),
    click.option(
        "--time", metavar="COL", default="event_time", help="The column of times that --pick goes by."
    ),
    click.option("--kind", help="The kind to keep (column `kind`), or all."),
    click.option(
        "--bands", multiple=True, metavar="COL=EDGES", help="Bands of a numeric column: AGE=30,40,50."
    ),
    click.option("--share-above", type=float, help="Rank the share above this cut-off."),
    click.option("--ratio", metavar="NUM/DEN", help="Rank the ratio of two columns."),
    click.option("--regions", default="china", help="china, none, or a CSV file."),
    click.option("--encoding", help="Of CSV text: utf-8, gb18030."),
    click.option("--threads", type=click.IntRange(min=1), help="Threads; one for each processor without it."),
)

_DETAIL = (
    click.option(
        "--margins",
        multiple=True,
        metavar="TABLE",
        help="Weigh units to a population: census, or a CSV file (code,population); several are raked.",
    ),
    click.option(
        "--cluster", metavar="COL", help="Standard errors by this column: a person of several loans."
    ),
)


def detail_options(command: Command) -> Command:
    """Give a verb the options of weights by population and errors by cluster."""
    for option in reversed(_DETAIL):
        command = option(command)
    return command


def measure_options(command: Command) -> Command:
    """Give a verb these options, in this order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def measure_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Make the arguments of `creditcore.aggregate` from the options that a user gave.

    Raises:
        ArgumentError: a band or a ratio that cannot be read.
    """
    made = {
        **given,
        "bands": parse_bands(given["bands"]) or None,
        "ratio": parse_ratio(given["ratio"]),
    }
    if "margins" in given:
        made["margins"] = list(given["margins"]) or None
    if made["score"] is None and made["ratio"] is None:
        made["score"] = "points_model"
    return made
