"""Conditions made at random over odd values: the same truths as DuckDB and polars, row by row.

The mask engine decides (each condition twice, with unknown as no hit and as hit, so that all three truths
are seen); DuckDB runs the queries that `to_sql` writes; polars evaluates expressions built beside the
texts. What is left out is listed in `conditions.py`.
"""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

import creditcore as cc

from .conditions import FRAME, Conditions, Part

TOGETHER = 100


def policy_of(parts: list[Part], nan: str) -> cc.Policy:
    rules = [
        {"id": f"{on_null}{place}", "when": part.sql, "action": "flag", "on_null": on_null}
        for place, part in enumerate(parts)
        for on_null in ("no_hit", "hit")
    ]
    return cc.Policy({"nan": nan, "time_zone": "UTC", "tactics": [{"id": "all", "rules": rules}]})


def decided(policy: cc.Policy) -> dict[str, set[int]]:
    rows = policy.decide(FRAME).select("rules").with_row_index()
    found: dict[str, set[int]] = {rule["id"]: set() for rule in policy.rules}
    for index, rule in rows.explode("rules").drop_nulls().rows():
        found[rule].add(index)
    return found


def of_truths(truths: list[bool | None], on_null: str) -> set[int]:
    return {row for row, truth in enumerate(truths) if (on_null == "hit" if truth is None else truth)}


def compare(parts: list[Part], nan: str, database: duckdb.DuckDBPyConnection) -> int:
    """Compare; how many conditions polars was asked."""
    policy = policy_of(parts, nan)
    ours = decided(policy)
    queries = policy.to_sql("duckdb", FRAME, table="t")
    columns = [query.split(" WHERE ", 1)[1] for query in queries.values()]
    rows = database.execute(f"SELECT {', '.join(columns)} FROM t ORDER BY index").fetchall()
    for place, name in enumerate(queries):
        expected = {row for row, values in enumerate(rows) if values[place]}
        assert ours[name] == expected, f"DuckDB, {nan}: {name}: {queries[name]}"
    frame = FRAME
    if nan == "null":
        frame = FRAME.with_columns(pl.col("x", "y", "f").fill_nan(None))
    asked = {str(place): part.expression for place, part in enumerate(parts) if part.expression is not None}
    answers = frame.with_columns(**{f"_{name}": one for name, one in asked.items()}) if asked else frame
    for name in asked:
        truths = answers[f"_{name}"].to_list()
        for on_null in ("no_hit", "hit"):
            expected = of_truths(truths, on_null)
            assert ours[f"{on_null}{name}"] == expected, f"polars, {nan}: {parts[int(name)].sql}"
    return len(asked)


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.from_arrow(FRAME.to_arrow()).create("t")
    return connection


def run(database: duckdb.DuckDBPyConnection, batches: range) -> tuple[int, int]:
    done = by_polars = 0
    for seed in batches:
        plain = seed % 4 == 0
        made = Conditions(seed, plain=plain)
        parts = [made.condition() for _ in range(TOGETHER)]
        by_polars += compare(parts, "null" if plain else "sql", database)
        done += len(parts)
    return done, by_polars


def test_four_hundred_conditions(database: duckdb.DuckDBPyConnection) -> None:
    done, by_polars = run(database, range(4))
    assert done == 400
    assert by_polars > 200


@pytest.mark.parity
@pytest.mark.slow
def test_twenty_thousand_conditions(database: duckdb.DuckDBPyConnection) -> None:
    done, by_polars = run(database, range(1_000, 1_200))
    assert done == 20_000
    assert by_polars > 10_000


def test_sql_of_rules_gives_nulls_for_faults(database: duckdb.DuckDBPyConnection) -> None:
    parts = [
        Part(sql, None)
        for sql in (
            "x / i > 1",
            "i / j >= 0.5 OR b",
            "i % j = 1",
            "LN(x) > 0",
            "SQRT(y) > 1 AND NOT b",
            "CAST(9223372036854775807 AS BIGINT) + i > 0",
            "ABS(CAST(-9223372036854775807 AS BIGINT) - j) > 0",
            "CAST(x AS TINYINT) = 1",
            "LEFT(s, j) = 'a'",
        )
    ]
    compare(parts, "null", database)


def test_a_dialect_and_types() -> None:
    policy = cc.Policy(
        {
            "tactics": [
                {
                    "id": "t",
                    "rules": [
                        {
                            "id": "r",
                            "when": "x > 0.5 AND s LIKE 'it''s\\%' AND d < DATE '2026-01-31'",
                            "action": "flag",
                            "on_null": "hit",
                        }
                    ],
                }
            ]
        }
    )
    told = policy.to_sql("duckdb", {"x": "double", "s": "text", "d": "date"})["r"]
    assert told == (
        'SELECT * FROM records WHERE COALESCE((((CASE WHEN isnan(CAST("x" AS DOUBLE)) THEN NULL '
        'ELSE CAST("x" AS DOUBLE) END)'
        " > 5e-1) AND (\"s\" LIKE 'it''s\\%') AND (\"d\" < DATE '2026-01-31')), TRUE)"
    )
    spark = policy.to_sql("spark")["r"]
    assert "> 5e-1D" in spark
    assert "LIKE 'it\\'s\\\\\\\\%'" in spark
    with pytest.raises(cc.ArgumentError, match="`dialect` is `oracle`; it is `duckdb` or `spark`"):
        policy.to_sql("oracle")
