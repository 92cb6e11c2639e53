"""Configurations: what is refused and where, what freezes, and what changes a fingerprint."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import creditcore as cc
from creditcore.config.config import Config
from creditcore.demo import UCI_CASE
from tests.cli.test_rank_verb import run

TEXT = """[columns]
key = "ID"
region = "adcode"
kind = "kind"
event_time = "applied"

[fleet]
models = "models"

[network]
identifiers = {device = "device_id", phone = ["mobile", "home"]}
key_file = "hash.key"

[policy]
file = "policy.yaml"

[weights]
column = "exposure"
step = 0.01

[population]
kind = "person"
exclude = {staff = "is_staff"}

[[rankings]]
by = ["city", "province"]

[[rankings]]
by = "EDUCATION"
min_n = 30
"""
POLICY = """
lists:
  blocked: {file: blocked.txt}
tactics:
  - {id: t, table: t.csv, hit: first, on_null: no_hit}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "a"
    shutil.copytree(UCI_CASE, folder / "models")
    (folder / "models" / "blend.toml").write_text('on_null = "refuse"\n')
    (folder / "hash.key").write_text("0123456789abcdef")
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "blocked.txt").write_text("138\n")
    (folder / "t.csv").write_text("AGE,action\n< 18,reject\n")
    (folder / "creditcore.toml").write_text(TEXT)
    return folder


def test_a_file_is_read_with_its_paths_relative_to_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    config = Config.load("a/creditcore.toml")
    assert config.columns.key == "ID"
    assert config.weights is not None
    assert (config.weights.step, config.weights.units) == ("1/100", 100)
    assert config.by == ["city", "province", "EDUCATION"]
    assert config.grouping_columns == ["EDUCATION"]
    assert config.blend_file is not None
    assert config.blend_file.resolve() == folder / "models" / "blend.toml"
    assert config.network is not None
    assert config.network.sources == ["device_id", "mobile", "home"]
    again = Config.of(config.to_dict(), folder)
    assert again.to_dict() == config.to_dict()
    assert json.loads(json.dumps(config.to_dict())) == config.to_dict()
    assert again.fingerprint == config.fingerprint
    with pytest.raises(Exception, match="frozen"):
        config.columns.key = "x"


WRONG = [
    ('key = "ID"', 'ky = "ID"', 2, "`columns.ky`: unknown key; did you mean `key`?"),
    ('key = "ID"', "", 1, "`columns.key`: this key is missing"),
    ('key = "ID"', "key = 3", 2, "`columns.key`: it is `3`; a text is needed"),
    ("[weights]", "[weihgts]", 17, "`weihgts`: unknown key; did you mean `weights`?"),
    ("step = 0.01", "step = 0.3", 19, "`weights.step`: it is `0.3`; 1 divided by a whole number"),
    ("step = 0.01", "step = true", 19, "1 divided by a whole number"),
    ("min_n = 30", "min_n = 0", 30, "`rankings[1].min_n`: it is `0`; a number at least 1 is needed"),
    ("min_n = 30", "min_n = 1.5", 30, "a whole number is needed"),
    ('by = "EDUCATION"', 'by = "city"', 29, "`rankings[1].by`: `city` is ranked by already"),
    ('by = "EDUCATION"', "by = []", 29, "one entry is needed at least"),
    ('region = "adcode"', "", 26, "`rankings[0].by`: `city` is of the region table; say `region`"),
    ('kind = "kind"', "", 22, "`population.kind`: it goes by a column; say `kind` in `[columns]`"),
    ('"hash.key"', '"no.key"', 12, "`network.key_file`: there is no file"),
    ('"policy.yaml"', '"no.yaml"', 15, "`policy.file`: there is no file"),
    ('device = "device_id"', "device = 4", 11, "`network.identifiers.device`: it is `4`; a table is needed"),
    ('staff = "is_staff"', 'staff = "is_staff ="', 23, "`population.exclude.staff`: expected: an expr"),
    ('staff = "is_staff"', 'other_kind = "is_staff"', 23, "`other_kind` is a cause of its own"),
    ("[population]", "[time]\nzone = 'Mars'\n[population]", 22, "`time.zone`: it is `'Mars'`; a time zone"),
    ("[[rankings]]", "[rankings]", 25, "`rankings`: it is"),
]


@pytest.mark.parametrize(("old", "new", "line", "told"), WRONG)
def test_what_is_wrong_is_told_with_file_line_and_key(
    folder: Path, old: str, new: str, line: int, told: str
) -> None:
    file = folder / "creditcore.toml"
    text = TEXT.replace(old, new, 1)
    if new == "[rankings]":
        text = text[: text.index("[[rankings]]")]
    file.write_text(text)
    with pytest.raises(cc.SchemaError) as raised:
        Config.load(file)
    assert str(raised.value).startswith(f"`{file}`, line {line}: ")
    assert told in str(raised.value)


def test_what_is_no_toml_is_told_with_its_line(folder: Path) -> None:
    file = folder / "creditcore.toml"
    for text, told in (("[columns\n", "not TOML: .*line 1"), ("a = 1\na = 2\n", "not TOML: .*line 2")):
        file.write_text(text)
        with pytest.raises(cc.SchemaError, match=told):
            Config.load(file)
    file.write_bytes(b"\xff")
    with pytest.raises(cc.SchemaError, match="it is not UTF-8"):
        Config.load(file)
    with pytest.raises(cc.SchemaError, match="cannot be read: No such file"):
        Config.load(folder / "none.toml")


def changed(folder: Path, name: str) -> str:
    path = folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    return Config.load(folder / "creditcore.toml").fingerprint


def test_a_fingerprint_is_of_contents_and_not_of_places(folder: Path) -> None:
    first = Config.load(folder / "creditcore.toml").fingerprint
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    moved = folder.parent / "b"
    shutil.copytree(folder, moved)
    (moved / "models" / "README").write_text("beside the models")
    (moved / "hash.key").write_text("another key, 16 bytes")
    (moved / "policy.yaml").rename(moved / "rules.yaml")
    (moved / "creditcore.toml").write_text("# moved\n" + TEXT.replace("policy.yaml", "rules.yaml"))
    assert Config.load(moved / "creditcore.toml").fingerprint == first
    seen = {first}
    names = ["policy.yaml", "blocked.txt", "t.csv", "models/blend.toml", "models/fleet.toml"]
    for name in [*names, "models/model.json.gz"]:
        after = changed(folder, name)
        # A blank line at the end of a fleet file says nothing else.
        assert (after in seen) == (name == "models/fleet.toml"), name
        seen.add(after)
    (folder / "creditcore.toml").write_text(TEXT.replace("min_n = 30", "min_n = 31"))
    assert Config.load(folder / "creditcore.toml").fingerprint not in seen


def test_the_json_schema_knows_every_key_and_is_printed(folder: Path) -> None:
    schema = Config.json_schema()
    sections = set(schema["properties"])
    assert {"columns", "schema", "fleet", "weights", "population", "rankings"} <= sections
    assert schema["additionalProperties"] is False

    def undescribed(node: Any, path: str) -> list[str]:
        found = []
        for name, one in node.get("properties", {}).items():
            found += [f"{path}.{name}"] if "description" not in one else []
        return found

    assert [text for name, node in schema["$defs"].items() for text in undescribed(node, name)] == []
    printed = run("config", "schema")
    assert printed.returncode == 0
    assert json.loads(printed.stdout) == schema
    checked = run("config", "check", folder / "creditcore.toml", "--json")
    assert checked.returncode == 0, checked.stderr
    found = json.loads(checked.stdout)
    assert found["fingerprint"] == Config.load(folder / "creditcore.toml").fingerprint
    assert found["config"]["rankings"][1] == {"by": ["EDUCATION"], "min_n": 30}
    (folder / "creditcore.toml").write_text("[colums]\n")
    told = run("config", "check", folder / "creditcore.toml")
    assert told.returncode == 1
    assert told.stdout == ""
    assert "line 1: `colums`: unknown key" in told.stderr
