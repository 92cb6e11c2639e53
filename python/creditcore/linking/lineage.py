"""Lineage: ids of rings that stay from run to run, with the events that change them.

Comes in: the members of rings now, and the lineage before. Goes out: a `Lineage`. A ring inherits the id of
the old one with which it shares half or more of both's members (Jaccard >= 0.5); no two can claim one id.
Others get the next number: ids are never used twice, also after a ring is gone.

| event | when |
|---|---|
| `new` | no old ring has any of its members in numbers |
| `kept` | inherits an id |
| `split` | the greatest part of its old members comes from a ring that lives on elsewhere, or is gone |
| `merge` | half or more of two old rings are in it |
| `gone` | an old ring whose id nobody inherits |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Event(NamedTuple):
    """What happened to a ring."""

    id: int
    event: str
    """`new`, `kept`, `split`, `merge` or `gone`."""
    parents: tuple[int, ...]
    """The old rings that it comes from, the largest part first."""
    group_id: Any
    """The smallest key of its members; None where it is gone."""


@dataclass(frozen=True)
class Lineage:
    """Rings with ids that stay.

    >>> first = follow({1: [1, 2, 3, 4], 9: [9, 10, 11]})
    >>> after = follow({1: [1, 2, 3], 5: [5, 6, 7]}, first)
    >>> [(event.id, event.event, event.parents) for event in after.events]
    [(1, 'kept', (1,)), (3, 'new', ()), (2, 'gone', (2,))]
    """

    members: dict[int, frozenset[Any]]
    """The members of each ring that is there now, by its id."""
    events: list[Event]
    """What happened since the lineage before."""
    last_id: int
    """The greatest id ever given."""

    def ids(self) -> dict[Any, int]:
        """Give the id of each ring that is there now, by its `group_id`."""
        return {event.group_id: event.id for event in self.events if event.event != "gone"}

    def rows(self) -> list[dict[str, Any]]:
        """Give the events as plain records: `id`, `event`, `parents`, `group_id`."""
        return [event._asdict() for event in self.events]


def follow(groups: Mapping[Any, Sequence[Any]], before: Lineage | None = None) -> Lineage:
    """Give ids to groups.

    Args:
        groups: the members of each group, by its name (the smallest key).
        before: the lineage before; none numbers the groups from 1, in the order of their names.
    """
    old = before.members if before is not None else {}
    last = before.last_id if before is not None else 0
    home = {key: number for number, keys in old.items() for key in keys}
    names = sorted(groups)
    overlaps = {name: Counter(home[key] for key in groups[name] if key in home) for name in names}
    heirs = _heirs(groups, overlaps, old)
    members: dict[int, frozenset[Any]] = {}
    events: list[Event] = []
    for name in names:
        parents = _parents(overlaps[name], old, len(groups[name]))
        number = heirs.get(name)
        if number is None:
            last += 1
            number = last
            kind = "merge" if len(parents) > 1 else "split" if parents else "new"
        else:
            kind = "merge" if len(parents) > 1 else "kept"
            parents = parents or (number,)
        members[number] = frozenset(groups[name])
        events.append(Event(number, kind, parents, name))
    kept = set(heirs.values())
    events += [Event(number, "gone", (number,), None) for number in sorted(old) if number not in kept]
    return Lineage(members, events, last)


def _heirs(
    groups: Mapping[Any, Sequence[Any]],
    overlaps: Mapping[Any, Counter[int]],
    old: Mapping[int, frozenset[Any]],
) -> dict[Any, int]:
    """Give the group that inherits each id: of several the one that is most alike, then the first by name."""
    claims = []
    for name, overlap in overlaps.items():
        for number, common in overlap.items():
            union = len(groups[name]) + len(old[number]) - common
            if 2 * common >= union:
                claims.append((-common / union, name, number))
    heirs: dict[Any, int] = {}
    for _, name, number in sorted(claims):
        if name not in heirs and number not in heirs.values():
            heirs[name] = number
    return heirs


def _parents(overlap: Counter[int], old: Mapping[int, frozenset[Any]], size: int) -> tuple[int, ...]:
    """The old rings of which half is in the group, and the one that makes up half of the group."""
    found = [
        (-common, number)
        for number, common in overlap.items()
        if 2 * common >= len(old[number]) or 2 * common >= size
    ]
    return tuple(number for _, number in sorted(found))
