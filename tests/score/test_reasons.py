"""Reasons: parts that add up to the points, exactly; at most four, deterministic; texts in two languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc
from creditcore.demo import UCI_REASONS, UCI_SCHEMA

FEATURES = ["income", "age", "delay", "limit"]
SCALING = cc.Scaling(min_points=400, max_points=700)
CALIBRATIONS = [
    None,
    cc.Calibration({"kind": "platt", "slope": 0.7, "intercept": 0.4}),
    cc.Calibration({"kind": "isotonic", "log_odds": [-4.0, -1.0, 3.0], "probability": [0.01, 0.2, 0.9]}),
]


def example(seed: int, calibration: cc.Calibration | None, on_null: str) -> dict[str, Any]:
    """Contributions of two models, one without output in some rows, their scores and decisions."""
    random = np.random.default_rng(seed)
    shares = {name: random.normal(0, 0.7, (40, 5)) for name in ("a", "b")}
    if on_null != "refuse":
        shares["b"][::5] = np.nan
    raw = {name: pl.Series(values.sum(axis=1)).fill_nan(None) for name, values in shares.items()}
    blend = cc.Blend(credit={"a": 2, "b": 1}, on_null=on_null, calibration=calibration)
    decisions = {"effect": random.choice(["", "score -30", "cap 480", "score 11.3; cap 620"], 40).tolist()}
    scores = cc.score(raw, blend, SCALING, decisions, output="raw")
    return {
        "contributions": shares,
        "scores": scores,
        "blend": blend,
        "scaling": SCALING,
        "decisions": decisions,
    }


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    calibration=st.sampled_from(CALIBRATIONS),
    on_null=st.sampled_from(["refuse", "renormalise", "fallback"]),
)
def test_the_parts_add_up_to_the_points_exactly(
    seed: int, calibration: cc.Calibration | None, on_null: str
) -> None:
    given = example(seed, calibration, on_null)
    made = cc.reasons(features=FEATURES, **given)
    late = ["effect", "cap", "clamp"]
    for kinds, points in ((~pl.col("kind").is_in(late), "points_model"), (pl.lit(True), "points_final")):
        sums = made.parts.filter(kinds).group_by("row").agg(pl.col("points").sum()).sort("row")
        assert sums["points"].to_list() == given["scores"][points].to_list()
    assert (made.parts.filter(kind="rounding")["points"].abs() <= 4 / 64).all()
    adverse = made.adverse
    assert adverse["place"].max() in (None, 1, 2, 3, 4)
    assert (adverse["points"] < 0).all()
    same = adverse.equals(adverse.sort("row", "points", "feature"))
    assert same


def test_a_feature_is_summed_over_the_blend() -> None:
    shares = {"a": np.array([[0.4, 0.0, -2.0]]), "b": np.array([[-0.1, 0.2, -2.0]])}
    blend = cc.Blend(credit={"a": 3, "b": 1})
    scores = cc.score({"a": [-1.6], "b": [-1.9]}, blend, cc.Scaling(), output="raw")
    made = cc.reasons(shares, {"a": ["x", "y"], "b": ["y", "x"]}, scores, blend)
    factor = 20 / np.log(2)
    expected = {"x": -factor * (0.3 + 0.05), "y": -factor * -0.025}
    parts = dict(made.parts.filter(kind="feature").select("feature", "points").rows())
    assert parts == {name: pytest.approx(points, abs=1 / 128) for name, points in expected.items()}
    assert made.adverse.select("place", "feature", "text").rows() == [(1, "x", "x")]


def test_contributions_of_other_rows_or_models_are_refused() -> None:
    given = example(1, None, "refuse")
    turned = {
        **given,
        "contributions": {name: values[::-1] for name, values in given["contributions"].items()},
    }
    with pytest.raises(cc.ArgumentError, match="row 1: the contributions add up to"):
        cc.reasons(features=FEATURES, **turned)
    with pytest.raises(cc.ArgumentError, match="model `b` of the blend has no contributions"):
        cc.reasons(features=FEATURES, **{**given, "contributions": {"a": given["contributions"]["a"]}})
    with pytest.raises(cc.ArgumentError, match=r"shape \(40, 5\); it is \(rows, 3 features \+ 1\)"):
        cc.reasons(features=FEATURES[:3], **given)
    short = {name: values[:7] for name, values in given["contributions"].items()}
    with pytest.raises(cc.ArgumentError, match="model `a` has 7 rows, the scores 40"):
        cc.reasons(features=FEATURES, **{**given, "contributions": short})
    with pytest.raises(cc.ArgumentError, match="`n` is `5`"):
        cc.reasons(features=FEATURES, n=5, **given)


def test_a_score_that_is_null_has_no_reasons() -> None:
    blend = cc.Blend(credit={"a": 1}, on_null="renormalise")
    scores = cc.score({"a": [None, -1.0]}, blend, output="raw")
    made = cc.reasons({"a": [[np.nan, np.nan], [1.0, -2.0]]}, ["x"], scores, blend)
    assert made.parts["row"].unique().to_list() == [1]


def test_texts_come_in_english_and_chinese(tmp_path: Path) -> None:
    path = tmp_path / "texts.yaml"
    path.write_text("delay: {en: Payments were late, zh: 曾有逾期还款}\n", encoding="utf-8")
    given = example(2, None, "refuse")
    texts = cc.ReasonTexts.load(path)
    for language, told in (("en", "Payments were late"), ("zh", "曾有逾期还款")):
        made = cc.reasons(features=FEATURES, texts=texts, language=language, **given).adverse
        assert made.filter(feature="delay")["text"].unique().to_list() == [told]
        assert made.filter(feature="age")["text"].unique().to_list() == ["age"]
    with pytest.raises(cc.ArgumentError, match="`language` is `fr`"):
        cc.reasons(features=FEATURES, language="fr", **given)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {fr: b}", "feature `a`: no language `fr`"),
        ("a: {en: ''}", "the text in `en` is ``"),
        ("a: b", "feature `a` has no texts"),
        ("[a]", "a mapping of features"),
    ],
)
def test_texts_that_are_none_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "texts.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(cc.SchemaError, match=told):
        cc.ReasonTexts.load(path)


def test_every_input_of_the_packaged_model_has_a_text_in_both_languages() -> None:
    texts = cc.ReasonTexts.load(UCI_REASONS)
    for name in cc.Schema.load(UCI_SCHEMA).names:
        assert texts.text(name, "en") != name
        assert any("\u4e00" <= sign <= "\u9fff" for sign in texts.text(name, "zh"))
