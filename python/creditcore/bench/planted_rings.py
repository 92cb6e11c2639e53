"""Rings planted among the people of a made-up credit graph, and how well found groups match them.

Comes in: a society and its identifiers (`credit_graph.py`). Goes out: the same identifiers with what rings
share, who belongs to which ring, and, for groups that a method found, ring recall, group precision and
average precision.

A ring has 3 to 500 members (a power law), 70 % made-up and 30 % real people recruited with homes and friends
of their own. It owns pools of three to five types of identifiers; a member shows one of each pool with a
chance of 80, 50 or 25 %, by the ring's difficulty, and one at least. Its members apply within 3 to 90 days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creditcore.bench.credit_graph import DAYS, FRESH, CreditGraph, Ids, Mask, Society, neighbour

MEMBER_SHARE = 0.015
RECRUITED_SHARE = 0.3
LEAST, MOST = 3, 500
CHANCES = (0.8, 0.5, 0.25)
POOLED = {
    "device": "device",
    "second_bank_card": "card",
    "third_ip": "network",
    "address": "address",
    "second_contact": "contact",
    "company": "company",
}
"""Columns in which members show what their ring owns."""
RING = 20 * FRESH


def plant(
    random: np.random.Generator, society: Society, columns: dict[str, Ids], day: Ids
) -> tuple[Ids, Mask, Ids]:
    """Plant rings, in place, and give the ring of each person, who was recruited, each ring's difficulty."""
    people = len(society.home)
    sizes = _sizes(random, int(MEMBER_SHARE * people))
    rings = len(sizes)
    number = np.repeat(np.arange(rings), sizes)
    member = random.choice(people, size=len(number), replace=False)
    difficulty = random.integers(0, len(CHANCES), rings)
    ring = np.full(people, -1, dtype=np.int64)
    ring[member] = number
    hired = np.zeros(people, dtype=bool)
    hired[member] = random.random(len(member)) < RECRUITED_SHARE
    _make_up(random, society, columns, np.flatnonzero((ring >= 0) & ~hired))
    chance = np.array(CHANCES)[difficulty][number]
    types = random.integers(3, 6, rings)
    rank = random.random((rings, len(POOLED))).argsort(axis=1).argsort(axis=1)
    spread = np.exp(random.uniform(np.log(4), np.log(25), (rings, len(POOLED))))
    owned = rank[number] < types[number, None]
    shows = owned & (random.random(owned.shape) < chance[:, None])
    # Who shows nothing of a ring is not seen to belong to it: such members show one thing.
    least = (random.random(owned.shape) + ~owned).argmin(axis=1)
    shows[np.arange(len(member)), least] |= ~shows.any(axis=1)
    for place, name in enumerate(POOLED):
        pools = np.maximum((sizes / spread[:, place]).round().astype(np.int64), 1)
        which = (random.random(len(member)) * pools[number]).astype(np.int64)
        shown = shows[:, place]
        columns[name][member[shown]] = (RING + number * 1_000 + which)[shown]
    peers = member[
        (np.cumsum(sizes) - sizes)[number] + (random.random(len(member)) * sizes[number]).astype(int)
    ]
    calls = random.random(len(member)) < 0.3 * chance
    columns["contact"][member[calls]] = peers[calls]
    span = np.exp(random.uniform(np.log(3), np.log(90), rings))
    start = random.random(rings) * (DAYS - span)
    day[member] = (start[number] + random.random(len(member)) * span[number]).astype(np.int64)
    return ring, hired, difficulty


def _sizes(random: np.random.Generator, members: int) -> Ids:
    """Sizes of rings by a power law of exponent 2; together they have the wanted members.

    No ring has more than an eighth of all members, so that small graphs have several rings.
    """
    most = max(min(MOST, members // 8), LEAST)
    drawn = 1 / random.uniform(1 / (most + 1), 1 / LEAST, members // LEAST + 1)
    sizes = drawn.astype(np.int64)
    whole = sizes[np.cumsum(sizes) <= members]
    rest = members - int(whole.sum())
    return np.append(whole, rest) if rest >= LEAST else whole


def _make_up(random: np.random.Generator, society: Society, columns: dict[str, Ids], people: Ids) -> None:
    """Made-up people: a home of nobody else, sometimes a real address, contacts that know nothing of it."""
    own = 15 * FRESH + people
    real = random.random(len(people))
    columns["address"][people] = np.where(real < 0.3, society.home[neighbour(random, society, people)], own)
    columns["ip"][people] = own
    columns["device"][people] = own
    columns["bank_card"][people] = own
    friend = neighbour(random, society, people)
    columns["contact"][people] = np.where(random.random(len(people)) < 0.6, friend, own)


@dataclass(frozen=True)
class Quality:
    """How well groups match the planted rings."""

    ring_recall: float
    """Rings that some group matches with Jaccard >= 0.5."""
    ring_recall_large: float
    """The same, rings of ten or more."""
    group_precision: float
    """Groups that match some ring with Jaccard >= 0.5; 1 where there is none."""
    groups: int
    average_precision: float
    """Of people by their scores; NaN without scores."""


def judge(graph: CreditGraph, group: NDArray[np.int64], score: NDArray[np.float64] | None = None) -> Quality:
    """Compare groups with the planted rings.

    Args:
        graph: the graph.
        group: a number for each person, -1 for none; groups of fewer than three are left out.
        score: a number for each person, higher for more suspect.
    """
    sizes, rings = _sizes_of(group), _sizes_of(graph.ring)
    matched, matching = matches(graph, group)
    found = np.zeros(len(rings), dtype=bool)
    found[matched] = True
    right = len(np.unique(matching))
    groups = int((sizes >= LEAST).sum())
    return Quality(
        ring_recall=float(found.mean()),
        ring_recall_large=float(found[rings >= 10].mean()) if (rings >= 10).any() else float("nan"),
        group_precision=right / groups if groups else 1.0,
        groups=groups,
        average_precision=float("nan") if score is None else average_precision(graph.ring >= 0, score),
    )


def matches(graph: CreditGraph, group: NDArray[np.int64]) -> tuple[Ids, Ids]:
    """Give the rings and the groups of three or more that match with Jaccard >= 0.5, pair by pair."""
    sizes, rings = _sizes_of(group), _sizes_of(graph.ring)
    both = (graph.ring >= 0) & (group >= 0)
    pairs, together = np.unique(np.stack([graph.ring[both], group[both]]), axis=1, return_counts=True)
    match = 2 * together >= rings[pairs[0]] + sizes[pairs[1]] - together
    match &= sizes[pairs[1]] >= LEAST
    return pairs[0][match], pairs[1][match]


def _sizes_of(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the members of each group by its number; -1 is none."""
    return np.bincount(group[group >= 0], minlength=1)


def average_precision(truth: Mask, score: NDArray[np.float64]) -> float:
    """Give the mean precision at each true person, from the highest score down; ties count as one step."""
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], np.cumsum(truth[order])
    last = np.append(ranked[1:] != ranked[:-1], True)
    found = hits[last]
    precision = found / (np.flatnonzero(last) + 1)
    return float((np.diff(found, prepend=0) * precision).sum() / max(hits[-1], 1))
