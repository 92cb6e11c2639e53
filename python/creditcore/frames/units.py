"""Records of units as frames: one for each unit, and those of two times beside each other.

Comes in: parts of a source. Goes out: polars frames. Which record of a unit counts is decided as the core
decides it: by time, then the higher version, then the greater value, weight and region.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import polars as pl

from creditcore._core import Regions


def unit_rows(
    parts: Iterable[tuple[pl.DataFrame, str, int]], names: list[str], kind: str | None, pick: str
) -> pl.DataFrame:
    """Give one record for each unit: `unit`, `region` (texts), `x` and `w` (1 where it is not among `names`).

    Args:
        parts: of the source, their columns in the order of `names`.
        names: of `unit`, `region`, `x`, `time` and, where there are such, `w`, `version` and `kind`.
        kind: the kind to keep.
        pick: `latest` or `first`.
    """
    frames = [part.rename(dict(zip(part.columns, names, strict=True))) for part, _, _ in parts]
    rows = pl.concat(frames).with_columns(pl.col("unit", "region").cast(pl.String))
    if "w" not in rows.columns:
        rows = rows.with_columns(w=pl.lit(1))
    if "kind" in rows.columns:
        rows = rows.filter(pl.col("kind").cast(pl.String) == kind)
    finite = [pl.col(name).is_not_null() & pl.col(name).cast(pl.Float64).is_finite() for name in ("x", "w")]
    known = [pl.col(name).is_not_null() for name in ("unit", "time")]
    rows = rows.filter(*finite, *known, pl.col("w") >= 0)
    # Untyped text of whole numbers is in the order of the numbers.
    whole = rows["time"].cast(pl.String).cast(pl.Int64, strict=False)
    if whole.null_count() == 0:
        rows = rows.with_columns(time=whole)
    ties = [name for name in ("version", "x", "w", "region") if name in rows.columns]
    if pick == "first":
        order = [False, *(True for _ in ties)]
        return rows.sort("time", *ties, descending=order).unique("unit", keep="first", maintain_order=True)
    return rows.sort("time", *ties, nulls_last=False).unique("unit", keep="last", maintain_order=True)


def with_groups(rows: pl.DataFrame, table: Regions, by: str) -> pl.DataFrame:
    """Give `code`, `unit`, `w`, `x`: a row for each unit and each group of a level that it is in."""
    values = [value for value in rows["region"].unique().to_list() if value is not None]
    kinds = {"region": pl.String, "code": pl.String}
    pairs = pl.DataFrame(table.members(values, by), schema=kinds, orient="row")
    return rows.join(pairs, on="region").select("code", "unit", "w", "x")


def joined(before: pl.DataFrame, after: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Give units in a group at both times (`w0`, `x0`, `w1`, `x1`), those that left, those that came."""
    keys = ["code", "unit"]
    both = before.join(after, on=keys, suffix="_now")
    both = both.rename({"w": "w0", "x": "x0", "w_now": "w1", "x_now": "x1"})
    return both, before.join(after, on=keys, how="anti"), after.join(before, on=keys, how="anti")


def weighed_otherwise(
    rows: pl.DataFrame, weight: str | None, trim: float, key: str | None, members: Collection[str]
) -> dict[str, pl.DataFrame]:
    """Give records as they are, and changed: `all`, `trimmed` (weights), `outside` (of rings).

    Args:
        rows: records.
        weight: the column of weights.
        trim: the share of records whose weights stay; larger ones are cut to the largest of these.
        key: the column of keys.
        members: keys of members of rings.
    """
    found = {"all": rows}
    if weight is not None:
        cap = rows[weight].quantile(trim, "lower")
        cut = pl.when(pl.col(weight) > cap).then(cap).otherwise(pl.col(weight))
        found["trimmed"] = rows.with_columns(cut.alias(weight))
    if key is not None:
        inside = pl.col(key).cast(pl.String).is_in(list(members))
        found["outside"] = rows.filter(~inside.fill_null(False))
    return found
