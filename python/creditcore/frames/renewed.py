"""Rows of a portfolio on their way from a delta to its state: parted, put beside what is made, joined again.

Comes in: polars frames of one delta, of the state, of a network's features. Goes out: frames whose rows stand
in the same places. Beside `_frame.py` one of the few places that compute on frames; no figure is made here.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

ROW, DELETED, OP = "_row", "_deleted", "op"
MISSING_TIME = pl.Datetime("us")
FRESH, GONE = "#fresh", "#gone"


class Sifted(NamedTuple):
    """The rows of a delta that count.

    `live` and `raw` are the records, as they are kept and as they came, row by row; `dead` are keys (and
    versions) that are deleted.
    """

    live: pl.DataFrame
    raw: pl.DataFrame
    dead: pl.DataFrame


def parted(found: pl.DataFrame, rows: pl.DataFrame, key: str, version: str) -> Sifted:
    """Part what `State.sift` found of the rows of a delta."""
    if not found.width:
        return Sifted(rows.clear(), rows.clear(), rows.clear())
    gone = found[DELETED] if DELETED in found.columns else pl.repeat(False, len(found), eager=True)
    live = found.filter(~gone) if gone.any() else found
    names = [name for name in (key, version) if name in found.columns]
    dead = found.filter(gone).select(*names, pl.lit("delete").alias(OP))
    told = [name for name in live.columns if name not in (ROW, DELETED)]
    # Most deltas count as a whole, and need not be copied.
    every = len(live) == len(rows) and (live[ROW] == pl.int_range(len(rows), eager=True)).all()
    raw = rows if every else rows[live[ROW]]
    # A column without values has no type in the state yet: the delta's own stays.
    typed = {name: raw[name].dtype for name in told if live[name].dtype == pl.Null and name in raw.columns}
    live = live.select(told).with_columns(pl.col(name).cast(kind) for name, kind in typed.items())
    return Sifted(live, raw.drop(OP, strict=False), dead)


def links(sifted: Sifted, key: str, shown: Sequence[str], time: str | None) -> pl.DataFrame:
    """Give the rows of a delta as a network takes them."""
    kinds = {**dict.fromkeys(shown, pl.UInt64()), **({time: MISSING_TIME} if time else {})}
    if not len(sifted.live):
        blank = [pl.lit(None, dtype=kind).alias(name) for name, kind in kinds.items()]
        return sifted.dead.select(key, OP, *blank)
    live = sifted.live.select(key, *kinds)
    made = (
        pl.concat([live, sifted.dead.select(key, OP)], how="diagonal_relaxed") if len(sifted.dead) else live
    )
    return timed(made, time)


def timed(rows: pl.DataFrame, time: str | None) -> pl.DataFrame:
    """Give a column of times without values a type."""
    if time is None or rows[time].dtype != pl.Null:
        return rows
    return rows.with_columns(pl.col(time).cast(MISSING_TIME))


def nobody(key: str, shown: Sequence[str], time: str | None) -> pl.DataFrame:
    """Give no rows, in the columns of a network."""
    kinds = {key: pl.Int64(), **dict.fromkeys(shown, pl.UInt64()), **({time: MISSING_TIME} if time else {})}
    return pl.DataFrame(schema=kinds)


def touched(changed: pl.DataFrame, features: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
    """Give the records (`key`) whose features are others than before, or that expired, as `told_of` does."""
    seen = features.select("key", *wanted, pl.lit(True).alias(FRESH), pl.lit(False).alias(GONE))
    expired = changed.filter(pl.col("change") == "expired").select("key")
    if not len(expired):
        return seen
    expired = expired.unique(maintain_order=True).join(seen.select("key"), on="key", how="anti")
    gone = expired.with_columns(pl.lit(False).alias(FRESH), pl.lit(True).alias(GONE))
    return pl.concat([seen, gone], how="diagonal_relaxed")


def without(rows: pl.DataFrame, known: Sequence[pl.Series]) -> pl.DataFrame:
    """Give the rows whose `key` is in none of some columns."""
    for some in known:
        if len(rows) and len(some):
            keys = rows["key"]
            rows = rows.filter(~keys.is_in(some.cast(keys.dtype).implode()))
    return rows


def told_of(
    keys: pl.Series,
    changed: pl.DataFrame | None,
    features: pl.DataFrame,
    wanted: Sequence[str],
    *,
    every: bool = False,
) -> pl.DataFrame:
    """Give what a network says of some keys: features, whether they are new (or those of everybody, who then
    keeps none of before), whether the record has expired.
    """
    asked = keys.alias("key").to_frame()
    fresh = features.select(pl.col("key").cast(keys.dtype), *wanted, pl.lit(True).alias(FRESH))
    if len(fresh) > len(asked):
        # Whom a delta changes are few beside those near them.
        fresh = fresh.filter(fresh["key"].is_in(keys.implode()))
    found = asked.join(fresh, on="key", how="left", maintain_order="left").drop("key")
    gone = pl.lit(every)
    if changed is not None:
        expired = changed.filter(pl.col("change") == "expired")["key"]
        if len(expired):
            gone = pl.lit(asked["key"].is_in(expired.cast(keys.dtype).implode()))
    return found.with_columns(pl.col(FRESH).is_not_null(), gone.alias(GONE))


def features_of(rows: pl.DataFrame, told: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
    """Give the features of rows that stand beside the old ones: new ones where there are such, none where a
    record has expired, otherwise the old ones, or nothing where the rows have none.
    """
    if told[FRESH].all():
        return told.select(wanted)
    made = []
    for name in wanted:
        old = rows[name] if name in rows.columns else pl.repeat(None, len(rows), dtype=pl.Float32, eager=True)
        kept = pl.when(~pl.col(GONE)).then(pl.lit(old.cast(pl.Float32)))
        made.append(pl.when(pl.col(FRESH)).then(pl.col(name)).otherwise(kept).alias(name))
    return told.select(made)


def keeps_some(told: Sequence[pl.DataFrame]) -> pl.Series:
    """Say which rows keep an old feature, by what a network says of them in each view."""
    return functools.reduce(operator.or_, (~(rows[FRESH] | rows[GONE]) for rows in told))


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the place of each row."""
    return pl.int_range(len(rows), dtype=pl.Int64, eager=True).alias("_at").to_frame()


def beside_old(keys: pl.DataFrame, key: str, old: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
    """Put the columns that the state has of some keys behind them; nulls where it has none."""
    known = [name for name in wanted if name in old.columns]
    if not known:
        return keys
    return keys.join(old.select(key, *known), on=key, how="left", maintain_order="left")


def looked_up(rows: pl.DataFrame, key: str, found: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
    """Give features of everybody for some rows, in their order; null for who has none."""
    keys = rows.select(pl.col(key).alias("key"))
    return keys.join(found.select("key", *wanted), on="key", how="left", maintain_order="left").drop("key")


def differing(old: pl.DataFrame, new: pl.DataFrame) -> pl.Series:
    """Say which rows differ in one of the columns of `new`; nulls are equal to nulls."""
    parts = [
        new[name].ne_missing(old[name].cast(new[name].dtype))
        if name in old.columns
        else new[name].is_not_null()
        for name in new.columns
    ]
    return functools.reduce(operator.or_, parts, pl.repeat(False, len(new), eager=True))


def with_nulls(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Give rows with features that are not known yet."""
    return rows.with_columns(pl.lit(None, dtype=pl.Float32).alias(name) for name in names)


def stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Give frames under each other, in one piece; a column that one lacks is null there."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return next((frame for frame in frames if frame.width), pl.DataFrame())
    # What stands beside columns in pieces is copied when it is handed on.
    return filled[0] if len(filled) == 1 else pl.concat(filled, how="diagonal_relaxed", rechunk=True)


def with_hashes(
    rows: pl.DataFrame, hashes: Sequence[tuple[str, pl.Series]], drop: Sequence[str]
) -> pl.DataFrame:
    """Put hashes in the place of identifiers."""
    return rows.drop(drop, strict=False).with_columns(column.alias(name) for name, column in hashes)
