"""The folder of a portfolio before there is one in it.

Comes in: a path. Goes out: a folder that is on the disk, entered in the one above it. What a `create` that
was cut off has left there counts as nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

EMPTY = ("catalog.sqlite", "catalog.sqlite-journal")
UNFINISHED = ("lock", "unfinished.sqlite", "unfinished.sqlite-journal")


def make_folder(folder: Path) -> None:
    """Make a folder that its owner alone can read, and those above it; on the disk when it returns.

    Raises:
        OSError: as the system tells it.
    """
    folder = folder.absolute()
    absent = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in reversed(absent):
        sync_folder(one.parent)


def is_vacant(folder: Path) -> bool:
    """Whether a portfolio can be made in a folder: nothing is in it, or what a `create` cut off has left."""
    return all(
        file.name in UNFINISHED or (file.name in EMPTY and file.stat().st_size == 0)
        for file in folder.iterdir()
    )


def sync_folder(folder: Path) -> None:
    """Have a folder's list of files on the disk."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
