"""Releases that would tell of a few units together: attacks, and what is not refused."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.releases.apart import too_near
from creditcore.releases.making import make
from creditcore.releases.releases import Releases

CITIES = ["310100", "320100", "320500", "330100", "330400"]
LEVELS = ("city", "province", "nation")
KEPT = {"kind": "person", "score": "score", "unit": "id"}


def records() -> pl.DataFrame:
    random = np.random.default_rng(3)
    n = 6000
    return pl.DataFrame(
        {
            "id": [f"u{number:05}" for number in range(n)],
            "event_time": ["2026-01-01"] * n,
            "city": [CITIES[number % 5] for number in range(n)],
            "kind": ["person"] * n,
            "score": random.normal(600, 40, n),
            "weight": random.integers(1, 9, n),
            "age": random.integers(18, 70, n),
        }
    )


def more(frame: pl.DataFrame, name: str, n: int, **columns: Any) -> pl.DataFrame:
    """Give n further records like the first, with ids and some columns of their own."""
    rows = pl.concat([frame[:1]] * n).with_columns(
        id=pl.Series([f"{name}{number}" for number in range(n)]),
        **{key: pl.lit(value) for key, value in columns.items()},
    )
    return rows.with_columns(score=pl.col("score") + pl.int_range(n) / 7)


class Line:
    """A folder of releases, and a way to add one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.releases = Releases(folder / "releases")
        self.day = 0

    def add(self, frame: pl.DataFrame, by: tuple[str, ...] = LEVELS, **told: Any) -> Any:
        self.day += 1
        path = self.folder / f"{self.day}.parquet"
        frame.write_parquet(path)
        options = {**KEPT, **told}
        return self.releases.create(str(path), list(by), as_of=f"2026-01-{self.day:02}", **options)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def test_rows_that_no_figure_uses_hide_nobody(line: Line) -> None:
    first = records()
    line.add(first)
    one = more(first, "new", 1, city="330400")
    with pytest.raises(cc.ArgumentError, match=r"release `2026-01-01` in fewer than 50.*city 330400: 1"):
        line.add(pl.concat([first, one, more(first, "nowhere", 60, city="999999")]))
    unused = more(first, "other", 60, kind="enterprise")
    with pytest.raises(cc.ArgumentError, match=r"wait and release them together.*coarser.*hide those cells"):
        line.add(pl.concat([first, one, unused]))
    line.add(pl.concat([first, unused, more(first, "nowhere", 1, city="999999")]))


def test_a_kind_left_out_is_a_difference(line: Line) -> None:
    first = pl.concat([records(), more(records(), "firm", 1, kind="enterprise", city="330400")])
    line.add(first, kind="all")
    with pytest.raises(cc.ArgumentError, match="city 330400: 1"):
        line.add(first, kind="person")


@pytest.mark.parametrize("unit", ["id", None])
def test_one_in_the_place_of_another_is_a_difference(line: Line, unit: str | None) -> None:
    first = records()
    line.add(first, unit=unit)
    swapped = pl.concat([first[1:], more(first, "new", 1, score=500.0)])
    with pytest.raises(cc.ArgumentError, match=r"city 310100: [12]"):
        line.add(swapped, unit=unit)
    changed = first.with_columns(score=pl.when(pl.col("id") == "u00000").then(1.0).otherwise(pl.col("score")))
    with pytest.raises(cc.ArgumentError, match="city 310100: 1"):
        line.add(changed, unit=unit)


@pytest.mark.parametrize("unit", ["id", None])
def test_many_in_one_city_do_not_cover_one_in_another(line: Line, unit: str | None) -> None:
    first = records()
    line.add(first, unit=unit)
    many, one = more(first, "many", 60), more(first, "one", 1, city="330400")
    with pytest.raises(cc.ArgumentError, match="city 330400: 1"):
        line.add(pl.concat([first, many, one]), unit=unit)
    made = line.add(pl.concat([first, many]), unit=unit)
    assert line.releases.verify(made.name) == []


def test_one_among_many_who_moved_is_a_difference(line: Line) -> None:
    first = records()
    line.add(first)
    leaving = [f"u{number:05}" for number in range(4, 5 * 61, 5)]
    moved = first.with_columns(
        city=pl.when(pl.col("id").is_in(leaving)).then(pl.lit("330100")).otherwise(pl.col("city"))
    )
    with pytest.raises(cc.ArgumentError, match=r"with city 330\d00: 1"):
        line.add(moved.filter(pl.col("id") != leaving[0]))
    line.add(moved)


def test_hidden_rows_are_looked_at_together(line: Line) -> None:
    first = pl.concat([records(), more(records(), "few", 20, city="330200")])
    made = line.add(first)
    assert {row["code"] for row in made.rows() if row["suppressed"]} >= {"330200"}
    with pytest.raises(cc.ArgumentError, match="the hidden rows of province 330000: 1"):
        line.add(pl.concat([first, more(first, "one", 1, city="330200")]))


def test_a_coarser_release_follows_from_a_finer_one(line: Line) -> None:
    first = records()
    line.add(first, ("city",))
    with pytest.raises(cc.ArgumentError, match="province 330000: 1"):
        line.add(pl.concat([first, more(first, "one", 1, city="330400")]), ("province",))


@pytest.mark.parametrize("pick", ["latest", "first", "mean", "sum"])
@pytest.mark.parametrize(
    "told",
    [
        {"weight": "weight"},
        {"share_above": 610.0},
        {"ratio": ("score", "weight")},
        {"by": ("age", "city"), "bands": {"age": [30, 50]}},
        {"by": ("age",), "regions": "none"},
        {"unit": None, "kind": "all"},
    ],
)
def test_the_used_units_are_those_that_were_ranked(tmp_path: Path, pick: str, told: dict[str, Any]) -> None:
    random = np.random.default_rng(5)
    first = records()
    again = first.sample(3000, seed=1).with_columns(
        event_time=pl.Series(random.choice(["2026-01-01", "2026-02-01", "2025-12-01"], 3000)),
        city=pl.Series(random.choice([*CITIES, "999999", "330000"], 3000)),
        score=pl.Series(random.choice([600.0, 580.5, np.nan], 3000), nan_to_null=True),
    )
    path = tmp_path / "records.parquet"
    pl.concat([first, again]).write_parquet(path)
    options = {"source": [str(path)], "by": ["city"], "publish": {"min_shown": 5}}
    options |= {**KEPT, "pick": pick, **told}
    options["by"] = list(options["by"])
    made = make(options, "2026-01-01", b"salt" * 4)
    frame = pl.read_parquet(made.used.rows)
    for number, name in enumerate(options["by"]):
        counted = dict(frame.filter(by=number).group_by("point").len().iter_rows())
        shown = {row["code"]: row["n"] for row in made.rankings[name].rows() if row["n"] is not None}
        assert shown
        assert {code: counted[code] for code in shown} == shown
    assert too_near(made.used, made.used, 50) == {}


def test_every_difference_that_follows_is_of_none_or_of_many(tmp_path: Path) -> None:
    """Whatever is accepted: all unions of cities, by brute force."""
    random = np.random.default_rng(11)
    first = records()[:600]
    accepted = 0
    rules = {"min_shown": 1, "min_ranked": 1}
    for trial in range(60):
        keep = random.random(600) >= random.choice([0.0, 0.05, 0.3])
        move = random.random(600) < random.choice([0.0, 0.05, 0.6])
        city = pl.Series(np.where(move, random.choice(CITIES[:3], 600), first["city"].to_numpy()))
        second = first.with_columns(city=city).filter(pl.Series(keep))
        made = []
        for number, frame in enumerate((first, second)):
            path = tmp_path / f"{trial}-{number}.parquet"
            frame.write_parquet(path)
            options = {"source": [str(path)], "by": ["city"], "publish": rules, **KEPT}
            made.append(make(options, "2026-01-01", b"salt" * 4).used)
        near = too_near(made[1], made[0], 8)
        least = []
        was, now = (dict(frame.select("id", "city").iter_rows()) for frame in (first, second))
        for union in range(1, 2 ** len(CITIES)):
            cities = {code for at, code in enumerate(CITIES) if union >> at & 1}
            of = [{key for key, code in state.items() if code in cities} for state in (was, now)]
            least.append(len(of[0] ^ of[1]))
        assert bool(near) == any(0 < count < 8 for count in least)
        accepted += not near
    assert 10 < accepted < 50


@pytest.mark.parametrize("step", ["write", "fsync", "rename", "parent", "commit"])
def test_a_fault_leaves_catalog_and_folder_as_before(
    line: Line, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from creditcore.releases import releases

    first = records()
    line.add(first)
    folder = line.folder / "releases"
    before = sorted(folder.rglob("*")), line.releases.all()

    def fault(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    synced: list[Path] = []
    real: Callable[[Path], None] = releases._sync

    def sync(path: Path) -> None:
        synced.append(path)
        if step == "parent" and path == folder:
            fault()
        real(path)

    if step == "write":
        from creditcore.releases.making import write_files as write

        monkeypatch.setattr(releases, "write_files", lambda *given: (write(*given), fault()))
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", fault)
    if step == "rename":
        monkeypatch.setattr(Path, "rename", fault)
    monkeypatch.setattr(releases, "_sync", sync)
    if step == "commit":
        with sqlite3.connect(folder / "catalog.sqlite") as catalog:
            # A deferred constraint fails at the commit alone.
            catalog.execute("CREATE TABLE late (x TEXT REFERENCES releases DEFERRABLE INITIALLY DEFERRED)")
            catalog.execute(
                "CREATE TRIGGER later AFTER INSERT ON releases BEGIN INSERT INTO late VALUES ('none'); END"
            )
        connect = sqlite3.connect

        def strict(*given: Any) -> sqlite3.Connection:
            opened: sqlite3.Connection = connect(*given)
            opened.execute("PRAGMA foreign_keys = ON")
            return opened

        monkeypatch.setattr(sqlite3, "connect", strict)
    with pytest.raises((OSError, cc.StateError)):
        line.add(first)
    assert (sorted(folder.rglob("*")), line.releases.all()) == before
    if step == "commit":
        assert synced[-1] == folder, "the name is on the disk before the catalog tells of it"
        assert {path.name for path in synced} >= {"ranking.csv", "used.parquet", "private"}


def test_fractions_of_the_one_score_do_not_follow(line: Line) -> None:
    """The attack in figures: without a refusal the new unit's score is the difference of two shown sums."""
    first = records()
    one = more(first, "new", 1, city="330400", score=777.0)
    both = [cc.rank(frame, "city", "score").rows() for frame in (first, pl.concat([first, one]))]
    told = [next(row for row in rows if row["code"] == "330400") for rows in both]
    follows = Fraction(told[1]["mean"]) * told[1]["n"] - Fraction(told[0]["mean"]) * told[0]["n"]
    assert abs(float(follows) - 777.0) < 1e-6
    line.add(first)
    with pytest.raises(cc.ArgumentError, match="city 330400: 1"):
        line.add(pl.concat([first, one]))
