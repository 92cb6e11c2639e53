"""Weighted quantiles and shares by grade, against their definitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.ranking.distributions import grade_shares, quantiles


def records() -> pl.DataFrame:
    random = np.random.default_rng(2)
    return pl.DataFrame(
        {
            "city": random.choice(["320100", "330400", "310100"], 900),
            "x": np.round(random.normal(600, 60, 900) * 4) / 4,
            "w": random.integers(0, 5, 900),
        }
    )


@pytest.mark.parametrize("weight", [None, "w"])
def test_quantiles_are_those_of_repeated_records(weight: str | None, tmp_path: Path) -> None:
    frame, path = records(), tmp_path / "records.csv"
    frame.write_csv(path)
    probabilities = (0.05, 0.1, 0.5, 0.9, 1.0)
    rows = quantiles(frame, probabilities, "city", "x", weight)
    assert rows == quantiles(str(path), probabilities, "city", "x", weight)
    for row in rows:
        part = frame.filter(pl.col("city") == row["code"])
        times = part["w"].to_numpy() if weight else np.ones(len(part), dtype=int)
        repeated = np.repeat(part["x"].to_numpy(), times)
        for probability in probabilities:
            # numpy's definition 1 is the inverse of the distribution function.
            assert row[str(probability)] == np.quantile(repeated, probability, method="inverted_cdf")


def test_no_rounding_decides_a_quantile() -> None:
    frame = {"g": ["a"] * 10, "x": [float(i) for i in range(10)], "w": [0.1] * 10}
    (row,) = quantiles(frame, (0.1, 0.3, 0.7), "g", "x", "w")
    assert [row[text] for text in ("0.1", "0.3", "0.7")] == [0.0, 2.0, 6.0]


def test_shares_of_grades_follow_their_table() -> None:
    frame = records()
    grades = {"good": 620.0, "excellent": 680.0}
    for row in grade_shares(frame, grades, "province", "x", "w"):
        part = frame.filter(pl.col("city").str.starts_with(row["code"][:2]))
        weight = float(part["w"].sum())
        assert row["excellent"] == float(part.filter(pl.col("x") >= 680)["w"].sum()) / weight
        assert row["below"] == float(part.filter(pl.col("x") < 620)["w"].sum()) / weight
        assert row["excellent"] + row["good"] + row["below"] == pytest.approx(1, rel=1e-15)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(cc.ArgumentError, match="`grades`"):
        grade_shares(records(), {}, "city", "x")
    with pytest.raises(cc.ArgumentError, match=r"`1.5` is no probability"):
        quantiles(records(), [1.5], "city", "x")
