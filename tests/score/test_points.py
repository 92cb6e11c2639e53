"""Points: the formula, the side of the odds, rounding, blends, effects, refusals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc

SCALING = cc.Scaling()


def points(pd: float, scaling: cc.Scaling = SCALING) -> float:
    """The formula of docs/score.md, rounded half away from zero to 1/64."""
    odds = math.log((1 - pd) / pd) - math.log(scaling.base_odds)
    exact = scaling.base_points + scaling.pdo / math.log(2) * odds
    return math.copysign(math.floor(abs(exact) * 64 + 0.5), exact) / 64


def scored(predictions: Any, blend: cc.Blend, **options: Any) -> pl.DataFrame:
    return cc.score(predictions, blend, SCALING, **options)


def test_the_columns_and_their_types() -> None:
    made = scored({"f": [0.1, 0.2], "c": [1 / 51, 0.5]}, cc.Blend(fraud={"f": 1}, credit={"c": 1}))
    assert made.schema == dict.fromkeys(["fraud_p", "pd", "points_model", "points_final"], pl.Float64)
    assert made["fraud_p"].to_list() == pytest.approx([0.1, 0.2])
    assert made["pd"].to_list() == pytest.approx([1 / 51, 0.5])
    assert made["points_model"].to_list() == [600.0, points(0.5)]
    assert made["points_final"].equals(made["points_model"].alias("points_final"))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-9, 1 - 1e-6), min_size=1, max_size=50))
def test_points_follow_the_published_formula_from_pd(pds: list[float]) -> None:
    made = scored({"c": pds}, cc.Blend(credit={"c": 1}))
    assert made["pd"].to_list() == pytest.approx(pds, rel=1e-12)
    assert made["points_model"].to_list() == [points(pd) for pd in made["pd"]]


def test_fraud_models_do_not_move_credit_points() -> None:
    alone = scored({"c": [0.3]}, cc.Blend(credit={"c": 1}))
    beside = scored({"c": [0.3], "f": [0.99]}, cc.Blend(fraud={"f": 5}, credit={"c": 1}))
    assert alone["points_model"].to_list() == beside["points_model"].to_list()
    assert alone["fraud_p"].to_list() == [None]
    no_credit = scored({"f": [0.99]}, cc.Blend(fraud={"f": 5}))
    assert no_credit.select("pd", "points_model", "points_final").rows() == [(None, None, None)]


def test_a_blend_is_the_weighted_mean_of_log_odds() -> None:
    random = np.random.default_rng(1)
    outputs = {f"m{index}": random.uniform(0.001, 0.999, 2_000) for index in range(20)}
    weights = {name: float(random.uniform(0.1, 5)) for name in outputs}
    logits = sum(weights[name] * np.log(p / (1 - p)) for name, p in outputs.items()) / sum(weights.values())
    made = scored(outputs, cc.Blend(credit=weights))
    np.testing.assert_allclose(made["pd"].to_numpy(), 1 / (1 + np.exp(-logits)), rtol=1e-12)
    raw = {name: np.log(p / (1 - p)) for name, p in outputs.items()}
    np.testing.assert_allclose(
        scored(raw, cc.Blend(credit=weights), output="raw")["pd"], made["pd"], rtol=1e-12
    )


def test_neither_threads_nor_chunks_nor_the_order_of_models_change_a_bit() -> None:
    random = np.random.default_rng(2)
    frame = pl.DataFrame({f"m{index}": random.uniform(0, 1, 50_000) for index in range(5)})
    weights = {f"m{index}": index + 0.1 for index in range(5)}
    whole = scored(frame, cc.Blend(credit=weights), threads=1)
    chunks = pl.concat([frame[:7], frame[7:30_001], frame[30_001:]], rechunk=False)
    turned = cc.Blend(credit=dict(reversed(weights.items())))
    assert scored(chunks, turned, threads=3).equals(whole)
    assert scored(frame[123:124], turned).equals(whole[123:124])


@pytest.mark.parametrize(
    ("on_null", "expected"), [("renormalise", [0.1, 0.2, None]), ("fallback", [0.1, 0.2, None])]
)
def test_a_null_does_what_was_declared(on_null: str, expected: list[float | None]) -> None:
    outputs = {"a": [0.1, None, None], "b": [0.1, 0.2, None]}
    made = scored(outputs, cc.Blend(credit={"a": 1, "b": 3}, on_null=on_null))
    assert made["pd"].to_list() == [None if p is None else pytest.approx(p) for p in expected]
    assert made["points_model"].is_null().to_list() == [False, False, True]


def test_a_fallback_takes_the_first_model_alone() -> None:
    outputs = {"a": [0.1, None], "b": [0.4, 0.4]}
    made = scored(outputs, cc.Blend(credit={"a": 1, "b": 3}, on_null="fallback"))
    assert made["pd"].to_list() == pytest.approx([0.1, 0.4])


def test_a_null_is_refused_by_default_with_row_and_model() -> None:
    with pytest.raises(
        cc.ArgumentError, match=r"row 2: model `b` has no output .* `on_null=\"renormalise\"`"
    ):
        scored({"a": [0.1, 0.2], "b": [0.1, None]}, cc.Blend(credit={"a": 1, "b": 1}))


@pytest.mark.parametrize("value", [1.5, -0.1, math.nan, math.inf])
def test_what_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(cc.ArgumentError, match="row 3: model `a` gives `"):
        scored({"a": [0.1, 0.2, value]}, cc.Blend(credit={"a": 1}))


def test_log_odds_that_pass_for_probabilities_are_told_apart() -> None:
    with pytest.raises(cc.ArgumentError, match=r"pass `output=.raw.`"):
        scored({"a": [-3.2]}, cc.Blend(credit={"a": 1}))
    with pytest.raises(cc.ArgumentError, match="`output` is `margin`"):
        scored({"a": [0.2]}, cc.Blend(credit={"a": 1}), output="margin")


def test_certainty_is_bounded() -> None:
    made = scored({"a": [0.0, 1.0]}, cc.Blend(credit={"a": 1}))
    assert made["pd"].to_list() == pytest.approx([math.exp(-64), 1.0])
    assert made["points_model"].is_finite().all()


@pytest.mark.parametrize(
    ("effects", "final"),
    [
        (["score -20", None, ""], [580.0, 600.0, 600.0]),
        (["cap 550", "score 100", "score 15; cap 610"], [550.0, 650.0, 610.0]),
        ([-20, None, 700], [580.0, 600.0, 650.0]),
        (["score -5000", "cap 0", "score 0.5"], [450.0, 450.0, 600.5]),
    ],
)
def test_effects_score_then_cap_then_clamp(effects: list[Any], final: list[float]) -> None:
    scaling = cc.Scaling(min_points=450, max_points=650)
    predictions = {"a": [1 / 51] * 3}
    made = cc.score(predictions, cc.Blend(credit={"a": 1}), scaling, {"effect": effects})
    assert made["points_model"].to_list() == [600.0] * 3
    assert made["points_final"].to_list() == final


def test_decisions_go_row_by_row_over_several_files(tmp_path: Path) -> None:
    for number, rows in enumerate((3, 1, 4)):
        pl.DataFrame({"a": [1 / 51] * rows}).write_parquet(tmp_path / f"{number}.parquet")
    effects = {"effect": [f"score {row}" for row in range(8)]}
    made = cc.score(tmp_path, cc.Blend(credit={"a": 1}), decisions=effects, threads=3)
    assert made["points_final"].to_list() == [600.0 + row for row in range(8)]
    with pytest.raises(cc.ArgumentError, match="the decisions have 7 rows, the predictions 8"):
        cc.score(tmp_path, cc.Blend(credit={"a": 1}), decisions={"effect": [""] * 7})


def test_no_records_give_no_scores() -> None:
    made = cc.score({"a": []}, cc.Blend(credit={"a": 1}))
    assert (made.height, made.columns) == (0, ["fraud_p", "pd", "points_model", "points_final"])


def test_effects_that_do_not_fit_are_refused() -> None:
    blend = cc.Blend(credit={"a": 1})
    with pytest.raises(cc.ArgumentError, match="row 1: `raise 5` is no effect; write `score -20`"):
        scored({"a": [0.1]}, blend, decisions={"effect": ["raise 5"]})
    with pytest.raises(cc.ArgumentError, match="the decisions have 2 rows, the predictions 1"):
        scored({"a": [0.1]}, blend, decisions={"effect": ["", ""]})
    with pytest.raises(cc.SchemaError, match="no column `effect`; did you mean `effects`"):
        scored({"a": [0.1]}, blend, decisions={"effects": [""]})


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "the blend has no model"),
        ({"credit": {"a": 0}}, "model `a` has the weight `0`"),
        ({"credit": {"a": -1}}, "weights are numbers from 1e-6 to 1e6"),
        ({"credit": {"a": math.nan}}, "the blend cannot be read"),
        ({"credit": {"a": 1}, "fraud": {"a": 1}}, "model `a` is in both blends"),
        ({"credit": {"a": 1}, "on_null": "ignore"}, "`on_null` is `ignore`"),
        (
            {
                "credit": {"a": 1},
                "calibration": {"credits": cc.Calibration({"kind": "platt", "slope": 1, "intercept": 0})},
            },
            "a calibration is for `fraud` or `credit`, not for `credits`",
        ),
        (
            {
                "credit": {"a": 1},
                "fraud": {"b": 1},
                "calibration": cc.Calibration({"kind": "platt", "slope": 1, "intercept": 0}),
            },
            "say which target",
        ),
    ],
)
def test_a_blend_that_cannot_be_is_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(cc.ArgumentError, match=told):
        cc.Blend(**keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"pdo": 0},
        {"pdo": math.nan},
        {"base_odds": -1},
        {"base_points": 1e12},
        {"min_points": 5, "max_points": 4},
    ],
)
def test_a_scaling_that_cannot_be_is_refused(keys: dict[str, float]) -> None:
    with pytest.raises(cc.ArgumentError):
        cc.Scaling(**keys)


def test_a_model_without_a_column_is_named() -> None:
    with pytest.raises(cc.SchemaError, match="no column `model_a`; did you mean `model_b`"):
        scored({"model_b": [0.1]}, cc.Blend(credit={"model_a": 1}))
    with pytest.raises(cc.SchemaError, match=r"column `a` is of type `.*Utf8.*`, not a number"):
        scored({"a": ["0.1"]}, cc.Blend(credit={"a": 1}))
