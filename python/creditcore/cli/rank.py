"""`creditcore rank`: rank regions or groups of records in files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from creditcore.cli.options import parse_bands, parse_ratio, progress_to_stderr
from creditcore.cli.output import print_json, print_rankings, write_rankings


def rank(
    files: Annotated[
        list[str], typer.Argument(help="Parquet, CSV (.gz too) or Arrow IPC: files, globs, folders.")
    ],
    by: Annotated[str, typer.Option(help="Levels, families or columns, split at commas.")] = "city",
    score: Annotated[str | None, typer.Option(help="The column to average.")] = None,
    weight: Annotated[str | None, typer.Option(help="The column of weights.")] = None,
    region: Annotated[str | None, typer.Option(help="The column of region codes or names.")] = None,
    unit: Annotated[str | None, typer.Option(help="The column of what a statistic counts.")] = None,
    pick: Annotated[
        str, typer.Option(help="Which record of a unit counts: latest, first, mean, sum.")
    ] = "latest",
    time: Annotated[str, typer.Option(help="The column of times that --pick goes by.")] = "event_time",
    kind: Annotated[str | None, typer.Option(help="The kind to keep (column `kind`), or all.")] = None,
    bands: Annotated[list[str] | None, typer.Option(help="Bands of a numeric column: AGE=30,40,50.")] = None,
    share_above: Annotated[float | None, typer.Option(help="Rank the share above this cut-off.")] = None,
    ratio: Annotated[str | None, typer.Option(help="Rank the ratio of two columns: NUM/DEN.")] = None,
    regions: Annotated[str, typer.Option(help="china, none, or a CSV file.")] = "china",
    min_n: Annotated[int, typer.Option(min=1, help="Units from which a row gets a rank.")] = 1,
    top: Annotated[int | None, typer.Option(min=1, help="Show only the first rows.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of CSV text: utf-8, gb18030.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads; one for each processor by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A .csv, .parquet or .json file.")
    ] = None,
    bom: Annotated[bool, typer.Option(help="Start a CSV file with a byte order mark, for Excel.")] = False,
    strict: Annotated[bool, typer.Option(help="Fail where any record was left out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    show_sql: Annotated[bool, typer.Option(help="Print the DuckDB query that gives every figure.")] = False,
) -> int:
    """Rank regions or groups by an exact weighted mean, share or ratio."""
    from creditcore.aggregation import aggregate

    names = [name.strip() for name in by.split(",") if name.strip()]
    with progress_to_stderr() as progress:
        sums = aggregate(
            files,
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
            bands=parse_bands(bands or []),
            encoding=encoding,
            threads=threads,
            progress=progress,
        )
    rankings = {name: sums.rank(name, min_n) for name in names}
    if show_sql:
        for name in names:
            print(sums.duckdb_query(files, name, min_n))
        return 0
    if output is not None:
        write_rankings(rankings, output, top=top, bom=bom)
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
