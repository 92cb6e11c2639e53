"""How much a ranking hangs on its choices: weights, trimming, the least n, members of rings.

Comes in: records. Goes out: plain records, the places of the leading rows under each choice. Each place is by
exact means, as in `creditcore.rank`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from creditcore import regions as region_tables
from creditcore._core import Source
from creditcore.aggregation import aggregate, make_plan, measure_of
from creditcore.errors import ArgumentError, SchemaError
from creditcore.sources import Records, open_source


def sensitivity(
    source: Records,
    by: str = "city",
    score: str = "points_model",
    weight: str | None = None,
    *,
    region: str | None = None,
    unit: str | None = None,
    pick: str = "latest",
    time: str = "event_time",
    kind: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
    min_n: Sequence[int] = (1000, 100),
    trim: float = 0.99,
    key: str | None = None,
    rings: Collection[object] | None = None,
    top: int = 10,
    encoding: str | None = None,
) -> list[dict[str, Any]]:
    """Rank records in several ways, and give the places of every row that leads in any of them.

    Args:
        source: paths of records, or a frame.
        by: a level or family of the region table, or a column.
        score: the column to average; this and what follows up to `regions` is as in `creditcore.rank`.
        weight: the column of weights.
        region: the column of regions.
        unit: the column of what a statistic counts; by default each record is a unit.
        pick: which record of a unit counts.
        time: the column of times that `pick` goes by.
        kind: the kind to keep.
        regions: the region table.
        min_n: the least numbers of units to be ranked; the first is that of every other choice.
        trim: the share of records whose weights stay; larger weights are cut to the largest of these.
        key: the column of keys that `rings` names.
        rings: the keys of members of rings (`groups.members["key"]`).
        top: how many rows lead.
        encoding: of CSV text.

    Returns:
        For each row `code`, `name`, and its place (None without one): `base` (by `weight`, `min_n[0]`),
        `by_head` and `trimmed` (where there is a weight), `without_rings` (where there are rings), `min_n_K`
        for every further least number. In the order of `base`.

    Memory: the columns that are used, for all records.

    Raises:
        ArgumentError: arguments outside of what is allowed.
        Whatever `creditcore.rank` raises.
    """
    if not 0 < trim <= 1 or not min_n or top < 1:
        raise ArgumentError(
            "`trim` lies above 0 and at most at 1; `min_n` holds a number; `top` is 1 or more"
        )
    if (key is None) != (rings is None):
        raise ArgumentError("`rings` are keys of the column `key`; give both or none")
    opened, table = open_source(source, encoding=encoding), region_tables.load(regions)
    measure = measure_of(score, None, None)
    plan = make_plan(opened.column_names(), [by], measure, weight, region, unit, pick, time, kind, table, {})
    frames = _frames(opened, plan, key, {str(member) for member in rings or ()}, trim)
    options: dict[str, Any] = {"unit": unit, "pick": pick, "time": time, "kind": kind, "regions": regions}

    def places(frame: str, least: int, weighed: bool = weight is not None) -> dict[tuple[str, str], int]:
        weights = weight if weighed else None
        sums = aggregate(frames[frame], by, score, weights, region=plan["region"], **options)
        rows = sums.rank(by, least).rows()
        return {(row["code"], row["name"]): row["rank"] for row in rows if row["rank"] is not None}

    found = {"base": places("all", min_n[0])}
    if weight is not None:
        found["by_head"] = places("all", min_n[0], False)
        found["trimmed"] = places("trimmed", min_n[0])
    if key is not None:
        found["without_rings"] = places("outside", min_n[0])
    found |= {f"min_n_{least}": places("all", least) for least in min_n[1:]}
    leading = {row for ranks in found.values() for row, place in ranks.items() if place <= top}
    ordered = sorted(leading, key=lambda row: (found["base"].get(row, 10**9), row))
    return [
        {"code": code, "name": name, **{choice: ranks.get((code, name)) for choice, ranks in found.items()}}
        for code, name in ordered
    ]


def _frames(
    opened: Source, plan: Mapping[str, Any], key: str | None, rings: Collection[str], trim: float
) -> dict[str, Any]:
    """Read what is used, as it is and changed."""
    from creditcore._frame import source_parts
    from creditcore.frames.units import weighed_otherwise
    from creditcore.frames.weighing import columns_of_plan, records_of, with_whole_times

    if key is not None and key not in opened.column_names():
        raise SchemaError(f"`key` is `{key}`, and there is no such column")
    wanted = ({} if key is None else {key: "key"}) | columns_of_plan(plan)
    rows = records_of(source_parts(opened, list(wanted.items())), list(wanted))
    if plan["units"] is not None:
        rows = with_whole_times(rows, plan["units"]["time"])
    return weighed_otherwise(rows, plan["weight"], trim, key, rings)


def ring_members(path: str | os.PathLike[str]) -> list[str]:
    """Read the keys of members of rings: the column `key` of a file that `creditcore groups -o` wrote.

    Raises:
        SourceError: a file that cannot be read.
        SchemaError: no column `key`.
    """
    from creditcore._frame import source_parts
    from creditcore.frames.weighing import distinct_texts, records_of

    opened = open_source(os.fspath(path))
    if "key" not in opened.column_names():
        raise SchemaError(f"`{path}`: there is no column `key`; name what `creditcore groups -o` wrote")
    return distinct_texts(records_of(source_parts(opened, [("key", "key")]), ["key"]), "key")
