"""Ways to ask a fleet beside a frame: one record, an array, parts of it, many threads.

In: published and small models. Out: the numbers that `predict` gives, to the bit, whatever way is taken.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from tests.model.oracle import assert_same_bits
from tests.model.test_golden import DATA, SETS, model_file

SMALL = {"l": DATA / "small_lightgbm.txt", "x": DATA / "small_xgboost.json"}


def rows_of(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "input.parquet")


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("engine", [None, "packed"])
def test_a_record_alone_is_the_record_in_its_frame(folder: Path, engine: str | None) -> None:
    rows = rows_of(folder).head(60)
    fleet = cc.Fleet.load({"m": model_file(folder)}, engine=engine)
    for output in ("raw", "probability"):
        whole = fleet.predict(rows, output)
        found = pl.DataFrame([fleet.predict_one(row, output) for row in rows.iter_rows(named=True)])
        assert found.columns == whole.columns
        assert_same_bits(found, whole, output)


def test_values_of_every_kind_are_read_as_their_columns_are() -> None:
    fleet = cc.Fleet.load(SMALL)
    sizes: list[Any] = [
        *(0, -1, 2**53 + 1, -(2**63), 2**64 - 1, 0.1, -0.0, 1e-36, float("inf"), float("nan")),
        *(None, True, False, Decimal("0.1"), Decimal("-12.50"), Decimal("1E+3"), Decimal("0.3")),
        *(np.float32(0.1), np.float64(0.1), np.int64(3), np.uint8(7)),
    ]
    for size in sizes:
        for town in ("x", "new", None, 1):
            plain = size.item() if isinstance(size, np.generic) else size
            kind = pl.Decimal(20, 2 if plain != Decimal("0.1") else 1) if isinstance(plain, Decimal) else None
            frame = pl.DataFrame({"size": pl.Series([plain], dtype=kind), "town": [town], "age": [2]})
            expected = fleet.predict(frame).row(0, named=True)
            record = {"size": size, "town": town, "age": 2, "more": object()}
            assert fleet.predict_one(record) == expected, size
    expected = fleet.predict({"size": [1.0], "town": ["x"], "age": [float("nan")]}).row(0, named=True)
    assert fleet.predict_one({"size": 1.0, "town": "x", "age": Decimal("NaN")}) == expected


def test_records_that_are_refused() -> None:
    fleet = cc.Fleet.load(SMALL)
    record: dict[str, Any] = {"size": 1, "town": "x", "age": 2}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"size": 1, "town": "x"}, "no `age`"),
        ({**record, "age": "1"}, "column `age`.* holds the text `1`"),
        ({**record, "size": object()}, "column `size` holds .* of type `object`"),
        ({**record, "size": 2**64}, "an integer of 64 bits"),
        ({**record, "size": Decimal("1e50")}, "38 digits"),
    ]
    for values, part in wrong:
        with pytest.raises(cc.SchemaError, match=part):
            fleet.predict_one(values)
    with pytest.raises(cc.ArgumentError, match="`odds`"):
        fleet.predict_one(record, "odds")
    with pytest.raises(TypeError):
        fleet.predict_one(7)  # type: ignore[arg-type]


def test_a_condition_withholds_the_output_of_a_record(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(
        f'[[model]]\nname = "x"\nfile = "{SMALL["x"]}"\napplies_to = "channel = \'app\' AND size > 1"\n'
    )
    fleet = cc.Fleet.load(tmp_path)
    tries = [("app", 2), ("web", 2), ("app", 1), (None, 2), ("app", None), ("app", Decimal("1.5"))]
    for channel, size in tries:
        record = {"size": size, "town": "x", "age": 2, "channel": channel}
        frame = pl.DataFrame([record], schema_overrides={"channel": pl.String})
        assert fleet.predict_one(record) == fleet.predict(frame).row(0, named=True)
    assert fleet.predict_one({**record, "channel": "web"}) == {"x:0": None, "x:1": None, "x:2": None}


@pytest.fixture(scope="module")
def company() -> tuple[cc.Fleet, pl.DataFrame]:
    """Models with one output and with several, one that does not apply everywhere, and their rows."""
    fleet = cc.Fleet.load(SMALL)
    random = np.random.default_rng(3)
    towns = random.choice(["x", "z", "new", "w"], 3000)
    sizes, ages = random.integers(0, 9, 3000), random.normal(2, 3, 3000)
    return fleet, pl.DataFrame({"size": sizes, "town": towns, "age": ages})


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_written_in_either_order(company: tuple[cc.Fleet, pl.DataFrame], order: Any) -> None:
    fleet, rows = company
    single = DATA / "lgb_lleaves_airline"
    wide = rows_of(single)
    for taken, frame in ((fleet, rows), (cc.Fleet.load({"m": model_file(single)}), wide)):
        for output in ("raw", "probability"):
            expected = taken.predict(frame, output)
            out = np.full(expected.shape, -7.0, order=order)
            assert taken.predict(frame, output, threads=3, out=out) is out
            assert_same_bits(out, expected.to_numpy(), order)
    assert fleet.predict(rows[:0], out=np.empty((0, 6), order=order)).shape == (0, 6)


def test_an_array_has_nan_where_a_model_does_not_apply(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(
        f'[[model]]\nname = "x"\nfile = "{SMALL["x"]}"\napplies_to = "size > 1"\n'
        f'[[model]]\nname = "l"\nfile = "{SMALL["l"]}"\n'
    )
    fleet = cc.Fleet.load(tmp_path)
    frame = pl.DataFrame({"size": [0, 2, None], "town": ["x"] * 3, "age": [1.0] * 3})
    expected = fleet.predict(frame).fill_null(float("nan")).to_numpy()
    for order in ("C", "F"):
        out = fleet.predict(frame, out=np.zeros((3, 6), order=order))
        assert np.isnan(out[0, :3]).all()
        assert_same_bits(out, expected, order)


def test_arrays_that_are_refused(company: tuple[cc.Fleet, pl.DataFrame]) -> None:
    fleet, rows = company
    fixed = np.zeros((3000, 6))
    fixed.flags.writeable = False
    wrong: list[tuple[Any, str]] = [
        (np.zeros((3000, 5)), r"shape \[3000, 5\]; \[3000, 6\]"),
        (np.zeros((2999, 6)), r"\[2999, 6\]"),
        (np.zeros(18_000), "of 1 dimensions"),
        (np.zeros((3000, 6), dtype=np.float32), "float32"),
        (np.zeros((3000, 12))[:, ::2], "contiguous"),
        (fixed, "writeable"),
        ([[0.0]], "`list`"),
    ]
    for out, part in wrong:
        with pytest.raises(cc.ArgumentError, match=part):
            fleet.predict(rows, out=out)
    with pytest.raises(cc.ArgumentError, match="`calibrated`"):
        fleet.predict(rows, "probability", calibrated=True, out=np.zeros((3000, 6)))


def test_parts_of_a_fleet_and_fleets_together(company: tuple[cc.Fleet, pl.DataFrame]) -> None:
    fleet, rows = company
    whole = fleet.predict(rows)
    swapped = fleet.subset(["x", "l"])
    assert_same_bits(swapped.predict(rows), whole[:, [3, 4, 5, 0, 1, 2]], "swapped")
    assert [model["name"] for model in swapped.models] == ["x", "l"]
    alone = fleet.subset(["l"])
    assert_same_bits(alone.with_models(fleet.subset(["x"])).predict(rows), whole, "joined")
    assert_same_bits(alone.with_models({"x": SMALL["x"]}).predict(rows), whole, "read")
    with pytest.raises(cc.ArgumentError, match="two outputs are called `l:0`"):
        alone.with_models(fleet)
    for names, part in ((["y"], "`y` is no model"), ([], "no model is named"), (["l", "l"], "two outputs")):
        with pytest.raises(cc.ArgumentError, match=part):
            fleet.subset(names)


def test_eight_threads_share_one_fleet(company: tuple[cc.Fleet, pl.DataFrame]) -> None:
    _, rows = company
    fleet = cc.Fleet.load(SMALL)  # fresh: its engines are built while all threads ask
    expected = cc.Fleet.load(SMALL, engine="golden").predict(rows)
    records = rows.rows(named=True)
    ones = expected.rows(named=True)

    def ask(number: int) -> None:
        for place in range(number, 3000, 171):
            assert fleet.predict_one(records[place]) == ones[place]
        assert_same_bits(fleet.predict(rows, threads=2), expected, f"thread {number}")
        few = rows[: 10 * number]
        out = np.empty((len(few), expected.width), order="F")
        assert_same_bits(fleet.predict(few, out=out), expected[: len(few)].to_numpy(), "out")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(1, 25)))
