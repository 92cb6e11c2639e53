"""What is made anew of many records is written apart, and nobody sees a difference."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import creditcore as cc
from creditcore.portfolio import columns
from tests.portfolio.moving import config_of, records
from tests.portfolio.segments import all_columns

DAY = dt.date(2026, 3, 9)


def asked(folder: Path) -> cc.Config:
    """A configuration in which everything hangs on others and on the day."""
    return config_of(folder, network={"window_days": 30}, window=12, rules=True, at=True)


def renewed(folder: Path, state: str, config: cc.Config) -> cc.Portfolio:
    """A portfolio after some refreshes in which neighbours change, and a day on which rules begin."""
    portfolio = cc.Portfolio.create(folder / state, config)
    portfolio.ingest(records(60), DAY)
    portfolio.ingest(records(20, 8, first=55, version=2, days=(6, 9)), DAY)
    portfolio.refresh(records(6, 2, first=3, version=3, days=(9, 10)), DAY)
    portfolio.refresh(None, dt.date(2026, 3, 12))
    gone = {"id": [3, 4], "v": [5, 5], "op": ["delete", "delete"]}
    portfolio.refresh(gone)
    portfolio.refresh(records(5, 3, first=20, version=6, days=(11, 12)))
    return portfolio


def alike(one: cc.Portfolio, other: cc.Portfolio) -> None:
    """Two portfolios hold the same, and logged the same; numbers of segments aside."""
    assert one.digest() == other.digest()
    assert one.to_polars().sort("id").equals(other.to_polars().sort("id"))
    order = ["version", "key", "inputs", "decision"]
    told = [portfolio.decisions().drop("segment").sort(order) for portfolio in (one, other)]
    assert told[0].equals(told[1])
    for portfolio in (one, other):
        done = portfolio.replay(10_000)
        assert (done.right, done.logged) == (True, len(told[0])), done.counts


def test_a_state_of_segments_of_both_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = renewed(tmp_path, "together", config := asked(tmp_path))
    monkeypatch.setattr(columns, "APART", 1)
    apart = renewed(tmp_path, "apart", config)
    segments = [all_columns(file) for file in sorted((tmp_path / "apart").glob("segment-*"))]
    anew = [rows for rows in segments if "_told" in rows.columns]
    assert len(anew) >= 4
    assert not any("age" in rows.columns for rows in anew)
    alike(together, apart)
    for portfolio in (together, apart):
        portfolio.close()
    assert not cc.Portfolio.doctor(tmp_path / "apart")
    with (
        cc.Portfolio.open(tmp_path / "apart", "write") as again,
        cc.Portfolio.open(tmp_path / "together", "write") as plain,
    ):
        alike(again, plain)
        again.compact()
        plain.compact()
        alike(again, plain)
        assert len(list((tmp_path / "apart").glob("segment-*"))) == 1
        for portfolio in (again, plain):
            portfolio.refresh(records(4, 9, first=30, version=9, days=(12, 13)), dt.date(2026, 3, 14))
        alike(again, plain)


def test_a_reader_of_another_limit_sees_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "APART", 1)
    with renewed(tmp_path, "state", asked(tmp_path)) as portfolio:
        digest, rows = portfolio.digest(), portfolio.to_polars()
    monkeypatch.undo()
    with cc.Portfolio.open(tmp_path / "state", "read") as reader:
        assert reader.digest() == digest
        assert reader.to_polars().equals(rows)
        assert reader.record(20)["id"] == 20
