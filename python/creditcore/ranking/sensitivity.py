"""How much a ranking hangs on its choices: weights, trimming, the least n, members of rings.

Comes in: records. Goes out: plain records, the places of the leading rows under each choice. Each place is by
exact means, as in `creditcore.rank`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any

from creditcore import regions as region_tables
from creditcore.aggregation import REGION_COLUMNS, aggregate
from creditcore.errors import ArgumentError
from creditcore.sources import Records, open_source


def sensitivity(
    source: Records,
    by: str = "city",
    score: str = "points_model",
    weight: str | None = None,
    *,
    region: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
    min_n: Sequence[int] = (1000, 100),
    trim: float = 0.99,
    key: str | None = None,
    rings: Collection[object] | None = None,
    top: int = 10,
) -> list[dict[str, Any]]:
    """Rank records in several ways, and give the places of every row that leads in any of them.

    Args:
        source: paths of records, or a frame; each record is a unit.
        by: a level or family of the region table, or a column.
        score: the column to average.
        weight: the column of weights.
        region: the column of regions.
        regions: the region table.
        min_n: the least numbers of units to be ranked; the first is that of every other choice.
        trim: the share of records whose weights stay; larger weights are cut to the largest of these.
        key: the column of keys that `rings` names.
        rings: the keys of members of rings (`groups.members["key"]`).
        top: how many rows lead.

    Returns:
        For each row `code`, `name`, and its place (None without one): `base` (by `weight`, `min_n[0]`),
        `by_head` and `trimmed` (where there is a weight), `without_rings` (where there are rings), `min_n_K`
        for every further least number. In the order of `base`.

    Memory: the columns that are used, for all records.

    Raises:
        ArgumentError: arguments outside of what is allowed.
        Whatever `creditcore.rank` raises.
    """
    from creditcore._frame import source_parts
    from creditcore._units import weighed_otherwise

    if not 0 < trim <= 1 or not min_n or top < 1:
        raise ArgumentError(
            "`trim` lies above 0 and at most at 1; `min_n` holds a number; `top` is 1 or more"
        )
    if (key is None) != (rings is None):
        raise ArgumentError("`rings` are keys of the column `key`; give both or none")
    opened = open_source(source)
    columns = opened.column_names()
    table = region_tables.load(regions)
    named = table is not None and by in [*table.levels(), *table.families()]
    column = (region or next((name for name in REGION_COLUMNS if name in columns), None)) if named else by
    if column not in columns:
        raise ArgumentError(f"`by` is `{by}`; there is no such level, and no column for it")
    wanted = {"group": (column, "key"), "x": (score, "number")}
    if weight is not None:
        wanted["w"] = (weight, "number")
    if key is not None:
        wanted["key"] = (key, "key")
    members = {str(member) for member in rings or ()}
    frames = weighed_otherwise(source_parts(opened, list(wanted.values())), list(wanted), trim, members)

    def places(frame: str, least: int, weighed: bool = weight is not None) -> dict[tuple[str, str], int]:
        weights = "w" if weighed else None
        level = by if named else "group"
        given = regions if named else "none"
        sums = aggregate(frames[frame], level, "x", weights, region="group" if named else None, regions=given)
        rows = sums.rank(level, least).rows()
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
