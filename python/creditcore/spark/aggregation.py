"""Averages and rankings on Spark: exact sums of each partition, merged.

Comes in: a DataFrame and what its columns mean. Goes out: the `Aggregate` and `Ranking` of one machine, to
the byte, for any partitions (law 2): a partition's sums are exact and travel in their byte form.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from creditcore.aggregation import Aggregate
from creditcore.aggregation import aggregate as aggregate_here
from creditcore.spark.session import default_key, house_errors, is_connected, plain_columns, session_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from creditcore.ranking.ranking import Ranking

MANY = 64
"""Partitions from which on sums are merged on executors before they come to the driver."""
SUM_ROWS = 1 << 20
"""Rows of a partition that are summed at a time."""
SUMS = "sums binary, kinds array<string>"


@dataclass(frozen=True)
class Summing:
    """What an executor is told of an aggregate: the arguments of `creditcore.aggregate`."""

    arguments: dict[str, Any]
    regions: str | None
    whole: bool
    kinds: bool
    names: tuple[str, ...]
    key: str | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sum the rows of a partition into one row: the sums' bytes, and the kinds met."""
        from creditcore.spark.batches import (
            bytes_batch,
            distinct_texts,
            placed,
            tables,
            task_threads,
        )

        threads = task_threads()
        sums: Aggregate | None = None
        kinds: set[str] = set()
        for before, table in tables(batches, self.names, None if self.whole else SUM_ROWS):
            if self.kinds:
                kinds |= distinct_texts(table, "kind")
            part = placed(before, table, self.key)(
                lambda rows: aggregate_here(rows, **self.arguments, threads=threads)
            )
            sums = part if sums is None else sums.merge(part)
        if sums is not None:
            yield bytes_batch(sums=[sums.to_bytes()], kinds=[sorted(kinds)])


@dataclass(frozen=True)
class Merging:
    """Merges sums on executors."""

    regions: Any

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Merge the rows of a partition into one."""
        from creditcore.spark.batches import bytes_batch

        merged: Aggregate | None = None
        kinds: set[str] = set()
        for batch in batches:
            for data, more in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                part = Aggregate.from_bytes(data, self.regions)
                merged = part if merged is None else merged.merge(part)
                kinds.update(more)
        if merged is not None:
            yield bytes_batch(sums=[merged.to_bytes()], kinds=[sorted(kinds)])


def aggregate(
    frame: DataFrame,
    by: str | Sequence[str] = "city",
    score: str | None = "points_model",
    weight: str | None = None,
    *,
    region: str | None = None,
    unit: str | None = None,
    pick: str = "latest",
    time: str = "event_time",
    kind: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
    share_above: float | None = None,
    ratio: tuple[str, str] | None = None,
    bands: Mapping[str, Sequence[float]] | None = None,
    key: str | None = None,
) -> Aggregate:
    """Sum the records of a DataFrame by one or more groupings, exactly.

    The arguments are those of `creditcore.aggregate`, and so is the result, to the byte, for any number of
    partitions. With `unit` the records are first brought together by unit (a shuffle); without it nothing but
    the sums leaves a partition.

    Args:
        frame: the records.
        by, score, weight, region, unit, pick, time, kind, share_above, ratio, bands: as in `creditcore.rank`.
        regions: `china`, `none`, or a CSV file, which is read on the driver and on executors at the same
            path.
        key: the column of keys, by which an error names a record; `key` where there is one.

    Memory: for each task 1,048,576 rows of the columns that count, or with `unit` those of a whole partition;
    on the driver the sums of 64 partitions at most.

    Raises:
        As `creditcore.aggregate`, with partition, row and key in place of file and row.
    """
    from creditcore.spark.batches import empty_table, rows_of_texts

    session = session_of(frame)
    named = [by] if isinstance(by, str) else list(by)
    arguments: dict[str, Any] = {
        **{"by": named, "score": score, "weight": weight, "region": region, "unit": unit, "pick": pick},
        **{"time": time, "kind": kind, "regions": None if regions is None else str(regions)},
        **{"share_above": share_above, "ratio": ratio, "bands": bands},
    }
    empty = empty_table(frame)
    merged = aggregate_here(empty, **arguments)
    several = kind is None and "kind" in frame.columns
    key = default_key(frame, key)
    wanted = _columns(merged._plan) | ({"kind"} if several else set()) | ({key} if key else set())
    names = tuple(name for name in frame.columns if name in wanted)
    records = plain_columns(frame, names)
    if unit is not None:
        records = records.repartition(f"c{names.index(unit)}")
    # What was settled by the columns of the whole is told, not found again.
    arguments["region"] = merged._plan["region"]
    summing = Summing(arguments, arguments["regions"], unit is not None, several, names, key)
    sums = records.mapInArrow(summing.__call__, SUMS)
    kinds: set[str] = set()
    with house_errors():
        if is_connected(session) or sums.rdd.getNumPartitions() > MANY:
            sums = sums.repartition(MANY).mapInArrow(Merging(arguments["regions"]).__call__, SUMS)
        for row in sums.collect():
            merged = merged.merge(Aggregate.from_bytes(bytes(row["sums"]), arguments["regions"]))
            kinds.update(row["kinds"])
    if len(kinds) > 1:
        # The refusal of one machine, in its words.
        aggregate_here(rows_of_texts("kind", sorted(kinds), empty), **arguments)
    return merged


def _columns(told: Any) -> set[str]:
    """Every text of a plan; the columns are among them."""
    if isinstance(told, Mapping):
        return set().union(*map(_columns, told.values())) if told else set()
    if isinstance(told, list | tuple):
        return set().union(*map(_columns, told)) if told else set()
    return {told} if isinstance(told, str) else set()


@overload
def rank(frame: DataFrame, by: str = ..., min_n: int = ..., **arguments: Any) -> Ranking: ...
@overload
def rank(
    frame: DataFrame, by: list[str] | tuple[str, ...], min_n: int = ..., **arguments: Any
) -> dict[str, Ranking]: ...
def rank(
    frame: DataFrame,
    by: str | list[str] | tuple[str, ...] = "city",
    min_n: int = 1,
    **arguments: Any,
) -> Ranking | dict[str, Ranking]:
    """Rank regions or groups of a DataFrame's records by an exact weighted mean, share or ratio.

    Args:
        frame: the records.
        by: as in `creditcore.rank`; a list gives a dict of rankings out of one pass.
        min_n: units below which a row keeps its figures but gets no rank.
        arguments: those of `aggregate`.

    Returns:
        The `Ranking` of one machine, equal to the last digit; or for a list of names a dict of them.

    Raises:
        As `aggregate`.
    """
    sums = aggregate(frame, by, **arguments)
    if isinstance(by, str):
        return sums.rank(by, min_n)
    return {name: sums.rank(name, min_n) for name in by}
