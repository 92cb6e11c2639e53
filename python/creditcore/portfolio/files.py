"""Parquet files beside the segments of a state: the log of decisions, reviews, rows put aside.

Comes in: frames. Goes out: a file that its owner alone can read, on the disk when the call returns, with its
length and checksum; and whether a file is still what it was (law 8).
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import StateError
from creditcore.portfolio.folder import sync_folder

if TYPE_CHECKING:
    import polars as pl

FILE_NAMES = (
    *("segment-", "index-", "sums-", "decisions-"),
    *("inputs-", "moved-", "reviews-", "quarantine-"),
)
"""How the names of a state's files begin, the catalog's and the lock's aside."""


def write_rows(rows: pl.DataFrame, path: Path) -> dict[str, Any]:
    """Write rows to a new file; gives `file`, `rows`, `bytes` and `crc` (CRC-32).

    Raises:
        StateError: the disk does not take it.
    """
    from creditcore._frame import write_parquet

    held = io.BytesIO()
    write_parquet([rows], held)
    content = held.getbuffer()
    try:
        handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        hint = "make room on the disk, or give this user the right to write there"
        told = f"the file cannot be written: {error.strerror}; {hint}; the portfolio is as it was before"
        raise StateError(f"`{path}`: {told}") from error
    return {"file": path.name, "rows": len(rows), "bytes": len(content), "crc": zlib.crc32(content)}


def check_files(folder: Path, told: Iterable[Mapping[str, Any]], *, contents: bool) -> None:
    """Compare files with their lengths and, where `contents` says so, with their checksums.

    Raises:
        StateError: a file that is not there, cannot be read, or is another one.
    """
    # What an older version put aside was named without a checksum.
    named = [{name: one[name] for name in ("file", "rows", "bytes", "crc")} for one in told if "crc" in one]
    _core.check_files(os.fspath(folder), json.dumps(named), contents=contents)


def checked(folder: Path, told: Sequence[Mapping[str, Any]], *, verify: bool = True) -> list[Path]:
    """Give the paths of files that are about to be read; `verify` compares their checksums first.

    Raises:
        StateError: as `check_files`.
    """
    if verify:
        check_files(folder, told, contents=True)
    return [folder / one["file"] for one in told]


def remove_strangers(folder: Path, made: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    """Remove files that no version that counts is made of: those of a change that was cut off.

    Args:
        folder: of the portfolio.
        made: the manifest.
        others: files beside the segments.
    """
    checkpoint = made["checkpoint"] or {}
    known = {one["file"] for one in [*made["segments"], *others]}
    known |= {checkpoint[part]["file"] for part in ("index", "sums") if part in checkpoint}
    for file in folder.iterdir():
        if file.name.startswith(FILE_NAMES) and file.name not in known:
            file.unlink(missing_ok=True)
