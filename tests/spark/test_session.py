"""Spark itself, before anything of creditcore runs on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_the_package_is_there_in_pythons_workers(spark: SparkSession) -> None:
    def same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import creditcore._core

        assert creditcore._core.__version__
        yield from batches

    frame = spark.range(0, 10, 1, 3).mapInArrow(same, "id long")
    assert sorted(row.id for row in frame.collect()) == list(range(10))
