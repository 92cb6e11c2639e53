"""A run as a job of Spark: what is read and written."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import creditcore as cc
import creditcore.spark as cs
from creditcore import line
from creditcore.spark import job
from tests.line import case

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
DAY = dt.date(2026, 3, 10)


def same_tables(here: Path, there: Path) -> None:
    """The tables of two runs have the same rows, whatever their order."""
    assert {file.name for file in here.iterdir()} == {file.name for file in there.iterdir()}
    for file in here.iterdir():
        wanted = pl.read_parquet(file)
        found = pl.read_parquet(there / file.name / "*.parquet")
        assert found.columns == wanted.columns
        by = [name for name in ("id", "key", "group_id", "level", "code") if name in wanted.columns]
        found = found.cast(dict(wanted.schema)).sort(by)  # type: ignore[arg-type]
        assert found.equals(wanted.sort(by)), file.name
        assert (there / file.name / "_SUCCESS").exists()


@pytest.mark.parity
def test_tables_are_those_of_the_local_engine(tmp_path: Path, spark: SparkSession) -> None:
    config = cc.Config.load(case.write(tmp_path / "case", network=True))
    case.records(300).write_parquet(tmp_path / "records.parquet")
    line.write(line.run(config, [tmp_path / "records.parquet"], DAY), tmp_path / "here")
    made = cs.run(config, job.read(spark, [str(tmp_path / "records.parquet")]), DAY)
    job.write(made, str(tmp_path / "there"))
    made.release()
    assert len(list((tmp_path / "here").iterdir())) == 4
    same_tables(tmp_path / "here", tmp_path / "there")


def test_what_cannot_be_read_is_refused(tmp_path: Path, spark: SparkSession) -> None:
    with pytest.raises(cc.ArgumentError, match=r"`a\.csv`: Spark would guess the types of text"):
        job.read(spark, ["a.csv"])
    with pytest.raises(cc.SourceError, match=r"none\.parquet`: cannot be read by Spark"):
        job.read(spark, [str(tmp_path / "none.parquet")])
    with pytest.raises(cc.SourceError, match="`nowhere`: cannot be read by Spark"):
        job.read(spark, ["nowhere"], "table")
