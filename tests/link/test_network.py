"""Networks: neighbours and paths against networkx, what is learned, and the byte form."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest

import creditcore as cc

NAMES = {"device": "device", "phone": "phone", "contact": "contact"}


def world(people: int, seed: int) -> pl.DataFrame:
    """Records with a few hubs, shared phones among them as contacts."""
    rng = np.random.default_rng(seed)
    phones = 12_000_000_000 + rng.integers(0, people * 2, people)
    return pl.DataFrame(
        {
            "key": rng.permutation(people * 3)[:people],
            "device": [f"d{number}" for number in (rng.power(0.3, people) * people).astype(int)],
            "phone": phones,
            "contact": rng.choice(phones, people),
            "day": rng.integers(0, 300, people),
        }
    ).with_columns(
        time=pl.datetime(2026, 1, 1) + pl.duration(days=pl.col("day")),
        contact=pl.col("contact").cast(pl.String),
    )


def graph_of(frame: pl.DataFrame, caps: dict[str, int]) -> nx.Graph[Any]:
    """People and identifiers that are no hubs."""
    graph: nx.Graph[Any] = nx.Graph()
    for key, device, phone, contact in frame.select("key", "device", "phone", "contact").rows():
        graph.add_edge(key, ("device", device))
        graph.add_edge(key, ("phone", str(phone)))
        graph.add_edge(key, ("phone", contact))
    hubs = [node for node in graph if isinstance(node, tuple) and graph.degree(node) > caps[node[0]]]
    graph.remove_nodes_from(hubs)
    return graph


@pytest.mark.parametrize(("people", "cap"), [(60, 50), (400, 5), (2_000, 12)])
def test_neighbours_and_paths_are_those_of_networkx(people: int, cap: int) -> None:
    frame, caps = world(people, people), {"device": cap, "phone": cap}
    network = cc.Network.build(frame, "key", NAMES, "time", {"caps": caps})
    graph = graph_of(frame, caps)
    keys = sorted(frame["key"])
    for key in keys[:: people // 20]:
        far = nx.single_source_shortest_path_length(graph, key)
        hops = {
            node: length // 2 for node, length in far.items() if not isinstance(node, tuple) and node != key
        }
        for most in (1, 2, 99):
            found = network.neighbours(key, most)
            assert found.rows() == sorted(
                ((node, hop) for node, hop in hops.items() if hop <= most), key=lambda row: (row[1], row[0])
            )
        for other in keys[:: people // 15]:
            path = network.path(key, other)
            if other == key:
                assert path["key"].to_list() == [key]
            elif other not in hops:
                assert path.is_empty()
            else:
                steps = path["key"].to_list()
                assert (steps[0], steps[-1], len(steps)) == (key, other, hops[other] + 1)
                assert path["type"].null_count() == 1
                for one, two, kind, shared in zip(
                    steps, steps[1:], path["type"], path["people"], strict=False
                ):
                    both = {node for node in set(graph[one]) & set(graph[two]) if node[0] == kind}
                    assert shared in {graph.degree(node) for node in both}
    assert network.hubs()["people"].to_list() == sorted(
        (degree for degree in _degrees(frame, "device") if degree > cap), reverse=True
    ) + sorted((degree for degree in _degrees(frame, "phone") if degree > cap), reverse=True)


def _degrees(frame: pl.DataFrame, kind: str) -> list[int]:
    graph = graph_of(frame, {"device": 10**9, "phone": 10**9})
    return [degree for node, degree in graph.degree() if isinstance(node, tuple) and node[0] == kind]


def test_strengths_are_learned_when_asked_and_only_then() -> None:
    frame = world(500, 3)
    caps = {"device": 4, "phone": 6}
    network = cc.Network.build(frame, "key", NAMES, config={"caps": caps})
    assert network.config["strengths"] == {"device": 4.1, "phone": 0.1}
    fitted = network.fit()
    assert network.config["strengths"] == {"device": 4.1, "phone": 0.1}
    graph = graph_of(frame, caps)
    for kind in caps:
        shared = [
            node for node in graph if isinstance(node, tuple) and node[0] == kind and graph.degree(node) > 1
        ]
        people = {key for node in shared for key in graph[node]}
        assert fitted.config["strengths"][kind] == pytest.approx(-math.log2(len(people) / 500), abs=1e-12)
        # By how many people show it, two bands for each doubling: 2; 3; 4 and 5; 6 and 7.
        for at, some in enumerate(((2,), (3,), (4, 5), (6, 7))[: len(fitted.config["rarities"][kind])]):
            people = {key for node in shared if graph.degree(node) in some for key in graph[node]}
            bits = max(-math.log2(2 * max(len(people), 1) / 500), 0.0)
            assert fitted.config["rarities"][kind][at] == pytest.approx(bits, abs=1e-12)
        assert len(fitted.config["rarities"][kind]) == {4: 3, 6: 4}[caps[kind]]
    again = cc.Network.build(frame, "key", NAMES, config=json.loads(json.dumps(fitted.config)))
    assert again.config == fitted.config
    assert again.to_bytes() == fitted.to_bytes()
    alone = cc.Network.build({"key": [1, 2], "device": ["a", "b"]}, "key", {"device": "device"})
    assert alone.fit().config == alone.config


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"caps": {"device": 0}}, "the cap of type `device` is `0`"),
        ({"caps": {"ship": 3}}, "names type `ship`, which no identifier has"),
        ({"strengths": {"device": -1.0}}, "the strength of type `device` is `-1`"),
        ({"strengths": {"device": "high"}}, "the plan is not valid"),
        ({"rarities": {"device": [1.0, -2.0]}}, "the rarities of type `device` are `.1.0, -2.0.`"),
        ({"rarities": {"ship": [1.0]}}, "names type `ship`, which no identifier has"),
        ({"placeholders": {"ship": ["x"]}}, "placeholders of type `ship`"),
        ({"most_people": 0}, "`most_people` is `0`"),
        ({"cap": 3}, "unknown field `cap`"),
        ({"caps": {"device": {1, 2}}}, "cannot be written as JSON"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(config: dict[str, Any], told: str) -> None:
    with pytest.raises(cc.ArgumentError, match=told):
        cc.Network.build({"key": [1], "device": ["a"]}, "key", {"device": "device"}, config=config)


def test_questions_about_nobody_are_refused() -> None:
    network = cc.Network.build({"key": [1], "device": ["a"]}, "key", {"device": "device"})
    asks: list[Callable[[], object]] = [
        lambda: network.neighbours(2),
        lambda: network.neighbours("1"),
        lambda: network.path(1, 2**70),
        lambda: network.neighbours(1, 0),
        lambda: network.components(0),
        lambda: network.changed,
    ]
    for ask in asks:
        with pytest.raises(cc.ArgumentError):
            ask()


def test_rows_threads_and_the_hashs_key_change_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = world(3_000, 9)
    network = cc.Network.build(frame, "key", NAMES, "time", threads=1)
    for seed in (1, 2):
        shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
        again = cc.Network.build(shuffled, "key", NAMES, "time", threads=3)
        assert again.to_bytes() == network.to_bytes()
    monkeypatch.setenv("CREDITCORE_HASH_KEY", "another key than that of the process")
    other = cc.Network.build(frame, "key", NAMES, "time")
    assert other.to_bytes() != network.to_bytes()
    assert other.components().equals(network.components())
    assert other.sizes == network.sizes
    some = frame["key"][0]
    assert other.neighbours(some, 3).equals(network.neighbours(some, 3))


def test_hashes_are_the_same_in_every_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The bytes of a network of a known key, as this version first wrote them."""
    monkeypatch.setenv("CREDITCORE_HASH_KEY", "a key that is written in a test")
    frame = {"key": [2, 1], "device": ["A", None], "phone": ["+86 12000000001", "12000000001"]}
    names = {"device": "device", "phone": "phone"}
    data = cc.Network.build(frame, "key", names).to_bytes()
    hashes = data[-8 - 3 * 12 : -8 - 3 * 4].hex()
    assert hashes == HASHES
    key = tmp_path / "key"
    key.write_text("a key that is written in a test\n")
    monkeypatch.delenv("CREDITCORE_HASH_KEY")
    assert cc.Network.build(frame, "key", names, key_file=key).to_bytes() == data
    key.write_text("short")
    with pytest.raises(cc.ArgumentError, match="the hash key has 5 bytes"):
        cc.Network.build(frame, "key", names, key_file=key)
    with pytest.raises(cc.SourceError, match="cannot be read"):
        cc.Network.build(frame, "key", names, key_file=tmp_path / "none")


HASHES = "6efd0830fa93961d2891f5fbe79d49726efd0830fa93961d"


@pytest.mark.parametrize("text", [False, True])
def test_bytes_come_back_as_the_network(text: bool) -> None:
    frame = world(300, 4)
    if text:
        frame = frame.with_columns(pl.col("key").cast(pl.String))
    network = cc.Network.build(frame, "key", NAMES, "time").fit()
    data = network.to_bytes()
    again = cc.Network.from_bytes(data)
    assert again.to_bytes() == data
    assert again.sizes == network.sizes
    assert again.plan == network.plan
    assert again.components(3).equals(network.components(3))
    assert again.hubs().equals(network.hubs())


def test_changed_bytes_are_refused() -> None:
    data = cc.Network.build(world(12, 5), "key", NAMES, "time").to_bytes()
    assert cc.Network.from_bytes(data).to_bytes() == data
    for at in range(len(data)):
        for change in (1, 0x80):
            broken = bytearray(data)
            broken[at] ^= change
            with pytest.raises(cc.FormatError):
                cc.Network.from_bytes(bytes(broken))
    for length in range(0, len(data), 7):
        with pytest.raises(cc.FormatError):
            cc.Network.from_bytes(data[:length])
    with pytest.raises(cc.FormatError):
        cc.Network.from_bytes(data + b"\0")
    with pytest.raises(cc.FormatError, match="no network of this version"):
        cc.Network.from_bytes(data.replace(b"CCNET001", b"CCNET002"))


def test_times_of_every_type_and_those_that_are_none() -> None:
    frame = pl.DataFrame({"key": [1, 2], "device": ["a", "a"], "time": ["2026-01-02T00:00:00", None]})
    wanted = cc.Network.build(frame, "key", {"device": "device"}, "time").to_bytes()
    days = (pl.date(2026, 1, 2) - pl.date(1970, 1, 1)).dt.total_days()
    instant = pl.col("time").str.to_datetime()
    forms = [
        instant,
        instant.cast(pl.Datetime("ns")),
        instant.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Shanghai"),
        instant.cast(pl.Date),
        pl.when(pl.col("time").is_not_null()).then(days),
    ]
    for form in forms:
        made = cc.Network.build(frame.with_columns(time=form), "key", {"device": "device"}, "time")
        assert made.to_bytes() == wanted
    refused = [
        (["soon", None], cc.SourceError, "row 1: time column `time` holds `soon`"),
        ([None, "1969-12-31"], cc.SourceError, "row 2: time column `time` holds `1969-12-31`"),
        ([1_760_000_000, 1], cc.SourceError, "days since 1970"),
        ([1.5, 2.5], cc.SourceError, "holds `1.5`"),
    ]
    for values, error, told in refused:
        with pytest.raises(error, match=told):
            cc.Network.build(
                {"key": [1, 2], "device": ["a", "a"], "time": values}, "key", {"device": "device"}, "time"
            )


def test_no_length_is_believed() -> None:
    """Counts of four thousand million in few bytes are refused before anything is allocated."""
    data = cc.Network.build({"key": [1], "device": ["a"]}, "key", {"device": "device"}).to_bytes()
    (plan,) = struct.unpack_from("<I", data, 8)
    for at in (8, 8 + 4 + plan + 8, 8 + 4 + plan + 12):
        broken = data[:at] + b"\xf0\xff\xff\xff" + data[at + 4 :]
        with pytest.raises(cc.FormatError):
            cc.Network.from_bytes(broken)
