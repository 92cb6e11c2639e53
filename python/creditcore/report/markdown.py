"""A report as Markdown, for repositories and notebooks.

Comes in: an edition and a language. Goes out: text. What comes out of data is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from creditcore.report import method
from creditcore.report.edition import Edition, Row
from creditcore.report.facts import account, first_screen, lede
from creditcore.report.figures import count, places
from creditcore.report.words import LANGUAGES, language_of, pair, unit_words

TOP = 50


def markdown(edition: Edition, lang: str = "en") -> str:
    """Give the report in one language.

    Raises:
        ArgumentError: another language than `en` and `zh`.
    """
    language_of(lang)
    side = list(LANGUAGES).index(lang)
    shown = min(TOP, len(edition.ranked))
    units = unit_words(edition.by)[1]
    parts = [f"# {escaped(edition.heading[side])}", f"**{pair(edition.status)[side]}**"]
    if lede(edition):
        parts.append(escaped(" ".join(told[side] for told in lede(edition))))
    facts = [
        [name[side], f"{fact[side]} {beside[side]}".strip()] for name, fact, beside in first_screen(edition)
    ]
    parts.append(table(["", ""], facts))
    caption = pair("top_caption", n=count(shown), ranked=count(len(edition.ranked)), units=units)
    parts += [f"## {caption[side]}", _rows(edition, edition.ranked[:TOP], side)]
    for name in ("province", *edition.families):
        if name in edition.tables and name != edition.by:
            parts += [
                f"## {unit_words(name)[0][side].capitalize()}",
                _rows(edition, edition.tables[name], side),
            ]
    parts.append(f"## {pair('withheld')[side]}")
    hidden = [row for row in edition.rows if row["rank"] is None]
    named = [escaped(edition.name(row)[side]) for row in hidden]
    named += [f"{escaped(name[side])} ({pair('no_data')[side]})" for _, name in edition.without_data]
    parts.append(", ".join(named) or pair("withheld_none")[side])
    rows = [[name[side], number] for name, number in account(edition)]
    parts += [f"## {pair('account_title')[side]}", table([pair("cause")[side], "n"], rows)]
    parts.append(f"## {pair('method')[side]}")
    errors = edition.plan.get("errors")
    told = [*method.what_is_measured(edition.plan), *method.what_is_sure(edition.sure, errors)]
    told += [*method.what_is_hidden(edition.rules), *method.LIMITS]
    parts += [escaped(one[side]) for one in told]
    if edition.command:
        parts.append(f"```\n{edition.command}\n```")
    return "\n\n".join(parts) + "\n"


def _rows(edition: Edition, rows: Sequence[Row], side: int) -> str:
    heads = ["place", "name", "mean_head", "ci", "between_head", "tier", "n"]
    figures = edition.figures
    return table(
        [pair(head)[side] for head in heads],
        [
            [
                count(row["rank"]),
                edition.name(row)[side],
                figures.mean(row["mean"]),
                figures.span(row["ci_lo"], row["ci_hi"]),
                places(row["rank_lo"], row["rank_hi"]),
                count(row["tier"]),
                count(row["n"]),
            ]
            for row in rows
        ],
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table; cells are escaped."""
    lines = [heads, ["---"] * len(heads), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """Keep a text from being read as Markdown or HTML."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", plain)
