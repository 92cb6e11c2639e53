"""The loop: files that arrive become refreshes, each exactly once, whatever happens in between.

Comes in: an open portfolio, a folder. Goes out: one record for each refresh and each file that was not taken,
as they come. A file's name and the hash of its content are committed with its refresh, in one transaction; it
is moved after that. A file whose hash is known was taken before, so it is only moved.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError, Cancelled, CreditcoreError, DeltaRefused, StateError
from creditcore.portfolio.instants import check_as_of, instant_after
from creditcore.sources import open_source
from creditcore.watch.figures import Figures
from creditcore.watch.incoming import Incoming, Received

if TYPE_CHECKING:
    from creditcore.portfolio.portfolio import Portfolio

EVERY = 3.0
"""Seconds from the begin of a refresh to that of the next."""
MOST_ROWS = 100_000
"""Rows that wait from which a refresh does not wait."""
RESTS = 30.0
"""Seconds without a file after which the portfolio's own files are looked after."""
LOOKS = 0.1
"""Seconds between two looks at the folder."""


@dataclass(frozen=True)
class Pace:
    """When a refresh begins: `every` seconds after the last one, or as soon as `rows` wait.

    After `rests` seconds without a file the portfolio does for its own files what is due (`Portfolio.rest`).
    """

    every: float = EVERY
    rows: int = MOST_ROWS
    rests: float = RESTS

    def __post_init__(self) -> None:
        """Hold the numbers against what is allowed."""
        if self.every < 0 or self.rows < 1:
            raise ArgumentError(f"a pace of {self.every} seconds and {self.rows} rows; 0 and 1 are the least")


class Watcher:
    """A portfolio and the folder that feeds it.

    `run` gives what happens, as plain records with `event`: `refresh`, `duplicate`, `failed` or `rest`.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        incoming: Incoming,
        figures: Figures | None = None,
        pace: Pace | None = None,
        as_of: str | date = "latest",
        *,
        rings: bool = False,
    ) -> None:
        """Join them.

        Args:
            portfolio: open for writing.
            incoming: the folder.
            figures: what is counted; its own without it.
            pace: when a refresh begins.
            as_of: `latest`, the newest event time of the files, never before that of the state; `clock`, the
                machine's own time; or an instant, for every refresh.
            rings: show the newest rings too. Finding them reads the whole network, so a fifth of the time at
                most goes into it; what is shown may be some refreshes old.

        Raises:
            ArgumentError: `latest` where the configuration names no event time.
        """
        self.portfolio, self.incoming = portfolio, incoming
        self.figures, self.pace = figures or Figures(), pace or Pace()
        self._as_of, self._with_rings = as_of, rings and portfolio.config.network is not None
        self._rings: list[dict[str, Any]] = []
        self._rings_due = 0.0
        check_as_of(as_of, portfolio.config)
        self._known: dict[tuple[str, int, int, int], Received] = {}

    def run(self, stop: threading.Event | None = None, *, once: bool = False) -> Iterator[dict[str, Any]]:
        """Take files as they come.

        Args:
            stop: set to end; a refresh that has begun is finished.
            once: ends where no file waits.

        Yields:
            A record for each refresh (version, as_of, files, counts of rows, total, latency), each file that
            was a duplicate or failed (file, error), and each time that the portfolio looked after its own
            files (kind: `compact` or `checkpoint`; version, total).

        Raises:
            StateError: the state is damaged; OSError: a folder or the disk does not do. Files that wait are
                as they were.
        """
        stop = stop or threading.Event()
        self._show()
        begun, busy = float("-inf"), time.monotonic()
        while not stop.is_set():
            files = yield from self._fresh()
            self.figures.wait(len(files))
            busy = time.monotonic() if files else busy
            batch, rows = self._batch(files)
            elapsed = time.monotonic() - begun
            if batch and (once or elapsed >= self.pace.every or rows >= self.pace.rows):
                begun = time.monotonic()
                yield from self._take(batch)
            elif once and not files:
                return
            else:
                if time.monotonic() - busy >= self.pace.rests:
                    yield from self._rest()
                    busy = time.monotonic()
                stop.wait(LOOKS)

    def _rest(self) -> Iterator[dict[str, Any]]:
        """Let the portfolio look after its own files."""
        began = time.monotonic()
        if (kind := self.portfolio.rest()) is not None:
            told = {"version": self.portfolio.version, "total": time.monotonic() - began}
            yield {"event": "rest", "kind": kind, **told}

    def _fresh(self) -> Generator[dict[str, Any], None, list[Received]]:
        """Give the files that were never taken; those that were are moved and told."""
        found: list[Received] = []
        for path in self.incoming.waiting():
            file = self._received(path)
            if file is None:
                continue
            version = self.portfolio.received(file.content)
            if version is None and file.content not in {one.content for one in found}:
                found.append(file)
            elif version is not None:
                self.incoming.put_done(file)
                self.figures.file("duplicate")
                yield {"event": "duplicate", "file": file.name, "sha256": file.content, "version": version}
        return found

    def _received(self, path: Any) -> Received | None:
        """Give a file with its hash; one that did not change since the last look is not read again."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        mark = (path.name, status.st_ino, status.st_mtime_ns, status.st_size)
        if mark not in self._known:
            file = self.incoming.received(path)
            if file is None:
                return None
            self._known = {key: one for key, one in self._known.items() if one.path.exists()} | {mark: file}
        return self._known[mark]

    def _batch(self, files: Sequence[Received]) -> tuple[list[Received], int]:
        """Give the files of one refresh, in the order of their names, and about how many rows they have."""
        batch: list[Received] = []
        rows = 0
        for file in files:
            if rows >= self.pace.rows:
                break
            batch.append(file)
            rows += self._rows(file)
        return batch, rows

    def _rows(self, file: Received) -> int:
        try:
            return open_source(file.path).rows() or 0
        except CreditcoreError:
            return 0  # told where it is taken

    def _take(self, batch: list[Received]) -> Iterator[dict[str, Any]]:
        """Refresh with some files; where that fails, with each alone, so that a good one need not wait."""
        try:
            told = self._refresh(batch)
        except (StateError, Cancelled) as error:
            if not isinstance(error, DeltaRefused):
                raise
            yield from self._apart(batch, error)
        except CreditcoreError as error:
            yield from self._apart(batch, error)
        else:
            for file in batch:
                self.incoming.put_done(file)
                self.figures.file("done")
            self._show(told)
            yield told

    def _apart(self, batch: list[Received], error: CreditcoreError) -> Iterator[dict[str, Any]]:
        if len(batch) > 1:
            for file in batch:
                yield from self._take([file])
            return
        [file] = batch
        findings = error.findings if isinstance(error, DeltaRefused) else ()
        self.incoming.put_failed(file, str(error), findings)
        self.figures.file("failed")
        yield {"event": "failed", "file": file.name, "sha256": file.content, "error": str(error)}

    def _refresh(self, batch: list[Received]) -> dict[str, Any]:
        paths = [str(file.path) for file in batch]
        when = instant_after(self.portfolio, paths, self._as_of)
        done = self.portfolio.refresh(paths, when, files=[(file.name, file.content) for file in batch])
        return {"event": "refresh", **done.to_dict(), "files": [file.name for file in batch]}

    def _show(self, told: dict[str, Any] | None = None) -> None:
        """Put the state before whoever looks at the page."""
        rankings = {}
        for name in self.portfolio.config.by:
            ranking = self.portfolio.ranking(name)
            rankings[name] = {"heading": ranking.heading, "rows": ranking.rows()}
        state = {name: getattr(self.portfolio, name) for name in ("version", "as_of", "records")}
        if told is None:
            self.figures.showing(state, rankings, self._newest_rings())
        else:
            self.figures.refreshed({**state, **told}, rankings, self._newest_rings())

    def _newest_rings(self) -> list[dict[str, Any]]:
        """Give the newest rings, found again where enough time went by since they were found last."""
        began = time.monotonic()
        if self._with_rings and began >= self._rings_due:
            self._rings = self.portfolio.ring_history()
            ended = time.monotonic()
            self._rings_due = ended + 4 * (ended - began)
        return self._rings
