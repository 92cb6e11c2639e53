"""Small segments become few large ones: the same state, for every reader, at a cost that does not grow."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from creditcore.bench.refresh import make, measure
from tests.portfolio.oracle import CONFIG, check_rankings, frame, fresh
from tests.portfolio.test_portfolio import drawn


def segments(folder: Path) -> list[Path]:
    return sorted((folder).glob("segment-*"))


def test_the_state_is_that_of_all_rows_and_few_files_are_left(tmp_path: Path) -> None:
    kept, kinds = [], {"op": pl.String}
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as portfolio:
        for turn in range(130):
            rows = [{**row, "op": "upsert"} for row in drawn([turn, turn + 1, turn % 7], turn)]
            if turn % 5 == 4:
                # Rows that delete stand inside of merged segments.
                rows[0]["op"] = "delete"
            kept.append(frame(rows, **kinds))
            portfolio.refresh(kept[-1])
            assert len(segments(tmp_path / "state")) <= 10
        digest, records = portfolio.digest(), portfolio.to_polars().to_dicts()
        check_rankings(portfolio, [{k: v for k, v in row.items() if k != "version"} for row in records])
    assert digest == fresh(tmp_path / "fresh", kept)
    # Opening replays the deltas of merged segments one by one.
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.digest() == digest
        assert again.to_polars().sort("id").to_dicts() == sorted(records, key=lambda row: row["id"])


def test_a_reader_keeps_its_version_while_files_are_merged(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as writer:
        writer.refresh(frame(drawn([1, 2, 3], 1)))
        reader = cc.Portfolio.open(tmp_path / "state", "read")
        before = (reader.digest(), reader.to_polars().to_dicts(), segments(tmp_path / "state"))
        for turn in range(9):
            writer.refresh(frame(drawn([turn], turn + 2)))
        assert not set(before[2]) & set(segments(tmp_path / "state"))
        assert (reader.digest(), reader.to_polars().to_dicts()) == before[:2]
        assert reader.record(2) == next(row for row in before[1] if row["id"] == 2)
        assert cc.Portfolio.open(tmp_path / "state", "read").digest() == writer.digest()


def test_what_a_cut_off_merge_left_is_removed_and_what_it_needs_is_kept(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with cc.Portfolio.create(state, CONFIG) as portfolio:
        portfolio.refresh(frame(drawn([1, 2], 1)))
        known, digest = segments(state), portfolio.digest()
        old = known[0].read_bytes()
        # Killed before the commit: the merged file is there, and nobody names it.
        portfolio._catalog.close()
        with pytest.raises((cc.StateError, sqlite3.ProgrammingError)):
            portfolio.refresh(frame(drawn([3, 4], 2)))
    with cc.Portfolio.open(state, "write") as portfolio:
        assert (segments(state), portfolio.digest()) == (known, digest)
        portfolio.refresh(frame(drawn([3, 4], 2)))
        merged, digest = segments(state), portfolio.digest()
        assert len(merged) == 1
    # Killed between the commit and the removal: the old file is there again.
    known[0].write_bytes(old)
    with cc.Portfolio.open(state, "write") as portfolio:
        assert (segments(state), portfolio.digest()) == (merged, digest)


def test_a_damaged_merged_segment_is_told(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as portfolio:
        for turn in range(8):
            portfolio.refresh(frame(drawn([turn, turn + 1], turn)))
    (file,) = segments(tmp_path / "state")
    whole = file.read_bytes()
    for at in range(0, len(whole), 97):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(cc.StateError, match=file.name):
            cc.Portfolio.open(tmp_path / "state")
    file.write_bytes(whole)
    assert cc.Portfolio.doctor(tmp_path / "state") == []


@pytest.mark.faults
def test_two_thousand_refreshes_cost_the_last_what_they_cost_the_first(tmp_path: Path) -> None:
    make(tmp_path / "state", 200_000)
    told = measure(tmp_path, 200_000, 500, 2000)
    assert told["equal"]
    assert told["segments"] <= told["rows"] // 32_768 + 20
    drift = told["drift"]
    assert drift["own_last"] - drift["own_first"] < 96 << 20, drift
    assert drift["last"] < 2 * drift["first"], drift
