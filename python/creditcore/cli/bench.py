"""`creditcore bench`: measurements that anyone can repeat."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Measurements that anyone can repeat.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Measurements that anyone can repeat."""


@app.command("rank")
def rank(
    records: Annotated[
        int, typer.Option(min=1, help="Records; 300000000 is the published size.")
    ] = 20_000_000,
    codec: Annotated[
        str, typer.Option(help="Of the Parquet files: lz4, zstd, snappy, uncompressed.")
    ] = "zstd",
    runs: Annotated[int, typer.Option(min=1, help="Timed runs of each engine, in turn.")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each engine.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where to keep the files; else a temporary folder.")
    ] = None,
) -> None:
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
