"""Linking: people, the identifiers that they share, and what is connected.

Comes in: records with a key and identifiers (devices, phones, cards, addresses). Goes out: connected
components. Keys are 64-bit integers or text, identifiers text or integers in any column or list column;
placeholders such as `unknown` or `13800138000` link nobody.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import ArgumentError, SourceError
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl

HASH_KEY = "CREDITCORE_HASH_KEY"
"""The environment variable that holds the key of the hashes of identifiers."""

Identifiers = Mapping[str, Any]
"""By name the column, the columns, or a mapping with `columns` and any of `type`, `role`, `normaliser`."""


@cache
def _random_key() -> bytes:
    """The key of this process, where none is given."""
    return secrets.token_bytes(16)


def hash_key(key_file: str | os.PathLike[str] | None = None) -> bytes:
    """Give the key of the hashes of identifiers.

    Args:
        key_file: a file whose content, 16 bytes or more, is the key; by default the environment variable
            `CREDITCORE_HASH_KEY`, and without it a random key of this process, which is right as long as
            nothing outlives the process.

    Raises:
        SourceError: a file that cannot be read.
    """
    if key_file is not None:
        try:
            return Path(key_file).read_bytes().strip()
        except OSError as error:
            raise SourceError(f"`{os.fspath(key_file)}`: cannot be read: {error.strerror}") from error
    told = os.environ.get(HASH_KEY)
    return told.encode() if told else _random_key()


def _declared(name: str, told: Any) -> dict[str, Any]:
    """Give the declaration of one sort of identifiers as a plan has it."""
    if isinstance(told, str):
        return {"name": name, "columns": [told]}
    if isinstance(told, Mapping):
        known = {"columns", "type", "role", "normaliser"}
        if strange := sorted(set(told) - known):
            raise ArgumentError(
                f"identifier `{name}` declares `{strange[0]}`; allowed are {', '.join(sorted(known))}"
            )
        columns = told.get("columns", ())
        return {**told, "name": name, "columns": [columns] if isinstance(columns, str) else list(columns)}
    if isinstance(told, Sequence) and all(isinstance(column, str) for column in told):
        return {"name": name, "columns": list(told)}
    raise ArgumentError(f"identifier `{name}` is `{told!r}`; give a column, several, or a mapping")


def make_plan(
    key: str, identifiers: Identifiers, time: str | None = None, config: Mapping[str, Any] | None = None
) -> str:
    """Write the plan of a network as JSON.

    Raises:
        ArgumentError: identifiers that are no mapping of names to columns.
    """
    if not isinstance(identifiers, Mapping):
        raise ArgumentError("`identifiers` is a mapping of names to columns, such as {'device': 'device_id'}")
    declared = [_declared(str(name), told) for name, told in identifiers.items()]
    plan = {"key": key, "time": time, "identifiers": declared, "config": dict(config or {})}
    try:
        return json.dumps(plan)
    except TypeError as error:
        raise ArgumentError(f"the configuration cannot be written as JSON: {error}") from error


def components(
    records: Records,
    key: str,
    identifiers: Identifiers,
    cap: int | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    threads: int | None = None,
) -> pl.DataFrame:
    """Find the connected components of people over the identifiers that they share.

    Two people are connected where both show an identifier of one type; the rows of a key are one person, and
    one without identifiers is a component alone. Nothing is kept but 12 bytes a link while it runs.

    Args:
        records: files or a frame.
        key: the column of keys, 64-bit integers or text.
        identifiers: by name the column, the columns (a list column holds several values), or a mapping with
            `columns` and any of `type`, `role` and `normaliser`. The name says how values are brought to
            one spelling: see `docs/network.md`.
        cap: people up to which an identifier links them; every identifier links by default.
        config: `placeholders` by type; `most_people` beyond which an identifier is a placeholder.
        threads: one for each processor by default; they change nothing.

    Returns:
        A frame with `key`, each once in the order of its first row, and `component`, the smallest key of its
        set (integers compared as integers, text as bytes); both of the type Int64, UInt64 or String.

    Raises:
        ArgumentError: no identifiers, a name declared twice, a cap below 1.
        SchemaError: a column that is missing, or of a type that cannot be a key or an identifier.
        SourceError: a null key, a number with a fraction as an identifier; with its row.

    The union over people only, with the first one seen owning an identifier, uses Rem's algorithm with
    splicing (Patwary, Blair, Manne: Experiments on union-find algorithms, 2010).

    >>> import creditcore as cc
    >>> frame = {"key": [3, 1, 2], "device": ["d1", "D1", "d2"], "phone": ["138 0000 1111", None, "unknown"]}
    >>> cc.components(frame, "key", {"device": "device", "phone": "phone"}).rows()
    [(3, 1), (1, 1), (2, 2)]
    """
    from creditcore._frame import to_polars

    if cap is not None and cap < 1:
        raise ArgumentError(f"`cap` is {cap}; it is 1 or more, or None for no cap")
    plan = make_plan(key, identifiers, None, config)
    source = open_source(records)
    table, _ = _core.components(source, plan, hash_key(), cap=cap, threads=threads)
    return to_polars(table)
