"""What a portfolio does for its own files while nobody waits for it.

Comes in: an open state whose catalog names a checkpoint and what came after it. Goes out: another checkpoint,
so that opening need not take in again what came since. Records, digest and rankings stay what they are.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from creditcore.errors import StateError
from creditcore.portfolio.catalog import manifest
from creditcore.portfolio.rings import Rings
from creditcore.portfolio.versions import new_entry, remove_replaced

if TYPE_CHECKING:
    from creditcore import _core

BEHIND = 256
"""Rows behind a checkpoint cost more than writing it from this part of the records on."""
LEAST = 1 << 16
"""Rows that are taken in again in no time."""


class Upkeep(Rings):
    """The part of `Portfolio` that keeps its files short, and closes it."""

    _closed: bool
    _taking: bool
    _turn: threading.RLock

    def checkpoint(self) -> None:
        """Write the index and the sums, so that opening need not make them again of what came since.

        `close` does it where more than a 256th of the records came since the last one, so it is of use
        to whoever may be ended without that. It is a version of its own; the digest stays.

        Raises:
            StateError: another one writes, or the disk does not take it; the state is as it was before.
        """
        core, began = self._writer(), time.monotonic()
        # Until it is known whether the catalog has it, memory is loaded again.
        self._core = None
        told = json.loads(core.checkpoint(self._number()))
        entry = {
            **new_entry("checkpoint", self._entries[-1]["as_of"]),
            "checkpoint": told,
            "digest": self._digest_of(core),
            "records": core.sizes()[0],
            "latency": {"checkpoint": round(time.monotonic() - began, 6)},
        }
        number = self._entries[-1]["version"] + 1
        self._catalog.commit(number, entry)
        remove_replaced(self._folder, entry, self._entries)
        self._entries.append({"version": number, **entry})
        self._core = core

    def rest(self) -> str | None:
        """Do what keeps the files short, where it is due: for whoever has nothing else to do at the moment.

        Returns:
            `compact` where rows that others took the place of are the share of all that `[upkeep] compact_at`
            of the configuration names; `checkpoint` where `close` would write one; None where neither is due.

        Raises:
            StateError: as `compact` and `checkpoint`.
        """
        core, share = self._writer(), self.config.upkeep.compact_at
        records, rows, _ = core.sizes()
        if share is not None and rows - records >= max(LEAST, share * rows):
            self.compact()
            return "compact"
        if self._is_behind(core):
            self.checkpoint()
            return "checkpoint"
        return None

    def _is_behind(self, core: _core.State) -> bool:
        """Whether so many rows came since the last checkpoint that opening would take longer for them."""
        made: dict[str, Any] = manifest(self._entries)
        known = (made["checkpoint"] or {"segments": 0})["segments"]
        rows = sum(segment["rows"] for segment in made["segments"][known:])
        return bool(rows >= max(LEAST, core.sizes()[0] // BEHIND))

    def close(self) -> None:
        """Close the portfolio, and give the right to write back; closing twice does nothing.

        Where many rows came since the last checkpoint one is written first.
        """
        core = None if self._closed or self._lock is None or self._taking else self._core
        try:
            if core is not None and self._is_behind(core):
                # Whoever opens it takes longer; nothing is lost.
                with suppress(StateError):
                    self.checkpoint()
        finally:
            self._closed, self._core = True, None
            self._catalog.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
