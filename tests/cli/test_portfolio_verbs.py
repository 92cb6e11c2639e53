"""A portfolio on the command line: from records, models and rules to a renewed ranking."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from creditcore import line
from tests.cli.test_rank_verb import RUN, run
from tests.line import case

GATES = """
[gates]
row_count = {level = "refuse", at_most = 1000}
duplicate_keys = {level = "quarantine"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = case.write(tmp_path)
    file.write_text(file.read_text().replace("[[rankings]]", f"{GATES}\n[[rankings]]", 1))
    case.records(400).write_parquet(tmp_path / "records.parquet")
    case.records(60, 5, first=380, version=2).write_parquet(tmp_path / "delta.parquet")
    state = tmp_path / "state"
    assert run("init", state, "--config", file).returncode == 0
    done = run("ingest", state, tmp_path / "records.parquet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("version 1: inserted 400; ")
    return tmp_path


def content(folder: Path) -> dict[str, str]:
    """What stands in a state; the lock tells the last writer's process, and is no part of it."""
    files = [path for path in folder.iterdir() if path.name != "lock"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_delta_renews_the_rankings(folder: Path) -> None:
    state, config = folder / "state", cc.Config.load(folder / "creditcore.toml")
    done = run("refresh", state, folder / "delta.parquet", "--as-of", "2026-03-20", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["version"], told["records"], told["changed"]) == (2, 440, 60)
    assert {"gates", "score", "commit", "rank"} <= set(told["latency"])
    rows = pl.concat([case.records(400).head(380), pl.read_parquet(folder / "delta.parquet")])
    whole = line.run(config, rows)
    shown = json.loads(run("show", state, "--json").stdout)
    for name in config.by:
        assert shown["rankings"][name] == whole.rankings[name].rows()
    assert {name: shown["excluded"][name] for name in whole.population.excluded} == whole.population.excluded
    assert run("show", state, "--by", "product", "--top", "1", "-o", folder / "r.csv").returncode == 0
    assert len(pl.read_csv(folder / "r.csv")) == 1
    table = run("show", state, "--by", "product")
    assert "Mean of points_model by product, weighted by exposure" in table.stdout
    told = json.loads(run("explain", state, "385", "--json").stdout)
    assert told["record"]["id"] == 385
    assert [rule["id"] for rule in told["rules"]] == ["minor", "risky", "new"]
    [row] = whole.records.filter(pl.col("id") == 385).to_dicts()
    assert told["record"]["points_final"] == row["points_final"]
    assert "rule minor (reject): age < 18" in run("explain", state, "385").stdout
    missing = run("explain", state, "9999")
    assert (missing.returncode, "no record has the key `9999`" in missing.stderr) == (2, True)
    history = [json.loads(one) for one in run("history", state, "--json").stdout.splitlines()]
    assert [one["kind"] for one in history] == ["create", "ingest", "refresh"]
    assert "refresh" in run("history", state).stdout
    assert run("compact", state).returncode == 0
    assert json.loads(run("show", state, "--json").stdout) == shown
    whole_state = run("doctor", state)
    assert (whole_state.returncode, whole_state.stdout) == (0, f"{state}: nothing is wrong\n")
    [index] = state.glob("index-*")
    index.write_bytes(index.read_bytes()[:-1])
    assert run("show", state).returncode == 1
    repaired = json.loads(run("doctor", state, "--json").stdout)
    assert [one["repaired"] for one in repaired["findings"]] == [True]
    assert json.loads(run("show", state, "--json").stdout) == shown


def test_a_refused_delta_exits_3_and_leaves_every_byte(folder: Path) -> None:
    state = folder / "state"
    assert run("refresh", state, folder / "delta.parquet").returncode == 0
    before = content(state)
    case.records(1001, 3, version=9).write_parquet(folder / "many.parquet")
    done = run("refresh", state, folder / "many.parquet")
    assert (done.returncode, done.stdout) == (3, "")
    assert (
        "the delta is refused, nothing was written: gate `row_count`: 1001 rows; at most 1000" in done.stderr
    )
    assert content(state) == before
    bad = case.records(5).drop("age")
    bad.write_parquet(folder / "bad.parquet")
    assert run("refresh", state, folder / "bad.parquet").returncode == 1
    assert content(state) == before
    assert run("refresh", state, folder / "delta.parquet", "--as-of", "soon").returncode == 2
    assert run("refresh", state).returncode == 2
    assert run("refresh", state, "--as-of", "2027-01-01").returncode == 0
    assert run("refresh", folder / "nowhere", folder / "delta.parquet").returncode == 1


def test_rows_put_aside_are_kept_beside_their_gates(folder: Path) -> None:
    state = folder / "state"
    delta = case.records(10, 4, first=700, version=2)
    pl.concat([delta, delta[:2]]).write_parquet(folder / "twice.parquet")
    done = run("refresh", state, folder / "twice.parquet")
    assert done.returncode == 0, done.stderr
    assert "inserted 8, 4 put aside" in done.stdout
    assert "quarantine: gate `duplicate_keys`: 4 rows share their `id` and `v`" in done.stderr
    [file] = state.glob("quarantine-*.parquet")
    kept = pl.read_parquet(file)
    assert sorted(kept["id"]) == [700, 700, 701, 701]
    assert kept["gates"].to_list() == [["duplicate_keys"]] * 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("compact", state).returncode == 0
    assert file.exists()


def test_another_configuration_is_tried_first_and_then_taken(folder: Path) -> None:
    state, file = folder / "state", folder / "new.toml"
    file.write_text((folder / "creditcore.toml").read_text().replace("min_n = 2", "min_n = 200"))
    before = content(state)
    tried = run("reconfigure", state, "--config", file, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert tried.stdout == "changed: `[rankings]`\n400 records are written again\n"
    assert content(state) == before
    policy = folder / "models" / "policy.yaml"
    policy.write_text(policy.read_text().replace("cap(560)", "cap(540)"))
    changed = run("show", state)
    assert (changed.returncode, "was changed since" in changed.stderr) == (1, True)
    policy.write_text(policy.read_text().replace("cap(540)", "cap(560)"))
    told = json.loads(run("reconfigure", state, "--config", file, "--json").stdout)
    assert (told["rescored"], told["written"], told["version"]) == (0, 400, 2)
    rows = json.loads(run("show", state, "--by", "product", "--json").stdout)["rankings"]["product"]
    assert all(row["rank"] is None for row in rows)
    file.write_text(file.read_text().replace('keep = ["product"]', 'keep = ["product", "street"]'))
    told = run("reconfigure", state, "--config", file)
    assert (told.returncode, "does not keep column `street`" in told.stderr) == (1, True)


def test_watch_takes_files_serves_a_page_and_ends_in_peace(folder: Path) -> None:
    incoming = folder / "incoming"
    incoming.mkdir()
    metrics = folder / "creditcore.prom"
    command = [*RUN, "watch", folder / "state", "--incoming", incoming, "--every", "0", "--serve", "0"]
    started = subprocess.Popen(
        [*map(str, command), "--metrics", str(metrics), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stderr is not None
    found = re.fullmatch(r"live page: (http://127\.0\.0\.1:\d+/)\n", started.stderr.readline())
    assert found
    (folder / "delta.parquet").rename(incoming / "delta.parquet")
    told = json.loads(started.stdout.readline())
    assert (told["event"], told["files"], told["changed"]) == ("refresh", ["delta.parquet"], 60)
    state = json.loads(urllib.request.urlopen(found[1] + "state.json").read())
    assert (state["version"], state["records"], state["files"]) == (2, 440, {"done": 1})
    assert set(state["rankings"]) == {"city", "province", "product"}
    deadline = time.monotonic() + 10
    while (
        'creditcore_files_total{outcome="done"} 1' not in metrics.read_text() and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert 'creditcore_files_total{outcome="done"} 1' in metrics.read_text()
    other = run("refresh", folder / "state", folder / "records.parquet")
    assert other.returncode == 1  # one writer
    started.send_signal(signal.SIGTERM)
    assert started.communicate(timeout=20) == ("", "")
    assert started.returncode == 0
    assert json.loads(run("show", folder / "state", "--json").stdout)["rankings"]["city"]
