"""Pages of plain HTML in English and Chinese: rings, backtests.

Comes in: pairs of texts. Goes out: HTML in which one language is shown and a button switches, with a policy
that allows the page's own style and script alone. Needs nothing beside the package.
"""

from __future__ import annotations

from html import escape

from creditcore.report.style import policy, script, style
from creditcore.report.words import Pair, language_of, pair

Told = str | Pair


def both(told: Told) -> str:
    """Give a text, or a pair of them, as HTML.

    >>> both("a<b"), both(("ring", "团伙"))
    ('a&lt;b', '<span class="en" lang="en">ring</span><span class="zh" lang="zh-CN">团伙</span>')
    """
    if isinstance(told, str) or told[0] == told[1]:
        return escape(told if isinstance(told, str) else told[0])
    english, chinese = map(escape, told)
    return f'<span class="en" lang="en">{english}</span><span class="zh" lang="zh-CN">{chinese}</span>'


def labelled(told: Told, lang: str) -> str:
    """Give an element's label for screen readers, in both languages."""
    sides = (told, told) if isinstance(told, str) else told
    first = escape(sides[0 if lang == "en" else 1])
    return f'data-label-en="{escape(sides[0])}" data-label-zh="{escape(sides[1])}" aria-label="{first}"'


def document(title: Pair, lang: str, header: str, main: str) -> str:
    """Give a page: its head, the switches of language and appearance, what comes first, the rest.

    Args:
        title: of the page, as text.
        lang: the language that is shown first, `en` or `zh`.
        header: HTML.
        main: HTML.

    Raises:
        ArgumentError: another language.
    """
    tag, looks, code = language_of(lang), style(), script(("page.js",))
    first = title[0 if lang == "en" else 1]
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(looks, code)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<title data-en="{escape(title[0])}" data-zh="{escape(title[1])}">{escape(first)}</title>'
        f"<style>{looks}</style>"
    )
    languages = "".join(
        f'<button type="button" data-lang="{name}" lang="{name}" '
        f'aria-pressed="{"true" if name == tag else "false"}">{told}</button>'
        for name, told in (("en", "English"), ("zh-CN", "中文"))
    )
    schemes = "".join(
        f'<button type="button" data-theme="{name}" aria-pressed="{"true" if name == "auto" else "false"}">'
        f"{both(pair(name))}</button>"
        for name in ("auto", "light", "dark")
    )
    controls = (
        f'<div class="masthead"><div class="controls">'
        f'<div role="group" {labelled(pair("language"), lang)}>{languages}</div>'
        f'<div role="group" {labelled(pair("appearance"), lang)}>{schemes}</div></div></div>'
    )
    body = f"<header>{controls}{header}</header><main>{main}</main><script>{code}</script>"
    return f'<!doctype html><html lang="{tag}"><head>{head}</head><body>{body}</body></html>\n'
