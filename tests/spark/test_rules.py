"""Rules as queries of Spark: the records that Spark finds are those that the rules hit."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import creditcore as cc

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

CONDITIONS = (
    "x > 0.5",
    "x / j > 1.0",
    "NOT (x > 0.5 AND j < 3)",
    "x BETWEEN -1 AND 1 OR j IN (1, 2, NULL)",
    "j % 3 = 1",
    "ABS(x) >= 1.5 AND ROUND(x, 1) <> 2.5",
    "FLOOR(x) = -1 OR CEIL(x) = 2",
    "EXP(x) > 2 AND SQRT(ABS(x)) < 2",
    "LEAST(x, 1.5) = 1.5 OR GREATEST(j, 5) = 5",
    "COALESCE(x, 0.0) = 0.0",
    "NULLIF(j, 2) IS NULL",
    "CASE WHEN j > 3 THEN x > 1 WHEN s = 'a' THEN TRUE END",
    "s LIKE 'a%' OR s LIKE '_b'",
    "UPPER(s) = 'AB' OR LENGTH(s) = 0",
    "s || 'x' = 'ax' OR SUBSTRING(s, 1, 1) = 'b'",
    "STARTS_WITH(s, 'a') AND NOT CONTAINS(s, 'b')",
    "s IS DISTINCT FROM 'a'",
    "d >= DATE '2024-02-29'",
    "YEAR(d) = 2024 AND MONTH(d) = 2",
    "d + 30 > DATE '2024-03-15'",
    "ISODOW(d) = 4 OR QUARTER(d) = 4",
    "LAST_DAY(d) = d",
    "DATE_TRUNC('month', d) = DATE '2024-02-01'",
    "HOUR(t) < 3",
    "t > TIMESTAMP '2024-02-29 12:00:00'",
    "CAST(t AS DATE) = d",
    "b",
    "b IS NOT TRUE",
    "CAST(j AS TEXT) = s OR CAST(x AS INTEGER) = 2",
    "x IS NULL",
)
NAN = float("nan")


def frame() -> pl.DataFrame:
    """Odd values of every type, every pair of the columns that conditions join."""
    texts = ["a", "ab", "", "b", None, "it's", "A", "1"]
    days = [datetime.date(2024, 2, 29), None, datetime.date(2023, 12, 31), datetime.date(1969, 12, 31)]
    doubles = [0.0, -0.0, 0.5, 2.5, -1.5, None, NAN, 1e300, float("inf"), -0.25]
    rows: list[dict[str, Any]] = []
    for place in range(480):
        day = days[place % 4]
        noon = datetime.datetime(2024, 2, 29, 18, 30, tzinfo=datetime.UTC)
        rows.append(
            {
                "i": place,
                "x": doubles[place % 10],
                "j": None if place % 11 == 0 else place % 7,
                "s": texts[place % 8],
                "d": day,
                "t": None if place % 13 == 0 else noon + datetime.timedelta(hours=place),
                "b": (None, True, False)[place % 3],
            }
        )
    return pl.DataFrame(rows, schema_overrides={"j": pl.Int64})


def test_queries_give_the_records_that_rules_hit(spark: SparkSession, tmp_path: Path) -> None:
    data = frame()
    data.write_parquet(tmp_path / "records.parquet")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Shanghai")
    spark.read.parquet(str(tmp_path / "records.parquet")).createOrReplaceTempView("records")
    rules = [
        {"id": f"{on_null}{place}", "when": condition, "action": "flag", "on_null": on_null}
        for place, condition in enumerate(CONDITIONS)
        for on_null in ("no_hit", "hit")
    ]
    policy = cc.Policy({"time_zone": "Asia/Shanghai", "tactics": [{"id": "all", "rules": rules}]})
    ours: dict[str, set[int]] = {rule["id"]: set() for rule in policy.rules}
    for place, hits in enumerate(policy.decide(data)["rules"].to_list()):
        for name in hits:
            ours[name].add(place)
    queries = policy.to_sql("spark", data)
    assert len(queries) == 2 * len(CONDITIONS)
    # One job for all queries: each marks its rows.
    asked = " UNION ALL ".join(
        f"SELECT '{name}' AS rule, i FROM ({query})" for name, query in queries.items()
    )
    theirs: dict[str, set[int]] = {name: set() for name in queries}
    for row in spark.sql(asked).collect():
        theirs[row.rule].add(row.i)
    for name, query in queries.items():
        assert theirs[name] == ours[name], f"{name}: {query}"
    assert sum(0 < len(hits) < len(data) for hits in ours.values()) > len(CONDITIONS)
