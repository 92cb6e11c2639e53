"""Weights by population: raking against exact fractions, another system's formulas, and its refusals."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.cli.app import run
from creditcore.ranking.comparisons import poststratified
from creditcore.ranking.margins import factors, load, read_margin
from creditcore.regions import attributes

WORKED = pl.DataFrame(
    {
        "city": ["330100"] * 5 + ["330400"] * 3,
        "sex": ["f", "f", "m", "m", "m", "f", "m", "m"],
        "x": [600.0, 620.0, 590.0, 610.0, 640.0, 700.0, 650.0, 655.0],
        "w": [1.0, 2.0, 1.0, 1.0, 3.0, 2.0, 1.0, 1.0],
    }
)
CITY, SEX = {"330100": 60, "330400": 40}, {"f": 55, "m": 45}


def by_hand(weights: dict[tuple[str, str], Fraction], rounds: int = 60) -> dict[tuple[str, str], float]:
    """Rake in exact fractions, as Deming and Stephan write it."""
    found = dict(weights)
    for _ in range(rounds):
        for place, margin in ((0, CITY), (1, SEX)):
            for value, people in margin.items():
                inside = [cell for cell in found if cell[place] == value]
                total = sum(found[cell] for cell in inside)
                # Fractions grow without end; 200 bits are far below what is compared.
                for cell in inside:
                    found[cell] = (found[cell] * people / total).limit_denominator(2**200)
    return {cell: float(found[cell] / weights[cell]) for cell in found}


@pytest.mark.parametrize("base", [None, "w"])
def test_raked_means_are_those_of_exact_fractions(base: str | None, tmp_path: Path) -> None:
    weights: dict[tuple[str, str], Fraction] = {}
    for row in WORKED.iter_rows(named=True):
        cell = (row["city"], row["sex"])
        weights[cell] = weights.get(cell, Fraction(0)) + Fraction(row[base] if base else 1)
    factor = by_hand(weights)
    path = tmp_path / "records.csv"
    WORKED.write_csv(path)
    for source in (WORKED, str(path)):
        found = cc.rank(source, ["city", "sex", "province"], "x", base, margins={"city": CITY, "sex": SEX})
        for by, margin in (("city", CITY), ("sex", SEX), ("province", {"330000": 100})):
            for row in found[by].rows():
                part = WORKED.filter(pl.col(by) == row["code"]) if by != "province" else WORKED
                w = [
                    factor[told["city"], told["sex"]] * (told[base] if base else 1)
                    for told in part.iter_rows(named=True)
                ]
                assert row["mean"] == pytest.approx(np.average(part["x"].to_numpy(), weights=w), rel=1e-9)
                assert row["sum_weight"] == pytest.approx(margin[row["code"]], rel=1e-9)
                if by != "sex":
                    assert row["population"] == margin[row["code"]]
                    assert row["coverage"] == row["n"] / margin[row["code"]]
        assert "population by city, sex (raked)" in found["city"].heading


def test_raking_gives_the_weights_of_survey_on_a_worked_example() -> None:
    # rake(svydesign(~1, weights = ~w), list(~city, ~sex), list(CITY, SEX)) keeps the cross-product ratio of
    # the start weights, 3 x 2 / (5 x 2) = 0.6, and meets the margins: 30 and 30, 25 and 15 solve both.
    found = cc.rank(WORKED, ["city", "province"], "x", "w", margins={"city": CITY, "sex": SEX})
    one = Fraction(30 * (600 + 2 * 620), 3) + Fraction(30 * (590 + 610 + 3 * 640), 5)
    other = Fraction(25 * 2 * 700, 2) + Fraction(15 * (650 + 655), 2)
    rows = {row["code"]: row for row in found["city"].rows()}
    assert rows["330100"]["mean"] == pytest.approx(float(one / 60), rel=1e-9)  # 618.6667
    assert rows["330400"]["mean"] == pytest.approx(682.1875, rel=1e-9)
    (province,) = found["province"].rows()
    assert float((one + other) / 100) == 644.075
    assert province["mean"] == pytest.approx(644.075, rel=1e-9)
    # svymean with these weights: sqrt(n/(n-1) sum w^2 (x - m)^2) / sum w.
    cell = {("330100", "f"): 10.0, ("330100", "m"): 6.0, ("330400", "f"): 12.5, ("330400", "m"): 7.5}
    w = np.array([cell[row["city"], row["sex"]] * row["w"] for row in WORKED.iter_rows(named=True)])
    z = w * (WORKED["x"].to_numpy() - 644.075)
    assert province["se"] == pytest.approx((8 / 7 * (z**2).sum()) ** 0.5 / 100, rel=1e-9)
    assert province["se"] == pytest.approx(17.04445, abs=5e-6)


def test_one_margin_is_poststratification_exactly() -> None:
    ranking = cc.rank(WORKED, "province", "x", "w", margins={"city": CITY})
    sums = cc.aggregate(WORKED, ["city", "province"], "x", "w")
    (told,) = poststratified(sums, CITY)
    (row,) = ranking.rows()
    # 0.6 x 4920/8 + 0.4 x 2705/4, as the exact fraction's nearest double.
    assert told["mean_post"] == float(
        Fraction(6, 10) * Fraction(4960, 8) + Fraction(4, 10) * Fraction(2705, 4)
    )
    assert row["mean"] == pytest.approx(told["mean_post"], rel=1e-15)
    assert (row["sum_weight"], row["population"], row["coverage"]) == (100.0, 100, 0.08)
    # The standard error is that of the weights: svymean of svydesign(~1, weights = ~w N / W).
    w = np.where(WORKED["city"] == "330100", WORKED["w"] * 60 / 8, WORKED["w"] * 40 / 4)
    x = WORKED["x"].to_numpy()
    se = (8 / 7 * (w**2 * (x - np.average(x, weights=w)) ** 2).sum()) ** 0.5 / w.sum()
    assert row["se"] == pytest.approx(se, rel=1e-12)


def test_weights_meet_all_margins_of_many_cells() -> None:
    random = np.random.default_rng(3)
    n = 20_000
    frame = pl.DataFrame(
        {
            "city": random.choice(["330100", "330400", "320100", "310100"], n, p=[0.5, 0.2, 0.2, 0.1]),
            "sex": random.choice([1, 2], n, p=[0.7, 0.3]),
            "band": random.choice(["<30", "30+"], n, p=[0.8, 0.2]),
            "x": random.normal(600, 40, n),
            "id": np.arange(n) // 2,
            "event_time": np.arange(n),
        }
    )
    margins: list[Any] = [
        {"province": {"330000": 500_000, "320000": 300_000, "310000": 200_000}},
        {"sex": {"1": 510_000, "2": 490_000}},
        {
            ("province", "band"): {
                (p, b): k for p in ("330000", "320000") for b, k in (("<30", 200_000), ("30+", 220_000))
            }
            | {("310000", "<30"): 80_000, ("310000", "30+"): 80_000}
        },
    ]
    found = cc.rank(frame, ["province", "sex", "city"], "x", unit="id", margins=margins[:2])
    for by in ("province", "sex"):
        for row in found[by].rows():
            assert row["sum_weight"] == pytest.approx(margins[by == "sex"][by][row["code"]], rel=1e-9)
    assert sum(row["n"] for row in found["city"].rows()) == n // 2
    # Only of a city that is a province a margin by province tells the population.
    known = {row["code"]: row["population"] for row in found["city"].rows()}
    assert known == {"310100": 200_000, "320100": None, "330100": None, "330400": None}
    joint = cc.rank(frame, "province", "x", margins=margins[2])
    assert [round(row["sum_weight"]) for row in sorted(joint.rows(), key=lambda row: row["code"])] == [
        160_000,
        420_000,
        420_000,
    ]
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    again = cc.rank(shuffled, ["province", "sex", "city"], "x", unit="id", margins=margins[:2])
    assert again["city"].rows() == found["city"].rows()


def test_the_census_is_packaged() -> None:
    frame = {"city": ["330400", "330100", "Hangzhou"], "x": [1.0, 2.0, 3.0]}
    found = cc.rank(frame, ["city", "province", "nation"], "x", margins="census")
    people = {
        told["code"]: told["population_2020"] for told in attributes("china") if told["level"] == "city"
    }
    rows = {row["code"]: row for row in found["city"].rows()}
    assert rows["330400"]["population"] == int(people["330400"])
    assert rows["330100"]["coverage"] == 2 / int(people["330100"])
    jiaxing, hangzhou = int(people["330400"]), int(people["330100"])
    (province,) = found["province"].rows()
    assert province["mean"] == pytest.approx((jiaxing + 2.5 * hangzhou) / (jiaxing + hangzhou), rel=1e-15)
    zhejiang = sum(int(n) for code, n in people.items() if code.startswith("33") and n)
    assert province["population"] == zhejiang
    assert found["nation"].to_polars()["coverage"].to_list() == [
        3 / sum(int(n) for n in people.values() if n)
    ]


def test_margins_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    for margins, told in (
        (
            {"city": {"330100": 60}},
            r"margin by `city` does not cover .* no population for `330400` \(3 units\)",
        ),
        ({"sex": {"f": 1}}, r"does not cover the records: no population for `m` \(5 units\)"),
        ({"city": CITY, "sex": {"f": 55, "m": 99}}, r"by `sex` adds up to 154, the one by `city` to 100"),
        ({"belts": {"YRD": 100}}, "`belts`, which overlaps"),
        ({"sex": {"f": 0, "m": 1}}, "population of `f` is `0`"),
        ({}, "`margins` is empty"),
        ([{"sex": SEX}, {"sex": SEX}], "two margins are by `sex`"),
    ):
        with pytest.raises(cc.ArgumentError, match=told):
            cc.rank(WORKED, "city", "x", margins=margins)
    with pytest.raises(cc.SchemaError, match="a margin is by `height`"):
        cc.rank(WORKED, "city", "x", margins={"height": {"1": 2}})
    with pytest.raises(cc.ArgumentError, match="leave `ratio` out"):
        cc.rank(WORKED, "city", ratio=("x", "w"), score=None, margins={"city": CITY})
    # No weights make two women and no man of a city into half men.
    parted = {"a": ["p", "p", "q"], "b": ["1", "1", "2"], "x": [1.0, 2.0, 3.0]}
    with pytest.raises(cc.ArgumentError, match="no weights meet all margins"):
        cc.rank(parted, "a", "x", margins={"a": {"p": 50, "q": 50}, "b": {"1": 60, "2": 40}}, regions="none")
    path = tmp_path / "margin.csv"
    for text, told in (
        ("code,population\n330100,60\n330100,5\n", r"line 3: code `330100` is there twice"),
        ("code,population\n330100,\n", r"line 2: the population of code `330100` is ``"),
        ("code,population\n330100,-5\n", r"line 2: the population of code `330100` is `-5`"),
        ("code,people\n330100,5\n", r"line 1: the header is `code,people`"),
        ("code,population\n330100\n", r"line 2: 1 cells; 2 are needed"),
        ("code,population\n", "no line below the header"),
    ):
        path.write_text(text)
        with pytest.raises(cc.FormatError, match=told):
            read_margin(path)
    with pytest.raises(cc.SourceError, match="cannot be read"):
        load(tmp_path / "none.csv", "china")
    path.write_text("code,population\n330100,60\n")
    with pytest.raises(cc.ArgumentError, match="does not cover"):
        cc.rank(WORKED, "city", "x", margins=path)


def test_factors_of_one_margin_are_the_nearest_doubles() -> None:
    (margin,) = load({"g": {"a": 10, "b": 7}}, None)
    cells = [{"g": "a"}, {"g": "b"}]
    assert factors([margin], cells, [Fraction(3), Fraction(0.1)], [3, 1]) == [
        10 / 3,
        float(7 / Fraction(0.1)),
    ]


def test_records_without_a_region_are_left_out_by_their_cause() -> None:
    frame = WORKED.vstack(WORKED[:1].with_columns(city=pl.lit("Atlantis")))
    ranking = cc.rank(frame, "city", "x", margins={"city": CITY})
    assert ranking.excluded == {"unresolved_region": 1}
    with_columns = cc.rank(frame, ["sex"], "x", margins={"city": CITY})["sex"]
    assert with_columns.excluded == {"null_weight": 1}


def test_what_is_published_goes_by_the_weights() -> None:
    frame = pl.DataFrame(
        {"city": ["330100"] * 1500 + ["330400"] * 1200 + ["330200"] * 20, "x": [1.0, 2.0] * 1360}
    )
    margins = {"city": {"330100": 1000, "330400": 1000, "330200": 1000}}
    ranking = cc.rank(frame, "city", "x", margins=margins, publish="default")
    hidden = {
        row["code"]: (row["population"], row["coverage"]) for row in ranking.rows() if row["suppressed"]
    }
    assert hidden["330200"] == (None, None)


def test_the_verb_weighs_by_margins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    records, sex = tmp_path / "records.csv", tmp_path / "sex.csv"
    WORKED.write_csv(records)
    sex.write_text("sex,population\nf,55\nm,45\n")
    (tmp_path / "city.csv").write_text("code,population\n330100,60\n330400,40\n")
    arguments = [
        "rank",
        str(records),
        "--score",
        "x",
        "--weight",
        "w",
        "--margins",
        str(tmp_path / "city.csv"),
    ]
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments, "--margins", str(sex), "--json"])
    assert run() == 0
    told = json.loads(capsys.readouterr().out)
    expected = cc.rank(WORKED, "city", "x", "w", margins={"city": CITY, "sex": SEX}).rows()
    assert told["rankings"]["city"] == expected
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments[:4], "--margins", str(sex)])
    assert run() == 0
    sex.write_text("sex,population\nf,55\n")
    assert run() == 2
    assert "does not cover the records: no population for `m`" in capsys.readouterr().err
