"""What a refresh of linked records costs, by the rows of its delta and the records of the portfolio.

    python benches/refresh_cost.py --folder F --records 1000000 3000000 10000000 --plot cost.svg

Portfolios of `creditcore bench refresh --identifiers 5 --features 64 --models 200`, kept in the folder, made
where they are not there. Each is opened once; the first refresh of every size of delta is not counted. Prints
the median and the slowest of the others, and the delta that takes three seconds, on the line between the
medians on either side.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from creditcore.bench import linked
from creditcore.portfolio.portfolio import Portfolio

LIMIT = 3.0
"""Seconds that a refresh may take."""
COLOURS = ("#1f5fa8", "#b3541e", "#2e7d4f", "#7a3e9d")
LEFT, RIGHT, TOP, FOOT = 70, 640, 15, 360
"""The edges of the plot."""


class Cost(NamedTuple):
    """Seconds of refreshes of one size of delta."""

    rows: int
    rescored: float
    median: float
    slowest: float


def measured(folder: Path, size: linked.Size, deltas: list[int], refreshes: int) -> Iterator[Cost]:
    """Refresh one portfolio by deltas of each size."""
    linked.make(folder, size)
    with Portfolio.open(folder / "state", "write") as portfolio:
        for rows in deltas:
            known, version = portfolio.records, portfolio.version + 2
            drawn = linked.deltas(known, rows, refreshes + 1, version, size)
            _, *done = [portfolio.refresh(delta) for delta in drawn]
            took = [one.total for one in done]
            again = statistics.median(one.rescored for one in done)
            yield Cost(rows, again, statistics.median(took), max(took))


def fitting(costs: list[Cost]) -> float | None:
    """The rows that take `LIMIT`, between two sizes that were measured; None where no two enclose it."""
    for low, high in pairwise(costs):
        if low.median <= LIMIT <= high.median:
            share = (LIMIT - low.median) / (high.median - low.median)
            return low.rows + share * (high.rows - low.rows)
    return None


def label(x: float, y: float, told: str, *, anchor: str = "start", colour: str = "#222") -> str:
    """Write something into a drawing."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{told}</text>'


def svg(found: dict[int, list[Cost]]) -> str:
    """Draw medians, both axes by powers of ten; a bar reaches to the slowest."""
    every = [cost for costs in found.values() for cost in costs]
    first, last = (math.log10(edge(cost.rows for cost in every)) for edge in (min, max))
    low = math.floor(math.log10(min(cost.median for cost in every)))
    high = math.ceil(math.log10(max(LIMIT, *(cost.slowest for cost in every))))

    def x(rows: float) -> float:
        return LEFT + (RIGHT - LEFT) * (math.log10(rows) - first) / max(last - first, 1e-9)

    def y(seconds: float) -> float:
        return TOP + (FOOT - TOP) * (high - math.log10(seconds)) / max(high - low, 1)

    drawn = [f'<path d="M{LEFT} {y(LIMIT):.1f}H{RIGHT}" stroke="#c00" stroke-dasharray="5 4"/>']
    drawn.append(label(RIGHT + 5, y(LIMIT) + 4, f"{LIMIT:g} s", colour="#c00"))
    for seconds in (10.0**power for power in range(low, high + 1)):
        drawn.append(f'<path d="M{LEFT} {y(seconds):.1f}H{RIGHT}" stroke="#ddd"/>')
        drawn.append(label(LEFT - 6, y(seconds) + 4, f"{seconds:g} s", anchor="end"))
    drawn += [label(x(rows), FOOT + 18, f"{rows:,}", anchor="middle") for rows in {one.rows for one in every}]
    for place, (colour, (records, costs)) in enumerate(zip(COLOURS, found.items(), strict=False)):
        line = " ".join(f"{x(cost.rows):.1f},{y(cost.median):.1f}" for cost in costs)
        drawn.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for cost in costs:
            at, foot = f"{x(cost.rows):.1f}", f"{y(cost.median):.1f}"
            drawn.append(f'<path d="M{at} {foot}V{y(cost.slowest):.1f}" stroke="{colour}"/>')
            drawn.append(f'<circle cx="{at}" cy="{foot}" r="3" fill="{colour}"/>')
        drawn.append(label(LEFT + 12, TOP + 16 * (place + 1), f"{records:,} records", colour=colour))
    drawn.append(label((LEFT + RIGHT) / 2, FOOT + 40, "rows of a delta", anchor="middle"))
    frame = f'viewBox="0 0 {RIGHT + 60} {FOOT + 55}" font-size="12" font-family="sans-serif"'
    ground = f'<rect width="{RIGHT + 60}" height="{FOOT + 55}" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{ground}{"".join(drawn)}</svg>\n'


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the portfolios are, or are made")
    parser.add_argument("--records", type=int, nargs="+", default=[1_000_000, 3_000_000])
    parser.add_argument("--deltas", type=int, nargs="+", default=[1_000, 10_000, 30_000, 100_000, 150_000])
    parser.add_argument("--refreshes", type=int, default=5)
    parser.add_argument("--plot", type=Path)
    told: Any = parser.parse_args()
    found: dict[int, list[Cost]] = {}
    for records in told.records:
        size = linked.Size(records, 5, 64, 200)
        found[records] = []
        for cost in measured(told.folder / str(records), size, sorted(told.deltas), told.refreshes):
            found[records].append(cost)
            print(
                f"{records:>12,} records {cost.rows:>9,} rows {cost.rescored:>9,.0f} neighbours"
                f"{cost.median:>8.3f} s, slowest {cost.slowest:.3f} s",
                flush=True,
            )
        fits = fitting(found[records])
        print(
            f"{records:>12,} records: {LIMIT:g} s for {f'{fits:,.0f} rows' if fits else 'none of these'}",
            flush=True,
        )
    if told.plot is not None:
        told.plot.write_text(svg(found), encoding="utf-8")


if __name__ == "__main__":
    main()
