"""The last check: what a ranking found against what was planted, and against what happened later.

Comes in: `truth.parquet`, rankings as `Ranking.to_polars()` gives them. Goes out: how far estimates are
shrunk towards the country's mean, and whether two rankings agree. Nothing else opens the truth.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

from creditcore.errors import ArgumentError


class Shrinkage(NamedTuple):
    """Estimated means as a line of the planted ones."""

    slope: float
    """Points of estimate for each planted point: 1 where nothing is lost, 0 where nothing is seen."""
    intercept: float
    correlation: float
    cities: int


def planted_by_city(truth: Path) -> pl.DataFrame:
    """Read the planted mean of each city that has records.

    Returns:
        Columns `code` (text) and `planted_mean` (Float64, points), in the order of the codes.
    """
    scan = pl.scan_parquet(truth).group_by(code="city").agg(pl.col("planted_mean").first())
    return scan.sort("code").collect()


def shrinkage(ranking: pl.DataFrame, planted: pl.DataFrame) -> Shrinkage:
    """Fit estimated means to planted ones by least squares, each city weighing its units.

    A score that is the mean of the true points given what is seen recovers a part of a city's deviation: the
    share of the points' variance that the features tell. The slope is that share.

    Args:
        ranking: by city, with `code`, `mean`, `n` and `rank`; rows without a rank take no part.
        planted: `code` and `planted_mean`.

    Raises:
        ArgumentError: fewer than two cities, or means that are all the same.

    >>> ranking = pl.DataFrame({"code": ["a", "b"], "mean": [11.0, 14.0], "n": [5, 5], "rank": [2, 1]})
    >>> shrinkage(ranking, pl.DataFrame({"code": ["a", "b"], "planted_mean": [10.0, 16.0]})).slope
    0.5
    """
    rows = ranking.filter(pl.col("rank").is_not_null()).join(planted, on="code")
    weight = pl.col("n") / pl.col("n").sum()
    x, y = pl.col("planted_mean"), pl.col("mean")
    off_x, off_y = x - (weight * x).sum(), y - (weight * y).sum()
    moments = rows.select(
        xx=(weight * off_x**2).sum(),
        xy=(weight * off_x * off_y).sum(),
        yy=(weight * off_y**2).sum(),
        x=(weight * x).sum(),
        y=(weight * y).sum(),
    ).row(0, named=True)
    if len(rows) < 2 or moments["xx"] == 0.0 or moments["yy"] == 0.0:
        raise ArgumentError(
            f"{len(rows)} cities with a rank have no two different means; nothing can be fitted"
        )
    slope = moments["xy"] / moments["xx"]
    correlation = moments["xy"] / (moments["xx"] * moments["yy"]) ** 0.5
    return Shrinkage(slope, moments["y"] - slope * moments["x"], correlation, len(rows))


def rank_correlation(first: pl.DataFrame, second: pl.DataFrame) -> float:
    """Give Spearman's correlation of the means of two rankings, over the rows that both rank.

    Between points and later bad rates it is near -1 where the ranking told the future.

    Args:
        first: with `code`, `mean` and `rank`.
        second: the same of another figure.

    Raises:
        ArgumentError: fewer than two rows are in both.

    >>> points = pl.DataFrame({"code": ["a", "b", "c"], "mean": [9.0, 8.0, 7.0], "rank": [1, 2, 3]})
    >>> bad = pl.DataFrame({"code": ["c", "a", "b"], "mean": [0.2, 0.1, 0.15], "rank": [1, 2, 3]})
    >>> rank_correlation(points, bad)
    -1.0
    """
    ranked = [frame.filter(pl.col("rank").is_not_null()).select("code", "mean") for frame in (first, second)]
    both = ranked[0].join(ranked[1], on="code", suffix="_second")
    if len(both) < 2:
        raise ArgumentError(f"{len(both)} rows are in both rankings; a correlation needs two or more")
    found = both.select(pl.corr("mean", "mean_second", method="spearman")).item()
    return round(float(found), 12)
