"""The folder of deltas: whoever writes there makes a file under another name and renames it when it is whole.

Comes in: a folder. Goes out: files to take, in the order of their names, with the SHA-256 of their content;
taken ones go to `done/`, those at fault to `failed/` beside their error. A file is never changed, and its
name is free again once it was taken.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditcore.errors import SourceError

ENDINGS = (".parquet", ".csv", ".csv.gz", ".arrow", ".ipc", ".feather")
"""What is taken for a delta; other files, and hidden ones, are left where they are."""


@dataclass(frozen=True)
class Received:
    """A file that waits: where it is, its name, and the SHA-256 (hex) of its content."""

    path: Path
    name: str
    content: str


class Incoming:
    """A folder of deltas, with `done` and `failed` in it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Make `done` and `failed` where they are missing.

        Raises:
            SourceError: the folder is not there, or cannot be written.
        """
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise SourceError(f"`{self.folder}`: there is no such folder; make it first")
        self.done, self.failed = self.folder / "done", self.folder / "failed"
        try:
            for place in (self.done, self.failed):
                place.mkdir(exist_ok=True)
        except OSError as error:
            raise SourceError(f"`{self.folder}`: cannot be written: {error.strerror}") from error

    def waiting(self) -> list[Path]:
        """Give the files that wait, in the order of their names."""
        found = [file for file in self.folder.iterdir() if _is_delta(file)]
        return sorted(found, key=lambda file: file.name)

    def received(self, path: Path) -> Received | None:
        """Give a file with its content's hash; None where it went away meanwhile.

        Raises:
            SourceError: it is there and cannot be read.
        """
        try:
            with path.open("rb") as file:
                return Received(path, path.name, hashlib.file_digest(file, "sha256").hexdigest())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"`{path}`: cannot be read: {error.strerror}") from error

    def put_done(self, file: Received) -> Path:
        """Move a file whose refresh is committed."""
        return _moved(file, self.done)

    def put_failed(self, file: Received, error: str, findings: Sequence[Any] = ()) -> Path:
        """Move a file that is at fault, beside the error (`NAME.error.json`)."""
        told = {"file": file.name, "sha256": file.content, "error": error, "findings": list(findings)}
        place = _moved(file, self.failed)
        text = json.dumps(told, ensure_ascii=False, indent=1, default=str)
        place.with_name(f"{place.name}.error.json").write_text(text + "\n", encoding="utf-8")
        return place


def _is_delta(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and file.name.endswith(ENDINGS)


def _moved(file: Received, folder: Path) -> Path:
    """Move a file; where another of its name is there already, its content's hash stands before the name."""
    place = folder / file.name
    if place.exists():
        place = folder / f"{file.content[:12]}-{file.name}"
    file.path.replace(place)
    for parent in (folder, file.path.parent):
        handle = os.open(parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return place
