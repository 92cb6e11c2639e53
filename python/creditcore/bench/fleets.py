"""Fleets to measure with: trained here, the same for the same seed and versions (extra `train`).

Comes in: a kind of fleet, how many models and trees, a folder. Goes out: model files in the folder, and
rows to evaluate. Every model learns one of 12 labels from its own resample of 120,000 of 200,000 rows and 24
of the 64 features, as the models of a bureau do, so the fleet has thousands of distinct cuts in a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

FEATURES = 64
FEATURES_OF_A_MODEL = 24
TRAINING_ROWS = 200_000
ROWS_OF_A_MODEL = 120_000
LABELS = 12
COUNTS, FLAGS, AMOUNTS = range(20), range(20, 30), range(30, 60)
CLASSES = {60: 8, 61: 20, 62: 60, 63: 200}
"""Features that are classes, and how many each has."""
WITH_GAPS = (*range(5, 15), *range(30, 45))
"""Features of which three in a hundred values are missing."""
TRAINING_SEED, EVALUATION_SEED = 1, 2


@dataclass(frozen=True)
class Kind:
    """A kind of fleet."""

    name: str
    library: str
    suffix: str
    settings: dict[str, Any]
    categorical: tuple[int, ...] = ()


LIGHTGBM: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 255,
    "lambda_l2": 1.0,
    "num_leaves": 31,
    "num_threads": 1,
    "verbosity": -1,
}
XGBOOST: dict[str, Any] = {
    "objective": "binary:logistic",
    "max_depth": 6,
    "eta": 0.1,
    "tree_method": "hist",
    "min_child_weight": 5,
    "subsample": 0.8,
    "nthread": 1,
}
DEEP = LIGHTGBM | {"num_leaves": 255, "max_depth": 12, "min_data_in_leaf": 20}
KINDS = {
    kind.name: kind
    for kind in (
        Kind("lightgbm", "lightgbm", ".txt", LIGHTGBM),
        Kind("xgboost", "xgboost", ".json", XGBOOST),
        Kind("deep", "lightgbm", ".txt", DEEP),
        Kind("categorical", "lightgbm", ".txt", LIGHTGBM | {"max_depth": 8}, (0, 1, 2, *CLASSES)),
    )
}


def rows(count: int, seed: int = EVALUATION_SEED) -> Matrix:
    """Draw rows of 64 features: counts, flags, heavy-tailed amounts, classes; some values missing (NaN)."""
    return _draw(count, seed)[0]


def columns_of(model: int) -> list[int]:
    """Give the features that a model of a fleet sees, in order."""
    drawn = np.random.default_rng(7000 + model).choice(FEATURES, FEATURES_OF_A_MODEL, replace=False)
    return sorted(int(column) for column in drawn)


def train(folder: Path, kind: Kind, models: int, trees: int, threads: int) -> Iterator[Path]:
    """Train the models that the folder lacks; gives the file of each model, in order.

    Raises:
        ImportError: the library that trains them is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{kind.name}_{model:04}{kind.suffix}" for model in range(models)]
    if all(file.exists() for file in files):
        yield from files
        return
    values, latent = _draw(TRAINING_ROWS, TRAINING_SEED)
    labels = [_label(values, latent, label) for label in range(LABELS)]
    fit: Callable[..., None] = _fit_lightgbm if kind.library == "lightgbm" else _fit_xgboost

    def one(model: int) -> Path:
        file = files[model]
        if not file.exists():
            taken = np.random.default_rng(500 + model).choice(TRAINING_ROWS, ROWS_OF_A_MODEL)
            columns = columns_of(model)
            part = file.with_suffix(f".part{kind.suffix}")
            settings = kind.settings | {"seed": model}
            fit(
                values[taken][:, columns], labels[model % LABELS][taken], columns, kind, settings, trees, part
            )
            part.rename(file)
        return file

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(one, range(models))


def _draw(count: int, seed: int) -> tuple[Matrix, NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    values = np.empty((count, FEATURES), np.float32)
    latent = random.standard_normal((count, 8))
    for at, column in enumerate(COUNTS):
        rate = np.exp(0.3 * latent[:, at % 8] + 0.05 * at) * (0.5 + at % 7)
        values[:, column] = np.minimum(random.poisson(rate), 30 + 5 * at)
    for at, column in enumerate(FLAGS):
        values[:, column] = latent[:, (20 + at) % 8] + random.standard_normal(count) > 0.8 + 0.1 * at
    for at, column in enumerate(AMOUNTS):
        shared = 0.7 * latent[:, at % 8] + 0.7 * random.standard_normal(count)
        if at % 3 == 0:
            values[:, column] = np.exp(1.2 * shared + 3)
        elif at % 3 == 1:
            values[:, column] = random.standard_t(3, count) * np.exp(0.4 * shared)
        else:
            values[:, column] = np.round(np.exp(1.5 * shared + 4), 2)
    for column, classes in CLASSES.items():
        drawn = (random.pareto(1.0, count) * classes / 8).astype(np.int64)
        values[:, column] = np.minimum(drawn, classes - 1)
    for column in WITH_GAPS:
        values[random.random(count) < 0.03, column] = np.nan
    return values, latent


def _label(values: Matrix, latent: NDArray[np.float64], label: int) -> NDArray[np.int8]:
    """Draw a label of one to two per cent: a linear part, six pairs of steps, noise."""
    random = np.random.default_rng(1000 + label)
    filled = np.nan_to_num(values)
    score = latent @ (random.standard_normal(8) * 0.7)
    for _ in range(6):
        one, other = random.integers(0, FEATURES, 2)
        high = np.quantile(filled[:5000, one], random.uniform(0.6, 0.95))
        low = np.quantile(filled[:5000, other], random.uniform(0.4, 0.9))
        score = score + random.uniform(0.5, 1.5) * ((filled[:, one] > high) & (filled[:, other] > low))
    score = score + random.logistic(size=len(values)) * 0.8
    return (score > np.quantile(score, 1 - random.uniform(0.01, 0.02))).astype(np.int8)


def _fit_lightgbm(
    values: Matrix,
    label: NDArray[np.int8],
    columns: list[int],
    kind: Kind,
    settings: dict[str, Any],
    trees: int,
    file: Path,
) -> None:
    import lightgbm

    categorical = [at for at, column in enumerate(columns) if column in kind.categorical]
    names = [f"f{column}" for column in columns]
    data = lightgbm.Dataset(values, label, feature_name=names, categorical_feature=categorical)
    depth = {"max_depth": 6 + settings["seed"] % 3}
    lightgbm.train(depth | settings, data, trees).save_model(file)


def _fit_xgboost(
    values: Matrix,
    label: NDArray[np.int8],
    columns: list[int],
    kind: Kind,
    settings: dict[str, Any],
    trees: int,
    file: Path,
) -> None:
    import xgboost

    del kind
    data = xgboost.QuantileDMatrix(
        values, label, feature_names=[f"f{column}" for column in columns], nthread=settings["nthread"]
    )
    xgboost.train(settings, data, trees).save_model(file)
