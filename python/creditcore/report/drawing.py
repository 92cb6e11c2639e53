"""Charts drawn: SVG that a page's own fonts and colours complete, PNG with the packaged font.

Comes in: an edition. Goes out: SVG texts by chart, language and width; PNG bytes. Needs the extra `report`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from creditcore.errors import ArgumentError
from creditcore.report.charts import CHARTS, MOST_BARS
from creditcore.report.edition import Edition
from creditcore.report.looks import SCHEMA
from creditcore.report.method import what
from creditcore.report.palette import LIGHT, for_page
from creditcore.report.tile_map import legend_below
from creditcore.report.words import pair, unit_words

FONTS = Path(__file__).parent / "fonts"
FONT = "Creditcore Sans"
"""The packaged font: a subset of Noto Sans SC under a name of its own, see fonts/README.md."""


def converter() -> Any:
    """Give the library that draws.

    Raises:
        ArgumentError: it is not installed.
    """
    try:
        import vl_convert
    except ModuleNotFoundError as error:
        raise ArgumentError(
            "charts are drawn by `vl-convert-python`, which is not installed; install `creditcore[report]`"
        ) from error
    return vl_convert


def specification(edition: Edition, name: str, side: int, narrow: bool = False) -> dict[str, Any] | None:
    """Give a chart's Vega-Lite specification, or nothing where the edition has no figures for it."""
    spec = CHARTS[name](edition, side, narrow)
    return None if spec is None else {"$schema": SCHEMA, **spec}


def titled(edition: Edition, name: str, side: int) -> dict[str, Any]:
    """Give a chart that stands alone: with a title, and what its colours mean."""
    spec = specification(edition, name, side)
    assert spec is not None
    title = {
        "map": pair("map_title", what=what(edition.plan)),
        "provinces": pair("bars_title"),
        "families": pair("families_title"),
        "places": pair("all_places_title", unit=unit_words(edition.by)[0]),
        "shares": pair("shares_title", n=min(MOST_BARS, len(edition.ranked))),
    }[name]
    colours = {"anchor": "start", "color": LIGHT["ink"], "subtitleColor": LIGHT["soft"], "fontSize": 16}
    lines = [f"{edition.heading[side]} · {edition.as_of}" if edition.as_of else edition.heading[side]]
    lines.append(pair(edition.status)[side])
    whole = {**spec, "title": {"text": title[side], "subtitle": lines, **colours, "offset": 16}}
    if name == "map":
        whole = legend_below(whole, edition, side)
    return whole


def svg(spec: dict[str, Any]) -> str:
    """Draw a specification for a page: colours follow the page's scheme, texts its fonts."""
    library = converter()
    library.register_font_directory(str(FONTS))
    # Room for texts is measured with the packaged font, so that the drawing is the same on every machine.
    drawn = str(library.vegalite_to_svg({**spec, "config": {**spec["config"], "font": FONT}}))
    drawn = re.sub(r' font-family="[^"]*"', "", drawn)
    # Roles and labels of parts say nothing beyond the table that stands beside the chart.
    drawn = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", drawn)
    width, height = re.findall(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"', drawn)[0]
    drawn = re.sub(
        r"<svg[^>]*>",
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'aria-hidden="true" focusable="false">',
        drawn,
        count=1,
    )
    return for_page(drawn)


def png(spec: dict[str, Any], scale: float = 2.0) -> bytes:
    """Draw a specification as a PNG on paper, with the packaged font.

    Raises:
        ArgumentError: a text holds characters that the packaged font does not have.
    """
    missing = sorted(_characters(spec) - glyphs())
    if missing:
        raise ArgumentError(
            f"the packaged font has no `{''.join(missing[:20])}`, which a chart would show as boxes; write "
            "charts in another language (`lang`), or take the page, which is drawn with the reader's fonts"
        )
    library = converter()
    library.register_font_directory(str(FONTS))
    whole = {**spec, "config": {**spec["config"], "font": FONT, "background": LIGHT["paper"], "padding": 18}}
    return bytes(library.vegalite_to_png(whole, scale=scale))


@cache
def glyphs() -> frozenset[str]:
    """Give the characters of the packaged font."""
    return frozenset((FONTS / "characters.txt").read_text(encoding="utf-8").replace("\n", ""))


def _characters(part: Any) -> set[str]:
    """Collect the characters of every text that a specification may show."""
    if isinstance(part, str):
        return set(part)
    if isinstance(part, dict):
        return {letter for inner in part.values() for letter in _characters(inner)}
    if isinstance(part, list | tuple):
        return {letter for inner in part for letter in _characters(inner)}
    return set()
