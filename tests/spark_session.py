"""One small Spark for all tests of a run.

Out: a session of two threads in one JVM: no pages, few partitions, little memory, quiet; a task that fails
fails at once. It is stopped with its JVM when the block ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from pyspark.sql import DataFrame, SparkSession

SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    # What a page would show of past queries, plans as text among it, is most of what a small driver keeps.
    "spark.sql.maxPlanStringLength": "1000",
    "spark.sql.ui.retainedExecutions": "1",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
    "spark.task.maxFailures": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
QUIET = """
rootLogger.level = off
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
"""


def settings(folder: Path) -> dict[str, str]:
    """What a session of the tests is set to, with its files in a folder."""
    logs = folder / "log4j2.properties"
    logs.write_text(QUIET)
    java = f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile={logs.as_uri()}"
    folders = {"spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "warehouse")}
    return {**SETTINGS, **folders, "spark.driver.extraJavaOptions": java}


def given(session: SparkSession, frame: pl.DataFrame) -> DataFrame:
    """The rows of a frame as a DataFrame."""
    from creditcore.spark.batches import frame_of, spark_types

    if pyspark_version() >= 4:
        return session.createDataFrame(frame.to_arrow())
    return frame_of(session, spark_types(frame.to_arrow()))


def collected(frame: DataFrame) -> pl.DataFrame:
    """The rows of a DataFrame."""
    import polars as pl

    from creditcore.spark.batches import collected as brought

    return pl.DataFrame(frame.toArrow() if pyspark_version() >= 4 else brought(frame))


def pyspark_version() -> int:
    """The version of Spark: from 4 on it takes and gives Arrow tables."""
    import pyspark

    return int(pyspark.__version__.split(".")[0])


@contextmanager
def spark_session(folder: Path, master: str = "local[2]", **further: str) -> Iterator[SparkSession]:
    """Start a session of a master, with further settings (a dot written as `__`)."""
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).appName("creditcore tests")
    told = {name.replace("__", "."): value for name, value in further.items()}
    for name, value in {**settings(folder), **told}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        stop(session)


def stop(session: SparkSession) -> None:
    """Stop a session and end its JVM, so that the next one starts with settings of its own."""
    from pyspark import SparkContext

    session.stop()
    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(60)
        SparkContext._gateway = SparkContext._jvm = None
