"""Rings planted among the applicants: who belongs to which, and what its members share.

Comes in: the draws of a seed and the number of records. Goes out: a table of rings and the sorted list of
their members, small enough to stay in memory (some 1 % of the units). `truth.parquet` names them;
`records.parquet` shows only what they leave: shared identifiers, bursts of applications, features that lean
the wrong way.

| kind | members | what they share |
|---|---|---|
| `device_farm` | made-up persons | a few devices and addresses of the network |
| `synthetic_identity` | made-up persons | postal addresses and phones |
| `card_mules` | real persons paid for it | bank cards and an emergency contact |
| `recruited` | real persons, some of whom pay | an agent's phone as the contact, slowly over months |
| `shell_companies` | enterprises | the seat, the cards and a phone |

A ring is hard to see where its members share less: each has a strength of 0.8, 0.5 or 0.25, the chance that a
member shows a shared identifier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creditcore.demo.applicants import unit_of
from creditcore.demo.draws import Draws, Floats, Ids
from creditcore.demo.places import Places

KINDS = ("device_farm", "synthetic_identity", "card_mules", "recruited", "shell_companies")
ROLES = ("core", "edge", "recruited")
MEMBER_SHARE = 0.011
"""Members of rings among records."""
LEAST_MEMBERS, MOST_MEMBERS = 3, 150
STRENGTHS = (0.8, 0.5, 0.25)
BURST_DAYS = (12.0, 40.0, 25.0, 150.0, 60.0)
"""How long a ring of each kind applies."""
DAYS = 730
EDGE_SHARE = 0.2

# For each kind, whether its members share a device, a network address, a postal address, a phone, a card, a
# contact.
SHARED = {
    "device": (1, 0, 0, 0, 0),
    "ip": (1, 0, 0, 0, 0),
    "address": (0, 1, 0, 0, 1),
    "phone": (0, 1, 0, 0, 1),
    "card": (0, 0, 1, 0, 1),
    "contact": (0, 0, 1, 1, 0),
}


@dataclass(frozen=True)
class Rings:
    """Rings, by number from 0, and their members, sorted by unit."""

    kind: NDArray[np.int8]
    city: Ids
    strength: Floats
    resources: Ids
    """How many devices, addresses, cards ... of each sort the ring has."""
    units: Ids
    ring: NDArray[np.int32]
    """The ring of each unit of `units`."""
    role: NDArray[np.int8]

    def of(self, units: Ids) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
        """Give the ring and the role of each unit, -1 where it belongs to none."""
        none = np.full(len(units), -1, dtype=np.int32), np.full(len(units), -1, dtype=np.int8)
        if len(self.units) == 0:
            return none
        place = np.minimum(np.searchsorted(self.units, units), len(self.units) - 1)
        found = self.units[place] == units
        return np.where(found, self.ring[place], none[0]), np.where(found, self.role[place], none[1])


def plant_rings(draws: Draws, places: Places, records: int) -> Rings:
    """Draw the rings of a world and their members.

    Rings are dealt to cities by population; members who head a home of their own live there. Members are
    units whose first application falls into the ring's burst; a unit belongs to one ring at most.
    """
    sizes = _sizes(draws, records)
    numbers = np.arange(len(sizes), dtype=np.int64)
    kind = (numbers % len(KINDS)).astype(np.int8)
    span = np.maximum(np.array(BURST_DAYS)[kind] / DAYS * records, 4.0 * sizes)
    start = draws.uniform("ring start", numbers) * np.maximum(records - span, 1.0)
    units, ring = _members(draws, sizes, start, span, records)
    how = draws.uniform("ring role", units)
    recruited = (kind[ring] == KINDS.index("recruited")) | (
        (kind[ring] == KINDS.index("card_mules")) & (how > 0.6)
    )
    role = np.where(recruited, ROLES.index("recruited"), np.where(how < EDGE_SHARE, 1, 0))
    return Rings(
        kind=kind,
        city=places.city_of(draws.uniform("ring city", numbers)),
        strength=np.array(STRENGTHS)[draws.below("ring strength", numbers, len(STRENGTHS))],
        resources=1 + sizes // 8,
        units=units,
        ring=ring.astype(np.int32),
        role=role.astype(np.int8),
    )


def _sizes(draws: Draws, records: int) -> Ids:
    """Wanted sizes of rings, until they hold their share of the records."""
    wanted = int(MEMBER_SHARE * records)
    stream = draws.stream("ring sizes")
    drawn = np.exp(stream.normal(2.2, 0.8, wanted // LEAST_MEMBERS + 1))
    sizes = np.clip(drawn.astype(np.int64), LEAST_MEMBERS, MOST_MEMBERS)
    return sizes[np.cumsum(sizes) <= wanted]


def _members(draws: Draws, sizes: Ids, start: Floats, span: Floats, records: int) -> tuple[Ids, Ids]:
    """Units and their rings: for each ring the earliest of its candidates that are first applications."""
    tries = 2 * sizes + 4
    ring = np.repeat(np.arange(len(sizes), dtype=np.int64), tries)
    chance = draws.uniform("ring member", np.arange(len(ring), dtype=np.int64))
    unit = np.minimum((start[ring] + chance * span[ring]).astype(np.int64), records - 1)
    own = unit_of(draws, unit) == unit
    unit, ring = unit[own], ring[own]
    unit, first = np.unique(unit, return_index=True)
    ring = ring[first]
    order = np.argsort(ring, kind="stable")
    counts = np.bincount(ring, minlength=len(sizes))
    rank = np.arange(len(ring)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = (rank < sizes[ring[order]]) & (np.minimum(counts, sizes)[ring[order]] >= LEAST_MEMBERS)
    chosen = np.sort(order[kept])
    return unit[chosen], ring[chosen]
