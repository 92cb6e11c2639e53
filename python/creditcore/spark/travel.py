"""How fleets and policies travel: as files named by content, once to each executor, loaded once a process.

Comes in: a fleet, a policy and its lists on the driver. Goes out: the names of files that Spark sends along,
and, on an executor, the loaded objects. What is loaded is kept by content, so equal fleets are loaded once
however many DataFrames use them.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from creditcore.fleet.fleet import Fleet

_LOADED: dict[str, Any] = {}
_LOCKS: dict[str, threading.Lock] = {}
_GATE = threading.Lock()


@cache
def _folder() -> Path:
    """A folder of this process for files on their way, removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="creditcore-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def digest(data: bytes) -> str:
    """Name content by its hash."""
    return hashlib.sha256(data).hexdigest()[:32]


def send_file(session: SparkSession, path: Path, kind: str) -> str:
    """Send a file to all executors under the name of its content.

    Args:
        session: the session.
        path: the file.
        kind: the ending of the name.

    Returns:
        The name by which `received` finds it.
    """
    from creditcore.spark.session import is_connected

    with path.open("rb") as file:
        name = f"creditcore-{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}{kind}"
    sent = _folder() / name
    if sent != path:
        shutil.copyfile(path, sent)
    # A file that is known to the session already is not sent again.
    if is_connected(session):
        known: set[str] = session.__dict__.setdefault("_creditcore_sent", set())
        if name not in known:
            session.addArtifacts(str(sent), file=True)
            known.add(name)
    else:
        session.sparkContext.addFile(str(sent))
    return name


def send_fleet(session: SparkSession, fleet: Fleet) -> str:
    """Send a fleet, compiled, to all executors; gives the name of its file."""
    path = _folder() / f"{os.getpid()}-{threading.get_ident()}.ccf"
    try:
        fleet.compile(path)
        return send_file(session, path, ".ccf")
    finally:
        path.unlink(missing_ok=True)


def received(name: str) -> Path:
    """Give the path of a file that was sent to this executor.

    Raises:
        SourceError: it is not there.
    """
    from pyspark import SparkFiles

    path = Path(SparkFiles.get(name))
    if not path.is_file():
        raise SourceError(
            f"`{name}` is not on executor `{platform.node()}`, though it was sent there; call "
            "`creditcore.spark` again, and see that nothing empties the executors' folders"
        )
    return path


def loaded(content: str, load: Callable[[], Any]) -> Any:
    """Give what was loaded in this process from some content, loading it first; safe from many threads."""
    with _GATE:
        lock = _LOCKS.setdefault(content, threading.Lock())
    with lock:
        if content not in _LOADED:
            _LOADED[content] = load()
        return _LOADED[content]
