"""Quality gates: what each finds, what becomes of the rows, and that nothing is learned by judging."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc
from creditcore.gates import gates
from creditcore.gates.gates import Baseline
from tests.cli.test_rank_verb import run

COLUMNS = {"key": "id", "version": "v", "event_time": "t", "keep": ["city", "income"]}
DAY = dt.date(2026, 3, 10)


def records(rows: int, seed: int = 1) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(rows) + seed * 1_000_000,
            "v": np.full(rows, seed),
            "t": [DAY - dt.timedelta(days=int(age)) for age in random.integers(0, 5, rows)],
            "city": random.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]),
            "income": random.lognormal(9, 0.7, rows).round(2),
            "points_model": random.normal(600, 30, rows).round(),
        }
    )


WATCHED = ["city", "income", "points_model"]
BASE = Baseline.of(records(5000), WATCHED)


def judge(delta: pl.DataFrame, **told: Any) -> gates.Verdict:
    config = cc.Config.of({"columns": COLUMNS, "gates": told | {"baseline": __file__}})
    return gates.judge(delta, config, DAY, baseline=BASE)


ALL: dict[str, Any] = {
    "row_count": {"level": "refuse", "at_least": 100, "at_most": 20_000},
    "nulls": {"level": "quarantine", "rise": 0.02},
    "new_categories": {"level": "quarantine"},
    "drift": {"level": "warn"},
    "duplicate_keys": {"level": "refuse"},
    "freshness": {"level": "refuse", "days": 3},
    "unit_jumps": {"level": "refuse"},
}
INCOME = pl.col("income")


def first(rows: int) -> pl.Expr:
    return pl.int_range(pl.len()) < rows


CHANGES: list[tuple[str, str | None, int, Any]] = [
    ("row_count", None, 50, lambda one: one.head(50)),
    (
        "row_count",
        None,
        20_001,
        lambda one: pl.concat([one] * 11).head(20_001).with_columns(v=pl.int_range(20_001)),
    ),
    ("nulls", "income", 100, lambda one: one.with_columns(pl.when(~first(100)).then(INCOME).alias("income"))),
    (
        "nulls",
        "income",
        90,
        lambda one: one.with_columns(pl.when(first(90)).then(float("nan")).otherwise(INCOME).alias("income")),
    ),
    (
        "new_categories",
        "city",
        7,
        lambda one: one.with_columns(city=pl.when(first(7)).then(pl.lit("x")).otherwise("city")),
    ),
    ("drift", "income", 2000, lambda one: one.with_columns(INCOME * 3)),
    (
        "drift",
        "city",
        2000,
        lambda one: one.with_columns(city=pl.when(first(1500)).then(pl.lit("c")).otherwise("city")),
    ),
    (
        "duplicate_keys",
        "id",
        4,
        lambda one: one.with_columns(id=pl.when(first(4)).then(pl.col("id").first()).otherwise("id")),
    ),
    (
        "freshness",
        "t",
        3,
        lambda one: one.with_columns(t=pl.when(first(3)).then(pl.lit(dt.date(2026, 3, 11))).otherwise("t")),
    ),
    ("freshness", "t", 2000, lambda one: one.with_columns(t=pl.col("t") - dt.timedelta(days=9))),
    ("unit_jumps", "income", 2000, lambda one: one.with_columns(INCOME * 100)),
    ("unit_jumps", "income", 2000, lambda one: one.with_columns(INCOME / 100)),
    (
        "unit_jumps",
        "income",
        2,
        lambda one: one.with_columns(income=pl.when(first(2)).then(1e8).otherwise(INCOME)),
    ),
]


def test_what_is_as_expected_passes_every_gate() -> None:
    delta = records(2000, 2)
    verdict = judge(delta, **ALL)
    assert (verdict.outcome, verdict.findings) == ("accept", ())
    assert verdict.accepted.equals(delta)
    assert verdict.quarantined.is_empty()
    assert verdict.require() is verdict
    without = gates.judge(delta, cc.Config.of({"columns": COLUMNS}))
    assert without.outcome == "accept"


@pytest.mark.parametrize(
    ("gate", "column", "rows", "change"), CHANGES, ids=lambda one: "change" if callable(one) else str(one)
)
def test_each_gate_finds_its_fault_and_only_it(gate: str, column: str | None, rows: int, change: Any) -> None:
    delta = change(records(2000, 2))
    found = judge(delta, **{gate: ALL[gate] | {"level": "quarantine"}})
    [finding] = found.findings
    assert (finding.gate, finding.column, finding.rows, finding.level) == (gate, column, rows, "quarantine")
    assert found.outcome == "quarantine"
    # Rows in = rows taken + rows put aside, each beside its reason.
    assert len(found.quarantined) == rows
    assert set(found.quarantined["gates"].explode()) == {gate}
    both = pl.concat([found.accepted, found.quarantined.drop("gates")])
    assert both.sort("id", "v", "t").equals(delta.sort("id", "v", "t"), null_equal=True) or gate == "nulls"
    assert len(both) == len(delta)
    warned = judge(delta, **{gate: ALL[gate] | {"level": "warn"}})
    assert warned.outcome == "warn"
    assert len(warned.accepted) == len(delta)
    refused = judge(delta, **{gate: ALL[gate] | {"level": "refuse"}})
    with pytest.raises(
        cc.DeltaRefused, match=f"the delta is refused, nothing was written: gate `{gate}`"
    ) as told:
        refused.require()
    assert [one["gate"] for one in told.value.findings] == [gate]  # type: ignore[index]
    others = {name: rest for name, rest in ALL.items() if name != gate}
    quiet = {"drift", "unit_jumps", "row_count"}
    assert {one.gate for one in judge(delta, **others).findings} <= (quiet if gate in quiet else set())


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_finding(random: Any) -> None:
    delta = CHANGES[4][3](CHANGES[2][3](records(400, 2)))
    order = list(range(len(delta)))
    random.shuffle(order)
    one, other = judge(delta, **ALL), judge(delta[order], **ALL)
    assert one.findings == other.findings
    assert sorted(one.accepted["id"]) == sorted(other.accepted["id"])


def test_deletes_bring_no_values() -> None:
    delta = records(2000, 2)
    deletes = delta.head(300).select("id", v=pl.col("v") + 1, op=pl.lit("delete"))
    both = pl.concat([delta.with_columns(op=pl.lit("upsert")), deletes], how="diagonal")
    assert judge(both, **ALL).outcome == "accept"


def test_drift_is_the_index_of_the_package() -> None:
    before, after = records(5000), CHANGES[5][3](records(2000, 2))
    [finding] = judge(after, drift={"psi": 0.1}).findings
    assert finding.value == pytest.approx(cc.psi(before["income"], after["income"]), rel=1e-12)


def test_codes_are_categories_where_it_is_said_so() -> None:
    codes = pl.DataFrame({"code": [1, 2, 3, 2, 1]})
    base = Baseline.of(codes, ["code"], frozenset(["code"]))
    assert base.columns["code"]["categories"] == {"1": 2, "2": 2, "3": 1}
    config = cc.Config.of({"columns": {"key": "id"}, "gates": {"new_categories": {}, "baseline": __file__}})
    [finding] = gates.judge({"code": [1, 4]}, config, baseline=base).findings
    assert "values never seen: `4` in 1 rows (50.0%; 0.0% are allowed)" in str(finding)


def test_what_the_gates_need_is_told() -> None:
    with pytest.raises(cc.SchemaError, match="the delta has no column `income`"):
        judge(records(10, 2).drop("income"), **ALL)
    texts = records(10, 2).with_columns(INCOME.cast(pl.String))
    with pytest.raises(cc.SchemaError, match="column `income` is of type String; the baseline has numbers"):
        judge(texts, **ALL)
    config = cc.Config.of({"columns": COLUMNS, "gates": {"freshness": {}}})
    with pytest.raises(cc.ArgumentError, match="goes by `as_of`"):
        gates.judge(records(10, 2), config)
    for told, message in (
        ({"nulls": {}}, r"`gates.nulls`: it goes by a baseline; say `baseline`"),
        ({"nuls": {}}, r"`gates.nuls`: unknown key; did you mean `nulls`?"),
        (
            {"nulls": {"level": "stop"}},
            r"`gates.nulls.level`: it is `'stop'`; allowed are `warn`, `quarantine` or",
        ),
        ({"drift": {"psi": 0}, "baseline": __file__}, r"`gates.drift.psi`: it is `0`; a number above 0"),
    ):
        with pytest.raises(cc.SchemaError) as raised:
            cc.Config.of({"columns": COLUMNS, "gates": told})
        assert message in str(raised.value)


TEXT = """[columns]
key = "id"
version = "v"
event_time = "t"
keep = ["city"]

[score]
column = "points_model"

[network]
identifiers = {device = "device"}
learned = "network.json"
key_file = "hash.key"

[gates]
baseline = "baseline.json"
columns = ["city", "income"]
new_categories = {level = "quarantine"}
"""


def test_fit_writes_what_is_learned_once_and_freezes_it(tmp_path: Path) -> None:
    (tmp_path / "creditcore.toml").write_text(TEXT)
    (tmp_path / "hash.key").write_text("0123456789abcdef")
    frame = records(600).with_columns(device=(pl.int_range(600) // 3).cast(pl.String))
    frame.write_parquet(tmp_path / "records.parquet")
    config = tmp_path / "creditcore.toml"
    before = run("config", "check", config)
    assert (before.returncode, "line 12: `network.learned`: there is no file" in before.stderr) == (1, True)
    done = run("fit", config, tmp_path / "records.parquet")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("written") == 2
    read = cc.Config.load(config)
    assert done.stdout.strip() == read.fingerprint
    assert Baseline.load(tmp_path / "baseline.json") == Baseline.of(frame, ["city", "income"])
    learned = json.loads((tmp_path / "network.json").read_text())
    groups = cc.find_groups(frame, "id", {"device": "device"}, "t")
    assert learned == {name: groups.config[name] for name in ("strengths", "rarities", "cut")}
    assert read.network is not None
    assert (read.network.strengths, read.network.cut) == (learned["strengths"], learned["cut"])
    assert cc.Config.of(read.to_dict(), tmp_path).fingerprint == read.fingerprint
    # The same records in another order teach the same.
    frame.reverse().write_parquet(tmp_path / "records.parquet")
    again = run("fit", config, tmp_path / "records.parquet")
    assert again.stdout == done.stdout
    (tmp_path / "network.json").write_text('{"cut": 1.0, "tau": 3}')
    with pytest.raises(cc.SchemaError, match="is not what `creditcore fit` writes"):
        cc.Config.load(config)
    (tmp_path / "baseline.json").write_text("{}")
    with pytest.raises(cc.FormatError, match="not a baseline"):
        Baseline.load(tmp_path / "baseline.json")
    with pytest.raises(cc.SourceError, match="cannot be read"):
        Baseline.load(tmp_path / "none.json")
    config.write_text('[columns]\nkey = "id"\n')
    told = run("fit", config, tmp_path / "records.parquet")
    assert told.returncode == 2
    assert "nothing to learn" in told.stderr
