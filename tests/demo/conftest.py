"""One small world for all tests: its records and its truth, side by side."""

from __future__ import annotations

import polars as pl
import pytest

from creditcore.demo.world import World, chunks

RECORDS = 40_000
SEED = 7


@pytest.fixture(scope="session")
def world() -> World:
    return World(RECORDS, SEED)


@pytest.fixture(scope="session")
def made(world: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    frames = list(chunks(world))
    assert len(frames) == 1
    return frames[0]


@pytest.fixture(scope="session")
def records(made: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    return made[0]


@pytest.fixture(scope="session")
def truth(made: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    return made[1]


@pytest.fixture(scope="session")
def both(records: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Records with what is true of them, in columns that end in `_true` where both have the name."""
    return records.join(truth, on="key", suffix="_true", validate="1:1")
