"""Who is in a release: statements that are applied, weights by population, errors by cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.cli.app import run
from creditcore.releases.moves import moves, why
from creditcore.releases.releases import Releases

CITIES = ["320100", "320200", "330100", "330400"]
STATEMENT = {
    "product": "cash loan",
    "kind": "person",
    "window_days": 30,
    "exclude": {"staff": "is_staff", "test": "age < 18"},
}


def records(seed: int, units: int = 9000) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    day = np.datetime64("2026-06-30") - random.integers(-2, 40, units).astype("timedelta64[D]")
    return pl.DataFrame(
        {
            "id": [f"u{number:05}" for number in range(units)],
            "person": random.integers(0, 3000, units),
            "event_time": day.astype("datetime64[ms]"),
            "kind": random.choice(["person", "enterprise"], units, p=[0.9, 0.1]),
            "is_staff": random.random(units) < 0.05,
            "age": random.integers(16, 70, units),
            "city": random.choice([*CITIES, "999999"], units),
            "score": np.round(random.normal(600, 40, units) * 64) / 64,
        }
    )


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "records.parquet"
    records(1).write_parquet(path)
    return str(path)


def test_whoever_is_left_out_is_counted_by_cause(source: str, tmp_path: Path) -> None:
    releases = Releases(tmp_path / "releases")
    made = releases.create(
        source, as_of="2026-06-30", score="score", unit="id", population=STATEMENT, min_difference=1
    )
    frame = pl.read_parquet(source)
    left = {
        "other_kind": pl.col("kind") != "person",
        "before_window": pl.col("event_time") < pl.datetime(2026, 6, 1),
        "after_as_of": pl.col("event_time") >= pl.datetime(2026, 7, 1),
        "staff": pl.col("is_staff"),
        "test": pl.col("age") < 18,
        "unresolved_region": pl.col("city") == "999999",
    }
    rest, expected = frame, {}
    for cause, condition in left.items():
        expected[cause] = len(rest.filter(condition))
        rest = rest.filter(~condition)
    assert made.population["excluded"] == expected
    assert (made.population["records"], made.population["used"]) == (9000, len(rest))
    assert sum(expected.values()) + len(rest) == 9000
    assert (made.population["product"], made.population["kind"]) == ("cash loan", "person")
    plain = cc.rank(rest.drop("kind"), "city", "score", unit="id", publish="default").rows()
    found = [row for row in made.rows() if row["level"] == "city"]
    assert [(row["code"], row["n"], row["mean"]) for row in found] == [
        (row["code"], row["n"], row["mean"]) for row in plain
    ]
    assert f"over {len(rest):,} of 9,000 records" in made.method["headings"]["city"]
    assert releases.verify("2026-06-30") == []


def test_the_verb_prints_in_used_and_left_out(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "creditcore.toml"
    told.write_text(
        '[columns]\nkey = "id"\n[time]\nzone = "Asia/Shanghai"\n[population]\nkind = "person"\n'
        'stage = "on book"\n[population.exclude]\nstaff = "is_staff"\n'
    )
    csv = tmp_path / "records.csv"
    pl.read_parquet(source).with_columns(is_staff=pl.col("is_staff").cast(pl.Int8)).write_csv(csv)
    told.write_text(told.read_text().replace('"is_staff"', '"is_staff = 1"'))
    arguments = ["release", "create", str(tmp_path / "releases"), str(csv), "--as-of", "2026-06-30"]
    arguments += ["--score", "score", "--unit", "id", "--population", str(told), "--margins", "census"]
    monkeypatch.setattr("sys.argv", ["creditcore", *arguments, "--cluster", "person"])
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    numbers = [int(line.split()[2].replace(",", "")) for line in lines if line.startswith("left out: ")]
    used = int(lines[0].split()[2].replace(",", ""))
    assert lines[0].startswith(f"release 2026-06-30: {used:,} of 9,000 records")
    assert used + sum(numbers) == 9000
    monkeypatch.setattr("sys.argv", ["creditcore", "release", "show", str(tmp_path / "releases")])
    assert run() == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["population"]["stage"] == "on book"
    assert shown["method"]["standard_error"].startswith("sqrt(C/(C-1)")
    assert "population by city" in shown["method"]["headings"]["city"]


@pytest.mark.parametrize("margins", [None, "table"])
def test_moves_go_by_who_is_in_and_what_they_weigh(source: str, margins: Any, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("code,population\n" + "".join(f"{code},{1000 + 7 * int(code[:4])}\n" for code in CITIES))
    random = np.random.default_rng(3)
    later = pl.read_parquet(source)[400:].with_columns(
        score=pl.col("score") + pl.Series(random.integers(-64, 200, 8600)) / 64
    )
    second = tmp_path / "second.parquet"
    later.write_parquet(second)
    releases = Releases(tmp_path / "releases")
    statement = {key: STATEMENT[key] for key in ("kind", "exclude")}
    options: dict[str, Any] = {"score": "score", "unit": "id", "population": statement}
    if margins:
        options["margins"] = table
    old = releases.create(source, as_of="2026-06-30", **options)
    new = releases.create(str(second), as_of="2026-09-30", **options)
    assert releases.verify("2026-06-30") == []
    for change in why(old, new, "province"):
        assert change.who + change.weights + change.scores == change.new - change.old
    assert {row["status"] for row in moves(old, new)} == {"both"}
    if margins:
        (row, *_) = [row for row in new.rows() if row["code"] == "330400"]
        assert row["population"] == 1000 + 7 * 3304
        table.write_text(table.read_text() + "310100,5\n")
        assert "people.csv` (margins) was changed" in releases.verify("2026-06-30")[0]


def test_statements_that_fit_nothing_are_refused(source: str, tmp_path: Path) -> None:
    releases = Releases(tmp_path / "releases")
    options: dict[str, Any] = {"as_of": "2026-06-30", "score": "score"}
    for statement, fault, told in (
        ({"colour": "red"}, cc.ArgumentError, "unknown key `colour` of the population"),
        ({"stage": "dreamt of"}, cc.ArgumentError, "`stage` is `dreamt of`"),
        ({"exclude": {"staff": "is_staf"}, "kind": "person"}, cc.SchemaError, "goes by `is_staf`"),
        ({"exclude": {"staff": "is_staff AND"}, "kind": "person"}, cc.SchemaError, "staff"),
        ({"exclude": {"staff": "is_staff"}}, cc.SchemaError, "column `kind` holds `enterprise`, `person`"),
        ({"window_days": -1, "kind": "person"}, cc.SchemaError, "window_days"),
    ):
        with pytest.raises(fault, match=told):
            releases.create(source, population=statement, **options)
    with pytest.raises(cc.ArgumentError, match="`kind` is `enterprise`, in the population `person`"):
        releases.create(source, population={"kind": "person"}, kind="enterprise", **options)
    with pytest.raises(cc.ArgumentError, match="does not cover the records: no population for `320100`"):
        releases.create(source, population={"kind": "person"}, margins={"city": {"330100": 5}}, **options)
    assert releases.all() == []
