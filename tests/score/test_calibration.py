"""Calibrations: monotone, the same in any order, read back to the bit, refused when they cannot be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc


def sample(seed: int, records: int = 4_000) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Log-odds, and outcomes whose true log-odds are 0.8 of them minus 0.5."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(-2, 1.5, records).round(2)
    bad = random.uniform(size=records) < 1 / (1 + np.exp(0.5 - 0.8 * log_odds))
    return log_odds, bad.astype(int)


def test_platt_finds_the_line() -> None:
    log_odds, bad = sample(1, 60_000)
    told = cc.Calibration.platt(log_odds, bad, output="raw").to_dict()
    assert (told["slope"], told["intercept"]) == pytest.approx((0.8, -0.5), abs=0.05)
    probabilities = 1 / (1 + np.exp(-log_odds))
    same = cc.Calibration.platt(probabilities, bad).to_dict()
    assert (same["slope"], same["intercept"]) == pytest.approx((told["slope"], told["intercept"]), rel=1e-9)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_neither_order_nor_open_outcomes_change_a_bit(kind: str) -> None:
    log_odds, bad = sample(2)
    fit = getattr(cc.Calibration, kind)
    turned = np.random.default_rng(3).permutation(len(bad))
    open_ones = [*bad.tolist(), None]
    assert fit(log_odds, bad, output="raw") == fit(log_odds[turned], bad[turned], output="raw")
    assert fit(log_odds, bad, output="raw") == fit([*log_odds, 0.0], open_ones, output="raw")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["platt", "isotonic"]))
def test_a_calibration_is_monotone_and_reads_back_to_the_bit(seed: int, kind: str) -> None:
    made = getattr(cc.Calibration, kind)(*sample(seed, 300), output="raw")
    asked = np.sort(np.random.default_rng(seed).normal(-2, 4, 500))
    given = made.apply(asked, output="raw").to_numpy()
    assert (np.diff(given) >= 0).all()
    for again in (cc.Calibration.from_dict(made.to_dict()), cc.Calibration.from_toml(made.to_toml())):
        assert again == made
        assert again.apply(asked, output="raw").to_numpy().tobytes() == given.tobytes()


def test_isotonic_steps_are_the_shares_of_their_blocks() -> None:
    made = cc.Calibration.isotonic([-2.0, -1.0, 0.0, 1.0, 2.0], [0, 1, 0, 1, 1], output="raw")
    assert made.apply([-9.0, -2.0, -1.0, 0.0, 1.0, 9.0], output="raw").to_list() == [0, 0, 0.5, 0.5, 1, 1]
    assert made.apply([-1.5], output="raw").to_list() == [0.25]


def test_points_go_through_the_calibration() -> None:
    log_odds, bad = sample(5)
    made = cc.Calibration.platt(log_odds, bad, output="raw")
    blend = cc.Blend(credit={"a": 1}, calibration=made)
    scored = cc.score({"a": log_odds}, blend, output="raw")
    assert scored["pd"].to_list() == made.apply(log_odds, output="raw").to_list()
    assert scored["pd"].mean() == pytest.approx(bad.mean(), abs=0.002)
    points = 600 + 20 / math.log(2) * (
        np.log((1 - scored["pd"].to_numpy()) / scored["pd"].to_numpy()) - math.log(50)
    )
    np.testing.assert_allclose(scored["points_model"].to_numpy(), points, atol=1 / 128 + 1e-9)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"kind": "platt", "slope": 0, "intercept": 1}, "slope `0` .* above zero"),
        ({"kind": "platt", "slope": math.inf, "intercept": 1}, "not a calibration"),
        ({"kind": "platt", "slope": 1}, "missing field `intercept`"),
        ({"kind": "platt", "slope": 1, "intercept": 0, "shift": 1}, "unknown field `shift`"),
        ({"kind": "beta"}, "unknown variant `beta`"),
        ({"kind": "isotonic", "log_odds": [], "probability": []}, "at least one of each"),
        ({"kind": "isotonic", "log_odds": [0, 0], "probability": [0, 1]}, "strictly rising"),
        ({"kind": "isotonic", "log_odds": [0, 1], "probability": [1, 0]}, "never falling"),
        ({"kind": "isotonic", "log_odds": [0, 1], "probability": [0, 1.5]}, "from 0 to 1"),
    ],
)
def test_numbers_that_are_no_calibration_are_refused(told: dict[str, Any], error: str) -> None:
    with pytest.raises(cc.ArgumentError, match=error):
        cc.Calibration(told)


def test_records_that_teach_nothing_are_refused() -> None:
    for fit in (cc.Calibration.platt, cc.Calibration.isotonic):
        with pytest.raises(cc.ArgumentError, match="needs good and bad outcomes"):
            fit([0.1, 0.2], [0, 0])
        with pytest.raises(cc.ArgumentError, match=r"row 1: `-3` is no probability; pass `output=.raw.`"):
            fit([-3.0], [1])
    with pytest.raises(cc.ArgumentError, match="the scores do not rise"):
        cc.Calibration.platt([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1])
    with pytest.raises(cc.ArgumentError, match="not a calibration"):
        cc.Calibration.from_toml("slope = ")
