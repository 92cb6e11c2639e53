"""What a network costs: rings from records, and updates: many records, one application, a day that expires.

    python benches/network_updates.py --people 920000
    python benches/network_updates.py --people 920000 --detect 3

Made-up credit applications (`creditcore.bench.credit_graph`), a delta of new people over the same
identifiers. Prints wall and processor seconds; every update renews the features of whoever it touches, but
those of days that expire, which leave it to the next.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import creditcore as cc
from creditcore.bench.credit_graph import COLUMNS, draw_graph


def timed(name: str, work: Callable[[], Any]) -> Any:
    """Run, print wall and processor seconds, give what came out."""
    wall, busy = time.perf_counter(), time.process_time()
    made = work()
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    print(f"{name:<56}{wall:>9.3f} s{busy:>9.3f} s of the processor")
    return made


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=920_000)
    parser.add_argument("--delta", type=int, default=92_000, help="people of the delta")
    parser.add_argument("--single", type=int, default=500, help="applications that come one by one")
    parser.add_argument("--detect", type=int, default=0, help="so often rings from records, and nothing else")
    told = parser.parse_args()
    graph = draw_graph(told.people + told.delta + told.single, 1, "bursts")
    frame = graph.frame()
    order = np.random.default_rng(5).permutation(len(frame))
    base, rest = frame[order[: told.people]], frame[order[told.people :]]
    del graph, frame
    if told.detect:
        base = base.rechunk()
        for _ in range(told.detect):
            groups = timed("rings from records", lambda: cc.find_groups(base, "key", COLUMNS, "day"))
        print(f"{len(groups):,} rings among {len(base):,} people")
        return
    network = timed("build", lambda: cc.Network.build(base, "key", COLUMNS, "day").fit())
    sizes = network.sizes
    print(f"{sizes.people:,} people, {sizes.identified:,} links, {sizes.links:,} of shared identifiers")
    timed("features of all", lambda: network.ego_features())
    network = timed("first update: records taken up", lambda: network.update())
    network = timed("first update with features", lambda: network.update(features=True))
    delta = rest[: told.delta]
    network = timed(f"{len(delta):,} new people", lambda: network.update(delta, features=True))
    print(f"    features of {len(network.changed_features):,} people are others")
    seconds = []
    for number in range(told.single):
        one = rest[told.delta + number]
        wall, busy = time.perf_counter(), time.process_time()
        network = network.update(one, features=True)
        seconds.append((time.perf_counter() - wall, time.process_time() - busy))
    for name, measured in zip(("wall", "of the processor"), zip(*seconds, strict=True), strict=True):
        p50, p99 = np.quantile(measured, [0.5, 0.99])
        print(f"one application, {name}: p50 {p50 * 1e3:.3f} ms, p99 {p99 * 1e3:.3f} ms")
    first = base["day"].min()
    assert isinstance(first, datetime.date)
    for days in (1, 2, 3):
        limit = first + datetime.timedelta(days=days)
        network = timed(f"day {days} expires", partial(network.update, expire_before=limit))
        print(f"    {len(network.changed):,} records are gone")
        network = timed("features of who was linked with them", partial(network.update, features=True))
        print(f"    features of {len(network.changed_features):,} people are others")


if __name__ == "__main__":
    main()
