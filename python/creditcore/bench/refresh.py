"""How long a refresh takes: a portfolio of narrow records, deltas of one size, every stage timed.

Comes in: how many records, rows of a delta, refreshes. Goes out: figures as plain data. Records are a key
(64-bit integer), a version (32 bits), a region (16 bits), a weight (16 bits), points (32-bit float, 1/64); a
tenth of the rows of a delta inserts, the others change records drawn at random.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from creditcore.portfolio.portfolio import Portfolio
from creditcore.portfolio.versions import Refresh
from creditcore.ranking.of_records import rank

CONFIG: dict[str, Any] = {
    "columns": {"key": "key", "region": "region"},
    "score": {"column": "points"},
    "weights": {"column": "weight"},
    "regions": {"table": "none"},
    "rankings": [{"by": "region"}],
}
REGIONS = 340
PART = 25_000_000
"""Records that are made at a time."""
INSERTS = 0.1
"""The share of a delta's rows whose key is new."""


def records(keys: np.ndarray[Any, Any], version: int, seed: int) -> pl.DataFrame:
    """Give records of some keys; regions are shared out by Zipf's law."""
    draw = np.random.default_rng(seed)
    shares = 1 / np.arange(1, REGIONS + 1)
    regions = np.searchsorted(np.cumsum(shares) / shares.sum(), draw.random(len(keys)))
    return pl.DataFrame(
        {
            # Keys are spread as account numbers are, not counted up.
            "key": (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(1)).astype(np.int64),
            "version": np.full(len(keys), version, dtype=np.uint32),
            "region": np.minimum(regions, REGIONS - 1).astype(np.uint16),
            "weight": draw.integers(1, 10_000, len(keys), dtype=np.uint16),
            "points": (draw.integers(300 * 64, 900 * 64, len(keys)) / 64).astype(np.float32),
        }
    )


def deltas(known: int, rows: int, count: int, seed: int) -> Iterator[pl.DataFrame]:
    """Give deltas: changes of records drawn at random, and new keys."""
    draw = np.random.default_rng(seed)
    fresh = max(round(rows * INSERTS), 1) if rows > 1 else 0
    for number in range(count):
        old = draw.integers(0, known, rows - fresh)
        keys = np.concatenate([np.unique(old), np.arange(known, known + fresh)])
        known += fresh
        yield records(keys, 2 + number, seed + number)


def disk(folder: Path, writes: int, size: int = 16_384) -> list[float]:
    """Give seconds of `fdatasync` after each of some appended writes: what the disk alone takes."""
    took = []
    with (folder / "fdatasync").open("wb", buffering=0) as file:
        for _ in range(writes):
            file.write(os.urandom(size))
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - start)
    (folder / "fdatasync").unlink()
    return took


def resident() -> dict[str, int]:
    """Bytes of memory that this process has: its own, and pages of files that the system may take back."""
    names = {"RssAnon:": "own", "RssFile:": "files"}
    told = dict.fromkeys(names.values(), 0)
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, *rest = line.split()
        if name in names:
            told[names[name]] = int(rest[0]) * 1024
    return told


def make(folder: Path, count: int) -> None:
    """Make the portfolio."""
    with Portfolio.create(folder, CONFIG) as portfolio:
        for start in range(0, count, PART):
            portfolio.ingest(records(np.arange(start, min(start + PART, count)), 1, start))


def make_apart(folder: Path, count: int) -> None:
    """Make the portfolio in a process of its own, so that its memory is not counted."""
    told = "import sys, pathlib; from creditcore.bench.refresh import make; "
    told += "make(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", told, str(folder), str(count)], check=True)


def quantiles(took: list[float]) -> dict[str, float]:
    """Give p50, p95, p99 and the largest of some durations."""
    levels = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: float(np.quantile(took, level, method="higher")) for name, level in levels.items()}


def timed(
    portfolio: Portfolio,
    taken: Iterable[pl.DataFrame],
    before: dict[str, int],
    compact_at: float | None = None,
) -> tuple[list[Refresh], dict[str, Any]]:
    """Refresh by some deltas, the first one cold; gives what each did, and what `measure` tells of them all.

    `before` is what `resident` said before the portfolio was opened.
    """
    done, owned, compacted = [], [], []
    times: dict[str, list[float]] = {}
    for delta in taken:
        if compact_at is not None and portfolio.records <= (1 - compact_at) * rows_kept(portfolio):
            start = time.perf_counter()
            portfolio.compact()
            compacted.append(time.perf_counter() - start)
        one = portfolio.refresh(delta)
        done.append(one)
        owned.append(resident()["own"])
        for stage, seconds in {**one.latency, "total": one.total}.items():
            times.setdefault(stage, []).append(seconds)
    grown = {name: size - before[name] for name, size in resident().items()}
    cold, *totals = times["total"]
    times["total"] = times.pop("total")
    return done, {
        "rows": rows_kept(portfolio),
        "stages": {stage: quantiles(took[1:]) for stage, took in times.items()},
        "cold": cold,
        "bytes_a_record": {name: size / portfolio.records for name, size in grown.items()},
        "series": totals,
        "compactions": compacted,
        "drift": drift(totals, owned[1:]),
    }


def measure(
    folder: Path,
    count: int,
    rows: int,
    refreshes: int,
    *,
    compare: bool = True,
    compact_at: float | None = None,
) -> dict[str, Any]:
    """Measure.

    Args:
        folder: where the portfolio is made, or lies already.
        count: records.
        rows: of a delta.
        refreshes: how many are timed; the first of them is the cold one and told apart.
        compare: whether the end is held against one pass over all records.
        compact_at: the share of rows that others took the place of at which the portfolio is compacted,
            before the next refresh; None for never.

    Returns:
        `stages`: quantiles of seconds by stage and in `total`; `cold`: the first refresh; `compactions`: the
        seconds of each, which are in no other figure; `fdatasync`: of the disk alone; `open`: seconds;
        `bytes_a_record`: resident at the end, `own` and `files` (clean pages of mapped files); `series`:
        seconds of each refresh; `drift`: p50 of the first and the last tenth of the refreshes, and the
        process's own bytes after these; `segments`: files of rows at the end; `equal`: whether the ranking at
        the end is that of all records taken at once, None without `compare`.
    """
    state = folder / "state"
    if not state.is_dir():
        make_apart(state, count)
    before, start = resident(), time.perf_counter()
    with Portfolio.open(state, "write") as portfolio:
        opened = time.perf_counter() - start
        known, version = portfolio.records, portfolio.version
        fresh = (
            delta.with_columns(version=pl.col("version") + version)
            for delta in deltas(known, rows, refreshes + 1, version)
        )
        _, told = timed(portfolio, fresh, before, compact_at)
        return {
            "records": known,
            "delta": rows,
            "refreshes": refreshes,
            **told,
            "fdatasync": quantiles(disk(folder, 100)),
            "open": opened,
            "segments": sum(1 for _ in state.glob("segment-*")),
            "equal": equal(portfolio) if compare else None,
        }


def equal(portfolio: Portfolio) -> bool:
    """Whether the ranking is that of all records taken at once."""
    # As the state gives them: a frame of hundreds of millions would be there twice.
    everybody = portfolio._state().scan(["region", "points", "weight"])
    whole = rank(everybody, by="region", score="points", weight="weight", regions=None)
    return portfolio.ranking("region").to_polars().equals(whole.to_polars())


def rows_kept(portfolio: Portfolio) -> int:
    """How many rows there are, those among them that others took the place of."""
    return portfolio._state().sizes()[1]


def drift(took: list[float], owned: list[int]) -> dict[str, float]:
    """Compare the first and the last tenth of some refreshes."""
    tenth = max(len(took) // 10, 1)
    first, last = float(np.median(took[:tenth])), float(np.median(took[-tenth:]))
    return {"first": first, "last": last, "own_first": owned[tenth - 1], "own_last": owned[-1]}


def drawn(told: dict[str, Any]) -> str:
    """Draw the seconds of each refresh as an SVG."""
    took, wide, high = told["series"], 800, 300
    most = max(took) * 1.1
    at = [(60 + (wide - 80) * n / max(len(took) - 1, 1), high * (1 - t / most)) for n, t in enumerate(took)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    marks = [most * part / 4 for part in range(5)]
    ticks = "".join(
        f'<text x="52" y="{high * (1 - mark / most) + 4:.1f}" text-anchor="end">{mark * 1e3:.3g}</text>'
        f'<path d="M60 {high * (1 - mark / most):.1f}H{wide - 20}" stroke="#ddd"/>'
        for mark in marks
    )
    title = f"{told['records']:,} records, deltas of {told['delta']:,}: ms of each of {len(took):,} refreshes"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -30 {wide} {high + 50}" font-size="12" '
        f'font-family="sans-serif"><text x="60" y="-12" font-size="14">{title}</text>{ticks}'
        f'<polyline points="{path}" fill="none" stroke="#1f5fa8" stroke-width="1.2"/></svg>\n'
    )


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Give the figures as a table."""
    yield f"{'stage':<12}{'p50':>10}{'p95':>10}{'p99':>10}{'max':>10}   ms"
    for stage, took in {**told["stages"], "fdatasync": told["fdatasync"]}.items():
        yield f"{stage:<12}" + "".join(f"{seconds * 1e3:>10.2f}" for seconds in took.values())
    yield f"cold {told['cold'] * 1e3:.1f} ms; opened in {told['open']:.2f} s"
    resident, moved = told["bytes_a_record"], told["drift"]
    yield (
        f"{resident['own']:.1f} bytes a record of the process's own, {resident['files']:.1f} of clean pages "
        f"of files; {told['rows']:,} rows in {told['segments']} segments"
    )
    yield (
        f"p50 of the first tenth {moved['first'] * 1e3:.2f} ms, of the last {moved['last'] * 1e3:.2f} ms; "
        f"own memory {moved['own_first'] >> 20} MiB, then {moved['own_last'] >> 20} MiB"
    )
    if compacted := told["compactions"]:
        middle = float(np.median(compacted))
        yield f"compacted {len(compacted)} times between refreshes, {middle:.1f} s each (p50)"
    same = {True: "equal to", False: "DIFFERS FROM", None: "not compared with"}
    yield f"ranking {same[told['equal']]} that of all records"
    for name, rival in told.get("rivals", {}).items():
        if "failed" in rival:
            yield f"{name:<12}did not come to the end: {rival['failed']}"
            continue
        equal = "" if rival["equal"] else "; its means DIFFER"
        yield (
            f"{name:<12}{rival['p50'] * 1e3:>10.2f} ms (p50); all records in after {rival['load']:.0f} s; "
            f"{rival['peak'] / (1 << 30):.1f} GiB at most{equal}"
        )
