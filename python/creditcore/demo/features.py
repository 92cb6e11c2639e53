"""The 64 features: what a lender knows of an application when it decides.

Comes in: the factors of a block of records. Goes out: one column for each feature. A feature is a weighted
sum of factors and noise, turned into a count, an amount, a share, a level, a yes or a class. None is
geographic: a place is no factor, and no factor knows one.

Missing values come in two spellings, as in life: bureau columns hold -999 for applicants without a bureau
file, and nulls stand where there is nothing to know (behaviour of new customers, employment of enterprises, a
device where the application was made on paper).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from creditcore.demo.feature_table import FEATURES, Feature
from creditcore.demo.latent import Narrow

MISSING_CODE = -999
NAMES = tuple(feature.name for feature in FEATURES)
CATEGORICAL = {feature.name: feature.classes for feature in FEATURES if feature.classes}
FAMILIES = tuple(dict.fromkeys(feature.family for feature in FEATURES))
TYPES: dict[str, pl.DataType] = {
    "count": pl.Int16(),
    "amount": pl.Int32(),
    "share": pl.Float32(),
    "level": pl.Int16(),
    "flag": pl.Int16(),
    "class": pl.String(),
}


@dataclass(frozen=True)
class Gaps:
    """For each cause of missing values, the records it concerns."""

    masks: Mapping[str, NDArray[np.bool_]]


def schema() -> dict[str, pl.DataType]:
    """Give the type of each feature's column."""
    return {feature.name: TYPES[feature.shape] for feature in FEATURES}


def columns(stream: np.random.Generator, factors: Mapping[str, Narrow], gaps: Gaps) -> list[pl.Series]:
    """Give the features of a block.

    Args:
        stream: the noise of this block.
        factors: standard normal factors by name.
        gaps: where values are missing, by cause.
    """
    return [_column(stream, factors, gaps, feature) for feature in FEATURES]


def _column(
    stream: np.random.Generator, factors: Mapping[str, Narrow], gaps: Gaps, feature: Feature
) -> pl.Series:
    """One feature of a block."""
    count = len(next(iter(factors.values())))
    drawn = stream.standard_normal(count, dtype=np.float32)
    drawn *= np.float32(feature.noise)
    scale = feature.noise**2
    for name, weight in feature.weights.items():
        drawn += np.float32(weight) * factors[name]
        scale += weight**2
    drawn *= np.float32(feature.slope / scale**0.5)
    drawn += np.float32(feature.centre)
    if feature.shape == "class":
        series = _classes(feature, drawn)
    else:
        series = pl.Series(feature.name, _SHAPES[feature.shape](drawn))
    mask = gaps.masks.get(feature.gap)
    if mask is None:
        return series
    gap = pl.Series(mask)
    filling = pl.lit(MISSING_CODE if feature.gap == "bureau" else None, dtype=series.dtype)
    return pl.select(pl.when(gap).then(filling).otherwise(series).alias(feature.name)).to_series()


def _classes(feature: Feature, drawn: Narrow) -> pl.Series:
    """A class for each record: the normal scale cut into bands of equal width around its middle."""
    last = len(feature.classes) - 1
    codes = np.clip(np.floor(drawn + np.float32((last + 1) / 2)), 0, last).astype(np.uint32)
    return pl.Series(feature.name, feature.classes).gather(codes)


def _count(drawn: Narrow) -> NDArray[np.int16]:
    """Whole numbers from 0, with a long tail."""
    return np.minimum(np.exp(np.minimum(drawn, 9.0)), 9_999.0).astype(np.int16)


def _amount(drawn: Narrow) -> NDArray[np.int32]:
    """Money in yuan, in tens."""
    return np.round(np.exp(np.minimum(drawn, 18.0)) / 10.0).astype(np.int32) * 10


def _share(drawn: Narrow) -> Narrow:
    """A number from 0 to 1, to three places."""
    thousandths = np.round(np.float32(1000.0) / (np.float32(1.0) + np.exp(-drawn)))
    return (thousandths / np.float32(1000.0)).astype(np.float32)


def _level(drawn: Narrow) -> NDArray[np.int16]:
    """A score or an age: a whole number, not below 0."""
    return np.clip(np.round(drawn), 0.0, 9_999.0).astype(np.int16)


def _flag(drawn: Narrow) -> NDArray[np.int16]:
    """1 for yes, 0 for no."""
    return (drawn > 0.0).astype(np.int16)


_SHAPES: dict[str, Callable[[Narrow], NDArray[np.generic]]] = {
    "count": _count,
    "amount": _amount,
    "share": _share,
    "level": _level,
    "flag": _flag,
}
