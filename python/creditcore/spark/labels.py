"""Labels on Spark: a person model fitted on the driver, scores of everybody, suspicion around known fraud.

Comes in: lists of people, a column of labels. Goes out: a score for each person as one machine gives it, to
the bit: features and risks are found in blocks of people, sums over ties are of integers, trees are fitted to
a sample in the order of keys (law 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.linking import person_model
from creditcore.linking.groups import CUT
from creditcore.linking.person_model import PersonModel
from creditcore.spark.lists import Lists, functions, in_blocks
from creditcore.spark.session import house_errors, require_columns
from creditcore.spark.surroundings import NOW, UNIT, now_features

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

NUMBERS = ("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "void")
HOPS = 2
"""Hops that suspicion goes from known fraud."""


@dataclass(frozen=True)
class Blocks:
    """What an executor is told of ties and risks."""

    plan: str
    tau: float
    names: tuple[str, ...] = ()

    def ties(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give every tie of a block's people."""
        from creditcore.spark.risks import ties_of

        yield from ties_of(batches, self.plan, self.tau)

    def risks(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give what partners' scores say of a block's people."""
        from creditcore.spark.risks import risks_of

        yield from risks_of(batches, self.plan, self.tau, self.names)


@dataclass(frozen=True)
class Predicting:
    """What an executor is told of trees."""

    names: tuple[str, ...]
    model: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score the people of a partition."""
        from creditcore.spark.risks import predicted

        yield from predicted(batches, self.names, self.model)


def labels_of(frame: DataFrame, key: str, column: str, kind: str) -> DataFrame:
    """Give `key` and `known` (1 confirmed fraud, 0 confirmed good) of everybody whose label is known.

    Raises:
        SchemaError: a column that is not there; ArgumentError: labels other than true, false and null.
    """
    require_columns(frame, [column])
    told = frame.schema[column].dataType.simpleString()
    if told not in NUMBERS:
        raise ArgumentError(
            f"labels are of type {told}; give true (confirmed fraud), false (confirmed good) or null"
        )
    f = functions()
    quoted = ["`" + name.replace("`", "``") + "`" for name in (key, column)]
    rows = frame.select(f.col(quoted[0]).cast(kind).alias("key"), f.col(quoted[1]).cast("int").alias("known"))
    rows = rows.where("known IS NOT NULL")
    with house_errors():
        if rows.where("known NOT IN (0, 1)").limit(1).count():
            raise ArgumentError("labels are true (confirmed fraud), false (confirmed good) or null (unknown)")
    return rows.groupBy("key").agg(f.max("known").cast("tinyint").alias("known"))


def _ties(known: Lists, tau: float) -> DataFrame:
    """Give what is left of every tie, from both of its ends: `key`, `partner`, `faded` (whole units)."""
    schema = f"key {known.kind}, partner {known.kind}, faded bigint"
    return in_blocks(known).mapInArrow(Blocks(known.plan, tau).ties, schema)


def spread(ties: DataFrame, seeds: DataFrame) -> DataFrame:
    """Give how far known fraud reaches (`influence`, 1 for the known), as `Detection.spread` finds it."""
    f = functions()
    front = seeds.select("key", f.lit(UNIT).cast("bigint").alias("strength"))
    reached = front
    for _ in range(HOPS):
        part = f"shiftright(strength * ((faded * {UNIT}L) div (faded + {UNIT}L)), 21)"
        handed = front.join(ties, "key").select(f.col("partner").alias("key"), f.expr(part).alias("strength"))
        handed = handed.groupBy("key").agg(f.max("strength").alias("strength"))
        before = reached.withColumnRenamed("strength", "before")
        front = handed.join(before, "key", "left").where("strength > coalesce(before, 0)").drop("before")
        reached = reached.unionByName(front).groupBy("key").agg(f.max("strength").alias("strength"))
    return reached.select("key", (f.col("strength").cast("double") / float(UNIT)).alias("influence"))


class Fitting:
    """Features of everybody and what is learned of them; `kept` are DataFrames that executors keep."""

    def __init__(self, known: Lists, tau: float, labels: DataFrame, ties: DataFrame) -> None:
        """Find the features of everybody."""
        from creditcore.spark.shards import feature_names, risk_names

        self.known, self.tau, self.labels, self.ties = known, tau, labels, ties
        self.names = tuple(feature_names(known.plan))
        self.risks = tuple(risk_names(known.plan))
        f = functions()
        named = [f.col(f"`{NOW}{name}`").alias(name) for name in self.names]
        found = now_features(known, tau, [NOW + name for name in self.names])
        self.plain = found.select("key", *named).persist()
        self.kept = [self.plain]

    def learn(self, rings: int, frauds: int, good: int) -> tuple[PersonModel, DataFrame]:
        """Fit both rounds of trees; gives them, and everybody's score."""
        people = self.plain.count()
        step = person_model.step_of(good, frauds)
        used = self._sample(step).persist()
        self.kept.append(used)
        alike = self.plain.select("key", functions().lit(1.0).alias("score"))
        plain, names = self._beside_risks(self.plain, self.names, alike, person_model.ALIKE)
        first = self._fitted(plain, names, used, step)
        scores = self._scores(plain, names, first)
        beside, names = self._beside_risks(plain, names, scores, person_model.RISKS)
        second = self._fitted(beside, names, used, step)
        scores = self._scores(beside, names, second).persist()
        self.kept.append(scores)
        rate = scores.where(f"score >= {CUT!r}D").count() / people
        told = (list(self.names), list(self.risks))
        return PersonModel(first, second, *told, rate, rings, self.tau), scores

    def _sample(self, step: int) -> DataFrame:
        """Give those that trees are fitted on: all frauds, and every so many-th of the good by their keys."""
        from pyspark.sql import Window

        f = functions()
        good = self.labels.where("known = 0")
        if step > 1:
            place = f.row_number().over(Window.orderBy("key"))
            good = good.withColumn("place", place).where(f"(place - 1) % {step} = 0").drop("place")
        return self.labels.where("known = 1").unionByName(good)

    def _fitted(self, rows: DataFrame, names: tuple[str, ...], used: DataFrame, step: int) -> str:
        from creditcore.spark.batches import collected
        from creditcore.spark.risks import fit

        return fit(collected(rows.join(used, "key")), names, step)

    def _scores(self, rows: DataFrame, names: tuple[str, ...], model: str) -> DataFrame:
        quoted = [f"`{name}`" for name in names]
        plain = rows.select("key", *quoted).toDF("key", *(f"c{place}" for place in range(len(names))))
        return plain.mapInArrow(Predicting(names, model).__call__, f"key {self.known.kind}, score double")

    def _beside_risks(
        self, plain: DataFrame, before: tuple[str, ...], scores: DataFrame, prefix: str
    ) -> tuple[DataFrame, tuple[str, ...]]:
        """Put what partners' scores say of everybody behind columns; gives these and their names."""
        f = functions()
        scores = scores.persist()
        self.kept.append(scores)
        names = tuple(name for name in self.risks if name != person_model.HOP)
        members = self.known.lists.select("hash", "kind", f.explode("members").alias("one"))
        members = members.select("hash", "kind", "one.*").join(scores, "key")
        member = f.struct("key", "time", "place", "score")
        lists = members.groupBy("hash").agg(
            f.min("kind").alias("kind"), f.collect_list(member).alias("members")
        )
        columns = ", ".join(f"`{name}` float" for name in names)
        schema = f"key {self.known.kind}, {columns}, direct bigint, total bigint"
        blocks = Blocks(self.known.plan, self.tau, names)
        risks = in_blocks(replace(self.known, lists=lists)).mapInArrow(blocks.risks, schema).persist()
        self.kept.append(risks)
        theirs = risks.select(f.col("key").alias("partner"), "direct")
        weighed = f.col("faded").cast("decimal(18,0)") * f.col("direct").cast("decimal(18,0)")
        hops = self.ties.join(theirs, "partner").groupBy("key").agg(f.sum(weighed).alias("weighed"))
        mean = f.expr("weighed div greatest(total, 1L)").cast("double") / float(UNIT)
        rows = risks.join(hops, "key", "left").withColumn(person_model.HOP, mean.cast("float"))
        rows = rows.select("key", *(f.col(f"`{name}`").alias(prefix + name) for name in self.risks))
        none = f.lit(0.0).cast("float")
        added = tuple(prefix + name for name in self.risks)
        filled = [f.coalesce(f.col(f"`{name}`"), none).alias(name) for name in added]
        met = plain.join(rows, "key", "left")
        beside = met.select("key", *(f"`{name}`" for name in before), *filled).persist()
        self.kept.append(beside)
        return beside, (*before, *added)


@dataclass(frozen=True)
class Labelled:
    """What labels say of everybody."""

    scores: DataFrame | None
    """Of a model that fits; otherwise None."""
    bound: float
    """Who reaches it passes, under the model's scores."""
    fitted: bool
    """There is a model, whether or not it fits these records."""
    reached: DataFrame | None
    """How far known fraud reaches; None where no fraud is known."""
    notes: list[str]
    kept: tuple[DataFrame, ...]


def judged(known: Lists, tau: float, cut: float | None, labels: DataFrame, rings: int) -> Labelled:
    """Fit a model where the labels suffice, and say how far known fraud reaches.

    Args:
        known: people and lists.
        tau: days in which a tie fades by 1/e.
        cut: of the filter, where it is given.
        labels: `key` and `known`.
        rings: groups of people who are known as fraud.
    """
    counts = {row["known"]: row["count"] for row in labels.groupBy("known").count().collect()}
    frauds, good = counts.get(1, 0), counts.get(0, 0)
    ties = _ties(known, tau).persist()
    reached = None if frauds == 0 else spread(ties, labels.where("known = 1"))
    bound = CUT if cut is None else float(cut)
    if (lacking := person_model.unfit(rings, good)) is not None:
        return Labelled(None, bound, False, reached, [lacking], (ties,))
    fitting = Fitting(known, tau, labels, ties)
    model, scores = fitting.learn(rings, frauds, good)
    rate = scores.where(f"score >= {bound!r}D").count() / scores.count()
    fits, told = model.judged(rate)
    kept = (ties, *fitting.kept)
    return Labelled(scores if fits else None, bound, True, reached, [told], kept)


def confirmed(labels: DataFrame) -> DataFrame:
    """Give the score of people who are known as fraud."""
    return labels.where("known = 1").select("key", functions().lit(1.0).alias("score"))


def everybody(known: Lists, scores: DataFrame, alone: float, found: Labelled | None) -> DataFrame:
    """Give everybody's score, at least what known fraud nearby says; `alone` is that of who has no tie."""
    f = functions()
    rows = known.people.join(scores, "key", "left")
    score: Any = f.coalesce("score", f.lit(alone))
    if found is not None and found.reached is not None:
        rows = rows.join(found.reached, "key", "left")
        score = f.greatest(score, f.coalesce("influence", f.lit(0.0)))
    return rows.select("key", score.alias("score"))
