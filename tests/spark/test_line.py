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
from tests.spark_session import collected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
DAY = dt.date(2026, 3, 20)


def assert_same(there: cs.SparkLine, here: line.Line) -> None:
    """Every record, every ranking, every count."""
    assert there.population == here.population
    assert there.rankings.keys() == here.rankings.keys()
    for name, ranking in here.rankings.items():
        assert there.rankings[name].to_polars().equals(ranking.to_polars())
        assert there.rankings[name].excluded == ranking.excluded
    found = collected(there.records).sort("id")
    assert found.columns == here.records.columns
    wanted = here.records.sort("id")
    assert found.equals(wanted.cast(dict(found.schema)))  # type: ignore[arg-type]


@pytest.mark.parametrize("partitions", [1, 5])
def test_it_is_the_line_of_one_machine(tmp_path: Path, spark: SparkSession, partitions: int) -> None:
    config = cc.Config.load(case.write(tmp_path))
    rows = case.records(400)
    here = line.run(config, rows, DAY)
    there = cs.run(config, in_spark(spark, rows, partitions), DAY)
    assert_same(there, here)
    assert there.population.excluded
    there.release()


@pytest.mark.parity
def test_network_features_and_rings_are_those_of_one_machine(tmp_path: Path, spark: SparkSession) -> None:
    told = cc.Config.load(case.write(tmp_path, network=True)).to_dict()
    # Who came before the window is nobody in the network.
    config = cc.Config.of({**told, "network": told["network"] | {"window_days": 5}}, tmp_path)
    rows, day = case.records(400), dt.date(2026, 3, 10)
    here = line.run(config, rows, day)
    there = cs.run(config, in_spark(spark, rows, 3), day)
    assert_same(there, here)
    assert here.records["net_now_partners"].null_count()
    assert here.groups is not None
    assert there.groups is not None
    rings = collected(there.groups.all()).sort("group_id")
    assert len(rings)
    assert rings.equals(here.groups.all().select(rings.columns).cast(dict(rings.schema)))  # type: ignore[arg-type]
    there.release()


def test_a_key_that_comes_twice_and_features_of_the_past_are_refused(
    tmp_path: Path, spark: SparkSession
) -> None:
    config = cc.Config.load(case.write(tmp_path))
    rows = case.records(5)
    key = rows["id"][0]
    with pytest.raises(cc.SchemaError, match=f"key `{key}` comes more than once"):
        cs.run(config, in_spark(spark, pl.concat([rows, rows.head(1)]), 2), DAY)
    place = case.write(tmp_path / "network", network=True)
    (place.parent / "models" / "ties.txt").write_text(
        (place.parent / "models" / "ties.txt").read_text().replace("net_now_", "net_at_")
    )
    network = cc.Config.load(place)
    with pytest.raises(cc.ArgumentError, match="`net_at_partners` speaks of the time of each record"):
        cs.run(network, in_spark(spark, rows, 2), DAY)
