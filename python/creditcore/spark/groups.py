"""Hidden groups on Spark: the groups of one machine, to the bit.

Comes in: a DataFrame with keys, identifiers and times. Goes out: `SparkGroups`: DataFrames of rings, members
and people. Law 2 holds because every step needs complete lists of the people of an identifier, and no more:

1. the people of each identifier up to its cap (one shuffle by hash; of hubs only a count);
2. strengths of types, from counts of people;
3. ties of each person, in blocks of people with all the lists of theirs; triangles where strong ties meet;
4. the score of each person, the cut, the filter;
5. components of those who passed, never of the raw graph, which is one giant component;
6. communities and evidence of whole components, under the total weight of all of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.hash_keys import hash_key
from creditcore.linking.groups import JUDGED_FROM, PASS_SHARE, RESOLUTION, SIXTEENTHS, TAU, _split
from creditcore.linking.plan import Identifiers
from creditcore.spark.linking import joined, partitions_of
from creditcore.spark.lists import Lists, fitted, functions, in_blocks, lists_of
from creditcore.spark.session import house_errors

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

PASSES = 0.5
"""The suspicion from which a person passes; it is so at the cut."""
FIGURES = (
    "size bigint, score double, mean_score double, strength double, exclusivity double, "
    "exclusivity_static double, closure double, several_types double, diversity double, span_days bigint, "
    "known_fraud bigint, known_good bigint, listed bigint, shared string, benign string, "
    "benign_score double, dissolved_by bigint, dissolved_types string, dissolved_degrees array<bigint>"
)


@dataclass(frozen=True)
class SparkGroups:
    """Groups as DataFrames, with the columns of `creditcore.Groups`; judged rings reach `judged_from`."""

    config: dict[str, Any]
    """The complete configuration, cut and strengths frozen: the same one gives the same groups."""
    notes: list[str]
    _rings: DataFrame = field(repr=False)
    _people: DataFrame = field(repr=False)
    _kept: list[DataFrame] = field(repr=False)

    @property
    def summary(self) -> DataFrame:
        """The judged rings, the most suspect first."""
        judged = self.all().where(f"score >= {self.config['judged_from']!r}D")
        return judged.orderBy(judged["score"].desc(), judged["group_id"])

    @property
    def members(self) -> DataFrame:
        """The members of judged rings: `key, group_id, level, score, reason`."""
        judged = self._rings.where(f"score >= {self.config['judged_from']!r}D")
        return _members(judged)

    def all(self) -> DataFrame:
        """Give every group of three or more, judged or not."""
        return self._rings.drop("members")

    def all_members(self) -> DataFrame:
        """Give the members of every group."""
        return _members(self._rings)

    def people(self) -> DataFrame:
        """Give every person's `key` and `score`."""
        return self._people

    def release(self) -> None:
        """Let go of what is kept on the executors; DataFrames of these groups are then computed anew."""
        for kept in self._kept:
            kept.unpersist()


def _members(rings: DataFrame) -> DataFrame:
    return rings.select("group_id", functions().explode("members").alias("one")).select(
        "one.key", "group_id", "one.level", "one.score", "one.reason"
    )


@dataclass(frozen=True)
class Shard:
    """What an executor is told to work on complete lists of people."""

    plan: str
    tau: float
    cut: float = 0.0
    resolution: int = SIXTEENTHS
    total: int = 0

    def ties(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the strengths and strong ties of a block's people."""
        from creditcore.spark.shards import ties_of

        yield from ties_of(batches, self.plan, self.tau)

    def scores(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the plain scores of strengths and triangles."""
        from creditcore.spark.shards import scores_of

        yield from scores_of(batches)

    def suspicions(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give what plain scores say under the cut."""
        from creditcore.spark.shards import suspicions_of

        yield from suspicions_of(batches, self.cut)

    def totals(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give twice the weight of the edges of a partition's components."""
        from creditcore.spark.shards import total_of

        yield from total_of(batches, self.plan, self.tau)

    def rings(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the groups of a partition's components with their members."""
        from creditcore.spark.shards import rings_of

        yield from rings_of(batches, self.plan, self.tau, self.resolution, self.total)


def find_groups(
    frame: DataFrame,
    key: str,
    identifiers: Identifiers,
    time: str | None = None,
    labels: None = None,
    config: Mapping[str, Any] | None = None,
    *,
    key_file: str | os.PathLike[str] | None = None,
) -> SparkGroups:
    """Find hidden groups, without labels; equal to `creditcore.find_groups`, to the bit.

    Args:
        frame: the records.
        key, identifiers, time, config, key_file: as in `creditcore.find_groups`. Give `strengths` and `cut`
            (`groups.config` of an earlier call), and nothing is learned.
        labels: not on a cluster yet: a person model is fitted on one machine.

    Returns:
        `SparkGroups`. Strengths, the cut and the total of weights are found at once, the rest when Spark runs
        it.

    Memory: for each task the identifiers of a partition of people, or the lists of a block of people, or a
    component of those who passed; on the driver the scores above the cut, unless `cut` is given.

    Raises:
        As `creditcore.find_groups`, with partition, row and key in place of file and row; ArgumentError for
        labels.
    """
    if labels is not None:
        raise ArgumentError(
            "`labels` are learned on one machine (`creditcore.find_groups`); here groups are found without"
        )
    own, rest = _split(config)
    known = lists_of(frame, key, identifiers, time, rest, hash_key(key_file))
    return groups_in(known if rest.get("strengths") else fitted(known), own)


def groups_in(known: Lists, own: Mapping[str, Any]) -> SparkGroups:
    """Find the groups of lists under their plan; nothing is learned but, where it is not given, the cut.

    Args:
        known: people and lists, which the groups keep.
        own: `tau`, `pass_share`, `cut`, `judged_from`, `resolution`, where they are not the defaults.
    """
    session, kind, plan = known.session, known.kind, known.plan
    tau = own.get("tau", TAU)
    with house_errors():
        count = known.people.count()
        ties = _ties(known, tau).persist()
        scored = _scored(ties, plan, tau, kind).persist()
        cut = own.get("cut")
        if cut is None:
            cut = _cut(scored, count, own.get("pass_share", PASS_SHARE))
        suspects = scored.mapInArrow(Shard(plan, tau, cut).suspicions, f"key {kind}, score double")
        parts = _components(session, known.lists, suspects, kind).persist()
        totals = parts.mapInArrow(Shard(plan, tau).totals, "total decimal(38,0)").collect()
    sixteenths = max(round(own.get("resolution", RESOLUTION["label_free"]) * SIXTEENTHS), 1)
    shard = Shard(plan, tau, cut, sixteenths, int(sum(row["total"] for row in totals)))
    members = f"members array<struct<key:{kind},level:string,score:double,reason:string>>"
    rings = parts.mapInArrow(shard.rings, f"group_id {kind}, {FIGURES}, {members}")
    complete = {
        **json.loads(plan)["config"],
        "tau": tau,
        "pass_share": own.get("pass_share", PASS_SHARE),
        "cut": cut,
        "resolution": sixteenths / SIXTEENTHS,
        "judged_from": own.get("judged_from", JUDGED_FROM["label_free"]),
    }
    alone = float(_core_score(0.0, 0, cut))
    everyone = known.people.join(suspects, "key", "left").select(
        "key", functions().coalesce("score", functions().lit(alone)).alias("score")
    )
    return SparkGroups(complete, [], rings, everyone, [*known.kept, ties, scored, parts])


def _ties(known: Lists, tau: float) -> DataFrame:
    """Give `key`, `strength` and `strong` (partners) of everybody who shares anything."""
    schema = f"key {known.kind}, strength float, strong array<{known.kind}>"
    return in_blocks(known).mapInArrow(Shard(known.plan, tau).ties, schema)


def _scored(ties: DataFrame, plan: str, tau: float, kind: str) -> DataFrame:
    """Give `key` and `plain`, the label-free score."""
    f = functions()
    triangles = triangles_of(ties)
    rows = ties.select("key", "strength").join(triangles, "key", "left")
    rows = rows.select("key", "strength", f.coalesce("triangles", f.lit(0)).cast("bigint").alias("triangles"))
    return rows.mapInArrow(Shard(plan, tau).scores, f"key {kind}, plain double")


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


def _core_score(strength: float, triangles: int, cut: float | None = None) -> float:
    """Give the plain score of one person, or what it says under a cut."""
    from creditcore.spark.shards import one_score

    return one_score(strength, triangles, cut)


def _cut(scored: DataFrame, people: int, share: float) -> float:
    """Give the score that a share of people reaches, exactly as `creditcore.find_groups` does.

    The driver takes the distinct scores from above, until enough people have one of them.
    """
    from creditcore.spark.shards import cut_between

    f = functions()
    wanted = min(max(int(share * people), 1), max(people, 1))
    counts = scored.groupBy("plain").agg(f.count("*").alias("people"))
    top = [
        (row["plain"], row["people"]) for row in counts.orderBy(f.desc("plain")).limit(wanted + 1).collect()
    ]
    known = scored.count()
    if people > known:
        top.append((_core_score(0.0, 0), people - known))
    return cut_between(top, wanted)


def _components(session: SparkSession, lists: DataFrame, suspects: DataFrame, kind: str) -> DataFrame:
    """Give the lists that somebody who passed is on, each with its component and those who passed.

    Whole components lie in one partition.
    """
    f = functions()
    passed = suspects.where(f.col("score") >= PASSES)
    on = lists.select("hash", f.explode("members.key").alias("key")).join(passed, "key")
    on = on.groupBy("hash").agg(f.collect_list(f.struct("key", "score")).alias("passed"))
    on = on.withColumn("first", f.array_min("passed.key"))
    edges = on.select(f.col("first").alias("one"), f.explode("passed.key").alias("other")).where(
        "one <> other"
    )
    found = joined(session, edges, kind).withColumnRenamed("key", "first")
    rows = lists.join(on, "hash").join(found, "first", "left")
    rows = rows.select(
        f.coalesce("component", "first").alias("component"), "hash", "kind", "members", "passed"
    )
    return rows.repartition(partitions_of(session), "component").drop("component")
