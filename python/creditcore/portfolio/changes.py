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
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore import regions as region_tables
from creditcore.config.config import Config
from creditcore.errors import ArgumentError, SchemaError
from creditcore.portfolio.catalog import manifest
from creditcore.portfolio.columns import VERSION_COLUMN, keep_columns, read_config
from creditcore.portfolio.decision_log import DecisionLog, Leaving, files_beside, written_anew
from creditcore.portfolio.files import remove_strangers
from creditcore.portfolio.line import PortfolioLine, moment_of
from creditcore.portfolio.meanwhile import meanwhile
from creditcore.portfolio.overrides import Overridden
from creditcore.portfolio.reading import Reading
from creditcore.portfolio.renewal import renewed_whole
from creditcore.portfolio.versions import new_entry, next_number
from creditcore.sources import open_source
from creditcore.times import begin_of

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import FolderLock, State
    from creditcore.portfolio.catalog import Catalog
    from creditcore.portfolio.network import Held

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
    before, after = portfolio._contents, config.contents()
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
    line = PortfolioLine(config).with_reviews(portfolio.line.reviews)
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
    told |= {"base": True, "core": core, "line": line}
    if len(kept):
        found = json.loads(core.ingest(open_source(kept), number))
        told |= {"segments": found["segments"], "counts": found["counts"]}
    told["checkpoint"] = json.loads(core.checkpoint(number + len(told.get("segments", ())) + 1))
    told["latency"] = {"rewrite": time.monotonic() - began}
    return change, told


def staged(core: State, rows: Any, again: pl.DataFrame | None) -> tuple[dict[str, int], dict[str, float]]:
    """Stage the rows of a delta, and before them records of the state that were decided again.

    Returns:
        Counts of the delta's rows, and seconds by stage.
    """
    from creditcore.frames import profile

    counts: dict[str, int] = new_entry("refresh", None)["counts"]
    stages: dict[str, float] = {}
    if rows is not None:
        told = json.loads(core.stage(open_source(rows)))
        counts, stages = told["counts"], dict(told["stages"])
    if again is not None:
        whole = again if rows is None else profile.under_types([again, rows])
        stages = dict(json.loads(core.stage(open_source(whole)))["stages"])
    return counts, stages


class Changing(Overridden):
    """The side of a portfolio that takes another configuration; `Portfolio` is made of it."""

    _catalog: Catalog
    _core: State | None
    _folder: Path
    _held: Held | None
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

    def _written(self, core: State) -> list[dict[str, Any]]:
        """Write what is staged; gives the segments."""
        segments: list[dict[str, Any]] = json.loads(core.write(*self._two_files()))
        return segments

    def _written_and_logged(
        self, core: State, as_of: str | None, latency: dict[str, float]
    ) -> dict[str, Any]:
        """Write what is staged, and the log of its decisions at the same time; gives what the entry says.

        `log` in `latency` is until the log was written, `write` how long the segments took after that.
        """
        files, began = self._two_files(), time.monotonic()
        if not self._log.keeps:
            segments, logged = core.write(*files), {}
        else:
            with meanwhile() as begin:
                written = begin(lambda _: core.write(*files))
                version = self._entries[-1]["version"] + 1
                logged = self._log.write_staged(self._log.staged(core), files, as_of, version)
                latency["log"] = time.monotonic() - began
                began = time.monotonic()
                segments = written()
        latency["write"] = time.monotonic() - began
        return {"segments": json.loads(segments), **logged}

    def _remove_strangers(self) -> None:
        """Remove the files that no version is made of."""
        remove_strangers(self._folder, manifest(self._entries), files_beside(self._entries))

    def _two_files(self) -> list[str]:
        return [f"segment-{self._number():010}.arrow" for _ in range(2)]

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
        before, start = self._writer(), time.monotonic()
        try:
            change, told = rewritten(self, made, os.fspath(self._folder), self._number())
            core, self._fingerprint = told.pop("core", before), made.fingerprint
            line = told.pop("line", None)
            entry = {**new_entry("reconfigure", self._entries[-1]["as_of"]), **told}
            entry |= {"digest": self._digest_of(core), "records": core.fingerprint()[2]}
            self._core = None
            if line is not None:
                entry |= self._logged_anew(before, line, entry, rescored=change.rescored > 0)
            self._catalog.commit(self._entries[-1]["version"] + 1, entry)
        finally:
            self._drop_strangers()
        return replace(change, version=self.version, total=time.monotonic() - start)

    def _logged_anew(
        self, before: State, line: PortfolioLine, entry: dict[str, Any], *, rescored: bool
    ) -> dict[str, Any]:
        """Log what another configuration decided again, and keep inputs that the state is about to lose."""
        kept = {name for name, _ in keep_columns(line.config, line)[0]["columns"]} | {line.config.columns.key}
        lost = not kept.issuperset(self._log.inputs)
        told = self._log.old_inputs(before, next_number(self._folder), every=lost)
        if rescored:
            log = DecisionLog(self._folder, line.config, line, self._fingerprint)
            told |= log.write(entry, self._entries[-1]["version"] + 1, {})
        return told

    def compact(self) -> None:
        """Write the current records anew, without what they replaced and without the memory of deletions.

        A row of a deleted key that comes later inserts it, whatever its version. The digest stays. Readers
        keep the files that they opened. The log of decisions stays whole, with the inputs of each.

        Raises:
            StateError: another one writes, or the disk does not take it; the state is as it was before.
        """
        self._compact(None)

    def _compact(self, leaving: Leaving | None) -> None:
        """Write the current records anew; with people or times that leave every other file too."""
        core = self._writer()
        began = time.monotonic()
        # The records stay what they are, and their network with them.
        held = self._held if leaving is None else None
        if leaving is not None:
            self._line = self._line.with_reviews(self._line.reviews.without(leaving.keys))
        try:
            told = json.loads(core.compact(self._number()))
            number = next_number(self._folder)
            old = self._log.old_inputs(core, number)
            entry = {
                **new_entry("compact", self._entries[-1]["as_of"]),
                **told,
                **old,
                **written_anew(self._folder, [*self._entries, old], number + 1, leaving),
                "base": True,
                "digest": self._digest_of(core),
                "records": self.records,
                "latency": {"compact": round(time.monotonic() - began, 6)},
            }
            self._core = None
            self._catalog.commit(self._entries[-1]["version"] + 1, entry)
        finally:
            self._drop_strangers()
        core = self._state()
        if held is not None:
            self._held = held
            core.make_ready()

    def erase(self, key: int | str) -> None:
        """Delete a record, and write the state anew so that no file holds its key.

        Decisions, reviews and rows put aside go too. An erasure that was cut off is finished by another one.

        Raises:
            ArgumentError: no record, and no decision of the log, has the key.
            StateError: another one writes, or the disk does not take it.
        """
        self._writer()
        try:
            record = self.record(key)
        except ArgumentError:
            if not len(self.decisions(key)) and key not in self._line.reviews:
                raise
        else:
            version = self.config.columns.version or VERSION_COLUMN
            self.refresh(
                {name: [value] for name, value in record.items() if name not in self._line.made_names}
                | {"op": ["delete"]}
                | ({version: [record[version]]} if record.get(version) is not None else {}),
                gates=False,
            )
        self._compact(Leaving([key], None, self.config.columns.key, self.config.columns.event_time))

    def retain(self, before: date) -> int:
        """Delete the records of an event time before a day, and write the state anew without a trace of them.

        Their decisions, reviews and inputs go too, and so do decisions of records that stay and rows put
        aside, if they are of a time before the day. Call it again where it was cut off.

        Args:
            before: the first day (or instant) that stays, in the configuration's zone.

        Returns:
            How many records were deleted.

        Raises:
            ArgumentError: the configuration names no event time, or it holds neither times nor days.
            StateError: another one writes, or the disk does not take it.
        """
        from creditcore.frames import decided

        self._writer()
        columns, bound = self.config.columns, begin_of(before, self.config.zone)
        if columns.event_time is None:
            raise ArgumentError("retention goes by event times; say `event_time` in `[columns]`")
        kind = self.types().get(columns.event_time)
        if kind is not None and not kind.is_temporal():
            raise ArgumentError(f"column `{columns.event_time}` is of type {kind}; days or times are needed")
        rows = self.to_polars()
        old = rows.filter(decided.earlier(rows[columns.event_time], bound)) if len(rows) else rows
        if len(old):
            told = old.drop(self._line.made_names, strict=False)
            self.refresh({**told.to_dict(as_series=True), "op": ["delete"] * len(old)}, gates=False)
        gone = old[columns.key].to_list() if len(old) else []
        self._compact(Leaving(gone, bound, columns.key, columns.event_time))
        return len(old)

    def _writer(self) -> State:
        raise NotImplementedError

    def _drop_strangers(self) -> None:
        raise NotImplementedError
