"""Connected components against other libraries, run in turn: `python benches/components.py --people 920000`.

Comes in: a number of people, 11 links each. Goes out: median seconds of each library, and the memory that
creditcore takes beyond its input. The partitions are compared first. creditcore reads a frame with a column
for each sort of identifier, 64-bit integers as a hash gives them, and numbers them itself; the others are
given people and identifiers numbered densely beforehand, which is not timed, and make a graph of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import creditcore as cc

Integers = NDArray[np.int64]
Labels = NDArray[Any]
COLUMNS = {
    "identity": ["identity"],
    "phone": ["phone", "second_phone", "contact", "second_contact"],
    "device": ["device", "second_device"],
    "card": ["card"],
    "ip": ["ip"],
    "address": ["address"],
    "company": ["company"],
}


def drawn(people: int) -> dict[str, Integers]:
    """Numbers of identifiers by column: most are a person's own, some are shared, a few are hubs."""
    rng = np.random.default_rng(1)
    own = np.arange(people)

    def shared(share: float, first: int) -> Integers:
        mask = rng.random(people) < share
        return np.where(mask, rng.integers(0, people, people), own + first)

    hubs = (people * rng.power(0.2, people) / 1_000).astype(np.int64)
    return {
        "identity": own,
        "phone": shared(0.03, 0),
        "second_phone": shared(0.1, people),
        "contact": rng.integers(0, people, people),
        "second_contact": rng.integers(0, 2 * people, people),
        "device": shared(0.15, 0),
        "second_device": shared(0.15, people),
        "card": shared(0.02, 0),
        "ip": np.where(rng.random(people) < 0.3, hubs, rng.integers(people, 2 * people, people)),
        "address": rng.integers(0, people // 2 + 1, people),
        "company": (rng.power(0.5, people) * people / 10).astype(np.int64),
    }


def hashed(numbers: Integers, kind: int) -> NDArray[np.uint64]:
    """Numbers of a type spread over 64 bits, one to one (the finisher of SplitMix64)."""
    x = numbers.astype(np.uint64) + np.uint64((kind + 1) << 40)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def inputs(people: int) -> tuple[pl.DataFrame, Integers, Integers, int]:
    """A frame for creditcore; people, dense identifiers and their number for the others."""
    numbers = drawn(people)
    kinds = {name: kind for kind, names in enumerate(COLUMNS.values()) for name in names}
    frame = pl.DataFrame(
        {"key": np.arange(people) * 3 + 1}
        | {name: hashed(numbers[name], kind) for name, kind in kinds.items()}
    )
    dense, count = [], 0
    for names in COLUMNS.values():
        unique, number = np.unique(np.concatenate([numbers[name] for name in names]), return_inverse=True)
        dense.append(number + count)
        count += len(unique)
    return frame, np.tile(np.arange(people), len(kinds)), np.concatenate(dense), count


def rivals(
    people: int, person: Integers, identifier: Integers, count: int
) -> dict[str, Callable[[], Labels]]:
    """For each library that is installed a function that gives every person a label."""
    size = people + count
    node = identifier + people
    found: dict[str, Callable[[], Labels]] = {}

    def scipy() -> Labels:
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        ones = np.ones(len(person), dtype=np.int8)
        graph = coo_matrix((ones, (person, node)), shape=(size, size))
        labels: Labels = connected_components(graph, directed=False)[1][:people]
        return labels

    def networkit() -> Labels:
        import networkit as nk

        graph = nk.GraphFromCoo((person, node), n=size)
        search = nk.components.ParallelConnectedComponents(graph)
        search.run()
        return np.fromiter((search.componentOfNode(key) for key in range(people)), np.int64, people)

    def igraph() -> Labels:
        import igraph as ig

        graph = ig.Graph(n=size, edges=np.column_stack((person, node)))
        return np.array(graph.connected_components().membership[:people])

    def rustworkx() -> Labels:
        import rustworkx as rx

        graph = rx.PyGraph(multigraph=True)
        graph.add_nodes_from(range(size))
        graph.extend_from_edge_list(list(zip(person.tolist(), node.tolist(), strict=True)))
        labels = np.empty(size, dtype=np.int64)
        for label, nodes in enumerate(rx.connected_components(graph)):
            labels[list(nodes)] = label
        return labels[:people]

    def polars() -> Labels:
        links = pl.DataFrame({"person": person, "identifier": identifier})
        labels = pl.Series("label", np.arange(people))
        while True:
            least = pl.col("label").min()
            labelled = links.lazy().with_columns(label=labels.gather(links["person"]))
            of_identifier = labelled.group_by("identifier").agg(least)
            of_person = links.lazy().join(of_identifier, on="identifier").group_by("person").agg(least)
            after = of_person.sort("person").collect(engine="streaming")["label"]
            after = after.gather(after)
            if (after == labels).all():
                return after.to_numpy()
            labels = after

    def duckdb() -> Labels:
        import duckdb as db

        connection = db.connect()
        connection.execute(f"SET threads = {len(os.sched_getaffinity(0))}; SET enable_progress_bar = false")
        arrow = pl.DataFrame({"person": person, "identifier": identifier}).to_arrow()
        connection.register("arrow", arrow)
        connection.execute("CREATE TABLE links AS SELECT * FROM arrow")
        connection.execute("CREATE TABLE labels AS SELECT DISTINCT person, person AS label FROM links")
        while True:
            connection.execute(
                """CREATE OR REPLACE TABLE next AS
                WITH of_identifier AS (
                    SELECT identifier, min(label) AS label FROM links JOIN labels USING (person) GROUP BY ALL
                ), of_person AS (
                    SELECT person, min(label) AS label
                    FROM links JOIN of_identifier USING (identifier) GROUP BY ALL
                ) SELECT a.person, b.label FROM of_person a JOIN of_person b ON a.label = b.person"""
            )
            query = "SELECT count(*) FROM next JOIN labels USING (person) WHERE next.label <> labels.label"
            changed = connection.execute(query).fetchall()[0][0]
            connection.execute("DROP TABLE labels; ALTER TABLE next RENAME TO labels")
            if not changed:
                found = connection.execute("SELECT label FROM labels ORDER BY person").fetchnumpy()
                return np.asarray(found["label"])

    for run in (scipy, networkit, igraph, rustworkx, polars, duckdb):
        found[run.__name__] = run
    return found


def canonical(labels: Labels) -> Integers:
    """For each person the first one with the same label."""
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    return first[number]


def timed(run: Callable[[], Labels]) -> tuple[Labels, float, float]:
    """What a function gives, its seconds, and the processor's."""
    start, used = time.perf_counter(), time.process_time()
    labels = run()
    return labels, time.perf_counter() - start, time.process_time() - used


def memory_of(run: Callable[[], Labels]) -> int:
    """Bytes by which the process grows at most while a function runs."""

    def read(name: str) -> int:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name))

    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = read("VmRSS")
    run()
    return read("VmHWM") - before


def main() -> None:
    """Compare the partitions, then run in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=920_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rivals", default="scipy,networkit,igraph,rustworkx,polars,duckdb")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    frame, person, identifier, count = inputs(options.people)

    def ours() -> Labels:
        return cc.components(frame, "key", COLUMNS, threads=options.threads)["component"].to_numpy()

    # The code's own pages come into memory with the first call and are not working memory.
    cc.components(frame.head(1_000), "key", COLUMNS)
    grown = memory_of(ours)
    print(f"{options.people:,} people, {len(person):,} links, {count:,} identifiers")
    print(f"creditcore takes {grown / count:.1f} bytes an identifier, {grown / len(person):.1f} a link")
    wanted = canonical(ours())
    all_rivals = rivals(options.people, person, identifier, count)
    chosen = {"creditcore": ours} | {name: all_rivals[name] for name in options.rivals.split(",") if name}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in chosen}
    for turn in range(options.runs):
        for name, run in chosen.items():
            if turn > 0 and seconds[name][0][0] > 60:
                continue
            labels, wall, used = timed(run)
            assert turn > 0 or (canonical(labels) == wanted).all(), name
            seconds[name].append((wall, used))
    ours_wall, ours_cpu = (statistics.median(times) for times in zip(*seconds["creditcore"], strict=True))
    for name, measured in seconds.items():
        wall, used = (statistics.median(times) for times in zip(*measured, strict=True))
        print(f"  {name:<12}{wall:>9.3f} s   x{wall / ours_wall:.1f}", end="")
        print(f"   processor {used:.2f} s, x{used / ours_cpu:.1f}")


if __name__ == "__main__":
    main()
