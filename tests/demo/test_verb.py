"""`creditcore demo` as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "creditcore", "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_demo_leaves_records_truth_and_rankings(tmp_path: Path) -> None:
    done = run("--records", 3_000, "--seed", 2, "--world", "shuffled", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"records.parquet", "truth.parquet"}
    frame = pl.read_parquet(tmp_path / "out" / "records.parquet")
    assert len(frame) == 3_000
    assert frame.columns[0] == "key"
    assert "30,000 credit-card clients" in done.stdout
    assert "says anything about a real city" in done.stdout


def test_the_demo_takes_a_users_means(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("code,mean\n330400,700\n")
    done = run("--records", 2_000, "--world", tmp_path / "mine.csv", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    truth = pl.read_parquet(tmp_path / "truth.parquet")
    assert set(truth.filter(pl.col("city") == "330400")["planted_mean"]) == {700.0}


def test_a_world_that_is_none_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("--records", 100, "--world", "atlantis", "-o", tmp_path / "out")
    assert done.returncode in (1, 2)
    assert "`atlantis` is no world" in done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "mine.csv").write_text("code,mean\n330400,seven\n")
    done = run("--records", 100, "--world", tmp_path / "mine.csv", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "holds `seven`" in done.stderr
    assert not (tmp_path / "out").exists()
