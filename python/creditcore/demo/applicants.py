"""Who applies: records, the units (persons, enterprises) behind them, and the homes that units share.

Comes in: the draws of a seed and numbers of records. Goes out: numbers of units and homes. A unit has the
number of the record of its first application, a home that of its first unit, so both are found from a record
alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creditcore.demo.draws import Draws, Ids

REPEAT_SHARE = 0.14
"""Applications of units that applied before."""
ENTERPRISE_SHARE = 0.12
JOIN_SHARE = 0.32
"""Units that try to move in with an earlier one; it fails where that one is no head of a home."""
OLDEST = 0.4
"""The earliest record that one may refer back to, as a share of its own number."""


def unit_of(draws: Draws, records: Ids) -> Ids:
    """Give the unit of each record: the record of its first application."""
    units = records.copy()
    open_places = np.arange(len(units), dtype=np.int64)
    while len(open_places):
        at = units[open_places]
        again = (draws.uniform("repeat", at) < REPEAT_SHARE) & (at > 0)
        open_places = open_places[again]
        units[open_places] = _earlier(draws, "repeat of", at[again])
    return units


def home_of(draws: Draws, units: Ids) -> Ids:
    """Give the home of each unit: the unit that heads it.

    A unit joins the home of an earlier one, unless that one joined another itself; so homes are small, and
    each is found in one step.
    """
    homes = units.copy()
    joining = np.flatnonzero(_joins(draws, units))
    heads = unit_of(draws, _earlier(draws, "home of", units[joining]))
    free = ~_joins(draws, heads)
    homes[joining[free]] = heads[free]
    return homes


def friend_of(draws: Draws, units: Ids) -> Ids:
    """Give an earlier unit that each knows: whose phone it names as a contact. The first knows itself."""
    friends = units.copy()
    later = units > 0
    friends[later] = unit_of(draws, _earlier(draws, "friend of", units[later]))
    return friends


def is_enterprise(draws: Draws, units: Ids) -> NDArray[np.bool_]:
    """Say which units are enterprises; their home is their owner's."""
    return draws.uniform("enterprise", units) < ENTERPRISE_SHARE


def _joins(draws: Draws, units: Ids) -> NDArray[np.bool_]:
    """Which units try to move in with an earlier one."""
    return (draws.uniform("join", units) < JOIN_SHARE) & (units > 0)


def _earlier(draws: Draws, name: str, numbers: Ids) -> Ids:
    """A smaller number for each; numbers are above zero."""
    share = OLDEST + (1.0 - OLDEST) * draws.uniform(name, numbers)
    return (numbers * share).astype(np.int64)
