"""Fingerprints of what decisions went by: those of a few lines of Python that know nothing of columns."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import struct
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from creditcore.frames import decided


def encoded(value: Any, dtype: pl.DataType) -> bytes:
    """A value of a column, its kind in front, as docs/formats/state.md has it."""
    if dtype == pl.Null:
        return b"\0"
    if dtype == pl.String or dtype == pl.Categorical:
        if value is None:
            return bytes(17)
        return b"\3" + hashlib.blake2b(str(value).encode(), digest_size=16).digest()
    if value is None:
        return bytes(9)
    if isinstance(value, float):
        if math.isnan(value):
            return b"\2" + struct.pack("<d", math.nan)
        whole = abs(value) < 2.0**63 and math.floor(value) == value
        if not whole or (value == 0 and math.copysign(1, value) < 0):
            return b"\2" + struct.pack("<d", value)
        value = int(value)
    if dtype == pl.UInt64:
        return b"\1" + struct.pack("<Q", value)
    return b"\1" + struct.pack("<q", value)


def twin(rows: pl.DataFrame, names: list[str]) -> list[str]:
    """Each row's fingerprint."""
    known = sorted(names)
    told = rows.with_columns(pl.col(pl.Date, pl.Datetime, pl.Duration, pl.Time).to_physical())
    found = []
    for row in told.iter_rows(named=True):
        made = hashlib.sha256("\0".join(known).encode())
        for name in known:
            there = name in told.columns
            made.update(encoded(row[name], told.schema[name]) if there else b"\0")
        found.append(made.hexdigest()[:32])
    return found


def twin_in_halves(rows: pl.DataFrame, names: list[str]) -> list[str]:
    """Each row's fingerprint where there are network features."""
    known = sorted(names)
    moving = [name for name in known if name.startswith(("net_now_", "net_at_"))]
    told = rows.with_columns(pl.col(pl.Date, pl.Datetime, pl.Duration, pl.Time).to_physical())

    def value(row: dict[str, Any], name: str) -> bytes:
        if name not in told.columns or row[name] is None:
            return b"\0"
        if told.schema[name] in (pl.String, pl.Categorical):
            return b"\3" + hashlib.sha256(row[name].encode()).digest()[:16]
        return encoded(row[name], told.schema[name])

    found = []
    for row in told.iter_rows(named=True):
        standing = [name for name in known if name not in moving]
        still = hashlib.sha256("\0".join(standing).encode() + b"".join(value(row, one) for one in standing))
        names_of = "\0".join(["", *moving]).encode()
        made = names_of + b"\3" + still.digest()[:16] + b"".join(value(row, name) for name in moving)
        found.append("2:" + hashlib.sha256(made).hexdigest()[:32])
    return found


FLOATS = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 2.0**63, -(2.0**63), 1e300, 3.0, -7.0]))
COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "a": (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    "b": (pl.UInt64, st.integers(0, 2**64 - 1)),
    "c": (pl.Float64, FLOATS),
    "d": (pl.Float32, st.floats(width=32)),
    "e": (pl.String, st.text(max_size=4)),
    "f": (pl.Boolean, st.booleans()),
    "g": (pl.Date, st.dates()),
    "h": (pl.Datetime("us"), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))),
    "i": (pl.UInt8, st.integers(0, 255)),
    "j": (pl.Null, st.none()),
    "k": (pl.Categorical, st.sampled_from(["x", "y", ""])),
    "l": (pl.Time, st.times()),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    """Some rows of columns of every kind."""
    rows = draw(st.integers(1, 6))
    made = []
    for name, (kind, values) in COLUMNS.items():
        drawn = draw(st.lists(st.one_of(st.none(), values), min_size=rows, max_size=rows))
        made.append(pl.Series(name, drawn, dtype=kind))
    return pl.DataFrame(made)


@settings(deadline=None, max_examples=60)
@given(frames(), st.sets(st.sampled_from([*COLUMNS, "absent", "gone"])))
def test_they_are_those_of_the_values(rows: pl.DataFrame, names: set[str]) -> None:
    made = decided.fingerprints(rows, names)
    assert made.to_list() == twin(rows, sorted(names))


NETWORK = {"net_now_a": pl.Float32, "net_at_b": pl.Float64, "net_now_c": pl.Null}


@settings(deadline=None, max_examples=60)
@given(frames(), st.sets(st.sampled_from([*COLUMNS, "absent", *NETWORK])), st.data())
def test_network_features_have_a_half_of_their_own(
    rows: pl.DataFrame, names: set[str], data: st.DataObject
) -> None:
    names |= {data.draw(st.sampled_from(list(NETWORK)))}
    for name, kind in NETWORK.items():
        values = st.none() if kind == pl.Null else st.one_of(st.none(), st.floats(width=32))
        drawn = data.draw(st.lists(values, min_size=len(rows), max_size=len(rows)))
        rows = rows.with_columns(pl.Series(name, drawn, dtype=kind))
    made = decided.fingerprints(rows, names)
    assert made.to_list() == twin_in_halves(rows, sorted(names))
    assert decided.fingerprints(rows, names, parted=False).to_list() == twin(rows, sorted(names))
    # A column that is not there is one of nulls, whatever type those have.
    bare = pl.DataFrame({"other": [1] * len(rows)})
    blank = rows.with_columns(pl.lit(None, dtype=rows.schema[name]).alias(name) for name in rows.columns)
    assert decided.fingerprints(bare, names).equals(decided.fingerprints(blank, names))


def test_many_rows_are_those_of_each_alone() -> None:
    numbers = pl.int_range(200_000, eager=True)
    rows = pl.DataFrame({"x": numbers % 7 / 3, "y": (numbers % 11).cast(pl.String), "z": numbers})
    made = decided.fingerprints(rows, rows.columns)
    linked = rows.rename({"z": "net_now_z"})
    halves = decided.fingerprints(linked, linked.columns)
    some = [0, 4_095, 4_096, 65_535, 65_536, 131_071, 131_072, 199_999]
    assert made[some].to_list() == twin(rows[some], rows.columns)
    assert halves[some].to_list() == twin_in_halves(linked[some], linked.columns)
    assert made.n_unique() == halves.n_unique() == len(rows)


def test_how_a_column_is_kept_changes_nothing() -> None:
    wide = pl.DataFrame({"x": [1.0, 2.0, None], "y": [3, 4, None]})
    narrow = wide.cast({"x": pl.Int64, "y": pl.Float64})
    assert decided.fingerprints(wide, ["x", "y"]).equals(decided.fingerprints(narrow, ["x", "y"]))
    assert decided.fingerprints(wide.clear(), ["x"]).to_list() == []
    # What is in logs that were written before.
    known = ["d04c9101a16cb00824ca239f1505174a", "f876bbd210907b12bf838e56b020556b"]
    assert decided.fingerprints(wide, ["x", "y"]).to_list()[:2] == known
