"""A stream into a portfolio: each batch once, whatever happens between two commits."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from tests.spark_session import given

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

CONFIG = {
    "columns": {"key": "id", "event_time": "t", "region": "adcode", "version": "v"},
    "time": {"zone": "UTC"},
    "rankings": [{"by": ["city"]}],
}
SCHEMA = "id bigint, v bigint, t timestamp_ntz, adcode string, points_model double, op string"
CITIES = ("310100", "330400", "440300")


def delta(first: int, rows: int, version: int, day: int) -> pl.DataFrame:
    """Rows of a file: some keys are new, some come again."""
    keys = range(first, first + rows)
    return pl.DataFrame(
        {
            "id": keys,
            "v": [version] * rows,
            "t": [dt.datetime(2026, 3, day, 12) + dt.timedelta(seconds=key) for key in keys],
            "adcode": [CITIES[key % 3] for key in keys],
            "points_model": [500.0 + (key * 37 + version) % 200 for key in keys],
            "op": ["delete" if key % 19 == 0 and version > 1 else "upsert" for key in keys],
        }
    )


DELTAS = [delta(0, 200, 1, 1), delta(150, 100, 2, 2), delta(240, 80, 3, 3)]


def stream(spark: SparkSession, folder: Path, sink: Callable[[DataFrame, int], Any]) -> None:
    """Take the files that wait, one a batch."""
    rows = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).parquet(str(folder / "in"))
    query = (
        rows.writeStream.foreachBatch(sink)
        .option("checkpointLocation", str(folder / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()


def put(folder: Path, numbers: range) -> None:
    """Let files arrive, in order."""
    (folder / "in").mkdir(exist_ok=True)
    for number in numbers:
        DELTAS[number].write_parquet(folder / "in" / f"{number}.parquet")


def wanted(folder: Path) -> str:
    """The digest of a portfolio that took the same rows at once."""
    with cc.Portfolio.create(folder / "wanted", CONFIG) as portfolio:
        portfolio.ingest(pl.concat(DELTAS), dt.datetime(2026, 3, 3, 12, 5, 19, tzinfo=dt.UTC))
        return portfolio.digest()


def test_a_batch_is_taken_once_also_where_spark_brings_it_again(tmp_path: Path, spark: SparkSession) -> None:
    cc.Portfolio.create(tmp_path / "state", CONFIG).close()
    put(tmp_path, range(2))
    with cs.portfolio_sink(tmp_path / "state", as_of="latest") as sink:

        def ends_after_the_commit(frame: DataFrame, batch: int) -> None:
            sink(frame, batch)
            if batch == 1:
                raise RuntimeError("the end, before Spark's own commit")

        with pytest.raises(Exception, match="the end, before"):
            stream(spark, tmp_path, ends_after_the_commit)
        assert sink.portfolio.version == 2
        before = sink.portfolio.digest()
        # Spark brings batch 1 again.
        brought: list[int] = []

        def seen(frame: DataFrame, batch: int) -> None:
            brought.append(batch)
            sink(frame, batch)

        stream(spark, tmp_path, seen)
        assert brought == [1]
        assert (sink.portfolio.version, sink.portfolio.digest()) == (2, before)
    # Another process goes on.
    put(tmp_path, range(2, 3))
    with cs.portfolio_sink(tmp_path / "state", as_of="latest") as sink:
        stream(spark, tmp_path, sink)
        assert sink.last is not None
        assert sink.portfolio.version == sink.last.version == 3
        assert sink.portfolio.digest() == wanted(tmp_path)


def test_batches_without_order_or_a_stream_are_refused(tmp_path: Path, spark: SparkSession) -> None:
    columns = {"key": "id", "region": "adcode"}
    cc.Portfolio.create(tmp_path / "state", {"columns": columns, "rankings": [{"by": "city"}]}).close()
    rows = pl.DataFrame({"id": [1, 2, 1], "adcode": ["310100"] * 3, "points_model": [1.0, 2.0, 3.0]})
    frame = given(spark, rows)
    with cs.portfolio_sink(tmp_path / "state", stream="files") as sink:
        with pytest.raises(cc.SchemaError, match="batch 7: key `1` comes more than once"):
            sink(frame, 7)
        sink(frame.where("id < 0"), 7)
        assert sink.portfolio.version == 0
        sink(frame.where("points_model < 3"), 8)
        assert sink.portfolio.records == 2
        assert sink.portfolio.received(hashlib.sha256(b"files/8").hexdigest()) == 1
        sink(frame.where("id = 2"), 8)
        assert sink.portfolio.version == 1
    with (
        cs.portfolio_sink(tmp_path / "state") as nameless,
        pytest.raises(cc.ArgumentError, match="give `stream=`"),
    ):
        nameless(frame, 1)
    with pytest.raises(cc.ArgumentError, match="`as_of` goes by event times"):
        cs.portfolio_sink(tmp_path / "state", as_of="latest", stream="a")(frame, 1)
