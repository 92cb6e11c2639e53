"""Small models of CatBoost, many of them: every leaf and every raw output, binary form and JSON export.

In: models trained here by the library over objectives, ways to grow, missing values and categories; rows that
lie on every border, one f32 beside it, and nowhere sensible. Out: no leaf differs, and no bit of an output;
predictions and contributions agree within a few units of the last place.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from tests.model.oracle import Matrix, assert_same_bits, assert_same_leaves

cb = pytest.importorskip("catboost")
pytestmark = pytest.mark.parity

NUMBERS = ["a", "b", "c", "d"]
CATEGORIES = ["town", "kind"]
TOWNS = ["x", "深圳市", "z", "", "a town with a rather long name, longer than thirty-two bytes"]
OBJECTIVES: list[dict[str, Any]] = [
    {"loss_function": "Logloss"},
    {"loss_function": "CrossEntropy"},
    {"loss_function": "RMSE"},
    {"loss_function": "RMSE", "boost_from_average": False},
    {"loss_function": "MAE"},
    {"loss_function": "Quantile:alpha=0.3"},
    {"loss_function": "Huber:delta=1"},
    {"loss_function": "Poisson"},
    {"loss_function": "Tweedie:variance_power=1.5"},
    {"loss_function": "MultiClass"},
    {"loss_function": "MultiClassOneVsAll"},
    {"loss_function": "MultiRMSE"},
    {"loss_function": "YetiRank"},
]
GROWN: list[dict[str, Any]] = [
    {"depth": 6},
    {"depth": 1},
    {"depth": 9, "iterations": 3},
    {"grow_policy": "Depthwise", "depth": 5},
    {"grow_policy": "Lossguide", "max_leaves": 12, "depth": 8},
]


def make_rows(random: np.random.Generator, count: int, missing: float) -> dict[str, Any]:
    numbers = np.column_stack(
        [
            random.normal(size=count),
            np.round(np.exp(random.normal(4, 1.5, count)), 2),
            random.poisson(0.7, count).astype(float),
            random.choice([0.0, 1e-40, -1e-36, 2e-35, 1.0], count),
        ]
    )
    numbers[random.random(numbers.shape) < missing] = np.nan
    frame: dict[str, Any] = {name: numbers[:, place] for place, name in enumerate(NUMBERS)}
    return {**frame, "town": random.choice(TOWNS, count), "kind": random.integers(-3, 5, count)}


def make_labels(random: np.random.Generator, rows: dict[str, Any], loss: str) -> Matrix:
    signal: Matrix = np.nan_to_num(rows["a"]) + np.log1p(np.nan_to_num(rows["b"])) / 3 - 1
    signal = signal + (rows["town"] == "深圳市") + 0.5 * (rows["kind"] == 2)
    signal = signal + random.normal(0, 0.3, len(signal))
    if loss in ("Logloss", "CrossEntropy"):
        return (signal > np.median(signal)).astype(float)
    if loss.startswith("MultiClass") or loss == "YetiRank":
        return np.digitize(signal, np.quantile(signal, [0.4, 0.8])).astype(float)
    if loss.startswith(("Poisson", "Tweedie")):
        return np.exp(np.clip(signal, -3, 3))
    return np.column_stack([signal, -signal * 2]) if loss == "MultiRMSE" else signal


def pool(rows: dict[str, Any], names: list[str], label: Any = None, group: Any = None) -> Any:
    """The records as the library takes them."""
    columns = [np.asarray(rows[name], dtype=object) for name in names]
    table = np.empty((len(columns[0]), len(names)), dtype=object)
    for place, column in enumerate(columns):
        table[:, place] = column
    places = [place for place, name in enumerate(names) if name in CATEGORIES]
    return cb.Pool(table, label, cat_features=places, feature_names=names, group_id=group)


def probe_rows(fleet: cc.Fleet, rows: dict[str, Any], names: list[str], seed: int) -> dict[str, Any]:
    """The rows, rows with one number replaced by a border or its neighbours, rows with unseen categories."""
    random = np.random.default_rng(seed)
    tries = [(names[place], value) for place, values in enumerate(fleet._core.probes(0)) for value in values]
    tries = [(name, value) for name, value in tries if name in NUMBERS]
    if len(tries) > 1500:
        tries = [tries[place] for place in random.choice(len(tries), 1500, replace=False)]
    picked = random.integers(0, len(rows["a"]), len(tries) + 50)
    probes = {name: np.array(values)[picked] for name, values in rows.items()}
    for row, (name, value) in enumerate(tries):
        probes[name][row] = value
    probes["town"] = probes["town"].astype(object)
    probes["town"][-50:] = random.choice(["new", "x", "nan", "None"], 50)
    probes["kind"][-50:] = random.choice([99, -1], 50)
    return {
        name: np.concatenate([np.asarray(rows[name], dtype=probes[name].dtype), probes[name]])
        for name in rows
    }


def frame_of(rows: dict[str, Any], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({name: rows[name].tolist() if name == "town" else rows[name] for name in names})


def assert_parity(
    trained: Any,
    rows: dict[str, Any],
    names: list[str],
    folder: Path,
    seed: int,
    what: str,
    *,
    explained: bool = True,
) -> None:
    """Assert that both forms give the library's answers; `explained`: its contributions too."""
    tried: dict[str, Any] = {}
    for form, format_ in (("cbm", "cbm"), ("json", "json")):
        file = folder / f"m.{form}"
        trained.save_model(
            str(file), format=format_, **({"pool": pool(rows, names)} if form == "json" else {})
        )
        fleet = cc.Fleet.load({"m": file})
        tried = tried or probe_rows(fleet, rows, names, seed)
        frame, data = frame_of(tried, names), pool(tried, names)
        text = f"{what}, {form}"
        leaves = fleet.leaves(frame)["m"]
        loaded = cb.CatBoost().load_model(str(file), format=format_)
        assert_same_leaves(leaves, loaded.calc_leaf_indexes(data), text)
        raw = trained.predict(data, prediction_type="RawFormulaVal")
        assert_same_bits(fleet.predict(frame), raw, f"{text}, raw")
        loss = trained.get_all_params()["loss_function"].split(":")[0]
        if loss in ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll"):
            theirs = trained.predict(data, prediction_type="Probability")
            theirs = theirs[:, 1] if loss in ("Logloss", "CrossEntropy") else theirs
        elif loss in ("Poisson", "Tweedie"):
            theirs = trained.predict(data, prediction_type="Exponent")
        else:
            theirs = raw
        ours = fleet.predict(frame, output="probability").to_numpy().reshape(theirs.shape)
        assert np.allclose(ours, theirs, rtol=1e-14, atol=0), text
        few = {name: values[:40] for name, values in tried.items()}
        parts = fleet.contributions(frame[:40])["m"]
        sums = parts.reshape(40, -1, parts.shape[-1]).sum(axis=2)
        assert np.abs(sums - raw[:40].reshape(sums.shape)).max() <= 1e-9 * max(1.0, np.abs(raw).max())
        if not explained:
            continue
        shap = trained.get_feature_importance(pool(few, names), type="ShapValues")
        assert parts.shape == shap.shape
        assert np.abs(parts - shap).max() <= 1e-9 * max(1.0, np.abs(shap).max()), f"{text}, contributions"


@pytest.mark.parametrize("grown", GROWN, ids=["six", "one", "nine", "depthwise", "lossguide"])
def test_small_models(grown: dict[str, Any], tmp_path: Path) -> None:
    for number, objective in enumerate(OBJECTIVES):
        loss = objective["loss_function"]
        if "grow_policy" in grown and loss in ("YetiRank", "MultiRMSE"):
            continue  # the library refuses to train these
        seed = 100 * GROWN.index(grown) + number
        random = np.random.default_rng(seed)
        rows = make_rows(random, 400, [0.0, 0.1, 0.3][seed % 3])
        names = NUMBERS + (CATEGORIES if seed % 4 else [])
        params = {
            "iterations": int(random.integers(1, 12)),
            "learning_rate": 0.3,
            "one_hot_max_size": 100,
            "nan_mode": ["Min", "Max"][number % 2],
            "border_count": int(random.choice([4, 32, 254])),
            "random_seed": seed,
            "thread_count": 1,
            "verbose": 0,
            "allow_writing_files": False,
            **objective,
            **grown,
        }
        group = np.repeat(np.arange(4), 100) if loss == "YetiRank" else None
        trained = cb.CatBoost(params).fit(pool(rows, names, make_labels(random, rows, loss), group))
        what = f"{objective} {grown} {names}"
        assert_parity(trained, rows, names, tmp_path, seed, what, explained="grow_policy" not in grown)


def shapley(tree: dict[str, Any], row: dict[int, float]) -> list[float]:
    """Shapley's values of a tree by their definition; what is not known is weighed by the training rows."""

    def weight(node: dict[str, Any]) -> float:
        return float(node["weight"]) if "value" in node else weight(node["left"]) + weight(node["right"])

    def game(node: dict[str, Any], known: frozenset[int]) -> float:
        if "value" in node:
            return float(node["value"])
        split, ways = node["split"], (node["left"], node["right"])
        if split["float_feature_index"] in known:
            above = bool(row[split["float_feature_index"]] > split["border"])
            return game(ways[above], known)
        return sum(weight(way) / weight(node) * game(way, known) for way in ways)

    features = range(len(row))
    values = [0.0] * len(row)
    for feature in features:
        others = [other for other in features if other != feature]
        for size in range(len(row)):
            share = math.factorial(size) * math.factorial(len(row) - size - 1) / math.factorial(len(row))
            for known in map(frozenset, itertools.combinations(others, size)):
                values[feature] += share * (game(tree, known | {feature}) - game(tree, known))
    return [*values, game(tree, frozenset())]


@pytest.mark.parametrize("grown", GROWN[3:], ids=["depthwise", "lossguide"])
def test_trees_that_are_not_symmetric_are_explained_by_definition(
    grown: dict[str, Any], tmp_path: Path
) -> None:
    """The library's own are of no help: the base that it tells is not the mean of its trees' leaves."""
    random = np.random.default_rng(3)
    rows = make_rows(random, 400, 0.1)
    params = {"iterations": 3, "boost_from_average": False, "verbose": 0, "allow_writing_files": False}
    trained = cb.CatBoost({**params, **grown}).fit(pool(rows, NUMBERS, make_labels(random, rows, "RMSE")))
    trained.save_model(str(tmp_path / "m.json"), format="json")
    trained.save_model(str(tmp_path / "m.cbm"))
    trees = json.loads((tmp_path / "m.json").read_text())["trees"]
    frame = frame_of({name: values[:10] for name, values in rows.items()}, NUMBERS)
    for form in ("json", "cbm"):
        found = cc.Fleet.load(tmp_path / f"m.{form}").contributions(frame)["m"]
        for place in range(10):
            row = {index: float(np.float32(frame[name][place])) for index, name in enumerate(NUMBERS)}
            expected = np.sum([shapley(tree, row) for tree in trees], axis=0)
            assert np.abs(found[place] - expected).max() <= 1e-12


def test_a_scale_and_a_bias_come_after_the_sum(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = make_rows(random, 400, 0.1)
    params = {"iterations": 5, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    trained = cb.CatBoost(params).fit(pool(rows, NUMBERS, make_labels(random, rows, "RMSE")))
    for scale, bias in ((0.1, 0.7), (-3.0, 1e-9), (1.0, 0.1)):
        trained.set_scale_and_bias(scale, bias)
        assert_parity(trained, rows, NUMBERS, tmp_path, 1, f"scale {scale}", explained=scale == 1)


def test_columns_of_every_kind_of_category(tmp_path: Path) -> None:
    """Texts, dictionaries and whole numbers are one category each; what has no text is refused."""
    random = np.random.default_rng(2)
    rows = make_rows(random, 300, 0.0)
    names = NUMBERS + CATEGORIES
    params = {"iterations": 20, "one_hot_max_size": 100, "verbose": 0, "allow_writing_files": False}
    trained = cb.CatBoost(params).fit(pool(rows, names, make_labels(random, rows, "RMSE")))
    trained.save_model(str(tmp_path / "m.cbm"))
    fleet = cc.Fleet.load(tmp_path / "m.cbm")
    frame = frame_of(rows, names)
    whole = fleet.predict(frame)
    for kind in (pl.Categorical, pl.Enum(TOWNS)):
        assert fleet.predict(frame.with_columns(pl.col("town").cast(kind))).equals(whole)
    assert fleet.predict(frame.with_columns(pl.col("kind").cast(pl.String))).equals(whole)
    assert fleet.predict(frame.with_columns(pl.col("kind").cast(pl.Int8))).equals(whole)
    with pytest.raises(cc.SchemaError, match="texts or integers"):
        fleet.predict(frame.with_columns(pl.col("kind").cast(pl.Float64)))
    with pytest.raises(cc.SchemaError, match="holds a null"):
        fleet.predict(frame.with_columns(town=pl.lit(None, pl.String)))


COMPUTED: list[dict[str, Any]] = [
    {},
    {"max_ctr_complexity": 4, "depth": 6},
    {"simple_ctr": ["Buckets", "Counter"], "combinations_ctr": ["Buckets"]},
    {"simple_ctr": ["BinarizedTargetMeanValue", "Counter"]},
    {"simple_ctr": ["Borders:CtrBorderCount=40:Prior=0.3"], "counter_calc_method": "Full"},
    {"grow_policy": "Lossguide", "max_leaves": 9},
    {"simple_ctr": ["Borders:TargetBorderCount=3", "Buckets:TargetBorderCount=2"]},
]


@pytest.mark.parametrize("more", COMPUTED, ids=lambda more: next(iter(more), "plain"))
def test_features_computed_from_categories(more: dict[str, Any], tmp_path: Path) -> None:
    """Raw outputs to the bit: the computed numbers lie on borders of their own as often as not."""
    for number, objective in enumerate(OBJECTIVES):
        loss = objective["loss_function"]
        if loss == "YetiRank" or (loss == "MultiRMSE" and more):
            continue
        if "TargetBorderCount" in str(more) and loss not in ("RMSE", "MAE", "Quantile:alpha=0.3"):
            continue
        if loss in ("CrossEntropy", "MultiRMSE") or ("grow_policy" in more and number > 3):
            continue
        seed = 1000 + 100 * COMPUTED.index(more) + number
        random = np.random.default_rng(seed)
        rows = make_rows(random, 500, 0.1)
        rows["town"] = np.array([f"town {place} of the plain" for place in range(60)])[
            random.integers(0, 60, 500)
        ]
        rows["kind"] = random.integers(-20, 20, 500)
        names = NUMBERS + CATEGORIES
        params = {
            "iterations": 12,
            "depth": 4,
            "learning_rate": 0.3,
            "one_hot_max_size": [2, 45][number % 2],
            "nan_mode": ["Min", "Max"][number % 2],
            "random_seed": seed,
            "thread_count": 1,
            "verbose": 0,
            "allow_writing_files": False,
            **objective,
            **more,
        }
        label = make_labels(random, rows, loss)
        label = label if label.ndim > 1 or loss == "MultiClass" else label + 0.0
        trained = cb.CatBoost(params).fit(pool(rows, names, label))
        for form in ("cbm", "json"):
            file = tmp_path / f"m.{form}"
            trained.save_model(
                str(file), format=form, **({"pool": pool(rows, names)} if form == "json" else {})
            )
            fleet = cc.Fleet.load({"m": file})
            tried = probe_rows(fleet, rows, names, seed)
            frame, data, what = frame_of(tried, names), pool(tried, names), f"{objective} {more} {form}"
            # Reading its own export the library cuts the sums behind means to integers; leaves of trees that
            # are not symmetric have their numbers from there.
            loaded = cb.CatBoost().load_model(str(file), format=form) if "grow_policy" in more else trained
            assert_same_leaves(fleet.leaves(frame)["m"], loaded.calc_leaf_indexes(data), what)
            raw = trained.predict(data, prediction_type="RawFormulaVal")
            assert_same_bits(fleet.predict(frame), raw, what)
            if fleet.models[0]["computed"]:
                with pytest.raises(cc.ModelError, match="CTR"):
                    fleet.contributions(frame)
