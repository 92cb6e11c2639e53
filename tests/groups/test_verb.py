"""`creditcore groups` on files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "creditcore", "groups", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def records(folder: Path) -> str:
    keys = list(range(300))
    ring = {20, 40, 60, 80, 100}
    frame = pl.DataFrame(
        {
            "id": keys,
            "home": [f"A{key // 2}" for key in keys],
            "card_1": ["C1" if key in ring else None for key in keys],
            "card_2": [f"C9{key}" for key in keys],
            "device": ["D1" if key in ring else None for key in keys],
            "day": [18_500 + key // 150 for key in keys],
            "fraud": [True if key == 40 else None for key in keys],
        }
    )
    frame.write_parquet(folder / "records.parquet")
    return str(folder / "records.parquet")


OPTIONS = ["--key", "id", "--identifier", "bank_card=card_1,card_2", "--identifier", "device=device"]


def test_rings_are_written_and_shown(tmp_path: Path) -> None:
    out, every = tmp_path / "rings.parquet", tmp_path / "groups.csv"
    done = run(records(tmp_path), *OPTIONS, "--time", "day", "-o", str(out), "--summary", str(every))
    assert done.returncode == 0, done.stderr
    members = pl.read_parquet(out)
    assert members["key"].to_list() == [20, 40, 60, 80, 100]
    assert members.columns == ["key", "group_id", "level", "score", "reason"]
    assert pl.read_csv(every)["group_id"].to_list() == [20]
    assert "1 rings with 5 members" in done.stderr
    shown = run(records(tmp_path), *OPTIONS)
    assert "bank_card" in shown.stdout


def test_one_object_for_machines(tmp_path: Path) -> None:
    done = run(records(tmp_path), *OPTIONS, "--labels", "fraud", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [group["group_id"] for group in told["groups"]] == [20]
    assert told["groups"][0]["known_fraud"] == 1
    assert "0 confirmed rings" in told["notes"][0]


def test_rings_are_named_beside_labels(tmp_path: Path) -> None:
    named = pl.read_parquet(records(tmp_path)).with_columns(ring=pl.when(pl.col("fraud")).then(pl.lit("R7")))
    path = str(tmp_path / "named.parquet")
    named.write_parquet(path)
    done = run(path, *OPTIONS, "--labels", "fraud", "--ring", "ring", "--json")
    assert done.returncode == 0, done.stderr
    assert [group["group_id"] for group in json.loads(done.stdout)["groups"]] == [20]
    without = run(path, *OPTIONS, "--ring", "ring")
    assert without.returncode == 2
    assert "give `labels` too" in without.stderr


def test_bad_usage_is_told(tmp_path: Path) -> None:
    done = run(records(tmp_path), "--key", "id", "--identifier", "device")
    assert done.returncode == 2
    assert "`--identifier device`: write TYPE=COLUMN" in done.stderr
