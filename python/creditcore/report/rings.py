"""Rings as a page for whoever reviews them.

Comes in: rings as plain records. Goes out: one HTML file that asks nothing of the network. Keys are
masked but for their last two characters; no identifier is shown at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from creditcore.report.palette import for_page
from creditcore.report.ring_drawing import Shared, drawing
from creditcore.report.style import policy, style

BENIGN = {"household": "a household", "dormitory": "a dormitory", "shop": "a shop"}


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


def page(rings: Sequence[Ring], count: int) -> str:
    """Give rings as one HTML file, the most suspect first.

    Args:
        rings: those that are drawn.
        count: how many there are in all.
    """
    looks = style()
    rows = "".join(_row(number, ring) for number, ring in enumerate(rings, 1))
    heads = "".join(
        f'<th scope="col"{kind}>{title}</th>'
        for title, kind in (
            ("Ring", ""),
            ("People", ' class="number"'),
            ("Score", ' class="number"'),
            ("Days", ' class="number"'),
            ("Known fraud", ' class="number roomy"'),
            ("Could also be", ' class="roomy"'),
        )
    )
    shown = f"the {len(rings)} most suspect of {count:,} rings" if len(rings) < count else f"{count:,} rings"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy(looks)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Rings</title><style>{looks}</style>"
    )
    body = (
        '<header><h1>Rings for review</h1><p class="lede">A ring is a reason to look at its members, not to '
        "reject them: recruited real people are common. A reject needs evidence on the person.</p>"
        f'<p class="note">Shown: {shown}. Keys are masked but for their last two characters.</p></header>'
        '<main><section id="rings" aria-labelledby="h-rings"><h2 id="h-rings">Rings</h2><table class="plain">'
        f'<caption class="unseen">Rings, the most suspect first</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
        + "".join(_section(number, ring) for number, ring in enumerate(rings, 1))
        + "</main>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _row(number: int, ring: Ring) -> str:
    told = ring.summary
    days = "–" if told["span_days"] is None else f"{told['span_days'] + 1:,}"
    benign = BENIGN.get(told["benign"], "–")
    likely = f"{benign} ({told['benign_score']:.2f})" if benign != "–" else benign
    return (
        f'<tr><th scope="row"><a href="#ring-{number}">{number}</a></th>'
        f'<td class="number">{told["size"]:,}</td>'
        f'<td class="number">{told["score"]:.3f}</td><td class="number">{days}</td>'
        f'<td class="number roomy">{told["known_fraud"]:,}</td><td class="roomy">{likely}</td></tr>'
    )


def _section(number: int, ring: Ring) -> str:
    told = ring.summary
    evidence = "".join(f"<li>{escape(one)}</li>" for one in str(told["shared"]).split("; ") if one)
    span = "" if told["span_days"] is None else f" within {told['span_days'] + 1:,} days"
    stays = f"{told['exclusivity']:.0%} of their ties stay inside the ring"
    benign = BENIGN.get(told["benign"])
    doubt = f" It could also be {benign} (fit {told['benign_score']:.2f})." if benign else ""
    drawn = (
        f'<figure class="chart ring"><div>{for_page(ring.svg())}</div><figcaption class="note">'
        "Circles are people, numbered as below: filled dark core, red known fraud, open edge or bystander. "
        "Boxes are identifiers that two or more of them share; a number in one says how many people show it "
        "where others do too. Below: when they came.</figcaption></figure>"
    )
    rows = "".join(
        f'<tr><th scope="row">{place}</th><td><code>{escape(masked(member["key"]))}</code></td>'
        f'<td>{escape(member["level"])}</td><td class="number">{member["score"]:.2f}</td>'
        f"<td>{escape(member['reason'].replace('`', ''))}</td></tr>"
        for place, member in enumerate(ring.members, 1)
    )
    return (
        f'<section id="ring-{number}" aria-labelledby="h-ring-{number}">'
        f'<h2 id="h-ring-{number}">Ring {number}</h2>'
        f"<p>{told['size']:,} people{span}; score {told['score']:.3f}; {stays}.{doubt}</p>"
        f'<div class="ring-parts">{drawn}<div><h3>What they share</h3><ul class="listing">{evidence}</ul>'
        "</div></div>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Members of ring {number}">'
        '<table class="plain">'
        f'<caption class="unseen">Members of ring {number}</caption><thead><tr><th scope="col">No.</th>'
        '<th scope="col">Key</th><th scope="col">Level</th><th scope="col" class="number">Score</th>'
        f'<th scope="col">Why</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )
