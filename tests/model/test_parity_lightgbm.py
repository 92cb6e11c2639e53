"""Small models of LightGBM, hundreds of them: every leaf, every raw output, every prediction.

In: models trained here by the library over objectives, boosters, missing values and categories; rows that
lie on every threshold, one step beside it, and nowhere sensible. Out: no leaf differs, and no bit of an
output.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creditcore as cc
from tests.model.oracle import (
    Matrix,
    assert_same_bits,
    assert_same_leaves,
    engines_of,
    frame_of,
    probe_rows,
)

lgb = pytest.importorskip("lightgbm")
pytestmark = pytest.mark.parity

OBJECTIVES: list[dict[str, Any]] = [
    {"objective": "binary"},
    {"objective": "binary", "sigmoid": 0.7},
    {"objective": "regression"},
    {"objective": "regression", "reg_sqrt": True},
    {"objective": "regression_l1"},
    {"objective": "huber"},
    {"objective": "fair"},
    {"objective": "quantile", "alpha": 0.3},
    {"objective": "mape"},
    {"objective": "poisson"},
    {"objective": "gamma"},
    {"objective": "tweedie"},
    {"objective": "cross_entropy"},
    {"objective": "cross_entropy_lambda"},
    {"objective": "multiclass", "num_class": 3},
    {"objective": "multiclassova", "num_class": 3, "sigmoid": 1.5},
    {"objective": "lambdarank"},
    {"objective": "rank_xendcg"},
]
BOOSTERS: list[dict[str, Any]] = [
    {"boosting": "gbdt"},
    {"boosting": "dart", "drop_rate": 0.5},
    {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7},
    {"boosting": "gbdt", "data_sample_strategy": "goss"},
]
MISSING: list[dict[str, Any]] = [{}, {"zero_as_missing": True}, {"use_missing": False}]
NAMES = ["a", "b", "c", "d", "e", "f"]


def make_rows(random: np.random.Generator, count: int) -> Matrix:
    """Continuous, rounded, sparse and tiny numbers, and two categories, with gaps."""
    rows = np.column_stack(
        [
            random.normal(size=count),
            np.round(np.exp(random.normal(4, 1.5, count)), 2),
            random.poisson(0.7, count).astype(float),
            random.choice([0.0, 1e-36, -1e-36, 2e-35, -2e-35, 1.0], count),
            random.integers(0, 12, count).astype(float),
            np.minimum(random.pareto(1.0, count) * 10, 300).astype(int).astype(float),
        ]
    )
    rows[random.random(rows.shape) < random.choice([0.0, 0.05, 0.3])] = np.nan
    return rows


def make_labels(random: np.random.Generator, rows: Matrix, objective: dict[str, Any]) -> Matrix:
    """Labels of the kind that an objective asks for."""
    clean = np.nan_to_num(rows)
    signal = clean[:, 0] + np.log1p(clean[:, 1]) - 4 + 0.5 * np.sin(clean[:, 4]) + 0.3 * (clean[:, 5] % 3)
    signal = signal + random.normal(0, 0.5, len(rows))
    kind = objective["objective"]
    if kind in ("multiclass", "multiclassova", "lambdarank", "rank_xendcg"):
        return np.digitize(signal, np.quantile(signal, [0.4, 0.8])).astype(float)
    if kind in ("binary", "cross_entropy", "cross_entropy_lambda"):
        return (signal > np.median(signal)).astype(float)
    if kind in ("poisson", "gamma", "tweedie", "mape"):
        return np.exp(np.clip(signal, -5, 5)) + 0.01
    return signal


def train(seed: int, objective: dict[str, Any], more: dict[str, Any]) -> tuple[Any, Matrix]:
    random = np.random.default_rng(seed)
    rows = make_rows(random, 300)
    params = {
        "num_leaves": int(random.choice([2, 5, 15, 40])),
        "learning_rate": 0.2,
        "min_data_in_leaf": int(random.choice([1, 5, 20])),
        "max_bin": int(random.choice([7, 63, 255])),
        "max_cat_to_onehot": int(random.choice([1, 4, 32])),
        "cat_smooth": 1.0,
        "min_data_per_group": 5,
        "verbosity": -1,
        "num_threads": 1,
        "seed": seed,
        **objective,
        **more,
    }
    ranked = objective["objective"] in ("lambdarank", "rank_xendcg")
    data = lgb.Dataset(
        rows,
        make_labels(random, rows, objective),
        feature_name=NAMES,
        categorical_feature=[[], [4], [4, 5]][seed % 3],
        group=[100, 100, 100] if ranked else None,
        free_raw_data=False,
    )
    return lgb.train(params, data, int(random.integers(1, 12))), rows


def assert_parity(booster: Any, rows: Matrix, folder: Path, seed: int, what: str) -> None:
    file = folder / "model.txt"
    booster.save_model(file)
    fleet = cc.Fleet.load({"m": file})
    tried = probe_rows(fleet, rows, seed)
    frame = frame_of(NAMES, tried)
    # The library forgets `sqrt` and `sigmoid` of a loaded model at its peril: ask the loaded one.
    loaded = lgb.Booster(model_file=str(file))
    assert_same_leaves(fleet.leaves(frame)["m"], loaded.predict(tried, pred_leaf=True), what)
    raw = loaded.predict(tried, raw_score=True)
    for engine, forced in engines_of(file):
        assert_same_bits(forced.predict(frame), raw, f"{what}, raw, {engine}")
    assert_same_bits(fleet.predict(frame, output="probability"), loaded.predict(tried), what)
    shap = loaded.predict(rows[:20], pred_contrib=True)
    ours = fleet.contributions(frame[:20])["m"]
    assert ours.shape == shap.shape
    scale = np.maximum(1.0, np.abs(shap).max())
    assert np.abs(ours - shap).max() <= 1e-6 * scale, f"{what}, contributions"


@pytest.mark.parametrize("missing", MISSING, ids=["nan", "zero", "none"])
@pytest.mark.parametrize("booster", BOOSTERS, ids=["gbdt", "dart", "rf", "goss"])
def test_small_models(booster: dict[str, Any], missing: dict[str, Any], tmp_path: Path) -> None:
    base = 1000 * BOOSTERS.index(booster) + 100 * MISSING.index(missing)
    for number, objective in enumerate(OBJECTIVES):
        what = f"{objective} {booster} {missing}"
        trained, rows = train(base + number, objective, {**booster, **missing})
        assert_parity(trained, rows, tmp_path, base + number, what)


EXTRAS: list[dict[str, Any]] = [
    {"monotone_constraints": [1, 0, -1, 0, 0, 0]},
    {"use_quantized_grad": True},
    {"extra_trees": True, "path_smooth": 1.0},
    {"interaction_constraints": [[0, 1], [2, 3, 4, 5]], "cegb_tradeoff": 1.0},
    {"boost_from_average": False, "is_unbalance": True},
]


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: next(iter(extra)))
def test_options_of_the_training(extra: dict[str, Any], tmp_path: Path) -> None:
    # Divisible by three: monotone features cannot be categorical.
    trained, rows = train(3000, {"objective": "binary"}, extra)
    assert_parity(trained, rows, tmp_path, 3000, str(extra))


def test_a_part_of_a_model_and_a_continued_one(tmp_path: Path) -> None:
    trained, rows = train(7, {"objective": "multiclass", "num_class": 3}, {})
    label = make_labels(np.random.default_rng(7), rows, {"objective": "multiclass"})
    params = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    data = lgb.Dataset(rows, label, feature_name=NAMES, free_raw_data=False)
    longer = lgb.train(params, data, 9, init_model=trained)
    assert_parity(longer, rows, tmp_path, 7, "continued")
    longer.save_model(tmp_path / "part.txt", num_iteration=3, start_iteration=2)
    assert_parity(lgb.Booster(model_file=str(tmp_path / "part.txt")), rows, tmp_path, 8, "part")


@pytest.mark.parametrize("scale", [1e300, 1e-300, 1e-310])
def test_values_at_the_ends_of_the_range(scale: float, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    rows = make_rows(random, 300) * scale
    for label_scale in (1.0, 1e10, 1e-310):
        data = lgb.Dataset(rows, random.normal(size=300) * label_scale, feature_name=NAMES)
        trained = lgb.train({"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 3}, data, 5)
        assert_parity(trained, rows, tmp_path, 2, f"{scale} {label_scale}")


def test_a_constant_label_gives_single_leaves(tmp_path: Path) -> None:
    rows = make_rows(np.random.default_rng(3), 200)
    data = lgb.Dataset(rows, np.full(200, 2.5), feature_name=NAMES)
    trained = lgb.train({"objective": "regression", "verbosity": -1, "num_threads": 1}, data, 3)
    assert_parity(trained, rows, tmp_path, 3, "constant label")


def test_single_precision_and_integers_take_the_same_leaves(tmp_path: Path) -> None:
    """A frame of another type gives what the library gives for the same values as doubles."""
    random = np.random.default_rng(11)
    rows = np.round(make_rows(random, 400))
    rows[np.isnan(rows)] = 0
    trained, _ = train(12, {"objective": "binary"}, {})
    file = tmp_path / "model.txt"
    trained.save_model(file)
    fleet = cc.Fleet.load({"m": file})
    single = rows.astype(np.float32)
    expected = trained.predict(single.astype(np.float64), raw_score=True)
    frame = {name: single[:, place] for place, name in enumerate(NAMES)}
    assert_same_bits(fleet.predict(frame), expected, "f32")
    whole = {name: rows[:, place].astype(np.int64) for place, name in enumerate(NAMES)}
    expected = trained.predict(rows.astype(np.int64).astype(np.float64), raw_score=True)
    assert_same_bits(fleet.predict(whole), expected, "i64")


def test_pandas_categories_match_by_value(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    random = np.random.default_rng(5)
    towns = np.array(["x", "深圳", "z", "w"])
    rows = pd.DataFrame(
        {
            "town": pd.Categorical(random.choice(towns, 500), categories=towns),
            "size": pd.Categorical(random.choice([10, 20, 30], 500)),
            "age": random.normal(40, 10, 500),
        }
    )
    label = (rows.town == "深圳") ^ (rows["size"] == 20) ^ (rows.age > 45)
    params = {"objective": "binary", "min_data_per_group": 1, "cat_smooth": 1, "verbosity": -1}
    trained = lgb.train(params, lgb.Dataset(rows, label.astype(float)), 10)
    file = tmp_path / "model.txt"
    trained.save_model(file)
    fleet = cc.Fleet.load({"m": file})
    other = rows.iloc[::-1].reset_index(drop=True)
    # Other codes, and a value that the model never saw.
    other["town"] = other.town.cat.set_categories(["w", "x", "new", "深圳", "z"])
    other.loc[:9, "town"] = "new"
    expected = trained.predict(other, raw_score=True)
    assert_same_bits(fleet.predict(other), expected, "pandas")
    texts = {"town": other.town.astype(str).tolist(), "size": other["size"].astype(str).tolist()}
    frame = {**texts, "age": other.age.to_numpy()}
    assert_same_bits(fleet.predict(frame), expected, "texts")
    assert fleet.unseen(frame) == [{"model": "m", "feature": "town", "value": "new", "rows": 10}]
