"""What stands in the files that a configuration names, as fingerprints.

Comes in: paths of models, policies, schemas, region tables. Goes out: SHA-256 (hex) over what counts in them:
of a fleet its declarations, models and calibrations, of a policy its tables and lists too. Where a file lies
and what else lies beside it changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from creditcore.errors import SchemaError


def file_hash(path: Path) -> str:
    """Give the SHA-256 (hex) of a file.

    Raises:
        SchemaError: a file that cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SchemaError(f"`{path}`: cannot be read: {error.strerror}") from error


def data_hash(told: Any) -> str:
    """Give the SHA-256 (hex) of plain data as canonical JSON."""
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def fleet_hash(path: Path) -> str:
    """Give the fingerprint of a folder of models, a fleet file, a model file or a compiled fleet.

    Raises:
        SchemaError: a file that cannot be read; FormatError: a fleet file that is none.
    """
    from creditcore.fleet.compiled import is_compiled
    from creditcore.fleet.declarations import declared

    if is_compiled(path):
        return file_hash(path)
    told = []
    for one in declared(path):
        made = asdict(one) | {"file": file_hash(one.file)}
        if isinstance(one.calibration, str):
            made["calibration"] = file_hash(one.file.parent / one.calibration)
        told.append(made)
    return data_hash(told)


def policy_hash(path: Path) -> str:
    """Give the fingerprint of a policy with its tables and lists; the key of hashed lists is left out.

    Raises:
        SchemaError: a file that cannot be read.
    """
    from creditcore.documents import read_yaml

    told = read_yaml(path)
    named = [path]
    if isinstance(told, Mapping):
        lists, tactics = told.get("lists"), told.get("tactics")
        origins = list(lists.values()) if isinstance(lists, Mapping) else []
        tables = [one.get("table") for one in tactics or () if isinstance(one, Mapping)]
        names = [one.get("file") for one in origins if isinstance(one, Mapping)] + tables
        named += [path.parent / name for name in names if isinstance(name, str)]
    return data_hash([file_hash(one) for one in named])


def _plain(value: object) -> str:
    """Days and paths, as text."""
    return str(value)
