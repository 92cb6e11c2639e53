"""Backtests as tables of texts and as a page.

Comes in: a backtest. Goes out: rows for a terminal; one HTML file that needs nothing else.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from creditcore.report.strips import round_step
from creditcore.report.style import policy, style

if TYPE_CHECKING:
    from creditcore.tactics.backtests import Backtest

TITLES = (
    ("rule", "id"),
    ("action", "action"),
    ("hits", "hits"),
    ("share", "hit_rate"),
    ("bad rate", "bad_rate"),
    ("95 % from", "wilson_low"),
    ("to", "wilson_high"),
    ("lift", "lift"),
    ("recall", "recall"),
    ("alone", "exclusive"),
    ("adds", "added"),
    ("adds bad", "added_bad"),
    ("unknown", "unknown"),
    ("saved", "amount_saved"),
)
"""Titles of columns, and the keys of a rule's record."""
SHARES = {"hit_rate", "bad_rate", "wilson_low", "wilson_high", "recall", "bad_rate_low", "bad_rate_high"}


def text(key: str, value: Any) -> str:
    """Give a figure as a person reads it."""
    if value is None:
        return "-"
    if key in SHARES:
        return f"{value:.2%}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def rule_table(backtest: Backtest) -> tuple[list[str], list[list[str]]]:
    """Give titles and rows: the rules in file order; what is saved only where amounts were read."""
    titles = [(title, key) for title, key in TITLES if backtest.amount or key != "amount_saved"]
    rows = [[text(key, rule[key]) for _, key in titles] for rule in backtest.rules]
    return [title for title, _ in titles], rows


def decision_table(backtest: Backtest) -> tuple[list[str], list[list[str]]]:
    """Give titles and rows: the decisions, with bounds of what is not known."""
    keys = ("records", "bad", "good", "unknown", "bad_rate", "wilson_low", "wilson_high")
    bounds = ("bad_rate_low", "bad_rate_high")
    titles = ["decision", *(key.replace("_", " ") for key in keys), "all unknown good", "all unknown bad"]
    named = {"all": backtest.all, **backtest.decisions}
    rows = [[name, *(text(key, told[key]) for key in (*keys, *bounds))] for name, told in named.items()]
    return titles, rows


def swap_table(backtest: Backtest) -> tuple[list[str], list[list[str]]]:
    """Give titles and rows: records by the decision of the live policy and of this one."""
    keys = ["records", "bad", "good", "unknown", "bad_rate_low", "bad_rate_high"]
    titles = ["live", "new", "records", "bad", "good", "unknown", "bad at least", "bad at most"]
    if backtest.amount:
        keys, titles = [*keys, "amount"], [*titles, "amount"]
    rows = [
        [cell["live"], cell["new"], *(text(key, cell[key]) for key in keys)]
        for cell in backtest.swaps
        if cell["records"]
    ]
    return titles, rows


NUMBER = ' class="number"'


def page(backtest: Backtest) -> str:
    """Give the backtest as one HTML file."""
    known = backtest.all["bad"] + backtest.all["good"]
    told = f"{backtest.all['records']:,} records, {known:,} with a known outcome by `{backtest.label}`"
    against = f", against {escape(backtest.against)}" if backtest.against else ""
    names = {"decisions": "Decisions", "rates": "Bad rate by rule", "rules": "Rules"}
    parts = [
        _section(
            "decisions",
            "Decisions",
            _table("Decisions and what became of them", *decision_table(backtest)),
            "Outcomes that nobody knows are shown by their bounds: all of them good, all of them bad.",
        ),
        _section("rates", "Bad rate by rule", _intervals(backtest), _rates_note(backtest)),
        _section("rules", "Rules", _rules(backtest)),
    ]
    if backtest.swaps:
        names["swaps"] = "Swap sets"
        table = _table("Records by the live decision and the new one", *swap_table(backtest))
        parts.append(_section("swaps", "Swap sets", table))
    if backtest.periods:
        names["periods"] = "Share of records by period"
        parts.append(_section("periods", names["periods"], _periods(backtest)))
    if backtest.overlaps:
        names["overlaps"] = "Overlaps"
        parts.append(_section("overlaps", "Overlaps", _overlaps(backtest)))
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in names.items())
    looks = style()
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy(looks)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Backtest of {escape(backtest.policy)}</title><style>{looks}</style>"
    )
    top = (
        f"<header><h1>Backtest of {escape(backtest.policy)}</h1>"
        f'<p class="lede">{escape(told)}{against}.</p>'
        f'<nav aria-label="Contents"><ol>{links}</ol></nav></header>'
    )
    body = f"{top}<main>{''.join(parts)}</main>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _section(name: str, title: str, content: str, note: str = "") -> str:
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<section id="{name}" aria-labelledby="h-{name}"><h2 id="h-{name}">{escape(title)}</h2>'
        f"{said}{content}</section>"
    )


def _table(caption: str, titles: list[str], rows: list[list[str]], words: int = 1) -> str:
    """A table whose first columns, so many as are words, stand to the left."""
    head = "".join(
        f'<th scope="col"{"" if place < words else NUMBER}>{escape(title)}</th>'
        for place, title in enumerate(titles)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(
            f"<td{'' if place < words else NUMBER}>{escape(cell)}</td>"
            for place, cell in enumerate(row[1:], 1)
        )
        + "</tr>"
        for row in rows
    )
    name = escape(caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table class="plain">'
        f'<caption class="unseen">{name}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )


def _rules(backtest: Backtest) -> str:
    table = _table("Rules in the order of the file", *rule_table(backtest), words=2)
    if not backtest.never:
        return table
    never = ", ".join(f"<code>{escape(name)}</code>" for name in backtest.never)
    return f"{table}<p>Rules that hit no record: {never}</p>"


def _rates_note(backtest: Backtest) -> str:
    rate = text("bad_rate", backtest.all["bad_rate"])
    return (
        "A dot is the rate of known outcomes that a rule hits, the line its interval (95 %, Wilson), the "
        f"dotted line is the rate of all known outcomes, {rate}."
    )


def _intervals(backtest: Backtest) -> str:
    """A row for each rule, drawn on one scale that fits any width."""
    rules = [rule for rule in backtest.rules if rule["bad_rate"] is not None]
    if not rules:
        return "<p>No rule hits a record with a known outcome.</p>"
    base = backtest.all["bad_rate"] or 0.0
    most = max(max(rule["wilson_high"] for rule in rules), base) or 1.0
    step = round_step(most / 4)
    top = step * -(-most // step)

    def at(rate: float) -> str:
        return f"{min(100.0, 100 * rate / top):.2f}%"

    rows = []
    for rule in rules:
        low, high, rate = (at(rule[key]) for key in ("wilson_low", "wilson_high", "bad_rate"))
        drawing = (
            '<svg class="strip" width="100%" height="18" aria-hidden="true" focusable="false">'
            f'<line class="whole" x1="{at(base)}" x2="{at(base)}" y1="0" y2="18"/>'
            f'<line class="span" x1="{low}" x2="{high}" y1="9" y2="9"/>'
            f'<circle class="dot" cx="{rate}" cy="9" r="3.6"/></svg>'
        )
        span = f"{text('wilson_low', rule['wilson_low'])} – {text('wilson_high', rule['wilson_high'])}"
        rows.append(
            f'<tr><th scope="row">{escape(rule["id"])}</th><td class="drawn">{drawing}</td>'
            f'<td class="number mean">{text("bad_rate", rule["bad_rate"])}</td>'
            f'<td class="number quiet roomy">{span}</td>'
            f'<td class="number quiet roomy">{rule["bad"] + rule["good"]:,}</td></tr>'
        )
    axis = f'<span class="axis" aria-hidden="true"><span>0 %</span><span>{top * 100:g} %</span></span>'
    return (
        '<table class="places"><caption class="unseen">Bad rate by rule</caption><thead><tr>'
        f'<th scope="col">Rule</th><th scope="col" class="drawn">Bad rate and interval{axis}</th>'
        '<th scope="col" class="number">Bad rate</th><th scope="col" class="number roomy">95 %</th>'
        f'<th scope="col" class="number roomy">Known</th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _periods(backtest: Backtest) -> str:
    names = list(dict.fromkeys(one["period"] for one in backtest.periods))
    rules = list(dict.fromkeys(one["rule"] for one in backtest.periods))
    found = {(one["rule"], one["period"]): one["hit_rate"] for one in backtest.periods}
    rows = [[rule, *(text("hit_rate", found[rule, name]) for name in names)] for rule in rules]
    return _table("Share of records that a rule hits, by period", ["rule", *names], rows)


def _overlaps(backtest: Backtest) -> str:
    most = sorted(backtest.overlaps, key=lambda pair: -pair["records"])[:50]
    rows = [[pair["rule"], pair["other"], f"{pair['records']:,}"] for pair in most]
    return _table("Rules that hit the same records", ["rule", "and", "records"], rows, words=2)
