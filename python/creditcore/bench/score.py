"""Evaluating a fleet, against every other engine that is installed, in one process.

Comes in: model files and rows. Goes out: lines with, for each engine, nanoseconds a row and tree (wall and
processor time), what building a model costs and how far its answers lie from ours; and, for small batches,
the time of one call. Answers are compared before anything is timed; the engines run in turn; medians count.

The whole job is timed for creditcore: reading the columns of a frame, all models, outputs into an array.
Rivals get a matrix of each model's own features that is ready before. Rows beyond 65,536 go batch by
batch, as in a stream, because those matrices would fill the memory.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from creditcore.bench.cases import Case
from creditcore.bench.scorers import RIVALS, Rival, Rows, Scorer
from creditcore.errors import ArgumentError
from creditcore.fleet.fleet import Fleet

FEW_MODELS = 20
"""Models that a slow rival is timed on, and that small batches go through."""
SMALL_BATCHES = (1, 8, 64, 512)
SECONDS_OF_A_BATCH = 2.0
FEWEST_CALLS, MOST_CALLS = 20, 2_000
BATCH = 65_536
FAR = 1e-4
"""A raw output that lies farther away than this took another leaf somewhere."""


@dataclass(frozen=True)
class Batch:
    """Rows, as creditcore gets them and as the others do."""

    frame: pl.DataFrame
    inputs: list[Rows]


@dataclass
class Engine:
    """An engine with its models, and what was measured of it."""

    name: str
    run: Callable[[Batch], object]
    trees: int
    built_in: float
    """Seconds to read or compile one model."""
    agreement: str = ""
    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def measure(self, batch: Batch) -> None:
        """Run once over a batch, which counts to the run that was begun last."""
        _rest()
        busy, wall = time.process_time(), time.perf_counter()
        self.run(batch)
        self.wall[-1] += time.perf_counter() - wall
        self.busy[-1] += time.process_time() - busy

    def begin(self) -> None:
        """Begin a run."""
        self.wall.append(0.0)
        self.busy.append(0.0)


def matrices(fleet: Fleet, frame: pl.DataFrame) -> list[Rows]:
    """Give for each model the rows of its own features, in its file's order, as C-contiguous matrices."""
    found: list[Rows] = []
    for model in fleet.models:
        names = [feature["name"] for feature in model["features"]]
        found.append(np.ascontiguousarray(frame.select(names).to_numpy()))
    return found


def batches(fleet: Fleet, frame: pl.DataFrame) -> Iterator[Batch]:
    """Give the rows in batches."""
    for rows in frame.iter_slices(BATCH):
        yield Batch(rows, matrices(fleet, rows))


def throughput(case: Case, rivals: Sequence[Rival], threads: int, runs: int) -> Iterator[str]:
    """Compare the answers, then time every engine on all rows; gives lines to print."""
    fleet, built_in = _timed(case.load)
    fleet.prepare()
    trees = [int(model["trees"]) for model in fleet.models]
    first = next(batches(fleet, case.frame))
    engines = [
        Engine(f"creditcore {name}", _ours(fleet, name, threads), sum(trees), built_in / len(fleet))
        for name in ("exact", "fast")
    ]
    fast = fleet.predict(first.frame, precision="fast").to_numpy()
    exact = fleet.predict(first.frame, threads=threads).to_numpy()
    engines[1].agreement = _far(fast, exact, probability=False)
    for rival in rivals:
        models = min(FEW_MODELS, len(fleet)) if rival.slow else len(fleet)
        scorers, seconds = _timed(lambda: [rival.build(file, threads) for file in case.files[:models]])  # noqa: B023
        engine = Engine(rival.name, _theirs(scorers), sum(trees[:models]), seconds / models)
        answers = np.column_stack([score(rows) for score, rows in zip(scorers, first.inputs, strict=False)])
        engine.agreement = _far(answers, exact[:, :models], rival.probability)
        engines.append(engine)
    for _ in range(runs):
        for engine in engines:
            engine.begin()
        for batch in batches(fleet, case.frame):
            for engine in engines:
                engine.measure(batch)
    rows = case.frame.height
    yield f"{'engine':<18}{'wall ns':>9}{'CPU ns':>9}{'x exact':>9}{'x fast':>8}{'load ms':>10}  agreement"
    nanoseconds = [statistics.median(engine.wall) / rows / engine.trees * 1e9 for engine in engines]
    for engine, wall in zip(engines, nanoseconds, strict=True):
        busy = statistics.median(engine.busy) / rows / engine.trees * 1e9
        ratios = f"{wall / nanoseconds[0]:>9.1f}{wall / nanoseconds[1]:>8.1f}"
        loaded = f"{engine.built_in * 1e3:>10.1f}"
        yield f"{engine.name:<18}{wall:>9.3f}{busy:>9.3f}{ratios}{loaded}  {engine.agreement}"


def latency(case: Case, rivals: Sequence[Rival], threads: int = 1) -> Iterator[str]:
    """Time single calls with few records through a few models; gives lines to print.

    On one thread by default: waking others takes longer than such a call.
    """
    files = case.files[:FEW_MODELS]
    fleet = case.load(files)
    fleet.prepare()
    built = [(rival.name, [rival.build(file, threads) for file in files]) for rival in rivals]
    yield f"microseconds for a batch through {len(files)} models: p50 / p99"
    yield f"{'engine':<18}" + "".join(f"{rows:>20,}" for rows in SMALL_BATCHES)
    lines = {name: f"{name:<18}" for name in ["creditcore", *(name for name, _ in built)]}
    for rows in SMALL_BATCHES:
        batch = next(batches(fleet, case.frame.head(rows)))
        calls = {"creditcore": _ours(fleet, "exact", threads)}
        calls |= {name: _theirs(scorers) for name, scorers in built}
        for name, call in calls.items():
            middle, worst = _percentiles(call, batch)
            lines[name] += f"{middle * 1e6:>11,.0f} /{worst * 1e6:>7,.0f}"
    lines["creditcore"] += f"   one record as a dict: {_single(fleet, case.frame) * 1e6:,.0f}"
    yield from lines.values()


def able(fleet: Fleet) -> list[Rival]:
    """Give the installed rivals that can evaluate all models of a fleet."""
    libraries = {str(model["library"]) for model in fleet.models}
    categorical = any(feature["categorical"] for feature in fleet.features)
    return [
        rival
        for rival in RIVALS
        if rival.installed and libraries <= set(rival.libraries) and (rival.categorical or not categorical)
    ]


def named(rivals: Sequence[Rival], names: str | None) -> list[Rival]:
    """Give the rivals of some names (with commas between; `none` for none of them), or all of them.

    Raises:
        ArgumentError: a name that no rival has.
    """
    if names is None:
        return list(rivals)
    wanted = [] if names == "none" else names.split(",")
    known = {rival.name.lower(): rival for rival in rivals}
    if unknown := [name for name in wanted if name.lower() not in known]:
        allowed = ", ".join(f"`{rival.name}`" for rival in rivals)
        raise ArgumentError(f"`{unknown[0]}` is no engine that is installed and fits; allowed are {allowed}")
    return [known[name.lower()] for name in wanted]


def _ours(fleet: Fleet, precision: str, threads: int) -> Callable[[Batch], object]:
    # By rows: the last batch is a shorter one.
    spare: dict[int, NDArray[np.float64]] = {}

    def run(batch: Batch) -> None:
        rows = batch.frame.height
        if rows not in spare:
            spare[rows] = np.empty((rows, len(fleet)), order="F")
        fleet.predict(batch.frame, precision=precision, threads=threads, out=spare[rows])

    return run


def _theirs(scorers: Sequence[Scorer]) -> Callable[[Batch], object]:
    return lambda batch: [score(rows) for score, rows in zip(scorers, batch.inputs, strict=False)]


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return call(), time.perf_counter() - start


def _far(answers: NDArray[Any], ours: NDArray[np.float64], probability: bool) -> str:
    """Say how far answers lie from our raw outputs, or from their logistic."""
    expected = 1 / (1 + np.exp(-ours)) if probability else ours
    difference = np.abs(answers - expected)
    equal = float(np.mean(answers == expected))
    # A probability moves by a quarter of what the raw output moves, at most.
    other = int(np.count_nonzero(difference > (FAR / 4 if probability else FAR)))
    return f"{difference.max():.1e}; {equal:.0%} equal bits; {other} beyond {FAR}"


def _percentiles(call: Callable[[Batch], object], batch: Batch) -> tuple[float, float]:
    """Give the median and the 99th percentile of the seconds of a call."""
    _rest()
    call(batch)
    seconds: list[float] = []
    end = time.perf_counter() + SECONDS_OF_A_BATCH
    while len(seconds) < FEWEST_CALLS or (len(seconds) < MOST_CALLS and time.perf_counter() < end):
        seconds.append(_timed(lambda: call(batch))[1])
    seconds.sort()
    return statistics.median(seconds), seconds[math.ceil(0.99 * len(seconds)) - 1]


def _rest() -> None:
    """Wait until the threads of the engine before have stopped looking for work."""
    time.sleep(0.3)


def _single(fleet: Fleet, frame: pl.DataFrame) -> float:
    record = frame.row(0, named=True)
    fleet.predict_one(record)
    return statistics.median(_timed(lambda: fleet.predict_one(record))[1] for _ in range(MOST_CALLS))
