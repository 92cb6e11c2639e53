"""The whole line on a cluster: what a configuration says, done with the records of a DataFrame.

Comes in: a configuration, records (each key once), an instant. Goes out: scores, decisions and causes as a
DataFrame, rankings, counts. Everything equals `creditcore.line.run` on one machine, to the bit (law 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from creditcore.config.config import Config
from creditcore.errors import ArgumentError, SchemaError
from creditcore.hash_keys import hash_key
from creditcore.line import made_columns, window_begin
from creditcore.pipeline.pipeline import Pipeline
from creditcore.population import Population, Reconciled, day_of
from creditcore.ranking.ranking import Ranking
from creditcore.spark.aggregation import aggregate
from creditcore.spark.groups import SparkGroups, groups_in
from creditcore.spark.lists import Lists, lists_of
from creditcore.spark.scoring import extended_schema, score
from creditcore.spark.session import house_errors, plain_columns
from creditcore.spark.surroundings import now_features, with_features

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

CAUSE = {"cause": "string"}
# What a population is read of: no section that names files.
SECTIONS = ("columns", "time", "population")


@dataclass(frozen=True)
class SparkLine:
    """What came of records.

    Attributes:
        records: the records' columns, scores, decisions, and `cause`: why one is left out.
        rankings: by name.
        population: records = used + excluded.
        groups: the rings; None without a network.
    """

    records: DataFrame = field(repr=False)
    rankings: Mapping[str, Ranking]
    population: Reconciled
    groups: SparkGroups | None = field(repr=False)

    def release(self) -> None:
        """Let go of what is kept on the executors; DataFrames are then computed anew."""
        self.records.unpersist()
        if self.groups is not None:
            self.groups.release()


@dataclass(frozen=True)
class Causing:
    """What an executor is told of a population."""

    told: dict[str, Any]
    as_of: date | None
    inputs: tuple[str, ...]
    names: tuple[str, ...]
    key: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the batches of a partition with the cause of each record."""
        from creditcore.spark.batches import extended, task_threads, to_polars

        population, threads = Population(Config.of(self.told)), task_threads()

        def work(table: pa.Table) -> Any:
            rows = to_polars(table.select(list(self.inputs)))
            return population.causes(rows, self.as_of, threads=threads).to_frame().to_arrow()

        yield from extended(batches, self.names, work, CAUSE, self.key)


def run(config: Config, frame: DataFrame, as_of: date | None = None) -> SparkLine:
    """Do what a configuration says with the records of a DataFrame; as `creditcore.line.run` does.

    Args:
        config: what is done. Its files are read on the driver; a region table that is a file is also read on
            executors at the same path.
        frame: the records, each key once.
        as_of: the instant that the figures speak of; needed for windows, and for rules that have days.

    Returns:
        A `SparkLine`. Rankings and counts are made at once. Executors keep the scored records, in memory or
        on their disks, until `release()`; the records that are given are read twice, for keys and for scores.

    Memory: as `score`, `aggregate` and `find_groups`.

    Raises:
        SchemaError: a key that is null or comes twice, a column that is not there or of a wrong type.
        ArgumentError: models or rules that go by `net_at_*` features which the records do not bring.
        What `score`, `aggregate` and `find_groups` raise.
    """
    _check_keys(config, frame)
    made = frame
    pipeline = None if config.fleet is None else Pipeline.of(config)
    network = _lists(config, frame, as_of)
    if network is not None:
        made = _with_network(config, pipeline, frame, network)
    if pipeline is not None:
        day = None if as_of is None else day_of(as_of, config)
        made = score(made, pipeline, as_of=day, key=config.columns.key)
    # Scores are made once, for counts, rankings and whoever reads them.
    records = _with_causes(config, made, as_of).persist()
    with house_errors():
        counts = {row["cause"]: row["count"] for row in records.groupBy("cause").count().collect()}
    excluded = {cause: count for cause, count in sorted(counts.items(), key=str) if cause is not None}
    told = Reconciled(sum(counts.values()), counts.get(None, 0), excluded)
    groups = None
    if network is not None and config.network is not None:
        groups = groups_in(network, config.network.group_config)
    return SparkLine(records, _rankings(config, records), told, groups)


def _lists(config: Config, frame: DataFrame, as_of: date | None) -> Lists | None:
    """Bring together who shows the same; None where the configuration has no network."""
    part = config.network
    if part is None:
        return None
    first = window_begin(config, as_of)
    return lists_of(
        frame,
        config.columns.key,
        {name: one.model_dump(exclude_none=True) for name, one in part.identifiers.items()},
        config.columns.known_time or config.columns.event_time,
        part.build_config,
        hash_key(None if part.key_file is None else config.path(part.key_file)),
        None if first is None else int(first.timestamp()),
    )


def _with_network(config: Config, pipeline: Pipeline | None, frame: DataFrame, network: Lists) -> DataFrame:
    """Put the network features that models or rules ask for behind the records."""
    assert config.network is not None
    if made := made_columns(pipeline, "at", frame.columns):
        raise ArgumentError(
            f"`{made[0]}` speaks of the time of each record, and one machine makes it; let the records bring "
            "it, or run this configuration there"
        )
    wanted = made_columns(pipeline, "now", frame.columns)
    if not wanted:
        return frame
    features = now_features(network, config.network.tau, wanted)
    return with_features(frame, config.columns.key, features)


def _check_keys(config: Config, frame: DataFrame) -> None:
    """Refuse keys that are null or come twice."""
    from pyspark.sql import functions

    key = config.columns.key
    if key not in frame.columns:
        raise SchemaError(f"the records have no column `{key}`, their key")
    column = functions.col("`" + key.replace("`", "``") + "`").alias("key")
    with house_errors():
        keys = frame.select(column).groupBy("key").count()
        found = keys.where("key IS NULL OR count > 1").orderBy("key").limit(1).collect()
    if found and found[0]["key"] is None:
        raise SchemaError(f"column `{key}`, the key, is null in {found[0]['count']} records")
    if found:
        raise SchemaError(f"key `{found[0]['key']}` comes more than once; keep one record of each")


def _with_causes(config: Config, frame: DataFrame, as_of: date | None) -> DataFrame:
    from pyspark.sql import functions

    if "cause" in frame.columns:
        raise SchemaError("the records have a column `cause` already; rename it, or drop it")
    population = Population(config)
    if not population.columns:
        return frame.withColumn("cause", functions.lit(None).cast("string"))
    if absent := [name for name in population.columns if name not in frame.columns]:
        raise SchemaError(f"the records have no column `{absent[0]}`, which `[population]` goes by")
    if population.moves and as_of is None:
        raise ArgumentError("`window_days` goes by `as_of`; give the instant that the figures speak of")
    told = {name: part for name, part in config.to_dict().items() if name in SECTIONS}
    causing = Causing(told, as_of, tuple(population.columns), tuple(frame.columns), config.columns.key)
    plain = plain_columns(frame, frame.columns)
    return plain.mapInArrow(causing.__call__, extended_schema(frame, CAUSE))


def _rankings(config: Config, records: DataFrame) -> dict[str, Ranking]:
    """Rank those who count, by everything that the configuration ranks by."""
    if not config.rankings:
        return {}
    columns, people = config.columns, config.population
    sums = aggregate(
        records.where("cause IS NULL"),
        config.by,
        config.score.column,
        None if config.weights is None else config.weights.column,
        region=columns.region,
        unit=columns.unit,
        time=columns.event_time or "event_time",
        kind="all" if columns.kind == "kind" and people is not None and people.kind == "all" else None,
        regions=str(config.region_table),
        key=columns.key,
    )
    return {name: sums.rank(name, ranking.min_n) for ranking in config.rankings for name in ranking.by}
