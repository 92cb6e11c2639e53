"""`creditcore bench`: measurements that anyone can repeat."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

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


@bench.command("score")
@click.option(
    "--fleet",
    "kind",
    type=click.Choice(["lightgbm", "xgboost", "deep", "categorical", "demo"]),
    default="lightgbm",
    help="31 leaves; depth 6; 255 leaves at depth 12; with classes; the demo's.",
)
@click.option("--models", type=click.IntRange(min=1), default=200, help="Models to train.")
@click.option("--trees", type=click.IntRange(min=1), default=100, help="Trees of each.")
@click.option("--rows", type=click.IntRange(min=1), default=16_384, help="Records.")
@click.option("--runs", type=click.IntRange(min=1), default=5, help="Timed runs of each engine, in turn.")
@click.option(
    "--rivals", help="Names of the rivals to run, with commas; `none`; else all that are installed."
)
@click.option("--small/--no-small", default=True, help="Whether to time small batches too.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to keep the models; else a temporary folder."
)
def score(
    kind: str,
    models: int,
    trees: int,
    rows: int,
    runs: int,
    rivals: str | None,
    small: bool,
    threads: int | None,
    folder: Path | None,
) -> None:
    """Time a fleet of tree models against every other engine that is installed (extra `train`)."""
    from creditcore._core import instruction_set
    from creditcore.bench import score as measured
    from creditcore.bench.cases import DEMO, of_the_demo, trained

    threads = threads or len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="creditcore-bench-") as temporary:
        kept = folder or Path(temporary)
        print(f"making the {kind} fleet ...", file=sys.stderr)
        case = of_the_demo(kept, rows) if kind == DEMO else trained(kind, kept, models, trees, rows, threads)
        chosen = measured.named(measured.able(case.load()), rivals)
        print(f"{kind}: {len(case.files)} models, {rows:,} records, {threads} threads, {instruction_set()}")
        for line in measured.throughput(case, chosen, threads, runs):
            print(line, flush=True)
        if small:
            for line in measured.latency(case, chosen):
                print(line, flush=True)


@bench.command("groups")
@click.option("--people", type=click.IntRange(min=20_000), default=100_000, help="People of each graph.")
@click.option("--timing", type=click.Choice(["bursts", "waves", "none"]), default="bursts")
@click.option("--train", type=int, default=1, help="Seed of the graph whose rings are confirmed.")
@click.option("--test", type=int, default=2, help="Seed of the graph in which rings are looked for.")
def groups(people: int, timing: str, train: int, test: int) -> None:
    """Compare `creditcore groups` with every other method that is installed, on planted rings."""
    from creditcore.bench.rings import compare

    for line in compare(people, train, test, timing):
        print(line, flush=True)


@bench.command("tactics")
@click.option("--records", type=click.IntRange(min=1), default=1_000_000, help="Records, in memory.")
@click.option("--rules", "count", type=click.IntRange(min=1), default=1_000, help="Rules.")
@click.option("--predicates", type=click.IntRange(min=40), default=600, help="Distinct predicates.")
@click.option("--runs", type=click.IntRange(min=1), default=3, help="Timed runs of each engine, in turn.")
@click.option("--rivals", help="Of decide, polars, polars-streaming, duckdb, zen, with commas; or `none`.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.")
def tactics(
    records: int, count: int, predicates: int, runs: int, rivals: str | None, threads: int | None
) -> None:
    """Time rules over records against every other engine that is installed; answers are compared first."""
    threads = threads or len(os.sched_getaffinity(0))
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    from creditcore._core import instruction_set
    from creditcore.bench.tactics import chosen, compare

    asked = chosen(rivals)
    print(
        f"{records:,} records, {count:,} rules of {predicates:,} predicates, {threads} threads, "
        f"{instruction_set()}"
    )
    for line in compare(records, count, predicates, threads, runs, asked):
        print(line, flush=True)


@bench.command("refresh")
@click.option("--records", type=click.IntRange(min=1), default=2_000_000, help="Records of the portfolio.")
@click.option("--delta", "rows", type=click.IntRange(min=1), default=10_000, help="Rows of a delta.")
@click.option("--refreshes", type=click.IntRange(min=1), default=50, help="Refreshes that are timed.")
@click.option("--identifiers", type=click.IntRange(min=1), help="Link records by so many; with models.")
@click.option("--features", type=click.IntRange(min=5), default=16, help="Features of linked records.")
@click.option("--models", type=click.IntRange(min=1), default=20, help="Models; a tenth sees the network.")
@click.option("--trees", type=click.IntRange(min=1), default=100, help="Trees of a model.")
@click.option(
    "--compare/--no-compare",
    default=True,
    help="Hold the state at the end against one pass over all records, which has them all in memory.",
)
@click.option(
    "--compact-at",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Compact before a refresh where this share of rows was replaced; told apart. Else never.",
)
@click.option("--fail-over", help="Exit 3 where p99 of a whole refresh is over it: `3s`, `50ms`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the seconds of each refresh (SVG).")
@click.option("--rivals", default="none", help="Of duckdb, chdb, polars, with commas; or `none`.")
@click.option(
    "--rival-records",
    type=click.IntRange(min=1),
    default=10_000_000,
    help="Most records of the comparison with rivals.",
)
@click.option(
    "--rival-minutes", type=click.FloatRange(min=0), default=15, help="Minutes that each rival may take."
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to keep the portfolio; else a temporary folder."
)
def refresh(
    records: int,
    rows: int,
    refreshes: int,
    identifiers: int | None,
    features: int,
    models: int,
    trees: int,
    compare: bool,
    compact_at: float | None,
    fail_over: str | None,
    as_json: bool,
    plot: Path | None,
    rivals: str,
    rival_records: int,
    rival_minutes: float,
    folder: Path | None,
) -> None:
    """Time refreshes of a portfolio, stage by stage, beside the disk's own fdatasync.

    Records are narrow; with `--identifiers` they are linked, and models score them and their neighbours.
    """
    import json

    from creditcore._core import instruction_set
    from creditcore.bench import linked, upserts
    from creditcore.bench.refresh import drawn, lines, measure

    named = [] if rivals == "none" else rivals.split(",")
    if strange := [name for name in named if name not in upserts.RIVALS]:
        allowed = ", ".join(upserts.RIVALS)
        raise click.BadParameter(f"`{strange[0]}` is no rival; allowed are {allowed}", param_hint="--rivals")
    if named and identifiers is not None:
        raise click.BadParameter(
            "rivals renew narrow records; leave out --identifiers", param_hint="--rivals"
        )
    threads = len(os.sched_getaffinity(0))

    limit = None if fail_over is None else seconds_of(fail_over)
    with tempfile.TemporaryDirectory(prefix="creditcore-bench-") as temporary:
        kept = folder or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        compared: dict[str, Any] = {}
        if named:
            # First, while nothing of the portfolio is in memory.
            count, runs = min(records, rival_records), min(refreshes, 10)
            able = upserts.able(named)
            found = upserts.compare(kept, count, rows, runs, able, threads, rival_minutes)
            compared = {"rivals": found, "rival_records": count}
        if identifiers is None:
            told = measure(kept, records, rows, refreshes, compare=compare, compact_at=compact_at)
        else:
            size = linked.Size(records, identifiers, features, models, trees)
            told = linked.measure(kept, size, rows, refreshes, compare=compare, compact_at=compact_at)
        told |= compared
    told |= {"threads": threads, "isa": instruction_set()}
    if plot is not None:
        plot.write_text(drawn(told), encoding="utf-8")
    if as_json:
        print(json.dumps(told))
    else:
        print(f"{told['records']:,} records, deltas of {rows:,}, {told['threads']} threads, {told['isa']}")
        for line in [*lines(told), *(() if identifiers is None else linked.lines(told))]:
            print(line)
    over = limit is not None and told["stages"]["total"]["p99"] > limit
    if over or told["equal"] is False:
        sys.exit(3)


def seconds_of(text: str) -> float:
    """Read a duration such as `3s` or `50ms`."""
    import re

    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text.strip())
    if found is None:
        raise click.BadParameter(f"`{text}` is no duration; write `3s` or `50ms`", param_hint="--fail-over")
    return float(found[1]) if found[2] == "s" else float(f"{found[1]}e-3")
