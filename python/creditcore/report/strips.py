"""Small pictures in the cells of tables: an interval on a scale, shares in bands.

Comes in: numbers. Goes out: records of positions in percent of the width, so that a picture fits any column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from creditcore.report.edition import Edition, Row
from creditcore.report.palette import STEPS


@dataclass(frozen=True)
class Scale:
    """Where a value stands, in percent of a picture's width."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Give the place of a value; beyond the scale at its end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def ticks(self) -> list[float]:
        """Give about four round values."""
        step = round_step((self.high - self.low) / 4)
        first = -(-self.low // step)
        return [tick * step for tick in range(int(first), int(self.high // step) + 1)]


def round_step(value: float) -> float:
    """Give 1, 2 or 5 times a power of ten, at least a value.

    >>> [round_step(value) for value in (0.7, 12.0, 3.0)]
    [1.0, 20.0, 5.0]
    """
    power = 10.0 ** floor(log10(value))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= value * (1 - 1e-9))


def scale_of(edition: Edition) -> Scale | None:
    """Give the scale of the main table: all means, and half-widths as they usually are.

    One small group with a wide interval does not press all others together: it runs on beyond the scale.
    """
    rows = edition.ranked
    if not rows:
        return None
    halves = sorted(row["ci_hi"] - row["mean"] for row in rows if row["ci_hi"] is not None)
    usual = halves[len(halves) // 2] if halves else 0.0
    means = [row["mean"] for row in rows]
    low, high = min(means) - 2 * usual, max(means) + 2 * usual
    return Scale(low, high) if high > low else Scale(low - 1, high + 1)


@dataclass(frozen=True)
class Strip:
    """An interval: its ends, its mean, and whether an end lies beyond the scale."""

    left: float
    right: float
    mean: float
    cut_left: bool
    cut_right: bool


def strip(scale: Scale, row: Row) -> Strip | None:
    """Place a row's interval."""
    if row["mean"] is None:
        return None
    low = row["mean"] if row["ci_lo"] is None else row["ci_lo"]
    high = row["mean"] if row["ci_hi"] is None else row["ci_hi"]
    return Strip(scale.at(low), scale.at(high), scale.at(row["mean"]), low < scale.low, high > scale.high)


def bands(shares: Sequence[float]) -> list[tuple[str, float, float]]:
    """Place shares one after the other: colour, left, width."""
    placed, left = [], 0.0
    for name, share in zip(STEPS, shares, strict=True):
        placed.append((name, round(100 * left, 2), round(100 * share, 2)))
        left += share
    return placed
