"""How much a ranking hangs on its choices: each column is the ranking that it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.cli.app import run
from creditcore.ranking.sensitivity import sensitivity

CITIES = ["320100", "320200", "320500", "330100", "330200", "330400", "310100", "110100"]


def records() -> pl.DataFrame:
    random = np.random.default_rng(4)
    units = 4000
    return pl.DataFrame(
        {
            "id": np.arange(units),
            "city": random.choice(CITIES, units, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05]),
            "x": np.round(random.normal(600, 60, units)),
            "w": np.round(random.lognormal(2, 1.5, units)) + 1,
        }
    )


def places(frame: pl.DataFrame, weight: str | None, least: int) -> dict[str, int | None]:
    return {row["code"]: row["rank"] for row in cc.rank(frame, "city", "x", weight, min_n=least).rows()}


def test_every_choice_is_the_ranking_that_it_says(tmp_path: Path) -> None:
    frame = records()
    rings = frame.filter(pl.col("x") > 690)["id"].to_list()
    path = tmp_path / "records.parquet"
    frame.write_parquet(path)
    cap = float(np.sort(frame["w"].to_numpy())[int(0.95 * 3999)])
    expected = {
        "base": places(frame, "w", 300),
        "by_head": places(frame, None, 300),
        "trimmed": places(frame.with_columns(w=pl.min_horizontal("w", pl.lit(cap))), "w", 300),
        "without_rings": places(frame.filter(~pl.col("id").is_in(rings)), "w", 300),
        "min_n_1": places(frame, "w", 1),
    }
    options = {"min_n": (300, 1), "trim": 0.95, "key": "id", "rings": rings, "top": 3}
    for source in (frame, str(path)):
        rows = sensitivity(source, "city", "x", "w", **options)  # type: ignore[arg-type]
        assert list(rows[0]) == ["code", "name", *expected]
        for row in rows:
            assert {choice: row[choice] for choice in expected} == {
                choice: ranks.get(row["code"]) for choice, ranks in expected.items()
            }
        leading = {
            code for ranks in expected.values() for code, place in ranks.items() if place and place <= 3
        }
        assert {row["code"] for row in rows} == leading
    assert len({tuple(row[choice] for row in rows) for choice in expected}) > 2, "choices matter here"


def test_columns_of_the_records_are_ranked_too() -> None:
    rows = sensitivity({"g": ["a", "b"], "x": [1.0, 2.0]}, "g", "x", min_n=(1,))
    assert [(row["code"], row["base"]) for row in rows] == [("b", 1), ("a", 2)]


def test_units_and_kinds_are_those_of_the_ranking() -> None:
    frame = records().with_columns(
        event_time=pl.int_range(pl.len()),
        unit=pl.int_range(pl.len()) // 2,
        kind=pl.when(pl.int_range(pl.len()) % 7 < 5).then(pl.lit("person")).otherwise(pl.lit("enterprise")),
    )
    options = {"unit": "unit", "kind": "person"}
    rows = sensitivity(frame, "city", "x", "w", min_n=(200,), **options)  # type: ignore[arg-type]
    expected = cc.rank(frame, "city", "x", "w", min_n=200, **options).rows()  # type: ignore[call-overload]
    ranked = [row for row in expected if row["rank"] is not None]
    assert [(row["code"], row["base"]) for row in rows] == [(row["code"], row["rank"]) for row in ranked]


def test_the_verb_leaves_rings_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = records()
    rings = frame.filter(pl.col("x") > 690)["id"].to_list()
    path, members = tmp_path / "records.parquet", tmp_path / "groups.csv"
    frame.write_parquet(path)
    pl.DataFrame({"key": rings, "level": ["core"] * len(rings)}).write_csv(members)
    arguments = ["sensitivity", str(path), "--score", "x", "--weight", "w", "--min-n", "300,1", "--key", "id"]
    arguments += ["--rings", str(members), "--top", "3"]
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments, "--json"])
    assert run() == 0
    expected = sensitivity(frame, "city", "x", "w", min_n=(300, 1), key="id", rings=rings, top=3)
    assert json.loads(capsys.readouterr().out) == expected
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments])
    assert run() == 0
    assert "without_rings" in capsys.readouterr().out
    members.write_text("id\n1\n")
    assert run() == 1
    assert "there is no column `key`" in capsys.readouterr().err


def test_what_makes_no_sense_is_refused() -> None:
    frame = {"city": ["330400"], "x": [1.0]}
    with pytest.raises(cc.ArgumentError, match="`trim`"):
        sensitivity(frame, "city", "x", trim=0)
    with pytest.raises(cc.ArgumentError, match="give both or none"):
        sensitivity(frame, "city", "x", rings=[1])
    with pytest.raises(cc.SchemaError, match="`town`"):
        sensitivity(frame, "town", "x")
