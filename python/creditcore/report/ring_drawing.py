"""A ring as a picture: people on an outer circle, what they share on an inner one, their times below.

Comes in: plain records of members and of shared identifiers. Goes out: the text of an SVG. Places depend
on who shares
what alone: equal rings give equal pictures. Who shares alike stands side by side, what few share near to
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import atan2, cos, pi, sin

from creditcore.report.palette import LIGHT

WIDTH, HEIGHT = 620, 400
RADII = (250.0, 165.0)
INNER = 0.5
"""The inner circle, as a part of the outer one."""
FILLS = {
    "seed": (LIGHT["mark"], LIGHT["mark"], LIGHT["on_dark"]),
    "core": (LIGHT["accent"], LIGHT["accent"], LIGHT["on_dark"]),
    "edge": (LIGHT["paper"], LIGHT["accent"], LIGHT["ink"]),
    "bystander": (LIGHT["paper"], LIGHT["strong"], LIGHT["ink"]),
}
"""Fill, border and letter of a person by level."""


@dataclass(frozen=True)
class Shared:
    """An identifier that members share."""

    type: str
    members: tuple[int, ...]
    """Places of the members that show it."""
    people: int
    """How many people show it, members or not."""


def ordered(count: int, shared: Sequence[Shared]) -> list[int]:
    """Give the members in an order in which neighbours share much: greedy, from the one who shares most.

    >>> ordered(4, [Shared("device", (0, 2), 2), Shared("phone", (1, 3), 2)])
    [0, 2, 1, 3]
    """
    shows = [{place for place, one in enumerate(shared) if member in one.members} for member in range(count)]
    left = list(range(count))
    order = [max(left, key=lambda member: (len(shows[member]), -member))]
    left.remove(order[0])
    while left:
        last = shows[order[-1]]
        order.append(max(left, key=lambda member: (len(shows[member] & last), len(shows[member]), -member)))
        left.remove(order[-1])
    return order


def angles(count: int, shared: Sequence[Shared]) -> tuple[list[float], list[float]]:
    """Give the angle of each member and of each identifier."""
    turn = 2 * pi / max(count, 1)
    people = [0.0] * count
    for place, member in enumerate(ordered(count, shared)):
        people[member] = turn * place - pi / 2
    wanted = []
    for place, one in enumerate(shared):
        x = sum(cos(people[member]) for member in one.members)
        y = sum(sin(people[member]) for member in one.members)
        wanted.append((atan2(y, x), place))
    # In the order of where they belong, evenly, so that no two lie on each other.
    wanted.sort()
    step = 2 * pi / max(len(shared), 1)
    off = [angle - step * rank for rank, (angle, _) in enumerate(wanted)]
    start = atan2(sum(map(sin, off)), sum(map(cos, off))) if off else 0.0
    placed = [0.0] * len(shared)
    for rank, (_, place) in enumerate(wanted):
        placed[place] = start + step * rank
    return people, placed


def drawing(levels: Sequence[str], shared: Sequence[Shared], days: Sequence[int | None], title: str) -> str:
    """Draw a ring.

    Args:
        levels: of the members, in the order of their numbers, which begin with 1.
        shared: what they share.
        days: of the members' records, days since any day; None where unknown.
        title: what a screen reader says.
    """
    people, identifiers = angles(len(levels), shared)
    dated = [day for day in days if day is not None]
    height = HEIGHT + (60 if dated else 0)
    inner = 0.0 if len(shared) == 1 else INNER
    at = [_place(angle, 1.0) for angle in people]
    boxes = [_place(angle, inner) for angle in identifiers]
    lines = [
        f'<line x1="{at[member][0]:.1f}" y1="{at[member][1]:.1f}" x2="{x:.1f}" y2="{y:.1f}" '
        f'stroke="{LIGHT["strong"]}" stroke-width="1" stroke-opacity="0.55"/>'
        for (x, y), one in zip(boxes, shared, strict=True)
        for member in one.members
    ]
    marks = [_box(x, y, one) for (x, y), one in zip(boxes, shared, strict=True)]
    marks += [
        _person(x, y, number, level) for number, ((x, y), level) in enumerate(zip(at, levels, strict=True), 1)
    ]
    if dated:
        marks.append(_times(days, min(dated), max(dated)))
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="12">{"".join(lines + marks)}</svg>'
    )


def _place(angle: float, part: float) -> tuple[float, float]:
    return WIDTH / 2 + RADII[0] * part * cos(angle), HEIGHT / 2 + RADII[1] * part * sin(angle)


def _person(x: float, y: float, number: int, level: str) -> str:
    fill, border, ink = FILLS[level]
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="14" fill="{fill}" stroke="{border}" stroke-width="1.6"/>'
        f'<text x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle" fill="{ink}">{number}</text>'
    )


def _box(x: float, y: float, one: Shared) -> str:
    name = one.type.replace("_", " ")
    if one.people > len(one.members):
        name += f" · {one.people:,}"
    width = 7.0 * len(name) + 16
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - 12:.1f}" width="{width:.1f}" height="24" rx="4" '
        f'fill="{LIGHT["raised"]}" stroke="{LIGHT["strong"]}"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="{LIGHT["ink"]}">{escape(name)}</text>'
    )


def _times(days: Sequence[int | None], first: int, last: int) -> str:
    """A line from the first to the last day, with a stroke for each member."""
    left, right, y = 60, WIDTH - 60, HEIGHT + 26
    span = max(last - first, 1)
    strokes = [
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 7}" y2="{y + 7}" stroke="{LIGHT["accent"]}" '
        'stroke-width="2"/>'
        for day in days
        if day is not None
        for x in [left + (right - left) * (day - first) / span]
    ]
    text = f'y="{y + 24}" fill="{LIGHT["soft"]}"'
    return (
        f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="{LIGHT["strong"]}"/>{"".join(strokes)}'
        f'<text x="{left}" {text}>day 1</text>'
        f'<text x="{right}" {text} text-anchor="end">day {last - first + 1:,}</text>'
    )
