"""A synthetic country of borrowers: made data, with known city effects.

Comes in: a number of records and a seed. Goes out: a Parquet file, the same for the same seed: a key, a city
code (cities in proportion to their census population), an event time, a score on the grid of 1/64 points,
and an exposure. A city's mean is 640 points plus an effect drawn once for each seed; nothing in it says
anything about a real city.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import polars as pl

REGIONS = Path(__file__).parent.parent / "data" / "china" / "regions.csv"
BASE_POINTS = 640.0
CITY_SD = 12.0
PERSON_SD = 45.0
SCORE_RANGE = (300.0, 850.0)
FIRST_DAY = np.datetime64("2026-01-01T00:00:00", "us")
DAYS = 181


def write_records(path: Path, records: int, seed: int) -> None:
    """Write the records of a world.

    Args:
        path: a .parquet file; replaced if it is there.
        records: how many; cities without a census population get none.
        seed: of every random number.
    """
    with REGIONS.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["level"] == "city"]
    people = np.array([float(row["population_2020"] or 0) for row in rows])
    random = np.random.default_rng(seed)
    effects = random.normal(0.0, CITY_SD, len(rows))
    cities = random.choice(len(rows), size=records, p=people / people.sum())
    points = BASE_POINTS + effects[cities] + random.normal(0.0, PERSON_SD, records)
    points = np.round(np.clip(points, *SCORE_RANGE) * 64) / 64
    exposure = np.round(np.exp(random.normal(9.0, 1.0, records)), 2)
    seconds = random.integers(0, DAYS * 86_400, records)
    frame = pl.DataFrame(
        {
            "key": np.arange(1, records + 1, dtype=np.int64),
            "adcode": np.array([int(row["code"]) for row in rows], dtype=np.int32)[cities],
            "event_time": FIRST_DAY + seconds.astype("timedelta64[s]"),
            "points_model": points,
            "exposure": exposure,
        }
    )
    frame.write_parquet(path)
