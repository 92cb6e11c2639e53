"""How many planted rings each method finds: one table.

Comes in: sizes, seeds and a timing regime. Goes out: lines of a table: rings found (Jaccard >= 0.5), rings of
ten or more, the precision of groups, average precision of people, seconds. Rivals that are not installed are
left out: label propagation and Louvain (networkit), Leiden-CPM (igraph), and components over
ties beyond a threshold, all on the same time-decayed ties of the same network.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

import creditcore as cc
from creditcore.bench.credit_graph import COLUMNS, CreditGraph, draw_graph
from creditcore.bench.planted_rings import Quality, judge, matches
from creditcore.linking.groups import Groups
from creditcore.linking.person_model import PersonModel

PRECISION = 0.85
HEADING = f"{'method':<34}{'rings':>7}{'>= 10':>7}{'prec.':>7}{'groups':>8}{'AP':>7}{'s':>7}"


def line(name: str, quality: Quality, seconds: float) -> str:
    """Give a row of the table."""
    figures = (quality.ring_recall, quality.ring_recall_large, quality.group_precision)
    shown = "".join(f"{figure:>7.2f}" for figure in figures)
    return f"{name:<34}{shown}{quality.groups:>8}{quality.average_precision:>7.2f}{seconds:>7.1f}"


def network_of(graph: CreditGraph) -> cc.Network:
    """Build the network of a graph, its strengths learned."""
    timed = None if graph.day is None else "day"
    return cc.Network.build(graph.frame(), "key", COLUMNS, timed).fit()


def labels_of(graph: CreditGraph, rings: int | None = None) -> dict[str, Any]:
    """Every person's truth, as labels; with `rings` members of all but the first so many are unknown."""
    label = (graph.ring >= 0).tolist()
    named = [None if ring < 0 else ring for ring in graph.ring.tolist()]
    if rings is not None:
        for person in np.flatnonzero(graph.ring >= rings):
            label[person] = None
    return {"key": graph.key, "label": label, "ring": named}


def group_array(graph: CreditGraph, members: Any) -> NDArray[np.int64]:
    """Give the group of each person, -1 for none."""
    group = np.full(len(graph), -1, dtype=np.int64)
    group[members["key"].to_numpy()] = members["group_id"].to_numpy()
    return group


def at_precision(graph: CreditGraph, groups: Groups, least: float = PRECISION) -> Quality:
    """Judge the groups above the loosest score at which so many of them are rings.

    The score is chosen on the truth: what is compared is the order of the groups, not a threshold.
    """
    every = groups.all()
    score, own = groups.people()["score"].to_numpy(), every["score"].to_numpy()
    group = group_array(graph, groups.all_members())
    right = np.isin(every["group_id"].to_numpy(), matches(graph, group)[1])
    order = np.argsort(-own, kind="stable")
    precise = np.cumsum(right[order]) >= least * np.arange(1, len(order) + 1)
    # Groups of one score stand or fall together.
    precise &= np.append(own[order][1:] != own[order][:-1], True)[: len(order)]
    count = int(np.flatnonzero(precise)[-1]) + 1 if precise.any() else 0
    kept = every["group_id"].to_numpy()[order[:count]]
    return judge(graph, np.where(np.isin(group, kept), group, -1), score)


def ours(graph: CreditGraph, model: PersonModel | None = None) -> Iterator[str]:
    """Find groups as creditcore does; `model` is fitted to another graph."""
    start = time.perf_counter()
    network = network_of(graph)
    built = time.perf_counter()
    network.person_model = model
    groups = network.find_groups()
    seconds = time.perf_counter() - built
    named = "named rings" if model is not None and model.group_trees is not None else "labels"
    name = "creditcore, " + ("label-free" if model is None else named)
    score = groups.people()["score"].to_numpy()
    yield line(f"{name}, judged", judge(graph, group_array(graph, groups.members), score), seconds)
    yield line(f"{name}, at {PRECISION}", at_precision(graph, groups), seconds)
    yield line(f"{name}, every group", judge(graph, group_array(graph, groups.all_members()), score), seconds)
    for note in groups.notes:
        yield f"    {note}"
    yield f"    network built in {built - start:.1f} s"


def few_labels(people: int, train: int, test: int, timing: str, rings: Sequence[int]) -> Iterator[str]:
    """Find groups with a model of so many confirmed rings, however few; gives lines of the table."""
    from creditcore.linking.groups import TAU
    from creditcore.linking.labels import label_rows
    from creditcore.linking.person_model import learn

    taught = draw_graph(people, train, timing)
    graph, network = draw_graph(people, test, timing), network_of(taught)
    yield HEADING
    for count in rings:
        start = time.perf_counter()
        known = label_rows(labels_of(taught, count), "key", "label")
        model, notes = learn(network, known, TAU, least_rings=1)
        tested = network_of(graph)
        tested.person_model = model
        groups = tested.find_groups()
        score, seconds = groups.people()["score"].to_numpy(), time.perf_counter() - start
        name = f"labels of {count} rings"
        yield line(f"{name}, judged", judge(graph, group_array(graph, groups.members), score), seconds)
        yield line(f"{name}, at {PRECISION}", at_precision(graph, groups), seconds)
        yield f"    {[*notes, *groups.notes][0]}"


def ties_of(graph: CreditGraph) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Give the time-decayed ties of a graph: both ends and the weight."""
    from creditcore._core import Detection
    from creditcore._frame import to_polars
    from creditcore.linking.groups import TAU

    network = network_of(graph)
    detection = Detection.of(network._core, TAU, False)
    ties = to_polars(detection.ties(0.01))
    one, other = (ties[name].to_numpy().astype(np.int64) for name in ("one", "other"))
    return one, other, ties["weight"].to_numpy()


def rivals(graph: CreditGraph) -> Iterator[str]:
    """Cluster the same ties by every other method that is installed."""
    one, other, weight = ties_of(graph)
    people = len(graph)
    if find_spec("scipy") is not None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        for bound in (0.3, 1.0):
            start = time.perf_counter()
            kept = weight > bound
            ties = coo_array((weight[kept], (one[kept], other[kept])), shape=(people, people))
            _, found = connected_components(ties, directed=False)
            yield _judged(graph, f"components of ties above {bound}", found, start)
    if find_spec("networkit") is not None:
        import networkit

        ends = (one, other)
        ties = networkit.GraphFromCoo((weight, ends), n=people, weighted=True, directed=False)
        for name, method in (
            ("label propagation (networkit)", networkit.community.PLP(ties)),
            ("Louvain (networkit)", networkit.community.PLM(ties)),
        ):
            start = time.perf_counter()
            method.run()
            yield _judged(graph, name, np.array(method.getPartition().getVector()), start)
    if find_spec("igraph") is not None:
        import igraph

        ties = igraph.Graph(n=people, edges=np.stack([one, other], axis=1))
        for resolution in (0.05, 0.1, 0.4):
            start = time.perf_counter()
            options = {"weights": weight, "resolution": resolution, "n_iterations": 2}
            found = ties.community_leiden(objective_function="CPM", **options)
            yield _judged(graph, f"Leiden-CPM {resolution} (igraph)", np.array(found.membership), start)


def _judged(graph: CreditGraph, name: str, found: NDArray[Any], start: float) -> str:
    seconds = time.perf_counter() - start
    found = found.astype(np.int64)
    sizes = np.bincount(found)
    return line(name, judge(graph, np.where(sizes[found] >= 3, found, -1)), seconds)


def compare(people: int, train: int, test: int, timing: str, *, others: bool = True) -> Iterator[str]:
    """Compare the methods on a test graph; labels are those of a train graph; gives lines to print."""
    graph = draw_graph(people, test, timing)
    yield f"{people:,} people, {graph.links:,} links, timing `{timing}`, train seed {train}, test seed {test}"
    yield HEADING
    if others:
        yield from rivals(graph)
    yield from ours(graph)
    if find_spec("lightgbm") is not None:
        taught = draw_graph(people, train, timing)
        start = time.perf_counter()
        model = network_of(taught).fit(labels_of(taught), ring="ring").person_model
        yield f"    network of seed {train} built and models fitted in {time.perf_counter() - start:.1f} s"
        if model is not None:
            yield from ours(graph, replace(model, group_trees=None))
            yield from ours(graph, model)
