"""Sources of records: paths and frames, opened for the native core.

Comes in: a path, a list of paths, a glob pattern, a folder, or a frame. Goes out: an open source that the
core reads column by column. Files are Parquet, CSV (gzip too) or Arrow IPC, told by their names or first
bytes; only the columns that are asked for are decoded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from creditcore._core import Source
from creditcore.errors import ArgumentError

Records = Any
"""Paths (str, path or a sequence of them) or a frame of any library that speaks Arrow."""


def open_source(records: Records, *, encoding: str | None = None, delimiter: str | None = None) -> Source:
    """Open files or a frame.

    Args:
        records: a path, several, a glob pattern, a folder (partitioned `key=value` folders give columns), or
            a frame.
        encoding: of CSV text: `utf-8` (the default, with or without a byte order mark), `gb18030`.
        delimiter: of CSV text, one character; a comma by default.

    Raises:
        SourceError: nothing is there, or it cannot be read.
    """
    paths = as_paths(records)
    if paths is None:
        from creditcore._frame import to_stream

        return Source.frame(to_stream(records))
    byte = None if delimiter is None else ord(delimiter)
    return Source.files(paths, encoding=encoding, delimiter=byte)


def refuse_paths(frame: object) -> None:
    """Refuse files where records must be in memory.

    Raises:
        ArgumentError: one path or several.
    """
    paths = as_paths(frame)
    if paths is not None:
        raise ArgumentError(
            f"a fleet evaluates records in memory, not files; read `{paths[0]}` into a frame first "
            "(`polars.read_parquet`, `polars.read_csv`), or score files part by part with `creditcore score` "
            "or `creditcore.pipeline.pipeline.Pipeline`"
        )


def as_paths(records: Records) -> list[str] | None:
    """Give paths as text, or None where the records are a frame."""
    if isinstance(records, str | os.PathLike):
        return [os.fspath(records)]
    if isinstance(records, Sequence) and records and all(isinstance(p, str | os.PathLike) for p in records):
        return [os.fspath(path) for path in records]
    return None
