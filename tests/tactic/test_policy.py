"""A policy's file and its decisions, as docs/tactics.md tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creditcore as cc

POLICY = """\
name: retail
version: "3"
tactics:
  - id: fraud
    purpose: keep stolen identities out
    owner: fraud-team
    rules:
      - id: velocity
        when: apply_cnt_7d > 5
        action: reject
        reason: {en: Too many applications, zh: 申请次数过多}
        on_null: review
        tests:
          - {given: {apply_cnt_7d: 6}, hit: true}
          - {given: {apply_cnt_7d: 5}, hit: false}
          - {given: {}, hit: true}
      - id: staff
        when: is_staff
        action: pass
        on_null: no_hit
      - id: night
        when: >
          hour < 5
          AND amount > 1000
        action: score(-20)
        reason: {en: Asked for at night, zh: 夜间申请}
        on_null: no_hit
  - id: credit
    rules:
      - id: burden
        when: amount / income > 0.5
        action: cap(550)
        reason: {en: High burden, zh: 负债过高}
        on_null: error
      - id: watch
        when: amount > 2000
        action: reject
        on_null: no_hit
        mode: shadow
      - id: big
        when: amount > 5000
        action: flag
        on_null: no_hit
"""
FRAME = pl.DataFrame(
    {
        "apply_cnt_7d": [6, 1, None, 0, 0, 0],
        "is_staff": [False, True, False, False, None, False],
        "hour": [3, 3, 12, 3, 12, 12],
        "amount": [6000.0, 6000.0, 100.0, 6000.0, 100.0, 100.0],
        "income": [9000.0, 9000.0, 9000.0, 9000.0, 0.0, None],
    }
)


def written(folder: Path, text: str = POLICY) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def rule(**keys: Any) -> dict[str, Any]:
    return {"id": "r", "when": "x > 1", "action": "flag", "on_null": "no_hit", **keys}


def of_rules(*rules: dict[str, Any]) -> cc.Policy:
    return cc.Policy({"tactics": [{"id": "t", "rules": list(rules)}]})


def test_decisions_follow_file_order(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    decided = policy.decide(FRAME, shadow=True)
    assert decided.columns == ["decision", "rules", "reasons", "effect", "errors", "shadow"]
    assert decided["decision"].to_list() == ["reject", "pass", "review", "pass", "pass", "pass"]
    assert decided["rules"].to_list() == [
        ["velocity"],
        ["staff", "burden", "big"],
        ["velocity"],
        ["night", "burden", "big"],
        [],
        [],
    ]
    assert decided["effect"].to_list() == [None, "cap 550", None, "score -20; cap 550", None, None]
    assert decided["reasons"].to_list()[3] == ["Asked for at night", "High burden", "big"]
    assert policy.decide(FRAME, language="zh")["reasons"].to_list()[0] == ["申请次数过多"]
    assert decided["shadow"].to_list() == [[], ["watch"], [], ["watch"], [], []]
    assert decided["errors"].to_list()[4:] == [
        ["rule `burden`: line 1, column 1: division by zero", "rule `burden`: the condition is unknown"],
        ["rule `burden`: the condition is unknown"],
    ]
    assert policy.decide(FRAME).columns == decided.columns[:5]


def test_a_record_alone_has_the_decision_that_it_has_among_others(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    among = policy.decide(FRAME).rows()
    assert [policy.decide(FRAME[row : row + 1]).rows()[0] for row in range(len(FRAME))] == among
    many = pl.concat([FRAME] * 3000, rechunk=False)
    assert policy.decide(many, threads=1).equals(policy.decide(many, threads=3))
    assert policy.decide(many).rows() == among * 3000


def test_points_take_the_effects(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    blend = cc.Blend(credit={"m": 1})
    made = cc.score({"m": [0.02] * len(FRAME)}, blend, cc.Scaling(), policy.decide(FRAME))
    points = made["points_model"][0]
    assert made["points_final"].to_list() == [points, 550.0, points, 550.0, points, points]


def test_a_slip_is_told_with_its_place_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, POLICY.replace("AND amount > 1000", "AND amuont >> 1000"))
    with pytest.raises(cc.TacticError) as told:
        cc.Policy.load(path)
    assert (told.value.line, told.value.column) == (24, 15)
    assert "policy.yaml`, line 24, column 15: rule `night`: " in str(told.value)
    assert str(told.value).splitlines()[1:] == ["              AND amuont >> 1000", " " * 18 + "^"]
    path = written(
        tmp_path, POLICY.replace("when: apply_cnt_7d > 5", "when: 'aplly_cnt_7d > 5'").split("tests")[0]
    )
    found = cc.Policy.load(path).check(FRAME)
    assert [one.code for one in found] == ["unknown_column"]
    assert "unknown column `aplly_cnt_7d`; did you mean `apply_cnt_7d`?" in str(found[0])
    assert (found[0].line, found[0].column) == (9, 16)


def test_a_column_that_is_not_there_is_told_with_the_rule(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    with pytest.raises(cc.TacticError, match=r"rule `burden`: unknown column `income`"):
        policy.decide(FRAME.drop("income"))
    with pytest.raises(cc.TacticError, match="rule `velocity`: `TEXT` and `BIGINT` cannot be compared"):
        policy.decide(FRAME.with_columns(pl.lit("x").alias("apply_cnt_7d")))


def test_failing_tests_of_a_rule_stop_the_policy(tmp_path: Path) -> None:
    path = written(tmp_path, POLICY.replace("{apply_cnt_7d: 5}, hit: false", "{apply_cnt_7d: 5}, hit: true"))
    with pytest.raises(cc.TacticError, match="the test expects a hit, the rule does not hit") as told:
        cc.Policy.load(path)
    assert told.value.line == 15


def test_days_bound_a_rule() -> None:
    import datetime

    policy = of_rules(rule(**{"from": "2026-01-01", "to": datetime.date(2026, 1, 31)}))
    hit = {"x": [2]}
    for day, expected in (
        ("2025-12-31", []),
        ("2026-01-01", ["r"]),
        ("2026-01-31", ["r"]),
        ("2026-02-01", []),
    ):
        assert policy.decide(hit, as_of=day)["rules"].to_list() == [expected]
    assert [one.code for one in policy.check(as_of="2026-02-01")] == ["expired"]
    assert policy.check(as_of="2026-01-31") == []
    with pytest.raises(cc.ArgumentError, match="`as_of` is `soon`"):
        policy.decide(hit, as_of="soon")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"on_null": "maybe"}, '`on_null` is "maybe"; it is no_hit, hit, review or error'),
        ({"action": "score"}, "; the actions are reject"),
        ({"action": "score(1e30)"}, "`action` is"),
        ({"mode": "dark"}, '`mode` is "dark"; it is `live` or `shadow`'),
        ({"whenn": "x"}, "unknown key `whenn`; did you mean `when`?"),
        ({"id": "a b"}, "`id` is `a b`"),
        ({"id": 7}, "`id` is 7; it is a text: quote it"),
        ({"from": "tomorrow"}, '`from` is "tomorrow"; it is a day'),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "`to` is before `from`"),
        ({"when": "x IN (SELECT 1)"}, "a query inside an expression"),
        ({"when": "x > 1; DROP TABLE t"}, "write one expression, without `;`"),
        ({"when": "(" * 10_000 + "x"}, "nested more than 64 deep"),
        ({"when": "x > " + "1" * (1 << 20)}, "bytes; at most 1048576 are read"),
        ({"when": "x > 0" + " OR x > 1" * 100_000}, "operators"),
        ({"when": 5}, "`when` is 5; it is a condition as text"),
        ({"when": ""}, "the text is empty"),
        ({"reason": {"fr": "non"}}, "unknown key `fr`"),
        ({"tests": [{"given": {"x": 1}}]}, "`hit` is true, false or `error`"),
        (
            {"tests": [{"given": {"y": 1}, "hit": False}]},
            "the test gives `y`, which the condition does not name",
        ),
        ({"tests": [{"given": {"x": "a"}, "hit": False}]}, "the test cannot be run"),
    ],
)
def test_what_is_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(cc.TacticError) as error:
        of_rules(rule(**keys))
    assert told in str(error.value), str(error.value)


def test_a_rule_without_on_null_and_doubled_ids_are_refused() -> None:
    bare = rule()
    del bare["on_null"]
    with pytest.raises(cc.TacticError, match="no key `on_null`; say what the rule does"):
        of_rules(bare)
    with pytest.raises(cc.TacticError, match="`id` `r` is there twice"):
        of_rules(rule(), rule())
    odd: tuple[Any, ...] = ({}, [], "x", {"tactics": []}, {"tactics": [{"id": "t"}]}, {"tactics": [3]})
    for one in odd:
        with pytest.raises(cc.TacticError):
            cc.Policy(one)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "tactics: [" * 100 + "]" * 100,
        "tactics:\n\t- x",
        "tactics: !!python/object/apply:os.system ['true']",
        "tactics: 1\ntactics: 2\n",
        "",
        "\x00",
        "- " * 5000,
    ],
)
def test_odd_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(cc.TacticError):
        cc.Policy.load(written(tmp_path, text))
    with pytest.raises(cc.TacticError, match="cannot be read"):
        cc.Policy.load(tmp_path / "none.yaml")


def test_what_a_rule_does_with_nulls() -> None:
    frame = {"x": [2.0, 0.0, None, float("nan")]}
    for on_null, decisions, errors in (
        ("no_hit", ["reject", "pass", "pass", "pass"], 0),
        ("hit", ["reject", "pass", "reject", "reject"], 0),
        ("review", ["reject", "pass", "review", "review"], 0),
        ("error", ["reject", "pass", "pass", "pass"], 2),
    ):
        decided = of_rules(rule(action="reject", on_null=on_null)).decide(frame)
        assert decided["decision"].to_list() == decisions
        assert decided["errors"].list.len().sum() == errors
    scored = of_rules(rule(action="score(5)", on_null="review")).decide(frame)
    assert scored["effect"].to_list() == ["score 5", None, None, None]
    sql = cc.Policy({"nan": "sql", "tactics": [{"id": "t", "rules": [rule()]}]})
    assert sql.decide(frame)["rules"].to_list() == [["r"], [], [], ["r"]]


def test_a_trace_shows_the_values(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    said = policy.trace(FRAME.row(4, named=True))
    assert [one["id"] for one in said] == [one["id"] for one in policy.rules]
    burden = next(one for one in said if one["id"] == "burden")
    assert burden["truth"] is None
    assert burden["values"] == {"amount": 100.0, "income": 0.0}
    assert burden["errors"][0].endswith("division by zero")
    assert policy.trace(FRAME[4]) == said
    with pytest.raises(cc.ArgumentError, match="the frame has 2 records; a trace is of one"):
        policy.trace(FRAME[:2])


def test_a_trace_of_a_frame_keeps_its_types() -> None:
    policy = of_rules(rule(when="x = CAST(0.1 AS REAL)"))
    frame = pl.DataFrame({"x": pl.Series([0.1], dtype=pl.Float32)})
    assert policy.trace(frame)[0]["hit"]
    assert policy.decide(frame)["rules"].to_list() == [["r"]]


def test_categories_say_the_same(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    many = pl.concat([FRAME] * 900, rechunk=False)
    for language in ("en", "zh"):
        texts = policy.decide(many, shadow=True, language=language)
        made = policy.decide(many, shadow=True, language=language, categories=True)
        assert made.schema["rules"] == pl.List(pl.Categorical)
        assert made.cast({pl.List(pl.Categorical): pl.List(pl.String)}).equals(texts)
    same = of_rules(rule(id="a", reason="one"), rule(id="b", reason="one"))
    assert same.decide({"x": [9.0]}, categories=True)["reasons"].to_list() == [["one", "one"]]
    assert same.decide({"x": [None]}, categories=True)["rules"].to_list() == [[]]


def test_a_tally_counts_what_decide_lists(tmp_path: Path) -> None:
    policy = cc.Policy.load(written(tmp_path))
    many = pl.concat([FRAME] * 900, rechunk=False)
    decided = policy.decide(many, shadow=True)
    told = policy.tally(many)
    counts = dict(decided["decision"].value_counts().rows())
    assert {name: told[name] for name in counts} == counts
    assert told["records"] == len(many)
    listed = pl.concat([decided["rules"].explode(), decided["shadow"].explode()]).drop_nulls()
    assert {name: count for name, count in told["hits"].items() if count} == dict(
        listed.value_counts().rows()
    )
    assert sum(told["errors"].values()) == decided["errors"].list.len().sum()
    assert policy.tally(many, threads=1) == told
