"""Releases: the same bytes again, refusals, moves, and why a mean moved."""

from __future__ import annotations

import json
import shutil
import sqlite3
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.cli.app import run
from creditcore.releases.moves import breaks, moves, why
from creditcore.releases.releases import Release, Releases

CITIES = ["320100", "320200", "320500", "330100", "330200", "330400"]


def records(seed: int, units: int = 9000, first: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    city = random.choice(CITIES, units, p=[0.3, 0.2, 0.15, 0.15, 0.15, 0.05])
    return pl.DataFrame(
        {
            "id": [f"u{first + number:06}" for number in range(units)],
            "event_time": ["2026-01-01"] * units,
            "city": city,
            "score": np.round(random.normal(600, 40, units) * 64) / 64 + (city == "330400") * 30.0,
            "weight": random.integers(1, 9, units),
        }
    )


def later(frame: pl.DataFrame) -> pl.DataFrame:
    """The same units a while later: some left, some came, weights, scores and cities changed."""
    random = np.random.default_rng(7)
    kept = frame[600:].with_columns(
        score=pl.col("score") + pl.Series(random.integers(-64, 200, len(frame) - 600)) / 64,
        weight=pl.when(pl.int_range(pl.len()) % 5 == 0)
        .then(pl.col("weight") + 3)
        .otherwise(pl.col("weight")),
        city=pl.when(pl.int_range(pl.len()) % 50 == 0).then(pl.lit("330400")).otherwise(pl.col("city")),
    )
    return pl.concat([kept, records(8, 700, first=50_000)])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Release, Release]:
    first = records(1)
    first.write_parquet(tmp_path / "first.parquet")
    later(first).write_parquet(tmp_path / "second.parquet")
    releases = Releases(tmp_path / "releases")
    made = [
        releases.create(
            str(tmp_path / f"{name}.parquet"),
            ["city", "province"],
            as_of=day,
            score="score",
            weight="weight",
            unit="id",
            score_version="v1",
        )
        for name, day in (("first", "2026-06-30"), ("second", "2026-09-30"))
    ]
    return made[0], made[1]


def test_a_release_is_listed_and_comes_out_the_same(pair: tuple[Release, Release]) -> None:
    releases = Releases(pair[0].folder.parent)
    assert [release.name for release in releases.all()] == ["2026-06-30", "2026-09-30"]
    assert releases.get("latest").number == 2
    assert releases.verify("2026-06-30") == []
    assert pair[0].population["records"] == pair[0].population["used"] + sum(
        pair[0].population["excluded"].values()
    )
    assert {told["role"] for told in pair[0].inputs} == {"source"}
    text = (pair[0].folder / "ranking.csv").read_text()
    assert text.startswith("code,name,level,parent,n,")
    assert len(text.splitlines()) == 1 + len(pair[0].rows())


def test_verify_names_what_changed(pair: tuple[Release, Release], tmp_path: Path) -> None:
    releases = Releases(pair[0].folder.parent)
    source = tmp_path / "first.parquet"
    kept = source.read_bytes()
    records(2).write_parquet(source)
    assert "first.parquet` (source) was changed" in releases.verify("2026-06-30")[0]
    source.unlink()
    with pytest.raises(
        cc.SourceError, match=r"first.parquet`: the source of release `2026-06-30` is missing"
    ):
        releases.verify("2026-06-30")
    source.write_bytes(kept)
    assert releases.verify("2026-06-30") == []
    (pair[0].folder / "ranking.csv").write_text("code\n")
    with pytest.raises(cc.StateError, match=r"ranking.csv`: the file is not the one that was released"):
        releases.verify("2026-06-30")
    (pair[0].folder / "ranking.csv").unlink()
    with pytest.raises(cc.StateError, match=r"ranking.csv`: the file of release `2026-06-30` is missing"):
        releases.verify("2026-06-30")


def test_a_folder_cut_in_half_says_so(pair: tuple[Release, Release], tmp_path: Path) -> None:
    folder = pair[0].folder.parent
    catalog = folder / "catalog.sqlite"
    whole = catalog.read_bytes()
    catalog.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(cc.StateError, match=r"catalog.sqlite`: the catalog cannot be read"):
        Releases(folder).all()
    catalog.unlink()
    with pytest.raises(cc.StateError, match=r"has no `catalog.sqlite`"):
        Releases(folder).all()
    with pytest.raises(cc.StateError, match=r"holds files, but no `catalog.sqlite`"):
        Releases(folder).create(str(tmp_path / "first.parquet"), as_of="2026-10-01", score="score")
    catalog.write_bytes(whole)
    shutil.rmtree(pair[1].folder)
    assert len(Releases(folder).all()) == 2
    with pytest.raises(cc.StateError, match="is missing; restore the folder"):
        Releases(folder).get("2026-09-30").rows()


def test_what_tells_of_a_few_units_is_refused(pair: tuple[Release, Release], tmp_path: Path) -> None:
    releases = Releases(pair[0].folder.parent)
    options: dict[str, Any] = {"score": "score", "weight": "weight"}
    for unit in ("id", None):
        nearly = tmp_path / "nearly.parquet"
        pl.read_parquet(tmp_path / "first.parquet")[3:].write_parquet(nearly)
        with pytest.raises(cc.ArgumentError, match=r"in fewer than 50 units .*city 320\d00: \d"):
            releases.create(str(nearly), as_of="2026-07-01", unit=unit, **options)
    same = releases.create(str(tmp_path / "first.parquet"), as_of="2026-07-02", unit="id", **options)
    assert same.number == 3, "the same units, told otherwise, tell of nobody"
    with pytest.raises(cc.ArgumentError, match="has a release `2026-07-02` already"):
        releases.create(str(tmp_path / "first.parquet"), as_of="2026-07-02", **options)
    with pytest.raises(cc.ArgumentError, match="`as_of` is `today`"):
        releases.create(str(tmp_path / "first.parquet"), as_of="today", **options)


def test_a_mean_over_two_score_versions_is_refused(tmp_path: Path) -> None:
    mixed = records(1).with_columns(score_version=pl.when(pl.int_range(pl.len()) < 5).then(1).otherwise(2))
    path = tmp_path / "mixed.parquet"
    mixed.write_parquet(path)
    with pytest.raises(cc.SchemaError, match="a mean over two score versions is refused"):
        Releases(tmp_path / "releases").create(str(path), as_of="2026-06-30", score="score")
    mixed.with_columns(score_version=pl.lit("v2")).write_parquet(path)
    made = Releases(tmp_path / "releases").create(str(path), as_of="2026-06-30", score="score")
    assert made.score_version == "v2"
    assert "score_version" not in {row["level"] for row in made.rows()}


def test_moves_follow_their_formulas(pair: tuple[Release, Release]) -> None:
    rows = [row for row in moves(*pair) if row["level"] == "city"]
    assert {row["status"] for row in rows} == {"both"}
    before = {row["code"]: row for row in pair[0].rows()}
    tested = sorted(row["p"] for row in rows)
    for row in rows:
        was = before[row["code"]]
        assert row["diff"] == row["mean"] - was["mean"]
        assert (
            row["move"] == was["rank"] - row["rank"] if row["rank"] and was["rank"] else row["move"] is None
        )
        place = tested.index(row["p"])
        expected = max(min(1.0, p * (len(rows) - at)) for at, p in enumerate(tested[: place + 1]))
        assert row["p_holm"] == expected
        assert row["significant"] == (expected <= 0.05)
        assert (row["diff_lo"] > 0 or row["diff_hi"] < 0) == (row["p"] < 0.05)


@pytest.mark.slow
def test_null_moves_are_called_significant_as_rarely_as_promised() -> None:
    from creditcore.releases.moves import _adjust, _move

    wrong = 0
    for seed in range(200):
        first, second = (cc.rank(records(seed + shift, 1500), "city", "score").rows() for shift in (0, 1000))
        now = {row["code"]: row for row in second}
        rows = [_move(row, now[row["code"]], True, 1.96) for row in first]
        _adjust(rows, 0.05)
        wrong += any(row["significant"] for row in rows)
    assert 2 <= wrong <= 20


@pytest.mark.parametrize("by", ["city", "province"])
def test_parts_of_a_move_add_up_exactly(pair: tuple[Release, Release], by: str, tmp_path: Path) -> None:
    frames = [pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("first", "second")]
    changes = why(*pair, by)
    assert len(changes) == (6 if by == "city" else 2)
    for change in changes:
        assert change.who + change.weights + change.scores == change.new - change.old
        assert change.stayed > 0
        assert change.left > 0
        assert change.came > 0
        mine = [
            {
                row["id"]: (Fraction(row["weight"]), Fraction(row["score"]))
                for row in frame.iter_rows(named=True)
                if row["city"].startswith(change.code[:2] if by == "province" else change.code)
            }
            for frame in frames
        ]

        def mean(state: tuple[int, int, int], mine: list[dict[str, Any]] = mine) -> Fraction:
            who, weights, scores = state
            both = mine[0].keys() & mine[1].keys()
            pairs = [
                (mine[weights][key][0], mine[scores][key][1]) if key in both else mine[who][key]
                for key in mine[who]
            ]
            return sum((w * x for w, x in pairs), Fraction(0)) / sum((w for w, _ in pairs), Fraction(0))

        # Shapley's value by its definition: over all orders.
        parts = [Fraction(0)] * 3
        for order in permutations(range(3)):
            state = [0, 0, 0]
            for place in order:
                at = mean((state[0], state[1], state[2]))
                state[place] = 1
                parts[place] += (mean((state[0], state[1], state[2])) - at) / 6
        assert [change.who, change.weights, change.scores] == parts


def test_a_break_has_no_differences(pair: tuple[Release, Release], tmp_path: Path) -> None:
    other = Releases(pair[0].folder.parent).create(
        str(tmp_path / "second.parquet"),
        ["city"],
        as_of="2026-10-01",
        score="score",
        weight="weight",
        unit="id",
        score_version="v2",
    )
    assert breaks(pair[0], other) == ["score version v1 became v2"]
    assert all(row["diff"] is None and row["move"] is None for row in moves(pair[0], other))
    assert "left" in {row["status"] for row in moves(pair[0], other)}
    with pytest.raises(
        cc.ArgumentError, match="a move over a break has no parts: score version v1 became v2"
    ):
        why(pair[0], other)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["creditcore", "release", *arguments])
    return run()


def test_the_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, folder = tmp_path / "records.parquet", str(tmp_path / "releases")
    first = records(1)
    first.write_parquet(source)
    (tmp_path / "population.toml").write_text('[population]\nproduct = "cash loan"\nstage = "on book"\n')
    options = ["--score", "score", "--unit", "id", "--population", str(tmp_path / "population.toml")]
    assert command(monkeypatch, "create", folder, str(source), "--as-of", "2026-06-30", *options) == 0
    assert "9,000 of 9,000 records" in capsys.readouterr().out
    second = tmp_path / "second.parquet"
    later(first).write_parquet(second)
    assert command(monkeypatch, "create", folder, str(second), "--as-of", "2026-09-30", *options) == 0
    assert command(monkeypatch, "list", folder) == 0
    assert command(monkeypatch, "show", folder, "2026-06-30") == 0
    capsys.readouterr()
    assert command(monkeypatch, "diff", folder, "2026-06-30", "--why", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 6
    assert all(abs(row["who"] + row["weights"] + row["scores"] - row["diff"]) < 1e-9 for row in rows)
    assert command(monkeypatch, "diff", folder, "2026-06-30") == 0
    assert command(monkeypatch, "verify", folder, "2026-06-30") == 0
    first[100:].write_parquet(source)
    assert command(monkeypatch, "verify", folder, "2026-06-30") == 3
    assert command(monkeypatch, "show", folder, "2026-01-01") == 2
    assert "has no release `2026-01-01`; it has `2026-06-30`" in capsys.readouterr().err


def test_a_catalog_of_another_form_is_refused(pair: tuple[Release, Release]) -> None:
    catalog = sqlite3.connect(pair[0].folder.parent / "catalog.sqlite")
    with catalog:
        catalog.execute("UPDATE meta SET value = '9' WHERE key = 'form'")
    catalog.close()
    with pytest.raises(cc.StateError, match="another form than 2"):
        Releases(pair[0].folder.parent).all()
