"""In a world where no city differs, a test of families says otherwise about as often as its level."""

from __future__ import annotations

import polars as pl
import pytest

import creditcore as cc
from creditcore.demo.facts import significant_families
from creditcore.demo.world import World, chunks

RECORDS, SEEDS = 8_000, 200
FAMILIES = ["north_south", "coast"]


def found(name: str, seed: int) -> list[str]:
    """The families that differ by the earlier policy's score."""
    records, _ = next(chunks(World(RECORDS, seed, name), RECORDS))
    frame = records.select("unit_id", "kind", "adcode", "event_time", "prior_points")
    rankings = cc.rank(frame, by=FAMILIES, score="prior_points", unit="unit_id", kind="person")
    return significant_families({name: ranking.to_polars() for name, ranking in rankings.items()})


@pytest.mark.slow
def test_the_null_world_has_few_false_findings() -> None:
    false = sum(bool(found("null", seed)) for seed in range(SEEDS))
    assert 0.02 * SEEDS <= false <= 0.08 * SEEDS


def test_the_published_world_has_true_ones() -> None:
    assert [sorted(found("published", seed)) for seed in range(3)] == [["coast", "north_south"]] * 3


def test_a_person_who_applies_twice_is_counted_once() -> None:
    records, _ = next(chunks(World(RECORDS, 1, "null"), RECORDS))
    ranking = cc.rank(records, by="north_south", score="prior_points", unit="unit_id", kind="person")
    persons = records.filter(pl.col("kind") == "person")
    placed = ranking.excluded["no_city"] + ranking.excluded["unresolved_region"]
    assert ranking.to_polars()["n"].sum() + placed == persons["unit_id"].n_unique()
    assert ranking.excluded["superseded"] == len(persons) - persons["unit_id"].n_unique()
    assert ranking.excluded["superseded"] > 0.1 * len(persons)
