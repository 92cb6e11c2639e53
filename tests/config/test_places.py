"""Lines of keys: held against what `tomllib` reads of the text above them."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from creditcore.config.places import key_lines, line_of

TEXT = '''# comment = 1
title = """
[no.table]
a = 1
"""  # ]

[a]
b = [
  "x]", # ] y = 3
  [1, 2],
]
"quoted.key" = 'it''s'
c.d.e = {f = 1, "g" = {h = 2}}

[[a.list]]
n = 1
[[a.list]]
n = 2
[a.list.inner]
m = "#"
[ z . y ]
x = """one"""
last = true
'''.replace("''", "")


def test_lines_of_every_form_of_key() -> None:
    found = key_lines(TEXT)
    assert tomllib.loads(TEXT)["a"]["list"][1]["inner"]["m"] == "#"
    expected = {
        ("title",): 2,
        ("a",): 7,
        ("a", "b"): 8,
        ("a", "quoted.key"): 12,
        ("a", "c", "d", "e"): 13,
        ("a", "c", "d", "e", "f"): 13,
        ("a", "list", 0, "n"): 16,
        ("a", "list", 1): 17,
        ("a", "list", 1, "n"): 18,
        ("a", "list", 1, "inner", "m"): 20,
        ("z", "y", "x"): 22,
        ("z", "y", "last"): 23,
    }
    assert {path: found.get(path) for path in expected} == expected
    assert not any("no" in path or "y = 3" in path for path in found)


def test_the_nearest_path_above_stands_for_one_without_a_line() -> None:
    lines = key_lines("[a]\nb = 1\n")
    assert line_of(lines, ("a", "b", "c")) == 2
    assert line_of(lines, ("a", "d")) == 1
    assert line_of(lines, ("d",)) is None


def reached(text: str, path: tuple[str | int, ...]) -> bool:
    """Whether a text has a value under a path."""
    value: Any = tomllib.loads(text)
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


VALUES = st.sampled_from(
    [
        "1",
        '"a = [b"',
        "'#'",
        '["x", "]"]',
        "[\n1, # [\n2,\n]",
        '"""\n[t]\nk = 1\n"""',
        "'''\n]]\n'''",
        "{i = 1}",
    ]
)
NAMES = st.sampled_from(["a", "b", "c", '"d e"', "'f.g'"])


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    """Texts of tables, lists of tables and keys, each name once in its table."""
    lines = []
    for table in draw(st.lists(NAMES, unique=True, max_size=4)):
        for _ in range(draw(st.integers(1, 3))):
            many = draw(st.booleans())
            if not many and f"[{table}]" in lines:
                break
            if f"[{table}]" in lines or (not many and f"[[{table}]]" in lines):
                break
            lines.append(f"[[{table}]]" if many else f"[{table}]")
            for name in draw(st.lists(NAMES, unique=True, max_size=3)):
                lines += [f"{name} = {draw(VALUES)}", *draw(st.sampled_from([[], ["# x = 1"], [""]]))]
    return "\n".join(lines) + "\n"


@given(toml_texts())
def test_a_key_begins_on_its_line_and_not_above(text: str) -> None:
    rows = text.splitlines(keepends=True)
    found = key_lines(text)
    for path, line in found.items():
        assert reached(text, path)
        assert not reached("".join(rows[: line - 1]), path)
        assert str([name for name in path if isinstance(name, str)][-1]) in rows[line - 1]

    def leaves(value: Any, path: tuple[str | int, ...]) -> None:
        assert path in found or not path
        for name, inner in value.items():
            for place, one in enumerate(inner) if isinstance(inner, list) else ():
                if isinstance(one, dict):
                    leaves(one, (*path, name, place))
            if isinstance(inner, dict):
                leaves(inner, (*path, name))
            elif not isinstance(inner, list) or not inner or not isinstance(inner[0], dict):
                assert (*path, name) in found

    leaves(tomllib.loads(text), ())
