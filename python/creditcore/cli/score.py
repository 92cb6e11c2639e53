"""`creditcore score`: the outputs of models and the scores of records in files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from creditcore.cli.options import progress_to_stderr


@click.command
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--models", required=True, type=click.Path(path_type=Path), help="A folder of models, or one file."
)
@click.option(
    "--policy", type=click.Path(path_type=Path), help="Rules; policy.yaml in the folder without it."
)
@click.option("--as-of", metavar="DAY", help="The day of the decisions; today (UTC) without it.")
@click.option(
    "-o",
    "--output-file",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    help="A .parquet or .csv file.",
)
@click.option(
    "--output", type=click.Choice(["raw", "probability"]), help="Add the output of every model, as this."
)
@click.option(
    "--precision",
    type=click.Choice(["exact", "fast"]),
    default="exact",
    help="exact gives the training library's own bits; fast allows an engine that does not.",
)
@click.option(
    "--keep", metavar="COLS", help="Columns of the records to keep, split at commas; all without it."
)
@click.option("--text", metavar="COL", multiple=True, help="A column of CSV that stays text.")
@click.option("--encoding", help="Of CSV text: utf-8, gb18030.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads; one for each processor without it.")
def score(
    files: tuple[Path, ...],
    models: Path,
    policy: Path | None,
    as_of: str | None,
    path: Path,
    output: str | None,
    precision: str,
    keep: str | None,
    text: tuple[str, ...],
    encoding: str | None,
    threads: int | None,
) -> None:
    """Score the records of FILES (Parquet, CSV, Arrow IPC), and decide them where there are rules.

    The folder's fleet.toml, schema.yaml and blend.toml say which models there are, how their features come
    about and how their outputs become fraud_p, pd and points. Without them, the raw outputs are written. The
    rules of policy.yaml in the folder, or of --policy, may use all of these: they add decision, rules,
    reasons, and their effects move points_final.
    """
    from creditcore.pipeline.pipeline import Pipeline

    kept = None if keep is None else [name.strip() for name in keep.split(",") if name.strip()]
    pipeline = Pipeline.load(models, policy, threads=threads)
    with progress_to_stderr() as progress:
        written = pipeline.write(
            [str(file) for file in files],
            path,
            output,
            precision,
            keep=kept,
            text=text,
            encoding=encoding,
            as_of=as_of,
            threads=threads,
            progress=progress,
        )
    nulls = ", ".join(f"{name} null in {count:,}" for name, count in written.without.items())
    told = f"{written.records:,} records scored by {pipeline!r} into {path}"
    print(f"{told} ({nulls})" if nulls else told, file=sys.stderr)
    if pipeline.policy is not None:
        decided = ", ".join(f"{name} {count:,}" for name, count in written.decisions.items())
        print(f"decided by {pipeline.policy!r}: {decided}", file=sys.stderr)
