"""Spark Connect: the same calls, the same answers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from creditcore import line
from creditcore.bench.credit_graph import COLUMNS, draw_graph
from creditcore.spark import session
from tests.line import case
from tests.spark.test_aggregation import in_spark, records
from tests.spark.test_groups import IDENTIFIERS, assert_same, people
from tests.spark.test_line import assert_same as assert_same_line
from tests.spark_session import collected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.cluster]


def test_sums_are_those_of_one_machine(connected: SparkSession) -> None:
    assert session.is_connected(connected)
    frame = records(2_000)
    for unit in (None, "person"):
        here = cc.aggregate(frame, ["city", "belts"], weight="exposure", unit=unit)
        rows = in_spark(connected, frame, 5)
        there = cs.aggregate(rows, ["city", "belts"], weight="exposure", unit=unit)
        assert there.to_bytes() == here.to_bytes()


def test_a_line_with_models_rules_and_network_is_that_of_one_machine(
    connected: SparkSession, tmp_path: Path
) -> None:
    config = cc.Config.load(case.write(tmp_path, network=True))
    rows, day = case.records(300), dt.date(2026, 3, 20)
    made = cs.run(config, in_spark(connected, rows, 3), day)
    assert_same_line(made, line.run(config, rows, day))
    made.release()


def test_components_and_groups_are_those_of_one_machine(connected: SparkSession) -> None:
    some = people(300)
    found = collected(cs.components(in_spark(connected, some, 4), "key", IDENTIFIERS))
    assert found.sort("key").equals(cc.components(some, "key", IDENTIFIERS).sort("key"))
    graph = draw_graph(2_000, seed=5).frame()
    there = cs.find_groups(in_spark(connected, graph, 3), "key", COLUMNS, "day")
    assert_same(there, cc.find_groups(graph, "key", COLUMNS, "day"))
    there.release()


def test_a_bad_row_is_told_with_partition_and_key(connected: SparkSession) -> None:
    bad = pl.DataFrame({"key": [1, 2, 3], "device": [1.0, 2.5, 1.0]})
    told = r"partition \d+, row \d \(`key` is `2`\): column `device` holds `2.5`"
    with pytest.raises(cc.SourceError, match=told), session.house_errors():
        cs.components(in_spark(connected, bad, 2), "key", {"device": "device"}).count()
