"""The table of the 64 features: what each is made of.

Comes in: `features.csv` beside this module. Goes out: `FEATURES`, in the order of their columns. A feature is
`slope` times a standardised sum of factors and noise, plus `centre`, then given its shape by `features`: the
exponential of it for counts and amounts, its logistic for shares, itself for levels, its sign for flags, its
band for classes.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "features.csv"


@dataclass(frozen=True)
class Feature:
    """What a feature is made of."""

    name: str
    shape: str
    """`count`, `amount`, `share`, `level`, `flag` or `class`."""
    centre: float
    slope: float
    noise: float
    """Weight of the noise that no factor explains."""
    weights: Mapping[str, float]
    """Weights of the factors."""
    gap: str
    """Why values are missing: `bureau`, `new`, `enterprise`, `paper`, `sparse`, or empty for never."""
    unit: str
    meaning: str
    classes: tuple[str, ...]
    """The classes of a categorical feature, from low to high; empty for a number."""

    @property
    def family(self) -> str:
        """Bureau, behaviour, application, device or transaction."""
        return self.name.split("_")[1]


def _feature(row: Mapping[str, str]) -> Feature:
    """A row of the table."""
    weights = (part.split("=") for part in row["weights"].split("|"))
    return Feature(
        name=row["name"],
        shape=row["shape"],
        centre=float(row["centre"]),
        slope=float(row["slope"]),
        noise=float(row["noise"]),
        weights={factor: float(weight) for factor, weight in weights},
        gap=row["gap"],
        unit=row["unit"],
        meaning=row["meaning"],
        classes=tuple(row["classes"].split("|")) if row["classes"] else (),
    )


def _read() -> tuple[Feature, ...]:
    """The table, read once."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(_feature(row) for row in csv.DictReader(file))


FEATURES = _read()
