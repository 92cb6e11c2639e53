"""What links applications: devices, phones, cards, addresses, contacts, employers.

Comes in: the units, homes, cities and rings of a block. Goes out: one text column for each type of
identifier. Most are a unit's own. Homes share an address and a network address; dormitories, shops and
carriers are hubs that link many who have nothing to do with one another; rings share what their kind shares.

No identifier can be a real one: phones start with 12, which is no mobile prefix, cards with 9, which no bank
issues, network addresses are private (10.0.0.0/8) or a carrier's own (100.64.0.0/10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from creditcore.demo.applicants import friend_of
from creditcore.demo.draws import Draws, Ids
from creditcore.demo.rings import ROLES, SHARED, Rings

NAMES = ("device_id", "phone", "contact_phone", "card", "address", "ip", "employer")
DORMITORY_SHARE, DORMITORY_SIZE = 0.035, 45
SHOP_TABLET_SHARE, SHOP_SIZE = 0.5, 60
CARRIER_SHARE, CARRIER_SIZE = 0.35, 2_500
EMPLOYER_SIZE = 30
PLACEHOLDER_SHARE = 0.002
PLACEHOLDER_DEVICE = "D0000000000000000"
RING_BASE = 1 << 40
"""Numbers of what rings share lie above those of units and hubs."""


@dataclass(frozen=True)
class Block:
    """The records of a block, by what identifiers depend on."""

    records: Ids
    units: Ids
    homes: Ids
    cities: Ids
    ring: NDArray[np.int32]
    role: NDArray[np.int8]
    dealer: NDArray[np.bool_]
    """Applications made in a dealer's shop."""
    paper: NDArray[np.bool_]
    """Applications without a device."""
    enterprise: NDArray[np.bool_]


def hubs(draws: Draws, block: Block) -> dict[str, NDArray[np.bool_]]:
    """Say which records show a hub, by its kind."""
    dormitory = (draws.uniform("dormitory", block.units) < DORMITORY_SHARE) & ~block.enterprise
    return {
        "dormitory": dormitory & (block.ring < 0),
        "shop": block.dealer & ~block.paper,
        "carrier": (draws.uniform("carrier", block.records) < CARRIER_SHARE) & ~block.dealer,
    }


def columns(
    draws: Draws, block: Block, rings: Rings, people_share: NDArray[np.float64], total: int
) -> list[pl.Series]:
    """Give the identifiers of a block.

    Args:
        draws: of the seed.
        block: the records.
        rings: all rings.
        people_share: each city's share of the population, by which hubs are dealt to cities.
        total: records of the whole world, from which follows how many hubs there are.
    """
    hub = hubs(draws, block)
    shares = _ring_shares(draws, block, rings)

    def hub_of(name: str, share: float, size: int, ids: Ids) -> Ids:
        """The number of a hub in the city of each record."""
        many = np.maximum((people_share * share * total / size).astype(np.int64), 1)[block.cities]
        return block.cities * 1_000_000 + draws.below(name, ids, many)

    tablet = hub["shop"] & (draws.uniform("shop tablet", block.records) < SHOP_TABLET_SHARE)
    shop = hub_of("shop of", 0.1, SHOP_SIZE, block.records)
    changed = draws.uniform("new device", block.records) < 0.15
    device = _pick((tablet, shop + (1 << 36)), (changed, block.records + (1 << 37)), own=block.units)
    address = _pick(
        (hub["dormitory"], hub_of("dormitory of", DORMITORY_SHARE, DORMITORY_SIZE, block.units) + (1 << 36)),
        own=block.homes,
    )
    network = _pick((hub["shop"], shop + (1 << 36)), own=block.homes)
    carrier = hub_of("carrier of", CARRIER_SHARE, CARRIER_SIZE, block.records)
    contact = np.where(block.homes != block.units, block.homes, friend_of(draws, block.units))
    employer = hub_of("employer of", 1.0, EMPLOYER_SIZE, block.units)
    values = {
        "device": device,
        "phone": block.units,
        "contact": contact,
        "card": block.units,
        "address": address,
        "ip": network,
    }
    for name, (mask, number) in shares.items():
        values[name] = np.where(mask, number, values[name])
    natted = hub["carrier"] & ~shares["ip"][0]
    placeholder = draws.uniform("placeholder", block.records) < PLACEHOLDER_SHARE
    return [
        _device(draws, values["device"], block.paper, placeholder),
        _number(draws, "phone", "phone", values["phone"], 12, 9),
        # A shared contact is an agent's phone, which is nobody's own.
        _number(draws, "contact_phone", "phone", values["contact"], 12, 9),
        _number(draws, "card", "card", values["card"], 9, 15),
        _address(draws, values["address"]),
        _network(draws, values["ip"], natted, carrier),
        _employer(employer, block.enterprise),
    ]


def _pick(*choices: tuple[NDArray[np.bool_], Ids], own: Ids) -> Ids:
    """The first choice whose mask holds, else a record's own."""
    return np.select([mask for mask, _ in choices], [numbers for _, numbers in choices], own)


def _ring_shares(draws: Draws, block: Block, rings: Rings) -> Mapping[str, tuple[NDArray[np.bool_], Ids]]:
    """For each type, which records show a thing of their ring, and its number."""
    member = np.flatnonzero(block.ring >= 0)
    ring = block.ring[member].astype(np.int64)
    units = block.units[member]
    chance = rings.strength[ring] * np.where(block.role[member] == ROLES.index("edge"), 0.5, 1.0)
    found = {}
    for name, kinds in SHARED.items():
        shown = draws.uniform(f"ring {name}", units) < chance
        shown &= np.array(kinds, dtype=bool)[rings.kind[ring]]
        mask = np.zeros(len(block.units), dtype=bool)
        mask[member[shown]] = True
        number = np.zeros(len(block.units), dtype=np.int64)
        which = draws.below(f"ring {name}, which", units, rings.resources[ring])
        number[member] = RING_BASE + ring * 1_000 + which
        found[name] = mask, number
    return found


def _device(
    draws: Draws, numbers: Ids, paper: NDArray[np.bool_], placeholder: NDArray[np.bool_]
) -> pl.Series:
    """Devices: a fingerprint, sometimes the placeholder of an app that could not read one."""
    text = "D" + pl.Series(10**15 + draws.below("device", numbers, 9 * 10**15)).cast(pl.String)
    chosen = (
        pl.when(pl.Series(paper)).then(None).when(pl.Series(placeholder)).then(pl.lit(PLACEHOLDER_DEVICE))
    )
    return pl.select(chosen.otherwise(text).alias("device_id")).to_series()


def _number(draws: Draws, name: str, sort: str, numbers: Ids, prefix: int, digits: int) -> pl.Series:
    """Phones and cards: a prefix and digits."""
    return pl.Series(name, prefix * 10**digits + draws.below(sort, numbers, 10**digits)).cast(pl.String)


def _address(draws: Draws, numbers: Ids) -> pl.Series:
    """Postal addresses, as the text of a geocoder's key."""
    return ("A" + pl.Series("address", draws.below("address", numbers, 10**12)).cast(pl.String)).alias(
        "address"
    )


def _network(draws: Draws, numbers: Ids, natted: NDArray[np.bool_], carrier: Ids) -> pl.Series:
    """Network addresses: a home's, a shop's or a ring's own, or one of a carrier that many share."""
    own = 10 * 2**24 + draws.below("ip", numbers, 2**24)
    shared = 100 * 2**24 + 64 * 2**16 + draws.below("carrier ip", carrier, 2**22)
    words = pl.Series(np.where(natted, shared, own))
    parts = [(words // 2**shift % 256).cast(pl.String) for shift in (24, 16, 8, 0)]
    return pl.select(pl.concat_str(parts, separator=".").alias("ip")).to_series()


def _employer(numbers: Ids, enterprise: NDArray[np.bool_]) -> pl.Series:
    """Employers of persons; an enterprise has none."""
    text = "E" + pl.Series(numbers).cast(pl.String)
    return pl.select(pl.when(pl.Series(enterprise)).then(None).otherwise(text).alias("employer")).to_series()
