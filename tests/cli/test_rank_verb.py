"""`creditcore rank` as a user runs it: data on stdout, notes on stderr, exit statuses."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

RUN = [sys.executable, "-m", "creditcore"]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "records.parquet"
    frame = pl.DataFrame(
        {"city": [310100, 330400, 110100, 999999], "s": [1.0, 3.0, 2.0, 9.0], "w": [1, 2, 3, 4]}
    )
    frame.write_parquet(path)
    return path


def test_json_is_one_object_with_rankings_and_excluded(records: Path) -> None:
    done = run("rank", records, "--by", "city,province", "--score", "s", "--weight", "w", "--json")
    assert done.returncode == 0
    data = json.loads(done.stdout)
    assert [row["code"] for row in data["rankings"]["city"]] == ["330400", "110100", "310100"]
    assert data["rankings"]["province"][0]["name"] == "Zhejiang"
    assert data["excluded"] == {"unresolved_region": 1}


def test_the_table_is_on_stdout_and_what_was_left_out_on_stderr(records: Path) -> None:
    done = run("rank", records, "--score", "s", "--top", "2")
    assert "Jiaxing" in done.stdout
    assert "Shanghai" not in done.stdout
    assert "unresolved_region 1" in done.stderr
    assert "`999999`" in done.stderr


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_files_by_extension(records: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out.{ending}"
    assert run("rank", records, "--score", "s", "-o", path, "--bom").returncode == 0
    if ending == "csv":
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        assert [row["code"] for row in rows] == ["330400", "110100", "310100"]
        assert rows[0]["se"] == ""
    elif ending == "json":
        assert len(json.loads(path.read_text())["rankings"]["city"]) == 3
    else:
        assert pl.read_parquet(path)["name"].to_list() == ["Jiaxing", "Beijing", "Shanghai"]
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_exit_statuses(records: Path, tmp_path: Path) -> None:
    assert run("rank", records, "--score", "s", "--strict").returncode == 1
    assert run("rank", records, "--score", "nothing").returncode == 1
    assert run("rank", tmp_path / "none.parquet").returncode == 1
    assert run("rank", records, "--score", "s", "--bands", "s=x").returncode == 2
    assert run("rank", "--no-such-option").returncode == 2
    assert run("rank", records, "--score", "s", "-o", tmp_path / "out.xls").returncode == 2
    assert (
        run("rank", records, "--by", "s", "--score", "s", "--bands", "s=2", "--regions", "none").returncode
        == 0
    )


def test_a_forced_instruction_set_changes_no_digit(records: Path) -> None:
    arguments = ["rank", records, "--score", "s", "--weight", "w", "--json"]
    outputs = set()
    for isa in ("scalar", "avx2", "avx512", "neon", "sse9"):
        done = subprocess.run(
            [*RUN, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "CREDITCORE_ISA": isa},
        )
        if done.returncode == 0:
            outputs.add(done.stdout)
        else:
            assert done.returncode == 2
            assert f"`{isa}`" in done.stderr
    assert len(outputs) == 1


def test_an_interrupt_ends_it_soon(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("city,s\n")
        for _ in range(200):
            file.write("310100,1.5\n" * 100_000)
    process = subprocess.Popen([*RUN, "rank", str(path), "--score", "s"], stderr=subprocess.PIPE)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
