"""`make bench`: the weighted mean by city in memory, beside the engines that are installed.

Each engine is a case of its own here; `benches/in_memory.py` runs them in turn and gives ratios.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from . import in_memory

RECORDS = int(os.environ.get("CREDITCORE_BENCH_RECORDS", "5000000"))


@pytest.mark.parametrize("kind", ["narrow", "f32", "f64", "clustered"])
@pytest.mark.parametrize("engine", ["creditcore", "polars", "duckdb", "datafusion", "chdb"])
def test_weighted_mean_by_city(benchmark: Any, engine: str, kind: str) -> None:
    engines = in_memory.engines(in_memory.columns(kind, RECORDS), len(os.sched_getaffinity(0)))
    if engine not in engines:
        pytest.skip(f"{engine} is not installed; `make bench` installs it")
    benchmark.group = kind
    run, means = engines[engine]
    ours, our_means = engines["creditcore"]
    assert means(benchmark(run)) == pytest.approx(our_means(ours()), rel=1e-9)
