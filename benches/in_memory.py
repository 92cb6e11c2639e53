"""In-memory aggregation against other engines, run in turn: `python benches/in_memory.py --records 20000000`.

Comes in: a number of records and threads. Goes out: median seconds of each engine on the same columns. The
answers are compared first. Rivals compute the weighted mean alone; creditcore exact sums for the mean, its
standard error, the plain mean and the variance, ranked. Not timed on any side: the answer as a dict, and
creditcore's simultaneous rank intervals, whose cost has nothing to do with the records (it is printed).
ClickHouse reads a table of its own, made beforehand.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import polars as pl

import creditcore as cc
from creditcore._core import instruction_set

CITIES = 340
QUERY = "SELECT city, sum(CAST(score AS DOUBLE) * weight) / sum(CAST(weight AS DOUBLE)) FROM t GROUP BY city"
Means = dict[int, float]
Engine = tuple[Callable[[], Any], Callable[[Any], Means]]
"""What is timed, and how its answer becomes the mean of each city."""


def columns(kind: str, records: int) -> dict[str, Any]:
    """City by Zipf over 340, score in tenths of points, weight in eighths; narrow integers or floats."""
    rng = np.random.default_rng(1)
    shares = 1 / np.arange(1, CITIES + 1)
    edges = np.cumsum(shares / shares.sum())
    of_draw = np.searchsorted(edges, (np.arange(65_536) + 0.5) / 65_536).astype(np.uint16)
    city = of_draw[rng.integers(0, 65_536, records, dtype=np.uint16)]
    score = rng.integers(3_000, 8_500, records, dtype=np.uint16)
    weight = rng.integers(1, 200, records, dtype=np.uint8)
    if kind == "clustered":
        city = np.sort(city)
    if kind in ("f32", "f64"):
        floats = np.float32 if kind == "f32" else np.float64
        return {"city": city, "score": (score / 10).astype(floats), "weight": (weight / 8).astype(floats)}
    return {"city": city, "score": score, "weight": weight}


def engines(data: dict[str, Any], threads: int) -> dict[str, Engine]:
    """Give each engine that is installed."""
    frame = pl.DataFrame(data)
    arrow = frame.to_arrow()

    def ours() -> Any:
        return cc.rank(frame, "city", "score", "weight", regions="none", threads=threads)

    def polars() -> Any:
        x, w = pl.col("score").cast(pl.Float64), pl.col("weight").cast(pl.Float64)
        grouped = frame.lazy().group_by("city").agg((x * w).sum() / w.sum())
        return grouped.collect(engine="streaming")

    found: dict[str, Engine] = {
        "creditcore": (ours, lambda ranking: {int(row["code"]): row["mean"] for row in ranking.rows()}),
        "polars": (polars, lambda grouped: dict(grouped.rows())),
    }
    if find_spec("duckdb"):
        import duckdb

        connection = duckdb.connect()
        connection.execute(f"SET threads = {threads}")
        connection.execute("CREATE TABLE t AS SELECT * FROM arrow")
        found["duckdb"] = (lambda: connection.execute(QUERY).fetchall(), dict)
    if find_spec("datafusion"):
        import datafusion

        context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(threads))
        context.register_record_batches("t", [arrow.to_batches(max_chunksize=1 << 16)])
        found["datafusion"] = (
            lambda: context.sql(QUERY).to_pydict(),
            lambda columns: dict(zip(*columns.values(), strict=True)),
        )
    if find_spec("chdb"):
        found["chdb"] = clickhouse(arrow, data, threads)
    return found


@cache
def clickhouse_session() -> Any:
    """The one session that a process may have."""
    import chdb.session

    make: Any = chdb.session.Session
    return make(tempfile.mkdtemp(prefix="creditcore-bench-"))


def clickhouse(arrow: Any, data: dict[str, Any], threads: int) -> Engine:
    """ClickHouse with its own weighted mean over a table in memory."""
    session = clickhouse_session()
    types = {"uint8": "UInt8", "uint16": "UInt16", "float32": "Float32", "float64": "Float64"}
    named = ", ".join(f"{name} {types[str(values.dtype)]}" for name, values in data.items())
    session.query("CREATE DATABASE IF NOT EXISTS b")
    session.query("DROP TABLE IF EXISTS b.t")
    session.query(f"CREATE TABLE b.t ({named}) ENGINE = Memory")
    session.query("INSERT INTO b.t SELECT * FROM Python(arrow)")
    query = f"SELECT city, avgWeighted(score, weight) FROM b.t GROUP BY city SETTINGS max_threads = {threads}"

    def means(answer: Any) -> Means:
        lines = str(answer).split()
        return {int(city): float(mean) for city, mean in (line.split(",") for line in lines)}

    return lambda: session.query(query, "CSV"), means


def read_all(data: dict[str, Any]) -> float:
    """Seconds of one thread for reading the same bytes."""
    start = time.perf_counter()
    for values in data.values():
        np.bitwise_or.reduce(values.view(np.uint8)[: len(values.view(np.uint8)) // 8 * 8].view(np.uint64))
    return time.perf_counter() - start


def main() -> None:
    """Run every kind of columns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000_000)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kinds", default="narrow,f32,f64,clustered")
    options = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)
    print(f"{options.records:,} records, {options.threads} threads, {instruction_set()}, {options.runs} runs")
    for kind in options.kinds.split(","):
        data = columns(kind, options.records)
        found = engines(data, options.threads)
        answers = {name: means(run()) for name, (run, means) in found.items()}
        for name, means in answers.items():
            worst = max(abs(means[city] / mean - 1) for city, mean in answers["creditcore"].items())
            assert worst < 1e-9, (name, worst)
        seconds: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(options.runs):
            for name, (run, _) in found.items():
                start = time.perf_counter()
                ranked = run()
                seconds[name].append(time.perf_counter() - start)
                if name == "creditcore":
                    start = time.perf_counter()
                    ranked.rows()
                    intervals = time.perf_counter() - start
        ours = statistics.median(seconds["creditcore"])
        print(f"{kind}: a plain read by one thread {read_all(data):.3f} s; rank intervals {intervals:.3f} s")
        for name, times in seconds.items():
            median = statistics.median(times)
            print(f"  {name:<12}{median:>8.4f} s   x{median / ours:.2f}")


if __name__ == "__main__":
    main()
