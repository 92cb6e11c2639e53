"""Policies that nobody writes by mistake: refused with a TacticError, in bounded time and memory."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

import creditcore as cc
from creditcore.tactics.data import json_schema

from .test_policy import POLICY, rule, written

SECONDS = 20.0
"""What the slowest of these may take where other programs share the machine; alone they take under two."""


def refused(folder: Path, text: str) -> str:
    path = written(folder, text)
    start = time.process_time()
    with pytest.raises(cc.TacticError) as caught:
        cc.Policy.load(path)
    assert time.process_time() - start < SECONDS
    assert len(str(caught.value)) < 2_000
    assert str(caught.value).startswith(f"`{path}`")
    return str(caught.value)


def with_condition(condition: str) -> str:
    return json.dumps({"tactics": [{"id": "t", "rules": [rule(when=condition)]}]})


def test_references_are_refused_before_they_grow(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "line 2, column 10: not a YAML file: references" in refused(tmp_path, "\n".join(lines))
    assert "references" in refused(tmp_path, "a: &a {b: 1}\ntactics:\n  - <<: *a\n")


@pytest.mark.parametrize("deep", [60, 5_000, 200_000])
def test_deep_files_are_refused(tmp_path: Path, deep: int) -> None:
    assert "more than 50 levels" in refused(tmp_path, "tactics: " + "[" * deep + "]" * deep)
    assert "more than 50 levels" in refused(tmp_path, "tactics: " + "{a: " * deep + "}" * deep)


def test_large_files_are_refused(tmp_path: Path) -> None:
    assert "at most 16777216 are read" in refused(tmp_path, "# " + "x" * (16 << 20))


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("x > 1 OR " * 120_000 + "x > 1", "1048576"),
        ("'" + "a" * (1 << 20) + "' = s", "1048576"),
        ("(" * 10_000 + "x > 1" + ")" * 10_000, "parenthes"),
        ("NOT " * 10_000 + "x > 1", ""),
        ("-" * 10_000 + "x > 1", ""),
        ("x + " * 10_000 + "1 > 0", ""),
        ("CASE WHEN x > 1 THEN " * 2_000 + "TRUE" + " END" * 2_000, ""),
        ("ABS(" * 5_000 + "x" + ")" * 5_000 + " > 1", "parenthes"),
        ("x IN (SELECT y FROM t)", ""),
        ("EXISTS (SELECT 1)", ""),
        ("x > (SELECT MAX(x) FROM t)", ""),
        ("x > 1; DROP TABLE records", ""),
        ("DROP TABLE records", ""),
        ("x > 1 UNION SELECT 1", ""),
        ("ROW_NUMBER() OVER (ORDER BY x) = 1", ""),
        ("COUNT(x) > 1", ""),
        ("READ_CSV('/etc/passwd') IS NULL", ""),
        ("x > 1 --", ""),
        ("x > 1 /* open", ""),
        ("x = 'open", ""),
        ('"open > 1', ""),
        ("\x00", ""),
        ("x > 1e99999999", ""),
        ("x > 99999999999999999999999999", ""),
        ("", ""),
        ("   ", ""),
        ("🦀 🦀", ""),
    ],
)
def test_conditions_that_are_none_are_refused(tmp_path: Path, condition: str, told: str) -> None:
    # `-- ` is SQL's own comment: what stands before it is a condition.
    if condition.endswith("--"):
        cc.Policy.load(written(tmp_path, with_condition(condition)))
        return
    assert told in refused(tmp_path, with_condition(condition))


def test_ids_are_there_once_and_policies_have_an_end(tmp_path: Path) -> None:
    twice = json.dumps({"tactics": [{"id": "t", "rules": [rule(), rule()]}]}, indent=1)
    assert "`id` `r` is there twice; the first stands at" in refused(tmp_path, twice)
    doubled = "name: a\nname: b\ntactics: []\n"
    assert "line 2, column 1: not a YAML file: key `name` is there more than once" in refused(
        tmp_path, doubled
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "text", "tactics:", "tactics: 3", "tactics: [[]]", "? [a]\n: 1\n"]
)
def test_files_of_another_shape_are_refused(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text)


def test_tags_run_nothing(tmp_path: Path) -> None:
    text = "tactics: !!python/object/apply:os.system ['touch hacked']\n"
    assert "not a YAML file" in refused(tmp_path, text)
    assert not Path("hacked").exists()


def test_changed_policies_load_or_are_refused(tmp_path: Path) -> None:
    """Bytes cut, doubled and replaced at every place: a policy, or a TacticError."""
    odd = ["", "\x00", "'", '"', "{", "]", ": ", "&a", "*a", "\t", "(", "9" * 40, "ÿ", "\n  ", "- "]
    loaded, told = 0, []
    for place in range(0, len(POLICY), 7):
        text = POLICY[:place] + odd[place % len(odd)] + POLICY[place + place % 3 :]
        try:
            cc.Policy.load(written(tmp_path, text))
            loaded += 1
        except cc.TacticError as error:
            told.append(str(error))
    assert loaded
    assert all("policy.yaml`" in one for one in told)


def test_the_published_schema_takes_every_policy_that_is_shown() -> None:
    """Those of the docs, which the tests of the docs run, and the one of these tests."""
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    shown = Path(__file__).parents[2].joinpath("docs/tactics.md").read_text(encoding="utf-8")
    texts = [POLICY, *re.findall(r'"""\\\n(.*?)"""', shown, re.DOTALL)]
    assert len(texts) > 1
    for text in texts:
        validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "change",
    [
        {"when": 3},
        {"action": "refuse"},
        {"action": "score()"},
        {"on_null": "ignore"},
        {"mode": "test"},
        {"id": "a b"},
        {"idd": "a"},
        {"reason": {"fr": "non"}},
        {"tests": [{"hit": True}]},
        {"tests": 3},
        {"owner": " "},
    ],
)
def test_what_the_schema_refuses_the_reader_refuses_too(change: dict[str, object]) -> None:
    """And both take the policy before the change."""
    validator = jsonschema.Draft202012Validator(json_schema())
    good = {"time_zone": "UTC", "tactics": [{"id": "t", "rules": [rule()]}]}
    bad = {"tactics": [{"id": "t", "rules": [rule(**change)]}]}
    assert validator.is_valid(good)
    cc.Policy(good)
    assert not validator.is_valid(bad)
    with pytest.raises(cc.TacticError):
        cc.Policy(bad)
