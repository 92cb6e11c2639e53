"""A synthetic country of borrowers: made data, with planted city means, frauds and rings.

Comes in: how many records, a seed, a world (see `worlds`), a first day. Goes out: `records.parquet`, what a
lender has, and `truth.parquet`, what only the maker of the world knows; the same for the same seed, however
large the chunks they are written in. Nothing in it says anything about a real city, person or company.

Records stand in the order of their event times. They are made in blocks of a fixed size, each from random
numbers of its own; what belongs to a unit comes from `draws`, so that blocks need nothing from one another.
"""

from __future__ import annotations

import datetime
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from creditcore.demo import blocks
from creditcore.demo.blocks import RECORDS_SCHEMA, TRUTH_SCHEMA, Country
from creditcore.demo.draws import Draws
from creditcore.demo.places import places
from creditcore.demo.rings import DAYS, plant_rings
from creditcore.demo.worlds import planted_means
from creditcore.errors import ArgumentError

ZONE = "Asia/Shanghai"
FIRST_DAY = datetime.date(2024, 7, 1)
LATEST_KNOWN_DAYS = 10
"""Days after the last application until the data end."""
MOST_RECORDS = 1_000_000_000
CHUNK = 1 << 18
BLOCK = 1 << 16
_MOST_THREADS = 4


@dataclass(frozen=True)
class World:
    """What a world is made from.

    Attributes:
        records: how many, 1 to 10^9.
        seed: of every random number, from 0.
        name: `published`, `null`, `shuffled`, or the path of a CSV file of means.
        first_day: of its applications, which span 730 days; the data end ten days after the last.
    """

    records: int
    seed: int
    name: str | os.PathLike[str] = "published"
    first_day: datetime.date = FIRST_DAY

    def __post_init__(self) -> None:
        """Refuse what no world can be made from."""
        if not 1 <= self.records <= MOST_RECORDS:
            raise ArgumentError(f"`records` is {self.records}; a world has 1 to {MOST_RECORDS} records")
        if self.seed < 0:
            raise ArgumentError(f"`seed` is {self.seed}; seeds are whole numbers from 0")

    @property
    def as_of(self) -> datetime.datetime:
        """When the data end: nothing known later is told."""
        end = self.first_day + datetime.timedelta(days=DAYS + LATEST_KNOWN_DAYS)
        return datetime.datetime(end.year, end.month, end.day, tzinfo=ZoneInfo(ZONE))


def chunks(world: World, size: int = CHUNK) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Make the records and the truth of a world, chunk by chunk.

    Args:
        world: what to make.
        size: records of a chunk; the last may have fewer. Changes nothing but the cuts.

    Memory: some 100 MB for each thread (at most four) and two chunks.

    Raises:
        ArgumentError, FormatError, SourceError: a world that cannot be made.
    """
    if size < 1:
        raise ArgumentError(f"a chunk of {size} records; it has 1 or more")
    return _cut(_blocks(country_of(world)), size)


def _cut(
    made: Iterator[tuple[pl.DataFrame, pl.DataFrame]], size: int
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Cut the frames of blocks into frames of another size."""
    waiting: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    held = 0
    for block in made:
        waiting.append(block)
        held += len(block[0])
        while held >= size:
            records, truth = (pl.concat(frames) for frames in zip(*waiting, strict=True))
            yield records[:size], truth[:size]
            waiting = [(records[size:], truth[size:])]
            held -= size
    if held:
        records, truth = (pl.concat(frames) for frames in zip(*waiting, strict=True))
        yield records, truth


def write_world(folder: Path, world: World, chunk: int = CHUNK) -> tuple[Path, Path]:
    """Write `records.parquet` and `truth.parquet` into a folder, replacing what is there.

    Args:
        folder: made where it is missing.
        world: what to make.
        chunk: records that are made and written at a time.

    Returns:
        The two paths.

    Raises:
        ArgumentError, FormatError, SourceError: a world that cannot be made; nothing is written then.
    """
    from polars.io.plugins import register_io_source

    made = chunks(world, chunk)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "records.parquet", folder / "truth.parquet"
    truths: list[pl.DataFrame] = []

    def records(*_asked: object) -> Iterator[pl.DataFrame]:
        for frame, truth in made:
            truths.append(truth)
            yield frame

    source = register_io_source(records, schema=pl.Schema(RECORDS_SCHEMA))
    source.sink_parquet(paths[0], compression="zstd", compression_level=1, row_group_size=chunk)
    pl.concat(truths, rechunk=False).write_parquet(paths[1], compression_level=1)
    return paths


def country_of(world: World) -> Country:
    """Draw what the blocks of a world have in common: means, rings, times."""
    draws = Draws(world.seed)
    cities = places()
    start = datetime.datetime(
        world.first_day.year, world.first_day.month, world.first_day.day, tzinfo=ZoneInfo(ZONE)
    )
    return Country(
        draws=draws,
        places=cities,
        means=planted_means(world.name, world.seed),
        rings=plant_rings(draws, cities, world.records),
        records=world.records,
        start=_microseconds(start),
        as_of=_microseconds(world.as_of),
    )


def _blocks(country: Country) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The blocks in their order, a few of them made ahead."""
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    ahead: deque[Future[tuple[pl.DataFrame, pl.DataFrame]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, country.records, BLOCK):
            records = np.arange(start, min(start + BLOCK, country.records), dtype=np.int64)
            ahead.append(pool.submit(blocks.make, country, records, start // BLOCK))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _microseconds(instant: datetime.datetime) -> int:
    """Microseconds since 1970, exactly."""
    since = instant - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return since // datetime.timedelta(microseconds=1)


__all__ = ["FIRST_DAY", "RECORDS_SCHEMA", "TRUTH_SCHEMA", "World", "chunks", "write_world"]
