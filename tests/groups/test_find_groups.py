"""Groups of records: what is found, what is said of it, and the laws it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.bench.credit_graph import COLUMNS, CreditGraph, draw_graph
from creditcore.bench.planted_rings import average_precision, judge
from creditcore.bench.rings import at_precision

LEVELS = {"seed", "core", "edge", "bystander"}


@pytest.fixture(scope="module")
def graph() -> CreditGraph:
    return draw_graph(60_000, seed=11)


@pytest.fixture(scope="module")
def groups(graph: CreditGraph) -> cc.Groups:
    return cc.find_groups(graph.frame(), "key", COLUMNS, "day")


def assigned(graph: CreditGraph, members: pl.DataFrame) -> np.ndarray:
    group = np.full(len(graph), -1)
    group[members["key"].to_numpy()] = members["group_id"].to_numpy()
    return group


def test_planted_rings_are_found_without_labels(graph: CreditGraph, groups: cc.Groups) -> None:
    """Floors a little below what this one graph gives: they show a loss, they are no measurement."""
    score = groups.people()["score"].to_numpy()
    assert average_precision(graph.ring >= 0, score) > 0.5
    quality = judge(graph, assigned(graph, groups.members))
    assert quality.ring_recall > 0.45
    assert quality.group_precision > 0.85
    every = judge(graph, assigned(graph, groups.all_members()))
    assert every.ring_recall > 0.6
    assert every.ring_recall >= quality.ring_recall
    assert at_precision(graph, groups).ring_recall > 0.58


@pytest.mark.parametrize(("timing", "least", "precise"), [("waves", 0.35, 0.75), ("none", 0.05, 0.8)])
def test_other_timings_find_fewer_rings_and_judge_few_others(
    timing: str, least: float, precise: float
) -> None:
    """The score of groups knows no time: where nothing fades, it must not take every family for a ring."""
    graph = draw_graph(60_000, 11, timing)
    groups = cc.find_groups(graph.frame(), "key", COLUMNS, None if timing == "none" else "day")
    quality = judge(graph, assigned(graph, groups.members))
    assert quality.ring_recall > least
    assert quality.group_precision > precise


def test_some_of_a_ring_pass_a_looser_cut_alone(groups: cc.Groups) -> None:
    """Who passes is clustered with those who have 0.6 of the cut's figure, which is 0.5."""
    every = groups.all_members()
    score = every["score"]
    assert (score >= 0.3).all()
    assert (score < 0.5).any()
    assert (score >= 0.5).any()
    assert (groups.members["score"] < 0.5).any()
    assert every["key"].is_unique().all()


def test_a_frame_of_judged_rings(groups: cc.Groups) -> None:
    members, summary = groups.members, groups.summary
    assert members.columns == ["key", "group_id", "level", "score", "reason"]
    assert summary.columns[:3] == ["group_id", "size", "score"]
    assert members["key"].is_unique().all()
    assert set(members["level"]) <= LEVELS
    assert members["score"].is_between(0, 1).all()
    sizes = members.group_by("group_id").agg(pl.len().alias("size"), pl.col("key").min().alias("least"))
    assert (sizes["group_id"] == sizes["least"]).all()
    both = sizes.join(summary, on="group_id", how="full")
    assert len(both) == len(summary) == len(groups)
    assert (both["size"] == both["size_right"]).all()
    assert (summary["score"].diff().drop_nulls() <= 0).all()
    assert (groups.all()["size"] >= 3).all()
    assert members["reason"].str.contains(r"^shares `\w+` with \d+").all()


def test_the_order_of_rows_names_and_threads_change_nothing(graph: CreditGraph, groups: cc.Groups) -> None:
    frame = graph.frame().sample(fraction=1.0, shuffle=True, seed=5)
    renamed = frame.with_columns(
        pl.format("D{}", pl.col(name) * 7 + 3).alias(name) for name in ("device", "second_device")
    )
    again = cc.find_groups(renamed, "key", COLUMNS, "day", threads=1)
    assert again.all().equals(groups.all())
    assert again.members.equals(groups.members)


def test_a_frozen_configuration_gives_the_same_groups(graph: CreditGraph, groups: cc.Groups) -> None:
    again = cc.find_groups(graph.frame(), "key", COLUMNS, "day", config=groups.config)
    assert again.config == groups.config
    assert again.all().equals(groups.all())


def test_features_at_a_time_do_not_see_later_records(graph: CreditGraph) -> None:
    frame = graph.frame()
    last = frame["day"].max()
    past = frame.filter(pl.col("day") <= pl.lit(last) - pl.duration(days=30))
    before = cc.Network.build(past, "key", COLUMNS, "day").ego_features(view="at")
    whole = cc.Network.build(frame, "key", COLUMNS, "day")
    after = whole.ego_features(view="at").join(before.select("key"), on="key", how="semi")
    assert after.equals(before)
    assert all(name.startswith("net_at_") for name in before.columns[1:])
    # What is known now does see them.
    then = cc.Network.build(past, "key", COLUMNS, "day").ego_features()
    now = whole.ego_features().join(before.select("key"), on="key", how="semi")
    assert not now.equals(then)
    assert now.columns == [name.replace("_at_", "_now_") for name in before.columns]


def test_a_label_is_a_seed_and_spreads(graph: CreditGraph, groups: cc.Groups) -> None:
    label = pl.Series([True if ring >= 0 and key % 4 == 0 else None for key, ring in enumerate(graph.ring)])
    found = cc.find_groups(graph.frame(), "key", COLUMNS, "day", label)
    assert any("confirmed rings" in note for note in found.notes)
    known = set(label.arg_true().to_list())
    levels = found.all_members().select("key", "level").rows()
    assert {level for key, level in levels if key in known} == {"seed"}
    assert "seed" not in {level for key, level in levels if key not in known}
    others = label.is_null().to_numpy()
    truth = graph.ring[others] >= 0
    plain = groups.people()["score"].to_numpy()[others]
    better = found.people()["score"].to_numpy()[others]
    assert average_precision(truth, better) > average_precision(truth, plain)
    assert found.all()["known_fraud"].sum() > 0
    column = cc.find_groups(graph.frame().with_columns(label=label), "key", COLUMNS, "day", "label")
    assert column.all().equals(found.all())


def small(**columns: Any) -> dict[str, Any]:
    return {"key": list(range(300)), "address": [f"A{home // 2}" for home in range(300)], **columns}


def shared(*members: int, value: str) -> list[str | None]:
    return [value if key in members else None for key in range(300)]


def test_evidence_in_words() -> None:
    ring = (20, 40, 60, 80, 100)
    frame = small(card=shared(*ring, value="C1"), device=shared(*ring, 200, value="D1"))
    groups = cc.find_groups(frame, "key", {"address": "address", "bank_card": "card", "device": "device"})
    row = groups.summary.row(0, named=True)
    assert row["group_id"] == 20
    assert row["size"] >= 5
    assert row["shared"].startswith("bank_card: 5 of ")
    assert row["dissolved_by"] >= 1
    assert row["span_days"] is None
    assert row["benign_score"] < 0.5
    assert groups.members.filter(key=20)["reason"][0].startswith("shares `bank_card` with 4, `device` with")


def test_text_keys_and_lists_of_identifiers() -> None:
    keys = [f"k{key:03}" for key in range(300)]
    devices = [["D7", f"D{key}0"] if key in (5, 9, 14, 77) else [f"D{key}0"] for key in range(300)]
    frame = pl.DataFrame({"key": keys, "device": devices, "card": shared(5, 9, 14, 77, value="C1")})
    groups = cc.find_groups(frame, "key", {"device": "device", "bank_card": "card"})
    assert groups.members["key"].to_list() == ["k005", "k009", "k014", "k077"]
    assert groups.summary["group_id"].to_list() == ["k005"]


def test_arguments_outside_are_refused() -> None:
    frame, columns = small(), {"address": "address"}
    with pytest.raises(cc.ArgumentError, match="there are 2 labels for 300 rows"):
        cc.find_groups(frame, "key", columns, labels=[True, None])
    with pytest.raises(cc.ArgumentError, match="labels are true"):
        cc.find_groups(frame, "key", columns, labels=[2] * 300)
    with pytest.raises(cc.ArgumentError, match="`pass_share` is `2`"):
        cc.find_groups(frame, "key", columns, config={"pass_share": 2})
    with pytest.raises(cc.ArgumentError, match="`tau` is `0`"):
        cc.find_groups(frame, "key", columns, config={"tau": 0})
    with pytest.raises(cc.ArgumentError, match="`tau` is `'long'`"):
        cc.find_groups(frame, "key", columns, config={"tau": "long"})
    with pytest.raises(cc.ArgumentError, match="`view` is `then`"):
        cc.Network.build(frame, "key", columns).ego_features(view="then")


def test_no_ring_in_nothing() -> None:
    empty = cc.find_groups({"key": [1, 2], "device": ["a", "b"]}, "key", {"device": "device"})
    assert len(empty) == 0
    assert empty.members.columns == ["key", "group_id", "level", "score", "reason"]
    assert empty.people()["key"].to_list() == [1, 2]
