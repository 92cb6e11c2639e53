"""Components: equal to networkx's, whatever the rows' order, the threads and the identifiers' names."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc
from tests.link.oracle import as_dict, components, of_edges
from tests.rounds import rounds

NAMES = {"device": "device", "card": ["card", "cards"]}
ROWS = st.lists(
    st.tuples(
        st.integers(-5, 30),
        st.none() | st.integers(0, 12).map(lambda number: f"D{number}a"),
        st.none() | st.integers(0, 12).map(lambda number: f"C{number}b"),
        st.none() | st.lists(st.none() | st.integers(0, 12).map(lambda number: f"C{number}b"), max_size=4),
    ),
    max_size=40,
)


def frame_of(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    kinds: dict[str, Any] = {
        "key": pl.Int64,
        "device": pl.String,
        "card": pl.String,
        "cards": pl.List(pl.String),
    }
    return pl.DataFrame(rows, schema=kinds, orient="row")


def links_of(rows: list[tuple[Any, ...]]) -> list[tuple[int, tuple[str, str] | None]]:
    links: list[tuple[int, tuple[str, str] | None]] = []
    for key, device, card, cards in rows:
        links.append((key, None))
        links += [(key, ("device", device))] if device else []
        links += [(key, ("card", value)) for value in [card, *(cards or [])] if value]
    return links


@settings(max_examples=rounds(200), deadline=None)
@given(ROWS, st.none() | st.integers(1, 5), st.integers(1, 3))
def test_components_are_those_of_networkx(rows: list[tuple[Any, ...]], cap: int | None, threads: int) -> None:
    found = cc.components(frame_of(rows), "key", NAMES, cap, threads=threads)
    assert as_dict(found) == components(links_of(rows), cap)
    assert found["key"].to_list() == list(dict.fromkeys(row[0] for row in rows))
    network = cc.Network.build(frame_of(rows), "key", NAMES, threads=threads).components(cap, threads=threads)
    assert network.equals(found.sort("key"))


@settings(max_examples=rounds(100), deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_renaming_and_permuting_change_no_component(rows: list[tuple[Any, ...]], random: Any) -> None:
    before = as_dict(cc.components(frame_of(rows), "key", NAMES))
    names = [f"{letter}{number}{end}" for letter, end in ("Da", "Cb") for number in range(13)]
    new = dict(zip(names, random.sample([f"new name {number}" for number in range(26)], 26), strict=True))

    def renamed(value: Any) -> Any:
        return [renamed(item) for item in value] if isinstance(value, list) else new.get(value)

    moved = [(row[0], *map(renamed, row[1:])) for row in rows]
    random.shuffle(moved)
    assert as_dict(cc.components(frame_of(moved), "key", NAMES)) == before


@settings(max_examples=rounds(100), deadline=None)
@given(ROWS, st.integers(-5, 30), st.integers(0, 12))
def test_an_added_link_never_splits_a_component(rows: list[tuple[Any, ...]], key: int, number: int) -> None:
    before = as_dict(cc.components(frame_of(rows), "key", NAMES))
    after = as_dict(cc.components(frame_of([*rows, (key, f"D{number}a", None, None)]), "key", NAMES))
    together: dict[int, int] = {}
    for one, component in before.items():
        together.setdefault(component, after[one])
        assert after[one] == together[component]


def communities_apart() -> nx.Graph[Any]:
    """A benchmark graph of Lancichinetti, Fortunato and Radicchi without the edges between communities."""
    graph = nx.LFR_benchmark_graph(250, 3, 1.5, 0.1, average_degree=5, min_community=20, seed=10)
    apart = [(a, b) for a, b in graph.edges if graph.nodes[a]["community"] != graph.nodes[b]["community"]]
    graph.remove_edges_from(apart)
    return graph


@pytest.mark.parametrize(
    "graph",
    [
        nx.karate_club_graph(),
        nx.florentine_families_graph(),
        nx.davis_southern_women_graph(),
        nx.les_miserables_graph(),
        nx.gnm_random_graph(2_000, 1_100, seed=1),
        nx.gnm_random_graph(20_000, 15_000, seed=2),
        nx.barabasi_albert_graph(3_000, 2, seed=3),
        communities_apart(),
        nx.disjoint_union_all([nx.path_graph(500), nx.star_graph(300), nx.cycle_graph(7), nx.empty_graph(9)]),
    ],
    ids=["karate", "florence", "davis", "miserables", "sparse", "large", "scale-free", "lfr", "shapes"],
)
def test_known_graphs(graph: nx.Graph[Any]) -> None:
    numbered = nx.convert_node_labels_to_integers(graph)
    frame = of_edges(numbered.edges(), numbered.nodes())
    wanted = {node: min(nodes) for nodes in nx.connected_components(numbered) for node in nodes}
    assert as_dict(cc.components(frame, "key", {"edge": "edge"})) == wanted


def test_keys_of_every_type_and_the_smallest_of_each() -> None:
    frame = pl.DataFrame({"key": [10, 9, 200], "device": ["a", "a", None]})
    for kind in (pl.Int8, pl.Int32, pl.Int64):
        narrow = frame.with_columns(pl.col("key").clip(upper_bound=100).cast(kind))
        assert cc.components(narrow, "key", {"device": "device"})["component"].to_list() == [9, 9, 100]
    text = frame.with_columns(pl.col("key").cast(pl.String))
    # As bytes, "10" comes before "9".
    assert cc.components(text, "key", {"device": "device"})["component"].to_list() == ["10", "10", "200"]
    largest = {"key": np.array([2**64 - 1, 2**63], dtype=np.uint64), "device": ["a", "a"]}
    assert cc.components(largest, "key", {"device": "device"})["component"].to_list() == [2**63, 2**63]
    least = {"key": np.array([5, -(2**63)], dtype=np.int64), "device": ["a", "a"]}
    assert cc.components(least, "key", {"device": "device"})["component"].to_list() == [-(2**63)] * 2
    categories = text.with_columns(pl.col("key").cast(pl.Categorical))
    assert cc.components(categories, "key", {"device": "device"}).equals(
        cc.components(text, "key", {"device": "device"})
    )


def test_one_identifier_of_everybody_and_one_person_of_a_million() -> None:
    many = 300_000
    everybody = {"key": np.arange(many)[::-1], "device": np.full(many, 77, dtype=np.uint64)}
    assert (cc.components(everybody, "key", {"device": "device"})["component"] == 0).all()
    alone = cc.components(everybody, "key", {"device": "device"}, cap=many - 1)
    assert (alone["component"] == alone["key"]).all()
    assert (cc.components(everybody, "key", {"device": "device"}, cap=many)["component"] == 0).all()
    lists = pl.DataFrame({"key": [1, 2, 3], "device": [list(range(1, 1_000_001)), [999_999], [2_000_000]]})
    assert cc.components(lists, "key", {"device": "device"})["component"].to_list() == [1, 1, 3]


def test_self_links_missing_values_and_repeated_keys() -> None:
    frame = {
        "key": [7, 7, 3, 3, 1],
        "device": ["a", "a", None, "b", None],
        "phone": ["12000000001", None, "12000000002", "12000000002", None],
        "contact": ["12000000001", None, "12000000001", None, None],
    }
    names = {"device": "device", "phone": "phone", "contact": "contact"}
    assert as_dict(cc.components(frame, "key", names)) == {7: 3, 3: 3, 1: 1}


def test_no_rows() -> None:
    empty = pl.DataFrame(schema={"key": pl.Int64, "device": pl.String})
    found = cc.components(empty, "key", {"device": "device"})
    assert found.columns == ["key", "component"]
    assert len(found) == 0
    assert cc.Network.build(empty, "key", {"device": "device"}).components().rows() == []


def test_values_of_two_types_do_not_meet_and_two_columns_of_one_do() -> None:
    frame = {"key": [1, 2], "a": ["x", None], "b": [None, "x"]}
    assert as_dict(cc.components(frame, "key", {"a": "a", "b": "b"})) == {1: 1, 2: 2}
    assert as_dict(cc.components(frame, "key", {"a": ["a", "b"]})) == {1: 1, 2: 1}
    shared = {"a": "a", "b": {"columns": "b", "type": "a", "role": "other"}}
    assert as_dict(cc.components(frame, "key", shared)) == {1: 1, 2: 1}


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_files_and_parts_of_them(parts: int, tmp_path: Any) -> None:
    rng = np.random.default_rng(parts)
    frame = pl.DataFrame(
        {"key": rng.integers(0, 5_000, 9_000), "device": rng.integers(1, 8_000, 9_000).astype(np.uint64)}
    )
    for number in range(parts):
        frame[number::parts].write_parquet(tmp_path / f"{number}.parquet")
    whole = as_dict(cc.components(frame, "key", {"device": "device"}))
    assert as_dict(cc.components(tmp_path / "*.parquet", "key", {"device": "device"})) == whole
    assert whole == components((row[0], row[1]) for row in frame.rows())


@pytest.mark.parity
def test_scipy_finds_the_same_components() -> None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rng = np.random.default_rng(5)
    people, identifiers, links = 200_000, 150_000, 230_000
    key, shared = rng.integers(0, people, links), rng.integers(0, identifiers, links)
    frame = {"key": key, "device": (shared + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)}
    size = people + identifiers
    graph = coo_matrix((np.ones(links, dtype=np.int8), (key, shared + people)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    found = cc.components(frame, "key", {"device": "device"})
    labelled = found.with_columns(label=pl.Series(labels[found["key"].to_numpy()]))
    wanted = labelled.with_columns(pl.col("key").min().over("label").alias("wanted"))
    assert (wanted["component"] == wanted["wanted"]).all()


def test_large_inputs_are_read_in_rounds_and_mixed_columns_too() -> None:
    """Columns of integers are read twice, text once; a network deals its links in one round."""
    rng = np.random.default_rng(8)
    people = 1_500_000
    numbers = {name: rng.integers(1, 3 * people, people) for name in ("a", "b", "c")}
    frame = pl.DataFrame({"key": np.arange(people), **numbers})
    names = {name: name for name in numbers}
    whole = cc.components(frame, "key", names)
    assert whole.equals(cc.components(frame, "key", names, threads=1))
    mixed = frame.with_columns(pl.col("b").cast(pl.String))
    assert whole.equals(cc.components(mixed, "key", names))
    assert whole.equals(cc.Network.build(frame, "key", names).components())
