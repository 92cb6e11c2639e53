"""A run as a job: a session for a master, records that Spark reads, tables that it writes.

Comes in: a master, paths, what `run` made. Goes out: a folder of Parquet tables, each written by the
executors and whole where its `_SUCCESS` is there. What reads and writes is Spark, so paths may be of any file
system that it knows.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError, SourceError
from creditcore.spark.session import house_errors, require_pyspark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from creditcore.spark.line import SparkLine

TEXT_ENDINGS = (".csv", ".csv.gz", ".txt", ".json")


@contextmanager
def session(master: str | None = None, settings: Mapping[str, str] | None = None) -> Iterator[SparkSession]:
    """Give a session, the one of `spark-submit` where there is one; it is stopped at the end.

    Args:
        master: `local[4]`, `spark://...`, `yarn`, `k8s://...`, or `sc://...` for Spark Connect; without one
            `spark-submit` and the environment say it.
        settings: of Spark, by name.

    Raises:
        ArgumentError: pyspark is missing or too old; SourceError: no JDK, or a master that cannot be reached.
    """
    require_pyspark()
    from pyspark.sql import SparkSession

    # Executors of this machine run this interpreter, not whatever `python3` is.
    if master is None or master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder: Any = SparkSession.builder.appName("creditcore")
    if master is not None:
        builder = builder.remote(master) if master.startswith("sc://") else builder.master(master)
    for name, value in (settings or {}).items():
        builder = builder.config(name, value)
    try:
        made: SparkSession = builder.getOrCreate()
    except Exception as error:
        raise SourceError(_refused(master, error)) from error
    try:
        yield made
    finally:
        made.stop()


def _refused(master: str | None, error: Exception) -> str:
    text = f"{error}".strip()
    if "JAVA" in text.upper():
        return "there is no JDK; install version 17 or newer, and set `JAVA_HOME` or `PATH`"
    told = (text.splitlines() or [type(error).__name__])[0]
    return f"Spark does not start with master `{master}`: {told}"


def read(session: SparkSession, files: Sequence[str], form: str = "parquet") -> DataFrame:
    """Read records by Spark.

    Args:
        session: of the job.
        files: paths or patterns, of any file system that Spark knows; for the form `table` one table's name.
        form: `parquet`, `orc`, `table`, or another that the session has a reader for.

    Raises:
        ArgumentError: files of text, whose types each reader would guess in its own way.
        SourceError: files that cannot be read.
    """
    text = [file for file in files if file.endswith(TEXT_ENDINGS)]
    if text or form in ("csv", "json", "text"):
        raise ArgumentError(
            f"`{(text or list(files))[0]}`: Spark would guess the types of text; give Parquet, or run with "
            "`--engine local`"
        )
    with house_errors():
        try:
            if form == "table":
                return session.table(files[0])
            return session.read.format(form).load(list(files))
        except Exception as error:
            told = (f"{error}".strip().splitlines() or [type(error).__name__])[0]
            raise SourceError(f"`{files[0]}`: cannot be read by Spark: {told}") from error


def write(made: SparkLine, folder: str) -> None:
    """Write the tables of a line: `scored.parquet`, `rankings.parquet`, and with a network `groups.parquet`.

    `groups.parquet` has the members of rings, `rings.parquet` the rings, as `creditcore.line.write` has them.
    Tables that are there already are replaced.

    Raises:
        What a task raised, as the error of creditcore; SourceError: a folder that cannot be written.
    """
    from creditcore.spark.batches import rankings_frame

    spark = made.records.sparkSession
    tables = {"scored": made.records}
    if made.rankings:
        ranked = [ranking.to_polars() for ranking in made.rankings.values()]
        tables["rankings"] = rankings_frame(spark, ranked).coalesce(1)
    if made.groups is not None:
        tables |= {"groups": made.groups.members, "rings": made.groups.summary.drop("dissolved_degrees")}
    with house_errors():
        for name, table in tables.items():
            table.write.mode("overwrite").parquet(f"{folder.rstrip('/')}/{name}.parquet")
