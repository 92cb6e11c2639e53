"""Law 1 where records change without a row of their own: rules with days, windows, networks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from tests.portfolio.moving import Held, config_of, records


def day(number: int) -> dt.date:
    return dt.date(2026, 3, number)


def test_a_day_roll_decides_and_counts_anew_what_hangs_on_the_day(tmp_path: Path) -> None:
    held = Held(tmp_path, config_of(tmp_path, window=6, rules=True))
    held.take(records(300), day(11), whole=True)
    held.check()
    for number in (12, 13, 15, 16, 18, 30):
        before = held.portfolio.to_polars().sort("id")
        done = held.portfolio.refresh(None, day(number))
        held.day = day(number)
        held.check()
        after = held.portfolio.to_polars().sort("id")
        changed = sum(one != other for one, other in zip(before.rows(), after.rows(), strict=True))
        assert done.changed == 0
        assert done.rescored >= changed
    # An hour later on the same day nothing moves.
    same = held.portfolio.refresh(None, dt.datetime(2026, 3, 30, 20, tzinfo=dt.UTC))
    assert same.rescored == 0
    held.take(records(40, 5, first=280, version=2, days=(25, 32)), day(31))
    held.check()
    held.portfolio.close()


def test_a_window_alone_scores_who_enters_or_leaves(tmp_path: Path) -> None:
    held = Held(tmp_path, config_of(tmp_path, window=3))
    held.take(records(400), day(5), whole=True)
    moved = held.rows().filter(pl.col("t").dt.date().is_in([day(3), day(6)]))
    assert held.portfolio.refresh(None, day(6)).rescored == len(moved)
    held.day = day(6)
    held.check()
    held.portfolio.close()


def test_a_network_is_renewed_to_the_same_bits(tmp_path: Path) -> None:
    held = Held(tmp_path, config_of(tmp_path, network={}))
    held.take(records(120), day(11), whole=True)
    held.check()
    done = held.take(records(20, 3, first=110, version=2), day(11))
    assert (done.counts["inserted"], done.counts["updated"]) == (10, 10)
    assert done.rescored > 0
    assert {"network", "score", "sift"} <= done.latency.keys()
    held.check()
    held.delete([5, 6, 7, 111], 3)
    held.check()
    # A late row of a lower version leaves no trace in the network.
    digest = held.portfolio.digest()
    assert held.take(records(20, 9, first=100, version=0), day(11)).counts["superseded"] > 0
    held.check()
    held.portfolio.close()
    held.portfolio = cc.Portfolio.open(tmp_path / "state", "write")
    held.take(records(30, 11, first=200, version=4), day(12))
    held.check()
    assert held.portfolio.digest() != digest
    held.compact()
    held.check()
    held.portfolio.close()


@pytest.mark.parametrize("at", [False, True])
def test_everything_moves_at_once(tmp_path: Path, at: bool) -> None:
    told = config_of(tmp_path, network={"window_days": 7}, window=9, rules=True, at=at)
    held = Held(tmp_path, told)
    held.take(records(150), day(9), whole=True)
    held.check()
    for number, first in ((10, 120), (12, 20), (13, 140), (17, 0)):
        held.take(records(25, number, first=first, version=number, days=(number - 6, number)), day(number))
        held.check()
        held.delete([first + 1, first + 4], number + 1)
        held.check()
    held.portfolio.refresh(None, day(19))
    held.day = day(19)
    held.check()
    held.portfolio.close()


def test_what_a_delta_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(tmp_path, network={})
    with cc.Portfolio.create(tmp_path / "state", config) as portfolio:
        portfolio.ingest(records(50), day(11))
        digest, version = portfolio.digest(), portfolio.version
        for bad, told in (
            (records(5).drop("device"), "no column `device`, which holds identifiers"),
            (records(5).with_columns(net_now_partners=pl.lit(1.0)), "which the network makes"),
            (records(5).with_columns(device=pl.lit(0.5)), "column `device`"),
        ):
            with pytest.raises(cc.CreditcoreError, match=told):
                portfolio.refresh(bad, day(11))
        (tmp_path / "secret").write_text("another secret, long enough")
        with pytest.raises(cc.StateError, match="hashed with another key"):
            portfolio.refresh(records(5), day(11))
        assert (portfolio.digest(), portfolio.version) == (digest, version)
        text = b"".join(file.read_bytes() for file in (tmp_path / "state").iterdir())
        assert b"13800001" not in text
    monkeypatch.delenv("CREDITCORE_HASH_KEY", raising=False)
    keyless = config.to_dict()
    keyless["network"].pop("key_file")
    with pytest.raises(cc.SchemaError, match="hashes of a lasting key"):
        cc.Portfolio.create(tmp_path / "other", cc.Config.of(keyless, tmp_path))
    plain = config.to_dict()
    plain["columns"]["keep"] = ["product", "device"]
    with pytest.raises(cc.SchemaError, match="`device` is kept as a hash alone"):
        cc.Portfolio.create(tmp_path / "other", cc.Config.of(plain, tmp_path))
    (tmp_path / "other").mkdir()
    dayless = config_of(tmp_path / "other", window=5)
    with cc.Portfolio.create(tmp_path / "days", dayless) as portfolio:
        with pytest.raises(cc.ArgumentError, match="as_of"):
            portfolio.ingest(records(5))
        assert portfolio.records == 0
