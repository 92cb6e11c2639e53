"""Person models on Spark: what they are fitted on, their scores, and what scores say of partners.

Comes in: batches of blocks of people, or of features. Goes out: batches of ties and risks, scores, a model's
text. The driver fits, on rows in the order of keys; executors predict row by row, so partitions change no bit
(law 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from creditcore import _core
from creditcore._frame import to_polars
from creditcore.linking.boosting import predict, train
from creditcore.spark.batches import spark_types, tables, task_threads
from creditcore.spark.shards import beside, block_of
from creditcore.spark.surroundings import UNIT


def _ties(network: Any, detection: Any, own: pl.Series) -> pl.DataFrame:
    """Give `key`, `partner`, `faded` (whole units) of some people, whose lists are complete.

    Ties of which nothing is left add nothing to any sum.
    """
    keys = to_polars(network.components()).select("key").sort("key")["key"]
    ties = to_polars(detection.ties(1.0 / UNIT))
    faded = (ties["weight"] * UNIT).cast(pl.Int64).alias("faded")
    one, other = keys.gather(ties["one"]), keys.gather(ties["other"])
    ends = [pl.DataFrame({"key": a, "partner": b, "faded": faded}) for a, b in ((one, other), (other, one))]
    return pl.concat(ends).filter(pl.col("key").is_in(own.implode()))


def ties_of(batches: Iterator[pa.RecordBatch], plan: str, tau: float) -> Iterator[pa.RecordBatch]:
    """Give `key`, `partner`, `faded` of the people of a block."""
    if (block := block_of(batches, plan)) is None:
        return
    detection = _core.Detection.of(block.network, tau, False, threads=task_threads())
    yield from spark_types(_ties(block.network, detection, block.own).to_arrow()).to_batches()


def risks_of(
    batches: Iterator[pa.RecordBatch], plan: str, tau: float, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Give `key`, some risks, `direct` (the risk in whole units), `total` (of ties) of a block's people."""
    if (block := block_of(batches, plan)) is None:
        return
    lists, network, own = block
    detection = _core.Detection.of(network, tau, False, threads=task_threads())
    people = to_polars(network.components()).select("key").sort("key")
    members = lists.select("members").explode("members").unnest("members").select("key", "score")
    scores = people.join(members.unique("key"), on="key", how="left", maintain_order="left")["score"]
    risks = to_polars(detection.risks(scores.rechunk().to_arrow(), threads=task_threads()))
    fixed = (scores * UNIT).round(mode="half_away_from_zero").cast(pl.Int64).alias("fixed")
    met = _ties(network, detection, own).join(
        people.with_columns(fixed).rename({"key": "partner"}), on="partner"
    )
    direct = (pl.col("faded") * pl.col("fixed")) // UNIT
    sums = met.group_by("key").agg(direct.sum().alias("direct"), pl.col("faded").sum().alias("total"))
    made = people.hstack(risks.select(names)).filter(pl.col("key").is_in(own.implode()))
    # Of the ties of some nothing is left, but what does not fade.
    made = made.join(sums, on="key", how="left").with_columns(pl.col("direct", "total").fill_null(0))
    yield from spark_types(made.to_arrow()).to_batches()


def predicted(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], model: str
) -> Iterator[pa.RecordBatch]:
    """Give `key` and `score` of `key` and features."""
    for _, table in tables(batches, ("key", *names)):
        rows = pl.DataFrame(table.select(list(names))).to_numpy()
        yield from beside(table, "score", pa.chunked_array([predict(model, rows, 1)]))


def fit(rows: pa.Table, names: Sequence[str], step: int) -> str:
    """Fit trees to features and `known` of a sample; gives their text."""
    ordered = pl.DataFrame(rows).sort("key")
    known = ordered["known"].to_numpy().astype("int8")
    weight = (known == 0) * (step - 1.0) + 1.0
    return train(ordered.select(names).to_numpy(), known, weight, None)
