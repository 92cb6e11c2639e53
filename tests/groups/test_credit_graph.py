"""The made-up graph that finders of rings are measured on, and the measure itself."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from creditcore.bench.credit_graph import COLUMNS, CreditGraph, draw_graph
from creditcore.bench.planted_rings import LEAST, MEMBER_SHARE, average_precision, judge
from creditcore.errors import ArgumentError


@pytest.fixture(scope="module")
def graph() -> CreditGraph:
    return draw_graph(40_000, seed=3)


def degrees(graph: CreditGraph, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """People and the degree of what they show, for one type."""
    shown = [(np.flatnonzero(graph.columns[name] >= 0), name) for name in COLUMNS[kind]]
    people = np.concatenate([rows for rows, _ in shown])
    numbers = np.concatenate([graph.columns[name][rows] for rows, name in shown])
    pairs = np.unique(np.stack([people, numbers]), axis=1)
    _, place, count = np.unique(pairs[1], return_inverse=True, return_counts=True)
    return pairs[0], count[place]


def test_a_seed_gives_one_graph(graph: CreditGraph) -> None:
    again = draw_graph(40_000, seed=3)
    assert graph.frame().equals(again.frame())
    assert not graph.frame().equals(draw_graph(40_000, seed=4).frame())


def test_people_show_what_applicants_show(graph: CreditGraph) -> None:
    assert 10 < graph.links / len(graph) < 11.5
    # What sharing an identifier of each type says: -log2 of the share of people who share one of 2 to 20.
    strength = {}
    for kind in COLUMNS:
        people, degree = degrees(graph, kind)
        share = len(np.unique(people[(degree >= 2) & (degree <= 20)])) / len(graph)
        strength[kind] = -np.log2(share)
    order = ["identity_card", "bank_card", "device", "company", "ip", "address", "phone"]
    assert sorted(strength, key=lambda kind: -strength[kind]) == order
    assert strength["identity_card"] > 8
    assert strength["phone"] < 0.2
    _, gateway = degrees(graph, "ip")
    assert gateway.max() > len(graph) * 0.05


def test_everybody_hangs_together_even_without_hubs(graph: CreditGraph) -> None:
    rows, columns, base = [], [], 0
    for kind, names in COLUMNS.items():
        numbers = np.concatenate([graph.columns[name] for name in names])
        people = np.tile(np.arange(len(graph)), len(names))[numbers >= 0]
        values, place, count = np.unique(numbers[numbers >= 0], return_inverse=True, return_counts=True)
        kept = count[place] <= 5
        rows.append(people[kept])
        columns.append(place[kept] + base)
        base += len(values)
        assert kind
    person, identifier = np.concatenate(rows), np.concatenate(columns)
    label, before = np.arange(len(graph)), np.full(len(graph), -1)
    while (label != before).any():
        before = label.copy()
        least = np.full(base, len(graph))
        np.minimum.at(least, identifier, label[person])
        np.minimum.at(label, person, least[identifier])
    assert np.bincount(label).max() > 0.9 * len(graph)


def test_rings_are_planted_as_stated(graph: CreditGraph) -> None:
    sizes = np.bincount(graph.ring[graph.ring >= 0])
    assert 0.9 * MEMBER_SHARE < sizes.sum() / len(graph) <= MEMBER_SHARE
    assert sizes.min() >= LEAST
    assert 0.2 < graph.recruited[graph.ring >= 0].mean() < 0.4
    assert not graph.recruited[graph.ring < 0].any()
    assert graph.day is not None
    for ring in np.flatnonzero(sizes >= 10):
        days = graph.day[graph.ring == ring]
        assert days.max() - days.min() <= 90


def test_an_easier_ring_shares_more(graph: CreditGraph) -> None:
    pooled = ["device", "second_bank_card", "third_ip", "address", "second_contact", "company"]
    shared = np.zeros(len(graph))
    for name in pooled:
        _, place, count = np.unique(graph.columns[name], return_inverse=True, return_counts=True)
        ringed = graph.columns[name] >= 20 << 40
        shared += ringed & (count[place] >= 2)
    member = graph.ring >= 0
    level = graph.difficulty[graph.ring]
    means = [shared[member & (level == difficulty)].mean() for difficulty in range(3)]
    assert means[0] > 1.2 * means[1] > 1.4 * means[2]


def test_waves_and_no_stamps() -> None:
    assert "day" not in draw_graph(5_000, timing="none").frame().columns
    waves = draw_graph(20_000, timing="waves").frame().filter(pl.col("address") < 1 << 40)
    plain = draw_graph(20_000, timing="bursts").frame().filter(pl.col("address") < 1 << 40)

    def spread(frame: pl.DataFrame) -> float:
        days = frame.group_by("address").agg(pl.col("day").to_physical().std(), pl.len())
        median = days.filter(pl.col("len") > 2)["day"].median()
        assert isinstance(median, float)
        return median

    assert spread(waves) < 0.9 * spread(plain)


def test_arguments_outside_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`people` is 10"):
        draw_graph(10)
    with pytest.raises(ArgumentError, match="`timing` is `tides`"):
        draw_graph(2_000, timing="tides")


def test_the_measure_on_known_answers(graph: CreditGraph) -> None:
    perfect = judge(graph, graph.ring)
    assert (perfect.ring_recall, perfect.ring_recall_large, perfect.group_precision) == (1.0, 1.0, 1.0)
    none = judge(graph, np.full(len(graph), -1))
    assert (none.ring_recall, none.group_precision, none.groups) == (0.0, 1.0, 0)
    # One great group matches nothing; halves of a ring of six match with 3 of 6, thirds do not.
    assert judge(graph, np.zeros(len(graph), dtype=np.int64)).ring_recall == 0.0
    half = graph.ring * 2 + np.arange(len(graph)) % 2
    half[graph.ring < 0] = -1
    mixed = judge(graph, half)
    assert 0 < mixed.ring_recall < 1
    assert mixed.group_precision < 1


def test_average_precision_equals_its_definition() -> None:
    truth = np.array([True, False, True, True, False])
    score = np.array([0.9, 0.8, 0.7, 0.7, 0.1])
    # One of one; then two more with a tie at the fourth place: 3 of 4 twice.
    assert average_precision(truth, score) == pytest.approx((1 + 0.75 + 0.75) / 3)
