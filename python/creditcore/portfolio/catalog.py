"""The catalog of a portfolio's state: which versions there were, and which files each is made of.

Comes in: entries of versions. Goes out: an SQLite database whose commit is the commit of a version (law 8).
Every entry carries a seal over itself and the one before, so that one that was changed, or is missing, is
found when the portfolio is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from creditcore.errors import StateError
from creditcore.portfolio.folder import sync_folder

NAME = "catalog.sqlite"
UNFINISHED = "unfinished.sqlite"
"""What a catalog is called while it is made."""
FORM = 1
"""The version of the form of a state."""
_TABLES = """
CREATE TABLE head (form INTEGER NOT NULL, version INTEGER NOT NULL, seal TEXT NOT NULL);
CREATE TABLE version (number INTEGER PRIMARY KEY, entry TEXT NOT NULL, seal TEXT NOT NULL);
"""
TRIES = 5
"""How often a reader looks again where a writer takes files away."""
_NOTES = "CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, told TEXT NOT NULL, seal TEXT NOT NULL)"
_RESTORE = "restore it from a backup, or run `creditcore doctor`"


class Catalog:
    """The versions of a state, in the order in which they were committed; one connection.

    An entry is plain data: `kind`, `as_of`, `segments` (files), `checkpoint`, `config`, `counts`, `records`,
    `digest`, `latency`. One with `base` true begins anew: what segments came before no longer counts.
    """

    def __init__(self, folder: Path, *, writes: bool, name: str = NAME) -> None:
        """Open the catalog of a folder.

        Raises:
            StateError: there is none, it cannot be read, or it is of another form.
        """
        self.path = folder / name
        self._seal = ""
        if not self.path.is_file():
            raise StateError(f"`{folder}`: there is no portfolio here; make one with `Portfolio.create`")
        with self._told():
            # Readers too: after a writer that was cut off the first to come undoes what it did not commit.
            uri = f"{self.path.absolute().as_uri()}?mode=rw"
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            if writes:
                # The end of a transaction is on the disk when `commit` returns, the journal's end too.
                self._connection.execute("PRAGMA journal_mode = PERSIST")
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA secure_delete = ON")

    @classmethod
    def create(cls, folder: Path, entry: dict[str, Any]) -> None:
        """Make a catalog with its first version; there is a whole one, on the disk, or none."""
        path = folder / UNFINISHED
        for old in (path, folder / f"{UNFINISHED}-journal", folder / NAME):
            old.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        made = cls(folder, writes=True, name=UNFINISHED)
        try:
            with made._told():
                seal = _sealed("", 0, entry)
                made._connection.executescript(
                    f"PRAGMA journal_mode = DELETE; BEGIN; {_TABLES}"
                    f"INSERT INTO head VALUES ({FORM}, 0, '{seal}');"
                    f"INSERT INTO version VALUES (0, {_quoted(json.dumps(entry))}, '{seal}'); COMMIT;"
                )
        finally:
            made.close()
        path.rename(folder / NAME)
        sync_folder(folder)

    def entries(self) -> list[dict[str, Any]]:
        """Give all entries, each with its `version`, after comparing their seals.

        Raises:
            StateError: an entry that was changed or is missing, a file that is no catalog.
        """
        with self._told():
            # One transaction, so that head and entries belong together.
            self._connection.execute("BEGIN")
            try:
                heads = self._connection.execute("SELECT form, version, seal FROM head").fetchall()
                rows = self._connection.execute("SELECT number, entry, seal FROM version ORDER BY number")
                found = rows.fetchall()
            finally:
                self._connection.execute("ROLLBACK")
        if len(heads) != 1 or heads[0][0] != FORM:
            forms = ", ".join(str(form) for form, *_ in heads) or "none"
            told = f"it has form {forms}; this version of creditcore reads form {FORM}"
            raise StateError(f"`{self.path}`: {told}")
        seal = ""
        entries: list[dict[str, Any]] = []
        for at, (number, text, sealed) in enumerate(found):
            entry = _read(text)
            seal = _sealed(seal, number, entry)
            if number != at or seal != sealed:
                raise StateError(f"`{self.path}`: the entry of version {at} was changed; {_RESTORE}")
            entries.append({"version": number, **entry})
        if not entries or (entries[-1]["version"], seal) != heads[0][1:]:
            raise StateError(f"`{self.path}`: entries of versions are missing; {_RESTORE}")
        self._seal = seal
        return entries

    @property
    def version(self) -> int:
        """The last version that was committed."""
        with self._told():
            row = self._connection.execute("SELECT version FROM head").fetchone()
        return int(row[0])

    def commit(self, number: int, entry: dict[str, Any]) -> None:
        """Add a version; it is on the disk when this returns.

        Raises:
            StateError: it cannot be written; nothing was changed.
        """
        seal = _sealed(self._seal, number, entry)
        with self._told():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                told = (number, json.dumps(entry), seal)
                self._connection.execute("INSERT INTO version VALUES (?, ?, ?)", told)
                self._connection.execute("UPDATE head SET version = ?, seal = ?", (number, seal))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._seal = seal

    def note(self, name: str) -> dict[str, Any] | None:
        """Give what was noted under a name: history, on which no version hangs; None where nothing was.

        Raises:
            StateError: a note that was changed.
        """
        with self._told():
            known = self._connection.execute("SELECT name FROM sqlite_master WHERE name = 'note'").fetchone()
            found = "SELECT told, seal FROM note WHERE name = ?"
            row = self._connection.execute(found, (name,)).fetchone() if known else None
        if row is None:
            return None
        told = _read(row[0])
        if _sealed(name, 0, told) != row[1]:
            raise StateError(f"`{self.path}`: what was noted of `{name}` was changed; {_RESTORE}")
        return told

    def put_note(self, name: str, told: dict[str, Any]) -> None:
        """Note something under a name, in the place of what was there.

        Raises:
            StateError: it cannot be written; nothing was changed.
        """
        row = (name, json.dumps(told), _sealed(name, 0, told))
        with self._told():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.execute(_NOTES)
                self._connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", row)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell faults of the database as faults of the state."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorname", "") or ""
            if "FULL" in code or "IOERR" in code:
                hint = "see to the disk and make room on it; what was acknowledged is kept"
            elif "CANTOPEN" in code:
                hint = "give this user the right to read and write in the folder, and make room on the disk"
            elif "READONLY" in code or "PERM" in code:
                hint = "give this user the right to read and write in the folder"
            elif "BUSY" in code or "LOCKED" in code:
                hint = "another process is using it; try again"
            else:
                hint = _RESTORE
            raise StateError(f"`{self.path}`: {error}; {hint}") from error


def version_of(folder: Path) -> int:
    """Give the last version that was committed in a folder."""
    catalog = Catalog(folder, writes=False)
    try:
        return catalog.version
    finally:
        catalog.close()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _read(text: object) -> dict[str, Any]:
    try:
        entry = json.loads(str(text))
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _sealed(before: str, number: int, entry: dict[str, Any]) -> str:
    """Give the seal of an entry after another."""
    told = json.dumps([before, number, entry], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()


def manifest(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the segments that count, and the last checkpoint of them."""
    start = max((at for at, entry in enumerate(entries) if entry.get("base")), default=0)
    segments: list[dict[str, Any]] = []
    checkpoint = None
    for entry in entries[start:]:
        for segment in entry["segments"]:
            # A merged one has the rows of the ones right before it.
            del segments[len(segments) - len(segment.get("replaces", ())) :]
            segments.append(segment)
        checkpoint = entry["checkpoint"] or checkpoint
    return {"segments": segments, "checkpoint": checkpoint}
