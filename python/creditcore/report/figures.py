"""Figures as a reader sees them.

Comes in: what is measured, and numbers. Goes out: texts with as many digits as the figures are sure of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any

DASH = "–"


@dataclass(frozen=True)
class Figures:
    """How the figures of one measure are written.

    >>> Figures(1).mean(593.04), Figures(2, percent=True).mean(0.12345), Figures(1).delta(-0.26)
    ('593.0', '12.35 %', '−0.3')
    """

    digits: int
    percent: bool = False

    def mean(self, value: float | None) -> str:
        """Write a mean, a share or a ratio."""
        if value is None:
            return DASH
        text = f"{value * 100:,.{self.digits}f} %" if self.percent else f"{value:,.{self.digits}f}"
        return text.replace("-", "−")

    def delta(self, value: float | None) -> str:
        """Write a difference with its sign; of percentages in percentage points."""
        if value is None:
            return DASH
        text = f"{value * (100 if self.percent else 1):+,.{self.digits}f}"
        zero = not text.strip("+-0.,")
        return text[1:] if zero else text.replace("-", "−")

    def span(self, low: float | None, high: float | None) -> str:
        """Write an interval."""
        return DASH if low is None or high is None else f"{self.mean(low)} – {self.mean(high)}"

    @property
    def axis(self) -> str:
        """The format of a chart's axis, as d3 writes it."""
        return f".{max(self.digits - 1, 0)}%" if self.percent else ",~f"


def count(value: int | None) -> str:
    """Write a count."""
    return DASH if value is None else f"{value:,}"


def places(low: int | None, high: int | None) -> str:
    """Write an interval of places."""
    if low is None or high is None:
        return DASH
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def figures_of(plan: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Figures:
    """Choose the digits: the first digit of a usual standard error is the last that is written."""
    percent = "mean" not in plan["measure"]
    errors = sorted(row["se"] for row in rows if row["se"] and row["rank"] is not None)
    if not errors:
        return Figures(1, percent)
    usual = errors[len(errors) // 2] * (100 if percent else 1)
    return Figures(min(6, max(1, -floor(log10(usual)))), percent)
