"""The log of decisions: complete, never changed, made again to the bit, and without whoever was erased."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

import creditcore as cc
from creditcore.cli.app import app
from creditcore.portfolio import decision_log
from tests.line import case
from tests.portfolio.segments import all_columns

DAY = dt.date(2026, 3, 1)
LOGGED = ["fraud_p", "pd", "points_model", "points_final", "decision", "rules", "reasons"]


@pytest.fixture
def portfolio(tmp_path: Path) -> cc.Portfolio:
    config = cc.Config.load(case.write(tmp_path))
    made = cc.Portfolio.create(tmp_path / "state", config)
    made.ingest(case.records(200), DAY)
    return made


def as_records(rows: pl.DataFrame, key: str) -> dict[Any, dict[str, Any]]:
    return {row[key]: {name: row[name] for name in LOGGED} for row in rows.to_dicts()}


def stamps(told: pl.DataFrame) -> set[tuple[Any, ...]]:
    return set(told.select("version", "time", "configuration").rows())


def test_what_is_decided_is_logged(portfolio: cc.Portfolio) -> None:
    log = portfolio.decisions()
    assert len(log) == 200
    assert as_records(log, "key") == as_records(portfolio.to_polars(), "id")
    noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    rows = case.records(10, 7, first=195, version=2)
    portfolio.refresh(rows, noon)
    after = portfolio.decisions()
    assert after[:200].equals(log)
    assert after[200:]["key"].to_list() == list(range(195, 205))
    assert as_records(after[200:], "key") == {
        key: row for key, row in as_records(portfolio.to_polars(), "id").items() if key >= 195
    }
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert stamps(after) == {(1, at, portfolio.config.fingerprint), (2, noon, portfolio.config.fingerprint)}
    assert after["models"].n_unique() == after["policy"].n_unique() == 1
    assert portfolio.decisions(197)["version"].to_list() == [1, 2]
    assert len(portfolio.decisions("197")) == len(portfolio.decisions(999)) == 0


def test_late_rows_deletions_and_what_is_known_change_no_logged_decision(portfolio: cc.Portfolio) -> None:
    portfolio.refresh(case.records(5, 3, version=7))
    log = portfolio.decisions()
    # A row that counts for nothing decides nothing; a record that comes again is decided again.
    late = portfolio.refresh(case.records(5, 4, version=6))
    assert late.counts["superseded"] == 5
    assert portfolio.refresh(case.records(5, 3, version=7)).counts["unchanged"] == 5
    portfolio.refresh({"id": [3], "v": [8], "op": ["delete"]})
    assert portfolio.decisions().equals(log)
    portfolio.refresh(case.records(1, 5, first=3, version=9))
    assert portfolio.decisions()[: len(log)].equals(log)
    assert portfolio.decisions(3)["version"].to_list() == [1, 2, 6]


def test_every_decision_can_be_made_again(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    for turn in range(4):
        portfolio.refresh(case.records(20, turn, first=10 * turn, version=2 + turn), DAY)
    portfolio.refresh({"id": [1, 2], "v": [99, 99], "op": ["delete"] * 2})
    logged = len(portfolio.decisions())
    assert logged == 280

    def check() -> None:
        done = portfolio.replay(1000, seed=3)
        assert (done.logged, done.right, done.counts["same"]) == (logged, True, logged), done.counts

    check()
    portfolio.compact()
    check()
    portfolio.refresh(case.records(3, 9, first=60, version=20))
    logged += 3
    check()
    # Another configuration decides all again, and keeps fewer columns.
    shutil.copytree(tmp_path / "models", tmp_path / "next")
    policy = tmp_path / "next" / "policy.yaml"
    lines = [line for line in policy.read_text().splitlines() if "minor" not in line]
    policy.write_text("\n".join(lines))
    told = portfolio.config.to_dict() | {"fleet": {"models": "next"}}
    portfolio.reconfigure(cc.Config.of(told, tmp_path))
    logged += portfolio.records
    assert len(portfolio.decisions()) == logged
    assert portfolio.decisions()["configuration"].n_unique() == 2
    check()
    portfolio.compact()
    portfolio.compact()
    check()
    portfolio.close()
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.replay(1000).right
        assert [row["key"] for row in again.replay(9, 1).rows] == [
            row["key"] for row in again.replay(9, 1).rows
        ]
        assert [row["key"] for row in again.replay(9, 1).rows] != [
            row["key"] for row in again.replay(9, 2).rows
        ]


def test_inputs_stay_where_a_configuration_needs_fewer(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "models", tmp_path / "next")
    (tmp_path / "next" / "fleet.toml").write_text(case.FLEET[: case.FLEET.index("[[model]]", 30)])
    (tmp_path / "next" / "policy.yaml").write_text(
        "tactics: [{id: t, rules: [{id: r, when: age < 20, action: reject, on_null: review}]}]"
    )
    told = portfolio.config.to_dict() | {"fleet": {"models": "next"}, "score": {"column": "fraud_p"}}
    portfolio.reconfigure(cc.Config.of(told, tmp_path))
    assert "income" not in portfolio.to_polars().columns
    assert portfolio.replay(1000).counts["same"] == 400


def tampered(state: Path, copy: Path, change: Any) -> cc.Portfolio:
    """A copy whose first file of the log says something else, opened without a look at checksums."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(state, copy)
    (file,) = copy.glob("decisions-*")
    change(pl.read_parquet(file)).write_parquet(file)
    return cc.Portfolio.open(copy, "read", verify=False)


def test_what_is_not_as_it_was_is_told_apart(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    portfolio.refresh({"id": [7], "v": [9], "op": ["delete"]})
    state, copy = tmp_path / "state", tmp_path / "copy"
    chosen = pl.col("key") == 5
    other = pl.when(chosen).then(pl.col("points_final") + 1).otherwise("points_final")
    with tampered(state, copy, lambda log: log.with_columns(points_final=other)) as found:
        done = found.replay(1000)
        assert (done.counts["same"], done.counts["differs"]) == (199, 1)
        (row,) = (row for row in done.rows if row["outcome"] == "differs")
        assert row["key"] == 5
        assert row["told"].startswith("points_final: ")
    gone = pl.when(pl.col("key").is_in([5, 7])).then(pl.lit("0")).otherwise("inputs")
    with tampered(state, copy, lambda log: log.with_columns(inputs=gone)) as found:
        told = {row["key"]: row["outcome"] for row in found.replay(1000).rows if row["outcome"] != "same"}
        assert told == {5: "changed", 7: "erased"}
    with pytest.raises(cc.StateError, match=r"decisions-.*has \d+ bytes where it had"):
        cc.Portfolio.open(copy)
    # Rules that were in force are no longer there.
    shutil.copytree(tmp_path / "models", tmp_path / "next")
    portfolio.reconfigure(cc.Config.of(portfolio.config.to_dict() | {"fleet": {"models": "next"}}, tmp_path))
    assert portfolio.replay(1000).right
    policy = tmp_path / "models" / "policy.yaml"
    policy.write_text(policy.read_text().replace("age < 18", "age < 19"))
    # The same contents elsewhere are the same configuration: nothing was decided by `next` alone.
    assert portfolio.replay(1000).right


def test_rules_that_were_changed_since_are_told(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "models", tmp_path / "next")
    policy = tmp_path / "next" / "policy.yaml"
    policy.write_text(policy.read_text().replace("age < 18", "age < 19"))
    portfolio.reconfigure(cc.Config.of(portfolio.config.to_dict() | {"fleet": {"models": "next"}}, tmp_path))
    (tmp_path / "models" / "policy.yaml").write_text(policy.read_text())
    done = portfolio.replay(1000)
    assert (done.counts["same"], done.counts["unread"]) == (200, 200)
    assert "was changed since" in next(row["told"] for row in done.rows if row["outcome"] == "unread")


def test_who_is_erased_is_in_no_file(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    portfolio.refresh(case.records(30, 2, first=20, version=2))
    portfolio.compact()
    portfolio.refresh(case.records(30, 3, first=20, version=3))
    others = portfolio.decisions().filter(pl.col("key") != 25)
    portfolio.erase(25)
    assert portfolio.decisions().equals(others)
    assert portfolio.replay(1000).right
    for file in (tmp_path / "state").glob("*-*"):
        if file.suffix in (".parquet", ".arrow"):
            rows = pl.read_parquet(file) if file.suffix == ".parquet" else all_columns(file)
            assert 25 not in rows["key" if "key" in rows.columns else "id"].to_list()
    with pytest.raises(cc.ArgumentError, match="no record has the key `25`"):
        portfolio.erase(25)
    # A record that was deleted is erased like any other.
    portfolio.refresh({"id": [26], "v": [9], "op": ["delete"]})
    portfolio.erase(26)
    assert len(portfolio.decisions(26)) == 0


def test_a_log_that_cannot_be_written_stops_the_refresh(
    portfolio: cc.Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name for file in (tmp_path / "state").iterdir()}
    digest, log = portfolio.digest(), portfolio.decisions()

    def full(*_: Any) -> Any:
        raise cc.StateError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(decision_log, "_write_log", full)
        with pytest.raises(cc.StateError, match="the disk is full"):
            portfolio.refresh(case.records(5, 5, version=5))
    assert (portfolio.digest(), portfolio.version) == (digest, 1)
    assert portfolio.decisions().equals(log)
    assert {file.name for file in (tmp_path / "state").iterdir()} == before
    assert portfolio.refresh(case.records(5, 5, version=5)).changed == 5


def test_damage_to_the_log_is_told(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    portfolio.close()
    (file,) = (tmp_path / "state").glob("decisions-*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    # Opening does not read the log; whoever does is told, and the records are not lost with it.
    with cc.Portfolio.open(tmp_path / "state") as found:
        assert found.records == 200
        for reading in (found.decisions, found.replay):
            with pytest.raises(cc.StateError, match=f"{file.name}.*damaged.*backup"):
                reading()
    (finding,) = cc.Portfolio.doctor(tmp_path / "state")
    assert not finding.repaired
    assert file.name in finding.text
    file.unlink()
    with pytest.raises(cc.StateError, match=f"{file.name}.*cannot be read"):
        cc.Portfolio.open(tmp_path / "state")


def test_the_command_line_shows_and_replays(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    portfolio.refresh(case.records(30, 2, first=20, version=2))
    portfolio.close()
    state = str(tmp_path / "state")

    def told(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, list(words), standalone_mode=False)
        assert done.exception is None, done.exception
        assert done.return_value in (status, None if status == 0 else status)
        return done.output

    lines = [
        json.loads(line) for line in told("audit", "decisions", state, "--key", "25", "--json").splitlines()
    ]
    assert [line["version"] for line in lines] == [1, 2]
    told("audit", "decisions", state, "-o", str(tmp_path / "log.csv"))
    assert len(pl.read_csv(tmp_path / "log.csv")) == 230
    assert "decision" in told("audit", "decisions", state)
    done = json.loads(told("audit", "replay", state, "--sample", "20", "--seed", "4", "--json"))
    assert (done["sampled"], done["logged"], done["right"]) == (20, 230, True)
    text = told("audit", "replay", state, "--sample", "20", "--seed", "4")
    assert "20 of 230 decisions made again (seed 4): same 20" in text
    shutil.copytree(tmp_path / "models", tmp_path / "next")
    (tmp_path / "next" / "policy.yaml").write_text(case.POLICY.replace("age < 18", "age < 19"))
    (tmp_path / "next.toml").write_text(case.CONFIG.replace('"models"', '"next"'))
    told("reconfigure", state, "--config", str(tmp_path / "next.toml"))
    shutil.rmtree(tmp_path / "models")
    text = told("audit", "replay", state, "--sample", "400", status=3)
    assert "not as they were" in text
