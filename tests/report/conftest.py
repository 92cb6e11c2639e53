"""Records of a made-up country, and the report that the command line makes of them.

In: the packaged region table, a seed. Out: a Parquet file in which every kind of city occurs (many
records, few, none), and the report's HTML as a user gets it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from creditcore.regions import attributes

OPTIONS = ["--score", "points", "--weight", "exposure", "--min-n", "15", "--as-of", "2026-06-30"]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "creditcore", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(7)
    cities = [told["code"] for told in attributes("china") if told["level"] == "city"]
    # Jiaxing has the most points; the last five cities have few records, and Yuxi has none.
    means = {code: 560 + 0.05 * place for place, code in enumerate(sorted(cities))} | {"330400": 640.0}
    numbers = {code: 10 if code in cities[-5:] else 30 for code in cities if code != "530400"}
    codes = [code for code, number in numbers.items() for _ in range(number)] + ["999999"] * 4
    points = [random.normal(means.get(code, 500.0), 12.0) for code in codes]
    path = tmp_path_factory.mktemp("records") / "records.parquet"
    frame = pl.DataFrame({"city": codes, "points": points, "exposure": random.integers(1, 9, len(codes))})
    frame.write_parquet(path)
    return path


@pytest.fixture(scope="session")
def page(records: Path) -> Path:
    path = records.with_name("report.html")
    done = run("report", records, *OPTIONS, "--status", "synthetic", "-o", path)
    assert done.returncode == 0, done.stderr
    return path
