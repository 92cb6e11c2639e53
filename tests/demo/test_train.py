"""How the fleet is trained: on what a lender could learn from, and nothing else."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from creditcore.demo.features import CATEGORICAL, NAMES
from creditcore.demo.fleet import manifest, unpack
from creditcore.demo.fleet_plan import FOCUS, plans
from creditcore.demo.model_text import stripped
from creditcore.demo.network_columns import features_of, with_network
from creditcore.demo.train import (
    CALIBRATED_FROM,
    FIRST_DAY,
    INPUTS,
    LEARNED_UNTIL,
    Sample,
    blended,
    isotonic,
    matrix,
    platt,
    probe,
    probe_digest,
    rows_of,
    sample,
    train,
)
from creditcore.demo.world import World, chunks

WORLD = World(30_000, 11, "null", FIRST_DAY)


@pytest.fixture(scope="module")
def drawn() -> Sample:
    return sample(WORLD)


def test_the_sample_is_what_a_lender_could_learn_from(drawn: Sample) -> None:
    records = pl.concat([frame for frame, _ in chunks(WORLD)])
    open_cases = records.filter((pl.col("prior_decision") == "accepted") & pl.col("outcome").is_not_null())
    times = open_cases["event_time"].dt.replace_time_zone(None)
    kept = with_network(open_cases.filter(times < LEARNED_UNTIL), features_of(records))
    assert len(drawn.facts) == len(drawn.values) == len(kept)
    assert 5_000 < len(kept) < len(open_cases)
    assert drawn.values.shape[1] == len(INPUTS)
    assert set(drawn.facts.columns) == {"kind", "channel", "event_time", "bad", "fraud_kind"}
    assert np.array_equal(drawn.values, matrix(kept), equal_nan=True)
    # Every outcome was observed before the fleet's data end, and before the months that calibrate end.
    assert kept["observed_at"].max() < WORLD.as_of  # type: ignore[operator]
    assert datetime.datetime.combine(FIRST_DAY, datetime.time()) < CALIBRATED_FROM < LEARNED_UNTIL


def test_classes_become_positions_and_gaps_nan() -> None:
    frame = next(chunks(World(3_000, 5)))[0]
    values = matrix(with_network(frame, features_of(frame)))
    for name in ("f33_application_employment", "f45_device_os"):
        column = values[:, NAMES.index(name)]
        missing = frame[name].is_null().to_numpy()
        assert np.array_equal(np.isnan(column), missing)
        words = [CATEGORICAL[name][int(code)] for code in column[~missing]]
        assert words == frame[name].drop_nulls().to_list()
    score = values[:, NAMES.index("f01_bureau_score")]
    assert np.array_equal(score, frame["f01_bureau_score"].to_numpy())
    assert (score == -999).any()


def test_a_credit_model_learns_from_no_confirmed_fraud(drawn: Sample) -> None:
    rows, labels, weights = rows_of(plans()[-1], drawn)
    facts = drawn.facts[rows]
    assert facts["fraud_kind"].null_count() == len(rows)
    assert facts["bad"].null_count() == 0
    assert np.array_equal(labels, facts["bad"].to_numpy().astype(float))
    assert set(weights) == {1.0}


@pytest.mark.parametrize("place", [0, 42, 90, 130, 190])
def test_a_fraud_model_learns_its_frauds_in_its_segment(drawn: Sample, place: int) -> None:
    plan = plans()[place]
    rows, labels, weights = rows_of(plan, drawn)
    facts = drawn.facts[rows].with_columns(label=pl.Series(labels), weight=pl.Series(weights))
    assert set(facts.filter(pl.col("label") == 1)["fraud_kind"]) <= set(FOCUS[plan.focus])
    assert facts.filter(pl.col("label") == 0)["fraud_kind"].null_count() == (labels == 0).sum()
    if plan.segment in ("app", "web"):
        assert set(facts["channel"]) == {plan.segment}
    elif plan.segment != "all":
        assert set(facts["kind"]) == {plan.segment}
    # The honest ones stand for all of them, so that a chance means what it says.
    told = drawn.facts.filter(pl.col("fraud_kind").is_null())
    if plan.applies_to:
        told = told.filter(pl.sql_expr(plan.applies_to))
    assert weights[labels == 0].sum() == pytest.approx(len(told))
    assert set(weights[labels == 1]) <= {1.0}


def test_a_blend_is_the_mean_over_the_models_that_apply() -> None:
    first, second = plans()[0], plans()[8]
    assert first.applies_to is None
    assert second.applies_to == "kind = 'person'"
    facts = pl.DataFrame({"kind": ["person", "enterprise"], "channel": ["app", "web"]})
    scores = {first.name: np.array([1.0, 2.0]), second.name: np.array([4.0, 9.0])}
    assert blended(scores, [first, second], facts).tolist() == [2.5, 2.0]


def test_platt_finds_the_line_that_made_the_labels() -> None:
    stream = np.random.default_rng(1)
    scores = stream.normal(-2.0, 1.5, 200_000)
    labels = (stream.random(200_000) < 1.0 / (1.0 + np.exp(-(0.7 * scores - 0.4)))).astype(float)
    slope, intercept = platt(scores, labels)
    assert slope == pytest.approx(0.7, abs=0.02)
    assert intercept == pytest.approx(-0.4, abs=0.04)


def test_isotonic_steps_rise_and_keep_the_share_of_cases() -> None:
    stream = np.random.default_rng(2)
    scores = stream.normal(-2.0, 1.5, 100_000)
    chance = 1.0 / (1.0 + np.exp(-scores))
    labels = (stream.random(100_000) < chance).astype(float)
    places, shares = isotonic(scores, labels, 50)
    assert all(low < high for low, high in itertools.pairwise(places))
    assert all(low < high for low, high in itertools.pairwise(shares))
    assert np.interp(scores, places, shares).mean() == pytest.approx(labels.mean(), abs=0.003)
    assert np.abs(np.interp(scores, places, shares) - chance).mean() < 0.01


@pytest.mark.parametrize(
    ("labels", "points"),
    [
        ([0, 1, 0, 1], ([1.5], [0.5])),
        ([0, 0, 1, 1], ([1.0, 3.0], [1 / 3, 1.0])),
        ([1, 1, 0, 0], ([1.5], [0.5])),
        ([0, 0, 0, 0], ([1.5], [0.0])),
        ([1, 1, 1, 1], ([1.5], [1.0])),
    ],
)
def test_isotonic_steps_of_few_cases(labels: list[int], points: tuple[list[float], list[float]]) -> None:
    scores = np.arange(4, dtype=float)
    assert isotonic(scores, np.array(labels, dtype=float), 1) == points


def test_a_probe_is_the_same_everywhere() -> None:
    digest = hashlib.sha256(probe(NAMES).astype("<f8").tobytes()).hexdigest()
    assert digest == hashlib.sha256(probe(NAMES).astype("<f8").tobytes()).hexdigest()
    assert digest[:16] == "c710b8d1b7c83d2d"
    assert np.isnan(probe(NAMES)).mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parity
@pytest.mark.parametrize("place", [0, 25, 203 - 1])
def test_stripping_changes_no_bit(drawn: Sample, place: int) -> None:
    import lightgbm

    plan = plans()[place]
    booster = train(plan, drawn)
    text = booster.model_to_string()
    again = lightgbm.Booster(model_str=stripped(text, CATEGORICAL))
    values = drawn.values[:, [INPUTS.index(name) for name in plan.features]]
    for rows in (values, probe(plan.features)):
        for asked in ({"raw_score": True}, {}, {"pred_leaf": True}, {"pred_contrib": True}):
            before, after = (np.asarray(one.predict(rows, **asked)) for one in (booster, again))
            assert before.tobytes() == after.tobytes(), asked
    # What the sizes in the head mean is what they meant before.
    sizes = [int(size) for size in re.search(r"^tree_sizes=(.*)$", text, re.MULTILINE)[1].split()]  # type: ignore[index]
    assert sum(sizes) == text.index("end of trees") - text.index("Tree=0")
    assert len(stripped(text, CATEGORICAL)) < 0.75 * len(text)


@pytest.mark.parity
def test_training_gives_the_same_model_twice(drawn: Sample) -> None:
    for plan in (plans()[3], plans()[-1]):
        first, second = (train(plan, drawn).model_to_string() for _ in range(2))
        assert first == second


@pytest.mark.parity
def test_packaged_models_predict_what_they_did_before_stripping(tmp_path: Path) -> None:
    import lightgbm

    folder = unpack(tmp_path)
    digests = manifest()["probes"]
    for plan in plans():
        booster = lightgbm.Booster(model_file=str(folder / f"{plan.name}.txt"))
        assert booster.num_trees() == plan.trees
        assert booster.feature_name() == list(plan.features)
        assert probe_digest(booster, plan.features) == digests[plan.name], plan.name
