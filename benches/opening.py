"""How soon a fleet answers in a new process, and how much memory it takes there.

    .venv/bin/creditcore models compile fleets/lightgbm-100 -o fleet.ccf
    .venv/bin/python benches/opening.py fleet.ccf fleets/lightgbm-100

In: compiled fleets or folders of model files. Out: for each the milliseconds from opening it to the first
exact answer, p50 and the fastest of some new processes, and until every engine is ready; and by how much the
private memory of such a process has grown once both engines have answered, with an allocator that keeps
nothing. Columns are `f0` to `f63`, as `creditcore bench score` makes them; imports are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

from creditcore.bench import fleets
from creditcore.fleet.fleet import Fleet

ROWS = 64


def private() -> float:
    """MiB of the process that no other shares."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def one(path: Path) -> dict[str, float]:
    """Open a fleet in this process, and ask it."""
    drawn = fleets.rows(ROWS)
    frame = pl.DataFrame({f"f{place}": drawn[:, place].copy() for place in range(fleets.FEATURES)})
    record = frame.row(0, named=True)
    before, start = private(), time.perf_counter()
    files = {file.stem: file for file in sorted(path.glob("*.*"))} if path.is_dir() else path
    fleet = Fleet.load(files)
    fleet.predict_one(record)
    answered = time.perf_counter()
    fleet.prepare()
    ready = time.perf_counter()
    for precision in ("exact", "fast"):
        fleet.predict(frame, precision=precision)
    return {"answer": answered - start, "ready": ready - start, "grown": private() - before}


def apart(path: Path, purge: str) -> dict[str, float]:
    """The same in a process of its own."""
    environment = {**os.environ, "MIMALLOC_PURGE_DELAY": purge}
    command = [sys.executable, __file__, "--one", str(path)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(run.stdout)
    return told


def main() -> None:
    """Print a line for each fleet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(asked.paths[0])))
        return
    print(f"{'fleet':<24}{'answer ms':>10}{'fastest':>9}{'ready ms':>10}{'grown MiB':>11}")
    for path in asked.paths:
        told = [apart(path, "10000") for _ in range(asked.processes)]
        answer = [run["answer"] * 1e3 for run in told]
        ready = statistics.median(run["ready"] for run in told) * 1e3
        grown = statistics.median(apart(path, "0")["grown"] for _ in range(3))
        print(
            f"{path.name:<24}{statistics.median(answer):>10.1f}{min(answer):>9.1f}{ready:>10.0f}{grown:>11.1f}"
        )


if __name__ == "__main__":
    main()
