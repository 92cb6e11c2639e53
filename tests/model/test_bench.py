"""`creditcore bench score`: rows of a fleet that is there, through every form of it, in batches as in one."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from creditcore.bench import cases, score


def test_the_fleet_of_the_demo_is_timed_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "BATCH", 100)
    case = cases.of_the_demo(tmp_path, 250)
    fleet = case.load()
    made = list(score.batches(fleet, case.frame))
    assert [len(batch.frame) for batch in made] == [100, 100, 50]
    assert pl.concat([batch.frame for batch in made]).equals(case.frame)
    assert {len(inputs) for inputs in made[-1].inputs} == {50}
    head, exact, fast = score.throughput(case, [], threads=1, runs=2)
    assert head.split()[0] == "engine"
    assert [line.split()[:2] for line in (exact, fast)] == [["creditcore", "exact"], ["creditcore", "fast"]]
    assert fast.endswith("0 beyond 0.0001")
