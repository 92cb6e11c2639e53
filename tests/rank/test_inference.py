"""What a ranking says for sure: intervals of means and places, tiers, shrunken means."""

from __future__ import annotations

import math
import statistics

import numpy as np
import polars as pl
import pytest

import creditcore as cc

REGIONS = 12


def world(seed: int, units: int, effects: list[float]) -> pl.DataFrame:
    """Draw units whose scores lie around the effect of their group."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(effects)), units)
    score = np.asarray(effects)[group] + random.normal(0, 1 + 0.2 * (group % 4))
    return pl.DataFrame({"group": [f"g{number:02}" for number in group], "score": score})


def test_intervals_follow_the_formulas() -> None:
    random = np.random.default_rng(3)
    rows = {
        "group": random.choice(["a", "b", "c"], 500).tolist(),
        "score": random.normal(600, 50, 500),
        "weight": random.integers(1, 9, 500),
    }
    table = cc.rank(rows, by="group", score="score", weight="weight").to_polars()
    groups = np.asarray(rows["group"])
    for row in table.iter_rows(named=True):
        weight = rows["weight"][groups == row["code"]].astype(float)
        assert row["n_eff"] == pytest.approx(weight.sum() ** 2 / (weight**2).sum(), rel=1e-14)
        z = statistics.NormalDist().inv_cdf(0.975)
        assert row["ci_lo"] == pytest.approx(row["mean"] - z * row["se"], rel=1e-12)
        assert row["ci_hi"] == pytest.approx(row["mean"] + z * row["se"], rel=1e-12)
        assert row["rank_lo"] <= row["rank"] <= row["rank_hi"]


def test_two_groups_are_told_apart_as_by_a_z_test() -> None:
    for gap in (0.05, 0.10, 0.15, 0.20, 0.25, 0.30):
        ranking = cc.rank(world(1, 400, [gap, 0.0]), by="group", score="score").at(draws=20_000)
        first, second = ranking.rows()
        z = (first["mean"] - second["mean"]) / math.hypot(first["se"], second["se"])
        told = second["tier"] == 2
        assert (
            told == (first["rank_hi"] == 1) == (ranking.not_distinguishable(first["code"]) == [first["code"]])
        )
        if abs(z - 1.96) > 0.05:
            assert told == (z > 1.96)


@pytest.mark.slow
@pytest.mark.parametrize(("gap", "widest"), [(0.01, 12.0), (0.1, 6.5), (0.2, 3.5)])
def test_all_places_hold_together_in_as_many_worlds_as_promised(gap: float, widest: float) -> None:
    # Groups that hardly differ, and such that do: sets of places must hold, and say something.
    true = {f"g{number:02}": REGIONS - number for number in range(REGIONS)}
    worlds, together, alone, width = 200, 0, 0, 0.0
    for seed in range(worlds):
        effects = [gap * number for number in range(REGIONS)]
        ranking = cc.rank(world(seed, 300, effects), by="group", score="score")
        rows = ranking.rows()
        together += all(row["rank_lo"] <= true[row["code"]] <= row["rank_hi"] for row in rows)
        width += sum(row["rank_hi"] - row["rank_lo"] + 1 for row in rows) / REGIONS / worlds
        places = dict(zip((row["code"] for row in rows), ranking.marginal_places(), strict=True))
        best, worst = places["g05"] or (0, 0)
        alone += best <= true["g05"] <= worst
    assert together / worlds >= 0.93
    assert alone / worlds >= 0.93
    assert width <= widest, f"{width:.2f} of {REGIONS} places"


def test_a_wider_confidence_gives_wider_intervals() -> None:
    ranking = cc.rank(world(5, 200, [0.04 * number for number in range(20)]), by="group", score="score")
    widths = []
    for confidence in (0.5, 0.9, 0.99):
        rows = ranking.at(confidence).rows()
        widths.append(sum(row["rank_hi"] - row["rank_lo"] for row in rows))
        assert all(row["rank"] == place for place, row in enumerate(rows, 1))
    assert widths == sorted(widths)
    assert widths[0] < widths[2]
    marginal = [places for places in ranking.marginal_places() if places is not None]
    assert sum(worst - best for best, worst in marginal) <= sum(
        row["rank_hi"] - row["rank_lo"] for row in ranking.rows()
    )


def test_shrinking_helps_small_regions() -> None:
    random = np.random.default_rng(11)
    effects = random.normal(600, 5, 60)
    units = random.choice([30, 3000], 60)
    group = np.repeat(np.arange(60), units)
    score = effects[group] + random.normal(0, 40, len(group))
    table = cc.rank(
        {"group": [f"{g:02}" for g in group], "score": score}, by="group", score="score"
    ).to_polars()
    table = table.sort("code").with_columns(pl.Series("truth", effects))
    small = table.filter(pl.col("n") == 30)
    plain = ((small["mean"] - small["truth"]) ** 2).mean()
    shrunk = ((small["eb_mean"] - small["truth"]) ** 2).mean()
    assert isinstance(plain, float)
    assert isinstance(shrunk, float)
    assert shrunk < 0.5 * plain


def test_rows_without_a_rank_have_no_place() -> None:
    rows = {"group": ["a", "a", "a", "b"], "score": [1.0, 2.0, 3.0, 9.0]}
    ranking = cc.rank(rows, by="group", score="score", min_n=2)
    first, second = ranking.rows()
    assert (first["rank"], first["rank_lo"], first["rank_hi"], first["tier"]) == (1, 1, 1, 1)
    assert (second["code"], second["rank_lo"], second["tier"], second["ci_lo"]) == ("b", None, None, None)
    assert ranking.not_distinguishable("b") is None
    assert ranking.marginal_places() == [(1, 1), None]
    with pytest.raises(cc.CreditcoreError, match="no row of code `c`"):
        ranking.not_distinguishable("c")


@pytest.mark.parametrize("arguments", [{"confidence": 1.0}, {"confidence": 0.0}, {"draws": 5}])
def test_what_is_no_confidence_is_refused(arguments: dict[str, float]) -> None:
    ranking = cc.rank({"group": ["a"], "score": [1.0]}, by="group", score="score")
    with pytest.raises(ValueError, match=next(iter(arguments))):
        ranking.at(**arguments)  # type: ignore[arg-type]
