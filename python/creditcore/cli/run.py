"""`creditcore run`: everything that a configuration says, over records that are all there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from creditcore.errors import ArgumentError

if TYPE_CHECKING:
    from creditcore.line import Line
    from creditcore.spark.line import SparkLine


@click.command
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1)
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", help="What runs it.")
@click.option("--master", metavar="URL", help="Of Spark: local[4], spark://..., yarn, k8s://..., sc://...")
@click.option("--conf", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of Spark; repeat.")
@click.option("--format", "form", default="parquet", help="What Spark reads: parquet, orc, table ...")
@click.option("--as-of", metavar="WHEN", help="The day or instant that the figures speak of.")
@click.option("--threads", type=click.IntRange(min=1), help="Of the local engine; all processors without it.")
@click.option("--top", type=click.IntRange(min=1), help="Rows of a ranking that are shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: rankings, counts, rings.")
@click.option("-o", "--output-folder", "folder", metavar="DIR", help="Writes the tables into this folder.")
def run(
    config: Path,
    files: tuple[str, ...],
    engine: str,
    master: str | None,
    settings: tuple[str, ...],
    form: str,
    as_of: str | None,
    threads: int | None,
    top: int | None,
    as_json: bool,
    folder: str | None,
) -> None:
    """Score, decide, link and rank the records of FILES as CONFIG (creditcore.toml) says.

    Without FILES the records are `records.parquet` beside CONFIG. With `-o` the folder gets `scored.parquet`,
    `rankings.parquet`, and where there is a network `groups.parquet` (members of rings) and `rings.parquet`.
    Both engines give the same figures.
    """
    from creditcore.config.config import Config
    from creditcore.portfolio.line import instant

    read = Config.load(config)
    records = list(files) or [str(config.parent / "records.parquet")]
    when = instant(as_of, read)
    if engine == "local":
        from creditcore import line

        if master is not None or settings or form != "parquet":
            raise ArgumentError("`--master`, `--conf` and `--format` are of Spark; add `--engine spark`")
        if folder is not None:
            line.refuse_taken(folder)
        made = line.run(read, records, when, threads=threads)
        if folder is not None:
            line.write(made, folder)
        _tell(made, None if made.groups is None else len(made.groups), top, as_json)
        return
    from creditcore.spark import job
    from creditcore.spark.line import run as run_there

    if threads is not None:
        raise ArgumentError("`--threads` is of the local engine; say `--conf spark.task.cpus=N`")
    with job.session(master, _settings(settings)) as session:
        there = run_there(read, job.read(session, records, form), when)
        if folder is not None:
            job.write(there, folder)
        _tell(there, None if there.groups is None else there.groups.summary.count(), top, as_json)


def _tell(made: Line | SparkLine, rings: int | None, top: int | None, as_json: bool) -> None:
    from creditcore.cli.output import as_object, print_rankings

    told = made.population
    if as_json:
        counts = {"records": told.records, "used": told.used, "excluded": told.excluded}
        found: dict[str, Any] = {**as_object(made.rankings, top), "population": counts, "rings": rings}
        print(json.dumps(found, ensure_ascii=False))
        return
    print_rankings(made.rankings, top)
    causes = "".join(f", {cause} {count:,}" for cause, count in told.excluded.items())
    print(f"{told.records:,} records: used {told.used:,}{causes}", file=sys.stderr)
    if rings is not None:
        print(f"{rings:,} rings", file=sys.stderr)


def _settings(texts: tuple[str, ...]) -> dict[str, str]:
    """Read `spark.executor.memory=4g`, once for each setting."""
    for text in texts:
        if "=" not in text:
            raise ArgumentError(f"`--conf {text}`: write NAME=VALUE")
    return dict(text.split("=", 1) for text in texts)
