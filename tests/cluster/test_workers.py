"""Two workers: the answers of one machine, also where one of them is lost, or all rows lie with the other."""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from creditcore import line
from creditcore.bench.credit_graph import COLUMNS, draw_graph
from creditcore.spark import session, travel
from tests.line import case
from tests.spark.test_aggregation import in_spark, records
from tests.spark.test_groups import IDENTIFIERS, assert_same, people
from tests.spark.test_line import assert_same as assert_same_line
from tests.spark.test_scoring import MODEL
from tests.spark_cluster import executor
from tests.spark_session import collected

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.cluster]


def on_executors(spark: SparkSession, work: Callable[[], int]) -> set[int]:
    """Run something on all executors; gives what it said."""

    def each(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow

        for batch in batches:
            time.sleep(0.5)
            yield pyarrow.RecordBatch.from_pydict({"said": pyarrow.array([work()] * batch.num_rows)})

    rows = spark.range(0, 8, 1, 8).mapInArrow(each, "said long").collect()
    return {row.said for row in rows}


def fragile(frame: DataFrame, once: Path) -> DataFrame:
    """The same rows; the executor that meets the first of them is killed when it has handed some on."""
    place = str(once)

    def kills(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            half = batch.num_rows // 2
            yield batch.slice(0, half)
            try:
                os.close(os.open(place, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(executor(), signal.SIGKILL)
            yield batch.slice(half)

    return frame.mapInArrow(kills, frame.schema)


def test_sums_and_lines_are_those_of_one_machine(clustered: SparkSession, tmp_path: Path) -> None:
    assert len(on_executors(clustered, executor)) == 2
    frame = records(4_000)
    by = ["city", "province", "belts", "a.b"]
    here = cc.aggregate(frame, by, weight="exposure").to_bytes()
    for partitions in (1, 7, 65):
        there = cs.aggregate(in_spark(clustered, frame, partitions), by, weight="exposure")
        assert there.to_bytes() == here
    config = cc.Config.load(case.write(tmp_path, network=True))
    rows, day = case.records(300), dt.date(2026, 3, 20)
    made = cs.run(config, in_spark(clustered, rows, 3), day)
    assert_same_line(made, line.run(config, rows, day))
    made.release()


def test_an_executor_that_is_killed_changes_nothing(clustered: SparkSession, once: Path) -> None:
    frame = records(3_000).drop("a.b")  # a map of Spark refuses names with points
    by = ["city", "province"]
    here = cc.aggregate(frame, by, weight="exposure", unit="person")
    rows = fragile(in_spark(clustered, frame, 5), once)
    assert cs.aggregate(rows, by, weight="exposure", unit="person").to_bytes() == here.to_bytes()
    assert once.exists()

    once.unlink()
    some = people(400)
    found = collected(cs.components(fragile(in_spark(clustered, some, 4), once), "key", IDENTIFIERS))
    assert found.sort("key").equals(cc.components(some, "key", IDENTIFIERS).sort("key"))
    assert once.exists()

    once.unlink()
    fleet = cc.Fleet.load({"small": MODEL})
    inputs = pl.DataFrame({"town": [0, 1, 2, 3] * 50, "size": [3, 2] * 100, "age": range(200)})
    scored = collected(cs.score(fragile(in_spark(clustered, inputs, 4), once), fleet, "raw"))
    wanted = inputs.hstack(fleet.predict(inputs))
    assert scored.sort("age").equals(wanted.sort("age").cast(dict(scored.schema)))  # type: ignore[arg-type]
    assert once.exists()


def test_groups_outlive_the_executor_that_kept_their_lists(clustered: SparkSession) -> None:
    graph = draw_graph(2_000, seed=5).frame()
    here = cc.find_groups(graph, "key", COLUMNS, "day")
    there = cs.find_groups(in_spark(clustered, graph, 3), "key", COLUMNS, "day")
    # What it kept and shuffled is gone; Spark makes it again from the records.
    os.kill(min(on_executors(clustered, executor)), signal.SIGKILL)
    assert_same(there, here)
    there.release()


def test_a_model_file_that_is_gone_from_executors_is_named(clustered: SparkSession) -> None:
    fleet = cc.Fleet.load({"gone from executors": MODEL})
    rows = pl.DataFrame({feature["column"]: [0.5] * 6 for feature in fleet.features})
    scored = cs.score(in_spark(clustered, rows, 3), fleet)
    name = travel.send_fleet(clustered, fleet)

    def remove() -> int:
        from pyspark import SparkFiles

        Path(SparkFiles.get(name)).unlink(missing_ok=True)
        return executor()

    assert len(on_executors(clustered, remove)) == 2
    told = rf"partition \d: `{name}` is not on executor"
    with pytest.raises(cc.SourceError, match=told), session.house_errors():
        scored.count()


def test_skewed_empty_and_bad_partitions(clustered: SparkSession) -> None:
    frame = records(2_000)
    # All rows of one partition but for a few, most partitions empty.
    one = in_spark(clustered, frame, 1).unionByName(in_spark(clustered, frame.head(3), 30))
    whole = pl.concat([frame, frame.head(3)])
    assert cs.aggregate(one).to_bytes() == cc.aggregate(whole).to_bytes()
    bad: Any = pl.DataFrame({"key": range(40), "device": [2.5 if key == 31 else 1.0 for key in range(40)]})
    told = r"partition \d+, row \d+ \(`key` is `31`\): column `device` holds `2.5`"
    with pytest.raises(cc.SourceError, match=told), session.house_errors():
        cs.components(in_spark(clustered, bad, 6), "key", {"device": "device"}).count()
