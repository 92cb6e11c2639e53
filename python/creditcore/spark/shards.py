"""Complete lists of people on an executor: ties, scores, and groups of the people on them.

Comes in: batches of identifiers with all their people (`hash`, `kind`, `members`). Goes out: batches of what
the native core computes of them. Columns are rearranged here, nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa

from creditcore import _core
from creditcore._frame import to_polars
from creditcore.spark.batches import spark_types, tables, task_threads
from creditcore.spark.surroundings import UNIT

LISTS = ("hash", "kind", "members")
EXACT = 1 << 24
"""Up to so many units a 32-bit float tells a strength exactly."""


def whole(batches: Iterator[pa.RecordBatch], names: tuple[str, ...]) -> pl.DataFrame | None:
    """Give the rows of a partition as one frame; a list that comes for several blocks is taken once."""
    for _, table in tables(batches, names, None):
        return pl.DataFrame(table)
    return None


def network_of(lists: pl.DataFrame, plan: str) -> Any:
    """Build the network of complete lists."""
    flat = lists.select(LISTS).unique("hash", keep="any").explode("members").unnest("members")
    no_time = 2**32 - 1
    times = flat["time"].fill_null(no_time).cast(pl.UInt32)
    columns = [
        flat["key"],
        times,
        flat["place"].cast(pl.UInt32),
        flat["kind"].cast(pl.UInt8),
        flat["hash"],
    ]
    arrays = [column.rechunk().to_arrow() for column in columns]
    return _core.network_of_shown(plan, *arrays, threads=task_threads())


def _strong(network: Any, tau: float, own: pl.Series) -> pa.Table:
    """Give `key`, `strength` (32-bit float) and `strong`, the partners of strong ties, of some people."""
    people, partners = _core.strong_ties(network, tau, own.to_arrow())
    found = pa.table(people).combine_chunks()
    ends = found.column("end").cast(pa.int32())
    offsets: Any = pa.concat_arrays([pa.array([0], pa.int32()), *ends.chunks])
    values: Any = spark_types(pa.table(partners)).combine_chunks().column("partner")
    one = values.chunk(0) if values.num_chunks else pa.array([], values.type)
    rows = spark_types(found.drop_columns(["end"]))
    return rows.append_column("strong", pa.ListArray.from_arrays(offsets, one))


class Block(NamedTuple):
    """The lists of a block of people, their network, and the people who are its own."""

    lists: pl.DataFrame
    network: Any
    own: pl.Series


def block_of(batches: Iterator[pa.RecordBatch], plan: str) -> Block | None:
    """Give the block that a partition has."""
    lists = whole(batches, (*LISTS, "own"))
    if lists is None:
        return None
    own = lists["own"].explode().drop_nulls().unique().sort().rechunk()
    return Block(lists, network_of(lists, plan), own)


def ties_of(batches: Iterator[pa.RecordBatch], plan: str, tau: float) -> Iterator[pa.RecordBatch]:
    """Give `key`, `strength`, `strong` of the people of a block."""
    if (block := block_of(batches, plan)) is not None:
        yield from _strong(block.network, tau, block.own).combine_chunks().to_batches()


def surroundings_of(
    batches: Iterator[pa.RecordBatch], plan: str, tau: float, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Give `key`, `units` (the exact strength), `strong` and some features of the people of a block."""
    if (block := block_of(batches, plan)) is None:
        return
    lists, network, own = block
    found = pl.DataFrame(_strong(network, tau, own))
    features = to_polars(_core.Detection.of(network, tau, False, threads=task_threads()).features())
    units = (found["strength"].cast(pl.Float64) * UNIT).cast(pl.Int64)
    heavy = found["key"].filter(units >= EXACT)
    made = found.with_columns(units.alias("units"))
    if len(heavy):
        exact = _exact_units(lists, plan, tau, heavy)
        made = made.join(exact, on="key", how="left", maintain_order="left")
        made = made.with_columns(pl.coalesce("exact", "units").alias("units"))
    made = made.join(features.select("key", *names), on="key", how="left", maintain_order="left")
    yield from spark_types(made.select("key", "units", "strong", *names).to_arrow()).to_batches()


def _exact_units(lists: pl.DataFrame, plan: str, tau: float, people: pl.Series) -> pl.DataFrame:
    """Give the strength of people whose strength a 32-bit float has rounded, by adding up their ties."""
    on = lists.filter(lists["own"].list.eval(pl.element().is_in(people.implode())).list.any())
    network = network_of(on, plan)
    keys = to_polars(network.components()).select("key").sort("key")["key"]
    ties = to_polars(_core.Detection.of(network, tau, False).ties(0.0))
    weights = (ties["weight"] * UNIT).cast(pl.Int64).alias("exact")
    ends = [pl.DataFrame({"key": keys.gather(ties[end]), "exact": weights}) for end in ("one", "other")]
    both = pl.concat(ends).filter(pl.col("key").is_in(people.implode()))
    return both.group_by("key").agg(pl.col("exact").sum())


def scores_of(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give `key` and `plain` of `key`, `strength`, `triangles`."""
    for _, table in tables(batches, ("key", "strength", "triangles")):
        rows = pl.DataFrame(table).rechunk()
        strengths, triangles = rows["strength"], rows["triangles"].cast(pl.UInt32)
        plain = _core.label_free_of(strengths.to_arrow(), triangles.to_arrow())
        yield from beside(table, "plain", pa.table(plain).column("score"))


def suspicions_of(batches: Iterator[pa.RecordBatch], cut: float) -> Iterator[pa.RecordBatch]:
    """Give `key` and `score` of `key` and `plain`."""
    for _, table in tables(batches, ("key", "plain")):
        plain = table.combine_chunks().column("plain").chunk(0)
        yield from beside(table, "score", pa.table(_core.suspicion(plain, cut)).column("suspicion"))


def beside(table: pa.Table, name: str, values: Any) -> list[pa.RecordBatch]:
    """Give keys with a column beside them."""
    made = table.select(["key"]).append_column(name, values)
    return made.combine_chunks().to_batches()


def one_score(strength: float, triangles: int, cut: float | None) -> float:
    """Give the plain score of one person, or, with a cut, what it says."""
    plain = pa.table(
        _core.label_free_of(pa.array([strength], pa.float32()), pa.array([triangles], pa.uint32()))
    ).column("score")
    if cut is None:
        return float(plain[0].as_py())
    return float(pa.table(_core.suspicion(plain.chunk(0), cut)).column("suspicion")[0].as_py())


def cut_between(counts: list[tuple[float, int]], wanted: int) -> float:
    """Give the cut between the last of so many people from above and the next below."""
    reached = 0
    around: list[float] = []
    for score, people in sorted(counts, reverse=True):
        if around and score < around[0]:
            around.append(score)
            break
        reached += people
        if reached >= wanted and not around:
            around = [score]
    return _core.cut_of(pa.array(around, pa.float64()), 1.0 / max(len(around), 1))


def _scored(batches: Iterator[pa.RecordBatch], plan: str) -> tuple[Any, Any, Any] | None:
    """Give a partition's network, its people's scores (0 for who did not pass), what is known of them."""
    lists = whole(batches, (*LISTS, "passed"))
    if lists is None:
        return None
    network = network_of(lists, plan)
    passed = lists.select("passed").explode("passed").unnest("passed").unique("key")
    people = to_polars(network.components()).select("key")
    rows = people.join(passed, on="key", how="left", maintain_order="left")
    scores, known = rows["score"].fill_null(0.0), rows["known"].fill_null(-1).cast(pl.Int8)
    return network, scores.rechunk().to_arrow(), known.rechunk().to_arrow()


def totals_of(
    batches: Iterator[pa.RecordBatch], plan: str, tau: float, bound: float, loose: float | None
) -> Iterator[pa.RecordBatch]:
    """Give twice the weight of the edges between those who passed, and who passed the loose cut."""
    from decimal import Decimal

    found = _scored(batches, plan)
    if found is not None:
        totals = _core.edge_totals(found[0], tau, found[1], bound, loose)
        columns = [pa.array([Decimal(total)], pa.decimal128(38, 0)) for total in totals]
        yield pa.RecordBatch.from_arrays(columns, ["total", "loose_total"])


def rings_of(
    batches: Iterator[pa.RecordBatch],
    plan: str,
    tau: float,
    bound: float,
    loose: float | None,
    resolution: int,
    totals: tuple[int, int] | None,
) -> Iterator[pa.RecordBatch]:
    """Give the groups of a partition's components, a row each, its members in a list.

    Without totals the partition has all who passed, whose scores are a model's.
    """
    found = _scored(batches, plan)
    if found is None:
        return
    network, scores, known = found
    threads = task_threads()
    if totals is None:
        detection = _core.Detection.of(network, tau, False, threads=threads)
        members, summary = detection.rings(scores, known, bound, resolution, learned=True, threads=threads)
    else:
        members, summary = _core.rings_of(
            network, tau, scores, known, bound, resolution, list(totals), loose=loose, threads=threads
        )
    by_group = to_polars(members).group_by("group_id", maintain_order=True)
    listed = by_group.agg(pl.struct("key", "level", "score", "reason").alias("members"))
    rings = to_polars(summary).join(listed, on="group_id", maintain_order="left")
    yield from spark_types(rings.to_arrow()).to_batches()


def feature_names(plan: str) -> list[str]:
    """Give the names of the features of a network."""
    return [name for name in to_polars(_of_nobody(plan).features()).columns if name != "key"]


def risk_names(plan: str) -> list[str]:
    """Give the names of what partners' scores say in a network."""
    return to_polars(_of_nobody(plan).risks(pa.array([], pa.float64()))).columns


def _of_nobody(plan: str) -> Any:
    """Give the features of a network without people."""
    none = pl.DataFrame(
        schema={"key": pl.Int64, "time": pl.UInt32, "place": pl.UInt32, "kind": pl.UInt8, "hash": pl.Int64}
    )
    network = _core.network_of_shown(plan, *(none[name].to_arrow() for name in none.columns), threads=1)
    return _core.Detection.of(network, 1.0, False)
