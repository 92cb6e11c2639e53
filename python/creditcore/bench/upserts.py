"""What others take for a delta: upserts and the weighted means after them, at the size of a portfolio.

Comes in: records, deltas, names of rivals. Goes out: seconds by rival, of one run with creditcore's own. Each
takes the same deltas in the same order, and its means are compared with the portfolio's at the end. One that
needs more memory or time than there is ends by itself, and that is told.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from creditcore.bench import refresh
from creditcore.portfolio.portfolio import Portfolio

Means = dict[int, float]
SCHEMA = "key {0}, version {1}, region {2}, weight {3}, points {4}"


def _parts(count: int) -> Iterator[pl.DataFrame]:
    for start in range(0, count, refresh.PART):
        yield refresh.records(np.arange(start, min(start + refresh.PART, count)), 1, start)


class DuckDB:
    """A table with a primary key, upserts, one query."""

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Take in all records."""
        import duckdb

        # Less than what the machine has: it would be ended by the system otherwise.
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 7 // 10
        config: dict[str, Any] = {"threads": threads, "memory_limit": f"{most >> 20}MiB"}
        self._base = duckdb.connect(str(folder / "rival.duckdb"), config=config)
        kinds = SCHEMA.format("BIGINT PRIMARY KEY", "UINTEGER", "USMALLINT", "USMALLINT", "FLOAT")
        self._base.execute(f"CREATE TABLE held ({kinds})")
        for part in _parts(count):
            self._base.register("part", part.to_arrow())
            self._base.execute("INSERT INTO held SELECT * FROM part")

    def renew(self, delta: pl.DataFrame) -> Means:
        """Upsert, and give the means."""
        self._base.register("delta", delta.to_arrow())
        self._base.execute("INSERT OR REPLACE INTO held SELECT * FROM delta")
        query = "SELECT region, sum(points::DOUBLE * weight) / sum(weight::DOUBLE) FROM held GROUP BY region"
        return dict(self._base.execute(query).fetchall())


class ClickHouse:
    """A table that keeps the newest row of each key, read with `FINAL`."""

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Take in all records."""
        from chdb.session import Session

        self._folder, self._base = folder, Session(str(folder / "rival.chdb"))
        self._query(f"SET max_threads = {threads}")
        self._query("CREATE DATABASE kept")
        kinds = SCHEMA.format("Int64", "UInt32", "UInt16", "UInt16", "Float32")
        self._query(f"CREATE TABLE kept.held ({kinds}) ENGINE = ReplacingMergeTree(version) ORDER BY key")
        for part in _parts(count):
            self._insert(part)

    def _query(self, text: str) -> str:
        return str(self._base.query(text, "CSV"))

    def _insert(self, rows: pl.DataFrame) -> None:
        file = self._folder / "delta.arrow"
        rows.write_ipc(file, compression="uncompressed")
        self._query(f"INSERT INTO kept.held SELECT * FROM file('{file}', 'Arrow')")

    def renew(self, delta: pl.DataFrame) -> Means:
        """Insert, and give the means of the newest rows."""
        self._insert(delta)
        query = (
            "SELECT region, sum(toFloat64(points) * weight) / sum(toFloat64(weight)) FROM kept.held FINAL "
        )
        lines = self._query(query + "GROUP BY region").split()
        return {int(region): float(mean) for region, mean in (line.split(",") for line in lines)}


class Polars:
    """All records in memory, aggregated anew; the upsert is not timed, as polars has none by key."""

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Take in all records."""
        self._rows = pl.concat(_parts(count))

    def take(self, delta: pl.DataFrame) -> None:
        """Bring the rows to a delta."""
        kept = self._rows.join(delta.select("key"), on="key", how="anti")
        self._rows = pl.concat([kept, delta])

    def renew(self, delta: pl.DataFrame) -> Means:
        """Give the means."""
        points, weight = pl.col("points").cast(pl.Float64), pl.col("weight").cast(pl.Float64)
        means = self._rows.lazy().group_by("region").agg((points * weight).sum() / weight.sum())
        return dict(means.collect(engine="streaming").rows())


class Own:
    """The portfolio; what it acknowledges is on the disk, as with DuckDB."""

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Take in all records."""
        refresh.make(folder / "state", count)
        self._portfolio = Portfolio.open(folder / "state", "write")

    def renew(self, delta: pl.DataFrame) -> Means:
        """Refresh, and give the means."""
        self._portfolio.refresh(delta)
        return {int(row["code"]): row["mean"] for row in self._portfolio.ranking("region").rows()}


OWN = "creditcore"
RIVALS: dict[str, Callable[[Path, int, int], Any]] = {"duckdb": DuckDB, "chdb": ClickHouse, "polars": Polars}
MINUTES = 15
"""How long one of them may take for everything."""


def able(names: list[str]) -> list[str]:
    """Give those of the names that are installed."""
    return [name for name in names if importlib.util.find_spec(name) is not None]


def compare(
    folder: Path, count: int, rows: int, runs: int, names: list[str], threads: int, minutes: float = MINUTES
) -> dict[str, dict[str, Any]]:
    """Time creditcore and rivals on the same deltas, each in a process of its own, one after the other.

    Returns:
        By name `p50` (seconds; the first delta is not counted), `load` (seconds until all records are in),
        `peak` (bytes of memory, clean pages of files among them) and `equal`: whether every mean is
        creditcore's to one part in 10^9. Of one that did not come to the end `failed`: why.
    """
    told: dict[str, dict[str, Any]] = {}
    wanted: Means = {}
    for name in [OWN, *names]:
        place = folder / "rivals"
        # What a run that was ended has left.
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        command = [sys.executable, "-m", __name__, str(place), *map(str, (count, rows, runs, threads)), name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60 * minutes, check=True)
        except subprocess.TimeoutExpired:
            told[name] = {"failed": f"more than {minutes:g} minutes"}
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1]
            told[name] = {"failed": last}
        else:
            found = json.loads(done.stdout.splitlines()[-1])
            means = {int(region): mean for region, mean in found.pop("means").items()}
            wanted = wanted or means
            same = wanted.keys() == means.keys() and all(
                abs(means[region] - mean) <= 1e-9 * abs(mean) for region, mean in wanted.items()
            )
            told[name] = {**found, "equal": same}
        finally:
            shutil.rmtree(place)
        print(f"{name}: {told[name]}", file=sys.stderr, flush=True)
    return told


def alone(place: Path, count: int, rows: int, runs: int, threads: int, name: str) -> dict[str, Any]:
    """Time one of them: `p50`, `load`, `peak` as in `compare`, and `means` at the end."""
    began = time.perf_counter()
    rival = {OWN: Own, **RIVALS}[name](place, count, threads)
    load, took = time.perf_counter() - began, []
    means: Means = {}
    for delta in refresh.deltas(count, rows, runs + 1, 7):
        if isinstance(rival, Polars):
            rival.take(delta)
        start = time.perf_counter()
        means = rival.renew(delta)
        took.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"p50": float(np.median(took[1:])), "load": load, "peak": peak, "means": means}


if __name__ == "__main__":
    folder, count, rows, runs, threads, name = sys.argv[1:]
    print(json.dumps(alone(Path(folder), int(count), int(rows), int(runs), int(threads), name)))
