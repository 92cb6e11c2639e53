"""LightGBM's linear trees: every leaf and every bit, missing values and infinities in the leaves' inputs too.

In: models trained here with `linear_tree`, rows on thresholds and odd ones. Out: no leaf differs, and no bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creditcore as cc
from tests.model.oracle import assert_same_bits, assert_same_leaves, frame_of, probe_rows
from tests.model.test_parity_lightgbm import NAMES, OBJECTIVES, make_labels, make_rows

lgb = pytest.importorskip("lightgbm")
pytestmark = pytest.mark.parity

MORE: list[dict[str, Any]] = [{}, {"boosting": "dart"}, {"use_missing": False}, {"linear_lambda": 3.0}]


@pytest.mark.parametrize("more", MORE, ids=lambda more: next(iter(more), "plain"))
def test_linear_trees(more: dict[str, Any], tmp_path: Path) -> None:
    linear = 0
    for number, objective in enumerate(OBJECTIVES):
        if objective["objective"] in ("regression_l1", "mape", "quantile"):
            continue  # the library refuses to train these
        seed = 100 * MORE.index(more) + number
        random = np.random.default_rng(seed)
        rows = make_rows(random, 300)
        params = {"linear_tree": True, "verbosity": -1, "num_threads": 1, "num_leaves": 7, "seed": seed}
        ranked = objective["objective"] in ("lambdarank", "rank_xendcg")
        data = lgb.Dataset(
            rows,
            make_labels(random, rows, objective),
            feature_name=NAMES,
            categorical_feature=[[], [4]][seed % 2],
            group=[100, 100, 100] if ranked else None,
            params={"linear_tree": True},
        )
        trained = lgb.train({**params, **objective, **more}, data, int(random.integers(1, 8)))
        file = tmp_path / "m.txt"
        trained.save_model(file)
        linear += "num_features=0 0" not in file.read_text().split("Tree=1")[-1]
        fleet, loaded = cc.Fleet.load({"m": file}), lgb.Booster(model_file=str(file))
        tried = probe_rows(fleet, rows, seed)
        tried[::17, 0] = np.inf
        tried[::19, 1] = -np.inf
        frame, what = frame_of(NAMES, tried), f"{objective} {more}"
        assert_same_leaves(fleet.leaves(frame)["m"], loaded.predict(tried, pred_leaf=True), what)
        assert_same_bits(fleet.predict(frame), loaded.predict(tried, raw_score=True), f"{what}, raw")
        assert_same_bits(fleet.predict(frame, output="probability"), loaded.predict(tried), what)
        with pytest.raises(cc.ModelError, match="linear functions"):
            fleet.contributions(frame)
    assert linear > 5
