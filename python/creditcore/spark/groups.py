"""Hidden groups on Spark: the groups of one machine, to the bit.

Comes in: a DataFrame with keys, identifiers and times. Goes out: `SparkGroups`: DataFrames of rings, members
and people. Law 2 holds because every step needs complete lists of the people of an identifier, and no more:

1. the people of each identifier up to its cap (one shuffle by hash; of hubs only a count);
2. strengths of types, from counts of people;
3. ties of each person, in blocks of people with all the lists of theirs; triangles where strong ties meet;
4. the score of each person, a model's where there are labels, the cut, the filter;
5. components of those who passed, never of the raw graph, which is one giant component;
6. communities and evidence of whole components, under the total weight of all of them.

Under a model's scores the last step is done in one task, with the lists of those who passed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from creditcore.hash_keys import hash_key
from creditcore.linking.groups import JUDGED_FROM, LOOSE, PASS_SHARE, RESOLUTION, SIXTEENTHS, TAU, _split
from creditcore.linking.plan import Identifiers
from creditcore.spark.labels import Labelled, confirmed, everybody, judged, labels_of
from creditcore.spark.linking import joined, partitions_of
from creditcore.spark.lists import Lists, fitted, functions, in_blocks, lists_of
from creditcore.spark.session import house_errors
from creditcore.spark.surroundings import triangles_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

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
    bound: float = PASSES
    """The score from which a person passes."""
    loose: float | None = None
    """A looser one, under which people are clustered too."""
    resolution: int = SIXTEENTHS
    totals: tuple[int, int] | None = (0, 0)

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

    def weigh(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give twice the weight of the edges of a partition's components."""
        from creditcore.spark.shards import totals_of

        yield from totals_of(batches, self.plan, self.tau, self.bound, self.loose)

    def rings(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the groups of a partition's components with their members."""
        from creditcore.spark.shards import rings_of

        told = (self.bound, self.loose, self.resolution, self.totals)
        yield from rings_of(batches, self.plan, self.tau, *told)


def find_groups(
    frame: DataFrame,
    key: str,
    identifiers: Identifiers,
    time: str | None = None,
    labels: str | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    key_file: str | os.PathLike[str] | None = None,
) -> SparkGroups:
    """Find hidden groups; equal to `creditcore.find_groups`, to the bit.

    Args:
        frame: the records.
        key, identifiers, time, config, key_file: as in `creditcore.find_groups`. Give `strengths` and `cut`
            (`groups.config` of an earlier call), and nothing is learned but, of labels, the person model.
        labels: a column: true for confirmed fraud, false for confirmed good, null for unknown. A person model
            is fitted on the driver; it and the executors need lightgbm (extra `train`).

    Returns:
        `SparkGroups`. Strengths, the model, the cut and the total of weights are found at once, the rest when
        Spark runs it.

    Memory: for each task the identifiers of a partition of people, or the lists of a block of people, or a
    component of those who passed; on the driver the scores above the cut, unless `cut` is given. With labels
    also every tie of a block of people, on the driver the features of all confirmed frauds and of 15 good for
    each, and, where a model is used, in one task the lists of all who passed.

    Raises:
        As `creditcore.find_groups`, with partition, row and key in place of file and row.
    """
    own, rest = _split(config)
    known = lists_of(frame, key, identifiers, time, rest, hash_key(key_file))
    known = known if rest.get("strengths") else fitted(known)
    return groups_in(known, own, None if labels is None else labels_of(frame, key, labels, known.kind))


def groups_in(known: Lists, own: Mapping[str, Any], labels: DataFrame | None = None) -> SparkGroups:
    """Find the groups of lists under their plan; without labels nothing is learned but, not given, the cut.

    Args:
        known: people and lists, which the groups keep.
        own: `tau`, `pass_share`, `cut`, `judged_from`, `resolution`, where they are not the defaults.
        labels: `key` and `known`, 1 or 0, of everybody whose label is known.
    """
    tau = own.get("tau", TAU)
    with house_errors():
        found: Labelled | None = None
        kept = list(known.kept)
        if labels is not None:
            found = judged(known, tau, own.get("cut"), labels, _confirmed_rings(known, tau, labels))
            kept += found.kept
        learned = found is not None and found.scores is not None
        if found is not None and found.scores is not None:
            cut, scores = found.bound, found.scores
        else:
            cut, scores, more = _label_free(known, own, tau, found)
            kept += more
        used = "model" if learned else "label_free"
        resolution = max(round(own.get("resolution", RESOLUTION[used]) * SIXTEENTHS), 1)
        people = everybody(known, scores, float(_core_score(0.0, 0, cut)), found)
        loose = None if learned else PASSES * LOOSE["label_free"]
        shard = Shard(known.plan, tau, cut, cut if learned else PASSES, loose, resolution, None)
        # Only who is tied to somebody can be in a group.
        least = shard.bound if loose is None else loose
        parts = _parts(known, scores if found is None else people, labels, least, learned).persist()
        rings = _rings(known, parts, shard if learned else replace(shard, totals=_totals(parts, shard)))
    complete = {
        **json.loads(known.plan)["config"],
        "tau": tau,
        "pass_share": own.get("pass_share", PASS_SHARE),
        "cut": cut,
        "resolution": resolution / SIXTEENTHS,
        "judged_from": own.get("judged_from", JUDGED_FROM[used]),
    }
    notes = [] if found is None else found.notes
    return SparkGroups(complete, notes, rings, people, [*kept, parts])


def _label_free(
    known: Lists, own: Mapping[str, Any], tau: float, found: Labelled | None
) -> tuple[float, DataFrame, tuple[DataFrame, ...]]:
    """Give the cut and the label-free scores of everybody who shares anything."""
    ties = _ties(known, tau).persist()
    scored = _scored(ties, known.plan, tau, known.kind).persist()
    # The cut that is given is that of a model which does not fit.
    cut = None if found is not None and found.fitted else own.get("cut")
    if cut is None:
        cut = _cut(scored, known.people.count(), own.get("pass_share", PASS_SHARE))
    cut = float(cut)
    scores = scored.mapInArrow(Shard(known.plan, tau, cut).suspicions, f"key {known.kind}, score double")
    return cut, scores, (ties, scored)


def _confirmed_rings(known: Lists, tau: float, labels: DataFrame) -> int:
    """Count the groups of people who are known as fraud."""
    shard = Shard(known.plan, tau, resolution=4)
    parts = _parts(known, confirmed(labels), labels, PASSES, False).persist()
    count = _rings(known, parts, replace(shard, totals=_totals(parts, shard))).count()
    parts.unpersist()
    return int(count)


def _totals(parts: DataFrame, shard: Shard) -> tuple[int, int]:
    """Give twice the weight of the edges of all components, by the cut and by the loose one."""
    rows = parts.mapInArrow(shard.weigh, "total decimal(38,0), loose_total decimal(38,0)").collect()
    return int(sum(row["total"] for row in rows)), int(sum(row["loose_total"] for row in rows))


def _rings(known: Lists, parts: DataFrame, shard: Shard) -> DataFrame:
    """Give a row for each group, its members in a list."""
    members = f"members array<struct<key:{known.kind},level:string,score:double,reason:string>>"
    return parts.mapInArrow(shard.rings, f"group_id {known.kind}, {FIGURES}, {members}")


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


def _parts(known: Lists, scores: DataFrame, labels: DataFrame | None, bound: float, one: bool) -> DataFrame:
    """Give the lists that somebody who passed is on, with those who passed: score, and what is known of them.

    Whole components lie in one partition; with `one` all of them lie in one.
    """
    f = functions()
    session, lists = known.session, known.lists
    passed = scores.where(f.col("score") >= bound)
    if labels is None:
        passed = passed.withColumn("known", f.lit(-1))
    else:
        passed = passed.join(labels, "key", "left").fillna({"known": -1})
    on = lists.select("hash", f.explode("members.key").alias("key")).join(passed, "key")
    on = on.groupBy("hash").agg(f.collect_list(f.struct("key", "score", "known")).alias("passed"))
    if one:
        return lists.join(on, "hash").select("hash", "kind", "members", "passed").repartition(1)
    on = on.withColumn("first", f.array_min("passed.key"))
    edges = on.select(f.col("first").alias("one"), f.explode("passed.key").alias("other")).where(
        "one <> other"
    )
    found = joined(session, edges, known.kind).withColumnRenamed("key", "first")
    rows = lists.join(on, "hash").join(found, "first", "left")
    rows = rows.select(
        f.coalesce("component", "first").alias("component"), "hash", "kind", "members", "passed"
    )
    return rows.repartition(partitions_of(session), "component").drop("component")
