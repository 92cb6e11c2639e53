"""Charts as Vega-Lite specifications over plain records, drawn by vl-convert.

Comes in: an edition, a language, and whether the page is narrow. Goes out: specifications (dicts that
altair takes too), SVG for pages, PNG for files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from creditcore.report.edition import Edition, Row
from creditcore.report.looks import NARROW, WIDE, Spec, configuration
from creditcore.report.palette import LIGHT, STEPS
from creditcore.report.tile_map import tiles
from creditcore.report.words import pair, unit_words

MOST_BARS = 20
"""Rows of the chart of shares."""


def _whole_rule(edition: Edition, axis: str) -> list[Spec]:
    """The line of the mean of all, across a chart."""
    if edition.whole is None:
        return []
    mark = {"type": "rule", "color": LIGHT["mark"], "strokeWidth": 1.2, "strokeDash": [4, 3]}
    encoding = {axis: {"datum": edition.whole, "type": "quantitative"}}
    return [{"mark": mark, "encoding": encoding}]


def _record(edition: Edition, row: Row, side: int) -> Spec:
    figures = edition.figures
    low, high = row["ci_lo"], row["ci_hi"]
    return {
        "name": edition.name(row)[side],
        "mean": row["mean"],
        "low": row["mean"] if low is None else low,
        "high": row["mean"] if high is None else high,
        "text": figures.mean(row["mean"]),
        "rank": row["rank"],
    }


def _dots(edition: Edition, position: Spec, texts: Sequence[Spec], low: float, high: float) -> list[Spec]:
    """Means as dots on their intervals, along x, with the mean of all across."""
    scale = {"domain": [low, high], "zero": False, "nice": False}
    x = {
        "field": "mean",
        "type": "quantitative",
        "scale": scale,
        "title": None,
        "axis": {
            "format": edition.figures.axis,
            "tickCount": 5,
            "domain": False,
            "ticks": False,
            "grid": True,
            "orient": "top",
        },
    }
    line = {"type": "rule", "color": LIGHT["accent"], "strokeWidth": 2}
    dot = {"type": "point", "filled": True, "color": LIGHT["accent"], "size": 42, "opacity": 1}
    return [
        *_whole_rule(edition, "x"),
        {"mark": line, "encoding": {"y": position, "x": {**x, "field": "low"}, "x2": {"field": "high"}}},
        {"mark": dot, "encoding": {"y": position, "x": x}},
        *texts,
    ]


def _span(records: Sequence[Spec], whole: float | None) -> tuple[float, float]:
    """The scale of a chart: all intervals and the mean of all, with a little air."""
    ends = [end for record in records for end in (record["low"], record["high"])]
    ends += [] if whole is None else [whole]
    low, high = min(ends), max(ends)
    air = (high - low) * 0.03 or 1.0
    return low - air, high + air


def provinces(edition: Edition, side: int, narrow: bool) -> Spec | None:
    """Draw provinces in order, as dots on intervals."""
    rows = [row for row in edition.tables.get("province", ()) if row["mean"] is not None]
    if not rows:
        return None
    records = [_record(edition, row, side) for row in rows]
    for record in records:
        record["name"] = f"{record['rank'] or '–'}\u00a0\u00a0{record['name']}"
    position = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {
            "labelColor": LIGHT["ink"],
            "domain": False,
            "ticks": False,
            "labelPadding": 8,
            "labelLimit": 190,
        },
    }
    low, high = _span(records, edition.whole)
    size = 12 if narrow else 13
    return {
        "data": {"values": records},
        "width": NARROW - 120 if narrow else WIDE - 150,
        "height": {"step": 21},
        "layer": _dots(edition, position, [], low, high),
        "config": configuration(size),
    }


def families(edition: Edition, side: int, narrow: bool) -> Spec | None:
    """Draw every family's groups as dots on intervals, under one scale."""
    records: list[Spec] = []
    for name in edition.families:
        rows = [row for row in edition.tables[name] if row["mean"] is not None]
        if not rows:
            continue
        records.append({"place": len(records), "head": unit_words(name)[0][side].capitalize()})
        for row in rows:
            records.append({"place": len(records), **_record(edition, row, side)})
    drawn = [record for record in records if "mean" in record]
    if not drawn:
        return None
    low, high = _span(drawn, edition.whole)
    position = {"field": "place", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0.2}}
    text = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 12 if narrow else 13}
    left = 158 if narrow else 240
    heads = {
        "mark": {**text, "fontWeight": "bold", "color": LIGHT["soft"], "dx": -left},
        "encoding": {"y": position, "x": {"value": 0}, "text": {"field": "head"}},
        "transform": [{"filter": "isValid(datum.head)"}],
    }
    names = {
        "mark": {**text, "color": LIGHT["ink"], "dx": 14 - left},
        "encoding": {"y": position, "x": {"value": 0}, "text": {"field": "name"}},
        "transform": [{"filter": "isValid(datum.mean)"}],
    }
    return {
        "data": {"values": records},
        "width": (NARROW if narrow else WIDE) - left - 25,
        "height": {"step": 22},
        "layer": _dots(edition, position, [heads, names], low, high),
        "config": configuration(12),
    }


def places(edition: Edition, side: int, narrow: bool) -> Spec | None:
    """Draw every ranked row from the first to the last place, with intervals."""
    rows = edition.ranked
    if len(rows) < 8:
        return None
    records = [_record(edition, row, side) for row in rows]
    halves = sorted(record["high"] - record["mean"] for record in records)
    usual = halves[len(halves) // 2]
    low = min(record["mean"] for record in records) - 3 * usual
    high = max(record["mean"] for record in records) + 3 * usual
    for record in records:
        record |= {"low": max(low, record["low"]), "high": min(high, record["high"])}
    y = {
        "field": "low",
        "type": "quantitative",
        "scale": {"domain": [low, high], "zero": False, "nice": False},
        "title": None,
        "axis": {"format": edition.figures.axis, "tickCount": 5, "domain": False, "ticks": False},
    }
    x = {
        "field": "rank",
        "type": "quantitative",
        "scale": {"domain": [0, len(rows) + 1], "nice": False},
        "title": pair("place")[side],
        "axis": {"grid": False, "tickCount": 6, "format": ",d"},
    }
    named = {"type": "text", "align": "left", "dx": 7, "dy": -1, "color": LIGHT["ink"], "fontSize": 12}
    line = {"type": "rule", "color": LIGHT["seven6"], "strokeWidth": 0.8 if narrow else 1.4}
    dot = {
        "type": "point",
        "filled": True,
        "color": LIGHT["accent"],
        "size": 5 if narrow else 12,
        "opacity": 1,
    }
    width = NARROW if narrow else WIDE
    return {
        "data": {"values": records},
        "width": width - 60,
        "height": 220 if narrow else 300,
        "layer": [
            {"mark": line, "encoding": {"x": x, "y": y, "y2": {"field": "high"}}},
            *_whole_rule(edition, "y"),
            {"mark": dot, "encoding": {"x": x, "y": {**y, "field": "mean"}}},
            {
                "mark": named,
                "encoding": {"x": x, "y": {**y, "field": "mean"}, "text": {"field": "name"}},
                "transform": [{"filter": "datum.rank == 1"}],
            },
        ],
        "config": configuration(),
    }


def shares(edition: Edition, side: int, narrow: bool) -> Spec | None:
    """Draw shares of the score's bands for the first rows, as stacked bars."""
    if edition.shares is None:
        return None
    nation = edition.tables.get("nation", ())
    named = [(pair("nation")[side], edition.shares_of(row)) for row in nation]
    named += [
        (f"{row['rank']}\u00a0\u00a0{edition.name(row)[side]}", edition.shares_of(row))
        for row in edition.ranked[:MOST_BARS]
    ]
    bands = [band[side] for band in band_names(edition.shares.cuts)]
    records = [
        {"name": name, "band": bands[place], "order": place, "share": share}
        for name, parts in named
        for place, share in enumerate(parts or ())
    ]
    return {
        "data": {"values": records},
        "width": (NARROW - 110) if narrow else WIDE - 150,
        "height": {"step": 21},
        "mark": {"type": "bar", "height": {"band": 0.72}},
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": None,
                "title": None,
                "axis": {
                    "labelColor": LIGHT["ink"],
                    "domain": False,
                    "ticks": False,
                    "labelPadding": 8,
                    "labelLimit": 190,
                },
            },
            "x": {
                "field": "share",
                "type": "quantitative",
                "stack": "zero",
                "scale": {"domain": [0, 1]},
                "title": None,
                "axis": {"format": ".0%", "tickCount": 5, "domain": False, "orient": "top", "grid": False},
            },
            "order": {"field": "order", "type": "quantitative"},
            "color": {
                "field": "band",
                "type": "nominal",
                "sort": None,
                "scale": {"domain": bands, "range": [LIGHT[name] for name in STEPS]},
                "legend": {"orient": "bottom", "title": None, "columns": 2 if narrow else 5},
            },
        },
        "config": configuration(12 if narrow else 13),
    }


def band_names(cuts: Sequence[float]) -> list[tuple[str, str]]:
    """Name the bands between cuts."""
    texts = [f"{cut:g}" for cut in cuts]
    middle = [pair("band", low=low, high=high) for low, high in pairwise(texts)]
    return [pair("band_below", high=texts[0]), *middle, pair("band_above", low=texts[-1])]


CHARTS: dict[str, Callable[[Edition, int, bool], Spec | None]] = {
    "map": tiles,
    "provinces": provinces,
    "families": families,
    "places": places,
    "shares": shares,
}
"""The charts by name, in the order of a page."""
