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


def test_many_rows_are_those_of_each_alone() -> None:
    numbers = pl.int_range(200_000, eager=True)
    rows = pl.DataFrame({"x": numbers % 7 / 3, "y": (numbers % 11).cast(pl.String), "z": numbers})
    made = decided.fingerprints(rows, rows.columns)
    some = [0, 4_095, 4_096, 65_535, 65_536, 131_071, 131_072, 199_999]
    assert made[some].to_list() == twin(rows[some], rows.columns)
    assert made.n_unique() == len(rows)


def test_how_a_column_is_kept_changes_nothing() -> None:
    wide = pl.DataFrame({"x": [1.0, 2.0, None], "y": [3, 4, None]})
    narrow = wide.cast({"x": pl.Int64, "y": pl.Float64})
    assert decided.fingerprints(wide, ["x", "y"]).equals(decided.fingerprints(narrow, ["x", "y"]))
    assert decided.fingerprints(wide.clear(), ["x"]).to_list() == []
    # What is in logs that were written before.
    known = ["d04c9101a16cb00824ca239f1505174a", "f876bbd210907b12bf838e56b020556b"]
    assert decided.fingerprints(wide, ["x", "y"]).to_list()[:2] == known
