"""What others take for a delta: upserts and the weighted means after them, at the size of a portfolio.

Comes in: records, deltas, names of rivals. Goes out: seconds by rival, of one run with creditcore's own. Each
takes the same deltas in the same order, and its means are compared with the portfolio's at the end.
"""

from __future__ import annotations

import importlib.util
import shutil
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

        self._base = duckdb.connect(str(folder / "rival.duckdb"), config={"threads": threads})
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


RIVALS: dict[str, Callable[[Path, int, int], Any]] = {"duckdb": DuckDB, "chdb": ClickHouse, "polars": Polars}


def able(names: list[str]) -> list[str]:
    """Give those of the names that are installed."""
    return [name for name in names if importlib.util.find_spec(name) is not None]


def compare(
    folder: Path, count: int, rows: int, runs: int, names: list[str], threads: int
) -> dict[str, dict[str, Any]]:
    """Time creditcore and rivals on the same deltas; the first one of each is not counted.

    Returns:
        By name `p50` (seconds) and `equal`: whether every mean is creditcore's to one part in 10^9.
    """
    place = folder / "rivals"
    place.mkdir()
    try:
        refresh.make(place / "state", count)
        deltas = list(refresh.deltas(count, rows, runs + 1, 7))
        told: dict[str, dict[str, Any]] = {}
        with Portfolio.open(place / "state", "write") as portfolio:
            took = [portfolio.refresh(delta).total for delta in deltas]
            found = portfolio.ranking("region").rows()
        wanted = {int(row["code"]): row["mean"] for row in found}
        told["creditcore"] = {"p50": float(np.median(took[1:])), "equal": True}
        for name in names:
            rival, took = RIVALS[name](place, count, threads), []
            means: Means = {}
            for delta in deltas:
                if isinstance(rival, Polars):
                    rival.take(delta)
                start = time.perf_counter()
                means = rival.renew(delta)
                took.append(time.perf_counter() - start)
            same = wanted.keys() == means.keys() and all(
                abs(means[region] - mean) <= 1e-9 * abs(mean) for region, mean in wanted.items()
            )
            told[name] = {"p50": float(np.median(took[1:])), "equal": same}
        return told
    finally:
        shutil.rmtree(place)
