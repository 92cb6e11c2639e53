"""What a user gives beside records: blocklists, types that say little; what comes out beside frames."""

from __future__ import annotations

import sys
from typing import Any

import networkx as nx
import polars as pl
import pyarrow as pa
import pytest

import creditcore as cc
from creditcore._core import Detection
from creditcore.errors import ArgumentError

TYPES = {"address": "address", "bank_card": "card", "device": "device"}


def town() -> dict[str, list[Any]]:
    """Two-person households; five people with a card and a device in common, four with a device alone."""
    rows: dict[str, list[Any]] = {"key": list(range(400))}
    rows["address"] = [f"A{key // 2}" for key in range(400)]
    rows["card"] = ["C7" if 10 <= key < 15 else None for key in range(400)]
    rows["device"] = [
        "D7" if 10 <= key < 15 else "D9" if 200 <= key < 204 else f"D{key}x" for key in range(400)
    ]
    return rows


def test_a_blocklist_hit_is_a_seed_and_is_told() -> None:
    plain = cc.find_groups(town(), "key", TYPES, config={"pass_share": 0.01})
    scores = dict(plain.people().rows())
    told = cc.find_groups(
        town(),
        "key",
        TYPES,
        config={"pass_share": 0.01},
        blocklist={"device": ["d9", "never seen"], "bank_card": []},
    )
    after = dict(told.people().rows())
    # Who shows it is a seed; partners get at most half, people who share nothing with them nothing.
    assert [after[key] for key in (200, 201, 202, 203)] == [1.0] * 4
    assert all(after[key] == scores[key] for key in range(20, 190))
    assert "blocklist: 4 people show a listed identifier" in told.notes
    summary = told.all().filter(pl.col("group_id") == 200)
    assert summary["listed"].to_list() == [4]
    reasons = told.all_members().filter(pl.col("group_id") == 200)
    assert reasons["reason"].str.starts_with("shows a listed identifier; shares `device` with 3, ").all()
    # It says nothing of the person: nobody is known as fraud.
    assert "seed" not in set(reasons["level"])
    assert told.all()["known_fraud"].sum() == 0


def test_suspicion_decays_from_a_blocklist_and_ends() -> None:
    """A chain of people by shared cards: one is listed."""
    rows = {
        "key": list(range(8)),
        "device": ["bad"] + [None] * 7,
        "card": [[key, key + 1] for key in range(8)],
    }
    network = cc.Network.build(rows, "key", {"device": "device", "bank_card": "card"})
    score = (
        network.find_groups(blocklist={"device": ["bad"]}, config={"cut": 50.0}).people()["score"].to_list()
    )
    assert score[0] == 1.0
    assert 0.25 < score[1] <= 0.5
    assert 0.0 < score[2] <= 0.25
    assert max(score[3:]) < 1e-6


def test_blocklists_that_are_refused() -> None:
    network = cc.Network.build(town(), "key", TYPES)
    cases: list[tuple[Any, str]] = [
        ({"phone": ["1"]}, "`blocklist` has type `phone`; the network has address, bank_card, device"),
        ({"device": "D9"}, "`blocklist` of type `device` is `'D9'`; give a list of values"),
        ({"device": [1.5]}, "`blocklist` of type `device` holds `1.5`; give texts or integers"),
        (["D9"], "`blocklist` is a mapping of types to values"),
    ]
    for given, message in cases:
        with pytest.raises(ArgumentError) as error:
            network.find_groups(blocklist=given)
        assert message in str(error.value)


def test_types_that_say_little_are_told() -> None:
    rows = town() | {
        "phone": [f"p{key}" for key in range(400)],
        "ip": ["10.0.0.1"] * 400,
        "mac": [None] * 400,
    }
    notes = cc.find_groups(rows, "key", TYPES | {"phone": "phone", "ip": "ip", "mac": "mac"}).notes
    assert any(note.startswith("type `address`: 100% of people share one") for note in notes)
    assert any(note.startswith("type `phone`: nobody shares one") for note in notes)
    assert any(
        note.startswith("type `ip`: 1 identifiers beyond its cap have 400 of its links") for note in notes
    )
    assert any(note.startswith("type `mac`: no record shows one") for note in notes)
    assert not any("`bank_card`" in note or "`device`" in note for note in notes)


def test_a_group_as_a_graph_of_networkx(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = cc.find_groups(town(), "key", TYPES)
    graph = groups.to_networkx(10)
    people = {key for kind, key in graph if kind == "person"}
    assert people == {10, 11, 12, 13, 14}
    shared = {
        data["type"]: graph.degree(node) for node, data in graph.nodes(data=True) if node[0] == "identifier"
    }
    assert shared["bank_card"] == shared["device"] == 5
    assert nx.is_connected(graph)
    assert not any("D7" in str(node) for node in graph)
    with pytest.raises(ArgumentError, match="no group has the id `99`"):
        groups.to_networkx(99)
    monkeypatch.setitem(sys.modules, "rustworkx", None)
    with pytest.raises(ArgumentError, match="rustworkx is not installed"):
        groups.to_rustworkx(10)


def test_texts_of_objects() -> None:
    network = cc.Network.build(town(), "key", TYPES)
    assert repr(network) == "<creditcore.Network: 400 people, 805 links; address, bank_card, device>"
    after = network.update(
        {"key": [0], "op": ["delete"], "address": [None], "card": [None], "device": [None]}
    )
    assert "399 people, 803 links" in repr(after)
    assert "400 people" in repr(network)
    groups = network.find_groups()
    assert repr(groups).startswith("<creditcore.Groups: ")
    assert "<table" in groups._repr_html_()
    assert groups.all().filter(pl.col("benign_score") == 0)["benign"].is_null().all()


def test_nulls_in_arrays_are_refused() -> None:
    network = cc.Network.build(town(), "key", TYPES)
    detection = Detection.of(network._core, 20.0, False)
    scores = pa.array([0.5] * 399 + [None], type=pa.float64())
    with pytest.raises(ArgumentError, match="the array holds null at place 399"):
        detection.risks(scores)
