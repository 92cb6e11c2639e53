"""Law 1 where records change without a row of their own: rules with days, windows, networks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from creditcore import line
from creditcore.portfolio import network as network_of
from tests.portfolio.moving import Held, config_of, records


def day(number: int) -> dt.date:
    return dt.date(2026, 3, number)


def test_who_is_made_ready_refreshes_without_making_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(tmp_path, config_of(tmp_path, network={}, window=8))
    held.portfolio.make_ready()
    held.take(records(120), day(11), whole=True)
    held.portfolio.close()
    held.portfolio = cc.Portfolio.open(tmp_path / "state", "read")
    with pytest.raises(cc.StateError, match="opened for reading"):
        held.portfolio.make_ready()
    held.portfolio = cc.Portfolio.open(tmp_path / "state", "write")
    before = held.portfolio.digest(), held.portfolio.version
    held.portfolio.make_ready()
    assert (held.portfolio.digest(), held.portfolio.version) == before
    still, pipeline = held.portfolio.line.still, held.portfolio.line.pipeline
    assert still is not None
    assert pipeline is not None
    for names in (still.asked, [name for name in pipeline.needed if name not in still.asked]):
        chosen = [one for one in pipeline.models(names).engines(1 << 14) if one["chosen"]]
        assert len(chosen) == len(names)
        assert all(one["built"] for one in chosen)

    def never(*_: object) -> None:
        raise AssertionError("the network was made again")

    monkeypatch.setattr(network_of.Linked, "of_state", never)
    assert held.take(records(20, 3, first=110, version=2), day(12)).rescored > 0
    # Compaction leaves the records, their network and the models what they are.
    held.portfolio.compact()
    assert held.portfolio.line.pipeline is pipeline
    assert held.take(records(20, 4, first=110, version=3), day(12)).rescored > 0
    monkeypatch.undo()
    held.check()
    held.portfolio.close()


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


@pytest.mark.parametrize(("at", "few"), [(False, 8), (True, 8), (True, 0)])
def test_everything_moves_at_once(
    tmp_path: Path, at: bool, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With 0 whoever sees a delta is always followed, however large it is.
    monkeypatch.setattr(network_of, "FEW", few)
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


def test_reviews_of_linked_records_count_by_the_day(tmp_path: Path) -> None:
    held = Held(tmp_path, config_of(tmp_path, network={"window_days": 6}, window=8, rules=True))
    held.take(records(120), day(11), whole=True)
    told = [
        {"key": 7, "time": day(11), "from": None, "to": "reject", "reason": "seen", "expires": day(14)},
        {"key": 9, "time": day(14), "from": None, "to": "pass", "reason": "known", "expires": None},
    ]
    held.portfolio.review(told, day(11))

    def decisions_are_those_of_one_pass() -> None:
        whole = line.run(held.config, held.rows(), held.day, reviews=told).records.sort("id")
        shown = ["id", "decision", "decision_policy", "cause"]
        wanted = whole.with_columns(pl.col("cause").fill_null("used")).select(shown)
        assert held.portfolio.to_polars().sort("id").select(shown).equals(wanted)

    decisions_are_those_of_one_pass()
    assert held.portfolio.record(7)["decision"] == "reject"
    # One review ends and another begins while records come in.
    held.take(records(30, 3, first=110, version=2), day(14), whole=True)
    decisions_are_those_of_one_pass()
    assert (held.portfolio.record(7)["review_reason"], held.portfolio.record(9)["decision"]) == (None, "pass")
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


def test_rings_keep_their_ids_and_records_tell_theirs(tmp_path: Path) -> None:
    config = config_of(tmp_path, network={"cut": 0.1, "judged_from": 0.0})
    held = Held(tmp_path, config)
    held.take(records(120), day(11), whole=True)
    groups = held.portfolio.groups()
    whole = line.run(config, held.rows(), day(11)).groups
    assert whole is not None
    assert len(groups) > 0
    assert groups.members.equals(whole.members)
    # Which of equal identifiers dissolves a group first hangs on their names, and here these are hashes.
    assert groups.summary.drop("dissolved_degrees").equals(whole.summary.drop("dissolved_degrees"))
    first = held.portfolio.ring_history()
    assert {row["event"] for row in first} == {"new"}
    assert sorted(row["id"] for row in first) == list(range(1, len(groups) + 1))
    held.take(records(15, 3, first=200, version=2), day(12))
    after = held.portfolio.ring_history()
    kept = {row["group_id"]: row["id"] for row in after if row["event"] == "kept"}
    assert kept
    assert any(row["id"] in {one["id"] for one in first} for row in after)
    held.check()
    version = held.portfolio.version
    held.portfolio.close()
    # History is no part of the state: another process goes on with the ids, and the digest knows none of it.
    with cc.Portfolio.open(tmp_path / "state", "read") as again:
        assert [row["id"] for row in again.ring_history()] == [row["id"] for row in after]
        key = again.groups().members["key"][0]
        told = again.explain(key)
        assert told["ring"]["group_id"] == again.groups().members["group_id"][0]
        assert told["ring"]["id"] in {row["id"] for row in after}
        assert told["network"] == {"net_now_partners": again.record(key)["net_now_partners"]}
        assert not any(name.startswith("_") for name in told["record"])
        assert again.version == version


def test_another_configuration_of_the_network_renews_everything(tmp_path: Path) -> None:
    config = config_of(tmp_path, network={}, at=True)
    held = Held(tmp_path, config)
    held.take(records(120), day(11), whole=True)
    told = config.to_dict()
    told["network"] |= {
        "strengths": {"device": 2.0, "phone": 3.0, "card": 1.0},
        "caps": {"device": 3, "phone": 9},
    }
    held.config = cc.Config.of(told, tmp_path)
    done = held.portfolio.reconfigure(held.config)
    assert (done.rescored, done.sections) == (120, ("network",))
    held.check()
    held.take(records(20, 3, first=110, version=2), day(11))
    held.check()
    network = config.to_dict()["network"]
    other = {**network["identifiers"], "device": {"columns": ["phone"]}}
    for changed in ({"placeholders": {"device": ["d1"]}}, {"identifiers": other}):
        with pytest.raises(cc.SchemaError, match="kept as hashes"):
            held.portfolio.reconfigure(cc.Config.of({**told, "network": network | changed}, tmp_path))
    held.check()
    held.portfolio.erase(7)
    held.known.pop(7)
    held.check()
    held.portfolio.close()
