"""`creditcore run` with the local engine: tables, figures, refusals."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import polars as pl

import creditcore as cc
from creditcore import line
from tests.line import case

DAY = "2026-03-10"


def creditcore(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "creditcore", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_writes_what_the_line_gives(tmp_path: Path) -> None:
    place = case.write(tmp_path, network=True)
    case.records(300).write_parquet(tmp_path / "records.parquet")
    # Without files the records lie beside the configuration.
    done = creditcore(str(place), "--as-of", DAY, "--json", "-o", str(tmp_path / "out" / "deep"))
    assert done.returncode == 0, done.stderr
    made = line.run(cc.Config.load(place), tmp_path / "records.parquet", dt.date.fromisoformat(DAY))
    out = tmp_path / "out" / "deep"
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"deep"}
    assert pl.read_parquet(out / "scored.parquet").equals(made.records)
    ranked = pl.concat([one.to_polars() for one in made.rankings.values()], how="diagonal")
    assert pl.read_parquet(out / "rankings.parquet").equals(ranked)
    assert made.groups is not None
    assert pl.read_parquet(out / "groups.parquet").equals(made.groups.members)
    told = json.loads(done.stdout)
    assert told["population"]["used"] == made.population.used
    assert told["rings"] == len(made.groups)
    assert told["rankings"]["product"] == made.rankings["product"].rows()


def test_a_taken_folder_and_options_of_another_engine_are_refused(tmp_path: Path) -> None:
    place = case.write(tmp_path / "case")
    case.records(50).write_parquet(tmp_path / "some.parquet")
    files = (str(place), str(tmp_path / "some.parquet"))
    taken = creditcore(*files, "-o", str(tmp_path / "case"))
    assert taken.returncode == 2
    assert "there is something in it" in taken.stderr
    assert creditcore(*files, "--master", "local").returncode == 2
    other = creditcore(*files, "--engine", "spark", "--threads", "2")
    assert other.returncode == 2
    assert "`--threads` is of the local engine" in other.stderr
    absent = creditcore(str(place))
    assert absent.returncode == 1
    assert "records.parquet" in absent.stderr
    shown = creditcore(*files)
    assert shown.returncode == 0
    assert "50 records: used" in shown.stderr
