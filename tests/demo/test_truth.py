"""Estimates against what was planted, and rankings against each other."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.demo.facts import LEAST_UNITS
from creditcore.demo.places import places
from creditcore.demo.truth import planted_by_city, rank_correlation, shrinkage
from creditcore.demo.worlds import planted_means
from creditcore.errors import ArgumentError
from tests.demo.conftest import SEED


@pytest.fixture(scope="module")
def planted(truth: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    path = tmp_path_factory.mktemp("truth") / "truth.parquet"
    truth.write_parquet(path)
    return planted_by_city(path)


def ranked(both: pl.DataFrame, score: str) -> pl.DataFrame:
    ranking = cc.rank(both, score=score, region="adcode", unit="unit_id", kind="person", min_n=LEAST_UNITS)
    return ranking.to_polars()


def test_planted_means_are_read_by_city(planted: pl.DataFrame) -> None:
    means = dict(zip(places().codes, planted_means("published", SEED), strict=True))
    assert planted["code"].is_sorted()
    assert 300 < len(planted) <= 359
    assert all(means[code] == mean for code, mean in planted.rows())


def test_true_points_are_not_shrunk_and_a_noisy_score_is(both: pl.DataFrame, planted: pl.DataFrame) -> None:
    true = shrinkage(ranked(both, "true_points"), planted)
    assert true.slope == pytest.approx(1.0, abs=0.08)
    assert true.correlation > 0.9
    assert 50 < true.cities < 200
    prior = shrinkage(ranked(both, "prior_points"), planted)
    assert prior.slope == pytest.approx(0.55, abs=0.08)


def test_weights_are_units() -> None:
    ranking = pl.DataFrame(
        {
            "code": ["a", "b", "c", "d"],
            "mean": [1.0, 2.0, 9.0, 50.0],
            "n": [10, 10, 0, 9],
            "rank": [1, 2, 3, None],
        }
    )
    fit = shrinkage(
        ranking, pl.DataFrame({"code": ["a", "b", "c", "d"], "planted_mean": [0.0, 2.0, 5.0, 9.0]})
    )
    assert fit == pytest.approx((0.5, 1.0, 1.0, 3))


def test_what_cannot_be_fitted_is_refused() -> None:
    ranking = pl.DataFrame({"code": ["a", "b"], "mean": [1.0, 2.0], "n": [1, 1], "rank": [1, 2]})
    same = pl.DataFrame({"code": ["a", "b"], "planted_mean": [580.0, 580.0]})
    for rows, planted in ((ranking, same), (ranking[:1], same), (ranking[:0], same)):
        with pytest.raises(ArgumentError, match="nothing can be fitted"):
            shrinkage(rows, planted)
    with pytest.raises(ArgumentError, match="1 rows are in both"):
        rank_correlation(ranking, ranking[:1])


def test_points_foretell_bad_rates_by_province(both: pl.DataFrame) -> None:
    told = both.filter(pl.col("outcome").is_in(["good", "bad"])).with_columns(
        bad=(pl.col("outcome") == "bad").cast(pl.Float64)
    )
    options = {"by": "nbs_region", "region": "adcode", "kind": "person"}
    points = cc.rank(both, score="true_points", **options).to_polars()  # type: ignore[call-overload]
    later = cc.rank(told, score="bad", **options).to_polars()  # type: ignore[call-overload]
    assert rank_correlation(points, later) < 0.0
    assert np.isclose(rank_correlation(points, points), 1.0)
