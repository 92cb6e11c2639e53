"""A plot of means with intervals, as an SVG that needs nothing else.

Comes in: rows of a ranking as plain records. Goes out: the text of an SVG file: a dot for each row, a bar
from
1.96 standard errors below to as many above, best first.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_ROW, _LEFT, _WIDTH = 18, 170, 760
_TITLE_LETTERS, _TITLE_LINE = 88, 18
_TITLE = 'font-size="14" font-weight="bold"'
_INTERVAL = 1.96
"""Standard errors on either side: 95 of 100 such intervals hold the mean."""


def dot_plot(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """Draw a ranking.

    Args:
        rows: with `name`, `mean`, `se`, `rank`; rows without a mean are left out.
        title: what the figures are.

    >>> "<svg" in dot_plot([{"name": "a", "mean": 600.0, "se": 2.0, "rank": 1}], "points")
    True
    """
    drawn = [
        (row["rank"], str(row["name"]), row["mean"], _INTERVAL * (row["se"] or 0.0))
        for row in rows
        if row["mean"] is not None
    ]
    low = min((mean - half for _, _, mean, half in drawn), default=0.0)
    high = max((mean + half for _, _, mean, half in drawn), default=1.0)
    span = (high - low) or 1.0

    def at(value: float) -> float:
        return _LEFT + (value - low) / span * (_WIDTH - _LEFT - 40)

    titles = textwrap.wrap(title, _TITLE_LETTERS)
    under = 4 + _TITLE_LINE * (len(titles) + 1)
    top = under + 16
    height = top + _ROW * len(drawn) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        *(
            f'<text x="16" y="{4 + _TITLE_LINE * line}" {_TITLE}>{escape(text)}</text>'
            for line, text in enumerate(titles, 1)
        ),
        f'<text x="16" y="{under}" fill="#666666">mean and 95 % interval (1.96 standard errors)</text>',
    ]
    for tick in _ticks(low, high):
        x = f"{at(tick):.1f}"
        parts += [
            f'<line x1="{x}" x2="{x}" y1="{top - 4}" y2="{height - 26}" stroke="#e4e4e4"/>',
            f'<text x="{x}" y="{height - 10}" text-anchor="middle" fill="#666666">{tick:g}</text>',
        ]
    for place, (number, name, mean, half) in enumerate(drawn):
        y = top + _ROW * place + _ROW / 2
        label = escape(name if number is None else f"{number}  {name}")
        ends = f'x1="{at(mean - half):.1f}" x2="{at(mean + half):.1f}" y1="{y:.1f}" y2="{y:.1f}"'
        parts += [
            f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{label}</text>',
            f'<line {ends} stroke="#4477aa" stroke-width="2"/>',
            f'<circle cx="{at(mean):.1f}" cy="{y:.1f}" r="4" fill="#4477aa">',
            f"<title>{escape(name)}: {mean:.2f} ± {half:.2f}</title></circle>",
        ]
    return "\n".join([*parts, "</svg>", ""])


def _ticks(low: float, high: float) -> list[float]:
    """About six round numbers from low to high."""
    step = 10.0 ** len(str(int(max(high - low, 1e-9)))) / 10
    while (high - low) / step > 6:
        step *= 2
    while (high - low) / step < 3 and step > 1e-6:
        step /= 2
    first = -(-low // step)
    return [tick * step for tick in range(int(first), int(high // step) + 1)]
