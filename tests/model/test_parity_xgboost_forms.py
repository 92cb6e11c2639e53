"""Every form and booster of XGBoost's files: every leaf, every raw output, every prediction.

In: models trained here by the library, saved as JSON and as binary JSON: dropped-out trees, forests, linear
models, leaves that hold vectors, early stops. Out: no leaf differs, and no bit of an output.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creditcore as cc
from tests.model.oracle import assert_same_bits, assert_same_leaves, frame_of, probe_rows
from tests.model.test_parity_lightgbm import NAMES, make_rows
from tests.model.test_parity_xgboost import (
    METHODS,
    OBJECTIVES,
    assert_parity,
    make_labels,
    matrix,
    train,
)

xgb = pytest.importorskip("xgboost")
pytestmark = pytest.mark.parity

FORMS = ["json", "ubj"]
DART: list[dict[str, Any]] = [
    {"booster": "dart", "rate_drop": 0.5, "tree_method": "hist"},
    {"booster": "dart", "rate_drop": 0.3, "one_drop": 1, "normalize_type": "forest", "tree_method": "hist"},
    {"booster": "dart", "skip_drop": 0.5, "rate_drop": 0.9, "num_parallel_tree": 2, "tree_method": "approx"},
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dart", DART, ids=["tree", "forest", "parallel"])
def test_dropped_out_trees(dart: dict[str, Any], form: str, tmp_path: Path) -> None:
    for number, objective in enumerate(OBJECTIVES):
        seed = 50_000 + 100 * DART.index(dart) + number
        trained, rows, kinds = train(seed, objective, dart)
        assert_parity(trained, rows, kinds, tmp_path / f"m.{form}", seed, f"{objective} {dart} {kinds}")


@pytest.mark.parametrize("method", METHODS, ids=["hist", "lossguide", "approx", "exact", "forest", "pruned"])
def test_binary_json(method: dict[str, Any], tmp_path: Path) -> None:
    for number, objective in enumerate(OBJECTIVES):
        seed = 60_000 + 100 * METHODS.index(method) + number
        trained, rows, kinds = train(seed, objective, method)
        assert_parity(trained, rows, kinds, tmp_path / "m.ubj", seed, f"{objective} {method} {kinds}")


@pytest.mark.parametrize("form", FORMS)
def test_linear_models(form: str, tmp_path: Path) -> None:
    for number, objective in enumerate(OBJECTIVES):
        random = np.random.default_rng(number)
        rows = make_rows(random, 300)
        rows[:, 1] = np.log1p(rows[:, 1])
        rows[:, 5] /= 100
        name = objective["objective"]
        label = make_labels(random, rows, name)
        params = {"booster": "gblinear", "updater": ["shotgun", "coord_descent"][number % 2], "nthread": 1}
        data = matrix(rows, ["q"] * 6, label, grouped=name.startswith("rank:"))
        trained = xgb.train({**params, "eta": 0.2, "lambda": 0.1, **objective}, data, 4)
        file = tmp_path / f"m.{form}"
        trained.save_model(file)
        fleet = cc.Fleet.load({"m": file})
        frame, data = frame_of(NAMES, rows), matrix(rows, ["q"] * 6)
        what = f"{objective} {form}"
        assert_same_bits(fleet.predict(frame), trained.predict(data, output_margin=True), f"{what}, raw")
        assert_same_bits(fleet.predict(frame, output="probability"), trained.predict(data), what)
        shap = trained.predict(data, pred_contribs=True)
        ours = fleet.contributions(frame)["m"]
        assert ours.shape == shap.shape
        scale = np.maximum(1.0, np.abs(shap[np.isfinite(shap)]).max())
        assert np.abs(ours - shap).max() <= 1e-6 * scale, f"{what}, contributions"
        with pytest.raises(cc.ModelError, match="`m` is linear"):
            fleet.leaves(frame)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("depth", [1, 3, 6])
def test_leaves_that_hold_vectors(depth: int, form: str, tmp_path: Path) -> None:
    objectives: list[dict[str, Any]] = [
        {"objective": "reg:squarederror"},
        {"objective": "multi:softprob", "num_class": 4},
    ]
    for number, objective in enumerate(objectives):
        seed = 100 * depth + number
        random = np.random.default_rng(seed)
        rows = make_rows(random, 300)
        clean = np.nan_to_num(rows)
        several = np.column_stack([clean[:, 0], clean[:, 2] * clean[:, 0], np.log1p(clean[:, 1])])
        label = several if number == 0 else random.integers(0, 4, 300).astype(float)
        params: dict[str, Any] = {"multi_strategy": "multi_output_tree", "tree_method": "hist", "nthread": 1}
        data = xgb.DMatrix(rows, label, feature_names=NAMES)
        parallel: dict[str, Any] = {"num_parallel_tree": 1 + number}
        trained = xgb.train({**params, **objective, **parallel, "max_depth": depth}, data, 6)
        file = tmp_path / f"m.{form}"
        trained.save_model(file)
        fleet = cc.Fleet.load({"m": file})
        tried = probe_rows(fleet, rows, seed)
        with np.errstate(over="ignore"):
            tried = tried[~np.isinf(tried.astype(np.float32)).any(axis=1)]
        frame, data = frame_of(NAMES, tried), xgb.DMatrix(tried, feature_names=NAMES)
        what = f"{objective} of depth {depth}"
        assert_same_bits(fleet.predict(frame), trained.predict(data, output_margin=True), f"{what}, raw")
        assert_same_bits(fleet.predict(frame, output="probability"), trained.predict(data), what)
        leaves = fleet.leaves(frame)["m"]
        assert leaves.shape[1] == fleet.models[0]["trees"] == 6 * (1 + number)
        assert_same_leaves(leaves, trained.predict(data, pred_leaf=True), what)
        raw, parts = fleet.predict(frame[:50]).to_numpy(), fleet.contributions(frame[:50])["m"]
        assert np.abs(parts.sum(axis=2) - raw).max() <= 1e-5 * max(1.0, np.abs(raw).max())


@pytest.mark.parametrize(
    "more",
    [{}, {"num_parallel_tree": 3}, {"objective": "multi:softprob", "num_class": 3}, {"booster": "dart"}],
    ids=["plain", "forest", "classes", "dart"],
)
@pytest.mark.parametrize("form", FORMS)
def test_an_early_stop_is_followed_where_asked(more: dict[str, Any], form: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    rows = make_rows(random, 400)
    params = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.9, "nthread": 1, **more}
    label = make_labels(random, rows, params["objective"])
    data, other = (
        xgb.DMatrix(rows[part], label[part], feature_names=NAMES) for part in (slice(0, 200), slice(200, 400))
    )
    trained = xgb.train(
        params, data, 40, evals=[(other, "other")], early_stopping_rounds=4, verbose_eval=False
    )
    assert trained.best_iteration + 1 < trained.num_boosted_rounds()
    file = tmp_path / f"m.{form}"
    trained.save_model(file)
    frame, whole = frame_of(NAMES, rows), xgb.DMatrix(rows, feature_names=NAMES)
    every = cc.Fleet.load({"m": file})
    assert_same_bits(every.predict(frame), trained.predict(whole, output_margin=True), "all rounds")
    best = cc.Fleet.load({"m": file}, best_iteration=True)
    part = (0, trained.best_iteration + 1)
    expected = trained.predict(whole, output_margin=True, iteration_range=part)
    assert_same_bits(best.predict(frame), expected, "best rounds")
    (tmp_path / "fleet.toml").write_text(f"[[model]]\nfile = 'm.{form}'\nbest_iteration = true\n")
    assert cc.Fleet.load(tmp_path).models[0]["trees"] == best.models[0]["trees"]
