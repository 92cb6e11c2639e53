"""How far two releases are apart: what they publish must differ by many units, or by none.

Comes in: the units that two releases used, and which rows they hide. Goes out: the cells that would tell of a
few units. Law kept: what can be computed from both releases together differs in no unit or in enough.

What a release shows tells sums over unions of its finest shown cells; what two releases both tell are unions
of the finest pieces that both can tell (`_Pieces`). Each of those and each union of them is looked at.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore._core import Regions, Source
from creditcore.aggregation import Aggregate
from creditcore.errors import StateError
from creditcore.ranking.detail import same_sums

if TYPE_CHECKING:
    import polars as pl

MOST_SUBSETS = 10
"""Pieces of which every union is tried; more of them must each differ in enough units."""
Cell = tuple[str, str]
"""A level and a code."""
Hidden = Mapping[str, Sequence[str]]
"""Codes by level."""


@dataclass(frozen=True)
class Used:
    """The units that a release used: `rows` as Parquet, and for each grouping its points and their cells."""

    told: dict[str, Any]
    rows: bytes | Path

    def write(self, folder: Path) -> None:
        """Write both files into a folder."""
        assert isinstance(self.rows, bytes)
        text = json.dumps(self.told, ensure_ascii=False, sort_keys=True) + "\n"
        (folder / "cells.json").write_text(text, encoding="utf-8")
        (folder / "used.parquet").write_bytes(self.rows)

    @staticmethod
    def read(folder: Path) -> Used:
        """Read what `write` wrote."""
        return Used(json.loads((folder / "cells.json").read_text(encoding="utf-8")), folder / "used.parquet")


def used_units(sums: Aggregate, opened: Source, table: Regions | None, hidden: Hidden, salt: bytes) -> Used:
    """Give the units of a ranking's records: their group, weight and score as keyed hashes.

    Args:
        sums: of the ranking; its plan says what counts.
        opened: its records.
        table: its region table.
        hidden: the codes that the release hides, by name.
        salt: the key of the hashes.

    Raises:
        StateError: units that are not those of the sums.
    """
    from creditcore._frame import source_parts
    from creditcore.frames import used

    plan = sums._plan
    wanted = used.columns_of(plan)
    units = plan["units"] or {}
    share = plan["measure"].get("share_above", {}).get("cut")
    kind = None if plan["kind"] == "all" else plan["kind"]
    parts = source_parts(opened, list(wanted.values()))
    rows = used.used_rows(parts, list(wanted), kind, units.get("pick", "latest"), share)
    told, frames = [], []
    known = [] if table is None else table.levels()
    for number, by in enumerate(plan["by"]):
        levels = [level for _, level, grouping in plan["names"] if grouping == number]
        points: dict[str, dict[str, list[str]]]
        if by == "region" and table is not None:
            points, leaves = _regions(table, used.distinct(rows, f"g{number}"))
            frame = used.in_groups(rows, f"g{number}", leaves)
            levels = _with_parents(table, levels)
            key = "region"
        else:
            edges = by["bands"]["edges"] if "bands" in by else None
            frame = (
                used.in_groups(rows, f"g{number}", None)
                if edges is None
                else used.in_bands(rows, f"g{number}", edges)
            )
            points = {point: {levels[0]: [point]} for point in used.points_of(frame)}
            key = json.dumps(by, sort_keys=True)
        _check(sums, number, used.figures(frame))
        codes = {level: sorted(hidden.get(name, ())) for name, level, of in plan["names"] if of == number}
        finest = next((level for level in reversed(levels) if level in known), levels[-1])
        told.append({"key": key, "levels": levels, "finest": finest, "hidden": codes, "points": points})
        frames.append(used.hashed(frame, salt))
    return Used({"unit": units.get("key"), "groupings": told}, used.to_bytes(frames))


def _regions(table: Regions, values: list[str]) -> tuple[dict[str, dict[str, list[str]]], dict[str, str]]:
    """Give the cells of each region by level, and each value's region."""
    leaves = dict(table.members(values, table.levels()[-1]))
    points: dict[str, dict[str, list[str]]] = {leaf: {} for leaf in sorted(set(leaves.values()))}
    for level in [*table.levels(), *table.families()]:
        cells = defaultdict(set)
        for value, code in table.members(values, level):
            cells[leaves[value]].add(code)
        for leaf, codes in cells.items():
            points[leaf][level] = sorted(codes)
    return points, leaves


def _with_parents(table: Regions, levels: list[str]) -> list[str]:
    """Add the levels that rows are compared with: `diff_parent` tells the means of parents."""
    known = table.levels()
    finest = max((known.index(level) for level in levels if level in known), default=0)
    return [*(level for level in known[: finest + 1]), *(level for level in levels if level not in known)]


def _check(sums: Aggregate, number: int, mine: tuple[int, tuple[float, ...], tuple[float, ...]]) -> None:
    if not same_sums(sums, number, mine):
        raise StateError(
            "the units that were ranked cannot be told one by one, so this release cannot be held against "
            "earlier ones; give all times in one form, and one record for each unit and time"
        )


def too_near(mine: Used, kept: Used, least: int) -> dict[str, int]:
    """Give the cells that would tell of fewer than `least` units, by name, with how many."""
    from creditcore.frames import used

    found: dict[str, int] = {}
    pairs = [
        (one, two)
        for one in enumerate(mine.told["groupings"])
        for two in enumerate(kept.told["groupings"])
        if one[1]["key"] == two[1]["key"]
    ]
    # Releases by different things have at least the mean of all in common.
    whole = not pairs
    pairs = pairs or [((0, mine.told["groupings"][0]), (0, kept.told["groupings"][0]))]
    by_unit = mine.told["unit"] is not None and mine.told["unit"] == kept.told["unit"]
    for (at, one), (kept_at, two) in pairs:
        pieces = _Pieces(one, two, whole)
        frames = used.from_bytes(kept.rows, kept_at), used.from_bytes(mine.rows, at)
        counts = _by_units(*frames, pieces, least) if by_unit else _by_values(*frames, pieces)
        found |= {name: count for name, count in counts.items() if 0 < count < least}
    # Groups come in any order, and the first few are told.
    return dict(sorted(found.items()))


class _Pieces:
    """The finest unions of points that both releases tell sums of."""

    def __init__(self, one: Mapping[str, Any], two: Mapping[str, Any], whole: bool) -> None:
        points = two["points"] | one["points"]
        shown = [
            {point: _shown(cells, of["levels"], of["hidden"]) for point, cells in points.items()}
            for of in (one, two)
        ]
        parent = {point: point for point in points}

        def root(point: str) -> str:
            while parent[point] != point:
                parent[point] = parent[parent[point]]
                point = parent[point]
            return point

        for of in shown:
            first: dict[tuple[Cell, ...], str] = {}
            for point, cells in of.items():
                parent[root(point)] = root(first.setdefault(() if whole else cells, point))
        numbers: dict[str, int] = {}
        self.parts = {point: numbers.setdefault(root(point), len(numbers)) for point in points}
        within: dict[int, set[str]] = defaultdict(set)
        for point, part in self.parts.items():
            within[part].add(_named(shown[0][point], one["finest"]))
        self.names = {
            part: "all units" if whole else _listed(sorted(names)) for part, names in within.items()
        }
        self.cells = sorted(
            {
                (point, " ".join(cell))
                for point in points
                for cell in set(shown[0][point]) & set(shown[1][point])
            }
        )


def _named(cells: Sequence[Cell], finest: str) -> str:
    exact = [" ".join(cell) for cell in cells if cell[0] == finest]
    return exact[0] if exact else f"the hidden rows of {' '.join(cells[-1])}" if cells else "the hidden rows"


def _shown(cells: Mapping[str, list[str]], levels: Sequence[str], hidden: Hidden) -> tuple[Cell, ...]:
    none = {(level, code) for level in levels for code in hidden.get(level, ())}
    found = [(level, code) for level in levels for code in cells.get(level, ())]
    return tuple(cell for cell in found if cell not in none)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _by_values(before: pl.DataFrame, after: pl.DataFrame, pieces: _Pieces) -> dict[str, int]:
    """Without units nobody can be followed: a row that changed is one that left and one that came."""
    from creditcore.frames.used import replaced

    pairs = [(point, pieces.names[part]) for point, part in pieces.parts.items()]
    every = [(point, "all units") for point in pieces.parts]
    return replaced(before, after, sorted({*pairs, *pieces.cells, *every}))


def _by_units(before: pl.DataFrame, after: pl.DataFrame, pieces: _Pieces, least: int) -> dict[str, int]:
    """Give the smallest differences of unions of pieces.

    A union differs by the units that are or were in it, less those that moved within it with
    their values.
    A piece that `least` units changed otherwise than by moving makes every union with it differ by as many.
    """
    from creditcore.frames.used import flows

    found = flows(before, after, pieces.parts)
    own: Counter[int] = Counter()
    for was, now, kept, count in found:
        if not kept:
            own.update(dict.fromkeys({part for part in (was, now) if part is not None}, count))
    few = {part for part in pieces.names if own[part] < least}
    links: dict[int, set[int]] = {part: set() for part in few}
    for was, now, kept, _ in found:
        if kept and was in links and now in links:
            links[was].add(now)
            links[now].add(was)

    def differ(union: frozenset[int]) -> int:
        return sum(
            count
            for was, now, kept, count in found
            if (was in union or now in union) and not (kept and was in union and now in union)
        )

    counts: dict[str, int] = {}
    tried: dict[tuple[int, ...], int]
    for cluster in _clusters(links):
        if len(cluster) <= MOST_SUBSETS:
            unions = chain.from_iterable(combinations(cluster, size) for size in range(1, len(cluster) + 1))
            tried = {union: differ(frozenset(union)) for union in unions}
        else:
            tried = Counter({(part,): own[part] for part in cluster})
            for was, now, kept, count in found:
                if kept and was is not None and now is not None and {was, now} & set(cluster):
                    tried[min(was, now), max(was, now)] += count
        for union, count in tried.items():
            name = " with ".join(pieces.names[part] for part in union)
            if 0 < count < least:
                counts[name] = count
    return counts


def _clusters(links: Mapping[int, set[int]]) -> list[list[int]]:
    """Give the connected sets of a graph."""
    left, found = set(links), []
    while left:
        waiting, cluster = [min(left)], set()
        while waiting:
            part = waiting.pop()
            if part not in cluster:
                cluster.add(part)
                waiting += links[part]
        left -= cluster
        found.append(sorted(cluster))
    return found
