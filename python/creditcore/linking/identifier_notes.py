"""Words on types of identifiers that say little of the people who share them.

Comes in: a network's native part. Goes out: a note for each type that most people share, that nobody
shares, or of which hubs have most links. Nothing is refused: a user decides whether to leave a type out.
"""

from __future__ import annotations

from creditcore import _core

MANY = 1 / 3
"""The share of people who share an identifier of a type from which it parts nobody from others."""
MOSTLY = 0.5
"""The share of a type's showings that hubs may have."""


def type_notes(network: _core.Network) -> list[str]:
    """Give a note for each type that is of little use."""
    people, *_ = network.sizes()
    notes = []
    for name, shown, sharing, hubs, hub_links in network.types():
        if shown == 0:
            notes.append(f"type `{name}`: no record shows one; every value is a placeholder or null")
        elif sharing == 0 and hubs == 0:
            notes.append(f"type `{name}`: nobody shares one, so it links nobody")
        elif sharing > MANY * people:
            share = sharing / people
            notes.append(
                f"type `{name}`: {share:.0%} of people share one with 19 others at most, so sharing it says "
                "little and its learned strength is low; leave out columns that many people share by chance"
            )
        elif hub_links > MOSTLY * shown:
            notes.append(
                f"type `{name}`: {hubs:,} identifiers beyond its cap have {hub_links:,} of its links and "
                "link nobody; look at `network.hubs()` for values that stand for nothing, or raise its cap"
            )
    return notes
