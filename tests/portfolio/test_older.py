"""A portfolio that an older version wrote is renewed as one that was made anew."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creditcore as cc
from creditcore.fleet.bins import COLUMN, Bins
from creditcore.frames import decided
from creditcore.portfolio import changes, columns, portfolio, reading
from tests.portfolio.moving import config_of, records
from tests.portfolio.segments import all_columns

DAY = dt.date(2026, 3, 9)
LATER = dt.date(2026, 3, 12)


def as_before(patch: pytest.MonkeyPatch, *, still: bool) -> None:
    """Write as versions did that kept nothing of what rows say, and before those sums with what is made."""
    now = columns.keep_columns

    def kept(config: Any, line: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        layout, plan = now(config, line)
        later = {"near", "inputs"} if still else {"near", "inputs", "still"}
        told = {name: one for name, one in layout.items() if name not in later}
        return told, plan

    for module in (changes, portfolio, reading):
        patch.setattr(module, "keep_columns", kept)
    patch.setattr(decided, "moving", lambda names: [])


def begun(folder: Path, config: cc.Config) -> cc.Portfolio:
    """A portfolio of records and a change."""
    made = cc.Portfolio.create(folder, config)
    made.ingest(records(60), DAY)
    made.refresh(records(6, 2, first=3, version=3, days=(9, 10)), DAY)
    return made


def gone_on(made: cc.Portfolio) -> None:
    """Further changes, deletes and a day on which rules begin."""
    made.refresh(records(8, 3, first=20, version=4, days=(10, 11)), LATER)
    made.refresh({"id": [3, 4], "v": [5, 5], "op": ["delete", "delete"]})
    made.refresh(records(5, 4, first=30, version=6, days=(11, 12)))


def said(folder: Path) -> list[bool]:
    """For each segment of whole rows whether it is kept what all of its records say."""
    found = []
    for file in sorted(folder.glob("segment-*")):
        rows = all_columns(file)
        live = rows.filter(~pl.col("_deleted")) if "_deleted" in rows.columns else rows
        if "_told" not in rows.columns:
            found.append("_said" in rows.columns and live["_said"].null_count() == 0)
    return found


def alike(older: cc.Portfolio, fresh: cc.Portfolio) -> None:
    """The same records, rankings and decisions, each of which can be made again."""
    assert older.digest() == fresh.digest()
    assert older.to_polars().sort("id").equals(fresh.to_polars().sort("id"))
    order = ["version", "key", "decision"]
    told = [one.decisions().drop("segment", "inputs").sort(order) for one in (older, fresh)]
    assert told[0].equals(told[1])
    for one in (older, fresh):
        done = one.replay(10_000)
        assert (done.right, done.logged) == (True, len(told[0])), done.counts


@pytest.mark.parametrize("still", [True, False])
@pytest.mark.parametrize("apart", [1, 1 << 16])
def test_it_goes_on_as_if_it_were_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, still: bool, apart: int
) -> None:
    config = config_of(tmp_path, network={"window_days": 30}, window=12, rules=True, at=True)
    with monkeypatch.context() as patch:
        as_before(patch, still=still)
        patch.setattr(columns, "APART", apart)
        begun(tmp_path / "older", config).close()
    assert not any(said(tmp_path / "older"))
    monkeypatch.setattr(columns, "APART", apart)
    with cc.Portfolio.open(tmp_path / "older", "write") as older:
        fresh = begun(tmp_path / "fresh", config)
        assert all(said(tmp_path / "fresh"))
        for one in (older, fresh):
            gone_on(one)
        alike(older, fresh)
        kinds = older.decisions()["inputs"].str.starts_with(decided.PARTED)
        assert set(kinds) == {True, False}
        assert fresh.decisions()["inputs"].str.starts_with(decided.PARTED).all()
        for one in (older, fresh):
            one.compact()
        # Written anew, it is like the others.
        assert all(said(tmp_path / "older"))
        alike(older, fresh)
        for one in (older, fresh):
            one.refresh(records(4, 9, first=30, version=9, days=(12, 13)), dt.date(2026, 3, 14))
            one.erase(31)
        alike(older, fresh)
    assert not cc.Portfolio.doctor(tmp_path / "older")


@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize("apart", [1, 1 << 16])
def test_bins_of_other_cuts_or_none_are_not_taken_for_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: bool, apart: int
) -> None:
    config = config_of(tmp_path, network={"window_days": 30}, window=12, rules=True, at=True)
    monkeypatch.setattr(columns, "APART", apart)
    now = Bins.of

    def of_others(bins: Bins, frame: pl.DataFrame, **told: Any) -> pl.DataFrame:
        lists = now(bins, frame, **told)[COLUMN]
        numbers = [[number ^ 1 for number in one] for one in lists.to_list()]
        return pl.DataFrame({COLUMN: pl.Series(numbers, dtype=lists.dtype)})

    with monkeypatch.context() as patch:
        if others:
            patch.setattr(Bins, "of", of_others)
        else:
            patch.setattr(Bins, "of_fleet", lambda *told: None)
        begun(tmp_path / "older", config).close()
    rows = all_columns(min((tmp_path / "older").glob("segment-*")))
    assert (COLUMN in rows.columns) == others
    with cc.Portfolio.open(tmp_path / "older", "write") as older:
        fresh = begun(tmp_path / "fresh", config)
        kept = all_columns(min((tmp_path / "fresh").glob("segment-*")))[COLUMN]
        assert kept.null_count() == 0
        for one in (older, fresh):
            gone_on(one)
        alike(older, fresh)
        assert COLUMN not in fresh.to_polars().columns
        for one in (older, fresh):
            one.compact()
            one.refresh(records(4, 9, first=30, version=9, days=(12, 13)), dt.date(2026, 3, 14))
        alike(older, fresh)
