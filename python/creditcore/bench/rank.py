"""`creditcore rank` against other engines on the same Parquet files.

Comes in: a number of records, a codec, a number of runs. Goes out: for each engine the seconds and the peak
memory of its whole process (start-up, reading, summing, printing), run in turn; the answers are compared
before anything is timed. Rivals compute the weighted mean alone; creditcore all sums of the standard error.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

CITIES = 340
PART_ROWS = 10_000_000
TOLERANCE = 1e-9
"""Relative: the rivals sum doubles in no fixed order."""

POLARS = """
import json, sys, polars as pl
x, w = pl.col("score").cast(pl.Float64), pl.col("weight").cast(pl.Float64)
frame = pl.scan_parquet(sys.argv[1] + "/*.parquet").group_by("city").agg((x * w).sum() / w.sum())
print(json.dumps({str(city): mean for city, mean in frame.collect(engine="streaming").rows()}))
"""
DUCKDB = """
import json, sys, duckdb
query = '''SELECT city, sum(CAST(score AS DOUBLE) * weight) / sum(CAST(weight AS DOUBLE))
FROM read_parquet(?) GROUP BY city'''
connection = duckdb.connect()
connection.execute(f"SET threads = {sys.argv[2]}")
connection.execute("SET enable_progress_bar = false")
print(json.dumps({str(c): m for c, m in connection.execute(query, [sys.argv[1] + "/*.parquet"]).fetchall()}))
"""
DATAFUSION = """
import json, sys, datafusion
context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(int(sys.argv[2])))
context.register_parquet("t", sys.argv[1])
query = '''SELECT city, sum(CAST(score AS DOUBLE) * weight) / sum(CAST(weight AS DOUBLE))
FROM t GROUP BY city'''
rows = context.sql(query).to_pydict().values()
print(json.dumps({str(c): m for c, m in zip(*rows)}))
"""
CHDB = """
import json, sys, chdb
query = f'''SELECT city, sum(toFloat64(score) * weight) / sum(toFloat64(weight))
FROM file('{sys.argv[1]}/*.parquet') GROUP BY city SETTINGS max_threads = {sys.argv[2]}'''
lines = str(chdb.query(query, "CSV")).split()
print(json.dumps({c: float(m) for c, m in (line.split(",") for line in lines)}))
"""
RIVALS = {"polars": POLARS, "duckdb": DUCKDB, "datafusion": DATAFUSION, "chdb": CHDB}


@dataclass
class Engine:
    """One engine's runs."""

    name: str
    command: list[str]
    seconds: list[float]
    peak_mib: float = 0.0

    def run(self) -> str:
        """Run once and give what was printed; notes the seconds and the peak memory."""
        start = time.perf_counter()
        process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process.stdout as stream:
            output = stream.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds.append(time.perf_counter() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{self.name} ended with status {process.returncode}")
        self.peak_mib = max(self.peak_mib, usage.ru_maxrss / 1024)
        return output


def write_files(folder: Path, records: int, codec: str, seed: int = 1) -> None:
    """Write records: city (u16, Zipf over 340), score (f32 tenths), weight (f32 eighths), in parts."""
    import numpy as np
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, CITIES + 1)
    edges = np.cumsum(shares / shares.sum())
    of_draw = np.searchsorted(edges, (np.arange(65_536) + 0.5) / 65_536).astype(np.uint16)
    for part, start in enumerate(range(0, records, PART_ROWS)):
        rows = min(PART_ROWS, records - start)
        frame = pl.DataFrame(
            {
                "city": of_draw[random.integers(0, 65_536, rows, dtype=np.uint16)],
                "score": random.integers(3_000, 8_500, rows, dtype=np.uint16).astype(np.float32)
                / np.float32(10),
                "weight": random.integers(1, 200, rows, dtype=np.uint8).astype(np.float32) / np.float32(8),
            }
        )
        frame.write_parquet(folder / f"part-{part:03}.parquet", compression=codec)  # type: ignore[arg-type]


def write_files_apart(folder: Path, records: int, codec: str) -> None:
    """Write the records in a process of its own: a child's peak memory counts that of its parent before."""
    call = "import sys; from pathlib import Path; from creditcore.bench.rank import write_files; "
    call += "write_files(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])"
    subprocess.run([sys.executable, "-c", call, str(folder), str(records), codec], check=True)


def describe(folder: Path) -> str:
    """Say how large the files are."""
    return f"{sum(file.stat().st_size for file in folder.glob('*.parquet')) / 1e6:,.0f} MB"


def engines(folder: Path, threads: int) -> list[Engine]:
    """Give creditcore and every rival that is installed."""
    own = [sys.executable, "-m", "creditcore", "rank", str(folder), "--by", "city", "--score", "score"]
    own += ["--weight", "weight", "--regions", "none", "--threads", str(threads), "--json"]
    found = [Engine("creditcore", own, [])]
    for name, script in RIVALS.items():
        if find_spec(name) is not None:
            found.append(Engine(name, [sys.executable, "-c", script, str(folder), str(threads)], []))
    return found


def compare(folder: Path, threads: int, runs: int) -> Iterator[str]:
    """Compare the answers, then time the engines in turn; gives lines to print."""
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    ours, *rivals = engines(folder, threads)
    rows = json.loads(ours.run())["rankings"]["city"]
    means = {row["code"]: row["mean"] for row in rows}
    for rival in rivals:
        theirs = json.loads(rival.run())
        if theirs.keys() != means.keys():
            raise RuntimeError(f"{rival.name} finds other cities")
        worst = max(abs(theirs[city] / means[city] - 1) for city in means)
        if worst > TOLERANCE:
            raise RuntimeError(f"{rival.name} differs by {worst:.1e}")
    for engine in (ours, *rivals):
        engine.seconds.clear()
    for _ in range(runs):
        for engine in (ours, *rivals):
            engine.run()
    median = statistics.median(ours.seconds)
    yield f"{'engine':<12}{'median s':>10}{'min s':>9}{'peak MiB':>10}{'x ours':>8}"
    for engine in (ours, *rivals):
        middle = statistics.median(engine.seconds)
        ratio = middle / median
        times = f"{middle:>10.3f}{min(engine.seconds):>9.3f}"
        yield f"{engine.name:<12}{times}{engine.peak_mib:>10.0f}{ratio:>8.2f}"
