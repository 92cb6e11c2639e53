"""The units that a release used as frames: which record of each counts, in which group, with which values.

Comes in: parts of a source. Goes out: polars frames and their Parquet bytes. Law kept: which record of a unit
counts is decided as the core decides it; keys and values leave as keyed 64-bit hashes alone.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

NUMBERS = ("x", "d", "w")


def columns_of(plan: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Give the columns that a plan uses and their roles, by what they are to it."""
    measure = next(iter(plan["measure"].values()))
    ratio = "ratio" in plan["measure"]
    wanted = {"x": (measure["numerator" if ratio else "score"], "number")}
    if ratio:
        wanted["d"] = (measure["denominator"], "number")
    if plan["weight"] is not None:
        wanted["w"] = (plan["weight"], "number")
    if plan["units"] is not None:
        wanted |= {"unit": (plan["units"]["key"], "key"), "time": (plan["units"]["time"], "key")}
        if plan["units"]["version"]:
            wanted["version"] = (plan["units"]["version"], "number")
    if plan["kind_column"] is not None and plan["kind"] != "all":
        wanted["kind"] = (plan["kind_column"], "key")
    for number, by in enumerate(plan["by"]):
        bands = by != "region" and "bands" in by
        column = plan["region"] if by == "region" else next(iter(by.values()))["name"]
        wanted[f"g{number}"] = (column, "number" if bands else "key")
    return wanted


def used_rows(
    parts: Iterable[tuple[pl.DataFrame, str, int]],
    names: list[str],
    kind: str | None,
    pick: str,
    share_above: float | None,
) -> pl.DataFrame:
    """Give one row for each unit, or each record without units: `x`, `d`, `w` (Float64), `unit`, groups.

    Args:
        parts: of the source, their columns in the order of `names`.
        names: of `x`, groups (`g0`, ...) and, where there are such, `d`, `w`, `unit`, `time`, `version`,
            `kind`.
        kind: the kind to keep; None for all.
        pick: `latest`, `first`, `mean` or `sum`.
        share_above: a cut-off, where only what is above it counts.
    """
    frames = [part.rename(dict(zip(part.columns, names, strict=True))) for part, _, _ in parts]
    if not frames:
        return pl.DataFrame(
            schema={name: pl.Float64 if name in NUMBERS else pl.String for name in [*names, "d", "w"]}
        )
    rows = pl.concat(frames, how="vertical_relaxed")
    if "kind" in names:
        known = pl.col("kind").is_not_null() if kind is None else pl.col("kind").cast(pl.String) == kind
        rows = rows.filter(known)
    rows = rows.with_columns(pl.lit(1.0).alias(name) for name in NUMBERS if name not in names)
    rows = rows.with_columns(pl.col(*NUMBERS).cast(pl.Float64))
    rows = rows.filter(pl.all_horizontal(pl.col(*NUMBERS).is_finite()), pl.col("w") >= 0, pl.col("d") >= 0)
    if share_above is not None:
        rows = rows.with_columns(x=(pl.col("x") > share_above).cast(pl.Float64))
    if "unit" not in names:
        return rows
    rows = rows.drop_nulls(["unit", "time"]).with_columns(pl.col("unit").cast(pl.String))
    # Untyped text of whole numbers is in the order of the numbers.
    whole = rows["time"].cast(pl.String).cast(pl.Int64, strict=False)
    if whole.null_count() == 0:
        rows = rows.with_columns(time=whole)
    groups = [name for name in names if name.startswith("g")]
    ties = [name for name in ("version", *NUMBERS, *groups) if name in rows.columns]
    if pick == "first":
        ordered = rows.sort("time", *ties, descending=[False, *(True for _ in ties)], nulls_last=True)
        return ordered.unique("unit", keep="first", maintain_order=True)
    ordered = rows.sort("time", *ties, nulls_last=False)
    if pick == "latest":
        return ordered.unique("unit", keep="last", maintain_order=True)
    summed = ["x", *(name for name in ("d", "w") if name in names)]
    joined = [pl.col(name).mean() if pick == "mean" else pl.col(name).sum() for name in summed]
    rest = [pl.col(name).last() for name in ordered.columns if name not in ("unit", *summed)]
    return ordered.group_by("unit", maintain_order=True).agg(*joined, *rest)


def in_groups(rows: pl.DataFrame, group: str, points: Mapping[str, str] | None) -> pl.DataFrame:
    """Give the rows of a group's column with their `point`: its value, or what `points` makes of it."""
    kept = rows.with_columns(pl.col(group).cast(pl.String).alias("point")).drop_nulls("point")
    if points is None:
        return kept
    pairs = pl.DataFrame(
        {"point": list(points), "to": list(points.values())}, schema={"point": pl.String, "to": pl.String}
    )
    return kept.join(pairs, on="point").drop("point").rename({"to": "point"})


def in_bands(rows: pl.DataFrame, group: str, edges: Sequence[float]) -> pl.DataFrame:
    """Give the rows of one group's column with the band of each as its `point`."""
    texts = [str(int(edge)) if float(edge).is_integer() else repr(float(edge)) for edge in edges]
    inner = [f"[{low}, {high})" for low, high in pairwise(texts)]
    labels = [f"<{texts[0]}", *inner, f">={texts[-1]}"]
    value = pl.col(group).cast(pl.Float64)
    kept = rows.filter(value.is_not_null() & ~value.is_nan())
    places = pl.Series(list(edges), dtype=pl.Float64).search_sorted(
        kept[group].cast(pl.Float64), side="right"
    )
    return kept.with_columns(point=pl.Series(labels).gather(places))


def distinct(rows: pl.DataFrame, group: str) -> list[str]:
    """Give the values of a group's column as texts."""
    return [str(value) for value in rows[group].cast(pl.String).unique().drop_nulls().to_list()]


def figures(rows: pl.DataFrame) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Give how many rows, the sums of weights and of weight times value as doubles, and of their sizes."""
    parts = [rows["w"] * rows[name] for name in ("d", "x")]
    sums, sizes = ([float(part.sum()) for part in of] for of in (parts, [part.abs() for part in parts]))
    return len(rows), tuple(sums), tuple(sizes)


def hashed(rows: pl.DataFrame, salt: bytes) -> pl.DataFrame:
    """Give `point`, `unit` (null without units) and `value` of rows, the latter as keyed hashes."""
    values = rows.select(*NUMBERS).unique()
    told = [_bits(struct.pack("<ddd", *(number + 0.0 for number in row)), salt) for row in values.iter_rows()]
    values = values.with_columns(pl.Series("value", told, dtype=pl.UInt64))
    found = rows.join(values, on=list(NUMBERS))
    if "unit" not in rows.columns:
        return found.select("point", pl.lit(None, pl.UInt64).alias("unit"), "value")
    bits = [_bits(key.encode(), salt) for key in found["unit"].to_list()]
    return found.with_columns(pl.Series("unit", bits, dtype=pl.UInt64)).select("point", "unit", "value")


def _bits(data: bytes, salt: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8, key=salt).digest(), "little")


def to_bytes(parts: Sequence[pl.DataFrame]) -> bytes:
    """Give the hashed rows of all groupings as Parquet, in an order of their own."""
    frames = [part.with_columns(by=pl.lit(number, pl.UInt32)) for number, part in enumerate(parts)]
    whole = pl.concat(frames).sort("by", "point", "unit", "value", nulls_last=True)
    file = io.BytesIO()
    whole.write_parquet(file)
    return file.getvalue()


def from_bytes(data: bytes | Path, number: int) -> pl.DataFrame:
    """Read one grouping of what `to_bytes` gave."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    return pl.read_parquet(file).filter(pl.col("by") == number).drop("by")


def flows(
    before: pl.DataFrame, after: pl.DataFrame, parts: Mapping[str, int]
) -> list[tuple[int | None, int | None, bool, int]]:
    """Count the units that differ.

    Returns:
        The part they were in, the part they are in (None: in none), whether they keep their value, how many.
        Units that keep both are not told.
    """
    names = [(point, str(part)) for point, part in parts.items()]
    one, two = (_parted(frame, names) for frame in (before, after))
    both = one.join(two, on="unit", how="full", suffix="_now", coalesce=True)
    same = pl.col("value").eq_missing(pl.col("value_now"))
    moved = pl.col("part").ne_missing(pl.col("part_now"))
    counted = both.with_columns(same=same).filter(moved | ~pl.col("same"))
    counted = counted.group_by("part", "part_now", "same").len()
    return [
        (None if was is None else int(was), None if now is None else int(now), kept, count)
        for was, now, kept, count in counted.iter_rows()
    ]


def replaced(before: pl.DataFrame, after: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Count for each part the rows that left or came, whichever are more, by their values alone.

    Args:
        before: hashed rows.
        after: those of later.
        pairs: of points and the parts that they are in.
    """
    one, two = (_parted(frame, pairs).group_by("part", "value").len() for frame in (before, after))
    both = one.join(two, on=["part", "value"], how="full", suffix="_now", coalesce=True)
    more = pl.col("len_now").fill_null(0).cast(pl.Int64) - pl.col("len").fill_null(0).cast(pl.Int64)
    came, left = more.clip(lower_bound=0).sum(), (-more).clip(lower_bound=0).sum()
    counted = both.group_by("part").agg(pl.max_horizontal(came, left).alias("count"))
    return dict(counted.iter_rows())


def _parted(frame: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    parts = pl.DataFrame(list(pairs), schema={"point": pl.String, "part": pl.String}, orient="row")
    return frame.join(parts, on="point").drop("point")


def points_of(frame: pl.DataFrame) -> list[str]:
    """Give the points of rows."""
    return [str(point) for point in frame["point"].unique().sort().to_list()]


def named(frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """Give columns under other names: new ones and those that they had."""
    return frame.select(pl.col(old).alias(new) for new, old in names.items())


def unknown(frame: pl.DataFrame, name: str) -> int:
    """Count the nulls of a column."""
    return frame[name].null_count()
