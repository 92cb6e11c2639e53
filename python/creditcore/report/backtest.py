"""Backtests as tables of texts and as a page.

Comes in: a backtest. Goes out: rows for a terminal; one HTML file that needs nothing else.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from creditcore.report.strips import round_step
from creditcore.report.two_languages import Told, both, document, labelled
from creditcore.report.words import Pair, pair

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
ZH: dict[str, str] = {
    "rule": "规则",
    "action": "动作",
    "hits": "命中",
    "share": "命中率",
    "bad rate": "坏账率",
    "95 % from": "95 % 下限",
    "to": "上限",
    "lift": "提升度",
    "recall": "召回率",
    "alone": "独有命中",
    "adds": "新增",
    "adds bad": "新增坏样本",
    "unknown": "未知",
    "saved": "节省金额",
    "decision": "决策",
    "records": "记录",
    "bad": "坏",
    "good": "好",
    "wilson low": "95 % 下限",
    "wilson high": "上限",
    "all unknown good": "未知均为好",
    "all unknown bad": "未知均为坏",
    "live": "现行",
    "new": "新策略",
    "bad at least": "坏账率至少",
    "bad at most": "坏账率至多",
    "amount": "金额",
    "and": "与",
    "all": "全部",
    "reject": "拒绝",
    "review": "复核",
    "pass": "通过",
    "flag": "标记",
    "score": "调分",
    "cap": "封顶",
    "known": "已知",
    "interval": "区间",
}
"""Chinese for titles of columns, decisions and actions."""
SECTIONS: dict[str, Pair] = {
    "decisions": ("Decisions", "决策"),
    "rates": ("Bad rate by rule", "各规则坏账率"),
    "rules": ("Rules", "规则"),
    "swaps": ("Swap sets", "置换集"),
    "periods": ("Share of records by period", "各期命中率"),
    "overlaps": ("Overlaps", "重叠"),
}
UNKNOWN: Pair = (
    "Outcomes that nobody knows are shown by their bounds: all of them good, all of them bad.",
    "结果未知者以上下界列示：全部为好，或全部为坏。",
)


def _in_both(told: str) -> Told:
    """Give a title, a decision or an action in both languages; anything else as it is."""
    return (told, ZH[told]) if told in ZH else told


def page(backtest: Backtest, lang: str = "en") -> str:
    """Give the backtest as one HTML file in English and Chinese.

    Args:
        backtest: what is shown.
        lang: the language that is shown first, `en` or `zh`.

    Raises:
        ArgumentError: another language.
    """
    records, known = backtest.all["records"], backtest.all["bad"] + backtest.all["good"]
    told: Pair = (
        f"{records:,} records, {known:,} with a known outcome by `{backtest.label}`",
        f"{records:,} 条记录，其中 {known:,} 条按 `{backtest.label}` 结果已知",
    )
    if backtest.against:
        told = (f"{told[0]}, against {backtest.against}", f"{told[1]}，与 {backtest.against} 比较")
    first: Pair = ("Decisions and what became of them", "决策及其结果")
    contents = {
        "decisions": (_table(first, *decision_table(backtest), lang=lang), UNKNOWN),
        "rates": (_intervals(backtest), _rates_note(backtest)),
        "rules": (_rules(backtest, lang), None),
    }
    if backtest.swaps:
        swaps: Pair = ("Records by the live decision and the new one", "按现行决策与新决策划分的记录")
        contents["swaps"] = (_table(swaps, *swap_table(backtest), words=2, lang=lang), None)
    if backtest.periods:
        contents["periods"] = (_periods(backtest, lang), None)
    if backtest.overlaps:
        contents["overlaps"] = (_overlaps(backtest, lang), None)
    parts = [_section(name, content, note) for name, (content, note) in contents.items()]
    links = "".join(f'<li><a href="#{name}">{both(SECTIONS[name])}</a></li>' for name in contents)
    title: Pair = (f"Backtest of {backtest.policy}", f"{backtest.policy} 回测")
    header = (
        f'<h1>{both(title)}</h1><p class="lede">{both((f"{told[0]}.", f"{told[1]}。"))}</p>'
        f"<nav {labelled(pair('contents'), lang)}><ol>{links}</ol></nav>"
    )
    return document(title, lang, header, "".join(parts))


def _section(name: str, content: str, note: Pair | None) -> str:
    said = f'<p class="note">{both(note)}</p>' if note else ""
    return (
        f'<section id="{name}" aria-labelledby="h-{name}"><h2 id="h-{name}">{both(SECTIONS[name])}</h2>'
        f"{said}{content}</section>"
    )


def _table(caption: Pair, titles: list[str], rows: list[list[str]], words: int = 1, lang: str = "en") -> str:
    """A table whose first columns, so many as are words, stand to the left."""
    head = "".join(
        f'<th scope="col"{"" if place < words else NUMBER}>{both(_in_both(title))}</th>'
        for place, title in enumerate(titles)
    )
    actions = {place for place, title in enumerate(titles) if title in ("decision", "action", "live", "new")}

    def cell(place: int, told: str) -> str:
        return both(_in_both(told)) if place in actions else escape(told)

    body = "".join(
        f'<tr><th scope="row">{cell(0, row[0])}</th>'
        + "".join(
            f"<td{'' if place < words else NUMBER}>{cell(place, told)}</td>"
            for place, told in enumerate(row[1:], 1)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" {labelled(caption, lang)}><table class="plain">'
        f'<caption class="unseen">{both(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _rules(backtest: Backtest, lang: str) -> str:
    caption: Pair = ("Rules in the order of the file", "规则（按文件次序）")
    table = _table(caption, *rule_table(backtest), words=2, lang=lang)
    if not backtest.never:
        return table
    never = ", ".join(f"<code>{escape(name)}</code>" for name in backtest.never)
    return f"{table}<p>{both(('Rules that hit no record: ', '未命中任何记录的规则：'))}{never}</p>"


def _rates_note(backtest: Backtest) -> Pair:
    rate = text("bad_rate", backtest.all["bad_rate"])
    return (
        "A dot is the rate of known outcomes that a rule hits, the line its interval (95 %, Wilson), the "
        f"dotted line is the rate of all known outcomes, {rate}.",
        "圆点为规则命中且结果已知者的坏账率，横线为其区间（95 %，Wilson），"
        f"虚线为全部已知结果的坏账率 {rate}。",
    )


def _intervals(backtest: Backtest) -> str:
    """A row for each rule, drawn on one scale that fits any width."""
    rules = [rule for rule in backtest.rules if rule["bad_rate"] is not None]
    if not rules:
        none = ("No rule hits a record with a known outcome.", "没有规则命中结果已知的记录。")
        return f"<p>{both(none)}</p>"
    base = backtest.all["bad_rate"] or 0.0
    most = max(max(rule["wilson_high"] for rule in rules), base) or 1.0
    step = round_step(most / 4)
    top = step * -(-most // step)
    rows = "".join(_drawn(rule, base, top) for rule in rules)
    axis = f'<span class="axis" aria-hidden="true"><span>0 %</span><span>{top * 100:g} %</span></span>'
    drawn = both(("Bad rate and interval", "坏账率与区间"))
    return (
        f'<table class="places"><caption class="unseen">{both(SECTIONS["rates"])}</caption><thead><tr>'
        f'<th scope="col">{both(("Rule", "规则"))}</th><th scope="col" class="drawn">{drawn}{axis}</th>'
        f'<th scope="col" class="number">{both(("Bad rate", "坏账率"))}</th>'
        '<th scope="col" class="number roomy">95 %</th>'
        f'<th scope="col" class="number roomy">{both(("Known", "已知"))}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _drawn(rule: dict[str, Any], base: float, top: float) -> str:
    """One rule's rate on the scale from nothing to `top`."""

    def at(rate: float) -> str:
        return f"{min(100.0, 100 * rate / top):.2f}%"

    low, high, rate = (at(rule[key]) for key in ("wilson_low", "wilson_high", "bad_rate"))
    drawing = (
        '<svg class="strip" width="100%" height="18" aria-hidden="true" focusable="false">'
        f'<line class="whole" x1="{at(base)}" x2="{at(base)}" y1="0" y2="18"/>'
        f'<line class="span" x1="{low}" x2="{high}" y1="9" y2="9"/>'
        f'<circle class="dot" cx="{rate}" cy="9" r="3.6"/></svg>'
    )
    span = f"{text('wilson_low', rule['wilson_low'])} – {text('wilson_high', rule['wilson_high'])}"
    return (
        f'<tr><th scope="row">{escape(rule["id"])}</th><td class="drawn">{drawing}</td>'
        f'<td class="number mean">{text("bad_rate", rule["bad_rate"])}</td>'
        f'<td class="number quiet roomy">{span}</td>'
        f'<td class="number quiet roomy">{rule["bad"] + rule["good"]:,}</td></tr>'
    )


def _periods(backtest: Backtest, lang: str) -> str:
    names = list(dict.fromkeys(one["period"] for one in backtest.periods))
    rules = list(dict.fromkeys(one["rule"] for one in backtest.periods))
    found = {(one["rule"], one["period"]): one["hit_rate"] for one in backtest.periods}
    rows = [[rule, *(text("hit_rate", found[rule, name]) for name in names)] for rule in rules]
    caption: Pair = ("Share of records that a rule hits, by period", "各期规则命中的记录占比")
    return _table(caption, ["rule", *map(str, names)], rows, lang=lang)


def _overlaps(backtest: Backtest, lang: str) -> str:
    most = sorted(backtest.overlaps, key=lambda pair: -pair["records"])[:50]
    rows = [[one["rule"], one["other"], f"{one['records']:,}"] for one in most]
    caption: Pair = ("Rules that hit the same records", "命中相同记录的规则")
    return _table(caption, ["rule", "and", "records"], rows, words=2, lang=lang)
