"""Backtests as tables of texts and as a page.

Comes in: a backtest. Goes out: rows for a terminal; one HTML file that needs nothing else.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from creditcore.backtests import Backtest

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
    """Give titles and rows: the rules in file order."""
    rows = [[text(key, rule[key]) for _, key in TITLES] for rule in backtest.rules]
    return [title for title, _ in TITLES], rows


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
    keys = ("records", "bad", "good", "unknown", "bad_rate_low", "bad_rate_high", "amount")
    titles = ["live", "new", "records", "bad", "good", "unknown", "bad at least", "bad at most", "amount"]
    rows = [
        [cell["live"], cell["new"], *(text(key, cell[key]) for key in keys)]
        for cell in backtest.swaps
        if cell["records"]
    ]
    return titles, rows


STYLE = """
:root{--ink:#1c2430;--soft:#66707f;--line:#e3e7ed;--bad:#b3261e;--good:#2e7d5b;--bar:#c9d6ea;--page:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#9aa5b4;--line:#2c3440;--bar:#33486a;--page:#151a21}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:2.5rem auto;
max-width:72rem;padding:0 1.5rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.1rem;margin:2.4rem 0 .6rem}p{color:var(--soft);margin:.3rem 0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--soft);font-weight:500}th:first-child,td:first-child{text-align:left}
td.word{text-align:left}.never{color:var(--bad)}svg{display:block}
"""


def page(backtest: Backtest) -> str:
    """Give the backtest as one HTML file."""
    known = backtest.all["bad"] + backtest.all["good"]
    told = f"{backtest.all['records']:,} records, {known:,} with a known outcome by `{backtest.label}`"
    against = f", against {escape(backtest.against)}" if backtest.against else ""
    parts = [
        f"<h1>Backtest of {escape(backtest.policy)}</h1><p>{escape(told)}{against}</p>",
        "<h2>Decisions</h2><p>What became of records that nobody knows is shown with its bounds.</p>",
        _table(*decision_table(backtest)),
        "<h2>Bad rate by rule</h2><p>The line is the interval of 95 %, the mark the rate of known outcomes; "
        "the upright line is the rate of all records.</p>",
        _intervals(backtest),
        "<h2>Rules</h2>",
        _table(*rule_table(backtest)),
    ]
    if backtest.never:
        never = ", ".join(escape(name) for name in backtest.never)
        parts.append(f'<p class="never">Rules that hit no record: {never}</p>')
    if backtest.swaps:
        parts += ["<h2>Swap sets</h2>", _table(*swap_table(backtest))]
    if backtest.periods:
        parts += ["<h2>Share of records by period</h2>", _periods(backtest)]
    if backtest.overlaps:
        parts += ["<h2>Overlaps</h2>", _overlaps(backtest)]
    head = f'<meta charset="utf-8"><title>{escape(backtest.policy)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _table(titles: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _intervals(backtest: Backtest) -> str:
    """A line for each rule on one scale."""
    rules = [rule for rule in backtest.rules if rule["bad_rate"] is not None]
    if not rules:
        return "<p>No rule hits a record with a known outcome.</p>"
    top = max(max(rule["wilson_high"] for rule in rules), backtest.all["bad_rate"] or 0) or 1
    left, width, step = 220, 620, 22
    height = step * len(rules) + 28

    def at(rate: float) -> float:
        return left + width * rate / top

    lines = []
    for place, rule in enumerate(rules):
        y = step * place + 14
        low, high, rate = (at(rule[key]) for key in ("wilson_low", "wilson_high", "bad_rate"))
        name = escape(rule["id"][:30])
        told = escape(
            f"{rule['id']}: {rule['bad_rate']:.2%} of {rule['bad'] + rule['good']:,} known outcomes"
        )
        lines.append(
            f'<g><title>{told}</title><text x="{left - 12}" y="{y + 4}" text-anchor="end" '
            f'fill="currentColor" font-size="12">{name}</text>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" '
            f'stroke="var(--soft)" stroke-width="2"/>'
            f'<circle cx="{rate:.1f}" cy="{y}" r="4" fill="var(--bad)"/></g>'
        )
    base = at(backtest.all["bad_rate"] or 0)
    axis = (
        f'<line x1="{base:.1f}" x2="{base:.1f}" y1="4" y2="{height - 24}" stroke="var(--good)" '
        f'stroke-dasharray="3 3"/><text x="{left}" y="{height - 6}" font-size="11" '
        f'fill="var(--soft)">0 %</text>'
        f'<text x="{left + width}" y="{height - 6}" font-size="11" text-anchor="end" '
        f'fill="var(--soft)">{top:.1%}</text>'
    )
    inside = "".join(lines) + axis
    size = f'width="{left + width + 20}" height="{height}"'
    return f'<div class="wide"><svg {size} role="img">{inside}</svg></div>'


def _periods(backtest: Backtest) -> str:
    names = list(dict.fromkeys(one["period"] for one in backtest.periods))
    rules = list(dict.fromkeys(one["rule"] for one in backtest.periods))
    found = {(one["rule"], one["period"]): one["hit_rate"] for one in backtest.periods}
    rows = [[rule, *(text("hit_rate", found[rule, name]) for name in names)] for rule in rules]
    return _table(["rule", *names], rows)


def _overlaps(backtest: Backtest) -> str:
    most = sorted(backtest.overlaps, key=lambda pair: -pair["records"])[:50]
    rows = [[pair["rule"], pair["other"], f"{pair['records']:,}"] for pair in most]
    return _table(["rule", "and", "records"], rows)
