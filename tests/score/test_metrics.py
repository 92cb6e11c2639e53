"""AUC, KS, Gini, PSI: exact with ties, mergeable, what is left out is counted."""

from __future__ import annotations

import math
from itertools import pairwise, product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc
from creditcore.scoring.metrics import ScoreCounts

scores = st.lists(st.sampled_from([-1.0, -0.0, 0.0, 0.5, 3.25, math.inf]), min_size=2, max_size=30)


def naive_auc(outcome: list[int], score: list[float]) -> float:
    bads = [s for s, o in zip(score, outcome, strict=True) if o]
    goods = [s for s, o in zip(score, outcome, strict=True) if not o]
    return sum((b > g) + (b == g) / 2 for b, g in product(bads, goods)) / (len(bads) * len(goods))


def naive_ks(outcome: list[int], score: list[float]) -> float:
    bads = [s for s, o in zip(score, outcome, strict=True) if o]
    goods = [s for s, o in zip(score, outcome, strict=True) if not o]

    def share(values: list[float], cut: float) -> float:
        return sum(value <= cut for value in values) / len(values)

    return max(abs(share(bads, cut) - share(goods, cut)) for cut in score)


@settings(max_examples=200, deadline=None)
@given(scores, st.data())
def test_figures_equal_their_definitions(score: list[float], data: st.DataObject) -> None:
    outcome = [
        0,
        1,
        *data.draw(st.lists(st.integers(0, 1), min_size=len(score) - 2, max_size=len(score) - 2)),
    ]
    auc = naive_auc(outcome, score)
    assert cc.auc(outcome, score) == pytest.approx(auc, abs=1e-15)
    assert cc.gini(outcome, score) == pytest.approx(2 * auc - 1, abs=1e-15)
    assert cc.ks(outcome, score) == pytest.approx(naive_ks(outcome, score), abs=1e-15)
    whole, cut = ScoreCounts.of(outcome, score, [1.0] * len(score)), len(score) // 2
    parts = [
        ScoreCounts.of(outcome[at], score[at], [1.0] * len(score[at]))
        for at in (slice(cut), slice(cut, None))
    ]
    for merged in (parts[0].merged(parts[1]), parts[1].merged(parts[0])):
        assert (merged.auc(), merged.ks()) == (whole.auc(), whole.ks())


def test_a_whole_weight_counts_as_so_many_records() -> None:
    outcome, score, weight = [1, 0, 1, 0], [0.9, 0.4, 0.4, 0.1], [3.0, 2.0, 1.0, 0.0]
    repeated = [np.repeat(values, [3, 2, 1, 0]) for values in (outcome, score)]
    assert cc.auc(outcome, score, weight) == cc.auc(*repeated)
    assert cc.ks(outcome, score, weight) == cc.ks(*repeated)
    halves = [value / 2 for value in weight]
    assert cc.auc(outcome, score, halves) == cc.auc(outcome, score, weight)


def test_points_give_the_opposite_side() -> None:
    outcome, risk = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    points = [-value for value in risk]
    assert cc.auc(outcome, points) == 1 - cc.auc(outcome, risk)
    assert cc.ks(outcome, points) == cc.ks(outcome, risk)


def test_what_is_left_out_is_counted_by_cause() -> None:
    counts = ScoreCounts.of(
        ["bad", "good", "indeterminate", "immature", None, "good", "bad"],
        [0.5, 0.5, 0.1, 0.1, 0.1, math.nan, 0.7],
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, None],
    )
    assert counts.used == 2
    assert counts.excluded == {"null_score": 1, "null_weight": 1, "open_outcome": 3}
    assert counts.auc() == 0.5


@pytest.mark.parametrize("threads", [1, 4])
def test_neither_threads_nor_chunks_change_a_figure(threads: int) -> None:
    random = np.random.default_rng(3)
    outcome, score = random.integers(0, 2, 200_000), random.normal(size=200_000).round(3)
    chunks = pl.concat([pl.Series(score[:7]), pl.Series(score[7:])], rechunk=False)
    counts = ScoreCounts.of(pl.Series(outcome), chunks, threads=threads)
    assert counts.auc() == cc.auc(outcome, score)
    assert counts.psi(counts) == 0.0


@pytest.mark.parametrize(
    ("outcome", "score", "error", "told"),
    [
        ([0, 0], [1.0, 2.0], cc.ArgumentError, "good and bad outcomes are needed"),
        ([], [], cc.ArgumentError, "good and bad outcomes are needed"),
        ([0, 2], [1.0, 2.0], cc.SourceError, "row 2: `2` is no outcome"),
        (
            [0.3, 0.7],
            [1, 0],
            cc.SourceError,
            "row 1: `0.3` is no outcome; .*the outcome comes before the score",
        ),
        ([0, 1], ["a", "b"], cc.SchemaError, "column `score` is of type"),
        ([0, 1], [1.0], cc.SourceError, "the frame cannot be read"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    outcome: list[Any], score: list[Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        cc.auc(outcome, score)


@pytest.mark.parametrize("weight", [-1.0, math.inf, 2.0**41])
def test_a_weight_outside_of_its_range_is_refused(weight: float) -> None:
    with pytest.raises(cc.SourceError, match="row 2: the weight is"):
        cc.ks([0, 1], [1.0, 2.0], [1.0, weight])


def naive_psi(expected: np.ndarray[Any, Any], actual: np.ndarray[Any, Any], edges: list[float]) -> float:
    """PSI by numpy; bins are closed above."""
    bins = [-np.inf, *edges, np.inf]
    total = 0.0
    for low, high in pairwise(bins):
        e, a = (max(((x > low) & (x <= high)).mean(), 0) or 1e-4 for x in (expected, actual))
        total += (a - e) * np.log(a / e)
    return total


@pytest.mark.parametrize("shift", [0.0, 0.3, 20.0])
def test_psi_equals_its_definition(shift: float) -> None:
    random = np.random.default_rng(4)
    expected, actual = (
        random.normal(600, 50, 5_000).round(),
        random.normal(600 + 50 * shift, 55, 3_000).round(),
    )
    edges = [500.0, 550.0, 600.0, 650.0]
    assert cc.psi(expected, actual, edges) == pytest.approx(naive_psi(expected, actual, edges), abs=1e-12)
    ordered = np.sort(expected)
    deciles = sorted({float(ordered[math.ceil(len(ordered) * k / 10) - 1]) for k in range(1, 10)})
    assert cc.psi(expected, actual) == pytest.approx(naive_psi(expected, actual, deciles), abs=1e-12)
    assert cc.psi(expected, expected) == 0.0


def test_psi_of_texts_has_a_bin_for_each() -> None:
    expected, actual = ["a"] * 6 + ["b"] * 4 + [None], ["a"] * 3 + ["b"] * 5 + ["c"] * 2
    shares = [(0.6, 0.3), (0.4, 0.5), (1e-4, 0.2)]
    naive = sum((a - e) * math.log(a / e) for e, a in shares)
    assert cc.psi(expected, actual) == pytest.approx(naive, abs=1e-12)
    assert cc.psi(pl.Series(expected, dtype=pl.Categorical), actual) == pytest.approx(naive, abs=1e-12)
    with pytest.raises(cc.SchemaError, match="cannot be compared"):
        cc.psi(expected, [1.0])


def test_bins_that_are_none_are_refused() -> None:
    for bins in (0, 10**6, [2.0, 1.0], [math.nan], True):
        with pytest.raises(cc.ArgumentError, match="`bins`"):
            cc.psi([1.0, 2.0], [1.0], bins)
    with pytest.raises(cc.ArgumentError, match="there are no scores"):
        cc.psi([1.0], [None])
