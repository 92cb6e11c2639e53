"""Components and groups on Spark, to the bit those of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from creditcore.bench.credit_graph import COLUMNS, draw_graph
from creditcore.spark import session
from tests.spark.test_aggregation import in_spark
from tests.spark_session import collected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

IDENTIFIERS = {"device": "device", "phone": ["phone", "friend"]}


def people(rows: int, seed: int = 3) -> pl.DataFrame:
    """Rows of people, some of whom have several, whose identifiers lie in several partitions."""
    rng = np.random.default_rng(seed)

    def some(most: int, share: float) -> list[str | None]:
        shown = rng.random(rows) < share
        values = rng.integers(0, most, rows)
        return [f"x{value}" if there else None for value, there in zip(values, shown, strict=True)]

    return pl.DataFrame(
        {
            "key": rng.integers(-rows, rows, rows),
            "device": some(rows, 0.6),
            "phone": some(rows, 0.4),
            "friend": some(rows // 20, 0.05),
        }
    )


def oracle(frame: pl.DataFrame) -> dict[int, int]:
    """Components by another library."""
    graph: Any = nx.Graph()
    for key, device, *phones in frame.rows():
        graph.add_node(("key", key))
        values = [("device", device), *(("phone", phone) for phone in phones)]
        graph.add_edges_from((("key", key), value) for value in values if value[1] is not None)
    sets = ([node[1] for node in part if node[0] == "key"] for part in nx.connected_components(graph))
    return {key: min(part) for part in sets for key in part}


@pytest.mark.parametrize("partitions", [1, 7])
def test_components_are_those_of_one_machine(spark: SparkSession, partitions: int) -> None:
    frame = people(400)
    found = collected(cs.components(in_spark(spark, frame, partitions), "key", IDENTIFIERS)).sort("key")
    assert dict(found.rows()) == oracle(frame)
    assert found.equals(cc.components(frame, "key", IDENTIFIERS).sort("key"))


def test_components_of_texts_and_under_a_cap(spark: SparkSession) -> None:
    frame = people(500).with_columns(key=pl.format("k{}", pl.col("key")))
    for cap in (None, 4):
        found = collected(cs.components(in_spark(spark, frame, 3), "key", IDENTIFIERS, cap)).sort("key")
        assert found.equals(cc.components(frame, "key", IDENTIFIERS, cap).sort("key"))
    none = in_spark(spark, frame, 3).where("key = ''")
    assert cs.components(none, "key", IDENTIFIERS).count() == 0
    with pytest.raises(cc.SchemaError, match="key column `key` is of type double"):
        cs.components(
            in_spark(spark, pl.DataFrame({"key": [0.5], "device": ["a"]}), 1), "key", {"device": "device"}
        )


def assert_same(there: cs.SparkGroups, here: cc.Groups) -> None:
    """Every figure, every level and reason, every person's score."""
    assert there.config == here.config
    pairs = [
        (there.all(), here.all(), "group_id"),
        (there.all_members(), here.all_members(), "key"),
        (there.members, here.members, "key"),
        (there.people(), here.people(), "key"),
    ]
    for found, wanted, by in pairs:
        made = collected(found).select(wanted.columns).sort(by)
        assert made.equals(wanted.sort(by).cast(dict(made.schema)))  # type: ignore[arg-type]
    assert collected(there.summary)["group_id"].to_list() == here.summary["group_id"].to_list()


@pytest.mark.parity
def test_groups_are_those_of_one_machine(spark: SparkSession) -> None:
    frame = draw_graph(6_000, seed=5).frame()
    here = cc.find_groups(frame, "key", COLUMNS, "day")
    assert len(here.all()) > 5
    there = cs.find_groups(in_spark(spark, frame, 5), "key", COLUMNS, "day")
    assert_same(there, here)
    there.release()


@pytest.mark.parity
def test_a_frozen_configuration_learns_nothing_and_text_keys_do(spark: SparkSession) -> None:
    frame = draw_graph(2_000, seed=8).frame().with_columns(key=pl.format("p{}", pl.col("key")))
    config = cc.find_groups(frame, "key", COLUMNS).config
    assert_same(
        cs.find_groups(in_spark(spark, frame, 3), "key", COLUMNS, config=config),
        cc.find_groups(frame, "key", COLUMNS, config=config),
    )


def test_nobody_who_shares_and_a_bad_row(spark: SparkSession) -> None:
    alone = pl.DataFrame({"key": [1, 2, 3], "device": ["a", "b", None]})
    there = cs.find_groups(in_spark(spark, alone, 2), "key", {"device": "device"})
    assert_same(there, cc.find_groups(alone, "key", {"device": "device"}))
    bad = pl.DataFrame({"key": [1, 2, 3], "device": [1.0, 2.5, 1.0]})
    told = r"partition \d+, row \d \(`key` is `2`\): column `device` holds `2.5`"
    with pytest.raises(cc.SourceError, match=told):
        cs.find_groups(in_spark(spark, bad, 2), "key", {"device": "device"})
    with pytest.raises(cc.SourceError, match=told), session.house_errors():
        cs.components(in_spark(spark, bad, 2), "key", {"device": "device"}).count()
