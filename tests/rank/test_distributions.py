"""Weighted quantiles and shares by grade, against their definitions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.cli.app import run
from creditcore.ranking.distributions import grade_shares, quantiles


def records() -> pl.DataFrame:
    random = np.random.default_rng(2)
    return pl.DataFrame(
        {
            "city": random.choice(["320100", "330400", "310100"], 900),
            "x": np.round(random.normal(600, 60, 900) * 4) / 4,
            "w": random.integers(0, 5, 900),
        }
    )


@pytest.mark.parametrize("weight", [None, "w"])
def test_quantiles_are_those_of_repeated_records(weight: str | None, tmp_path: Path) -> None:
    frame, path = records(), tmp_path / "records.csv"
    frame.write_csv(path)
    probabilities = (0.05, 0.1, 0.5, 0.9, 1.0)
    rows = quantiles(frame, probabilities, "city", "x", weight)
    assert rows == quantiles(str(path), probabilities, "city", "x", weight)
    for row in rows:
        part = frame.filter(pl.col("city") == row["code"])
        times = part["w"].to_numpy() if weight else np.ones(len(part), dtype=int)
        repeated = np.repeat(part["x"].to_numpy(), times)
        for probability in probabilities:
            # numpy's definition 1 is the inverse of the distribution function.
            assert row[str(probability)] == np.quantile(repeated, probability, method="inverted_cdf")


def test_no_rounding_decides_a_quantile() -> None:
    frame = {"g": ["a"] * 10, "x": [float(i) for i in range(10)], "w": [0.1] * 10}
    (row,) = quantiles(frame, (0.1, 0.3, 0.7), "g", "x", "w")
    assert [row[text] for text in ("0.1", "0.3", "0.7")] == [0.0, 2.0, 6.0]


def test_shares_of_grades_follow_their_table() -> None:
    frame = records()
    grades = {"good": 620.0, "excellent": 680.0}
    for row in grade_shares(frame, grades, "province", "x", "w"):
        part = frame.filter(pl.col("city").str.starts_with(row["code"][:2]))
        weight = float(part["w"].sum())
        assert row["excellent"] == float(part.filter(pl.col("x") >= 680)["w"].sum()) / weight
        assert row["below"] == float(part.filter(pl.col("x") < 620)["w"].sum()) / weight
        assert row["excellent"] + row["good"] + row["below"] == pytest.approx(1, rel=1e-15)


def test_a_ranking_has_columns_of_quantiles_and_grades(tmp_path: Path) -> None:
    frame = records().with_columns(event_time=pl.int_range(pl.len()), id=pl.int_range(pl.len()))
    grades = {"good": 620.0, "excellent": 680.0}
    path = tmp_path / "grades.toml"
    path.write_text("[grades]\ngood = 620\nexcellent = 680.0\n")
    for unit in (None, "id"):
        found = cc.rank(frame, ["city", "province"], "x", "w", unit=unit, quantiles=[0.1, 0.5], grades=path)
        for by in ("city", "province"):
            shares = {row["code"]: row for row in grade_shares(frame, grades, by, "x", "w")}
            points = {row["code"]: row for row in quantiles(frame, [0.1, 0.5], by, "x", "w")}
            table = found[by].to_polars()
            assert table.columns[-5:] == ["q_0.1", "q_0.5", "share_excellent", "share_good", "share_below"]
            for row in table.iter_rows(named=True):
                assert [row["q_0.1"], row["q_0.5"]] == [points[row["code"]][p] for p in ("0.1", "0.5")]
                for name in ("excellent", "good", "below"):
                    assert row[f"share_{name}"] == shares[row["code"]][name]
    hidden = cc.rank(frame, "city", "x", grades=grades, publish={"min_ranked": 310, "min_shown": 10})
    for row in hidden.rows():
        assert (row["share_good"] is None) == (row["rank"] is None)
    with pytest.raises(cc.ArgumentError, match="only a mean has quantiles and grades"):
        cc.rank(frame, "city", "x", share_above=600, grades=grades)
    path.write_text("good = 'yes'\n")
    with pytest.raises(cc.FormatError, match=r"grades.toml`: lines such as `excellent = 700`"):
        cc.rank(frame, "city", "x", grades=path)


def test_the_verb_gives_errors_by_cluster_and_grades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = records().with_columns(person=pl.int_range(pl.len()) // 3)
    path, grades = tmp_path / "records.parquet", tmp_path / "grades.toml"
    frame.write_parquet(path)
    grades.write_text("good = 620\n")
    arguments = ["rank", str(path), "--score", "x", "--cluster", "person", "--grades", str(grades)]
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments, "--quantiles", "0.5", "--json"])
    assert run() == 0
    told = json.loads(capsys.readouterr().out)["rankings"]["city"]
    expected = cc.rank(frame, "city", "x", cluster="person", grades={"good": 620.0}, quantiles=[0.5])
    assert told == expected.rows()
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments])
    assert run() == 0
    assert "share_good" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments, "--show-sql"])
    assert run() == 2
    assert "`--show-sql` has no words for `--cluster`" in capsys.readouterr().err


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(cc.ArgumentError, match="`grades`"):
        grade_shares(records(), {}, "city", "x")
    with pytest.raises(cc.ArgumentError, match=r"`1.5` is no probability"):
        quantiles(records(), [1.5], "city", "x")
