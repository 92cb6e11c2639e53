"""`creditcore bench`: measurements that anyone can repeat."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click


@click.group
def bench() -> None:
    """Run measurements that anyone can repeat."""


@bench.command("rank")
@click.option(
    "--records",
    type=click.IntRange(min=1),
    default=20_000_000,
    help="Records; 300000000 is the published size.",
)
@click.option(
    "--codec",
    type=click.Choice(["lz4", "zstd", "snappy", "uncompressed"]),
    default="zstd",
    help="Of the Parquet files.",
)
@click.option("--runs", type=click.IntRange(min=1), default=5, help="Timed runs of each engine, in turn.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to keep the files; else a temporary folder."
)
def rank(records: int, codec: str, runs: int, threads: int | None, folder: Path | None) -> None:
    """Time `creditcore rank` against every other engine that is installed, as whole processes."""
    from creditcore._core import instruction_set
    from creditcore.bench.rank import compare, describe, write_files_apart

    threads = threads or len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="creditcore-bench-") as temporary:
        files = folder or Path(temporary)
        if not any(files.glob("*.parquet")):
            print(f"writing {records:,} records ({codec}) ...", file=sys.stderr)
            write_files_apart(files, records, codec)
        print(f"{records:,} records, {codec}, {describe(files)}, {threads} threads, {instruction_set()}")
        for line in compare(files, threads, runs):
            print(line, flush=True)
