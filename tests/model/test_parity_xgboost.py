"""Small models of XGBoost, hundreds of them: every leaf, every raw output, every prediction.

In: models trained here by the library over objectives, tree methods, base scores and categories; rows that
lie on every threshold, one f32 beside it, and nowhere sensible (but for infinities, which the library does
not take).
Out: no leaf differs, and no bit of an output.
"""

from __future__ import annotations

import json
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
from tests.model.test_parity_lightgbm import NAMES, make_rows

xgb = pytest.importorskip("xgboost")
pytestmark = pytest.mark.parity

OBJECTIVES: list[dict[str, Any]] = [
    {"objective": "binary:logistic"},
    {"objective": "binary:logistic", "base_score": 0.9},
    {"objective": "binary:logitraw"},
    {"objective": "binary:hinge"},
    {"objective": "reg:logistic"},
    {"objective": "reg:squarederror"},
    {"objective": "reg:squarederror", "base_score": 0.1},
    {"objective": "reg:absoluteerror"},
    {"objective": "reg:pseudohubererror"},
    {"objective": "reg:squaredlogerror"},
    {"objective": "reg:quantileerror", "quantile_alpha": 0.3},
    {"objective": "count:poisson"},
    {"objective": "reg:gamma"},
    {"objective": "reg:tweedie"},
    {"objective": "survival:cox"},
    {"objective": "multi:softprob", "num_class": 3},
    {"objective": "multi:softprob", "num_class": 3, "base_score": 0.5},
    {"objective": "rank:pairwise"},
    {"objective": "rank:ndcg"},
]
METHODS: list[dict[str, Any]] = [
    {"tree_method": "hist"},
    {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0},
    {"tree_method": "approx"},
    {"tree_method": "exact"},
    {"tree_method": "hist", "num_parallel_tree": 3, "subsample": 0.6, "colsample_bynode": 0.7},
    {"tree_method": "hist", "gamma": 2.0},
]


def make_labels(random: np.random.Generator, rows: Matrix, objective: str) -> Matrix:
    clean = np.nan_to_num(rows)
    signal = (
        clean[:, 0] + np.log1p(clean[:, 1]) - 4 + 0.3 * (clean[:, 5] % 3) + random.normal(0, 0.5, len(rows))
    )
    if objective.startswith(("multi:", "rank:")):
        return np.digitize(signal, np.quantile(signal, [0.4, 0.8])).astype(float)
    if objective.startswith("binary:") or objective == "reg:logistic":
        return (signal > np.median(signal)).astype(float)
    if objective in ("count:poisson", "reg:gamma", "reg:tweedie", "reg:squaredlogerror", "survival:cox"):
        return np.exp(np.clip(signal, -3, 3)) + 0.01
    return signal


def matrix(rows: Matrix, kinds: list[str], label: Matrix | None = None, grouped: bool = False) -> Any:
    data = xgb.DMatrix(
        rows, label, feature_names=NAMES, feature_types=kinds, enable_categorical=True, nthread=1
    )
    if grouped:
        data.set_group([100, 100, 100])
    return data


def train(seed: int, objective: dict[str, Any], method: dict[str, Any]) -> tuple[Any, Matrix, list[str]]:
    random = np.random.default_rng(seed)
    rows = make_rows(random, 300)
    categorical = method["tree_method"] != "exact" and seed % 3
    kinds = ["q"] * 4 + (["c", "c" if seed % 3 == 2 else "q"] if categorical else ["q", "q"])
    params = {
        "max_depth": int(random.choice([1, 3, 6])),
        "eta": 0.3,
        "min_child_weight": float(random.choice([0.0, 1.0, 5.0])),
        "max_cat_to_onehot": int(random.choice([1, 5, 1000])),
        "max_bin": int(random.choice([8, 256])),
        "nthread": 1,
        "seed": seed,
        **method,
        **objective,
    }
    name = objective["objective"]
    data = matrix(rows, kinds, make_labels(random, rows, name), grouped=name.startswith("rank:"))
    return xgb.train(params, data, int(random.integers(1, 12))), rows, kinds


def assert_parity(booster: Any, rows: Matrix, kinds: list[str], file: Path, seed: int, what: str) -> None:
    booster.save_model(file)
    fleet = cc.Fleet.load({"m": file})
    tried = probe_rows(fleet, rows, seed)
    # The library refuses what is infinite as an f32, and negative categories in its own data only.
    with np.errstate(over="ignore"):
        tried = tried[~np.isinf(tried.astype(np.float32)).any(axis=1)]
    frame, data = frame_of(NAMES, tried), matrix(tried, kinds)
    assert_same_leaves(fleet.leaves(frame)["m"], booster.predict(data, pred_leaf=True), what)
    raw = booster.predict(data, output_margin=True)
    for engine, forced in engines_of(file):
        assert_same_bits(forced.predict(frame), raw, f"{what}, raw, {engine}")
    assert_same_bits(fleet.predict(frame, output="probability"), booster.predict(data), what)
    shap = booster.predict(matrix(rows[:20], kinds), pred_contribs=True)
    ours = fleet.contributions(frame[:20])["m"]
    assert ours.shape == shap.shape
    # The library reckons contributions in f32, so its own rounding grows with the numbers.
    scale = np.maximum(1.0, np.abs(shap).max())
    assert np.abs(ours - shap).max() <= 1e-6 * scale, f"{what}, contributions"


@pytest.mark.parametrize("method", METHODS, ids=["hist", "lossguide", "approx", "exact", "forest", "pruned"])
def test_small_models(method: dict[str, Any], tmp_path: Path) -> None:
    for number, objective in enumerate(OBJECTIVES):
        for repeat in range(2):
            seed = 10_000 * METHODS.index(method) + 10 * number + repeat
            trained, rows, kinds = train(seed, objective, method)
            assert_parity(trained, rows, kinds, tmp_path / "m.json", seed, f"{objective} {method} {kinds}")


EXTRAS: list[dict[str, Any]] = [
    {"monotone_constraints": "(1,0,-1,0,0,0)"},
    {"interaction_constraints": "[[0, 1], [2, 3, 4, 5]]"},
    {"base_score": 1e-9},
    {"booster": "gbtree", "scale_pos_weight": 3.0, "max_delta_step": 0.5},
]


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: next(iter(extra)))
def test_options_of_the_training(extra: dict[str, Any], tmp_path: Path) -> None:
    trained, rows, kinds = train(3000, {"objective": "binary:logistic"}, {**METHODS[0], **extra})
    assert_parity(trained, rows, kinds, tmp_path / "m.json", 3000, str(extra))


def test_several_quantiles_and_a_part_of_a_model(tmp_path: Path) -> None:
    objective = {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}
    trained, rows, kinds = train(4, objective, METHODS[0])
    if tuple(map(int, xgb.__version__.split(".")[:2])) < (3, 4):
        assert_parity(trained, rows, kinds, tmp_path / "m.json", 4, "quantiles")
    trained, rows, kinds = train(5, {"objective": "binary:logistic"}, METHODS[4])
    part = trained[1 : max(2, trained.num_boosted_rounds() - 1)]
    assert_parity(part, rows, kinds, tmp_path / "m.json", 5, "part")


@pytest.mark.parametrize("scale", [1e-40, 1e-44, 1e30])
def test_leaves_at_the_ends_of_the_range(scale: float, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    rows = make_rows(random, 300)
    data = xgb.DMatrix(rows, random.normal(size=300) * scale, feature_names=NAMES)
    trained = xgb.train({"nthread": 1, "max_depth": 3}, data, 5)
    trained.save_model(tmp_path / "m.json")
    fleet = cc.Fleet.load(tmp_path / "m.json")
    found = fleet.predict(frame_of(NAMES, rows))
    assert_same_bits(found, trained.predict(data, output_margin=True), f"{scale}")


def test_softmax_gives_the_probabilities_behind_its_classes(tmp_path: Path) -> None:
    trained, rows, kinds = train(1, {"objective": "multi:softmax", "num_class": 3}, METHODS[0])
    file = tmp_path / "m.json"
    trained.save_model(file)
    frame = frame_of(NAMES, rows)
    found = cc.Fleet.load({"m": file}).predict(frame, output="probability").to_numpy()
    assert_same_bits(found.argmax(axis=1), trained.predict(matrix(rows, kinds)), "classes")
    assert np.allclose(found.sum(axis=1), 1)


def test_several_targets_stand_side_by_side(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    rows = make_rows(random, 300)
    labels = np.column_stack([np.nan_to_num(rows[:, 0]), np.nan_to_num(rows[:, 2])])
    data = xgb.DMatrix(rows, labels, feature_names=NAMES)
    trained = xgb.train({"objective": "reg:squarederror", "max_depth": 3, "nthread": 1}, data, 5)
    assert_parity(trained, rows, ["q"] * 6, tmp_path / "m.json", 8, "targets")


@pytest.mark.parametrize("spelling", ["5E-1", "[5E-1]", "0.5", "5.0e-01", "[5E-1,5E-1,5E-1]"])
def test_every_spelling_of_a_base_score(spelling: str, tmp_path: Path) -> None:
    objective = {"objective": "multi:softprob", "num_class": 3, "base_score": 0.5}
    trained, rows, _ = train(1, objective, METHODS[0])
    file = tmp_path / "m.json"
    trained.save_model(file)
    told = json.loads(file.read_text())
    told["learner"]["learner_model_param"]["base_score"] = spelling
    other = tmp_path / "other.json"
    other.write_text(json.dumps(told))
    frame = frame_of(NAMES, rows)
    left, right = (cc.Fleet.load({"m": path}).predict(frame) for path in (file, other))
    assert left.equals(right)


def test_integers_and_doubles_become_singles_in_one_step(tmp_path: Path) -> None:
    """A wide integer rounds to f32 at once, not by way of a double."""
    values = np.array(
        [2**54 + 2**30 + 1, 2**54 + 2**30, 2**54, 2**25 + 1, 2**24 + 1, 3, -(2**54) - 2**30 - 1]
    )
    random = np.random.default_rng(1)
    data = random.choice(values, 500)
    label = random.random(500)
    params = {"max_depth": 4, "nthread": 1, "min_child_weight": 0, "tree_method": "exact"}
    trained = xgb.train(params, xgb.DMatrix(data.reshape(-1, 1), label, feature_names=["x"]), 10)
    file = tmp_path / "m.json"
    trained.save_model(file)
    fleet = cc.Fleet.load({"m": file})
    expected = trained.predict(xgb.DMatrix(values.reshape(-1, 1), feature_names=["x"]), output_margin=True)
    assert_same_bits(fleet.predict({"x": values}), expected, "i64")


def towns(names: list[str]) -> tuple[Any, Any]:
    """Records with categories, and a model of them."""
    pd = pytest.importorskip("pandas")
    random = np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "town": pd.Categorical(random.choice(names, 500)),
            "size": pd.Categorical(random.choice([10, 20, 30], 500)),
            "age": random.normal(40, 10, 500),
        }
    )
    label = ((rows.town == names[1]) ^ (rows["size"] == 20) ^ (rows.age > 45)).astype(float)
    params = {"objective": "binary:logistic", "max_cat_to_onehot": 1, "nthread": 1}
    return rows, xgb.train(params, xgb.DMatrix(rows, label, enable_categorical=True), 10)


@pytest.mark.parametrize("form", ["json", "ubj"])
def test_stored_categories_match_by_value(form: str, tmp_path: Path) -> None:
    rows, trained = towns(["x", "yy", "z", "w"])
    file = tmp_path / f"m.{form}"
    trained.save_model(file)
    fleet = cc.Fleet.load({"m": file})
    other = rows.iloc[::-1].reset_index(drop=True)
    other["town"] = other.town.cat.set_categories(["w", "z", "yy", "x"])
    expected = trained.predict(xgb.DMatrix(other, enable_categorical=True), output_margin=True)
    assert_same_bits(fleet.predict(other), expected, "pandas")
    texts = {"town": other.town.astype(str).tolist(), "size": other["size"].astype(str).tolist()}
    assert_same_bits(fleet.predict({**texts, "age": other.age.to_numpy()}), expected, "texts")


def test_stored_categories_that_are_not_ascii_must_be_declared(tmp_path: Path) -> None:
    """The library cuts `深圳` to two of its six bytes; its file cannot be matched by value."""
    rows, trained = towns(["北京市", "深圳市", "北海市", "x"])
    trained.save_model(tmp_path / "m.json")
    with pytest.raises(cc.SchemaError, match="declare `categories`"):
        cc.Fleet.load(tmp_path / "m.json").predict(rows)
    listed = json.dumps(rows.town.cat.categories.tolist(), ensure_ascii=False)
    declared = f"[[model]]\nfile = 'm.json'\ncategories = {{ town = {listed} }}\n"
    (tmp_path / "fleet.toml").write_text(declared, encoding="utf-8")
    expected = trained.predict(xgb.DMatrix(rows, enable_categorical=True), output_margin=True)
    assert_same_bits(cc.Fleet.load(tmp_path).predict(rows), expected, "declared")
