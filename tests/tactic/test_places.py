"""Faults of policies and of what a backtest is asked, as a new user meets them: places, clocks, words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

import creditcore as cc
from creditcore.tactics.data import Finding
from tests.cli.test_rank_verb import run

from .test_policy import FRAME, POLICY, of_rules, rule, written


def test_a_decision_names_the_place_in_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, POLICY.replace("hour < 5", "hor < 5").replace("amount / income", "amount / incme")
    )
    with pytest.raises(cc.TacticError) as caught:
        cc.Policy.load(path).decide(FRAME)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"`{path}`, line 23, column 11: rule `night`: unknown column `hor`")
    assert lines[0].endswith("did you mean `hour`?")
    assert lines[1].strip() == "hor < 5"
    assert lines[2].index("^") == lines[1].index("hor")
    assert lines[3] == "and 1 more"
    assert [one.code for one in caught.value.findings if isinstance(one, Finding)] == ["unknown_column"] * 2
    assert (caught.value.line, caught.value.column, caught.value.hint) == (23, 11, "did you mean `hour`?")


def test_types_that_do_not_fit_are_told_in_place_by_every_call(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    wrong = FRAME.with_columns(pl.col("amount").cast(pl.String))
    for call in (policy.decide, policy.tally, lambda frame: policy.trace(frame.row(0, named=True))):
        with pytest.raises(
            cc.TacticError, match=r"policy.yaml`, line 24, column 15: rule `night`: "
        ) as caught:
            call(wrong)
        assert str(caught.value).splitlines()[1].strip() == "AND amount > 1000"
        assert caught.value.rule == "night"
    with pytest.raises(cc.TacticError, match="line 24, column 15"):
        policy.backtest(wrong.with_columns(bad=0), "bad")


def test_decide_of_a_file_knows_the_files_columns(tmp_path: Path) -> None:
    FRAME.write_csv(tmp_path / "records.csv")
    path = written(tmp_path, POLICY.replace("apply_cnt_7d", "aplly_cnt_7d"))
    told = run("tactics", "decide", path, tmp_path / "records.csv", "-o", tmp_path / "out.csv")
    assert told.returncode == 1
    assert "line 9, column 15" in told.stderr
    assert "did you mean `apply_cnt_7d`?" in told.stderr


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("tactics:\n  - id: [a\n    rules: }\n", 3, 10),
        ("name: 'open\n", 2, 1),
        ("name: x\n\tversion: 1\n", 2, 1),
        ("name: \x01\n", 1, 7),
        ("a: &x [1]\nb: *x\n", 2, 4),
    ],
)
def test_a_file_that_is_no_yaml_is_a_finding(tmp_path: Path, text: str, line: int, column: int) -> None:
    path = written(tmp_path, text)
    told = run("tactics", "check", path)
    assert (told.returncode, f"line {line}, column {column}: " in told.stdout) == (3, True), told.stdout
    if line <= len(text.splitlines()):
        assert "^" in told.stdout
    decided = run("tactics", "decide", path, path, "-o", tmp_path / "x.csv")
    assert decided.returncode == 1
    assert f"line {line}, column {column}: " in decided.stderr


INSTANTS = [datetime(2026, 1, 1, 18, 24, tzinfo=UTC), datetime(2026, 7, 1, 23, 59, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "+08:00", "-0330"])
def test_hours_and_days_are_those_of_the_policys_clock(zone: str) -> None:
    frame = pl.DataFrame({"t": INSTANTS})
    rules = [rule(id=f"h{hour}", when=f"HOUR(t) = {hour}") for hour in range(24)]
    rules += [
        rule(id=f"d{day}", when=f"CAST(t AS DATE) = DATE '{day}'") for day in ("2026-01-01", "2026-07-02")
    ]
    policy = cc.Policy({"time_zone": zone, "tactics": [{"id": "t", "rules": rules}]})
    if zone[0] in "+-":
        local = [one.astimezone(datetime.strptime(zone, "%z").tzinfo) for one in INSTANTS]
    else:
        local = [one.astimezone(ZoneInfo(zone)) for one in INSTANTS]
    expected = []
    for one in local:
        days = [f"d{one.date()}"] if f"d{one.date()}" in {r["id"] for r in rules} else []
        expected.append([f"h{one.hour}", *days])
    assert policy.decide(frame)["rules"].to_list() == expected
    # The same wall times without a zone are read from the same clock.
    naive = pl.DataFrame({"t": [one.replace(tzinfo=None) for one in local]})
    assert policy.decide(naive)["rules"].to_list() == expected
    assert policy.time_zone == zone


def test_a_query_in_duckdb_with_the_same_zone_gives_the_same_records() -> None:
    frame = pl.DataFrame({"i": [0, 1], "t": INSTANTS})
    one = rule(when="HOUR(t) < 3 AND t > TIMESTAMP '2026-01-02 00:00:00'")
    policy = cc.Policy({"time_zone": "Asia/Shanghai", "tactics": [{"id": "t", "rules": [one]}]})
    [query] = policy.to_sql("duckdb", frame, table="frame").values()
    database = duckdb.connect()
    database.execute("SET TimeZone = 'Asia/Shanghai'")
    database.register("frame", frame.to_arrow())
    ours = [bool(rules) for rules in policy.decide(frame)["rules"].to_list()]
    found = {row[0] for row in database.execute(f"SELECT i FROM ({query})").fetchall()}
    assert [place in found for place in frame["i"]] == ours == [True, False]


def test_times_without_a_zone_need_one() -> None:
    policy = of_rules(rule(when="HOUR(t) = 2"))
    naive = {"t": [datetime(2026, 1, 1, 2)], "bad": [1]}
    calls = (policy.decide, policy.tally, lambda frame: policy.backtest(frame, "bad"))
    for call in calls:
        with pytest.raises(cc.SchemaError, match=r"column `t` holds times without a zone.*`time_zone`"):
            call(naive)
    with pytest.raises(cc.TacticError, match="`time_zone` is `Asia/Shangai`; it is a zone"):
        cc.Policy({"time_zone": "Asia/Shangai", "tactics": [{"id": "t", "rules": [rule()]}]})


def test_a_rules_test_reads_the_same_clock() -> None:
    given = {"given": {"t": datetime(2026, 1, 1, 18, 30, tzinfo=UTC)}, "hit": True}
    one = rule(when="HOUR(t) = 2", tests=[given])
    cc.Policy({"time_zone": "Asia/Shanghai", "tactics": [{"id": "t", "rules": [one]}]})
    with pytest.raises(cc.TacticError, match="expects a hit"):
        of_rules(one)


HISTORY = pl.DataFrame(
    {
        "x": [2.0, 2.0, 2.0, 0.0],
        "outcome": ["bad", "good", "indeterminate", None],
        "code": [2, 1, 1, None],
        "flag": [True, False, True, None],
        "day": ["2026-01-31", "2026-02-01", "2026-04-05", "2026-12-31"],
    }
)


def counts(
    found: cc.Policy,
    frame: pl.DataFrame | Path,
    label: str,
    *,
    bad: str | None = None,
    good: str | None = None,
) -> tuple[int, int, int]:
    told = found.backtest(frame, label, bad=bad, good=good).rules[0]
    return told["bad"], told["good"], told["unknown"]


def test_outcomes_may_be_words(tmp_path: Path) -> None:
    policy = of_rules(rule())
    assert counts(policy, HISTORY, "outcome", bad="bad", good="good") == (1, 1, 1)
    assert counts(policy, HISTORY, "code", bad="2") == (1, 2, 0)
    assert counts(policy, HISTORY, "flag") == (2, 1, 0)
    with pytest.raises(cc.ArgumentError, match="row 3: label `outcome` holds `good` and `indeterminate`"):
        policy.backtest(HISTORY, "outcome", bad="bad", threads=1)
    with pytest.raises(cc.ArgumentError, match="row 1: label `outcome` holds `bad`, which is neither"):
        policy.backtest(HISTORY, "outcome")
    with pytest.raises(cc.ArgumentError, match="`bad` is not given"):
        policy.backtest(HISTORY, "outcome", good="good")
    path = tmp_path / "history.csv"
    HISTORY.write_csv(path)
    assert counts(policy, path, "flag") == (2, 1, 0)
    (tmp_path / "policy.yaml").write_text(
        "tactics: [{id: t, rules: [{id: r, when: x > 1, action: flag, on_null: no_hit}]}]\n"
    )
    asked = ("--label", "outcome", "--bad", "bad", "--good", "good", "--period", "day", "--per", "quarter")
    told = run("tactics", "backtest", tmp_path / "policy.yaml", path, *asked, "-o", tmp_path / "b.json")
    assert told.returncode == 0, told.stderr
    assert '"2026-Q2"' in (tmp_path / "b.json").read_text()


@pytest.mark.parametrize("per", ["year", "quarter", "month", "week", "day"])
def test_periods_count_days_by_a_unit(per: str) -> None:
    made = of_rules(rule()).backtest(HISTORY, "flag", period="day", per=per)
    forms = {"quarter": "%Y-Q", "year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "week": "%Y-%m-%d"}
    days = HISTORY["day"].str.to_date()
    if per == "week":
        days = days.dt.truncate("1w")
    expected = days.dt.strftime(forms[per])
    if per == "quarter":
        expected = expected + days.dt.quarter().cast(pl.String)
    assert {one["period"] for one in made.periods} == set(expected)


def test_a_period_that_is_none_says_what_to_write() -> None:
    policy = of_rules(rule())
    with pytest.raises(
        cc.SchemaError, match='name the column, and its unit apart: `period="day", per="month"`'
    ):
        policy.backtest(HISTORY, "flag", period="month(day)")
    with pytest.raises(cc.SchemaError, match=r"`period` is `dya`, which is no column; did you mean `day`\?"):
        policy.backtest(HISTORY, "flag", period="dya")
    with pytest.raises(cc.ArgumentError, match="row 1: period `outcome` is no day"):
        policy.backtest(HISTORY, "flag", period="outcome", per="month")
    with pytest.raises(cc.ArgumentError, match=r"`per` is `mont`; it is year.*did you mean `month`?"):
        policy.backtest(HISTORY, "flag", period="day", per="mont")


def test_other_calls_name_their_arguments() -> None:
    ranking = cc.rank({"city": ["310100", "330400"], "s": [1.0, 2.0]}, by="city", score="s")
    with pytest.raises(cc.ArgumentError, match="`code` is `310100` of type `int`; codes are texts"):
        ranking.not_distinguishable(310100)  # type: ignore[arg-type]
