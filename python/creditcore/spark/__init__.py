"""Spark: the same answers on a cluster, to the bit.

Comes in: Spark DataFrames. Goes out: Spark DataFrames, a `Ranking`, `Groups` of Spark DataFrames. Arrow
batches go from Spark to the native core without pandas; sums travel as bytes and are merged exactly, so
partitions, workers and the order of rows change nothing (law 2). Needs the extra `spark` (pyspark 3.5 or
newer), a JDK of version 17 and creditcore on every executor; docs/spark.md tells the whole.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creditcore.spark.aggregation import aggregate, rank
    from creditcore.spark.groups import SparkGroups, find_groups
    from creditcore.spark.line import SparkLine, run
    from creditcore.spark.linking import components
    from creditcore.spark.scoring import decide, score
    from creditcore.spark.sink import PortfolioSink, portfolio_sink

_HOMES = {
    "score": "creditcore.spark.scoring",
    "decide": "creditcore.spark.scoring",
    "aggregate": "creditcore.spark.aggregation",
    "rank": "creditcore.spark.aggregation",
    "components": "creditcore.spark.linking",
    "find_groups": "creditcore.spark.groups",
    "SparkGroups": "creditcore.spark.groups",
    "run": "creditcore.spark.line",
    "SparkLine": "creditcore.spark.line",
    "portfolio_sink": "creditcore.spark.sink",
    "PortfolioSink": "creditcore.spark.sink",
}

__all__ = [
    "PortfolioSink",
    "SparkGroups",
    "SparkLine",
    "aggregate",
    "components",
    "decide",
    "find_groups",
    "portfolio_sink",
    "rank",
    "run",
    "score",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'creditcore.spark' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
