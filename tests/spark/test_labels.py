"""Labels on Spark: a person model, suspicion around known fraud, known members, as on one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from creditcore.bench.credit_graph import COLUMNS, draw_graph
from creditcore.linking import person_model
from tests.spark.test_aggregation import in_spark
from tests.spark.test_groups import assert_same

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def labelled(people: int, seed: int) -> pl.DataFrame:
    """A graph whose frauds are known but for some, and three quarters of the good."""
    graph = draw_graph(people, seed=seed)
    unknown = np.random.default_rng(seed).random(people) < 0.25
    frame = graph.frame()
    rings = pl.Series("fraud", graph.ring >= 0)
    return frame.with_columns(pl.when(pl.Series(unknown)).then(None).otherwise(rings).alias("fraud"))


def both(
    spark: SparkSession, frame: pl.DataFrame, config: dict[str, Any] | None = None
) -> tuple[cs.SparkGroups, cc.Groups]:
    here = cc.find_groups(frame, "key", COLUMNS, "day", "fraud", config)
    there = cs.find_groups(in_spark(spark, frame, 3), "key", COLUMNS, "day", "fraud", config)
    return there, here


@pytest.mark.parity
def test_few_labels_spread_to_those_around(spark: SparkSession) -> None:
    frame = labelled(2_000, 5)
    frame = frame.with_columns(key=pl.format("p{}", pl.col("key")))
    there, here = both(spark, frame)
    assert here.summary["known_fraud"].sum()
    assert here.notes[0].startswith("label-free score: the labels have ")
    assert there.notes[0] == here.notes[0]
    plain = cc.find_groups(frame, "key", COLUMNS, "day")
    assert not here.people().equals(plain.people())
    assert_same(there, here)
    there.release()


@pytest.mark.parity
@pytest.mark.parametrize("cut", [None, 0.0])
def test_a_person_model_is_that_of_one_machine(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, cut: float | None
) -> None:
    """Under a cut that everybody passes the guard leaves the model aside, here and there."""
    monkeypatch.setattr(person_model, "LEAST_RINGS", 3)
    there, here = both(spark, labelled(4_000, 3), None if cut is None else {"cut": cut})
    told = "person model of " if cut is None else "label-free score: the person model does not fit"
    assert here.notes[0].startswith(told)
    assert there.notes[0] == here.notes[0]
    assert len(here.all())
    assert_same(there, here)
    there.release()


def test_labels_that_are_none_are_refused(spark: SparkSession) -> None:
    frame = pl.DataFrame({"key": [1, 2], "device": ["a", "a"], "text": ["x", "y"], "number": [1, 2]})
    rows = in_spark(spark, frame, 2)
    for column, told in (("text", "labels are of type string"), ("number", "labels are true")):
        with pytest.raises(cc.ArgumentError, match=told):
            cs.find_groups(rows, "key", {"device": "device"}, labels=column)
    with pytest.raises(cc.SchemaError, match="no column `fraud`"):
        cs.find_groups(rows, "key", {"device": "device"}, labels="fraud")
