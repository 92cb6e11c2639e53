"""Who shows what on Spark: people, and the complete lists of people of each identifier.

Comes in: a DataFrame with keys, identifiers and times. Goes out: `Lists`, kept on the executors until they
are released. Groups and network features need complete lists of the people of some identifiers, no more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.linking.plan import Identifiers
from creditcore.spark.linking import Linking, key_type, partitions_of, read_by, shown_schema
from creditcore.spark.session import house_errors, session_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COMMON = 20
"""An identifier of more people counts for no type's learned strength, as in `Network.fit`."""


@dataclass(frozen=True)
class Lists:
    """People and what they show, and the lists of those who show the same."""

    session: SparkSession = field(repr=False)
    kind: str
    """The type of keys."""
    plan: str
    """The network's plan, caps and strengths of every type in it."""
    types: tuple[str, ...]
    people: DataFrame = field(repr=False)
    """`key` of everybody."""
    lists: DataFrame = field(repr=False)
    """`hash`, `kind`, `members` of identifiers of two people up to the cap."""
    kept: tuple[DataFrame, ...] = field(repr=False)

    def release(self) -> None:
        """Let go of what is kept on the executors."""
        for kept in self.kept:
            kept.unpersist()


def functions() -> Any:
    """Give the functions of Spark's SQL."""
    from pyspark.sql import functions

    return functions


def lists_of(
    frame: DataFrame,
    key: str,
    identifiers: Identifiers,
    time: str | None,
    config: Mapping[str, Any] | None,
    secret: bytes,
    expire: int | None = None,
) -> Lists:
    """Bring together who shows the same.

    Args:
        frame, key, identifiers, time, config: as in `Network.build`.
        secret: the key of hashes.
        expire: people whose latest row is before it (seconds since 1970) are nobody.
    """
    session = session_of(frame)
    records, linking = read_by(frame, key, identifiers, time, config, secret)
    kind = key_type(frame, key)
    told = replace(linking, expire=expire)
    shown = records.repartition("c0").mapInArrow(told.people_and_shown, shown_schema(kind)).persist()
    plan, caps = _settled(linking, frame)
    lists = _lists(shown, caps).persist()
    people = shown.where("hash IS NULL").select("key")
    names = tuple(name for name, _ in caps)
    return Lists(session, kind, plan, names, people, lists, (shown, lists))


def _settled(linking: Linking, frame: DataFrame) -> tuple[str, list[tuple[str, int]]]:
    """Give the plan with caps and strengths of every type, and the types with the people that they link."""
    from creditcore.sources import open_source
    from creditcore.spark.batches import empty_table

    network = _core.Network.build(open_source(empty_table(frame)), linking.plan, linking.secret)
    return network.plan(), _core.types_of(network)


def _lists(shown: DataFrame, caps: list[tuple[str, int]]) -> DataFrame:
    """Give for each identifier of two people up to its cap all who show it."""
    f = functions()
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


def fitted(known: Lists) -> Lists:
    """Give the lists under the strengths that they teach."""
    f = functions()
    common = known.lists.where(f.size("members") <= COMMON).select(
        "kind", f.explode("members.key").alias("key")
    )
    size = f.size("members").cast("bigint")
    # Two bands for each doubling: the bits of the square, as `band` of the core has them.
    banded = known.lists.select(
        "kind", (f.length(f.bin(size * size)) - 3).alias("band"), f.explode("members.key").alias("key")
    )
    told = json.loads(known.plan)
    learned = told["config"]
    with house_errors():
        people, sharing = known.people.count(), f.count_distinct("key").alias("sharing")
        strong = common.groupBy("kind").agg(sharing).collect()
        by_band = {
            (row["kind"], row["band"]): row["sharing"]
            for row in banded.groupBy("kind", "band").agg(sharing).collect()
        }
    bands = range(max((band + 1 for _, band in by_band), default=0))
    for row in strong:
        kind, name = row["kind"], known.types[row["kind"]]
        counts = [by_band.get((kind, band), 0) for band in bands]
        rarities = _core.learned_rarities(people, counts, learned["caps"][name])
        learned["strengths"][name] = _core.learned_strength(people, row["sharing"])
        learned.setdefault("rarities", {})[name] = rarities
    return replace(known, plan=json.dumps(told))


def in_blocks(known: Lists) -> DataFrame:
    """Deal lists to blocks of people: `hash`, `kind`, `members`, `own`, a partition for each block.

    A block has all lists of its own people; `own` says which of a list's members they are.
    """
    f = functions()
    blocks = partitions_of(known.session)

    def block(key: Any) -> Any:
        return f.pmod(f.xxhash64(key), f.lit(blocks))

    touched = f.array_distinct(f.transform("members", lambda member: block(member["key"])))
    dealt = known.lists.select("hash", "kind", "members", f.explode(touched).alias("block"))
    mine = f.filter("members", lambda member: block(member["key"]) == f.col("block"))
    rows = dealt.select("block", "hash", "kind", "members", mine["key"].alias("own"))
    return rows.repartition(blocks, "block").drop("block")
