"""The 64 features: told apart by what moves them, none of them geographic."""

from __future__ import annotations

import inspect
import math

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.demo import features
from creditcore.demo.facts import family_differs
from creditcore.demo.feature_table import FEATURES
from creditcore.demo.features import CATEGORICAL, MISSING_CODE, NAMES
from creditcore.demo.latent import CREDIT_FACTORS, FACTORS, FRAUD_FACTORS
from creditcore.demo.places import places
from creditcore.demo.world import World, chunks


def test_the_table_is_whole() -> None:
    assert len(NAMES) == len(set(NAMES)) == 64
    assert [name[:4] for name in NAMES] == [f"f{number:02d}_" for number in range(1, 65)]
    assert features.FAMILIES == ("bureau", "behaviour", "application", "device", "transaction")
    assert {factor for feature in FEATURES for factor in feature.weights} <= set(FACTORS)
    assert len(CATEGORICAL) == 6
    for feature in FEATURES:
        assert feature.meaning
        assert feature.unit
        assert feature.shape in features.TYPES


def test_missing_values_come_in_two_spellings(records: pl.DataFrame) -> None:
    for feature in FEATURES:
        column = records[feature.name]
        if feature.gap == "bureau":
            assert 0.05 < (column == MISSING_CODE).mean() < 0.2, feature.name  # type: ignore[operator]
            assert column.null_count() == 0
        elif feature.gap:
            assert 0.04 < column.null_count() / len(column) < 0.6, feature.name
        else:
            assert column.null_count() == 0
        if feature.classes:
            assert set(column.drop_nulls()) == set(feature.classes)
        elif feature.gap != "bureau":
            assert column.min() >= 0  # type: ignore[operator]


def correlation(frame: pl.DataFrame, name: str, truth: pl.Expr) -> float:
    """Rank correlation of a feature with what is true, where it is known."""
    column = pl.col(name)
    if name in CATEGORICAL:
        column = column.replace_strict(CATEGORICAL[name], list(range(len(CATEGORICAL[name]))))
    known = frame.select(column.cast(pl.Float64).alias("x"), truth.cast(pl.Float64).alias("y"))
    known = known.filter(pl.col("x").is_not_null() & (pl.col("x") != MISSING_CODE))
    found = known.select(pl.corr("x", "y", method="spearman")).item()
    assert isinstance(found, float)
    return found


def test_credit_features_follow_creditworthiness_and_fraud_features_fraud(both: pl.DataFrame) -> None:
    for feature in FEATURES:
        credit = sum(weight * CREDIT_FACTORS.get(name, 0.0) for name, weight in feature.weights.items())
        fraud = sum(weight for name, weight in feature.weights.items() if name in FRAUD_FACTORS)
        points = correlation(both, feature.name, pl.col("true_points"))
        cheat = correlation(both, feature.name, pl.col("fraud_kind_true").is_not_null())
        if abs(credit) > 0.2:
            assert points * credit > 0.0, feature.name
            assert abs(points) > 0.05, feature.name
        if abs(fraud) > 0.4:
            assert cheat * fraud > 0.0, feature.name
            assert abs(cheat) > 0.02, feature.name
        if fraud == 0.0 and feature.gap != "enterprise":
            # Enterprises cheat otherwise than persons, so a few rings of them show a little.
            assert abs(cheat) < 0.03, feature.name


def test_no_feature_is_told_the_place() -> None:
    asked = {
        name
        for function in (features.columns, features._column)
        for name in inspect.signature(function).parameters
    }
    assert asked == {"stream", "factors", "gaps", "feature"}
    geographic = ("city", "province", "region", "adcode", "address", "ip", "lon", "lat")
    assert not [name for name in NAMES if set(name.split("_")) & set(geographic)]


def test_where_no_city_differs_no_feature_does() -> None:
    frames = [frame for frame, _ in chunks(World(120_000, 3, "null"))]
    frame = pl.concat(frames).filter(pl.col("kind") == "person").unique("unit_id", keep="first")
    values = []
    for name in NAMES:
        if name in CATEGORICAL:
            continue
        known = frame.filter(pl.col(name).is_not_null() & (pl.col(name) != MISSING_CODE))
        ranking = cc.rank(known, by="north_south", score=name, region="adcode")
        values.append(family_differs(ranking.to_polars()).p_value)
    assert min(values) > 0.05 / len(values) / 5
    assert np.mean(np.array(values) < 0.05) < 0.15


def test_where_cities_differ_only_credit_features_do() -> None:
    frame = pl.concat([frame for frame, _ in chunks(World(120_000, 3, "published"))])
    frame = frame.filter(pl.col("kind") == "person")
    cities = pl.DataFrame(
        {"adcode": [int(code) for code in places().codes], "coast": places().families["coast"]}
    )
    frame = frame.join(cities.cast({"adcode": pl.Int32}), on="adcode")
    for feature in FEATURES:
        if feature.classes or feature.gap == "bureau":
            continue
        means = frame.group_by("coast").agg(
            pl.col(feature.name).mean().alias("mean"),
            (pl.col(feature.name).std() / pl.col(feature.name).count().sqrt()).alias("se"),
        )
        credit = sum(weight * CREDIT_FACTORS.get(name, 0.0) for name, weight in feature.weights.items())
        differs = family_differs(means).p_value
        if abs(credit) > 0.35:
            assert differs < 1e-4, feature.name
        if not set(feature.weights) & set(CREDIT_FACTORS):
            assert differs > 1e-4, feature.name


def test_features_drift_over_the_months(records: pl.DataFrame) -> None:
    quarter = len(records) // 4
    for name in ("f44_device_risk_score", "f43_device_age_days"):
        column = records[name].drop_nulls().cast(pl.Float64).to_numpy()
        moved = column[-quarter:].mean() - column[:quarter].mean()
        assert abs(moved) > 3.0 * math.sqrt(2.0 / quarter) * column.std(), name


@pytest.mark.parametrize("name", ["f01_bureau_score", "f55_transaction_night_share"])
def test_features_are_no_copies_of_what_is_hidden(both: pl.DataFrame, name: str) -> None:
    assert abs(correlation(both, name, pl.col("true_points"))) < 0.8
