"""`creditcore rank`: rank regions or groups of records in files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from creditcore.cli.options import parse_bands, parse_ratio, progress_to_stderr
from creditcore.cli.output import print_json, print_left_out, print_rankings, write_rankings
from creditcore.errors import ArgumentError


@click.command
@click.argument("files", nargs=-1, required=True)
@click.option("--by", default="city", help="Levels, families or columns, split at commas.")
@click.option("--score", metavar="COL", help="The column to average (points_model without it).")
@click.option("--weight", metavar="COL", help="The column of weights.")
@click.option("--region", metavar="COL", help="The column of region codes or names.")
@click.option("--unit", metavar="COL", help="The column of what a statistic counts.")
@click.option(
    "--pick",
    type=click.Choice(["latest", "first", "mean", "sum"]),
    default="latest",
    help="Which record of a unit counts.",
)
@click.option("--time", metavar="COL", default="event_time", help="The column of times that --pick goes by.")
@click.option("--kind", help="The kind to keep (column `kind`), or all.")
@click.option("--bands", multiple=True, metavar="COL=EDGES", help="Bands of a numeric column: AGE=30,40,50.")
@click.option("--share-above", type=float, help="Rank the share above this cut-off.")
@click.option("--ratio", metavar="NUM/DEN", help="Rank the ratio of two columns.")
@click.option("--regions", default="china", help="china, none, or a CSV file.")
@click.option("--min-n", type=click.IntRange(min=1), default=1, help="Units from which a row gets a rank.")
@click.option("--publish", metavar="RULES", help="Hide what may not be published: default, or a TOML file.")
@click.option("--top", type=click.IntRange(min=1), help="Only the first rows, in files too.")
@click.option("--encoding", help="Of CSV text: utf-8, gb18030.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; one for each processor without it.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .csv, .parquet or .json file.")
@click.option("--bom", is_flag=True, help="Start a CSV file with a byte order mark, for Excel.")
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    help="The models behind the score: warn of groupings and weights that are their inputs.",
)
@click.option("--strict", is_flag=True, help="Fail where any record was left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--show-sql", is_flag=True, help="Print the DuckDB query that gives every figure.")
def rank(
    files: tuple[str, ...],
    by: str,
    score: str | None,
    weight: str | None,
    region: str | None,
    unit: str | None,
    pick: str,
    time: str,
    kind: str | None,
    bands: tuple[str, ...],
    share_above: float | None,
    ratio: str | None,
    regions: str,
    min_n: int,
    publish: str | None,
    top: int | None,
    encoding: str | None,
    threads: int | None,
    output: Path | None,
    bom: bool,
    models: Path | None,
    strict: bool,
    as_json: bool,
    show_sql: bool,
) -> int:
    """Rank regions or groups of records in FILES by an exact weighted mean, share or ratio.

    FILES are Parquet, CSV (.gz too) or Arrow IPC: files, globs, folders.
    """
    from creditcore.aggregation import aggregate
    from creditcore.ranking import publishing

    rules = publishing.load(publish)
    if rules is not None and show_sql:
        raise ArgumentError(
            "`--show-sql` gives the query of every figure, hidden ones too; leave `--publish` out"
        )
    names = [name.strip() for name in by.split(",") if name.strip()]
    with progress_to_stderr() as progress:
        sums = aggregate(
            list(files),
            names,
            score if score or ratio else "points_model",
            weight,
            region=region,
            unit=unit,
            pick=pick,
            time=time,
            kind=kind,
            regions=regions,
            share_above=share_above,
            ratio=parse_ratio(ratio),
            bands=parse_bands(bands),
            largest_weights=rules is not None and rules.dominance is not None,
            encoding=encoding,
            threads=threads,
            progress=progress,
        )
    rankings = {name: sums.rank(name, min_n, rules) for name in names}
    if models is not None:
        from creditcore.pipeline.pipeline import Pipeline

        for warning in Pipeline.load(models).input_warnings([*names, weight or ""]):
            print(f"creditcore: warning: {warning}", file=sys.stderr)
    if show_sql:
        for name in names:
            print(sums.duckdb_query(list(files), name, min_n, encoding=encoding))
        return 0
    if output is not None:
        write_rankings(rankings, output, top=top, bom=bom)
        print_left_out(next(iter(rankings.values())))
    if as_json:
        print_json(rankings, top=top)
    elif output is None:
        print_rankings(rankings, top=top)
    if strict and any(ranking.excluded for ranking in rankings.values()):
        causes = {cause: n for ranking in rankings.values() for cause, n in ranking.excluded.items()}
        listed = ", ".join(f"{cause} {n:,}" for cause, n in causes.items())
        print(f"creditcore: --strict: records were left out ({listed}); mend or filter them", file=sys.stderr)
        return 1
    return 0
