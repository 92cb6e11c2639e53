"""Rings as a page for whoever reviews them.

Comes in: rings as plain records. Goes out: one HTML file, in English and Chinese, that asks nothing of the
network. Keys are masked but for their last two characters; no identifier is shown at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from creditcore.report.palette import for_page
from creditcore.report.ring_drawing import Shared, drawing
from creditcore.report.two_languages import Told, both, document, labelled
from creditcore.report.words import Pair

BENIGN: dict[str, Pair] = {
    "household": ("a household", "同一家庭"),
    "dormitory": ("a dormitory", "集体宿舍"),
    "shop": ("a shop", "门店"),
}
LEVELS: dict[str, Pair] = {
    "seed": ("seed", "种子"),
    "core": ("core", "核心"),
    "edge": ("edge", "边缘"),
    "bystander": ("bystander", "旁观者"),
}
HEADS: tuple[tuple[Pair, str], ...] = (
    (("Ring", "团伙"), ""),
    (("People", "人数"), "number"),
    (("Score", "得分"), "number"),
    (("Days", "天数"), "number"),
    (("Known fraud", "已知欺诈"), "number roomy"),
    (("Could also be", "也可能是"), "roomy"),
)
LEDE: Pair = (
    "A ring is a reason to look at its members, not to reject them: recruited real people are common. "
    "A reject needs evidence on the person.",
    "团伙是核查其成员的理由，而非拒绝的依据：被招募的真实客户很常见。拒绝须有针对本人的证据。",
)
LEGEND: Pair = (
    "Circles are people, numbered as below: filled dark core, red known fraud, open edge or bystander. "
    "Boxes are identifiers that two or more of them share; a number in one says how many people show it "
    "where others do too. Below: when they came.",
    "圆圈为人员，编号同下表：深色实心为核心，红色为已知欺诈，空心为边缘或旁观者。方框为两人以上共用的标识；"
    "框内数字表示团伙外亦有人使用时的总人数。下方为进件时间。",
)


@dataclass(frozen=True)
class Ring:
    """A ring as it is drawn."""

    summary: dict[str, Any]
    members: Sequence[dict[str, Any]]
    """`key`, `level`, `score`, `reason`, in the order of their numbers."""
    shared: Sequence[Shared]
    days: Sequence[int | None]

    @property
    def title(self) -> str:
        """What a screen reader says of the picture."""
        return f"{len(self.members)} people and the {len(self.shared)} identifiers that they share"

    def svg(self) -> str:
        """Draw the ring, in the colours of a light page."""
        return drawing([member["level"] for member in self.members], self.shared, self.days, self.title)

    def _repr_html_(self) -> str:
        """Show the picture in a notebook."""
        return self.svg()

    def page(self) -> str:
        """Give the ring as a page of its own."""
        return page([self], 1)


def masked(key: object) -> str:
    """Show the last two characters of a key.

    >>> masked(2789), masked("a")
    ('··89', '·')
    """
    text = str(key)
    return "·" * min(max(len(text) - 2, 1), 6) + (text[-2:] if len(text) > 2 else "")


def page(rings: Sequence[Ring], count: int, lang: str = "en") -> str:
    """Give rings as one HTML file, the most suspect first.

    Args:
        rings: those that are drawn.
        count: how many there are in all.
        lang: the language that is shown first, `en` or `zh`.

    Raises:
        ArgumentError: another language.
    """
    rows = "".join(_row(number, ring) for number, ring in enumerate(rings, 1))
    heads = "".join(f'<th scope="col" class="{kind}">{both(title)}</th>' for title, kind in HEADS)
    shown: Pair = (f"{count:,} rings", f"共 {count:,} 个团伙")
    if len(rings) < count:
        shown = (
            f"the {len(rings)} most suspect of {count:,} rings",
            f"{count:,} 个团伙中最可疑的 {len(rings)} 个",
        )
    note: Pair = (
        f"Shown: {shown[0]}. Keys are masked but for their last two characters.",
        f"本页列示{shown[1]}。主键仅显示末两位。",
    )
    header = (
        f"<h1>{both(('Rings for review', '待核查团伙'))}</h1>"
        f'<p class="lede">{both(LEDE)}</p><p class="note">{both(note)}</p>'
    )
    main = (
        f'<section id="rings" aria-labelledby="h-rings"><h2 id="h-rings">{both(("Rings", "团伙"))}</h2>'
        '<table class="plain"><caption class="unseen">'
        f"{both(('Rings, the most suspect first', '团伙列表，最可疑者在前'))}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
        + "".join(_section(number, ring, lang) for number, ring in enumerate(rings, 1))
    )
    return document(("Rings", "团伙"), lang, header, main)


def _row(number: int, ring: Ring) -> str:
    told = ring.summary
    days = "–" if told["span_days"] is None else f"{told['span_days'] + 1:,}"
    benign = BENIGN.get(told["benign"])
    fit = "" if benign is None else f" ({told['benign_score']:.2f})"
    return (
        f'<tr><th scope="row"><a href="#ring-{number}">{number}</a></th>'
        f'<td class="number">{told["size"]:,}</td>'
        f'<td class="number">{told["score"]:.3f}</td><td class="number">{days}</td>'
        f'<td class="number roomy">{told["known_fraud"]:,}</td>'
        f'<td class="roomy">{both(benign or "–")}{fit}</td></tr>'
    )


def _said(told: dict[str, Any]) -> Pair:
    """Say of a ring how large, how fast, how suspect and how closed it is."""
    days = None if told["span_days"] is None else f"{told['span_days'] + 1:,}"
    within = ("", "") if days is None else (f" within {days} days", f"，{days} 天内出现")
    benign = BENIGN.get(told["benign"])
    doubt = ("", "")
    if benign is not None:
        fit = f"{told['benign_score']:.2f}"
        doubt = (f" It could also be {benign[0]} (fit {fit}).", f"也可能是{benign[1]}（吻合度 {fit}）。")
    size, score, inside = f"{told['size']:,}", f"{told['score']:.3f}", f"{told['exclusivity']:.0%}"
    return (
        f"{size} people{within[0]}; score {score}; {inside} of their ties stay inside the ring.{doubt[0]}",
        f"{size} 人{within[1]}；得分 {score}；其关联的 {inside} 在团伙内部。{doubt[1]}",
    )


DAY = re.compile(r">day (\d+)<")
DAYS = r'><tspan class="en">day \1</tspan><tspan class="zh">第 \1 天</tspan><'
EVIDENCE = re.compile(r"(.+): (\S+) of (\S+) members on (\S+) \((\S+) expected\)")
SHARES = re.compile(
    r"(known fraud; |known good; )?shares (.+) of (\d+) members(?:, the nearest (\d+) days apart)?"
)


def in_both(told: str) -> Told:
    """Give evidence that is told in English in both languages; what is in no known form stays as it is.

    >>> in_both("phone: 3 of 4 members on 1 (0.02 expected)")[1]
    'phone：4 名成员中有 3 名共用 1 个（预期 0.02）'
    """
    if found := EVIDENCE.fullmatch(told):
        kind, members, size, identifiers, expected = found.groups()
        return told, f"{kind}：{size} 名成员中有 {members} 名共用 {identifiers} 个（预期 {expected}）"
    if found := SHARES.fullmatch(told):
        known, shares, size, days = found.groups()
        first = {"known fraud; ": "已知欺诈；", "known good; ": "已知良好；"}.get(known or "", "")
        listed = "，".join("与 {1} 人共用 {0}".format(*one.split(" with ")) for one in shares.split(", "))
        near = "" if days is None else f"，最近者相隔 {days} 天"
        return told, f"{first}{listed}（共 {size} 名成员）{near}"
    return told


def _section(number: int, ring: Ring, lang: str) -> str:
    shared = str(ring.summary["shared"]).split("; ")
    evidence = "".join(f"<li>{both(in_both(one))}</li>" for one in shared if one)
    drawn = (
        f'<figure class="chart ring"><div>{DAY.sub(DAYS, for_page(ring.svg()))}</div>'
        '<figcaption class="note">'
        f"{both(LEGEND)}</figcaption></figure>"
    )
    rows = "".join(
        f'<tr><th scope="row">{place}</th><td><code>{escape(masked(member["key"]))}</code></td>'
        f'<td class="short">{both(LEVELS.get(member["level"], member["level"]))}</td>'
        f'<td class="number">{member["score"]:.2f}</td>'
        f"<td>{both(in_both(member['reason'].replace('`', '')))}</td></tr>"
        for place, member in enumerate(ring.members, 1)
    )
    members: Pair = (f"Members of ring {number}", f"团伙 {number} 的成员")
    heads = "".join(
        f'<th scope="col"{kind}>{both(told)}</th>'
        for told, kind in (
            (("No.", "序号"), ""),
            (("Key", "主键"), ""),
            (("Level", "级别"), ""),
            (("Score", "得分"), ' class="number"'),
            (("Why", "依据"), ""),
        )
    )
    return (
        f'<section id="ring-{number}" aria-labelledby="h-ring-{number}">'
        f'<h2 id="h-ring-{number}">{both((f"Ring {number}", f"团伙 {number}"))}</h2>'
        f"<p>{both(_said(ring.summary))}</p>"
        f'<div class="ring-parts">{drawn}<div><h3>{both(("What they share", "共用的标识"))}</h3>'
        f'<ul class="listing">{evidence}</ul></div></div>'
        f'<div class="scroll" tabindex="0" role="region" {labelled(members, lang)}>'
        f'<table class="plain"><caption class="unseen">{both(members)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
