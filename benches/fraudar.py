"""`python benches/fraudar.py`: FRAUDAR on the made-up graphs in which `benches/rings.py` compares methods.

In: sizes and a seed as arguments. Out: a line of the same table. A plain reference of Hooi et al., *FRAUDAR:
Bounding Graph Fraud in the Face of Camouflage*, 2016: people and identifiers as two sides of a graph, each
link weighed by 1 / log(5 + people of the identifier); the node with the least weight of links left is taken
away, again and again, and the block is what was left when the mean weight of a node was greatest. The next
block is sought without the links of the one before.
"""

from __future__ import annotations

import argparse
import heapq
import math
import time
from collections import defaultdict

import numpy as np

from creditcore.bench.credit_graph import COLUMNS, TIMINGS, CreditGraph, draw_graph
from creditcore.bench.planted_rings import judge
from creditcore.bench.rings import HEADING, line

CAP = 50
"""Identifiers of more people are left out, as in the other methods."""


def links_of(graph: CreditGraph) -> list[dict[int, float]]:
    """Give for each node its neighbours with weights: people first, then identifiers of several people."""
    shown: dict[tuple[str, int], list[int]] = defaultdict(list)
    for kind, names in COLUMNS.items():
        for name in names:
            numbers = graph.columns[name]
            for person in np.flatnonzero(numbers >= 0).tolist():
                shown[kind, int(numbers[person])].append(person)
    links: list[dict[int, float]] = [{} for _ in range(len(graph))]
    for people in shown.values():
        several = set(people)
        if 2 <= len(several) <= CAP:
            weight = 1 / math.log(5 + len(several))
            links.append(dict.fromkeys(several, weight))
            for person in several:
                links[person][len(links) - 1] = weight
    return links


def block(links: list[dict[int, float]]) -> set[int]:
    """Give the nodes that were left when the mean weight of a node was greatest."""
    weight = [sum(own.values()) for own in links]
    there = [bool(own) for own in links]
    queue = [(own, node) for node, own in enumerate(weight) if there[node]]
    heapq.heapify(queue)
    inside, left = sum(weight) / 2, len(queue)
    gone: list[int] = []
    best, best_at = inside / max(left, 1), 0
    while queue:
        own, node = heapq.heappop(queue)
        if not there[node] or own > weight[node]:
            continue
        there[node] = False
        gone.append(node)
        inside, left = inside - weight[node], left - 1
        for other, loss in links[node].items():
            if there[other]:
                weight[other] -= loss
                heapq.heappush(queue, (weight[other], other))
        if left and inside / left > best:
            best, best_at = inside / left, len(gone)
    return set(gone[best_at:])


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--test", type=int, default=2)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--timing", choices=TIMINGS, default="bursts")
    told = parser.parse_args()
    graph = draw_graph(told.people, told.test, told.timing)
    links = links_of(graph)
    group = np.full(len(graph), -1, dtype=np.int64)
    score = np.zeros(len(graph))
    start = time.perf_counter()
    for number in range(told.blocks):
        found = block(links)
        people = np.array(sorted(node for node in found if node < len(graph)), dtype=np.int64)
        free = people[group[people] < 0]
        group[free], score[free] = number, told.blocks - number
        for node in found:
            for other in [other for other in links[node] if other in found]:
                del links[node][other]
    seconds = time.perf_counter() - start
    print(HEADING)
    print(line(f"FRAUDAR, {told.blocks} blocks", judge(graph, group, score), seconds))


if __name__ == "__main__":
    main()
