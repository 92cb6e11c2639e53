"""Conditions made at random, against DuckDB: the same truths, row by row.

DuckDB reads what is a double here as a decimal where it is a literal, stops at the first fault, and casts
integers to doubles before it compares; the conditions keep to what both mean alike: literals are cast,
integers stay below 2^31, and a division has a divisor that cannot be zero.
"""

from __future__ import annotations

import math

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import creditcore as cc
from tests.rounds import rounds

SPECIAL = [None, 0.0, -0.0, 1.0, -1.5, 2.5, 1e300, math.nan, math.inf, -math.inf, 0.1, -7.25]
WHOLE = [None, 0, 1, -1, 2, 7, -7, 600, 2**30, -(2**30), 3, 12]
WORDS = [None, "", "a", "A", "b ", "ab", "a%b", "_", "信用", "Zürich", " x", "12"]
FRAME = pl.DataFrame(
    {
        "x": pl.Series(SPECIAL, dtype=pl.Float64),
        "y": pl.Series(SPECIAL[5:] + SPECIAL[:5], dtype=pl.Float64),
        "i": pl.Series(WHOLE, dtype=pl.Int64),
        "j": pl.Series(WHOLE[7:] + WHOLE[:7], dtype=pl.Int64),
        "s": pl.Series(WORDS, dtype=pl.String),
        "t": pl.Series(WORDS[3:] + WORDS[:3], dtype=pl.String),
        "b": pl.Series([True, False, None] * 4, dtype=pl.Boolean),
    }
)

doubles: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x", "y", "CAST(0.5 AS DOUBLE)", "CAST(-3.25 AS DOUBLE)", "CAST(NULL AS DOUBLE)"]),
        st.builds("({} {} {})".format, doubles, st.sampled_from("+-*"), doubles),
        st.builds("({} / (ABS({}) + 1))".format, integers, integers),
        st.builds("{}({})".format, st.sampled_from(["ABS", "FLOOR", "CEIL", "-"]), doubles),
        st.builds("ROUND({}, {})".format, doubles, st.integers(-2, 3)),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, conditions, doubles, doubles),
        st.builds("COALESCE({}, {})".format, doubles, doubles),
        st.builds("GREATEST({}, {})".format, doubles, doubles),
        st.builds("LEAST({}, {})".format, doubles, doubles),
        st.builds("CAST({} AS DOUBLE)".format, integers),
    )
)
integers: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["i", "j", "3", "-12", "CAST(NULL AS BIGINT)"]),
        st.builds("(({} + {}) % 1000)".format, integers, integers),
        st.builds("({} % (ABS({} % 7) + 1))".format, integers, integers),
        st.builds("NULLIF({}, {})".format, integers, integers),
        st.builds(
            "CASE {} WHEN {} THEN {} WHEN 3 THEN {} END".format, integers, integers, integers, integers
        ),
        st.builds("LENGTH({})".format, texts),
    )
)
texts: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["s", "t", "'a'", "''", "'b '", "'信用'"]),
        st.builds("({} || {})".format, texts, texts),
        st.builds("{}({})".format, st.sampled_from(["UPPER", "LOWER", "TRIM", "LTRIM", "RTRIM"]), texts),
        st.builds("SUBSTRING({}, {}, {})".format, texts, st.integers(1, 3), st.integers(0, 3)),
    )
)
comparison = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
conditions: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["b", "TRUE", "NULL IS NULL", "CAST(NULL AS BOOLEAN)"]),
        st.builds("({} {} {})".format, doubles, comparison, doubles),
        st.builds("({} {} {})".format, integers, comparison, integers),
        st.builds("({} {} {})".format, integers, comparison, doubles),
        st.builds("({} {} {})".format, texts, comparison, texts),
        st.builds("({} {} {})".format, conditions, st.sampled_from(["AND", "OR"]), conditions),
        st.builds("(NOT {})".format, conditions),
        st.builds(
            "({} {} BETWEEN {} AND {})".format, doubles, st.sampled_from(["", "NOT"]), doubles, doubles
        ),
        st.builds(
            "({} {} IN ({}, {}, 7))".format, integers, st.sampled_from(["", "NOT"]), integers, integers
        ),
        st.builds("({} IN ('a', {}, 'b '))".format, texts, texts),
        st.builds("({} LIKE '{}')".format, texts, st.sampled_from(["a%", "%b%", "_", "%", "", "%_b"])),
        st.builds("({} IS {} NULL)".format, doubles, st.sampled_from(["", "NOT"])),
        st.builds("({} IS {})".format, conditions, st.sampled_from(["TRUE", "FALSE", "NOT TRUE", "UNKNOWN"])),
    )
)


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.from_arrow(FRAME.with_row_index().to_arrow()).create("t")
    return connection


@settings(max_examples=rounds(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions, nan=st.sampled_from(["null", "sql"]))
def test_a_row_alone_has_the_truth_that_it_has_among_others(condition: str, nan: str) -> None:
    assume(len(condition) < 400)
    among = cc.evaluate(condition, FRAME, nan=nan).to_list()
    alone = [cc.evaluate(condition, FRAME[row : row + 1], nan=nan).item() for row in range(len(FRAME))]
    assert alone == among, condition


@settings(max_examples=rounds(200), deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions)
def test_a_condition_holds_where_duckdb_says(database: duckdb.DuckDBPyConnection, condition: str) -> None:
    assume(len(condition) < 400)
    query = f"SELECT {condition} FROM t ORDER BY index"
    expected = [row[0] for row in database.execute(query).fetchall()]
    assert cc.evaluate(condition, FRAME, nan="sql").to_list() == expected, condition
