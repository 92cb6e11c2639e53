"""What all charts look like.

Comes in: a size of letters. Goes out: the configuration of a specification, and the widths of pages.
"""

from __future__ import annotations

from typing import Any

from creditcore.report.palette import LIGHT

Spec = dict[str, Any]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
WIDE, NARROW = 860, 340
"""Widths of a chart in pixels: a desk, a telephone."""


def configuration(size: int = 12) -> Spec:
    """Give the looks that all charts share."""
    text = {
        "labelColor": LIGHT["soft"],
        "titleColor": LIGHT["soft"],
        "labelFontSize": size,
        "titleFontSize": size,
    }
    return {
        "aria": False,
        "background": "transparent",
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "labelFontWeight": "normal",
            "gridColor": LIGHT["rule"],
            "domainColor": LIGHT["strong"],
            "tickColor": LIGHT["strong"],
        },
        "legend": {**text, "titleFontWeight": "normal", "symbolType": "square", "symbolStrokeWidth": 0},
        "header": {**text},
    }
