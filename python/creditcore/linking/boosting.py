"""Boosted trees as text: fitted to rows in an order that does not change, and asked row by row.

Comes in: rows of figures, what is to be told of each, weights. Goes out: the text of trees, and what they
say of rows, from 0 to 1. The same rows give the same text, whatever the threads (law 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TREES = 100
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def predict(model: str, rows: NDArray[Any], threads: int | None) -> NDArray[np.float64]:
    """Give what trees say of rows, each alone, from 0 to 1."""
    if not len(rows):
        return rows[:, 0].astype("float64")
    booster = _lightgbm().Booster(model_str=model)
    scores: NDArray[np.float64] = booster.predict(rows, num_threads=threads or 1)
    return scores.clip(0.0, 1.0)


def train(
    rows: NDArray[Any],
    wanted: NDArray[Any],
    weight: NDArray[np.float64],
    threads: int | None,
    *,
    changed: Mapping[str, Any] | None = None,
) -> str:
    """Fit trees to rows in the order of keys; gives their text.

    Args:
        rows: a row of figures each.
        wanted: what is to be told, from 0 to 1.
        weight: how much each row counts.
        threads: one by default; they change nothing.
        changed: parameters of LightGBM other than `PARAMETERS`.
    """
    lightgbm = _lightgbm()
    data = lightgbm.Dataset(rows, label=wanted.astype("float64"), weight=weight)
    parameters = {**PARAMETERS, **(changed or {}), "num_threads": threads or 1}
    text: str = lightgbm.train(parameters, data, num_boost_round=TREES).model_to_string()
    return text


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ModuleNotFoundError as error:
        raise ArgumentError("person models need lightgbm; install the extra `train`") from error
    return lightgbm
