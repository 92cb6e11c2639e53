"""Nested groups: people joined by their closest ties first, every group on the way a candidate for a ring.

Comes in: ties with a closeness each. Goes out: `Nested`, the tree of single linkage (Gower and Ross, Minimum
spanning trees and single linkage cluster analysis, 1969): which two groups each join makes one, at which
closeness. Of two groups one holds the other or they share nobody, so a choice of disjoint groups is a choice
of nodes. Equals join in the order of keys: the tree is a function of the ties (laws 2 and 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Nested:
    """Nodes: first everybody who has a tie, alone, then groups in the order in which they are joined."""

    people: NDArray[np.int64]
    """Numbers of the people, ascending: the nodes of one."""
    joined: NDArray[np.int64]
    """For each group the two nodes that it joins."""
    closeness: NDArray[np.float64]
    """Of each node, at which it is joined; 1 for people alone."""
    above: NDArray[np.int64]
    """For each node the group that it is joined into, -1 for none."""
    meeting: NDArray[np.int64]
    """For each tie the smallest group that holds both of its ends."""
    start: NDArray[np.int64]
    """For each node where its people begin in `order`."""
    size: NDArray[np.int64]
    order: NDArray[np.int64]
    """Places in `people`, so that the people of each node stand side by side."""

    def members(self, node: int) -> NDArray[np.int64]:
        """Give the numbers of the people of a node, ascending."""
        begin = self.start[node]
        return np.sort(self.people[self.order[begin : begin + self.size[node]]])

    def sums(self, alone: NDArray[np.float64], ties: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up columns of people, and of the ties inside, over each node's people."""
        made = np.zeros((len(self.size), alone.shape[1] + ties.shape[1]))
        made[: len(self.people), : alone.shape[1]] = alone
        for place, column in enumerate(ties.T, alone.shape[1]):
            made[:, place] = np.bincount(self.meeting, column, len(self.size))
        for node, (one, other) in enumerate(self.joined.tolist(), len(self.people)):
            made[node] += made[one] + made[other]
        return made

    def extremes(self, alone: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the least and the greatest of columns over each node's people; NaN where all are NaN."""
        least = np.full((len(self.size), alone.shape[1]), np.nan)
        least[: len(self.people)] = alone
        most = least.copy()
        for node, (one, other) in enumerate(self.joined.tolist(), len(self.people)):
            least[node] = np.fmin(least[one], least[other])
            most[node] = np.fmax(most[one], most[other])
        return least, most

    def chosen(self, nodes: NDArray[np.int64], score: NDArray[np.float64]) -> NDArray[np.int64]:
        """Choose disjoint nodes: from the highest score down each that shares nobody with one before.

        Of equals the larger comes first, then the one joined first.
        """
        taken = np.zeros(len(self.people), dtype=bool)
        kept = []
        for node in nodes[np.lexsort((nodes, -self.size[nodes], -score))].tolist():
            span = slice(self.start[node], self.start[node] + self.size[node])
            if not taken[span].any():
                taken[span] = True
                kept.append(node)
        return np.array(kept, dtype=np.int64)


def nested(one: NDArray[np.int64], other: NDArray[np.int64], closeness: NDArray[np.float64]) -> Nested:
    """Join people by their ties, the closest first.

    Args:
        one: the end of each tie with the smaller number.
        other: the other end.
        closeness: from 0 to 1.
    """
    people = np.unique(np.concatenate([one, other]))
    ends = np.searchsorted(people, one), np.searchsorted(people, other)
    count = len(people)
    # A forest beside: the smaller set hangs below the larger, so that ways up are short; `when` says by which
    # join.
    root, size, node = list(range(count)), [1] * count, list(range(count))
    when = [2 * count] * count
    joined: list[tuple[int, int]] = []
    heights = [1.0] * count
    order = np.lexsort((ends[1], ends[0], -closeness))
    for a, b, height in zip(*(column[order].tolist() for column in (*ends, closeness)), strict=True):
        while root[a] != a:
            a = root[a]
        while root[b] != b:
            b = root[b]
        if a == b:
            continue
        if size[a] < size[b]:
            a, b = b, a
        joined.append((min(node[a], node[b]), max(node[a], node[b])))
        heights.append(height)
        root[b], size[a], node[a] = a, size[a] + size[b], count + len(joined) - 1
        when[b] = node[a]
    pairs = np.array(joined, dtype=np.int64).reshape(-1, 2)
    meeting = _meeting(*ends, np.array(root, dtype=np.int64), np.array(when, dtype=np.int64))
    return _laid_out(people, pairs, np.array(heights), meeting)


def _meeting(a: Any, b: Any, root: NDArray[np.int64], when: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the join by which both ends of each tie came together: joins only get later on the way up."""
    met = np.zeros(len(a), dtype=np.int64)
    a, b = a.copy(), b.copy()
    apart = np.flatnonzero(a != b)
    while len(apart):
        first = when[a[apart]] < when[b[apart]]
        for ends, moved in ((a, apart[first]), (b, apart[~first])):
            met[moved] = when[ends[moved]]
            ends[moved] = root[ends[moved]]
        apart = apart[a[apart] != b[apart]]
    return met


def _laid_out(
    people: NDArray[np.int64],
    joined: NDArray[np.int64],
    closeness: NDArray[np.float64],
    meeting: NDArray[np.int64],
) -> Nested:
    """Find sizes and what lies above, and put the people of each node side by side."""
    count = len(people)
    nodes = count + len(joined)
    size, above = np.ones(nodes, dtype=np.int64), np.full(nodes, -1, dtype=np.int64)
    for node, (one, other) in enumerate(joined.tolist(), count):
        size[node] = size[one] + size[other]
        above[one] = above[other] = node
    start = np.zeros(nodes, dtype=np.int64)
    tops = np.flatnonzero(above < 0)
    start[tops] = np.cumsum(size[tops]) - size[tops]
    for node in range(nodes - 1, count - 1, -1):
        one, other = joined[node - count]
        start[one] = start[node]
        start[other] = start[node] + size[one]
    return Nested(people, joined, closeness, above, meeting, start, size, np.argsort(start[:count]))
