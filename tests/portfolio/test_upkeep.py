"""Checkpoints of a portfolio: when one is written, what it leaves as it was, what opening finds after it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import creditcore as cc
from creditcore.portfolio import upkeep
from tests.portfolio.oracle import CONFIG, check_rankings, frame
from tests.portfolio.test_portfolio import drawn


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A portfolio that came by an `ingest` and two refreshes, one of them small."""
    monkeypatch.setattr(upkeep, "LEAST", 40)
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as portfolio:
        portfolio.ingest(frame(drawn(list(range(300)), 1)))
        portfolio.refresh(frame(drawn(list(range(290, 320)), 2)))
    return tmp_path / "state"


def checkpoints(state: Path) -> list[str]:
    return sorted(file.name for file in state.iterdir() if file.name.startswith(("index-", "sums-")))


def test_closing_writes_a_checkpoint_where_much_came(state: Path) -> None:
    before = checkpoints(state)
    with cc.Portfolio.open(state) as portfolio:
        assert portfolio.history()["kind"].to_list() == ["create", "ingest", "refresh"]
        portfolio.refresh(frame(drawn(list(range(300, 320)), 3)))
        digest, version = portfolio.digest(), portfolio.version
        rows = portfolio.to_polars()
    after = checkpoints(state)
    # One pair of files, the former one is gone.
    assert len(after) == 2
    assert not set(after) & set(before)
    with cc.Portfolio.open(state) as portfolio:
        assert (portfolio.digest(), portfolio.version) == (digest, version + 1)
        assert portfolio.history()["kind"].to_list()[-1] == "checkpoint"
        assert portfolio.to_polars().equals(rows)
        assert portfolio._is_behind(portfolio._state()) is False
    # Nothing came since: no further version.
    assert checkpoints(state) == after
    assert cc.Portfolio.doctor(state) == []


def test_what_comes_after_a_checkpoint_counts(state: Path) -> None:
    with cc.Portfolio.open(state) as portfolio:
        reader = cc.Portfolio.open(state, "read")
        seen = reader.digest()
        portfolio.checkpoint()
        for turn in range(4):
            portfolio.refresh(frame(drawn(list(range(280 + turn, 330)), 4 + turn)))
            portfolio.checkpoint()
            portfolio.refresh(frame(drawn([turn], 40 + turn)))
        digest, rows = portfolio.digest(), portfolio.to_polars().to_dicts()
        # A reader keeps the version that it opened, though its files are gone by now.
        assert reader.digest() == seen
        assert len(reader.to_polars()) == reader.records
        reader.close()
    with cc.Portfolio.open(state) as portfolio:
        assert portfolio.digest() == digest
        check_rankings(portfolio, rows)
        portfolio.compact()
        assert portfolio.digest() == digest


def test_a_checkpoint_that_the_disk_does_not_take_is_left_out(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise cc.StateError("the disk is full")

    portfolio = cc.Portfolio.open(state)
    portfolio.refresh(frame(drawn(list(range(300, 320)), 3)))
    digest, version = portfolio.digest(), portfolio.version
    with monkeypatch.context() as patched:
        patched.setattr(portfolio._catalog, "commit", full)
        with pytest.raises(cc.StateError, match="the disk is full"):
            portfolio.checkpoint()
        assert portfolio.digest() == digest
        portfolio.close()
    with cc.Portfolio.open(state) as portfolio:
        assert (portfolio.digest(), portfolio.version) == (digest, version)
        assert portfolio.refresh(frame(drawn([1], 5))).changed == 1


def test_readers_write_none(state: Path) -> None:
    with cc.Portfolio.open(state) as portfolio:
        portfolio.refresh(frame(drawn(list(range(300, 320)), 3)))
        shutil.copytree(state, state.parent / "copy")
    before = checkpoints(state.parent / "copy")
    with cc.Portfolio.open(state.parent / "copy", "read") as portfolio:
        assert portfolio._is_behind(portfolio._state())
        with pytest.raises(cc.StateError, match="opened for reading"):
            portfolio.checkpoint()
    assert checkpoints(state.parent / "copy") == before


def test_an_ingest_keeps_one_checkpoint(state: Path) -> None:
    with cc.Portfolio.open(state) as portfolio:
        for turn in range(3):
            portfolio.ingest(frame(drawn(list(range(turn, 400)), 5 + turn)))
            assert len(checkpoints(state)) == 2
