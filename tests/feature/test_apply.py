"""Applying a schema: types, codes, clips, categories, derived columns, refusals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc


def one(values: Any, **keys: Any) -> list[Any]:
    """A column `x` as one feature."""
    return cc.Schema([{"name": "x", **keys}]).apply({"x": values})["x"].to_list()


def test_every_type_is_read_from_what_fits_it() -> None:
    assert one([1, 2, None], type="float64") == [1.0, 2.0, None]
    assert one(["1.5", " 2 ", None], type="float64") == [1.5, 2.0, None]
    assert one([0.1], type="float32") == [float(np.float32(0.1))]
    assert one([1.0, math.nan, "3"][:2], type="int64") == [1, None]
    assert one(["7", "7.0"], type="int64") == [7, 7]
    assert one([True, None], type="float64") == [1.0, None]
    assert one([1, 0, None], type="boolean") == [True, False, None]
    assert one(["true", "0"], type="boolean") == [True, False]
    assert one([310100, None], type="category") == ["310100", None]
    assert one([2.0, math.nan], type="category") == ["2", None]
    assert one(["a ", None], type="text") == ["a ", None]
    schema = cc.Schema(
        [{"name": name, "type": name, "source": "x"} for name in ("float64", "float32", "int64")]
    )
    assert schema.apply({"x": [1]}).dtypes == [pl.Float64, pl.Float32, pl.Int64]


def test_codes_are_missing_or_special_as_numbers_and_as_text() -> None:
    assert one([-999, -998, 3], type="int64", missing=[-999], special={-998: "none yet"}, clip=[0, 2]) == [
        None,
        -998,
        2,
    ]
    assert one([-999.0, math.nan], type="float64", missing=[-999, math.nan]) == [None, None]
    assert one(["-999", "-999.0", "", "null", "5"], type="float64", missing=[-999, "", "null"]) == [
        *[None] * 4,
        5.0,
    ]
    assert one(["-999", "-999.0", ""], type="text", missing=[-999, ""]) == [None, "-999.0", None]


def test_a_nan_stays_in_a_float_and_clips_keep_it() -> None:
    given = one([math.nan, math.inf, -math.inf, 5.0], type="float64", clip=[-1, 1])
    assert math.isnan(given[0])
    assert given[1:] == [1.0, -1.0, 1.0]


@pytest.mark.parametrize(
    ("values", "kind", "told"),
    [
        (["1", "abc"], "float64", "row 2: column `x`, feature `x` of type `float64`: the value is `abc`"),
        ([1.0, 1.5], "int64", "row 2: column `x`, feature `x` of type `int64`: the value is `1.5`"),
        ([1e300], "float32", "the value is `1000000"),
        ([1, 2], "boolean", "row 2: .* the value is `2`"),
        ([1.5], "category", "the value is `1.5`"),
        ([[1]], "float64", "column `x` is of type `LargeList"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_row(values: list[Any], kind: str, told: str) -> None:
    with pytest.raises(cc.SchemaError, match=told):
        one(values, type=kind)


def test_the_row_is_that_of_the_whole_source() -> None:
    many = pl.concat([pl.DataFrame({"x": ["1"] * 20_000}), pl.DataFrame({"x": ["?"]})], rechunk=False)
    for threads in (1, 3):
        with pytest.raises(cc.SchemaError, match="row 20001: column `x`"):
            cc.Schema([{"name": "x", "type": "int64"}]).apply(many, threads=threads)


def test_a_missing_column_is_named_with_the_nearest() -> None:
    schema = cc.Schema([{"name": "income", "source": "INCOME", "type": "float64"}])
    with pytest.raises(
        cc.SchemaError, match=r"feature `income`: no column `INCOME`; did you mean `INCOMES`\?"
    ):
        schema.apply({"INCOMES": [1.0]})
    derived = cc.Schema([{"name": "r", "type": "float64", "derived": "a / bb"}])
    with pytest.raises(cc.SchemaError, match="feature `r`: line 1, column 5: unknown column `bb`"):
        derived.apply({"a": [1.0], "b": [2.0]})
    with pytest.raises(cc.SchemaError, match="feature `r`: `derived`, line 1, column 1: `/` takes numbers"):
        derived.apply({"a": ["x"], "bb": [2.0]})


def test_derived_features_use_others_in_any_order_and_features_before_columns() -> None:
    schema = cc.Schema(
        [
            {"name": "c", "type": "float64", "derived": "b * 10"},
            {"name": "b", "type": "float64", "derived": "a + raw"},
            {"name": "a", "type": "float64", "missing": [-1], "output": False},
        ]
    )
    assert schema.sources == ["raw", "a"]
    assert schema.apply({"a": [1, -1], "raw": [2, 2]}).rows() == [(30.0, 3.0), (None, None)]


def test_columns_are_kept_in_front() -> None:
    schema = cc.Schema([{"name": "x", "type": "float64"}])
    given = schema.apply({"key": ["k1"], "x": [1]}, keep=["key"])
    assert given.columns == ["key", "x"]
    with pytest.raises(cc.ArgumentError, match="`x` is a feature"):
        schema.apply({"x": [1]}, keep=["x"])
    assert schema.apply(pl.DataFrame({"x": pl.Series([], dtype=pl.Float64)})).schema == {"x": pl.Float64}


def test_files_and_frames_give_the_same_features(tmp_path: Path) -> None:
    frame = pl.DataFrame({"key": range(5), "x": [1.5, None, -999, 2.0, 3.0], "s": ["a", None, "b", "", "c"]})
    frame.write_csv(tmp_path / "f.csv")
    frame.write_parquet(tmp_path / "f.parquet")
    schema = cc.Schema(
        [
            {"name": "x", "type": "float64"},
            {"name": "s", "type": "category", "values": ["a", "b"]},
            {"name": "y", "type": "boolean", "derived": "x > 1.5 AND s <> 'b'"},
        ],
        missing=[-999, ""],
    )
    expected = schema.apply(frame)
    assert expected["y"].to_list() == [False, None, False, None, True]
    assert schema.apply(tmp_path / "f.parquet").equals(expected)
    assert schema.apply(tmp_path / "f.csv").equals(expected)


def test_faults_count_rows_over_all_files(tmp_path: Path) -> None:
    for number in range(3):
        pl.DataFrame({"x": [1, 0]}).write_parquet(tmp_path / f"{number}.parquet")
    schema = cc.Schema([{"name": "y", "type": "float64", "derived": "1 / x"}])
    assert [fault["row"] for fault in schema.applied(tmp_path).faults] == [1, 3, 5]
    faults: list[dict[str, Any]] = []
    cc.evaluate("1 / x > 0", tmp_path, faults=faults)
    assert [fault["row"] for fault in faults] == [1, 3, 5]
