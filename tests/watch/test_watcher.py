"""Watching: each file exactly once, in the order of names, also when the watch is killed in between."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creditcore as cc
from creditcore.portfolio import upkeep
from creditcore.watch.incoming import Incoming
from creditcore.watch.watcher import Pace, Watcher
from tests.cli.test_rank_verb import RUN
from tests.line import case

ROWS = 40


@pytest.fixture
def state(tmp_path: Path) -> Path:
    config = cc.Config.load(case.write(tmp_path))
    with cc.Portfolio.create(tmp_path / "state", config) as portfolio:
        portfolio.ingest(case.records(300))
    (tmp_path / "incoming").mkdir()
    return tmp_path / "state"


def delta(number: int) -> pl.DataFrame:
    return case.records(ROWS, 100 + number, first=20 * number, version=number + 2)


def put(state: Path, name: str, frame: pl.DataFrame) -> Path:
    """Write a file as the protocol asks: under a hidden name first."""
    folder = state.parent / "incoming"
    hidden = folder / f".{name}.part"
    frame.write_csv(hidden) if name.endswith(".csv") else frame.write_parquet(hidden)
    return hidden.rename(folder / name)


def watched(state: Path, **told: Any) -> list[dict[str, Any]]:
    with cc.Portfolio.open(state, "write") as portfolio:
        watcher = Watcher(portfolio, Incoming(state.parent / "incoming"), **told)
        return list(watcher.run(once=True))


def expected(state: Path, deltas: int) -> str:
    """The digest of the same deltas, taken one by one by another portfolio."""
    config = cc.Config.load(state.parent / "creditcore.toml")
    with cc.Portfolio.create(state.parent / f"other{deltas}", config) as other:
        other.ingest(case.records(300))
        for number in range(deltas):
            other.refresh(delta(number))
        return other.digest()


def names(state: Path, folder: str) -> list[str]:
    return sorted(path.name for path in (state.parent / "incoming" / folder).iterdir() if path.is_file())


def test_files_become_refreshes_and_faults_stand_aside(state: Path) -> None:
    put(state, "a.parquet", delta(0))
    put(state, "b.csv", delta(1).with_columns(pl.col("t").dt.to_string("%Y-%m-%dT%H:%M:%S")))
    put(state, "c.parquet", delta(2).drop("age"))
    put(state, "d.parquet", delta(0))
    put(state, "e.parquet", delta(2))
    (state.parent / "incoming" / "f.parquet").write_bytes(b"PAR1 is not enough")
    (state.parent / "incoming" / "notes.txt").write_text("left alone")
    (state.parent / "incoming" / ".g.parquet.part").write_bytes(b"not whole yet")
    events = watched(state, pace=Pace(0, 1))
    told = [(one["event"], one.get("file") or one.get("files")) for one in events]
    assert sorted(map(str, told)) == sorted(
        map(
            str,
            [
                ("refresh", ["a.parquet"]),
                ("refresh", ["b.csv"]),
                ("failed", "c.parquet"),
                ("duplicate", "d.parquet"),
                ("refresh", ["e.parquet"]),
                ("failed", "f.parquet"),
            ],
        )
    )
    assert names(state, "") == [".g.parquet.part", "notes.txt"]
    assert names(state, "done") == ["a.parquet", "b.csv", "d.parquet", "e.parquet"]
    assert names(state, "failed") == [
        "c.parquet",
        "c.parquet.error.json",
        "f.parquet",
        "f.parquet.error.json",
    ]
    fault = json.loads((state.parent / "incoming/failed/c.parquet.error.json").read_text())
    assert "`age`" in fault["error"]
    with cc.Portfolio.open(state, "read") as portfolio:
        assert portfolio.digest() == expected(state, 3)


def test_one_refresh_takes_what_waits_and_a_bad_file_holds_up_no_good_one(state: Path) -> None:
    for number in range(3):
        put(state, f"{number}.parquet", delta(number))
    [event] = watched(state)
    assert event["files"] == ["0.parquet", "1.parquet", "2.parquet"]
    assert (
        event["counts"]["inserted"] + event["counts"]["updated"] + event["counts"]["superseded"] == 3 * ROWS
    )
    assert event["as_of"].startswith("2026-03-1")
    put(state, "3.parquet", delta(3))
    put(state, "4.parquet", delta(4).drop("income"))
    events = watched(state)
    assert [one["event"] for one in events] == ["refresh", "failed"]
    with cc.Portfolio.open(state, "read") as portfolio:
        assert portfolio.digest() == expected(state, 4)


def test_a_file_that_was_committed_and_not_moved_is_not_taken_again(state: Path) -> None:
    path = put(state, "a.parquet", delta(0))
    with cc.Portfolio.open(state, "write") as portfolio:
        file = Incoming(path.parent).received(path)
        assert file is not None
        portfolio.refresh(path, files=[(file.name, file.content)])
        version = portfolio.version
    # Killed here: the file is still where it was.
    [event] = watched(state)
    assert (event["event"], event["version"]) == ("duplicate", version)
    assert names(state, "done") == ["a.parquet"]
    # Another file may have its name by now; both are kept.
    put(state, "a.parquet", delta(1))
    watched(state)
    assert len(names(state, "done")) == 2


def test_killed_at_any_instant_each_file_counts_once(state: Path) -> None:
    draw = random.Random(5)
    command = [*RUN, "watch", str(state), "--incoming", str(state.parent / "incoming"), "--rows", "1"]
    count = 12
    for number in range(count):
        put(state, f"{number:02}.parquet", delta(number))
    kills = 0
    while names(state, "") and kills < 40:
        started = subprocess.Popen(
            [*command, "--once", "--every", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert started.stdout is not None
        line = started.stdout.readline()  # the first event, or the end
        # The first ones are killed soon, while there surely are files left.
        time.sleep(draw.random() * (0.02 if kills < 3 else 0.25))
        if started.poll() is None:
            os.kill(started.pid, signal.SIGKILL)
            kills += 1
        told = started.communicate()[1]
        assert line or not told, told
    assert names(state, "") == []
    assert kills >= 3
    assert len(names(state, "done")) == count
    with cc.Portfolio.open(state, "read") as portfolio:
        assert portfolio.digest() == expected(state, count)


GATES = {"row_count": {"level": "refuse", "at_least": 30}, "freshness": {"level": "refuse", "days": 400}}


def test_a_delta_that_a_gate_refuses_fails_with_its_findings(state: Path) -> None:
    config = cc.Config.load(state.parent / "creditcore.toml")
    with cc.Portfolio.open(state, "write") as portfolio:
        portfolio.reconfigure(cc.Config.of(config.to_dict() | {"gates": GATES}, config.folder))
        before = portfolio.digest()
    put(state, "few.parquet", delta(0).head(3))
    [event] = watched(state)
    assert event["event"] == "failed"
    fault = json.loads((state.parent / "incoming/failed/few.parquet.error.json").read_text())
    assert [one["gate"] for one in fault["findings"]] == ["row_count"]
    with cc.Portfolio.open(state, "read") as portfolio:
        assert portfolio.digest() == before


def test_as_of_is_what_was_asked_for(state: Path) -> None:
    put(state, "a.parquet", delta(0))
    [event] = watched(state)
    newest = max(delta(0)["t"].to_list())
    assert dt.datetime.fromisoformat(event["as_of"]) == newest.replace(tzinfo=dt.UTC)
    put(state, "b.parquet", delta(1).with_columns(t=pl.lit(dt.datetime(2025, 1, 1))))
    [late] = watched(state)
    assert late["as_of"] == event["as_of"]  # late rows do not turn time back
    put(state, "c.parquet", delta(2))
    [told] = watched(state, as_of=dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    assert told["as_of"].startswith("2026-04-01")
    put(state, "d.parquet", delta(3))
    began = dt.datetime.now(dt.UTC)
    [clock] = watched(state, as_of="clock")
    assert began <= dt.datetime.fromisoformat(clock["as_of"]) <= dt.datetime.now(dt.UTC)


def test_a_refresh_waits_for_its_time_or_its_rows(state: Path) -> None:
    stop, events = threading.Event(), []
    with cc.Portfolio.open(state, "write") as portfolio:
        watcher = Watcher(portfolio, Incoming(state.parent / "incoming"), pace=Pace(1.5, 2 * ROWS))

        def follow() -> None:
            for event in watcher.run(stop):
                events.append((time.monotonic(), event))

        thread = threading.Thread(target=follow)
        thread.start()
        put(state, "a.parquet", delta(0))
        while not events:
            time.sleep(0.02)
        put(state, "b.parquet", delta(1))
        while len(events) < 2:
            time.sleep(0.02)
        put(state, "c.parquet", delta(2))
        put(state, "d.parquet", delta(3))
        while len(events) < 3:
            time.sleep(0.02)
        stop.set()
        thread.join()
    (first, _), (second, _), (third, last) = events
    assert second - first > 0.9
    assert third - second < second - first
    assert last["files"] == ["c.parquet", "d.parquet"]


def test_a_folder_that_is_not_there_is_told(state: Path) -> None:
    with pytest.raises(cc.SourceError, match="there is no such folder"):
        Incoming(state.parent / "nowhere")
    with pytest.raises(cc.ArgumentError, match="0 and 1 are the least"):
        Pace(-1)
    assert sys.platform  # the tests of signals need POSIX


def test_files_are_looked_after_while_nothing_waits(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint where much came, a compaction where the configuration says so; never before a file."""
    monkeypatch.setattr(upkeep, "LEAST", 30)
    put(state, "a.parquet", delta(1))
    stop, told = threading.Event(), []
    with cc.Portfolio.open(state, "write") as portfolio:
        before = portfolio.config.fingerprint
        watcher = Watcher(portfolio, Incoming(state.parent / "incoming"), pace=Pace(every=0, rests=0.3))
        for event in watcher.run(stop):
            told.append(event)
            if len(told) == 2:
                put(state, "b.parquet", delta(1).with_columns(pl.col("v") + 1, age=pl.col("age") + 1))
                config = portfolio.config.to_dict() | {"upkeep": {"compact_at": 0.1}}
                portfolio.reconfigure(cc.Config.of(config, portfolio.config.folder))
            if len(told) == 4:
                stop.set()
        assert portfolio.config.fingerprint == before
        records, rows, _ = portfolio._state().sizes()
        assert rows == records
        assert portfolio.rest() is None
        digest = portfolio.digest()
    kinds = [(event["event"], event.get("kind")) for event in told]
    assert kinds == [("refresh", None), ("rest", "checkpoint"), ("refresh", None), ("rest", "compact")]
    with cc.Portfolio.open(state, "read") as reader:
        assert reader.digest() == digest
        assert reader.replay(1000).right
        assert reader.history()["kind"].to_list()[-1] == "compact"
