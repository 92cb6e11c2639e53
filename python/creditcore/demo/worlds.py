"""The worlds: what each city's true mean of credit points is.

Comes in: the name of a world or a file of means, and a seed. Goes out: one planted mean for each city, in
points. A planted mean reaches an application only through the latent creditworthiness of who applies; no
model is told it.

- `published`: means that encode what was once published about China's cities (see `facts`). What the facts
  leave open is drawn from the seed, within bands that cannot overturn them.
- `null`: every city has the same mean. What a ranking finds here is noise.
- `shuffled`: the published means, dealt to other cities by the seed.
- a CSV file with the columns `code` and `mean`: the user's own; cities that it leaves out have the base mean.
"""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import numpy as np

from creditcore.demo.draws import Draws, Floats
from creditcore.demo.places import Places, places, units_without_people
from creditcore.errors import ArgumentError, FormatError, SourceError

WORLDS = ("published", "null", "shuffled")
BASE_MEAN = 580.0
"""Points of the country where no city differs."""
LOWEST_MEAN, HIGHEST_MEAN = 400.0, 800.0
LARGEST_FILE = 1 << 20

# Deviations from the base mean, in points. The first five are a published order: steps of 3.5 points are some
# 0.12 of log-odds, more than four standard errors of a difference at a million records.
LEADERS = {"310100": 34.0, "320500": 30.5, "330400": 27.0, "320200": 23.5, "110100": 20.0}
# With Suzhou and Wuxi they make five of Jiangsu among the first ten.
NEXT_OF_JIANGSU = {"320100": 17.0, "320400": 16.8, "321100": 16.6}
ZHEJIANG = "330000"
ZHEJIANG_BAND = (11.5, 14.0)
REST_OF_JIANGSU = {
    "320600": 3.0,
    "321000": 2.0,
    "321200": 1.0,
    "320900": -3.0,
    "320800": -5.0,
    "320700": -5.0,
    "320300": -6.0,
    "321300": -7.0,
}
# Large cities above the rest of their provinces.
CENTRES = {
    "120100": 11.3,
    "350200": 9.0,
    "440300": 9.5,
    "440100": 9.0,
    "440400": 8.5,
    "440600": 7.5,
    "441900": 7.0,
    "510100": 8.0,
    "420100": 7.0,
    "340100": 7.5,
    "430100": 6.0,
    "370200": 6.5,
    "370100": 4.0,
    "610100": 2.0,
    "210200": 3.0,
    "810000": 2.0,
    "820000": 2.0,
}
PROVINCES = {
    "130000": -6.0,
    "140000": -7.0,
    "150000": -6.0,
    "210000": -5.0,
    "220000": -9.0,
    "230000": -10.0,
    "340000": -2.0,
    "350000": 2.0,
    "360000": -3.0,
    "370000": -2.0,
    "410000": -7.0,
    "420000": -2.5,
    "430000": -2.0,
    "440000": 0.0,
    "450000": -5.0,
    "460000": -1.0,
    "500000": -1.0,
    "510000": -3.0,
    "520000": -7.0,
    "530000": -6.0,
    "540000": -7.0,
    "610000": -6.0,
    "620000": -10.0,
    "630000": -10.0,
    "640000": -8.0,
    "650000": -7.0,
}
SPREAD = 2.5
"""Half the width of the band that a city outside of these lists is drawn from, around its province."""
JITTER = 0.25
"""Half the width of the band around each value that is written above."""


def planted_means(world: str | os.PathLike[str], seed: int) -> Floats:
    """Give the true mean points of each city of `places()`, in its order.

    Args:
        world: `published`, `null`, `shuffled`, or the path of a CSV file.
        seed: of what is drawn; changes neither `null` nor a file's means.

    Raises:
        ArgumentError: no such world.
        SourceError: a file that cannot be read.
        FormatError: a file that holds no means; the text names the row.
    """
    cities = places()
    if world == "null":
        return np.full(len(cities), BASE_MEAN)
    if world == "published":
        return _published(cities, seed)
    if world == "shuffled":
        order = Draws(seed).stream("shuffled cities").permutation(len(cities))
        return _published(cities, seed)[order]
    path = Path(world)
    if path.suffix.lower() != ".csv":
        raise ArgumentError(
            f"`{world}` is no world; worlds are {', '.join(f'`{name}`' for name in WORLDS)} "
            "or a CSV file with the columns `code` and `mean`"
        )
    return _from_file(cities, path)


def _published(cities: Places, seed: int) -> Floats:
    """The means that encode the published facts."""
    draws = Draws(seed)
    wobble = 2.0 * draws.uniform("planted mean", np.arange(len(cities), dtype=np.int64)) - 1.0
    written = LEADERS | NEXT_OF_JIANGSU | REST_OF_JIANGSU | CENTRES
    means = np.empty(len(cities))
    for place, (code, province) in enumerate(zip(cities.codes, cities.provinces, strict=True)):
        if code in LEADERS:
            deviation = LEADERS[code]
        elif code in written:
            deviation = written[code] + JITTER * wobble[place]
        elif province == ZHEJIANG:
            low, high = ZHEJIANG_BAND
            deviation = (low + high) / 2 + (high - low) / 2 * wobble[place]
        else:
            deviation = PROVINCES[province] + SPREAD * wobble[place]
        means[place] = BASE_MEAN + deviation
    return means


def _from_file(cities: Places, path: Path) -> Floats:
    """The means of a user's file."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FormatError(f"`{path}` is larger than {LARGEST_FILE} bytes: too large for means of cities")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"`{path}`: cannot be read: {error.strerror}; name a CSV file of means") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"`{path}`: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    rows = csv.DictReader(text.splitlines())
    missing = {"code", "mean"} - set(rows.fieldnames or ())
    if missing:
        names = ", ".join(f"`{name}`" for name in sorted(missing))
        raise FormatError(f"`{path}`: no column {names}; a file of means has the columns `code` and `mean`")
    position = {code: place for place, code in enumerate(cities.codes)}
    means = np.full(len(cities), BASE_MEAN)
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        place_name = f"`{path}`, row {number}"
        code = (row["code"] or "").strip()
        if code in seen:
            raise FormatError(f"{place_name}: city `{code}` stands in row {seen[code]} already; keep one")
        seen[code] = number
        means[_position(position, code, place_name)] = _mean(row["mean"], place_name)
    if not seen:
        raise FormatError(f"`{path}`: holds no city; write one row for each city whose mean you set")
    return means


def _position(position: dict[str, int], code: str, place_name: str) -> int:
    """Where a city stands, or an error that says why it does not."""
    if code in position:
        return position[code]
    if code in units_without_people():
        raise FormatError(
            f"{place_name}: `{code}` has no census population, so it gets no records; leave it out"
        )
    raise FormatError(
        f"{place_name}: `{code}` is no city of the region table; codes are those of its level `city`, "
        "such as `330400`"
    )


def _mean(text: str | None, place_name: str) -> float:
    """A mean as a number."""
    try:
        mean = float(text or "")
    except ValueError:
        mean = math.nan
    if not LOWEST_MEAN <= mean <= HIGHEST_MEAN:
        raise FormatError(
            f"{place_name}: column `mean` holds `{text or ''}`; means are points from {LOWEST_MEAN:g} to "
            f"{HIGHEST_MEAN:g}"
        )
    return mean
