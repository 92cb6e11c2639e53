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

from creditcore import _core
from creditcore.errors import ArgumentError
from creditcore.hash_keys import hash_key
from creditcore.linking.groups import JUDGED_FROM, PASS_SHARE, RESOLUTION, SIXTEENTHS, TAU, _split
from creditcore.linking.plan import Identifiers
from creditcore.spark.linking import (
    Linking,
    joined,
    key_type,
    partitions_of,
    read_by,
    shown_schema,
)
from creditcore.spark.session import house_errors, session_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

COMMON = 20
"""An identifier of more people counts for no type's learned strength, as in `Network.fit`."""
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
    return rings.select("group_id", _f().explode("members").alias("one")).select(
        "one.key", "group_id", "one.level", "one.score", "one.reason"
    )


def _f() -> Any:
    from pyspark.sql import functions

    return functions


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
    session = session_of(frame)
    records, linking = read_by(frame, key, identifiers, time, rest, hash_key(key_file))
    kind = key_type(frame, key)
    shown = records.repartition("c0").mapInArrow(linking.people_and_shown, shown_schema(kind)).persist()
    with house_errors():
        people = shown.where("hash IS NULL").select("key")
        count = people.count()
        plan, caps = _settled(linking, frame)
        lists = _lists(shown, caps).persist()
        if not rest.get("strengths"):
            plan = _fitted(plan, lists, count, [name for name, _ in caps])
        tau = own.get("tau", TAU)
        ties = _ties(lists, plan, tau, session, kind).persist()
        scored = _scored(ties, plan, tau, kind).persist()
        cut = own.get("cut")
        if cut is None:
            cut = _cut(scored, count, own.get("pass_share", PASS_SHARE))
        suspects = scored.mapInArrow(Shard(plan, tau, cut).suspicions, f"key {kind}, score double")
        parts = _components(session, lists, suspects, kind).persist()
        total = sum(
            row["total"] for row in parts.mapInArrow(Shard(plan, tau).totals, "total decimal(38,0)").collect()
        )
    sixteenths = max(round(own.get("resolution", RESOLUTION["label_free"]) * SIXTEENTHS), 1)
    shard = Shard(plan, tau, cut, sixteenths, int(total))
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
    everyone = people.join(suspects, "key", "left").select(
        "key", _f().coalesce("score", _f().lit(alone)).alias("score")
    )
    return SparkGroups(complete, [], rings, everyone, [shown, lists, ties, scored, parts])


def _settled(linking: Linking, frame: DataFrame) -> tuple[str, list[tuple[str, int]]]:
    """Give the plan with caps and strengths of every type, and the types with the people that they link."""
    from creditcore.sources import open_source
    from creditcore.spark.batches import empty_table

    network = _core.Network.build(open_source(empty_table(frame)), linking.plan, linking.secret)
    return network.plan(), _core.types_of(network)


def _lists(shown: DataFrame, caps: list[tuple[str, int]]) -> DataFrame:
    """Give for each identifier of two people up to its cap all who show it."""
    f = _f()
    cap = f.element_at(f.array(*(f.lit(most) for _, most in caps)), f.col("kind") + 1)
    links = shown.where("hash IS NOT NULL")
    degrees = links.groupBy("hash").agg(f.count("key").alias("degree"), f.min("kind").alias("kind"))
    kept = degrees.where((f.col("degree") > 1) & (f.col("degree") <= cap)).select("hash")
    member = f.struct("key", "time", "place")
    return (
        links.join(kept, "hash")
        .groupBy("hash")
        .agg(f.min("kind").alias("kind"), f.collect_list(member).alias("members"))
    )


def _fitted(plan: str, lists: DataFrame, people: int, names: list[str]) -> str:
    """Give the plan with the strengths that the lists teach."""
    f = _f()
    common = lists.where(f.size("members") <= COMMON).select("kind", f.explode("members.key").alias("key"))
    told = json.loads(plan)
    for row in common.groupBy("kind").agg(f.count_distinct("key").alias("sharing")).collect():
        strength = _core.learned_strength(people, row["sharing"])
        told["config"]["strengths"][names[row["kind"]]] = strength
    return json.dumps(told)


def _ties(lists: DataFrame, plan: str, tau: float, session: SparkSession, kind: str) -> DataFrame:
    """Give `key`, `strength` and `strong` (partners) of everybody who shares anything."""
    f = _f()
    blocks = partitions_of(session)

    def block(key: Any) -> Any:
        return f.pmod(f.xxhash64(key), f.lit(blocks))

    touched = f.array_distinct(f.transform("members", lambda member: block(member["key"])))
    dealt = lists.select("hash", "kind", "members", f.explode(touched).alias("block"))
    mine = f.filter("members", lambda member: block(member["key"]) == f.col("block"))
    rows = dealt.select("block", "hash", "kind", "members", mine["key"].alias("own"))
    schema = f"key {kind}, strength float, strong array<{kind}>"
    return rows.repartition(blocks, "block").drop("block").mapInArrow(Shard(plan, tau).ties, schema)


def _scored(ties: DataFrame, plan: str, tau: float, kind: str) -> DataFrame:
    """Give `key` and `plain`, the label-free score; triangles are counted where the rows of partners meet."""
    f = _f()
    asked = ties.select("key", "strong", f.explode("strong").alias("partner"))
    theirs = ties.select(f.col("key").alias("partner"), f.col("strong").alias("theirs"))
    met = asked.join(theirs, "partner").select(
        "key", f.size(f.array_intersect("strong", "theirs")).alias("common")
    )
    # Each triangle is met from both of its other corners.
    triangles = met.groupBy("key").agg(f.shiftright(f.sum("common"), 1).alias("triangles"))
    rows = ties.select("key", "strength").join(triangles, "key", "left")
    rows = rows.select("key", "strength", f.coalesce("triangles", f.lit(0)).cast("bigint").alias("triangles"))
    return rows.mapInArrow(Shard(plan, tau).scores, f"key {kind}, plain double")


def _core_score(strength: float, triangles: int, cut: float | None = None) -> float:
    """Give the plain score of one person, or what it says under a cut."""
    from creditcore.spark.shards import one_score

    return one_score(strength, triangles, cut)


def _cut(scored: DataFrame, people: int, share: float) -> float:
    """Give the score that a share of people reaches, exactly as `creditcore.find_groups` does.

    The driver takes the distinct scores from above, until enough people have one of them.
    """
    from creditcore.spark.shards import cut_between

    f = _f()
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
    f = _f()
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
