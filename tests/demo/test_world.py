"""What a world is: the same for its seed, in proportion to people, and logical in time."""

from __future__ import annotations

import dataclasses
import datetime
import math
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import creditcore as cc
from creditcore.demo.places import PROVINCE_SHARE, UNKNOWN_CODE, UNKNOWN_SHARE, places, units_without_people
from creditcore.demo.world import BLOCK, RECORDS_SCHEMA, TRUTH_SCHEMA, World, chunks, write_world
from creditcore.errors import ArgumentError
from tests.demo.conftest import RECORDS, SEED


def whole(world: World, size: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    records, truth = zip(*chunks(world, size), strict=True)
    return pl.concat(records), pl.concat(truth)


def test_a_seed_makes_one_world_and_another_seed_another(
    world: World, made: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    again = whole(world, RECORDS)
    assert_frame_equal(again[0], made[0])
    assert_frame_equal(again[1], made[1])
    other = whole(dataclasses.replace(world, seed=SEED + 1), RECORDS)[0]
    same = (other["f10_bureau_total_limit"] == made[0]["f10_bureau_total_limit"]).mean()
    assert isinstance(same, float)
    assert same < 0.15


@pytest.mark.parametrize("size", [999, 70_000, 1 << 20])
def test_the_size_of_chunks_changes_nothing(size: int) -> None:
    world = World(BLOCK + 5_000, SEED)
    cuts = [len(frame) for frame, _ in chunks(world, size)]
    assert cuts[:-1] == [size] * (len(cuts) - 1)
    records, truth = whole(world, size)
    first, first_truth = whole(world, 30_001)
    assert_frame_equal(records, first)
    assert_frame_equal(truth, first_truth)


def test_files_hold_what_the_chunks_hold(tmp_path: Path) -> None:
    world = World(5_000, SEED, "null")
    paths = write_world(tmp_path / "new", world, chunk=1_500)
    records, truth = whole(world, 5_000)
    assert_frame_equal(pl.read_parquet(paths[0]), records)
    assert_frame_equal(pl.read_parquet(paths[1]), truth)
    assert records.schema == pl.Schema(RECORDS_SCHEMA)
    assert truth.schema == pl.Schema(TRUTH_SCHEMA)
    assert records.columns[0] == "key"
    assert records["key"].to_list() == list(range(1, 5_001))


@pytest.mark.parametrize("records", [1, 2, 300])
def test_a_world_may_be_small(records: int) -> None:
    made, truth = whole(World(records, SEED), 100)
    assert len(made) == len(truth) == records


def test_worlds_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`records` is 0"):
        World(0, 1)
    with pytest.raises(ArgumentError, match="`seed` is -1"):
        World(1, -1)
    with pytest.raises(ArgumentError, match="a chunk of 0"):
        next(chunks(World(1, 1), 0))


def test_records_are_dealt_to_cities_by_population(truth: pl.DataFrame) -> None:
    cities = places()
    counted = dict(truth["city"].value_counts().rows())
    assert not set(counted) & set(units_without_people())
    assert len(units_without_people()) == 10
    share = cities.people / cities.people.sum()
    expected = dict(zip(cities.codes, share * RECORDS, strict=True))
    # People come in homes, so counts spread more than those of single draws; still not by half.
    spread = [
        (counted.get(code, 0) - wanted) / math.sqrt(2.0 * wanted)
        for code, wanted in expected.items()
        if wanted > 20
    ]
    assert max(map(abs, spread)) < 4.5
    assert sum(value**2 for value in spread) / len(spread) < 1.3


def test_stated_codes_lead_to_the_true_city(both: pl.DataFrame) -> None:
    ranking = cc.rank(both, by="city", score="true_points", region="adcode", kind="all")
    counted = dict(ranking.to_polars().select("code", "n").rows())
    certain = both.filter(~pl.col("adcode").is_in([UNKNOWN_CODE]))
    stated = certain.filter((pl.col("adcode") % 10_000 != 0) | (pl.col("adcode") >= 800_000))
    assert counted == dict(stated["city"].value_counts().rows())
    share = sum(ranking.excluded.values()) / RECORDS
    assert share == pytest.approx(UNKNOWN_SHARE + PROVINCE_SHARE, abs=0.003)
    assert set(ranking.excluded) == {"no_city", "unresolved_region"}


def test_times_rise_and_what_is_known_comes_after(world: World, records: pl.DataFrame) -> None:
    assert records["event_time"].is_sorted()
    first, last = records["event_time"][0], records["event_time"][-1]
    assert first.date() >= world.first_day
    assert last < world.as_of - datetime.timedelta(days=9)
    assert (records["known_time"] >= records["event_time"]).all()
    assert records["known_time"].max() < world.as_of  # type: ignore[operator]


def test_outcomes_mature(world: World, records: pl.DataFrame) -> None:
    closed = pl.col("event_time") + pl.duration(days=pl.col("performance_days"))
    mature = (pl.col("prior_decision") == "accepted") & (closed <= world.as_of)
    assert records.select((pl.col("outcome").is_not_null() == mature).all()).item()
    told = records.filter(pl.col("outcome").is_not_null())
    assert told.select((pl.col("observed_at") == closed).all()).item()
    assert told["observed_at"].max() <= world.as_of  # type: ignore[operator]
    assert 0.3 < len(told) / RECORDS < 0.5
    assert set(told["outcome"]) == {"bad", "indeterminate", "good"}
    assert (told.filter(pl.col("outcome") == "bad")["overdue_days"] >= 90).all()
    immature = records.filter(pl.col("outcome").is_null())
    assert immature["observed_at"].null_count() == len(immature)


def test_a_declined_application_has_no_account_and_no_outcome(records: pl.DataFrame) -> None:
    declined = records.filter(pl.col("prior_decision") == "declined")
    assert 0.2 < len(declined) / RECORDS < 0.4
    for name in ("exposure", "balance", "overdue_days", "outcome", "observed_at", "fraud", "fraud_at"):
        assert declined[name].null_count() == len(declined), name
    accepted = records.filter(pl.col("prior_decision") == "accepted")
    assert accepted["exposure"].null_count() == 0
    assert accepted.select(
        ((pl.col("balance") >= 0) & (pl.col("balance") <= pl.col("exposure"))).all()
    ).item()


def test_fraud_labels_are_known_late_and_never_wrongly_accuse(world: World, both: pl.DataFrame) -> None:
    confirmed = both.filter(pl.col("fraud"))
    assert len(confirmed) > 100
    assert (confirmed["fraud_kind"] == confirmed["fraud_kind_true"]).all()
    assert (confirmed["fraud_at"] > confirmed["event_time"]).all()
    assert confirmed["fraud_at"].max() <= world.as_of  # type: ignore[operator]
    assert both.filter(~pl.col("fraud"))["fraud_kind"].null_count() == len(both.filter(~pl.col("fraud")))
    missed = both.filter(pl.col("fraud").eq(False) & pl.col("fraud_kind_true").is_not_null())
    assert len(missed) > 10


def test_a_unit_keeps_its_city_kind_and_phone(both: pl.DataFrame) -> None:
    again = both.group_by("unit_id").agg(
        pl.len(), pl.col("city", "kind", "phone", "card", "home_id", "ring_id").n_unique()
    )
    assert 0.8 < len(again) / RECORDS < 0.92
    assert (
        (again.filter(pl.col("len") > 1).select("city", "kind", "home_id", "ring_id") == 1).to_series().all()
    )
    assert set(both["kind"]) == {"person", "enterprise"}


def test_outcomes_follow_the_true_chance(both: pl.DataFrame) -> None:
    told = both.filter(pl.col("outcome").is_not_null() & pl.col("fraud_kind_true").is_null())
    bad = (told["outcome"] == "bad").mean()
    expected = told["true_pd"].mean()
    assert isinstance(bad, float)
    assert isinstance(expected, float)
    assert bad == pytest.approx(expected, abs=4.0 * math.sqrt(expected / len(told)))
