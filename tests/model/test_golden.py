"""Published models, and what their training libraries predict for rows that try their thresholds: every bit.

In: the folders of `data`. Out: raw outputs and predictions equal the library's, whatever the threads, the
cuts of the frame, and the company of other models and rows (laws 2, 3 and 4).
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from tests.model.oracle import assert_same_bits, engines_of

DATA = Path(__file__).parent / "data"
SETS = sorted(path.parent for path in DATA.glob("*/meta.json"))


def model_file(folder: Path) -> Path:
    return next(folder.glob("model.*"))


def expected(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Raw outputs, and predictions."""
    told = pl.read_parquet(folder / "expected.parquet")
    raw = [name for name in told.columns if name.startswith(("raw", "margin"))]
    return told.select(raw), told.drop(raw)


def test_the_sets_are_there() -> None:
    assert len(SETS) == 13


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_every_bit_is_the_library_s(folder: Path) -> None:
    rows = pl.read_parquet(folder / "input.parquet")
    raw, predictions = expected(folder)
    told = json.loads((folder / "meta.json").read_text())
    for engine, fleet in engines_of(model_file(folder)):
        assert_same_bits(fleet.predict(rows), raw, f"raw, {engine}")
        for few in (1, 9):
            assert_same_bits(fleet.predict(rows[-few:]), raw[-few:], f"{few} rows, {engine}")
        assert_same_bits(fleet.predict(rows, output="probability"), predictions, f"predictions, {engine}")
        assert fleet.models[0]["trees"] == told["trees"]


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_contributions_add_up_to_the_raw_output(folder: Path) -> None:
    fleet = cc.Fleet.load({"m": model_file(folder)})
    rows = pl.read_parquet(folder / "input.parquet").head(20)
    found = fleet.contributions(rows)["m"]
    raw = fleet.predict(rows).to_numpy()
    sums = found.reshape(20, raw.shape[1], -1).sum(axis=2)
    assert np.abs(sums - raw).max() <= 1e-5 * max(1.0, np.abs(raw).max())


@pytest.fixture(scope="module")
def company() -> tuple[cc.Fleet, pl.DataFrame]:
    """Models of one table and both libraries' ways of reading it, and 2,500 rows."""
    folder = DATA / "lgb_lleaves_airline"
    told = DATA / "xgb_uci_mastristan"
    fleet = cc.Fleet.load({"a": model_file(folder), "b": model_file(told), "again": model_file(folder)})
    left, right = (pl.read_parquet(path / "input.parquet") for path in (folder, told))
    return fleet, pl.concat([pl.concat([left, right], how="horizontal")] * 5, rechunk=True)


def test_threads_and_cuts_change_no_bit(company: tuple[cc.Fleet, pl.DataFrame]) -> None:
    fleet, rows = company
    whole = fleet.predict(rows, threads=1)
    for threads in (2, 5):
        assert_same_bits(fleet.predict(rows, threads=threads), whole, f"{threads} threads")
    parts = pl.concat([rows[:7], rows[7:1031], rows[1031:]], rechunk=False)
    assert parts.n_chunks() > 1
    assert_same_bits(fleet.predict(parts), whole, "chunks")
    assert np.array_equal(fleet.leaves(parts, threads=3)["b"], fleet.leaves(rows, threads=1)["b"])
    assert whole["a"].equals(whole["again"].rename("a"))


def test_a_row_alone_is_the_row_in_its_batch(company: tuple[cc.Fleet, pl.DataFrame]) -> None:
    fleet, rows = company
    whole = fleet.predict(rows)
    for place in (0, 3, 499, 1024, 2499):
        assert_same_bits(fleet.predict(rows[place]), whole[place], f"row {place}")


def test_a_fleet_is_used_from_many_threads_at_once(company: tuple[cc.Fleet, pl.DataFrame]) -> None:
    fleet, rows = company
    whole = fleet.predict(rows)
    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(lambda _: fleet.predict(rows, threads=2), range(12)):
            assert_same_bits(found, whole, "many threads")


def test_progress_is_told_and_no_rows_give_no_rows(company: tuple[cc.Fleet, pl.DataFrame]) -> None:
    fleet, rows = company
    seen: list[int] = []
    fleet.predict(pl.concat([rows] * 20), progress=seen.append)
    assert seen == sorted(seen)
    assert fleet.predict(rows[:0]).shape == (0, 3)
    assert fleet.leaves(rows[:0])["a"].shape == (0, 100)
