"""Ids of rings that stay: inheritance, splits, merges, and no id twice."""

from __future__ import annotations

from typing import Any

import creditcore as cc
from creditcore.bench.credit_graph import COLUMNS, draw_graph
from creditcore.linking.lineage import Lineage, follow


def events(lineage: Lineage) -> list[tuple[Any, ...]]:
    return [tuple(event) for event in lineage.events]


def test_the_first_lineage_numbers_from_one() -> None:
    first = follow({4: [4, 5, 6], 1: [1, 2, 3]})
    assert events(first) == [(1, "new", (), 1), (2, "new", (), 4)]
    assert first.ids() == {1: 1, 4: 2}


def test_half_of_both_inherits() -> None:
    first = follow({1: [1, 2, 3, 4]})
    assert events(follow({2: [2, 3, 4, 9, 10]}, first)) == [(1, "kept", (1,), 2)]
    # Three of seven: less than half of both, but most of the old ring.
    assert events(follow({2: [2, 3, 4, 9, 10, 11]}, first)) == [
        (2, "split", (1,), 2),
        (1, "gone", (1,), None),
    ]


def test_of_two_parts_the_larger_inherits() -> None:
    first = follow({1: list(range(1, 11))})
    after = follow({1: [1, 2, 3, 4], 5: [5, 6, 7, 8, 9, 10]}, first)
    assert events(after) == [(2, "split", (1,), 1), (1, "kept", (1,), 5)]


def test_a_merge_names_both_parents() -> None:
    first = follow({1: [1, 2, 3, 4, 5, 6], 7: [7, 8, 9]})
    after = follow({1: list(range(1, 10))}, first)
    assert events(after) == [(1, "merge", (1, 2), 1), (2, "gone", (2,), None)]


def test_an_id_is_never_used_twice() -> None:
    first = follow({1: [1, 2, 3], 7: [7, 8, 9]})
    gone = follow({}, first)
    assert [event.event for event in gone.events] == ["gone", "gone"]
    back = follow({1: [1, 2, 3]}, gone)
    assert events(back) == [(3, "new", (), 1)]
    # Nothing that changes nothing gives a new id, however often.
    again = follow({1: [1, 2, 3]}, back)
    assert events(again) == [(3, "kept", (3,), 1)]


def test_groups_follow_groups() -> None:
    def frame(members: tuple[int, ...]) -> dict[str, Any]:
        return {
            "key": list(range(300)),
            "address": [f"A{key // 2}" for key in range(300)],
            "card": ["C1" if key in members else None for key in range(300)],
            "device": ["D1" if key in members else None for key in range(300)],
        }

    columns = {"address": "address", "bank_card": "card", "device": "device"}
    before = cc.find_groups(frame((20, 40, 60, 80)), "key", columns)
    after = cc.find_groups(frame((10, 20, 40, 60, 80)), "key", columns)
    lineage = after.lineage(before)
    assert events(lineage) == [(1, "kept", (1,), 10)]
    assert lineage.rows()[0]["event"] == "kept"


def test_unchanged_groups_keep_their_ids_over_many_updates() -> None:
    """A hundred updates of a made-up network: a ring of the same members keeps its id."""
    graph = draw_graph(5_000, 8)
    frame = graph.frame()
    network = cc.Network.build(frame[:4_000], "key", COLUMNS, "day").fit()
    groups = network.find_groups()
    config = {name: groups.config[name] for name in ("cut", "judged_from", "resolution", "tau")}
    config["judged_from"] = 0.2
    lineage = network.find_groups(config=config).lineage()
    kept = same = 0
    for number in range(100):
        network = network.update(frame[4_000 + 10 * number : 4_010 + 10 * number], features=True)
        before = {members: name for name, members in lineage.members.items()}
        lineage = network.find_groups(config=config).lineage(lineage)
        for name, members in lineage.members.items():
            if members in before:
                same += 1
                kept += before[members] == name
    assert same > 500
    assert kept >= 0.99 * same
