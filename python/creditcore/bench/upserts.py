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


STRETCH = 1 << 20
"""Rows of the columns that polars reads which are compared with a delta at a time."""


def _parts(count: int) -> Iterator[pl.DataFrame]:
    for start in range(0, count, refresh.PART):
        yield refresh.records(np.arange(start, min(start + refresh.PART, count)), 1, start)


class DuckDB:
    """A table without a key, a delta as a join that deletes and an insertion in one transaction, one query.

    The quickest form that was measured (benches/README.md): `INSERT OR REPLACE` with a primary key, whose
    index is most of the time of loading, `MERGE INTO`, `UPDATE` with an insertion, and the table written anew
    take two to four times as long. What is committed is on the disk, in the log beside the file.
    """

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Make the table."""
        import duckdb

        # Less than what the machine has: it would be ended by the system otherwise.
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 7 // 10
        config: dict[str, Any] = {"threads": threads, "memory_limit": f"{most >> 20}MiB"}
        self._base = duckdb.connect(str(folder / "rival.duckdb"), config=config)
        kinds = SCHEMA.format("BIGINT", "UINTEGER", "USMALLINT", "USMALLINT", "FLOAT")
        self._base.execute(f"CREATE TABLE held ({kinds})")

    def add(self, part: pl.DataFrame) -> None:
        """Take in records that are new."""
        self._base.register("part", part.to_arrow())
        self._base.execute("INSERT INTO held SELECT * FROM part")
        self._base.unregister("part")

    def ready(self) -> None:
        """End the load, durably."""
        self._base.execute("CHECKPOINT")

    def renew(self, delta: pl.DataFrame) -> Means:
        """Upsert, and give the means."""
        self._base.register("delta", delta.to_arrow())
        for step in (
            "BEGIN",
            "DELETE FROM held USING delta WHERE held.key = delta.key",
            "INSERT INTO held SELECT * FROM delta",
            "COMMIT",
        ):
            self._base.execute(step)
        query = "SELECT region, sum(points::DOUBLE * weight) / sum(weight::DOUBLE) FROM held GROUP BY region"
        return dict(self._base.execute(query).fetchall())


class ClickHouse:
    """A table that keeps the newest row of each key, read with `FINAL`.

    Measured as well (benches/README.md), and no quicker: parts by the first bits of the key that are not
    merged across; `DELETE` and an insertion into a plain `MergeTree` without `FINAL`.
    """

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Make the table."""
        from chdb.session import Session

        self._folder, self._base = folder, Session(str(folder / "rival.chdb"))
        self._query(f"SET max_threads = {threads}")
        self._query(f"SET max_insert_threads = {threads}")
        self._query("CREATE DATABASE kept")
        kinds = SCHEMA.format("Int64", "UInt32", "UInt16", "UInt16", "Float32")
        self._query(f"CREATE TABLE kept.held ({kinds}) ENGINE = ReplacingMergeTree(version) ORDER BY key")

    def _query(self, text: str) -> str:
        return str(self._base.query(text, "CSV"))

    def add(self, rows: pl.DataFrame) -> None:
        """Take in records."""
        file = self._folder / "delta.arrow"
        rows.write_ipc(file, compression="uncompressed")
        self._query(f"INSERT INTO kept.held SELECT * FROM file('{file}', 'Arrow')")

    def ready(self) -> None:
        """Nothing is left to be done: parts are merged beside the queries."""

    def renew(self, delta: pl.DataFrame) -> Means:
        """Insert, and give the means of the newest rows."""
        self.add(delta)
        query = (
            "SELECT region, sum(toFloat64(points) * weight) / sum(toFloat64(weight)) FROM kept.held FINAL "
        )
        lines = self._query(query + "GROUP BY region").split()
        return {int(region): float(mean) for region, mean in (line.split(",") for line in lines)}


class Polars:
    """All records in memory, aggregated anew; the upsert is not timed, as polars has none by key.

    Columns are made in their whole length once, and a delta is written into them in place, so that there is
    never a second copy of them.
    """

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Make the columns."""
        self._columns: dict[str, np.ndarray[Any, Any]] = {}
        self._used, self._room = 0, count + count // 8 + 1

    def add(self, part: pl.DataFrame) -> None:
        """Take in records that are new."""
        end = self._used + len(part)
        for column in part.iter_columns():
            values = column.to_numpy()
            if column.name not in self._columns:
                self._columns[column.name] = np.empty(max(self._room, end), dtype=values.dtype)
            elif end > len(self._columns[column.name]):
                self._columns[column.name].resize(end + end // 8, refcheck=False)
            self._columns[column.name][self._used : end] = values
        self._used = end

    def ready(self) -> None:
        """Nothing is left to be done."""

    def take(self, delta: pl.DataFrame) -> None:
        """Bring the columns to a delta."""
        wanted = delta.sort("key")
        keys = wanted["key"].to_numpy()
        new = np.ones(len(keys), dtype=bool)
        for start in range(0, self._used, STRETCH):
            held = self._columns["key"][start : min(start + STRETCH, self._used)]
            at = np.minimum(np.searchsorted(keys, held), len(keys) - 1)
            rows = np.flatnonzero(keys[at] == held)
            for name, column in self._columns.items():
                column[start + rows] = wanted[name].to_numpy()[at[rows]]
            new[at[rows]] = False
        self.add(wanted.filter(pl.Series(new)))

    def renew(self, delta: pl.DataFrame) -> Means:
        """Give the means."""
        # Without a copy.
        rows = pl.DataFrame({name: column[: self._used] for name, column in self._columns.items()})
        points, weight = pl.col("points").cast(pl.Float64), pl.col("weight").cast(pl.Float64)
        means = rows.lazy().group_by("region").agg((points * weight).sum() / weight.sum())
        return dict(means.collect(engine="streaming").rows())


class Own:
    """The portfolio; what it acknowledges is on the disk, as with DuckDB."""

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Make the portfolio."""
        self._folder = folder / "state"
        self._portfolio = Portfolio.create(self._folder, refresh.CONFIG)

    def add(self, part: pl.DataFrame) -> None:
        """Take in records that are new."""
        self._portfolio.ingest(part)

    def ready(self) -> None:
        """Open it as who refreshes it does."""
        self._portfolio.close()
        self._portfolio = Portfolio.open(self._folder, "write")

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
        By name `p50` (seconds; the first delta is not counted), `load` (seconds to take in all records,
        without making them), `peak` (bytes of memory, clean pages of files among them) and `equal`: whether
        every mean is creditcore's to one part in 10^9. Of one that did not come to the end `failed`: why.
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
    rival = {OWN: Own, **RIVALS}[name](place, count, threads)
    load, took = 0.0, []
    for part in _parts(count):
        # Making the records is nobody's work.
        start = time.perf_counter()
        rival.add(part)
        load += time.perf_counter() - start
    start = time.perf_counter()
    rival.ready()
    load += time.perf_counter() - start
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
