"""Where the keys of a TOML text stand.

Comes in: the text of a TOML file that `tomllib` could read. Goes out: for a path of keys (and places in
lists) the number of its line, from 1. `tomllib` tells no places; what is found here serves messages only and
decides nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

Path = tuple[str | int, ...]
_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?")
_ASSIGNED = re.compile(rf"\s*({_DOTTED})\s*=")
# What is no bracket of a list: texts of every kind, and comments.
_SILENT = re.compile(
    r'"""(?:\\.|.)*?"""|'
    r"'''.*?'''|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'|"
    r"\#[^\n]*",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """Give the line of every table and key of a TOML text; of keys in inline tables, the line of the table.

    >>> key_lines('[columns]\\nkey = "id"\\n\\n[[rankings]]\\nby = ["city"]\\n')
    {('columns',): 1, ('columns', 'key'): 2, ('rankings', 0): 4, ('rankings', 0, 'by'): 5}
    """
    found: dict[Path, int] = {}
    table: Path = ()
    many = Counter[Path]()
    for line, statement in _statements(text):
        if header := _HEADER.match(statement):
            table = _names(header[2])
            table = _inside(table[:-1], many) + table[-1:]
            if header[1] == "[[":
                many[table] += 1
                table = (*table, many[table] - 1)
            found.setdefault(table, line)
        elif assigned := _ASSIGNED.match(statement):
            path = (*table, *_names(assigned[1]))
            found.setdefault(path, line)
            for inner in _inline(statement[assigned.end() :]):
                found.setdefault((*path, inner), line)
    return found


def line_of(lines: dict[Path, int], path: Sequence[str | int]) -> int | None:
    """Give the line of a path, or of the nearest one above it; None where nothing of it is in the text."""
    known = tuple(path)
    while known and known not in lines:
        known = known[:-1]
    return lines.get(known)


def _statements(text: str) -> list[tuple[int, str]]:
    """Give statements with the number of their first line: lists and texts over several lines are one."""
    blank = _SILENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    starts, depth, line, start = [], 0, 1, 0
    for place, character in enumerate(blank):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0)
        if character == "\n":
            if depth <= 0 and not _in_text(text, place):
                starts.append((line - blank.count("\n", start, place), text[start:place]))
                start = place + 1
            line += 1
    return [*starts, (line - blank.count("\n", start), text[start:])]


def _in_text(text: str, place: int) -> bool:
    """Whether a line ends inside of a text of several lines."""
    return any(found.start() <= place < found.end() for found in _SILENT.finditer(text) if "\n" in found[0])


def _inline(value: str) -> list[str]:
    """Give the keys of an inline table, which stands on one line."""
    if not value.lstrip().startswith("{"):
        return []
    return [_names(found[1])[0] for found in re.finditer(rf"[{{,]\s*({_KEY})\s*[.=]", value)]


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(found[0].strip("\"'") for found in re.finditer(_KEY, dotted))


def _inside(path: tuple[str, ...], many: Counter[Path]) -> Path:
    """Put the place of the last entry behind the name of every list of tables."""
    made: Path = ()
    for name in path:
        made = (*made, name)
        if many[made]:
            made = (*made, many[made] - 1)
    return made
