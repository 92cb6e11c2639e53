"""What a compiled fleet says of its models beside their trees.

Comes in: declarations. Goes out: the text that the file keeps, and declarations again. Calibrations in files
of their own are read when the fleet is compiled: the file needs no other.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from creditcore.errors import FormatError
from creditcore.fleet.declarations import Declaration

MAGIC = b"CCFLEET\n"


def is_compiled(paths: Any) -> bool:
    """Say whether a path is one of a compiled fleet, told by the file's first bytes or its ending."""
    if not isinstance(paths, str | os.PathLike):
        return False
    path = Path(paths)
    if not path.is_file():
        return False
    if path.suffix == ".ccf":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False  # reading the models tells what is wrong


def told_of(declarations: Sequence[Declaration]) -> str:
    """Give declarations as text.

    Raises:
        SourceError, FormatError: a declared calibration that cannot be read.
    """
    records = []
    for declaration in declarations:
        record = asdict(declaration)
        record["file"] = str(declaration.file)
        if declaration.calibration is not None:
            record["calibration"] = declaration.calibration_of().to_dict()
        if declaration.valid_from is not None:
            record["valid_from"] = declaration.valid_from.isoformat()
        records.append(record)
    return json.dumps(records, ensure_ascii=False)


def declarations_of(text: str, names: Sequence[str], path: str) -> list[Declaration]:
    """Give the declarations of a compiled fleet, one for each of its models by name.

    Raises:
        FormatError: what no declaration says, or declarations of other models, with file and section.
    """
    records = json.loads(text)
    if not isinstance(records, list):
        raise FormatError(f"`{path}`: section `models`: `declared` is no list; compile the models again")
    found = [_declaration(record, path) for record in records]
    if [one.name for one in found] != list(names):
        raise FormatError(
            f"`{path}`: section `models`: {len(found)} declarations are not of its {len(names)} models, in "
            "their order; compile the models again"
        )
    return found


def _declaration(record: Any, path: str) -> Declaration:
    known = {field.name for field in fields(Declaration)}
    try:
        if not isinstance(record, Mapping) or set(record) != known:
            raise TypeError("a declaration has other keys than are known")
        values = dict(record)
        values["file"] = Path(values["file"])
        if values["features"] is not None:
            values["features"] = tuple(values["features"])
        values["categories"] = {name: tuple(texts) for name, texts in values["categories"].items()}
        if values["valid_from"] is not None:
            values["valid_from"] = datetime.date.fromisoformat(values["valid_from"])
        return Declaration(**values)
    except (TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"`{path}`: section `models`: {error}; compile the models again") from error
