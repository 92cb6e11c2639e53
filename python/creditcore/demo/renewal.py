"""One record changes: what of a portfolio's ranking is renewed, how fast, and that a recompute is equal.

Comes in: scored applications. Goes out: the folder `state`, a portfolio over them, and a line. Points are
given with the records here; the portfolio keeps and sums them exactly, so equal records have equal digests,
however they came.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from creditcore.demo.real_case import Evidence
from creditcore.portfolio.portfolio import Portfolio

CONFIG: dict[str, Any] = {
    "columns": {"key": "key", "region": "adcode"},
    "rankings": [{"by": ["city", "province"]}],
}
CITY = "330400"
CHANGE = 64.0
"""Points that the changed record gains."""
REFRESHES = 20


def renewal(scored: Path, folder: Path, check: str) -> Evidence:
    """Renew a portfolio twenty times, a record each time, and hold it against one that is made anew.

    Args:
        scored: with `key`, `adcode` and `points_model`.
        folder: the demo's; `state` in it is made anew.
        check: the command that gives the line again.
    """
    records = pl.read_parquet(scored, columns=["key", "adcode", "points_model"])
    records = records.with_columns(pl.col("adcode").cast(pl.String))
    inside = records.filter(pl.col("adcode") == CITY)
    others = records.filter(pl.col("points_model").is_not_null()).sample(REFRESHES - 1, seed=1, shuffle=True)
    changes = pl.concat([(inside if len(inside) else records)[-1:], others]).unique(
        "key", maintain_order=True
    )
    changes = changes.with_columns(pl.col("points_model") + CHANGE)
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    with Portfolio.create(state, CONFIG) as portfolio:
        portfolio.ingest(records)
        before = _city(portfolio)
        seconds = [portfolio.refresh(changes[:1]).total]
        after = _city(portfolio)
        seconds += [portfolio.refresh(changes[place : place + 1]).total for place in range(1, len(changes))]
        digest = portfolio.digest()
    with (
        tempfile.TemporaryDirectory(prefix="creditcore-demo-") as temporary,
        Portfolio.create(Path(temporary) / "state", CONFIG) as again,
    ):
        again.ingest(records.update(changes, on="key"))
        same = again.digest() == digest
    if not same:
        raise AssertionError("a portfolio that was renewed differs from one that is made anew")
    return Evidence(
        f"Renewed: one of {len(records):,} records changes by {CHANGE:+.0f} points, and the mean of its city "
        f"(all applications, each once) goes from {before:.6f} to {after:.6f}. {len(seconds)} refreshes of a "
        f"record each, durable and ranked: {1000 * statistics.median(seconds):.0f} ms in the middle, "
        f"{1000 * max(seconds):.0f} ms at most. The digest {digest[:16]} is that of a portfolio made anew "
        "of the changed records.",
        check,
    )


def _city(portfolio: Portfolio) -> float:
    """The mean of the city whose record changes; of the first ranked one where it has no record."""
    rows = portfolio.ranking("city").rows()
    found = [row["mean"] for row in rows if row["code"] == CITY]
    return float(found[0] if found else rows[0]["mean"])
