"""Where the people of a world live: the cities of China that have a census population.

Comes in: the packaged region table. Goes out: cities with their codes, provinces and population of 2020, and
the code that an application states: mostly the city's, sometimes a county's, seldom one that names no city.
The ten units without a census population are not here, so nobody lives there.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from creditcore.demo.draws import Draws, Floats, Ids

FOLDER = Path(__file__).parent.parent / "data" / "china"
COUNTY_SHARE = 0.08
PROVINCE_SHARE = 0.006
UNKNOWN_SHARE = 0.002
UNKNOWN_CODE = 999_999
"""A code that no table knows, as files from elsewhere have them."""


@dataclass(frozen=True)
class Places:
    """The cities, in the order of their codes; `city` below is a position in this order."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    provinces: tuple[str, ...]
    unit_types: tuple[str, ...]
    people: Floats
    """Census population of 2020."""
    first_county: Ids
    """Where a city's counties start in `counties`; one entry more than there are cities."""
    counties: Ids
    families: dict[str, tuple[str, ...]]
    """For `north_south` and `coast`, the family of each city."""

    def __len__(self) -> int:
        return len(self.codes)

    def city_of(self, share: Floats) -> Ids:
        """Give the city at each share of the population, of numbers in [0, 1)."""
        ends = np.cumsum(self.people)
        found: Ids = np.searchsorted(ends, share * ends[-1], side="right").astype(np.int64)
        return np.minimum(found, len(self) - 1)

    def stated_code(self, draws: Draws, records: Ids, cities: Ids) -> NDArray[np.int32]:
        """Give the code that each application states for its city."""
        own = np.array([int(code) for code in self.codes], dtype=np.int64)[cities]
        counts = np.diff(self.first_county)[cities]
        place = self.first_county[cities] + draws.below("county", records, counts)
        county = self.counties[np.minimum(place, len(self.counties) - 1)]
        how = draws.uniform("stated code", records)
        stated = np.where((how < COUNTY_SHARE) & (counts > 0), county, own)
        stated = np.where(how >= 1.0 - UNKNOWN_SHARE - PROVINCE_SHARE, own // 10_000 * 10_000, stated)
        return np.where(how >= 1.0 - UNKNOWN_SHARE, UNKNOWN_CODE, stated).astype(np.int32)


@cache
def places() -> Places:
    """Read the packaged table."""
    rows = [row for row in _rows("regions.csv") if row["level"] in ("province", "city")]
    provinces = {row["code"]: row for row in rows if row["level"] == "province"}
    cities = [row for row in rows if row["level"] == "city" and row["population_2020"]]
    cities.sort(key=lambda row: row["code"])
    # Hong Kong and Macao are their own parents.
    parents = [provinces[row["parent"]] for row in cities]
    counties: dict[str, list[int]] = {}
    for row in _rows("aliases.csv"):
        if row["kind"] == "county" and not row["note"]:
            counties.setdefault(row["target"], []).append(int(row["code"]))
    lists = [counties.get(row["code"], []) for row in cities]
    return Places(
        codes=tuple(row["code"] for row in cities),
        names=tuple(row["name"] for row in cities),
        provinces=tuple(row["code"] for row in parents),
        unit_types=tuple(row["unit_type"] for row in cities),
        people=np.array([float(row["population_2020"]) for row in cities]),
        first_county=np.cumsum([0, *map(len, lists)]).astype(np.int64),
        counties=np.array([code for codes in lists for code in codes], dtype=np.int64),
        families={name: tuple(row[name] for row in parents) for name in ("north_south", "coast")},
    )


@cache
def units_without_people() -> tuple[str, ...]:
    """Give the codes of the cities of the table that have no census population."""
    return tuple(
        row["code"] for row in _rows("regions.csv") if row["level"] == "city" and not row["population_2020"]
    )


def _rows(name: str) -> list[dict[str, str]]:
    """The rows of a file of the packaged table."""
    with (FOLDER / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
