"""Populations: whoever is left out is counted by the first cause, as DuckDB counts it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc
from creditcore.population import Population, day_of

COLUMNS = {"key": "id", "event_time": "t", "kind": "k"}


def population(**told: Any) -> Population:
    return Population(cc.Config.of({"columns": COLUMNS, "population": told}))


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["person", "enterprise", None]),
        st.none() | st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 12)),
        st.sampled_from([True, False, None]),
        st.sampled_from([-1, 0, 1, None]),
    ),
    max_size=30,
)
QUERY = """
SELECT CASE
    WHEN k IS DISTINCT FROM 'person' THEN 'other_kind'
    WHEN t IS NULL THEN 'no_event_time'
    WHEN t < TIMESTAMP '2026-01-04' THEN 'before_window'
    WHEN t >= TIMESTAMP '2026-01-09' THEN 'after_as_of'
    WHEN staff THEN 'staff'
    WHEN n < 0 THEN 'test' END AS cause
FROM frame ORDER BY id
"""


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_causes_are_those_of_a_query(rows: list[tuple[Any, ...]]) -> None:
    types: dict[str, Any] = {"k": pl.String, "t": pl.Datetime("us"), "staff": pl.Boolean, "n": pl.Int64}
    frame = pl.DataFrame(rows, schema=types, orient="row").with_row_index("id")
    of = population(kind="person", window_days=5, exclude={"staff": "staff", "test": "n < 0"})
    found = of.causes(frame, dt.date(2026, 1, 8))
    expected = (
        pl.Series([row[0] for row in duckdb.execute(QUERY).fetchall()], dtype=pl.String)
        if len(frame)
        else pl.Series([], dtype=pl.String)
    )
    assert found.to_list() == expected.to_list()
    told = of.reconciled(found)
    assert told.records == told.used + sum(told.excluded.values()) == len(frame)
    # Local times with a zone are the same instants, in whichever zone they are written.
    zoned = frame.with_columns(pl.col("t").dt.replace_time_zone("Asia/Shanghai"))
    instant = dt.datetime(2026, 1, 7, 16, tzinfo=dt.UTC)  # the 8th begins in China
    assert of.causes(zoned, instant).to_list() == found.to_list()
    elsewhere = zoned.with_columns(pl.col("t").dt.convert_time_zone("America/New_York"))
    assert of.causes(elsewhere, instant).to_list() == found.to_list()


def test_what_a_population_needs_and_says() -> None:
    of = population(kind="person", window_days=5, exclude={"staff": "is_staff OR n > 1"}, stage="applicants")
    assert of.columns == ["k", "t", "is_staff", "n"]
    assert of.moves
    assert of.statement == "applicants; person; events of 5 days; without staff"
    with pytest.raises(cc.ArgumentError, match="`window_days` goes by `as_of`"):
        of.causes({"id": [1], "k": ["person"], "t": [dt.datetime(2026, 1, 1)]})
    with pytest.raises(cc.SchemaError, match="no column `t`"):
        of.causes({"id": [1], "k": ["person"]}, dt.date(2026, 1, 1))
    everyone = Population(cc.Config.of({"columns": COLUMNS}))
    assert (everyone.columns, everyone.moves, everyone.statement) == ([], False, "")
    assert everyone.causes({"id": [1, 2]}).to_list() == [None, None]
    assert population(kind="all").causes({"id": [1]}).to_list() == [None]


def test_a_day_begins_in_the_zone_of_the_configuration() -> None:
    config = cc.Config.of({"columns": COLUMNS, "time": {"zone": "Asia/Shanghai"}})
    assert day_of(dt.datetime(2026, 1, 7, 16, tzinfo=dt.UTC), config) == dt.date(2026, 1, 8)
    assert day_of(dt.datetime(2026, 1, 7, 16), config) == dt.date(2026, 1, 7)
    assert day_of(dt.date(2026, 1, 7), config) == dt.date(2026, 1, 7)
