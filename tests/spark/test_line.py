"""The whole line on Spark: what it gives on one machine, for any partitions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from creditcore import line
from tests.line import case
from tests.spark.test_aggregation import in_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
DAY = dt.date(2026, 3, 20)


@pytest.mark.parametrize("partitions", [1, 5])
def test_it_is_the_line_of_one_machine(tmp_path: Path, spark: SparkSession, partitions: int) -> None:
    config = cc.Config.load(case.write(tmp_path))
    rows = case.records(400)
    here = line.run(config, rows, DAY)
    there = cs.run(config, in_spark(spark, rows, partitions), DAY)
    assert there.population == here.population
    assert there.population.excluded
    assert there.rankings.keys() == here.rankings.keys()
    for name, ranking in here.rankings.items():
        assert there.rankings[name].to_polars().equals(ranking.to_polars())
        assert there.rankings[name].excluded == ranking.excluded
    wanted = ["id", "points_final", "decision", "cause"]
    found = pl.from_arrow(there.records.select(wanted).orderBy("id").toArrow())
    assert isinstance(found, pl.DataFrame)
    assert found.equals(here.records.select(wanted).sort("id"))


def test_a_key_that_comes_twice_and_network_features_are_refused(tmp_path: Path, spark: SparkSession) -> None:
    config = cc.Config.load(case.write(tmp_path))
    rows = case.records(5)
    key = rows["id"][0]
    with pytest.raises(cc.SchemaError, match=f"key `{key}` comes more than once"):
        cs.run(config, in_spark(spark, pl.concat([rows, rows.head(1)]), 2), DAY)
    network = cc.Config.load(case.write(tmp_path / "network", network=True))
    with pytest.raises(cc.CreditcoreError, match=r"`net_\w+` is of the network"):
        cs.run(network, in_spark(spark, rows, 2), DAY)
