"""`creditcore rank`: rank regions or groups of records in files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from creditcore.cli.measures import detail_options, measure_arguments, measure_options
from creditcore.cli.options import names_of, numbers_of, progress_to_stderr
from creditcore.cli.output import print_json, print_left_out, print_rankings, write_rankings
from creditcore.errors import ArgumentError


@click.command
@click.argument("files", nargs=-1, required=True)
@click.option("--by", default="city", help="Levels, families or columns, split at commas.")
@measure_options
@detail_options
@click.option("--quantiles", metavar="P,P", help="Columns of weighted quantiles: 0.1,0.5,0.9.")
@click.option(
    "--grades", type=click.Path(path_type=Path), help="Columns of shares: a TOML file, name = score."
)
@click.option("--min-n", type=click.IntRange(min=1), default=1, help="Units from which a row gets a rank.")
@click.option("--publish", metavar="RULES", help="Hide what may not be published: default, or a TOML file.")
@click.option("--top", type=click.IntRange(min=1), help="Only the first rows, in files too.")
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
    min_n: int,
    publish: str | None,
    top: int | None,
    output: Path | None,
    bom: bool,
    models: Path | None,
    strict: bool,
    as_json: bool,
    show_sql: bool,
    **given: Any,
) -> int:
    """Rank regions or groups of records in FILES by an exact weighted mean, share or ratio.

    FILES are Parquet, CSV (.gz too) or Arrow IPC: files, globs, folders.
    """
    from creditcore.ranking.of_records import rank as rank_records

    names = names_of(by)
    given = measure_arguments(given)
    given["quantiles"] = numbers_of("--quantiles", given["quantiles"])
    if show_sql:
        return _show_sql(files, names, min_n, publish, given)
    with progress_to_stderr() as progress:
        rankings = rank_records(list(files), names, min_n=min_n, publish=publish, progress=progress, **given)
    if models is not None:
        from creditcore.pipeline.pipeline import Pipeline

        for warning in Pipeline.load(models).input_warnings([*names, given["weight"] or ""]):
            print(f"creditcore: warning: {warning}", file=sys.stderr)
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


def _show_sql(
    files: tuple[str, ...], names: list[str], min_n: int, publish: str | None, given: dict[str, Any]
) -> int:
    from creditcore.aggregation import aggregate

    if publish is not None:
        raise ArgumentError(
            "`--show-sql` gives the query of every figure, hidden ones too; leave `--publish` out"
        )
    for name in ("margins", "cluster", "quantiles", "grades"):
        if given.pop(name) is not None:
            raise ArgumentError(f"`--show-sql` has no words for `--{name}`; leave one of them out")
    sums = aggregate(list(files), names, **given)
    for name in names:
        print(sums.duckdb_query(list(files), name, min_n, encoding=given["encoding"]))
    return 0
