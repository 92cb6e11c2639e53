"""`creditcore release`: dated rankings that are kept, compared and made again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from creditcore.cli.measures import detail_options
from creditcore.cli.options import parse_bands, parse_ratio
from creditcore.cli.output import print_table


@click.group
def release() -> None:
    """Keep dated rankings, list them, compare them, make them again."""


@release.command
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True)
@click.option("--as-of", required=True, metavar="DAY", help="The day that the release speaks of: 2026-11-23.")
@click.option("--name", help="Of the release; the day without it.")
@click.option("--by", default="city,province,nation", help="Levels, families or columns, split at commas.")
@click.option("--score", metavar="COL", help="The column to average (points_model without it).")
@click.option("--score-version", help="Which scores; without it the column `score_version` says.")
@click.option("--weight", metavar="COL", help="The column of weights.")
@click.option("--region", metavar="COL", help="The column of region codes or names.")
@click.option("--unit", metavar="COL", help="The column of what a statistic counts.")
@click.option(
    "--pick", type=click.Choice(["latest", "first", "mean", "sum"]), help="Which record of a unit counts."
)
@click.option("--time", metavar="COL", help="The column of times that --pick goes by.")
@click.option("--kind", help="The kind to keep (column `kind`), or all.")
@click.option("--bands", multiple=True, metavar="COL=EDGES", help="Bands of a numeric column: AGE=30,40,50.")
@click.option("--share-above", type=float, help="Rank the share above this cut-off.")
@click.option("--ratio", metavar="NUM/DEN", help="Rank the ratio of two columns.")
@click.option("--regions", default="china", help="china, none, or a CSV file.")
@click.option("--encoding", help="Of CSV text: utf-8, gb18030.")
@click.option("--publish", default="default", metavar="RULES", help="default, or a TOML file.")
@detail_options
@click.option("--population", type=click.Path(path_type=Path), help="A TOML file with a table [population].")
@click.option("--models", type=click.Path(path_type=Path), help="What made the scores, for its hash.")
@click.option("--policy", type=click.Path(path_type=Path), help="The rules in force, for their hash.")
@click.option("--min-difference", type=click.IntRange(min=1), help="Units in which releases must differ.")
def create(
    folder: Path,
    files: tuple[str, ...],
    as_of: str,
    by: str,
    bands: tuple[str, ...],
    ratio: str | None,
    margins: tuple[str, ...],
    population: Path | None,
    **options: Any,
) -> int:
    """Rank FILES and keep the ranking in FOLDER."""
    from creditcore.ranking.publishing import read_toml
    from creditcore.releases.records import population_of
    from creditcore.releases.releases import Releases

    told = None if population is None else read_toml(population)
    made = Releases(folder).create(
        list(files),
        [name.strip() for name in by.split(",") if name.strip()],
        as_of=as_of,
        population=None if told is None else population_of(told),
        bands=parse_bands(bands) or None,
        ratio=parse_ratio(ratio),
        margins=list(margins) or None,
        **options,
    )
    used, records = made.population["used"], made.population["records"]
    print(f"release {made.name}: {used:,} of {records:,} records, in {made.folder}")
    for cause, count in sorted(made.population["excluded"].items(), key=lambda told: -told[1]):
        print(f"left out: {count:,} {cause}")
    for level, rows in made.method["suppressed"].items():
        if rows:
            print(f"{level}: {len(rows)} rows are not shown")
    return 0


@release.command(name="list")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_releases(folder: Path, as_json: bool) -> int:
    """List the releases of FOLDER."""
    from creditcore.releases.releases import Releases

    known = Releases(folder).all()
    if as_json:
        print(
            json.dumps([{"name": r.name, "as_of": r.as_of, "score_version": r.score_version} for r in known])
        )
        return 0
    rows = [[r.name, r.as_of, r.score_version or "-", f"{r.population['used']:,}"] for r in known]
    print_table(["release", "as of", "score version", "records used"], rows)
    return 0


@release.command
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("name", default="latest")
def show(folder: Path, name: str) -> int:
    """Print what a release is: method, population, inputs, hashes, as JSON."""
    from creditcore.releases.releases import Releases

    found = Releases(folder).get(name)
    found.check_files()
    fields = (
        "name",
        "as_of",
        "score_version",
        "configuration",
        "method",
        "population",
        "code",
        "inputs",
        "files",
    )
    print(json.dumps({field: getattr(found, field) for field in fields}, ensure_ascii=False, indent=2))
    return 0


@release.command
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("old")
@click.argument("new", default="latest")
@click.option("--by", default="city", help="The level to compare.")
@click.option("--why", "decompose", is_flag=True, help="Also: who is in, weights, scores.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(folder: Path, old: str, new: str, by: str, decompose: bool, as_json: bool) -> int:
    """Compare two releases: places, means, and why they moved."""
    from creditcore.releases.moves import breaks, moves, why
    from creditcore.releases.releases import Releases

    releases = Releases(folder)
    before, after = releases.get(old), releases.get(new)
    rows = [row for row in moves(before, after) if row["level"] == by]
    for reason in breaks(before, after):
        print(f"break: {reason}; means are not compared", file=sys.stderr)
    if decompose:
        parts = {change.code: change for change in why(before, after, by)}
        for row in rows:
            change = parts.get(row["code"])
            row |= {name: change and float(getattr(change, name)) for name in ("who", "weights", "scores")}
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    fields = ["code", "name", "status", "rank", "prev_rank", "move", "diff", "diff_lo", "diff_hi", "p_holm"]
    fields += ["who", "weights", "scores"] if decompose else []
    print_table(fields, [[_cell(row[field]) for field in fields] for row in rows])
    return 0


@release.command
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("name", default="latest")
def verify(folder: Path, name: str) -> int:
    """Make a release again from its inputs; exit 3 where a byte differs."""
    from creditcore.releases.releases import Releases

    found = Releases(folder).verify(name)
    for line in found:
        print(f"creditcore: {line}", file=sys.stderr)
    if not found:
        print(f"release {name}: the same bytes")
    return 3 if found else 0


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:,.4g}" if isinstance(value, float) else str(value)
