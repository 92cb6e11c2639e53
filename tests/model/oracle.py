"""What a training library says of a model, beside what the fleet says.

In: a model of a fleet, the library's answers for the same rows. Out: rows that try every decision, and
assertions to the bit. Uses no training library itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

import creditcore as cc

Matrix = np.ndarray[Any, np.dtype[np.float64]]
MOST_PROBES = 1500


def probe_rows(fleet: cc.Fleet, rows: Matrix, seed: int) -> Matrix:
    """Rows of data with one value replaced: by each of the model's cuts, its neighbours, and odd values."""
    random = np.random.default_rng(seed)
    tries = [(feature, value) for feature, values in enumerate(fleet._core.probes(0)) for value in values]
    if len(tries) > MOST_PROBES:
        tries = [tries[index] for index in random.choice(len(tries), MOST_PROBES, replace=False)]
    probes = rows[random.integers(0, len(rows), len(tries))]
    for row, (feature, value) in zip(probes, tries, strict=True):
        row[feature] = value
    # Rows that are odd in several places at once.
    odd = np.array([np.nan, 0.0, -0.0, 5e-324, -1e-36, 1e300, -1e300, -1.0, 0.5, 1e9])
    wild = rows[random.integers(0, len(rows), 100)]
    spots = random.random(wild.shape) < 0.3
    wild[spots] = random.choice(odd, int(spots.sum()))
    return np.vstack([rows, probes, wild])


def frame_of(names: list[str], rows: Matrix) -> pl.DataFrame:
    """The rows as a frame of doubles."""
    return pl.DataFrame({name: rows[:, place] for place, name in enumerate(names)})


def assert_same_bits(ours: Any, theirs: Any, what: str) -> None:
    """Assert that numbers are the same to the bit; NaN only where the other is NaN."""
    left = np.ascontiguousarray(ours, dtype=np.float64)
    right = np.ascontiguousarray(theirs, dtype=np.float64).reshape(left.shape)
    differ = (left.view(np.int64) != right.view(np.int64)) & ~(np.isnan(left) & np.isnan(right))
    where = np.argwhere(differ)
    assert not len(where), (
        f"{what}: {len(where)} of {left.size} differ, first at {where[0].tolist()}: "
        f"{left[tuple(where[0])]!r} here, {right[tuple(where[0])]!r} there"
    )


def engines_of(file: Any, **options: Any) -> Iterator[tuple[str, cc.Fleet]]:
    """A model's file with each engine that evaluates it, forced; at least two do."""
    names = [record["engine"] for record in cc.Fleet.load({"m": file}, **options).engines()]
    able = 0
    for name in names:
        try:
            fleet = cc.Fleet.load({"m": file}, engine=name, **options)
        except cc.ArgumentError:
            continue
        assert [record["engine"] for record in fleet.engines(rows=1000)] == [name]
        able += 1
        yield name, fleet
    assert able > 1


def assert_same_leaves(ours: Any, theirs: Any, what: str) -> None:
    """Assert that every row ends in the same leaf of every tree."""
    theirs = np.asarray(theirs).astype(np.int64).reshape(ours.shape)
    wrong = np.argwhere(ours != theirs)
    assert not len(wrong), f"{what}: {len(wrong)} wrong leaves, first at row, tree {wrong[0].tolist()}"
