"""`creditcore demo` as a user runs it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl

import creditcore as cc


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "creditcore", "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_each_line_of_evidence_has_a_command_that_gives_it_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("--records", 4_000, "--seed", 2, "-o", out)
    assert done.returncode == 0, done.stderr
    made = {"records.parquet", "truth.parquet", "scored.parquet", "uci.parquet", "city.csv", "cities.svg"}
    made |= {
        "creditcore.toml",
        "models",
        "policy",
        "groups.parquet",
        "rings.parquet",
        "backtest.html",
        "state",
        "report.html",
    }
    assert {path.name for path in out.iterdir()} >= made
    assert pl.read_parquet(out / "records.parquet").columns[0] == "key"
    told = " ".join(done.stdout.split())
    assert "nothing says anything about a real city" in told
    assert "hold-out AUC 0.7719" in told
    assert "(0.8289 over all, which includes the rows it was trained on)" in told
    assert "`EDUCATION` is an input of the models" in told
    assert "203 models, 8,360 trees" in told
    assert "10 units of the region table have no census population; 0 records are theirs" in told
    assert "This country is too small for a ranking" in told
    commands = [line.strip()[2:] for line in done.stdout.splitlines() if line.startswith("    $ ")]
    assert len(commands) == 29
    assert commands[-1] == f"creditcore release verify {out / 'releases'}"  # and exits with 0, as all do
    left = {name: pl.read_parquet(out / name) for name in ("scored.parquet", "groups.parquet")}
    for command in commands[3:]:
        program, *rest = shlex.split(command)
        again = subprocess.run(
            [sys.executable, *(["-m", "creditcore"] if program == "creditcore" else []), *rest],
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 0, (command, again.stderr)
        # How long a refresh takes differs from one to the next.
        if "--again" in rest and "refresh" not in rest:
            # Every figure of the line comes back.
            assert " ".join(again.stdout.split()) in told, command
    # Scoring, deciding and linking again, alone or in other company, changes no bit.
    assert {name: pl.read_parquet(out / name) for name in left}.keys() == left.keys()
    assert all(pl.read_parquet(out / name).equals(frame) for name, frame in left.items())
    assert left["scored.parquet"]["decision"].n_unique() == 3
    assert "The digest" in told
    assert "is that of a portfolio made anew of the changed records" in told
    with cc.Portfolio.open(out / "state", "read") as portfolio:
        assert portfolio.digest()[:16] in told
    config = cc.Config.load(out / "creditcore.toml")
    assert config.policy_file == out / "policy" / "policy.yaml"
    assert (out / "backtest.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_without_a_demo_is_told(tmp_path: Path) -> None:
    done = run("--again", "planted", "-o", tmp_path)
    assert (done.returncode, "run `creditcore demo -o" in done.stderr) == (1, True)
    done = run("--again", "rank", "-o", tmp_path)
    assert (done.returncode, "the lines are fraud, credit" in done.stderr) == (2, True)


def test_used_and_left_out_add_up(tmp_path: Path) -> None:
    done = run("--records", 2_000, "--world", "null", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    found = re.search(r"left out: 2,000 applications = ([\d,]+) persons .*? \+ ([\d,]+) left out", told)
    assert found is not None
    assert sum(int(number.replace(",", "")) for number in found.groups()) == 2_000
    assert "Planted against found" not in told


def test_the_demo_takes_a_users_means(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("code,mean\n330400,700\n")
    done = run("--records", 2_000, "--world", tmp_path / "mine.csv", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    truth = pl.read_parquet(tmp_path / "truth.parquet")
    assert set(truth.filter(pl.col("city") == "330400")["planted_mean"]) == {700.0}


def test_a_world_that_is_none_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("--records", 1_000, "--world", "atlantis", "-o", tmp_path / "out")
    assert done.returncode in (1, 2)
    assert "`atlantis` is no world" in done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "mine.csv").write_text("code,mean\n330400,seven\n")
    done = run("--records", 1_000, "--world", tmp_path / "mine.csv", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "holds `seven`" in done.stderr
    assert not (tmp_path / "out").exists()
