"""The meaning of conditions: answers that DuckDB, polars and Spark give alike, and what is our own choice.

`sql_semantics.json` was made for this project: 14 conditions over five rows with NULL, NaN, infinity and
trailing blanks, with the answers of DuckDB 2.0.0 and polars 2.1.0.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import creditcore as cc

SEMANTICS = json.loads((Path(__file__).parent / "sql_semantics.json").read_text(encoding="utf-8"))


def number(value: Any) -> float | None:
    return None if value is None else float(value)


def frame() -> pl.DataFrame:
    rows = SEMANTICS["rows"]
    return pl.DataFrame(
        {
            "x": pl.Series([number(row["x"]) for row in rows], dtype=pl.Float64),
            "i": pl.Series([row["i"] for row in rows], dtype=pl.Int64),
            "s": pl.Series([row["s"] for row in rows], dtype=pl.String),
            "b": pl.Series([row["b"] for row in rows], dtype=pl.Boolean),
        }
    )


@pytest.mark.parametrize("case", SEMANTICS["conditions"], ids=lambda case: case["when"])
def test_a_condition_has_the_answers_of_duckdb_and_polars(case: dict[str, Any]) -> None:
    given = cc.evaluate(case["when"], frame(), nan="sql")
    assert given.dtype == pl.Boolean
    assert given.to_list() == case["duckdb"] == case["polars"]


def test_a_nan_is_a_missing_value_unless_sql_is_asked_for() -> None:
    x = {"x": [1.0, math.nan, None]}
    assert cc.evaluate("x > 0", x).to_list() == [True, None, None]
    assert cc.evaluate("x IS NULL", x).to_list() == [False, True, True]
    assert cc.evaluate("x > 0", x, nan="sql").to_list() == [True, True, None]
    with pytest.raises(cc.ArgumentError, match="`nan` is `no`; it is `null` or `sql`"):
        cc.evaluate("x > 0", x, nan="no")


def test_faults_are_recorded_with_row_and_place() -> None:
    faults: list[dict[str, Any]] = []
    given = cc.evaluate(
        "b OR\n x / i > 1", {"x": [4, 4, 4], "i": [0, 0, 2], "b": [True, False, None]}, faults=faults
    )
    assert given.to_list() == [True, None, True]
    assert faults == [{"row": 1, "line": 2, "column": 2, "error": "division by zero"}]


def test_a_refusal_says_where_and_what_to_write() -> None:
    with pytest.raises(
        cc.TacticError, match="line 1, column 9: unknown column `scroe`; did you mean `score`"
    ) as told:
        cc.evaluate("b AND   scroe > 1", {"score": [1.0], "b": [True]})
    assert (told.value.line, told.value.column, told.value.hint) == (1, 9, "did you mean `score`?")


def test_every_frame_and_encoding_gives_the_same_truths(tmp_path: Path) -> None:
    whole = frame()
    condition = "s = 'a' OR x > 100 AND i IS NULL"
    expected = cc.evaluate(condition, whole).to_list()
    categories = whole.with_columns(pl.col("s").cast(pl.Categorical))
    relation = duckdb.connect().from_arrow(whole.to_arrow())
    chunks = pl.concat([whole[:2], whole[2:]], rechunk=False)
    whole.write_parquet(tmp_path / "whole.parquet")
    for same in (
        whole.to_arrow(),
        categories,
        relation,
        chunks,
        whole.to_pandas(),
        tmp_path / "whole.parquet",
    ):
        assert cc.evaluate(condition, same).to_list() == expected


def test_rows_are_alone_and_threads_change_nothing() -> None:
    many = pl.concat([frame()] * 5_000, rechunk=False)
    expected = cc.evaluate("i % 2 = -1 OR s LIKE '%b%'", frame()).to_list() * 5_000
    for threads in (1, 2, 5):
        assert cc.evaluate("i % 2 = -1 OR s LIKE '%b%'", many, threads=threads).to_list() == expected
    assert cc.evaluate("1 = 1", frame()).to_list() == [True] * 5
    assert cc.evaluate("x > 1", frame()[:0]).to_list() == []


def test_a_column_that_cannot_be_read_is_named() -> None:
    lists = pa.table({"l": [[1], [2]]})
    with pytest.raises(cc.SchemaError, match="column `l` is of type `List"):
        cc.evaluate("l IS NULL", lists)


def test_pandas_columns_of_objects_are_read() -> None:
    objects = pd.DataFrame({"s": pd.Series(["a", None, "b"], dtype=object)})
    assert cc.evaluate("s = 'a'", objects).to_list() == [True, None, False]


def test_a_column_of_nulls_is_read() -> None:
    assert cc.evaluate("x IS NULL OR x > 1", {"x": [None, None]}).to_list() == [True, True]
