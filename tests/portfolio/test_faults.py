"""Law 8: what was acknowledged is there, whenever the process was killed and whatever the disk refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rounds import rounds

HERE = Path(__file__).parent
needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="faults are loaded on Linux, made by `cc`"
)


def runs_under_faults(folder: Path, runs: int, seed: int, mode: str, *more: str) -> list[dict[str, Any]]:
    library = folder / "faults.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "faults.c"), "-ldl"]
    subprocess.run(command, check=True)
    told = [sys.executable, "-m", "tests.portfolio.faults", str(folder), str(runs), str(seed), mode, *more]
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": path, "POLARS_MAX_THREADS": "1"}
    done = subprocess.run(told, env=environment, capture_output=True, text=True, check=False, timeout=3000)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(runs: list[dict[str, Any]]) -> None:
    for run in runs:
        assert run["right"], run
        assert run["known"], run
        assert run["acknowledged"] <= run["after"][0] <= run["acknowledged"] + 1, run


@needs_compiler
@pytest.mark.parametrize("mode", ["kill", "torn"])
def test_a_process_that_is_killed_loses_nothing(tmp_path: Path, mode: str) -> None:
    runs = runs_under_faults(tmp_path, rounds(12, 2), 11, mode)
    check(runs)
    assert sum(run["code"] == -9 for run in runs) > len(runs) / 2


@needs_compiler
@pytest.mark.faults
def test_decisions_that_were_acknowledged_are_in_the_log(tmp_path: Path) -> None:
    """The log is whole, and says what that of a folder says in which nothing happened."""
    runs = runs_under_faults(tmp_path, 12, 14, "kill", "decided")
    check(runs)
    assert sum(run["code"] == -9 for run in runs) > len(runs) / 2


@needs_compiler
def test_a_network_is_that_of_the_version_that_is_there(tmp_path: Path) -> None:
    runs = runs_under_faults(tmp_path, 2, 13, "kill", "linked")
    check(runs)
    assert any(run["code"] == -9 for run in runs)


@needs_compiler
def test_every_point_of_a_change_may_be_the_last(tmp_path: Path) -> None:
    runs = runs_under_faults(tmp_path, rounds(30, 2), 12, "kill", "points")
    check(runs)
    assert {run["code"] for run in runs} == {-9}


@needs_compiler
def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    runs = runs_under_faults(tmp_path, rounds(12, 2), 13, "full")
    check(runs)
    told = [one for run in runs for one in run["told"]]
    assert len(told) > len(runs) / 2
    for one in told:
        text = one.get("full") or one["error"]
        assert "make room on" in text or "cannot be written" in text, text


@needs_compiler
@pytest.mark.faults
@pytest.mark.parametrize(("mode", "seed"), [("kill", 1), ("torn", 2), ("full", 3)])
def test_hundreds_of_faults(tmp_path: Path, mode: str, seed: int) -> None:
    check(runs_under_faults(tmp_path, 500, seed, mode))
