"""Bins in the place of columns: the same leaves, so the same bits, whatever engine is asked.

In: published models and those of every form, their rows, values on and beside each cut. Out: outputs equal
those of the columns themselves; bins of another fleet, nulls and numbers beyond the last are refused.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from creditcore._frame import to_polars
from creditcore.fleet.bins import COLUMN, Bins
from tests.model.oracle import assert_same_bits, engines_of
from tests.model.test_forms import MODELS, parts
from tests.model.test_golden import DATA, SETS, model_file

ROWS = 2500
"""More than an engine's block."""
WITHOUT = ("computed", "lossguide", "pure_categorical", "toy_categorical")
"""Parts of the names of models that read no column as a number alone."""


def tried(fleet: cc.Fleet, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows, and behind them rows of values on, below and above cuts, missing ones and odd ones."""
    made = {}
    features = zip(fleet.told[0]["features"], fleet._core.probes(0), strict=True)
    for place, (feature, values) in enumerate(features):
        name = feature["column"]
        if name in rows.columns and values and not feature["categorical"]:
            # Values of columns meet in another way in each row.
            many = [values[(row * (place + 1) + row // len(values)) % len(values)] for row in range(ROWS)]
            made[name] = pl.Series(name, many, dtype=pl.Float64)
    odd = pl.DataFrame(
        {
            name: made.get(name, rows[name].sample(ROWS, with_replacement=True, seed=1))
            for name in rows.columns
        }
    )
    return pl.concat([rows, odd], how="vertical_relaxed", rechunk=True)


def binned(bins: Bins, rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows.drop(bins.columns), bins.of(rows)], how="horizontal")


def raw_of(fleet: cc.Fleet, bins: Bins, rows: pl.DataFrame) -> pl.DataFrame:
    return to_polars(fleet._core.predict(rows, False, binned=(bins._core, COLUMN)))


@pytest.mark.parametrize(
    "model", [*map(model_file, SETS), *MODELS], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_bins_give_the_bits_of_the_columns(model: Path) -> None:
    if "linear" in model.stem:
        # It looks at the values themselves, and no other engine than the golden one evaluates it.
        assert Bins.of_fleet(cc.Fleet.load({"m": model})) is None
        return
    form = model in MODELS
    rows = parts(model)[0] if form else pl.read_parquet(model.parent / "input.parquet")
    for engine, fleet in engines_of(model):
        bins = Bins.of_fleet(fleet)
        if bins is None:
            assert any(part in f"{model.parent.name} {model.stem}" for part in WITHOUT), "bins are missing"
            continue
        assert bins.columns
        all_rows = tried(fleet, rows)
        kept = binned(bins, all_rows)
        for asked in (kept, kept[:1], kept[-70:]):
            expected = fleet.predict(all_rows[:1] if len(asked) == 1 else all_rows[-len(asked) :])
            assert_same_bits(raw_of(fleet, bins, asked), expected, f"{len(asked)} rows, {engine}")


def test_columns_that_are_left_out_come_as_they_are() -> None:
    folder = DATA / "xgb_uci_mastristan"
    fleet = cc.Fleet.load({"m": model_file(folder)})
    rows = pl.read_parquet(folder / "input.parquet")
    whole = Bins.of_fleet(fleet)
    assert whole is not None
    # The engine has tables for the first bins that it saw.
    expected = fleet.predict(rows, output="probability")
    assert_same_bits(whole.probabilities(binned(whole, rows)), expected, "all columns")
    apart = sorted(whole.columns)[:3]
    some = Bins.of_fleet(fleet, apart)
    assert some is not None
    assert some.columns == whole.columns - set(apart)
    assert_same_bits(some.probabilities(binned(some, rows)), expected, "but for three")
    with pytest.raises(cc.SchemaError, match="other cuts than the fleet's"):
        some.probabilities(binned(whole, rows).with_columns(rows.select(apart)))
    assert Bins.of_fleet(fleet, rows.columns) is None


def test_bins_of_others_are_not_taken() -> None:
    folder = DATA / "lgb_lleaves_airline"
    fleet = cc.Fleet.load({"m": model_file(folder)})
    bins = Bins.of_fleet(fleet)
    assert bins is not None
    rows = binned(bins, pl.read_parquet(folder / "input.parquet").head(40))
    assert bins.are_in(rows)
    assert not bins.are_in(rows.drop(COLUMN))
    nulls = rows.with_columns(pl.when(pl.int_range(pl.len()) != 7).then(COLUMN).alias(COLUMN))
    assert not bins.are_in(nulls)
    with pytest.raises(cc.SchemaError, match="other cuts"):
        bins.probabilities(nulls)
    lists = rows[COLUMN].to_list()
    lists[3][-1] = 65_535
    kind = rows.schema[COLUMN]
    beyond = rows.with_columns(pl.Series(COLUMN, lists, dtype=kind))
    with pytest.raises(cc.SchemaError, match="beyond the last"):
        bins.probabilities(beyond)
    lists[3][0] ^= 1
    assert not bins.are_in(rows.with_columns(pl.Series(COLUMN, lists, dtype=kind)))
    with pytest.raises(cc.SchemaError, match=f"no column `{COLUMN}`"):
        bins.probabilities(rows.drop(COLUMN))
