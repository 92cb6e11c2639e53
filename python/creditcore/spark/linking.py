"""Components on Spark: forests of partitions, merged in rounds.

Comes in: a DataFrame with keys and identifiers. Goes out: each key once with the smallest key of its set, as
`creditcore.components` names it (laws 2 and 7). A partition joins its own people first and hands on one row
for each identifier and set; what is left is joined in rounds of spanning forests, each over an eighth of the
partitions of the one before. Every round keeps fewer edges than it has nodes, so there is nothing to iterate,
and no folder for checkpoints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError, SchemaError
from creditcore.hash_keys import hash_key
from creditcore.linking.plan import Identifiers, make_plan
from creditcore.spark.session import plain_columns, require_columns, session_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

FEWER = 8
"""A round has this many times fewer partitions than the one before."""
INTEGERS = ("tinyint", "smallint", "int", "bigint")


@dataclass(frozen=True)
class Linking:
    """What an executor is told of a network."""

    plan: str
    secret: bytes
    names: tuple[str, ...]
    expire: int | None = None

    def network(self, batches: Iterator[pa.RecordBatch]) -> Any:
        """Build the network of a partition; None where there are no rows."""
        from creditcore import _core
        from creditcore.sources import open_source
        from creditcore.spark.batches import placed, tables, task_threads

        key = json.loads(self.plan)["key"]
        threads = task_threads()

        def build(rows: pa.Table) -> Any:
            network = _core.Network.build(open_source(rows), self.plan, self.secret, threads=threads)
            if self.expire is None:
                return network
            return network.update(None, self.secret, expire_before=self.expire, threads=threads)[0]

        for before, table in tables(batches, self.names, None):
            return placed(before, table, key)(build)
        return None

    def people_and_shown(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give a row for each person (its hash null), and one for each identifier that it shows."""
        from creditcore.spark.batches import people_and_shown

        network = self.network(batches)
        if network is not None:
            yield from people_and_shown(network)

    def sets_and_shown(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give for each person its set in this partition, and for each identifier the set that shows it."""
        from creditcore.spark.batches import sets_and_shown

        network = self.network(batches)
        if network is not None:
            yield from sets_and_shown(network)


def key_type(frame: DataFrame, key: str) -> str:
    """Give the type of keys: `bigint`, or `string`.

    Raises:
        SchemaError: a column of another type.
    """
    kind: str = frame.schema[key].dataType.simpleString()
    if kind in INTEGERS:
        return "bigint"
    if kind == "string":
        return "string"
    raise SchemaError(f"key column `{key}` is of type {kind}; keys are 64-bit integers or text")


def partitions_of(session: SparkSession) -> int:
    """Give how many partitions a shuffle makes."""
    return int(session.conf.get("spark.sql.shuffle.partitions") or 200)


def read_by(
    frame: DataFrame,
    key: str,
    identifiers: Identifiers,
    time: str | None,
    config: Mapping[str, Any] | None,
    secret: bytes,
) -> tuple[DataFrame, Linking]:
    """Give the columns that a network is made of, under their places, and what executors are told of it.

    Raises:
        SchemaError: a column that is not there, or of a type that cannot be a key.
        ArgumentError: identifiers or a configuration that are refused.
    """
    plan = make_plan(key, identifiers, time, config)
    columns = [column for told in json.loads(plan)["identifiers"] for column in told["columns"]]
    names = list(dict.fromkeys([key, *([time] if time else []), *columns]))
    require_columns(frame, names)
    key_type(frame, key)
    return plain_columns(frame, names), Linking(plan, secret, tuple(names))


def components(
    frame: DataFrame,
    key: str,
    identifiers: Identifiers,
    cap: int | None = None,
    *,
    config: Mapping[str, Any] | None = None,
) -> DataFrame:
    """Find the connected components of people over the identifiers that they share.

    Args:
        frame: the records.
        key, identifiers, cap, config: as in `creditcore.components`.

    Returns:
        A DataFrame of `key`, each once, and `component`, the smallest key of its set.

    Memory: for each task the identifiers of its partition; in the last round, in one task, 16 bytes for each
    set of a partition that meets another's.

    Raises:
        As `creditcore.components`; a value that is refused is told when Spark runs it, with partition and
        row.
    """
    from pyspark.sql import functions as F  # noqa: N812 - its name in every text on Spark

    if cap is not None and cap < 1:
        raise ArgumentError(f"`cap` is {cap}; it is 1 or more, or None for no cap")
    session = session_of(frame)
    records, linking = read_by(frame, key, identifiers, None, config, hash_key())
    kind = key_type(frame, key)
    most = [one for one in (cap, (config or {}).get("most_people")) if one is not None]
    if most:
        shown = records.repartition("c0").mapInArrow(linking.people_and_shown, shown_schema(kind))
        people = shown.where("hash IS NULL").select("key", F.col("key").alias("own"))
        links = shown.where("hash IS NOT NULL").select("hash", F.col("key").alias("own"))
        by_hash = links.groupBy("hash").agg(F.count("own").alias("degree"), F.min("own").alias("one"))
        kept = by_hash.where((F.col("degree") > 1) & (F.col("degree") <= min(most))).drop("degree")
        edges = links.join(kept, "hash").where("own <> one").select("one", F.col("own").alias("other"))
    else:
        sets = records.mapInArrow(linking.sets_and_shown, f"key {kind}, own {kind}, hash bigint")
        people = sets.where("hash IS NULL").select("key", "own")
        links = sets.where("hash IS NOT NULL").select("hash", "own")
        edges = stars(links, "hash").unionByName(stars(people, "key"))
        people = people.groupBy("key").agg(F.min("own").alias("own"))
    found = joined(session, edges, kind).withColumnRenamed("key", "own")
    named = F.coalesce("component", "own").alias("component")
    return people.join(found, "own", "left").select("key", named)


def shown_schema(kind: str) -> str:
    """Give the columns of people and what they show."""
    return f"key {kind}, time bigint, place int, kind int, hash bigint"


def stars(rows: DataFrame, by: str) -> DataFrame:
    """Give the edges that join the sets of each value: from the smallest to every other."""
    from pyspark.sql import functions as F  # noqa: N812

    grouped = rows.groupBy(by).agg(F.min("own").alias("one"), F.collect_set("own").alias("others"))
    edges = grouped.where(F.size("others") > 1).select("one", F.explode("others").alias("other"))
    return edges.where("one <> other")


def forest(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join the pairs of a partition, and give its spanning forest: each key and the smallest of its set."""
    from creditcore.spark.batches import forest_of

    yield from forest_of(batches)


def joined(session: SparkSession, edges: DataFrame, kind: str) -> DataFrame:
    """Join pairs (`one`, `other`) in rounds; gives `key` and `component` of all but the smallest."""
    partitions = partitions_of(session)
    while True:
        found = edges.repartition(partitions).mapInArrow(forest, f"key {kind}, component {kind}")
        if partitions == 1:
            return found
        edges = found
        partitions = -(-partitions // FEWER)
