"""What compaction keeps of decisions: files as they are, and of a row no more than nothing else holds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.bench import refresh as narrow
from creditcore.frames import decided
from creditcore.portfolio import columns
from tests.portfolio.moving import records
from tests.portfolio.test_apart import asked, renewed

LATER = dt.date(2026, 3, 14)


def files(folder: Path, kind: str) -> dict[str, tuple[int, int]]:
    """Files of a kind, each with what tells whether it is the one of before."""
    found = {file.name: file.stat() for file in (folder / "state").glob(f"{kind}-*")}
    return {name: (one.st_ino, one.st_mtime_ns) for name, one in found.items()}


def rows(folder: Path, kind: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(file) for file in sorted((folder / "state").glob(f"{kind}-*"))])


@pytest.fixture(params=[1, 1 << 16])
def portfolio(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> cc.Portfolio:
    """A portfolio that was renewed, with what is made anew apart or together."""
    monkeypatch.setattr(columns, "APART", request.param)
    return renewed(tmp_path, "state", asked(tmp_path))


def test_of_what_moved_no_more_is_kept_than_that(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    log, digest = portfolio.decisions(), portfolio.digest()
    portfolio.compact()
    assert portfolio.digest() == digest
    assert portfolio.decisions().equals(log)
    moved, whole = rows(tmp_path, "moved"), rows(tmp_path, "inputs")
    moving = decided.moving(portfolio._log.inputs)
    assert set(moved.columns) == {"id", "_inputs", *moving}
    assert {"id", "_inputs", "age"} <= set(whole.columns)
    # Every decision that no current record stands for is in one of the two.
    assert len(moved) + len(whole) == len(log) - portfolio.records
    standing = whole.drop("_inputs", *moving)
    assert len(standing) == len(standing.unique())
    assert not len(standing.join(portfolio.scanned(), on=standing.columns, how="semi", nulls_equal=True))
    assert portfolio.replay(10_000).right
    # Another compaction leaves these files as they are, and adds to them.
    before = files(tmp_path, "moved") | files(tmp_path, "inputs")
    portfolio.refresh(records(6, 11, first=18, version=9, days=(12, 13)), LATER)
    portfolio.compact()
    after = files(tmp_path, "moved") | files(tmp_path, "inputs")
    assert before.items() < after.items()
    assert portfolio.replay(10_000).right
    portfolio.close()
    assert not cc.Portfolio.doctor(tmp_path / "state")
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.replay(10_000).right
        assert len(again.decisions()) > len(log)


def test_who_is_erased_is_in_no_file_of_what_moved(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    portfolio.compact()
    portfolio.refresh(records(6, 11, first=18, version=9, days=(12, 13)), LATER)
    key = rows(tmp_path, "moved")["id"].mode().sort()[0]
    others = portfolio.decisions().filter(pl.col("key") != key)
    portfolio.erase(key)
    for kind in ("moved", "inputs", "decisions"):
        found = rows(tmp_path, kind)
        assert key not in found["key" if kind == "decisions" else "id"].to_list()
    told = portfolio.decisions()
    assert told.filter(pl.col("version") <= others["version"].max()).equals(others)
    assert portfolio.replay(10_000).right
    # Nobody else leaves with the next one: files of which no row goes stay what they are.
    before = {kind: files(tmp_path, kind) for kind in ("moved", "inputs")}
    portfolio.refresh(records(1, 12, first=500, version=10, days=(12, 13)), LATER)
    portfolio.erase(500)
    for kind, known in before.items():
        assert known.items() <= files(tmp_path, kind).items()
    assert portfolio.replay(10_000).right


def test_retention_keeps_what_later_decisions_went_by(portfolio: cc.Portfolio) -> None:
    portfolio.compact()
    portfolio.refresh(records(6, 11, first=18, version=9, days=(12, 13)), LATER)
    assert portfolio.config.columns.event_time is not None
    times = portfolio.to_polars()[portfolio.config.columns.event_time].sort()
    gone = portfolio.retain(times[len(times) // 2])
    assert 0 < gone < len(times)
    assert portfolio.replay(10_000).counts["differs"] == 0


def test_large_files_of_the_log_stay_as_they_are(
    portfolio: cc.Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, before = portfolio.decisions(), files(tmp_path, "decisions")
    sizes = {name: len(pl.read_parquet(tmp_path / "state" / name)) for name in before}
    least = sorted(sizes.values())[-2]
    monkeypatch.setattr(decided, "SLICE", 2 * least)
    large = {name for name, size in sizes.items() if size >= least}
    assert len(before) - len(large) >= 2
    portfolio.compact()
    after = files(tmp_path, "decisions")
    assert {name: before[name] for name in large}.items() <= after.items()
    assert len(after) < len(before)
    assert portfolio.decisions().equals(log)
    assert portfolio.replay(10_000).right


def test_records_are_written_in_parts(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", narrow.CONFIG) as portfolio:
        portfolio.ingest(narrow.records(np.arange(150_000), 1, 1))
        portfolio.refresh(next(narrow.deltas(150_000, 70_000, 1, 7)))
        digest, held = portfolio.digest(), portfolio.to_polars().sort("key")
        portfolio.compact()
        assert len(files(tmp_path, "segment")) == 2
        assert portfolio.digest() == digest
        assert portfolio.to_polars().sort("key").equals(held)
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.digest() == digest
        again.refresh(next(narrow.deltas(150_000, 100, 1, 9)).with_columns(version=pl.lit(9, pl.UInt32)))
