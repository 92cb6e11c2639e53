"""Spark's session as creditcore needs it, and faults of its tasks in words of the house.

Comes in: a DataFrame, a session, what Spark raised. Goes out: refusals of what is missing or too old; an
error of the kind that a task raised, naming partition and key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from creditcore import errors
from creditcore.errors import ArgumentError, SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

OLDEST = (3, 5)
"""The oldest Spark."""
_RAISED = re.compile(
    r"creditcore\.errors\.(\w+): (.*?)(?:\n\s*\n|\n\s+at |\n\tat |\nDriver stacktrace|\Z)", re.DOTALL
)


def require_pyspark() -> None:
    """Refuse to go on without a pyspark that is new enough.

    Raises:
        ArgumentError: pyspark is not installed, or older than 3.5.
    """
    try:
        import pyspark
    except ImportError as error:
        raise ArgumentError(
            "pyspark is not installed; install `creditcore[spark]`, and a JDK of version 17 or newer"
        ) from error
    refuse_old(pyspark.__version__, "pyspark")


def refuse_old(version: str, what: str) -> None:
    """Refuse a version of Spark that lacks what is needed."""
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    if (*numbers, 0, 0)[:2] < OLDEST:
        raise ArgumentError(f"{what} is of version {version}; {OLDEST[0]}.{OLDEST[1]} or newer is needed")


def session_of(frame: Any) -> SparkSession:
    """Give the session of a DataFrame.

    Raises:
        ArgumentError: no DataFrame of Spark, or a Spark that is too old.
    """
    require_pyspark()
    if not hasattr(frame, "sparkSession") or not hasattr(frame, "mapInArrow"):
        kind = type(frame).__name__
        raise ArgumentError(
            f"the records are a `{kind}`; give a DataFrame of Spark, or use `creditcore` itself here"
        )
    session: SparkSession = frame.sparkSession
    refuse_old(session.version, "Spark")
    return session


def is_connected(session: Any) -> bool:
    """Say whether a session is one of Spark Connect."""
    return type(session).__module__.startswith("pyspark.sql.connect")


@contextmanager
def house_errors() -> Iterator[None]:
    """Turn what Spark raises of a task into the error that the task raised.

    Raises:
        The error of creditcore that a task raised; SourceError for executors that cannot run it.
    """
    try:
        yield
    except errors.CreditcoreError:
        raise
    except Exception as error:
        made = house_error(f"{error}")
        if made is None:
            raise
        raise made from error


def house_error(text: str) -> errors.CreditcoreError | None:
    """Give the error that a task told of, if Spark's text holds one."""
    found = _RAISED.search(text)
    if found is not None:
        kind = getattr(errors, found[1], None)
        if isinstance(kind, type) and issubclass(kind, errors.CreditcoreError):
            return kind(found[2].strip())
    if re.search(r"No module named '(creditcore|polars|pyarrow|numpy)", text):
        missing = re.findall(r"No module named '([\w.]+)'", text)[0]
        return SourceError(
            f"an executor's Python has no `{missing}`; install creditcore there, or send a packed "
            "environment along (docs/spark.md)"
        )
    if "PYTHON_VERSION_MISMATCH" in text or "has different version" in text:
        return SourceError(
            "the executors' Python is of another version than this one; set `PYSPARK_PYTHON` (or "
            "`spark.pyspark.python`) to one of the same version"
        )
    wrong = re.search(r'Cannot run program "([^"]+)"', text)
    if wrong is not None:
        return SourceError(
            f"an executor cannot start Python as `{wrong[1]}`; set `PYSPARK_PYTHON` (or "
            "`spark.pyspark.python`) to one that is there"
        )
    return None


def plain_columns(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Give columns under their places, `c0`, `c1`, ...: a map of Spark refuses names with points."""
    quoted = ["`" + name.replace("`", "``") + "`" for name in names]
    return frame.select(quoted).toDF(*(f"c{place}" for place in range(len(names))))


def default_key(frame: DataFrame, key: str | None) -> str | None:
    """Give the column of keys that errors name: the one asked for, or `key` where there is one.

    Raises:
        SchemaError: a column that is not there.
    """
    if key is None:
        return "key" if "key" in frame.columns else None
    require_columns(frame, [key])
    return key


def require_columns(frame: DataFrame, names: list[str]) -> None:
    """Refuse names that are no columns.

    Raises:
        SchemaError: a column that is not there.
    """
    absent = [name for name in names if name not in frame.columns]
    if absent:
        listed = ", ".join(f"`{column}`" for column in frame.columns[:12])
        raise errors.SchemaError(f"no column `{absent[0]}` (columns: {listed})")
