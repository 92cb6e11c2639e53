"""Another configuration for a portfolio: what it changes, what that costs, and the change itself.

Comes in: a portfolio, a configuration. Goes out: the sections that differ, the records to score and to write
again; and the state renewed, equal to one that was made by the new configuration from the start.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore import regions as region_tables
from creditcore.config.config import Config
from creditcore.errors import SchemaError
from creditcore.portfolio.columns import VERSION_COLUMN, keep_columns, read_config
from creditcore.portfolio.line import PortfolioLine, moment_of
from creditcore.portfolio.reading import Reading
from creditcore.portfolio.renewal import renewed_whole
from creditcore.portfolio.versions import new_entry, next_number
from creditcore.sources import open_source

if TYPE_CHECKING:
    from creditcore._core import FolderLock, State
    from creditcore.portfolio.catalog import Catalog

SCORING = ("schema", "fleet", "blend", "policy", "score", "network")
"""Sections that decide scores and decisions."""
ASIDE = ("gates", "time")
"""Sections that no record kept hangs on."""


@dataclass(frozen=True)
class Change:
    """What a new configuration changes.

    Attributes:
        sections: those that differ, or of which a file does.
        rescored: records that are scored again.
        written: records that are written again.
        version, total: of the state after it, and seconds; None where nothing was done.
    """

    sections: tuple[str, ...]
    rescored: int
    written: int
    version: int | None = None
    total: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


def planned(portfolio: Reading, config: Config) -> Change:
    """Say what a configuration would change, and what that costs."""
    before, after = portfolio.config.contents(), config.contents()
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    records = portfolio.records
    scored = config.fleet is not None and any(name in SCORING for name in names)
    written = scored or any(name not in ASIDE for name in names)
    return Change(tuple(names), records if scored else 0, records if written else 0)


def rewritten(portfolio: Reading, config: Config, folder: str, number: int) -> tuple[Change, dict[str, Any]]:
    """Write the records of a portfolio anew by a configuration; gives the change and the entry to commit.

    Memory: all records with their inputs.

    Raises:
        SchemaError: the configuration needs a column that the state does not keep.
    """
    began = time.monotonic()
    change = planned(portfolio, config)
    told: dict[str, Any] = {
        "config": config.to_dict(),
        "folder": os.fspath(config.folder.absolute()),
        "fingerprint": config.fingerprint,
    }
    if not change.written:
        return change, told
    line = PortfolioLine(config)
    layout, plan = keep_columns(config, line)
    if portfolio.line.linked is not None and line.linked is not None:
        line.linked.require_same_hashes(portfolio.line.linked)
    rows = portfolio.scanned().drop(portfolio.line.made_names, strict=False)
    made = line.made_names
    needed = [config.columns.key, *(name for name, _ in layout["columns"] if name not in made)]
    if absent := [name for name in needed if name not in rows.columns]:
        raise SchemaError(
            f"the state does not keep column `{absent[0]}`, which the new configuration needs; make another "
            "portfolio of the records"
        )
    table = region_tables.load(config.region_table)
    empty: dict[str, Any] = {"segments": [], "checkpoint": None, "layout": layout, "plan": plan}
    core = _core.State.open(folder, json.dumps(empty), table)
    kept = renewed_whole(line, rows, moment_of(portfolio.as_of))
    told |= {} if line.linked is None else line.linked.key_entry()
    told |= {"base": True, "core": core}
    if len(kept):
        found = json.loads(core.ingest(open_source(kept), number))
        told |= {"segments": found["segments"], "counts": found["counts"]}
    told["checkpoint"] = json.loads(core.checkpoint(number + len(told.get("segments", ())) + 1))
    told["latency"] = {"rewrite": time.monotonic() - began}
    return change, told


class Changing(Reading):
    """The side of a portfolio that takes another configuration; `Portfolio` is made of it."""

    _catalog: Catalog
    _core: State | None
    _folder: Path
    _lock: FolderLock | None
    _numbers: int

    @property
    def writable(self) -> bool:
        """Whether this is the one that may write."""
        return self._lock is not None

    def _number(self, more: int = 0) -> int:
        """Give a number that no file has, behind `more` that were written; the folder is read once."""
        self._numbers = self._numbers + max(more, 1) if self._numbers else next_number(self._folder)
        return self._numbers

    def reconfigure(
        self, config: Config | Mapping[str, Any] | str | os.PathLike[str], dry_run: bool = False
    ) -> Change:
        """Take another configuration, and renew what hangs on it.

        Args:
            config: as in `create`.
            dry_run: say what it would cost, and change nothing.

        Returns:
            What differs, and how many records are scored and written again.

        Memory: all records with their inputs.

        Raises:
            SchemaError: it needs a column that the state does not keep; the state is as it was before.
            StateError: another one writes, or the disk does not take it; the state is as it was before.
        """
        made = read_config(config)
        if dry_run:
            return planned(self, made)
        core, start = self._writer(), time.monotonic()
        try:
            change, told = rewritten(self, made, os.fspath(self._folder), self._number())
            core, self._fingerprint = told.pop("core", core), made.fingerprint
            entry = {**new_entry("reconfigure", self._entries[-1]["as_of"]), **told}
            entry |= {"digest": self._digest_of(core), "records": core.fingerprint()[2]}
            self._core = None
            self._catalog.commit(self._entries[-1]["version"] + 1, entry)
        finally:
            self._drop_strangers()
        return replace(change, version=self.version, total=time.monotonic() - start)

    def compact(self) -> None:
        """Write the current records anew, without what they replaced and without the memory of deletions.

        A row of a deleted key that comes later inserts it, whatever its version. The digest stays. Readers
        keep the files that they opened.

        Raises:
            StateError: another one writes, or the disk does not take it; the state is as it was before.
        """
        core = self._writer()
        began = time.monotonic()
        try:
            told = json.loads(core.compact(self._number()))
            entry = {
                **new_entry("compact", self._entries[-1]["as_of"]),
                **told,
                "base": True,
                "digest": self._digest_of(core),
                "records": self.records,
                "latency": {"compact": round(time.monotonic() - began, 6)},
            }
            self._core = None
            self._catalog.commit(self._entries[-1]["version"] + 1, entry)
        finally:
            self._drop_strangers()
        self._state()

    def erase(self, key: int | str) -> None:
        """Delete a record, and write the state anew so that no file holds it.

        Raises:
            ArgumentError: no record has the key.
            StateError: another one writes, or the disk does not take it.
        """
        self._writer()
        record = self.record(key)
        version = self.config.columns.version or VERSION_COLUMN
        self.refresh(
            {name: [value] for name, value in record.items() if name not in self._line.made_names}
            | {"op": ["delete"]}
            | ({version: [record[version]]} if record.get(version) is not None else {})
        )
        self.compact()

    def _writer(self) -> State:
        raise NotImplementedError

    def _drop_strangers(self) -> None:
        raise NotImplementedError

    def refresh(self, delta: Any) -> Any:
        """Renew the state by a delta."""
        raise NotImplementedError
