"""Files that are there whole or not at all.

Comes in: a path and bytes. Goes out: the file, which takes its name by one rename.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from creditcore.errors import SourceError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, then rename it.

    Raises:
        SourceError: there is no such folder.
    """
    if not path.parent.is_dir():
        raise SourceError(f"`{path}`: there is no folder `{path.parent}`; make it first")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
