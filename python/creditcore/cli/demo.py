"""`creditcore demo`: a real credit file, and a synthetic country scored, ranked and checked."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click


@click.command
@click.option(
    "--records", type=click.IntRange(min=1_000), default=3_000_000, help="Records of the synthetic country."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Of every random number.")
@click.option(
    "--world",
    default="published",
    help="True city means: published, null, shuffled, or a CSV file (code, mean).",
)
@click.option(
    "--seeds", type=click.IntRange(min=0), default=0, help="Look for the facts in so many more worlds."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="creditcore-demo",
    help="The folder for what is made.",
)
@click.option(
    "--again",
    metavar="LINE",
    help="Print one line again from the files of --output: fraud, credit, outcomes, rules, rings, refresh, "
    "planted, later, facts, nobody.",
)
def demo(records: int, seed: int, world: str, seeds: int, output: Path, again: str | None) -> int:
    """Score and rank a real credit file and a synthetic country, and say how to check each figure.

    Exit status 3 where a published fact does not come back from 1,000,000 records or more.
    """
    if again is not None:
        from creditcore.demo.results import Results

        print(textwrap.fill(Results(output).line(again).text, 118))
        return 0
    from creditcore.demo.tour import Tour
    from creditcore.demo.world import World

    tour = Tour(World(records, seed, world), output, seeds)
    for number, (text, check) in enumerate(tour.lines(), 1):
        print(textwrap.fill(text, 118, initial_indent=f"{number:2}. ", subsequent_indent="    "))
        print(textwrap.indent(check, "    $ "), flush=True)
    return 3 if tour.failed else 0
