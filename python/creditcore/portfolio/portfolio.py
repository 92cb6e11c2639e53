"""A portfolio: records, their sums and their rankings on a disk, renewed by deltas.

Comes in: a configuration, records, deltas. Goes out: rankings, equal to those of all current records to
the bit, and a digest of the whole. What is acknowledged is on the disk. docs/portfolio.md tells how it is
used, docs/formats/state.md what stands in the folder.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from creditcore import _core
from creditcore import regions as region_tables
from creditcore.aggregation import Progress
from creditcore.config.config import Config
from creditcore.config.contents import data_hash
from creditcore.errors import ArgumentError, StateError
from creditcore.portfolio.catalog import TRIES, Catalog, manifest, version_of
from creditcore.portfolio.columns import keep_columns, read_config
from creditcore.portfolio.decision_log import DecisionLog, files_beside
from creditcore.portfolio.doctor import Finding, examine
from creditcore.portfolio.files import check_files
from creditcore.portfolio.folder import is_vacant, make_folder
from creditcore.portfolio.line import PortfolioLine, keep_aside
from creditcore.portfolio.network import Held
from creditcore.portfolio.overrides import read_reviews, write_reviews
from creditcore.portfolio.turns import in_turn
from creditcore.portfolio.upkeep import Upkeep
from creditcore.portfolio.versions import Refresh, instant, new_entry, refresh_of, remove_replaced
from creditcore.sources import Records

if TYPE_CHECKING:
    from creditcore.ranking.ranking import Ranking


class Portfolio(Upkeep):
    """The state of a portfolio: one writer, any number of readers, each of one version.

    Threads may share one: each call waits until the one before is done.

    >>> import creditcore as cc, tempfile
    >>> config = {"columns": {"key": "id", "region": "adcode"}, "rankings": [{"by": ["city", "province"]}]}
    >>> records = {"id": [1, 2], "adcode": ["310100", "330400"], "points_model": [640.0, 655.0]}
    >>> with cc.Portfolio.create(tempfile.mkdtemp() + "/state", config) as portfolio:
    ...     _ = portfolio.ingest(records)
    ...     _ = portfolio.refresh({"id": [2], "adcode": ["330400"], "points_model": [600.0]})
    ...     portfolio.ranking("city").to_polars()["mean"].to_list()
    [640.0, 600.0]
    """

    _lined: str | None = None
    """The fingerprint of the configuration that the line was made of."""

    def __init__(self, folder: Path, lock: _core.FolderLock | None, verify: bool) -> None:
        """Open a folder; made by `create` and `open`."""
        self._folder, self._lock, self._verify = folder, lock, verify
        self._core: _core.State | None = None
        self._rankings: dict[str, Ranking] = {}
        self._closed, self._taking, self._numbers, self._grouped = False, False, 0, None
        self._turn = threading.RLock()
        self._catalog = Catalog(folder, writes=lock is not None)
        try:
            self._load(cleans=True)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], config: Config | Mapping[str, Any] | str | os.PathLike[str]
    ) -> Self:
        """Make a portfolio without records, and open it for writing.

        Args:
            path: a folder that is empty or not there; it and its files can be read by their owner alone.
            config: a `Config`, the path of a file of one, or its sections as plain data.

        Raises:
            StateError: the folder has something in it, or cannot be written to.
            SchemaError: a configuration that cannot be read or that this call cannot keep.
        """
        made = read_config(config)
        line = PortfolioLine(made)
        keep_columns(made, line)
        folder = Path(path)
        entry = {
            **new_entry("create", None),
            "base": True,
            "config": made.to_dict(),
            "folder": os.fspath(made.folder.absolute()),
            "fingerprint": made.fingerprint,
            **({} if line.linked is None else line.linked.key_entry()),
        }
        try:
            make_folder(folder)
            told = f"`{folder}`: there is something in it; give a folder that is empty or not there"
            if not is_vacant(folder):
                raise StateError(told)
            lock = _core.FolderLock(os.fspath(folder))
            # Another one may have made a portfolio here meanwhile.
            if not is_vacant(folder):
                raise StateError(told)
            Catalog.create(folder, entry)
        except OSError as error:
            raise StateError(f"`{folder}`: cannot be written to: {error.strerror}") from error
        return cls(folder, lock, True)

    @classmethod
    def open(cls, path: str | os.PathLike[str], mode: str | None = None, *, verify: bool = True) -> Self:
        """Open a portfolio.

        Args:
            path: its folder.
            mode: `"write"` needs the right to write, which one process has at a time, `"read"` never asks for
                it; without a mode it is taken where it is free. A reader sees the version that it opened.
            verify: compare the checksums of the files that records, index and sums are mapped from; without,
                only of those that are read, which is for `mode="read"` alone. Of the log of decisions and of
                rows put aside lengths are compared; their checksums are when they are read, and by `doctor`.

        Raises:
            ArgumentError: no mode that there is, or a writer that does not compare checksums.
            StateError: no portfolio, a file that is damaged or not there, another writer (with its process).
        """
        if mode not in (None, "read", "write"):
            raise ArgumentError(f"`mode` is `{mode}`; allowed are `read`, `write` and None")
        if not verify and mode != "read":
            raise ArgumentError('`verify=False` is for readers; open the portfolio with `mode="read"`')
        folder = Path(path)
        if not folder.is_dir():
            raise StateError(f"`{folder}`: there is no portfolio here; make one with `Portfolio.create`")
        lock = None
        if mode != "read":
            try:
                lock = _core.FolderLock(os.fspath(folder))
            except StateError:
                if mode == "write":
                    raise
        for _ in range(TRIES):
            before = None if lock is not None else version_of(folder)
            try:
                return cls(folder, lock, verify)
            except StateError:
                # A writer that compacts takes files away that a reader is about to open.
                if lock is not None or version_of(folder) == before:
                    raise
        return cls(folder, lock, verify)

    @classmethod
    def doctor(cls, path: str | os.PathLike[str]) -> list[Finding]:
        """Compare everything in a portfolio's folder, and make again what can be made of the rest.

        The index and the sums are made of the segments. Segments and the catalog can only come from a backup.

        Returns:
            Findings; none where all is well.

        Raises:
            StateError: no portfolio, another writer, or a catalog that cannot be read.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise StateError(f"`{folder}`: there is no portfolio here")
        found = cls.__new__(cls)
        found._folder, found._verify, found._closed = folder, True, False
        found._core, found._rankings, found._numbers = None, {}, 0
        found._lock = _core.FolderLock(os.fspath(folder))
        try:
            found._catalog = Catalog(folder, writes=True)
            found._read_entries()
            return examine(folder, found._opened, found._digest_of, found._entries, found._catalog)
        finally:
            found._lock.release()

    def _load(self, *, cleans: bool = False) -> None:
        """Bring memory to what the catalog says; a writer that begins removes what no version is made of."""
        self._core, self._held = None, None
        self._rankings.clear()
        self._read_entries()
        last = self._entries[-1]
        made = manifest(self._entries)
        core = self._opened(made)
        if last["digest"] is not None and self._digest_of(core) != last["digest"]:
            raise StateError(
                f"`{self._folder}`: the records are not those of version {last['version']} (the digest "
                "differs); restore the folder from a backup, or run `creditcore doctor`"
            )
        if self._lock is not None and cleans:
            self._remove_strangers()
        self._core = core

    def _read_entries(self) -> None:
        """Read the catalog, and the configuration in it."""
        self._entries = self._catalog.entries()
        told = next(entry for entry in reversed(self._entries) if "config" in entry)
        self.config = Config.of(told["config"], told["folder"])
        self._fingerprint: str = told["fingerprint"]
        # As it is now: files that change later are told from these.
        self._contents = self.config.contents()
        if data_hash(self._contents) != self._fingerprint:
            raise StateError(
                f"`{self._folder}`: a file that the configuration names was changed since; put it back"
            )
        self._table = region_tables.load(self.config.region_table)
        reviews = read_reviews(self._folder, self._entries, self.config.zone, verify=self._verify)
        if self._lined != self._fingerprint or self._line.config != self.config:
            # Otherwise its models are read, and ready.
            self._line, self._lined = PortfolioLine(self.config), self._fingerprint
        self._line, self._causes = self._line.with_reviews(reviews), None
        self._log = DecisionLog(self._folder, self.config, self._line, self._fingerprint)

    def _opened(self, made: dict[str, Any]) -> _core.State:
        """Open the state that a manifest names."""
        if self._verify:
            check_files(self._folder, files_beside(self._entries), contents=False)
        layout, plan = keep_columns(self.config, self._line)
        told = json.dumps({**made, "layout": layout, "plan": plan})
        return _core.State.open(os.fspath(self._folder), told, self._table, verify=self._verify)

    def _state(self) -> _core.State:
        """The state in memory, which is loaded again after a change that was cut off."""
        if self._closed:
            raise ArgumentError("the portfolio is closed; open it again")
        if self._core is None:
            self._load()
        assert self._core is not None
        return self._core

    def _writer(self) -> _core.State:
        if self._lock is None:
            # Tells who holds it; a lock that is free by now is of no use to a reader of an older version.
            _core.FolderLock(os.fspath(self._folder)).release()
            raise StateError(
                f'`{self._folder}`: the portfolio was opened for reading; open it with `mode="write"`'
            )
        if self._taking:
            raise ArgumentError("the portfolio is taking in records; change it when that is done")
        return self._state()

    def ingest(
        self, source: Records, as_of: date | str | None = None, *, progress: Progress | None = None
    ) -> Refresh:
        """Take in records of any number, part by part, and write a checkpoint of the state after them.

        Args:
            source: files or a frame with the columns of the configuration, and perhaps `version` and `op`;
                rows mean what they mean in `refresh`.
            as_of: the instant that the state speaks of afterwards, or the day; ISO 8601 text too.
            progress: called with the number of rows read so far.

        Raises:
            SchemaError, SourceError: columns or rows that are refused; the state is as it was before.
            StateError: another one writes, or the disk does not take it.
        """
        core, start = self._writer(), time.monotonic()
        when = instant(as_of, self._entries[-1]["as_of"], self.config.zone)
        if self._reviewed_otherwise(self._line, when) is not None:
            # Reviews begin or end with the day: for those that are here first.
            self.refresh(None, as_of)
            core = self._state()
        types = self.types()
        # Until the catalog has it, memory is ahead of it.
        self._core, self._taking = None, True
        try:
            told, rescored, held = self._take_in(core, source, when, types, progress)
            ready = time.monotonic()
            checkpoint = json.loads(core.checkpoint(self._number(len(told["segments"]))))
            latency = {"ingest": ready - start, "checkpoint": time.monotonic() - ready}
            entry = {
                **new_entry("ingest", when),
                "segments": told["segments"],
                "checkpoint": checkpoint,
                "counts": told["counts"],
            }
            return self._commit(core, entry, latency, start, rescored, held)
        except BaseException:
            self._drop_strangers()
            raise
        finally:
            self._taking = False

    def refresh(
        self,
        delta: Records | None,
        as_of: date | str | None = None,
        *,
        reviews: Records | None = None,
        gates: bool = True,
        files: Sequence[tuple[str, str]] = (),
    ) -> Refresh:
        """Renew the state by a delta: on the disk, summed and ranked when this returns.

        Args:
            delta: a frame or files with the records' columns; `op` (optional) is `upsert` or `delete`,
                `version` (optional) an integer. Of a key's rows, those before among them, the highest
                version counts; without versions the last one to come. None where only the day goes on, or
                reviews come.
            as_of: the instant that the state speaks of afterwards, or the day, ISO 8601 text too; by default
                that of before.
            reviews: what people decided, as `review` takes it.
            gates: whether the quality gates are asked.
            files: names and SHA-256 (hex) of the files that the delta is of; they are committed with it.

        Raises:
            DeltaRefused: a quality gate of the configuration refuses it; nothing was written.
            SchemaError, SourceError: columns or rows that are refused; the state is as it was before.
            StateError: another one writes, or the disk does not take it; the state is as it was before.
            ArgumentError: an `as_of` before that of the state.
        """
        core, start = self._writer(), time.monotonic()
        when = instant(as_of, self._entries[-1]["as_of"], self.config.zone)
        line = self._with_reviews(reviews, when)
        prepared = self._prepare(core, line, delta, when, gates=gates)
        counts, stages = self._staged(core, prepared)
        latency: dict[str, float] = {**prepared.latency, **stages}
        try:
            number = self._number()
            told = self._written_and_logged(core, when, latency)
            aside = keep_aside(prepared.quarantined, self._folder / f"quarantine-{number:010}.parquet")
            entry = {**new_entry("refresh", when), "counts": counts, **told}
            if line.reviews != self._line.reviews:
                entry |= write_reviews(line.reviews, self._folder / f"reviews-{number:010}.parquet")
            more = {"files": [*map(list, files)], "findings": prepared.findings, "quarantine": aside}
            entry |= {name: value for name, value in more.items() if value}
        except BaseException:
            core.discard()
            with suppress(OSError):
                self._remove_strangers()
            raise
        self._core, self._line = None, line
        renewal, again = prepared.renewal, prepared.again
        rescored = renewal.rescored if renewal else len(again) if again is not None else 0
        held = renewal.held if renewal else None
        return self._commit(core, entry, latency, start, rescored, held, logged=True)

    def _commit(
        self,
        core: _core.State,
        entry: dict[str, Any],
        latency: dict[str, float],
        start: float,
        rescored: int = 0,
        held: Held | None = None,
        *,
        logged: bool = False,
    ) -> Refresh:
        """Commit a version, whose decisions may be logged already, then bring memory to it."""
        entry |= {"rescored": rescored} if rescored else {}
        entry["digest"] = self._digest_of(core)
        entry["records"] = core.fingerprint()[2]
        number = self._entries[-1]["version"] + 1
        try:
            entry |= {} if logged else self._log.write(entry, number, latency, self._entries)
            entry["latency"] = {name: round(seconds, 6) for name, seconds in latency.items()}
            began = time.monotonic()
            self._catalog.commit(number, entry)
        except BaseException:
            self._drop_strangers()
            raise
        committed = time.monotonic()
        core.apply()
        remove_replaced(self._folder, entry, self._entries)
        self._causes, self._held = None, held
        self._entries.append({"version": number, **entry})
        self._rankings.clear()
        self._core = core
        applied = time.monotonic()
        for name in self.config.by:
            self.ranking(name)
        ends = {"commit": committed - began, "apply": applied - committed, "rank": time.monotonic() - applied}
        latency = {**latency, **ends}
        return refresh_of(number, entry, latency, time.monotonic() - start)

    def _drop_strangers(self) -> None:
        """Load what the catalog says, which removes what a failed change has written; later, if not now."""
        self._numbers = 0
        try:
            self._load(cleans=True)
        except StateError:
            self._core = None

    def __repr__(self) -> str:
        """Where, and how many records."""
        if self._closed:
            return f"<Portfolio `{self._folder}`, closed>"
        return f"<Portfolio `{self._folder}`: {self.records} records, version {self.version}>"


in_turn(Portfolio)
