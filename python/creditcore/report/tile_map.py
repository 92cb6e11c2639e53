"""The tile map: a tile for each province, coloured by its distance to the mean of all.

Comes in: an edition. Goes out: the specification, and what its colours mean.
"""

from __future__ import annotations

from itertools import pairwise

from creditcore.report.edition import Edition
from creditcore.report.looks import NARROW, Spec, configuration
from creditcore.report.palette import LIGHT, SEVEN, on
from creditcore.report.words import ABBREVIATIONS, Pair, pair


def tiles(edition: Edition, side: int, narrow: bool) -> Spec | None:
    """Draw the tile map of the provinces."""
    rows = {row["code"]: row for row in edition.tables.get("province", ())}
    placed = {code: at for code, at in edition.tiles.items()}
    if not placed or not any(row["mean"] is not None for row in rows.values()):
        return None
    whole = edition.whole or 0.0
    cuts = map_cuts(edition)
    records = []
    for code, (column, line) in placed.items():
        row = rows.get(code)
        mean = None if row is None else row["mean"]
        fill = None if mean is None else SEVEN[sum(mean - whole >= cut for cut in cuts)]
        name = edition.name_of(code)[side] if row is None else edition.name(row)[side]
        records.append(
            {
                "column": column,
                "line": line,
                "fill": LIGHT[fill] if fill else LIGHT["paper"],
                "ink": LIGHT[on(fill)] if fill else LIGHT["soft"],
                "edge": LIGHT[fill] if fill else LIGHT["strong"],
                "name": ABBREVIATIONS.get(code, (name[:3], name[:2]))[side] if narrow else short_name(name),
                "text": edition.figures.mean(mean),
            }
        )
    step = (NARROW - 6) // 9 if narrow else 92
    position = {
        "x": {
            "field": "column",
            "type": "ordinal",
            "axis": None,
            "scale": {"paddingInner": 0.05, "paddingOuter": 0},
        },
        "y": {
            "field": "line",
            "type": "ordinal",
            "axis": None,
            "scale": {"paddingInner": 0.06, "paddingOuter": 0},
        },
    }
    ink = {"field": "ink", "type": "nominal", "scale": None}
    fill = {"field": "fill", "type": "nominal", "scale": None}
    edge = {"field": "edge", "type": "nominal", "scale": None}
    square = {"type": "rect", "cornerRadius": 2, "strokeWidth": 1}
    label = {"type": "text", "dy": 0 if narrow else -8, "fontSize": 12}
    layers: list[Spec] = [
        {"mark": square, "encoding": {**position, "fill": fill, "stroke": edge}},
        {"mark": label, "encoding": {**position, "text": {"field": "name"}, "color": ink}},
    ]
    if not narrow:
        figure = {"type": "text", "dy": 11, "fontSize": 14, "fontWeight": "bold"}
        layers.append({"mark": figure, "encoding": {**position, "text": {"field": "text"}, "color": ink}})
    return {
        "data": {"values": records},
        "width": {"step": step},
        "height": {"step": step if narrow else 58},
        "layer": layers,
        "config": configuration(),
    }


def map_cuts(edition: Edition) -> list[float]:
    """Give the six distances to the mean of all at which the map's colour changes, round and even."""
    whole = edition.whole or 0.0
    rows = edition.tables.get("province", ())
    most = sorted(abs(row["mean"] - whole) for row in rows if row["mean"] is not None)
    if not most:
        return []
    # Nine tenths of the provinces lie within the outer cuts, so that one far off does not pale all others.
    outer = most[int(len(most) * 0.9)] or 1.0
    unit = _round_step(outer / 2.5)
    return [unit * factor for factor in (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)]


def map_legend(edition: Edition) -> list[tuple[str, Pair]]:
    """Give the colours of the map and what each stands for: a distance to the mean of all."""
    cuts = map_cuts(edition)
    if not cuts:
        return []
    texts = [edition.figures.delta(cut) for cut in cuts]
    spans = [f"{low} … {high}" for low, high in pairwise(texts)]
    below, above = f"< {texts[0]}", f"≥ {texts[-1]}"
    named = [(name, (text, text)) for name, text in zip(SEVEN, [below, *spans, above], strict=True)]
    return [*named, ("empty", pair("no_data"))]


def legend_below(spec: Spec, edition: Edition, side: int) -> Spec:
    """Put what the map's colours mean below it."""
    named = [(LIGHT.get(name, LIGHT["paper"]), text[side]) for name, text in map_legend(edition)]
    records = [{"fill": fill, "label": text, "order": place} for place, (fill, text) in enumerate(named)]
    x = {"field": "order", "type": "ordinal", "axis": None}
    fill = {"field": "fill", "type": "nominal", "scale": None}
    below: Spec = {
        "data": {"values": records},
        "width": 780,
        "height": 30,
        "layer": [
            {
                "mark": {"type": "rect", "height": 14, "yOffset": -8, "stroke": LIGHT["rule"]},
                "encoding": {"x": x, "fill": fill},
            },
            {
                "mark": {"type": "text", "dy": 11, "fontSize": 11, "color": LIGHT["soft"]},
                "encoding": {"x": x, "text": {"field": "label"}},
            },
        ],
    }
    outer = {name: spec[name] for name in ("$schema", "title", "config")}
    inner = {name: part for name, part in spec.items() if name not in outer}
    return {**outer, "vconcat": [inner, below], "spacing": 18}


def _round_step(value: float) -> float:
    """Give the nearest of 1, 2, 4, 5 times a power of ten."""
    power = 1.0
    while power > value:
        power /= 10
    while power * 10 <= value:
        power *= 10
    return min((power * digit for digit in (1, 2, 4, 6, 10)), key=lambda step: abs(step - value))


def short_name(name: str) -> str:
    """Shorten a province's Chinese name to what maps write."""
    for ending in ("壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "特别行政区", "省", "市"):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name.removesuffix(ending)
    return name
