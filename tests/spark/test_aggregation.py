"""Sums and rankings on Spark, to the byte those of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from tests.spark_session import given

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

CODES = ("310100", "330400", "330402", "440300", "440000", "999999", "上海", None)


def records(rows: int, seed: int = 7) -> pl.DataFrame:
    """Records whose plain sums depend on the order: mixed magnitudes, cancellation, denormals, nulls."""
    rng = np.random.default_rng(seed)
    score = rng.standard_normal(rows) * 10.0 ** rng.integers(-300, 300, rows)
    score[::5] = -score[1::5][: len(score[::5])]
    score[::17] = 5e-324
    known = [None if number % 41 == 0 else value for number, value in enumerate(score.tolist())]
    return pl.DataFrame(
        {
            "key": np.arange(rows),
            "adcode": [CODES[number] for number in rng.integers(0, len(CODES), rows)],
            "points_model": known,
            "exposure": rng.choice([0.0, 0.1, 3.0, 1e12, -1.0], rows, p=[0.1, 0.4, 0.3, 0.15, 0.05]),
            "person": rng.integers(0, rows // 3, rows),
            "event_time": rng.integers(0, 40, rows),
            "a.b": rng.integers(0, 3, rows).astype(str),
        }
    )


def in_spark(spark: SparkSession, frame: pl.DataFrame, partitions: int) -> DataFrame:
    """The rows of a frame, dealt to partitions."""
    return given(spark, frame).repartition(partitions)


@pytest.mark.parametrize("partitions", [1, 2, 7, 64])
def test_sums_have_the_bytes_of_one_machine(spark: SparkSession, partitions: int) -> None:
    frame = records(3_000)
    by = ["city", "province", "belts", "a.b"]
    here = cc.aggregate(frame, by, weight="exposure")
    there = cs.aggregate(in_spark(spark, frame, partitions), by, weight="exposure")
    assert there.to_bytes() == here.to_bytes()


@pytest.mark.parametrize("pick", ["latest", "first", "mean", "sum"])
def test_units_are_brought_together_first(spark: SparkSession, pick: str) -> None:
    frame = records(1_500)
    asked: dict[str, Any] = {"weight": "exposure", "unit": "person", "pick": pick}
    here = cc.aggregate(frame, "city", **asked)
    there = cs.aggregate(in_spark(spark, frame, 7), "city", **asked)
    assert there.to_bytes() == here.to_bytes()


def test_a_ranking_is_that_of_one_machine(spark: SparkSession) -> None:
    frame = records(2_000)
    there = cs.rank(in_spark(spark, frame, 7), ["city", "province"], 3, weight="exposure")
    here = cc.rank(frame, ["city", "province"], weight="exposure", min_n=3)
    for name in ("city", "province"):
        assert there[name].to_polars().equals(here[name].to_polars())
        assert there[name].excluded == here[name].excluded
        assert there[name].heading == here[name].heading
    assert isinstance(cs.rank(in_spark(spark, frame, 2), "city"), cc.Ranking)


def test_no_record_and_empty_or_skewed_partitions_change_nothing(spark: SparkSession) -> None:
    frame = records(500)
    none = in_spark(spark, frame, 7).where("key < 0")
    assert cs.aggregate(none).to_bytes() == cc.aggregate(frame.clear()).to_bytes()
    few = in_spark(spark, frame, 7).where("key < 3")
    assert cs.aggregate(few).to_bytes() == cc.aggregate(frame.head(3)).to_bytes()
    # All rows but a few in one partition.
    skewed = in_spark(spark, frame, 1).unionByName(in_spark(spark, frame.head(3), 5))
    whole = pl.concat([frame, frame.head(3)])
    assert cs.aggregate(skewed).to_bytes() == cc.aggregate(whole).to_bytes()


def test_kinds_are_mixed_nowhere(spark: SparkSession) -> None:
    frame = records(600).with_columns(kind=pl.when(pl.col("key") < 300).then(pl.lit("person")))
    frame = frame.with_columns(pl.col("kind").fill_null("enterprise"))
    # Each partition by itself has one kind.
    dealt = in_spark(spark, frame.head(300), 2).union(in_spark(spark, frame.tail(300), 2))
    with pytest.raises(cc.SchemaError, match=r"several kinds \(`enterprise`, `person`\)"):
        cs.aggregate(dealt)
    assert cs.aggregate(dealt, kind="person").to_bytes() == cc.aggregate(frame, kind="person").to_bytes()


def test_arguments_are_refused_before_anything_runs(spark: SparkSession) -> None:
    frame = in_spark(spark, records(30), 2)
    with pytest.raises(cc.SchemaError, match="no column or region level `citty`"):
        cs.rank(frame, "citty")
    with pytest.raises(cc.SchemaError, match="no column `keys`"):
        cs.rank(frame, "city", key="keys")
    with pytest.raises(cc.ArgumentError, match="the records are a `DataFrame`; give a DataFrame of Spark"):
        cs.aggregate(cast("DataFrame", records(30)), "city")
