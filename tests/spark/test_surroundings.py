"""Network features on Spark: all of them, and strengths beyond what a 32-bit float tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import creditcore as cc
from creditcore import _core
from creditcore._frame import to_polars
from creditcore.bench.credit_graph import COLUMNS, draw_graph
from creditcore.spark.lists import fitted, lists_of
from creditcore.spark.shards import surroundings_of
from creditcore.spark.surroundings import UNIT, now_features
from tests.spark.test_aggregation import in_spark
from tests.spark_session import collected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.spark
def test_every_feature_is_that_of_one_machine(spark: SparkSession) -> None:
    frame = draw_graph(2_500, seed=5).frame()
    network = cc.Network.build(frame, "key", COLUMNS, "day").fit()
    wanted = network.ego_features(view="now").sort("key")
    lists = fitted(lists_of(in_spark(spark, frame, 4), "key", COLUMNS, "day", None, bytes(16)))
    names = [name for name in wanted.columns if name != "key"]
    found = collected(now_features(lists, 20.0, names)).sort("key")
    lists.release()
    assert (found["net_now_two_hop"] > 0).any()
    assert found.equals(wanted.cast(dict(found.schema)))  # type: ignore[arg-type]
    with pytest.raises(cc.SchemaError, match="no feature `net_now_partner`"):
        now_features(lists, 20.0, ["net_now_partner"])


def test_a_great_strength_is_told_exactly() -> None:
    """40 identifiers of 41 people: strengths that 24 bits cannot hold."""
    rows: dict[str, Any] = {"key": list(range(41))}
    rows |= {f"d{place}": [f"v{place}"] * (2 + place) + [None] * (39 - place) for place in range(40)}
    days = [(key * 7) % 30 for key in rows["key"]]
    rows |= {"day": days}
    named = {"device": [f"d{place}" for place in range(40)]}
    network = cc.Network.build(rows, "key", named, "day", {"strengths": {"device": 3.3}})
    ties = to_polars(_core.Detection.of(network._core, 20.0, False).ties(0.0))
    shown = to_polars(_core.shown(network._core))
    member = pl.struct("key", "time", "place").alias("members")
    lists = shown.group_by("hash", maintain_order=True).agg(pl.col("kind").first(), member)
    lists = lists.with_columns(own=pl.col("members").list.eval(pl.element().struct.field("key")))
    table = lists.select("hash", "kind", "members", "own").to_arrow()
    batches = surroundings_of(iter(table.to_batches()), network._core.plan(), 20.0, ("strength",))
    found = pl.concat([pl.DataFrame(batch) for batch in batches])
    both = pl.concat([ties.select(pl.col(end).alias("key"), "weight") for end in ("one", "other")])
    exact = (
        both.group_by("key").agg((pl.col("weight") * UNIT).cast(pl.Int64).sum().alias("units")).sort("key")
    )
    assert found["units"].max() > 1 << 24  # type: ignore[operator]
    assert found.select("key", "units").rows() == exact.rows()
    rounded = (found["strength"].cast(pl.Float64) * UNIT).cast(pl.Int64)
    assert (rounded != found["units"]).any()
