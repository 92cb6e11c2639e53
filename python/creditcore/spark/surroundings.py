"""Network features on Spark: `net_now_*` of every person, to the bit those of one machine.

Comes in: lists of people. Goes out: a DataFrame of keys and features. What a person's own lists say is found
in blocks of people; triangles and hops where the rows of strong partners meet, as sums of integers (law 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creditcore.errors import SchemaError
from creditcore.spark.lists import Lists, functions, in_blocks

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

NOW = "net_now_"
HOPS = ("one_hop", "two_hop")
UNIT = 1 << 20
"""Weights of ties are whole multiples of 1 / UNIT."""
MET = ("triangles", *HOPS)
"""Features that hang on partners' own ties."""


@dataclass(frozen=True)
class Around:
    """What an executor is told of features."""

    plan: str
    tau: float
    names: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give strengths, strong ties and features of a block's people."""
        from creditcore.spark.shards import surroundings_of

        yield from surroundings_of(batches, self.plan, self.tau, self.names)


def now_features(known: Lists, tau: float, names: Sequence[str]) -> DataFrame:
    """Give features of the surroundings of everybody, as `Network.ego_features` has them.

    Args:
        known: people and lists.
        tau: days in which a tie fades by 1/e.
        names: of features, such as `net_now_partners`.

    Raises:
        SchemaError: a feature that a network does not have.
    """
    wanted = [name.removeprefix(NOW) for name in names]
    _refuse_absent(known, wanted)
    f = functions()
    plain = tuple(name for name in wanted if name not in MET)
    columns = "".join(f", `{name}` float" for name in plain)
    schema = f"key {known.kind}, units bigint, strong array<{known.kind}>{columns}"
    found = in_blocks(known).mapInArrow(Around(known.plan, tau, plain).__call__, schema)
    rows = found
    if "triangles" in wanted:
        rows = rows.join(triangles_of(found), "key", "left")
    if set(HOPS) & set(wanted):
        one = _means(found, found.select("key", "units"), "one_hop")
        rows = rows.join(one, "key", "left")
        if "two_hop" in wanted:
            two = _means(found, one.withColumnRenamed("one_hop", "units"), "two_hop")
            rows = rows.join(two, "key", "left")

    def told(name: str) -> Any:
        value = f.col(f"`{name}`").cast("double")
        one = value / f.lit(float(UNIT)) if name in HOPS else value
        return f.coalesce(one, f.lit(0.0)).cast("float").alias(NOW + name)

    return known.people.join(rows, "key", "left").select("key", *map(told, wanted))


def triangles_of(ties: DataFrame) -> DataFrame:
    """Count the triangles of strong ties, `key` and `triangles`, where the rows of partners meet."""
    f = functions()
    asked = ties.select("key", "strong", f.explode("strong").alias("partner"))
    theirs = ties.select(f.col("key").alias("partner"), f.col("strong").alias("theirs"))
    met = asked.join(theirs, "partner").select(
        "key", f.size(f.array_intersect("strong", "theirs")).alias("common")
    )
    # Each triangle is met from both of its other corners.
    return met.groupBy("key").agg(f.shiftright(f.sum("common"), 1).alias("triangles"))


def _means(found: DataFrame, figures: DataFrame, name: str) -> DataFrame:
    """Give the whole mean of a figure (`units`) over the strong partners of each person."""
    f = functions()
    asked = found.select(f.col("key").alias("person"), f.explode("strong").alias("key"))
    met = asked.join(figures, "key", "left")
    sums = f.expr("sum(coalesce(units, 0)) div count(*)")
    return met.groupBy("person").agg(sums.alias(name)).withColumnRenamed("person", "key")


def _refuse_absent(known: Lists, wanted: Sequence[str]) -> None:
    from creditcore.spark.shards import feature_names

    there = feature_names(known.plan)
    if absent := [name for name in wanted if name not in there]:
        listed = ", ".join(f"`{NOW}{name}`" for name in there[:7])
        raise SchemaError(f"the network has no feature `{NOW}{absent[0]}`; there are {listed} ...")


def with_features(frame: Any, key: str, features: DataFrame) -> DataFrame:
    """Put features behind the records of their keys; a record that is no person of the network has nulls."""
    f = functions()
    quoted = "`" + key.replace("`", "``") + "`"
    own = features.withColumnRenamed("key", "_person")
    made: DataFrame = frame.join(own, f.col(quoted) == f.col("_person"), "left").drop("_person")
    return made
