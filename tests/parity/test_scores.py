"""Metrics and calibrations against scikit-learn and scipy.

Metrics agree to 1e-12 (both round). A Platt line agrees to 1e-4 in probability: scikit-learn stops its search
when the gradient is small, here the maximum is reached. Isotonic steps agree to 1e-12.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import creditcore as cc

pytestmark = pytest.mark.parity


def drawn(seed: int, ties: bool) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Outcomes, log-odds and weights."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(-1, 2, 3_000)
    bad = (random.uniform(size=3_000) < 1 / (1 + np.exp(1 - 0.6 * log_odds))).astype(int)
    weights = random.integers(1, 500, 3_000) / 64
    return bad, log_odds.round(1) if ties else log_odds, weights


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_scikit_learn_and_scipy(seed: int, *, ties: bool) -> None:
    metrics, stats = importlib.import_module("sklearn.metrics"), importlib.import_module("scipy.stats")
    bad, score, weights = drawn(seed, ties)
    assert cc.auc(bad, score) == pytest.approx(metrics.roc_auc_score(bad, score), abs=1e-12)
    weighted = metrics.roc_auc_score(bad, score, sample_weight=weights)
    assert cc.auc(bad, score, weights) == pytest.approx(weighted, abs=1e-12)
    assert cc.gini(bad, score) == pytest.approx(2 * metrics.roc_auc_score(bad, score) - 1, abs=1e-12)
    expected = stats.ks_2samp(score[bad == 1], score[bad == 0]).statistic
    assert cc.ks(bad, score) == pytest.approx(expected, abs=1e-12)
    rates = metrics.roc_curve(bad, score, sample_weight=weights, drop_intermediate=False)
    assert cc.ks(bad, score, weights) == pytest.approx(np.abs(rates[1] - rates[0]).max(), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_calibrations_equal_scikit_learn(seed: int, *, ties: bool) -> None:
    calibration = importlib.import_module("sklearn.calibration")
    isotonic = importlib.import_module("sklearn.isotonic")
    bad, log_odds, _ = drawn(seed, ties)
    asked = np.linspace(-9, 9, 400)
    line = calibration._SigmoidCalibration().fit(log_odds, bad)
    made = cc.Calibration.platt(log_odds, bad, output="raw").apply(asked, output="raw").to_numpy()
    np.testing.assert_allclose(made, line.predict(asked), atol=1e-4)
    steps = isotonic.IsotonicRegression(out_of_bounds="clip").fit(log_odds, bad)
    made = cc.Calibration.isotonic(log_odds, bad, output="raw").apply(asked, output="raw").to_numpy()
    np.testing.assert_allclose(made, steps.predict(asked), atol=1e-12)
