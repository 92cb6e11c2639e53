"""`creditcore tactics` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

import creditcore as cc
from tests.cli.test_rank_verb import run
from tests.tactic.test_policy import FRAME, POLICY, written


def test_check_says_what_is_wrong_and_exits_with_3(tmp_path: Path) -> None:
    path = written(tmp_path)
    FRAME.write_parquet(tmp_path / "records.parquet")
    good = run("tactics", "check", path, "--schema", tmp_path / "records.parquet")
    assert (good.returncode, good.stdout) == (0, "")
    bad = written(tmp_path, POLICY.replace("amount / income", "amount / incme").replace("hour < 5", "hour <"))
    told = run("tactics", "check", bad)
    assert told.returncode == 3
    assert "policy.yaml`, line 2" in told.stdout
    assert "^" in told.stdout
    slip = written(tmp_path, POLICY.replace("amount / income", "amount / incme"))
    found = json.loads(
        run("tactics", "check", slip, "--schema", tmp_path / "records.parquet", "--json").stdout
    )
    assert [(one["code"], one["line"], one["hint"]) for one in found["findings"]] == [
        ("unknown_column", 31, "did you mean `income`?")
    ]
    assert run("tactics", "check", tmp_path / "none.yaml").returncode == 1


def test_decide_writes_the_records_with_their_decisions(tmp_path: Path) -> None:
    path = written(tmp_path)
    FRAME.write_parquet(tmp_path / "records.parquet")
    FRAME.write_csv(tmp_path / "records.csv")
    out = tmp_path / "decided.parquet"
    told = run(
        "tactics", "decide", path, tmp_path / "records.parquet", "-o", out, "--keep", "amount", "--json"
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {"records": 6, "reject": 1, "review": 1, "pass": 4, "errors": 2}
    made = pl.read_parquet(out)
    assert made.columns == ["amount", "decision", "rules", "reasons", "effect", "errors"]
    assert made["decision"].to_list() == ["reject", "pass", "review", "pass", "pass", "pass"]
    text = POLICY.replace("when: is_staff", "when: is_staff = 'true'")
    from_csv = tmp_path / "decided.csv"
    told = run("tactics", "decide", written(tmp_path, text), tmp_path / "records.csv", "-o", from_csv)
    assert told.returncode == 0, told.stderr
    assert pl.read_csv(from_csv)["rules"].to_list()[1] == "staff|burden|big"
    assert run("tactics", "decide", path, tmp_path / "records.csv", "-o", tmp_path / "x.json").returncode == 2


def test_trace_tells_of_one_record_what_every_rule_says(tmp_path: Path) -> None:
    path, records = written(tmp_path), tmp_path / "records.parquet"
    FRAME.with_columns(id=pl.Series(["a", "b", "c", "d", "e", "f"])).write_parquet(records)
    told = run("tactics", "trace", path, records, "--where", "id = 'd'")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"{records}, row 4: pass\n")
    lines = {line.split()[1]: line for line in told.stdout.splitlines() if line.startswith("│")}
    assert "amount = 6000.0, income = 9000.0" in lines["burden"]
    assert "true, hits" in lines["burden"]
    assert "reject, shadow" in lines["watch"]
    told = run("tactics", "trace", path, records, "--where", "income = 0", "--json", "--language", "zh")
    made = json.loads(told.stdout)
    assert (made["row"], made["decision"]) == (5, "pass")
    assert made["errors"][0].endswith("division by zero")
    assert [one["truth"] for one in made["trace"]] == [False, None, False, None, False, False]
    none = run("tactics", "trace", path, records, "--where", "id = 'z'")
    assert none.returncode == 2
    assert "there is no record where `id = 'z'`" in none.stderr


def test_sql_prints_a_query_for_each_rule(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "records.parquet")
    asked = ("tactics", "sql", written(tmp_path), "--dialect", "duckdb", "--table", "t", "--schema")
    told = run(*asked, tmp_path / "records.parquet")
    assert told.returncode == 0, told.stderr
    assert '-- staff\nSELECT * FROM t WHERE COALESCE("is_staff", FALSE);\n' in told.stdout
    queries = json.loads(run(*asked, tmp_path / "records.parquet", "--json").stdout)
    assert list(queries) == [one["id"] for one in cc.Policy.load(tmp_path / "policy.yaml").rules]


def test_schema_is_json_schema() -> None:
    told = json.loads(run("tactics", "schema").stdout)
    assert told["$defs"]["rule"]["required"] == ["id", "when", "action", "on_null"]


def test_every_key_of_the_schema_is_one_that_files_may_have() -> None:
    told = json.loads(run("tactics", "schema").stdout)
    parts = {"rule": told["$defs"]["rule"], "tactic": told["$defs"]["tactic"], "policy": told}
    values: dict[str, Any] = {
        "tests": [],
        "from": "2026-01-01",
        "to": "2026-01-31",
        "when": "x > 1",
        "nan": "sql",
        "time_zone": "Asia/Shanghai",
    }
    values |= {"action": "flag", "on_null": "hit", "mode": "live", "lists": {"l": {"values": [1]}}}
    made: Any = None
    for name, part in parts.items():
        keys = {key: values.get(key, "text") for key in part["properties"] if key != "key_file"}
        if name != "rule":
            keys["rules" if name == "tactic" else "tactics"] = [made]
        made = keys
    assert cc.Policy(made).decide({"x": [2]}, as_of="2026-01-05")["rules"].to_list() == [["text"]]
    for name in ("rule", "tactic", "policy"):
        assert parts[name]["additionalProperties"] is False
