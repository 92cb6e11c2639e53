"""What a policy is checked against, and what is found.

Comes in: schemas, days, plain data of YAML. Goes out: names and types of columns, numbers of days, JSON;
and the noun `Finding`.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from creditcore.documents import DocumentError
from creditcore.errors import ArgumentError, TacticError
from creditcore.features import Schema
from creditcore.sources import as_paths, open_source
from creditcore.times import read_day

SCORES = ("fraud_p", "pd", "points_model")
"""The columns of a score that rules may use beside features and the outputs of models."""
_EPOCH = date(1970, 1, 1)
_KINDS = {"float64": "double", "float32": "double", "int64": "integer", "text": "text", "category": "text"}


@dataclass(frozen=True)
class Finding:
    """Something wrong with a policy.

    Attributes:
        level: `error`, the policy cannot be used; `warning`, it says what was hardly meant.
        code: what kind, in one word.
        subject: the rule or the tactic.
        text, hint: what, and what to write instead.
        file, line, column: where, from 1.
        shown: the line of the file, with a caret under the place.
    """

    level: str
    code: str
    subject: str | None
    text: str
    hint: str | None
    file: str
    line: int
    column: int
    shown: str

    def __str__(self) -> str:
        """Give the finding as a person reads it."""
        place = f"`{self.file}`, line {self.line}, column {self.column}: "
        subject = f"{self.subject}: " if self.subject else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{subject}{self.text}{hint}{self.shown}"

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as plain data."""
        kept = ("level", "code", "subject", "text", "hint", "file", "line", "column")
        return {name: getattr(self, name) for name in kept}


def check_file(
    policy: str | os.PathLike[str],
    schema: str | os.PathLike[str] | None = None,
    *,
    also: Sequence[str] = (),
    as_of: date | str | None = None,
) -> list[Finding]:
    """Look for what is wrong with a policy's file.

    Args:
        policy: the file.
        schema: a schema's file (`.yaml`), or records.
        also, as_of: as in `Policy.check`.

    Returns:
        Findings in file order.

    Raises:
        TacticError: a file that cannot be read; one that is no YAML is a finding.
    """
    from creditcore.tactics.policy import Policy

    try:
        read = Policy.load(policy)
    except TacticError as error:
        if error.findings:
            return [one for one in error.findings if isinstance(one, Finding)]
        raise
    known = None if schema is None else columns_of_file(schema)
    return read.check(known, also=also, as_of=as_of)


def columns_of_file(path: str | os.PathLike[str]) -> Any:
    """Give what says which columns there are: a schema (`.yaml`), or the records' own path."""
    return Schema.load(path) if os.fspath(path).endswith((".yaml", ".yml")) else path


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of policy files."""
    text = resources.files("creditcore").joinpath("data/policy.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def unreadable(error: DocumentError, place: str) -> TacticError:
    """Give the fault of a file that is no YAML as one of a policy, with its finding."""
    found = Finding("error", "yaml", None, error.text, None, place, error.line, error.column, error.shown)
    made = TacticError(str(found))
    made.line, made.column, made.findings = error.line, error.column, [found]
    return made


def today(zone: str | None = None) -> date:
    """Give today's date in a zone, by default UTC."""
    return datetime.now(_zone(zone) or UTC).date()


def zone_of(told: Any) -> tzinfo | None:
    """Give the zone that a policy's data names; none where it names none, or none that there is."""
    name = told.get("time_zone") if isinstance(told, Mapping) else None
    return _zone(name) if isinstance(name, str) else None


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    if found := re.fullmatch(r"([+-])(\d\d):?(\d\d)?", name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def day_number(told: date | str) -> int:
    """Give a day as the number of days since 1970.

    Raises:
        ArgumentError: what is no day.
    """
    if isinstance(told, datetime):
        told = told.date()
    if isinstance(told, str):
        told = read_day(told, "as_of")
    if not isinstance(told, date):
        raise ArgumentError(f"`as_of` is a `{type(told).__name__}`; give a date or a text such as 2026-01-31")
    return (told - _EPOCH).days


def known_columns(schema: Any) -> list[tuple[str, str]]:
    """Give names and types of the columns that rules may name; an empty text for any type."""
    if isinstance(schema, Schema):
        features = {one["name"]: _KINDS.get(one["type"], one["type"]) for one in schema.features}
        sources = {name: "" for name in schema.sources if name not in features}
        return [*(features | sources).items(), *((name, "double") for name in SCORES if name not in features)]
    if isinstance(schema, Mapping) and all(isinstance(kind, str) for kind in schema.values()):
        return list(schema.items())
    if isinstance(schema, list | tuple) and all(isinstance(name, str) for name in schema):
        return [(name, "") for name in schema]
    from creditcore._frame import column_kinds, source_parts

    if as_paths(schema) is None:
        return column_kinds(schema)
    opened = open_source(schema)
    names = opened.column_names()
    first = next(source_parts(opened, [(name, "key") for name in names]), None)
    kinds = [kind for _, kind in column_kinds(first[0])] if first is not None else [""] * len(names)
    # Columns of CSV are all texts until a rule asks for numbers.
    untyped = set(kinds) <= {"text", ""}
    return [(name, "" if untyped else kind) for name, kind in zip(names, kinds, strict=True)]


def plain(value: Any, *, given: bool = False, zone: tzinfo | None = None) -> Any:
    """Give YAML's values as those of JSON; inside of `given` days and odd numbers keep their types.

    Instants become what a clock in the zone shows.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(zone or UTC).replace(tzinfo=None)
    if isinstance(value, float) and not math.isfinite(value):
        return {"double": str(value)} if given else str(value)
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat(" ")} if given else value.isoformat(" ")
    if isinstance(value, date):
        return {"date": value.isoformat()} if given else value.isoformat()
    if isinstance(value, Mapping):
        return {
            str(key): plain(inner, given=given or key == "given", zone=zone) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(inner, given=given, zone=zone) for inner in value]
    return value
