"""What a policy's file names beside its rules: lists of values, decision tables, the key of hashes.

Comes in: the plain data of a policy, the folder that its paths are relative to. Goes out: the same data with
tables read in, and where each list comes from.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from creditcore.errors import TacticError
from creditcore.hash_keys import KEY_VARIABLE, SHORTEST_KEY, key_of, random_key

LARGEST_TABLE = 16 << 20
"""The most bytes of a table."""
OUTPUTS = ("id", "action", "reason", "reason_zh")
"""The columns of a table that are no conditions."""
ListOrigin = tuple[str, str | None, list[str], bool]


def read_lists(told: Any, folder: Path, place: str) -> list[ListOrigin]:
    """Give for each list its name, file, values, and whether it holds hashes.

    Raises:
        TacticError: a list that names neither or both of `file` and `values`, or another key.
    """
    lists = told.get("lists") if isinstance(told, Mapping) else None
    if lists is None:
        return []
    if not isinstance(lists, Mapping):
        raise TacticError(
            f"`{place}`: `lists` is a mapping of names to `{{file: ...}}` or `{{values: [...]}}`"
        )
    found: list[ListOrigin] = []
    for name, origin in lists.items():
        keys = set(origin) if isinstance(origin, Mapping) else set()
        if keys - {"hashed"} not in ({"file"}, {"values"}) or not isinstance(
            origin.get("hashed", False), bool
        ):
            told_form = "write `{file: ...}` (with `hashed: true` for hashes) or `{values: [...]}`"
            raise TacticError(f"`{place}`: list `{name}` is `{origin}`; {told_form}")
        if "values" in keys:
            values = origin["values"]
            if not isinstance(values, Sequence) or isinstance(values, str) or "hashed" in keys:
                raise TacticError(f"`{place}`: list `{name}`: `values` is a list of texts and whole numbers")
            found.append((str(name), None, [str(value) for value in values], False))
        else:
            path = os.fspath(folder / str(origin["file"]))
            found.append((str(name), path, [], origin.get("hashed", False)))
    return found


def hash_key(told: Any, folder: Path, place: str, *, needed: bool) -> bytes:
    """Give the key of hashes: of `key_file`, of the environment, or a random one where none must last.

    Raises:
        TacticError: a key that is too short or cannot be read, or none where hashes were made before.
    """
    text: str | None = None
    key_file = told.get("key_file") if isinstance(told, Mapping) else None
    if key_file is not None:
        try:
            text = (folder / str(key_file)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise TacticError(
                f"`{place}`: `key_file` `{key_file}` cannot be read as text: {error}"
            ) from error
    elif KEY_VARIABLE in os.environ:
        text = os.environ[KEY_VARIABLE].strip()
    if text is None:
        if needed:
            told_way = f"say `key_file`, or set `{KEY_VARIABLE}`"
            raise TacticError(
                f"`{place}`: a list holds hashes, which need the key that made them; {told_way}"
            )
        return random_key()
    return key_of_text(text, place)


def key_of_text(text: str, place: str) -> bytes:
    """Give the key of a secret text, by the rule of `creditcore.hash_keys`.

    Raises:
        TacticError: a key that is too short.
    """
    key = key_of(text.encode())
    if key is None:
        raise TacticError(f"`{place}`: the key has {len(text)} characters; {SHORTEST_KEY} are the fewest")
    return key


def with_tables(told: Any, folder: Path, place: str) -> Any:
    """Give the data with the rows of every table read in.

    Raises:
        TacticError: a table that cannot be read.
    """
    tactics = told.get("tactics") if isinstance(told, Mapping) else None
    if not isinstance(tactics, Sequence) or isinstance(tactics, str):
        return told
    made = []
    for tactic in tactics:
        if isinstance(tactic, Mapping) and isinstance(tactic.get("table"), str) and "rows" not in tactic:
            tactic = {**tactic, "rows": _rows(folder / tactic["table"], place)}
        made.append(tactic)
    return {**told, "tactics": made}


def _rows(path: Path, place: str) -> list[dict[str, Any]]:
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise TacticError(f"`{path}`: more than {LARGEST_TABLE} bytes")
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file, strict=True) if any(cell.strip() for cell in line)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TacticError(f"`{place}`: table `{path}` cannot be read: {error}") from error
    if not lines:
        raise TacticError(f"`{path}`: the table is empty; its first line names columns")
    names = [name.strip() for name in lines[0]]
    if len({*names}) != len(names) or "" in names or "action" not in names:
        raise TacticError(f"`{path}`: the first line names columns, each once, `action` among them: {names}")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(names):
            raise TacticError(f"`{path}`, line {number}: {len(line)} cells; {len(names)} are needed")
        cells = {name: cell.strip() for name, cell in zip(names, line, strict=True)}
        row: dict[str, Any] = {"action": cells["action"]}
        if cells.get("id"):
            row["id"] = cells["id"]
        texts = {"en": cells.get("reason", ""), "zh": cells.get("reason_zh", "")}
        if any(texts.values()):
            row["reason"] = {language: text for language, text in texts.items() if text}
        row["cells"] = {name: cell for name, cell in cells.items() if name not in OUTPUTS}
        rows.append(row)
    return rows
