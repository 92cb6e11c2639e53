"""Schema files: read strictly, with errors that name the file, the feature and the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import creditcore as cc

GOOD = """
missing: [-999, "", "\\\\N"]
features:
  - {name: AGE, type: int64, unit: years, clip: [18, null], known_at: application, sensitive: true}
  - {name: CITY, type: category, values: ["310100", 330400], geographic: true}
  - {name: INCOME, type: float64, output: false}
  - {name: RATIO, type: float64, derived: "AGE / INCOME"}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_and_its_arguments_are_the_same_schema(tmp_path: Path) -> None:
    schema = cc.Schema.load(write(tmp_path, GOOD))
    assert schema.names == ["AGE", "CITY", "RATIO"]
    assert schema.sources == ["AGE", "CITY", "INCOME"]
    assert (schema.sensitive, schema.geographic) == (["AGE"], ["CITY"])
    frame = {"AGE": ["17", "", "44"], "CITY": ["330400", "\\N", "x"], "INCOME": [2.0, 4.0, 0.0]}
    made = schema.applied(frame)
    assert made.frame.rows() == [(18, "330400", 9.0), (None, None, None), (44, "x", None)]
    assert made.frame.equals(cc.Schema(**schema.to_dict()).apply(frame))
    counts = {record["feature"]: record for record in made.counts}
    assert counts["AGE"]["null"] == counts["AGE"]["clipped"] == 1
    assert counts["CITY"]["unseen"] == {"x": 1}
    assert made.faults == [
        {"row": 2, "feature": "RATIO", "line": 1, "column": 1, "error": "division by zero"}
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("features: [{name: a, typ: int64}]", "feature `a`: unknown key `typ`; did you mean `type`?"),
        ("feature: []", "unknown key `feature`; did you mean `features`?"),
        ("features: []", "`features` holds 0"),
        ("features: [{name: a}]", "feature `a`: no key `type`; the types are float64"),
        ("features: [{type: int64}]", "feature 1: no key `name`"),
        ("features: [{name: a, type: int}]", "feature `a`: no type `int`"),
        ("features: [{name: a, type: int64}, {name: a, type: text}]", "feature `a` is there more than once"),
        (
            "features:\n  - name: a\n    name: b",
            "line 3, column 5: not a YAML file: key `name` is there more than once",
        ),
        ("features: [{name: a, type: text, clip: [0, 1]}]", "`clip` belongs to numbers"),
        ("features: [{name: a, type: int64, clip: [2, 1]}]", "least value `2` above the greatest `1`"),
        ("features: [{name: a, type: text, values: [b]}]", "`values` belongs to a category"),
        ("features: [{name: a, type: int64, sensitive: 1}]", "`sensitive` is `1`; it is true or false"),
        ("features: [{name: a, type: int64, missing: 5}]", "`missing` is not a list of codes"),
        ("features: [{name: a, type: int64, derived: b, source: c}]", "exclude each other"),
        ("features: [{name: a, type: int64, derived: 'b +'}]", "feature `a`: `derived`, line 1, column 4"),
        ("features: [{name: a, type: int64, derived: a + 1}]", "in a circle: `a` from `a`"),
        (
            "features: [{name: a, type: int64, derived: b}, {name: b, type: int64, derived: c},"
            " {name: c, type: int64, derived: a}]",
            "in a circle: `a` from `b` from `c` from `a`",
        ),
        ("features: &x [*x]", "references"),
        ("features: " + "[" * 60 + "]" * 60, "more than 50 levels"),
        ("[1", "not a YAML file"),
        ("- 1", "the schema is not a mapping of keys"),
        ("!!python/object:os.system {}", "not a YAML file"),
        ("nan: maybe\nfeatures: []", "`nan` is `maybe`; it is `null` or `sql`"),
    ],
)
def test_a_fault_names_the_file_and_the_key(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(cc.SchemaError) as error:
        cc.Schema.load(path)
    assert str(path) in str(error.value)
    assert told in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(cc.SchemaError, match=r"no\.yaml`: cannot be read: No such file"):
        cc.Schema.load(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    "features", [[{"name": "a", "type": object()}], ["a"], [{"name": 5, "type": "text"}]]
)
def test_arguments_are_read_as_strictly(features: list[Any]) -> None:
    with pytest.raises(cc.SchemaError, match="`schema`"):
        cc.Schema(features)


def test_a_derived_feature_never_computes_with_codes_for_missing(tmp_path: Path) -> None:
    raw = GOOD.replace("  - {name: INCOME, type: float64, output: false}\n", "")
    with pytest.raises(cc.SchemaError, match=r"RATIO: `derived` names the column `INCOME`.*output: false"):
        cc.Schema.load(write(tmp_path, raw))
    own: list[dict[str, Any]] = [
        {"name": "debt", "source": "DEBT", "type": "float64", "missing": [-999]},
        {"name": "more", "type": "float64", "derived": "DEBT * 2"},
    ]
    with pytest.raises(cc.SchemaError, match="name the feature `debt` instead"):
        cc.Schema(own)
    own[1]["derived"] = "debt * 2"
    assert cc.Schema(own).apply({"DEBT": [1.0, -999.0]})["more"].to_list() == [2.0, None]
