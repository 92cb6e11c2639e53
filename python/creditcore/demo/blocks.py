"""One block of a world: from the numbers of its records to two frames.

Comes in: what the blocks of a world have in common, and the numbers of some records. Goes out: their records
and their truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from creditcore.demo import applicants, features, identifiers, latent, outcomes
from creditcore.demo.draws import Draws, Floats, Ids
from creditcore.demo.places import Places
from creditcore.demo.rings import DAYS, KINDS, ROLES, Rings

CHANNELS = ("app", "web", "dealer", "branch")
TIME = pl.Datetime("us", "Asia/Shanghai")
GROWTH = 0.5
"""Applications at the end of the world's time over those at its start, less one."""
DAY_CLOCK = ((0.0, 0.0), (0.25, 0.04), (0.375, 0.15), (0.75, 0.68), (0.917, 0.95), (1.0, 1.0))
"""Share of a day's applications that came by a part of the day."""
DELAY_DAYS, LONGEST_DELAY_DAYS = 0.2, 9.9
THIN_SHARE, NEW_SHARE, SPARSE_SHARE = 0.11, 0.5, 0.07
PRODUCT_SHARES = (0.42, 0.68, 0.90, 1.0)
"""Running shares of the products of persons; enterprises take business loans."""
CHANNEL_SHARES = (0.55, 0.85, 0.85, 1.0)

RECORDS_SCHEMA: dict[str, pl.DataType] = {
    "key": pl.Int64(),
    "unit_id": pl.Int64(),
    "kind": pl.String(),
    "adcode": pl.Int32(),
    "event_time": TIME,
    "known_time": TIME,
    "product": pl.String(),
    "channel": pl.String(),
    **outcomes.SCHEMA,
    **dict.fromkeys(identifiers.NAMES, pl.String()),
    **features.schema(),
}
TRUTH_SCHEMA: dict[str, pl.DataType] = {
    "key": pl.Int64(),
    "city": pl.String(),
    "planted_mean": pl.Float64(),
    "true_points": pl.Float64(),
    "true_pd": pl.Float64(),
    "fraud_kind": pl.String(),
    "ring_id": pl.Int32(),
    "ring_kind": pl.String(),
    "ring_role": pl.String(),
    "home_id": pl.Int64(),
    "dormitory": pl.Boolean(),
    "shop": pl.Boolean(),
    "carrier": pl.Boolean(),
}


@dataclass(frozen=True)
class Country:
    """What the blocks of a world have in common."""

    draws: Draws
    places: Places
    means: Floats
    """The planted mean of each city."""
    rings: Rings
    records: int
    start: int
    """The first instant of the world, in microseconds since 1970."""
    as_of: int
    """When the data end."""


@dataclass(frozen=True)
class Units:
    """The units behind the records of a block."""

    units: Ids
    homes: Ids
    cities: Ids
    ring: NDArray[np.int32]
    role: NDArray[np.int8]
    ring_kind: NDArray[np.int8]
    enterprise: NDArray[np.bool_]


def make(country: Country, records: Ids, block: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make records and their truth.

    Args:
        country: what the blocks have in common.
        records: numbers of records, all of one block.
        block: the block's number, which its noise is drawn from.
    """
    draws = country.draws
    behind = _units(country, records)
    progress, event_time = _times(country, records)
    years = 1970.0 + event_time / (365.2425 * outcomes.DAY)
    product, channel = _products(draws, records, behind.enterprise)
    state = _latent(country, records, block, behind, years)
    applied = outcomes.Applied(records, event_time, progress, product, state)
    delay = -DELAY_DAYS * np.log1p(-draws.uniform("delay", records))
    known_time = event_time + (np.minimum(delay, LONGEST_DELAY_DAYS) * outcomes.DAY).astype(np.int64)
    linked = identifiers.Block(
        records,
        behind.units,
        behind.homes,
        behind.cities,
        behind.ring,
        behind.role,
        dealer=channel == CHANNELS.index("dealer"),
        paper=channel == CHANNELS.index("branch"),
        enterprise=behind.enterprise,
    )
    share = country.places.people / country.places.people.sum()
    noise = draws.stream("features", block)
    frame = pl.select(
        key=pl.Series(records + 1),
        unit_id=pl.Series(behind.units + 1),
        kind=pl.Series(("person", "enterprise")).gather(behind.enterprise.astype(np.uint32)),
        adcode=pl.Series(country.places.stated_code(draws, records, behind.cities)),
        event_time=_time(event_time),
        known_time=_time(known_time),
        product=pl.Series(outcomes.PRODUCTS).gather(product.astype(np.uint32)),
        channel=pl.Series(CHANNELS).gather(channel.astype(np.uint32)),
    ).with_columns(
        *outcomes.columns(draws, applied, country.as_of),
        *identifiers.columns(draws, linked, country.rings, share, country.records),
        *features.columns(noise, state.factors, _gaps(draws, records, behind, state, linked.paper)),
    )
    return frame, _truth(country, frame["key"], behind, state, linked)


def _units(country: Country, records: Ids) -> Units:
    """The units behind records, with homes, cities and rings."""
    draws, rings = country.draws, country.rings
    units = applicants.unit_of(draws, records)
    homes = applicants.home_of(draws, units)
    ring, role = rings.of(units)
    home_ring, _ = rings.of(homes)
    cities = country.places.city_of(draws.uniform("city", homes))
    ring_kind = np.full(len(units), -1, dtype=np.int8)
    if len(rings.kind):
        cities = np.where(home_ring >= 0, rings.city[home_ring], cities)
        ring_kind = np.where(ring >= 0, rings.kind[ring], ring_kind)
    shell = ring_kind == KINDS.index("shell_companies")
    enterprise = shell | (applicants.is_enterprise(draws, units) & (ring < 0))
    return Units(units, homes, cities, ring, role, ring_kind, enterprise)


def _times(country: Country, records: Ids) -> tuple[Floats, Ids]:
    """How far in the world's time each record stands, and its event time: rising with its number."""
    place = (records + country.draws.uniform("event time", records)) / country.records
    # Volume grows linearly: the share of records until t is (t + g t^2 / 2) / (1 + g / 2).
    progress = (np.sqrt(1.0 + 2.0 * GROWTH * (1.0 + GROWTH / 2.0) * place) - 1.0) / GROWTH
    day = np.floor(np.minimum(progress, np.nextafter(1.0, 0.0)) * DAYS)
    clock = np.interp(progress * DAYS - day, [y for _, y in DAY_CLOCK], [x for x, _ in DAY_CLOCK])
    seconds = np.minimum((day + clock) * 86_400.0, DAYS * 86_400.0 - 1.0).astype(np.int64)
    return progress, country.start + seconds * 1_000_000


def _products(
    draws: Draws, records: Ids, enterprise: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The product and the channel of each record; goods are bought at a dealer's."""
    product = np.searchsorted(PRODUCT_SHARES, draws.uniform("product", records), side="right")
    product = np.where(enterprise, outcomes.PRODUCTS.index("business"), product)
    channel = np.searchsorted(CHANNEL_SHARES, draws.uniform("channel", records), side="right")
    goods = product == outcomes.PRODUCTS.index("instalment")
    channel = np.where(goods & (channel < 2) & (draws.uniform("dealer", records) < 0.6), 2, channel)
    return product.astype(np.int8), channel.astype(np.int8)


def _latent(country: Country, records: Ids, block: int, behind: Units, years: Floats) -> latent.Latent:
    """The hidden state of records; the only place where a city acts."""
    draws = country.draws
    mean = country.means[behind.cities] + np.where(behind.enterprise, latent.ENTERPRISE_OFFSET, 0.0)
    points = latent.true_points(draws, mean, behind.units, records, years)
    recruited = behind.role == ROLES.index("recruited")
    fraud = latent.fraud_of(draws, behind.units, behind.ring, behind.ring_kind, recruited)
    credit = (points - 580.0) / latent.POINTS_SD
    stream = draws.stream("factors", block)
    return latent.Latent(points, fraud, latent.factors_of(draws, stream, behind.units, credit, fraud, years))


def _gaps(
    draws: Draws, records: Ids, behind: Units, state: latent.Latent, paper: NDArray[np.bool_]
) -> features.Gaps:
    """Where features are missing, by cause."""
    credit = np.clip((state.points - 580.0) / latent.POINTS_SD, -3.0, 3.0)
    first = behind.units == records
    return features.Gaps(
        {
            "bureau": draws.uniform("thin file", behind.units) < THIN_SHARE * np.exp(-0.25 * credit),
            "new": first & (draws.uniform("new customer", behind.units) < NEW_SHARE),
            "sparse": draws.uniform("sparse", records) < SPARSE_SHARE,
            "enterprise": behind.enterprise,
            "paper": paper,
        }
    )


def _truth(
    country: Country, key: pl.Series, behind: Units, state: latent.Latent, linked: identifiers.Block
) -> pl.DataFrame:
    """What only the maker of the world knows."""
    ringed = pl.Series(behind.ring >= 0)
    hubs = identifiers.hubs(country.draws, linked)

    def word(words: tuple[str, ...], codes: NDArray[np.int8]) -> pl.Expr:
        """A word for each code, null for -1."""
        told = pl.Series(words).gather(np.maximum(codes, 0).astype(np.uint32))
        return pl.when(pl.Series(codes >= 0)).then(told)

    return pl.select(
        key=key,
        city=pl.Series(country.places.codes).gather(behind.cities.astype(np.uint32)),
        planted_mean=pl.Series(country.means[behind.cities]),
        true_points=pl.Series(state.points),
        true_pd=pl.Series(outcomes.default_chance(state.points)),
        fraud_kind=word(latent.FRAUD_KINDS, state.fraud),
        ring_id=pl.when(ringed).then(pl.Series(behind.ring)),
        ring_kind=word(KINDS, behind.ring_kind),
        ring_role=word(ROLES, behind.role),
        home_id=pl.Series(behind.homes + 1),
    ).with_columns(pl.Series(name, mask) for name, mask in hubs.items())


def _time(instants: Ids) -> pl.Series:
    """Microseconds since 1970 as times of day in China."""
    return pl.Series(instants).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone("Asia/Shanghai")
