"""Time and memory of a fleet against its size and the number of records.

    .venv/bin/python benches/fleet_scale.py --models 1,10,100,1000,3000 --records 1000,100000,10000000

Trains 200 models (`creditcore bench score` makes the same ones) and, beyond that, makes further ones of them
by moving every threshold a little, so that each has its own cuts. Records are a million that are drawn once
and go through again and again, batch by batch; the outputs of a batch are reduced to their mean, as a blend
would be. Each size runs in a process of its own, whose peak memory counts, and with each number of threads.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

import creditcore as cc
from creditcore.bench import fleets

TRAINED, TREES = 200, 100
DRAWN = 1_000_000
BATCH = 65_536
MOVED = 1e-3
"""By how much of itself a threshold is moved, at most."""


def moved(text: str, seed: int) -> str:
    """Move every numeric threshold of a LightGBM model."""
    random = np.random.default_rng(seed)
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if line.startswith("threshold="):
            cuts = np.array(line.removeprefix("threshold=").split(), dtype=np.float64)
            cuts *= 1 + random.uniform(-MOVED, MOVED, len(cuts))
            lines[at] = "threshold=" + " ".join(repr(float(cut)) for cut in cuts)
    return "\n".join(lines)


def files_of(folder: Path, models: int, threads: int) -> list[Path]:
    """Give the files of a fleet of some size, made where they are missing."""
    files = list(
        fleets.train(folder / f"lightgbm-{TREES}", fleets.KINDS["lightgbm"], TRAINED, TREES, threads)
    )
    further = folder / f"lightgbm-{TREES}-moved"
    further.mkdir(exist_ok=True)
    for number in range(TRAINED, models):
        file = further / f"moved_{number:04}.txt"
        if not file.exists():
            file.write_text(moved(files[number % TRAINED].read_text(), number))
        files.append(file)
    return files[:models]


def one(files: list[Path], records: int, threads: int, precision: str) -> None:
    """Run one size, and print what it took as JSON."""
    start = time.perf_counter()
    fleet = cc.Fleet.load({file.stem: file for file in files}, threads=threads)
    loaded = time.perf_counter() - start
    start = time.perf_counter()
    fleet.prepare()
    prepared = time.perf_counter() - start
    drawn = fleets.rows(min(records, DRAWN))
    frame = pl.DataFrame({f"f{place}": drawn[:, place].copy() for place in range(fleets.FEATURES)})
    del drawn
    out = np.empty((min(BATCH, records), len(files)), order="F")
    fleet.predict(frame.head(min(BATCH, records)), out=out, precision=precision, threads=threads)
    before = resource.getrusage(resource.RUSAGE_SELF)
    start, done, total = time.perf_counter(), 0, 0.0
    while done < records:
        rows = min(BATCH, records - done)
        batch = frame.slice(done % max(frame.height - rows, 1), rows)
        into = out if rows == len(out) else np.empty((rows, len(files)), order="F")
        fleet.predict(batch, out=into, precision=precision, threads=threads)
        total += float(into.mean())
        done += rows
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        json.dumps(
            {
                "loaded": loaded,
                "prepared": prepared,
                "wall": wall,
                "busy": busy,
                "peak_mib": after.ru_maxrss / 1024,
                "mean": total,
            }
        )
    )


def numbers(text: str) -> list[int]:
    """Read whole numbers with commas between."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--models", type=numbers, default=[1, 10, 100, 1000])
    parser.add_argument("--records", type=numbers, default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--threads", type=numbers, default=[2])
    parser.add_argument("--precision", choices=["exact", "fast"], default="exact")
    parser.add_argument("--folder", type=Path, required=True, help="where the models are kept")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        records, threads = numbers(asked.one)
        one([Path(file) for file in json.loads(sys.stdin.read())], records, threads, asked.precision)
        return
    print(
        f"{'models':>7}{'records':>13}{'threads':>8}{'load s':>8}{'ready s':>8}{'s':>9}"
        f"{'ns/row/tree':>12}{'CPU ns':>8}{'peak MiB':>9}"
    )
    for models in asked.models:
        files = files_of(asked.folder, models, max(asked.threads))
        for records in asked.records:
            for threads in asked.threads:
                command = [sys.executable, __file__, "--folder", str(asked.folder)]
                command += ["--precision", asked.precision, "--one", f"{records},{threads}"]
                listed = json.dumps([str(file) for file in files])
                run = subprocess.run(command, input=listed, capture_output=True, text=True, check=True)
                told = json.loads(run.stdout)
                each = 1e9 / records / models / TREES
                print(
                    f"{models:>7,}{records:>13,}{threads:>8}{told['loaded']:>8.2f}{told['prepared']:>8.2f}"
                    f"{told['wall']:>9.3f}{told['wall'] * each:>12.3f}{told['busy'] * each:>8.3f}"
                    f"{told['peak_mib']:>9,.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
