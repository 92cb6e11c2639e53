"""A report as one HTML file that asks nothing of the network.

Comes in: an edition and a language. Goes out: the text of the page. Both languages are in it; whatever
comes out of
data is escaped by the templates, and the policy of the page runs no script and no style but its own.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.report import method, style
from creditcore.report.charts import CHARTS, band_names
from creditcore.report.drawing import specification, svg
from creditcore.report.edition import Edition, Row
from creditcore.report.facts import account, counted, first_screen, lede
from creditcore.report.figures import count, places
from creditcore.report.strips import bands, scale_of, strip
from creditcore.report.tile_map import map_legend
from creditcore.report.words import LANGUAGES, WORDS, Pair, language_of, pair, unit_words

if TYPE_CHECKING:
    from jinja2 import Environment

TOP = 50
"""Rows that the first screen shows."""


@cache
def environment() -> Environment:
    """Give the templates.

    Raises:
        ArgumentError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ModuleNotFoundError as error:
        raise ArgumentError(
            "pages are made by `jinja2`, which is not installed; install `creditcore[report]`"
        ) from error
    made = Environment(
        loader=PackageLoader("creditcore.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(pair=pair, count=count, places=places, unit_words=unit_words)
    return made


def render(template: str, lang: str, scripts: tuple[str, ...], parts: dict[str, Any]) -> str:
    """Fill a template with its parts, the page's style, its script, and the policy that allows only these.

    Args:
        template: the file below `templates`.
        lang: the language that is shown first.
        scripts: the files below `templates` that the page's script is made of.
        parts: what the template shows.
    """
    looks, code = style.style(), style.script(scripts)
    return (
        environment()
        .get_template(template)
        .render(
            tag=language_of(lang),
            side=list(LANGUAGES).index(lang),
            style=looks,
            script=code,
            policy=style.policy(looks, code),
            **parts,
        )
    )


def page(edition: Edition, lang: str = "en") -> str:
    """Give the report as one HTML file.

    Args:
        edition: what is reported.
        lang: the language that is shown first, `en` or `zh`.

    Raises:
        ArgumentError: another language; jinja2 or vl-convert is not installed.
    """
    language_of(lang)
    scale = scale_of(edition)
    parts = {
        "edition": edition,
        "figures": edition.figures,
        "top": TOP,
        "facts": first_screen(edition),
        "counted": counted(edition),
        "lede": lede(edition),
        "account": account(edition),
        "scale": scale,
        "strip": strip,
        "charts": drawn_charts(edition),
        "legend": map_legend(edition),
        "bands": band_names(edition.shares.cuts) if edition.shares else [],
        "file": edition.csv_name or f"{edition.by}.csv",
        "method": method,
        "sure": edition.sure,
        "csv": base64.b64encode(edition.csv).decode(),
        "checksum": hashlib.sha256(edition.csv).hexdigest(),
        "columns": edition.csv.partition(b"\n")[0].decode().split(",") if edition.csv else [],
        "search": search_records(edition),
    }
    return render("report.html", lang, ("page.js", "report.js"), parts)


def drawn_charts(edition: Edition) -> dict[str, list[tuple[str, str, str]]]:
    """Draw every chart that has figures: by name, (language, `wide` or `narrow`, SVG)."""
    drawn: dict[str, list[tuple[str, str, str]]] = {}
    for name in CHARTS:
        for side, lang in enumerate(LANGUAGES):
            for width in ("wide", "narrow"):
                spec = specification(edition, name, side, width == "narrow")
                if spec is not None:
                    drawn.setdefault(name, []).append((lang, width, svg(spec)))
    return drawn


def search_records(edition: Edition) -> dict[str, Any]:
    """Give what the search knows: records of regions, and the words that it answers with."""
    scale = scale_of(edition)
    regions = [_region(edition, row, scale) for row in edition.rows]
    known = {row["code"] for row in edition.rows}
    for level in ("province",):
        if level != edition.by:
            regions += [_region(edition, row, None) for row in edition.tables.get(level, ())]
            known |= {row["code"] for row in edition.tables.get(level, ())}
    regions += [
        {"code": code, "name": name, "level": edition.by, "none": pair("no_records")}
        for code, name in edition.without_data
        if code not in known
    ]
    words = (
        "found_none",
        "found",
        "show_row",
        "found_hint",
        "show_all",
        "show_top",
        "top_caption",
        "all_caption",
    )
    counted = {"ranked": count(len(edition.ranked)), "n": count(min(TOP, len(edition.ranked)))}
    units = unit_words(edition.by)[1]
    return {
        "regions": regions,
        "words": {name: WORDS[name] for name in words[:4]}
        | {name: pair(name, units=units, **counted) for name in words[4:]},
        "bands": band_names(edition.shares.cuts) if edition.shares else [],
    }


def _region(edition: Edition, row: Row, scale: Any) -> dict[str, Any]:
    """Give one region's answer: texts in both languages, and where its pictures' parts stand."""
    figures, code = edition.figures, row["code"]
    told: dict[str, Any] = {"code": code, "name": edition.name(row), "level": row["level"]}
    if row["parent"] in edition.names and row["level"] not in ("province", "nation"):
        told["parent"] = edition.name_of(row["parent"])
    if row["suppressed"]:
        return {**told, "none": pair("is_suppressed", reason=edition.reasons.get(code, ("", "")))}
    if row["rank"] is None:
        return {
            **told,
            "none": pair("no_rank", min_n=count(edition.min_n)),
            "facts": _own_facts(edition, row),
        }
    facts = _place_facts(edition, row) + _own_facts(edition, row)
    past = edition.history.get(code, ())
    if len(past) > 1 and row["level"] == edition.by:
        places_then = [f"{day}: {count(rank)} ({figures.mean(mean)})" for day, rank, mean in past]
        facts.append((pair("history"), _both(places_then[-1]), _both(" · ".join(places_then[:-1]))))
    told |= {"facts": facts, "rank": row["rank"]}
    if scale is not None:
        placed = strip(scale, row)
        assert placed is not None
        told["strip"] = [placed.left, placed.right, placed.mean]
        told["whole"] = None if edition.whole is None else scale.at(edition.whole)
        told["ends"] = [figures.mean(scale.low), figures.mean(scale.high)]
    shares = edition.shares_of(row)
    if shares is not None:
        told["shares"] = bands(shares)
    return told


def _place_facts(edition: Edition, row: Row) -> list[tuple[Pair, Pair, Pair]]:
    """Give the places of a row: what it is, the place, what is said beside it."""
    rows = [other for other in edition.tables.get(row["level"], edition.rows) if other["rank"] is not None]
    place = pair("in_nation" if "nation" in edition.tables else "in_group")
    beside = pair("of_ranked", n=count(len(rows)))
    if row["rank_lo"] is not None:
        beside = _joined(beside, pair("true_place", places=places(row["rank_lo"], row["rank_hi"])))
    own = edition.own_places.get(row["code"])
    if own is not None and row["level"] == edition.by:
        beside = _joined(beside, pair("own_place", places=places(*own)))
    facts = [(place, _both(count(row["rank"])), beside)]
    siblings = sum(1 for other in rows if other["parent"] == row["parent"])
    if row["rank_in_parent"] is not None and row["level"] == edition.by and row["parent"] in edition.names:
        head = pair("in_parent", parent=edition.name_of(row["parent"]))
        facts.append((head, _both(count(row["rank_in_parent"])), pair("of_ranked", n=count(siblings))))
    if row["tier"] is not None:
        facts.append((pair("tier"), _both(count(row["tier"])), _same(edition, row)))
    return facts


def _same(edition: Edition, row: Row) -> Pair:
    """Name the rows that one cannot be told from."""
    if row["level"] != edition.by:
        return "", ""
    by_code = {other["code"]: other for other in edition.rows}
    others = [code for code in edition.same.get(row["code"], ()) if code != row["code"]]
    if not others:
        return pair("same_none")
    named = [edition.name(by_code[code]) for code in others[:6]]
    more = pair("and_more", n=count(len(others) - 6)) if len(others) > 6 else ("", "")
    listed = (", ".join(name[0] for name in named), "、".join(name[1] for name in named))
    head = pair("same")
    return (
        f"{head[0].lower()} {listed[0]}{' ' if more[0] else ''}{more[0]}".replace("cannot", "Cannot", 1),
        f"{head[1]}:{listed[1]}{more[1]}",
    )


def _own_facts(edition: Edition, row: Row) -> list[tuple[Pair, Pair, Pair]]:
    """Give the figures of a row: what it is, the figure, what is said beside it."""
    figures = edition.figures
    facts = [
        (pair("mean_head"), _both(figures.mean(row["mean"])), _both(figures.span(row["ci_lo"], row["ci_hi"])))
    ]
    if edition.whole is not None and row["mean"] is not None:
        facts.append((pair("to_nation"), _both(figures.delta(row["mean"] - edition.whole)), ("", "")))
    if row["diff_parent"] is not None and row["level"] == edition.by and row["parent"] in edition.names:
        parent = edition.name_of(row["parent"])
        facts.append((pair("to_parent", parent=parent), _both(figures.delta(row["diff_parent"])), ("", "")))
    return [*facts, (_capital(counted(edition)), _both(count(row["n"])), ("", ""))]


def _capital(told: Pair) -> Pair:
    return told[0][:1].upper() + told[0][1:], told[1]


def _both(text: str) -> Pair:
    return text, text


def _joined(one: Pair, other: Pair) -> Pair:
    return f"{one[0]} · {other[0]}", f"{one[1]} · {other[1]}"
