"""Lists, tables, and checks of sense, as files give them."""

from __future__ import annotations

from pathlib import Path

import pytest

import creditcore as cc
from creditcore._core import keyed_hashes
from creditcore.hash_keys import KEY_VARIABLE
from creditcore.tactics.parts import key_of_text

from .test_policy import of_rules, rule, written

LISTED = """\
lists:
  blocked: {file: blocked.txt}
  vip: {values: [13800000000, x1]}
tactics:
  - id: t
    rules:
      - {id: block, when: "IN_LIST(phone, 'blocked')", action: reject, on_null: no_hit}
      - {id: vip, when: "NOT IN_LIST(phone, 'vip')", action: flag, on_null: no_hit}
"""


def test_lists_know_their_values(tmp_path: Path) -> None:
    (tmp_path / "blocked.txt").write_text("13900000001\n\n 13900000002 \r\n", encoding="utf-8")
    policy = cc.Policy.load(written(tmp_path, LISTED))
    texts = {"phone": ["13900000001", "13900000002", "13800000000", "x1", None]}
    assert policy.decide(texts)["rules"].to_list() == [["block"], ["block"], [], [], []]
    numbers = {"phone": [13900000001, 13900000002, 13800000000, 1, None]}
    assert policy.decide(numbers)["rules"].to_list() == [["block"], ["block"], [], ["vip"], []]
    with pytest.raises(cc.TacticError, match="unknown list `blocke`; did you mean `blocked`"):
        cc.Policy.load(written(tmp_path, LISTED.replace("'blocked'", "'blocke'")))
    with pytest.raises(cc.SourceError, match=r"none\.txt"):
        cc.Policy.load(written(tmp_path, LISTED.replace("blocked.txt", "none.txt")))
    with pytest.raises(cc.TacticError, match="list `vip` is"):
        cc.Policy.load(written(tmp_path, LISTED.replace("values:", "value:")))


def test_hashed_lists_need_their_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    key = "correct horse battery staple"
    hashes = keyed_hashes(["13900000001"], list(key_of_text(key, "test")))
    (tmp_path / "blocked.txt").write_text("".join(f"{one:016x}\n" for one in hashes))
    text = LISTED.replace("blocked.txt}", "blocked.txt, hashed: true}")
    phones = {"phone": ["13900000001", "13900000002"]}
    with pytest.raises(cc.TacticError, match="need the key that made them; say `key_file`, or set"):
        cc.Policy.load(written(tmp_path, text))
    (tmp_path / "key.txt").write_text(key)
    policy = cc.Policy.load(written(tmp_path, "key_file: key.txt\n" + text))
    assert policy.decide(phones)["decision"].to_list() == ["reject", "pass"]
    monkeypatch.setenv(KEY_VARIABLE, key)
    assert cc.Policy.load(written(tmp_path, text)).decide(phones)["decision"].to_list() == ["reject", "pass"]
    monkeypatch.setenv(KEY_VARIABLE, "another key of some length")
    assert cc.Policy.load(written(tmp_path, text)).decide(phones)["decision"].to_list() == ["pass", "pass"]
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(cc.TacticError, match="the key has 5 characters; 16 are the fewest"):
        cc.Policy.load(written(tmp_path, text))


TABLE = """\
age,city,action,reason
[18..25),"'a', 'b'",cap(500),young
>= 25,a,score(5),
[18..25),c,review,odd
"""
TABLED = """\
tactics:
  - {id: limits, table: limits.csv, hit: unique, on_null: no_hit}
"""


def test_tables_are_rules(tmp_path: Path) -> None:
    (tmp_path / "limits.csv").write_text(TABLE, encoding="utf-8")
    policy = cc.Policy.load(written(tmp_path, TABLED))
    assert [one["when"] for one in policy.rules] == [
        '("age" >= 18 AND "age" < 25) AND "city" IN (\'a\', \'b\')',
        '"age" >= 25 AND "city" = \'a\'',
        '("age" >= 18 AND "age" < 25) AND "city" = \'c\'',
    ]
    decided = policy.decide({"age": [18, 25, 24, 17, None], "city": ["b", "a", "c", "a", "a"]})
    assert decided["rules"].to_list() == [["limits/1"], ["limits/2"], ["limits/3"], [], []]
    assert decided["effect"].to_list() == ["cap 500", "score 5", None, None, None]
    found = policy.check()
    assert [one.code for one in found] == ["gap"]
    assert "no row fits a record with `age` -9223372036854775808, `city` " in str(found[0])


def test_overlaps_of_a_unique_table(tmp_path: Path) -> None:
    (tmp_path / "limits.csv").write_text("age,action\n<= 18,reject\n>= 18,review\n")
    for hit, codes, rules, errors in (
        ("unique", ["overlap"], ["limits/1"], 0),
        ("first", [], ["limits/1"], 0),
        ("collect", [], ["limits/1"], 0),
    ):
        policy = cc.Policy.load(written(tmp_path, TABLED.replace("unique", hit)))
        assert [one.code for one in policy.check()] == codes
        decided = policy.decide({"age": [18]})
        assert decided["rules"].to_list() == [rules]
        assert decided["errors"].list.len().to_list() == [errors]
    flags = "age,action\n<= 18,flag\n>= 18,flag\n"
    (tmp_path / "limits.csv").write_text(flags)
    for hit, ids, told in (
        ("unique", ["limits/1"], ["rule `limits/2`: a second row of its table fits"]),
        ("first", ["limits/1"], []),
        ("collect", ["limits/1", "limits/2"], []),
    ):
        decided = cc.Policy.load(written(tmp_path, TABLED.replace("unique", hit))).decide({"age": [18]})
        assert decided["rules"].to_list() == [ids]
        assert decided["errors"].to_list() == [told]


def test_findings_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "limits.csv").write_text("age,action\n<= 18,reject\n>= 18,review\n")
    rules = [f"{{id: r{n}, when: x > 5 AND x < {n}e-1, action: flag, on_null: no_hit}}" for n in range(12)]
    text = "".join(["tactics:\n  - id: t\n    rules:\n", *(f"      - {one}\n" for one in rules)])
    last = "  - {id: u, rules: [{id: last, when: y > 1 AND y < 0, action: flag, on_null: no_hit}]}\n"
    path = written(tmp_path, text + TABLED.partition("\n")[2] + last)
    found = cc.Policy.load(path).check()
    assert [one.code for one in found] == [*["always_false"] * 12, "overlap", "always_false"]
    assert [one.line for one in found] == [*range(4, 18)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("age,action\n>= ,flag\n", "column `age` holds `>=`; write"),
        ("age,action\n1,flagg\n", "did you mean `flag`?"),
        ("age,action\n1\n", "line 2: 1 cells; 2 are needed"),
        ("age\n1\n", "`action` among them"),
        ("", "the table is empty"),
        ("age,action\n'a' OR 1,flag\n", "column `age` holds `'a' OR 1`"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "limits.csv").write_text(text)
    with pytest.raises(cc.TacticError) as error:
        cc.Policy.load(written(tmp_path, TABLED))
    assert told in str(error.value)


def test_rules_without_sense_are_told_with_their_line(tmp_path: Path) -> None:
    text = """\
tactics:
  - id: t
    rules:
      - {id: a, when: age > 60, action: reject, on_null: no_hit}
      - {id: b, when: age > 65 AND city = 'x', action: flag, on_null: no_hit}
      - {id: c, when: age > 1 AND age < 1, action: flag, on_null: no_hit}
"""
    found = cc.Policy.load(written(tmp_path, text)).check({"age": "integer", "city": "text"})
    assert [(one.level, one.code, one.line) for one in found] == [
        ("warning", "unreachable", 5),
        ("warning", "always_false", 6),
    ]
    assert "rule `a` rejects every record that it hits" in str(found[0])


def test_schemas_tell_the_columns() -> None:
    schema = cc.Schema([{"name": "AGE", "type": "int64", "source": "age"}])
    policy = of_rules(rule(when="AGE > 5 AND fraud_p < 0.5 AND age = 3"))
    assert policy.check(schema) == []
    assert [one.code for one in of_rules(rule(when="AGE > 5 AND m1 > 1")).check(schema)] == ["unknown_column"]
    assert of_rules(rule(when="AGE > 5 AND m1 > 1")).check(schema, also=["m1"]) == []
    assert [one.code for one in of_rules(rule(when="AGE = 'a'")).check(schema)] == ["types"]
