"""The log of a portfolio's decisions: written when they are made, and never changed after that.

Comes in: segments that a change has written. Goes out: Parquet files that are on the disk before the catalog
names them, so a decision is logged with the commit of its refresh or not at all (law 8). A record that comes
again adds a row to the log; rows of before stay as they are. Compaction keeps the inputs of decisions whose
record says something else by now, so that each can be made again (replay.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.config.config import Config
from creditcore.pipeline.inputs import record_columns
from creditcore.portfolio.catalog import manifest
from creditcore.portfolio.files import checked, write_rows

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import State, Table
    from creditcore.portfolio.line import PortfolioLine

KINDS = ("decisions", "inputs", "reviews", "quarantine")
"""The lists of files, beside segments, that an entry of the catalog may name."""


def files_of(entries: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Give the files of a kind that count, in the order in which they were written.

    An entry that names a kind in `whole` begins its list anew.
    """
    start = max((at for at, entry in enumerate(entries) if kind in entry.get("whole", ())), default=0)
    found: list[dict[str, Any]] = []
    for entry in entries[start:]:
        told = entry.get(kind) or []
        found += told if isinstance(told, list) else [told]
    return found


def files_beside(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give every file beside the segments that counts."""
    return [one for kind in KINDS for one in files_of(entries, kind)]


def number_of(file: str) -> int:
    """Give the number of a segment by its file."""
    return int(Path(file).stem.rpartition("-")[2])


class DecisionLog:
    """Writes the log of one configuration."""

    def __init__(self, folder: Path, config: Config, line: PortfolioLine, fingerprint: str) -> None:
        """Nothing is read or written yet."""
        self._folder, self._config, self._line, self._fingerprint = folder, config, line, fingerprint

    @property
    def keeps(self) -> bool:
        """Whether there are decisions: rules."""
        return self._line.pipeline is not None and self._line.pipeline.policy is not None

    @cached_property
    def inputs(self) -> list[str]:
        """The columns of records that scores and decisions go by."""
        return [] if self._line.pipeline is None else list(record_columns(self._line.pipeline))

    @cached_property
    def _versions(self) -> dict[str, str | None]:
        """The fingerprints of configuration, models and policy."""
        told = self._config.contents()
        models, policy = told.get("fleet", {}).get("models"), told.get("policy", {}).get("file")
        return {"configuration": self._fingerprint, "models": models, "policy": policy}

    def write(
        self,
        entry: dict[str, Any],
        version: int,
        latency: dict[str, float],
        before: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Any]:
        """Log the decisions of the segments of an entry; gives what the entry says of it.

        Args:
            entry: of the catalog, not committed yet.
            version: its number.
            latency: seconds by stage, which the log's is added to.
            before: the entries before it.

        Raises:
            StateError: the disk does not take it.
        """
        from creditcore.frames import decided

        if not self.keeps or not entry["segments"]:
            return {}
        began, stamp = time.monotonic(), self._stamp(entry["as_of"], version)
        state, made = decided.placed(self._folder, manifest([*before, entry])["segments"]), []
        for segment in entry["segments"]:
            # What a merged segment took in was logged when it came.
            start = sum(segment.get("parts", ())[:-1])
            found = decided.segment_rows(self._folder / segment["file"], state, start=start)
            for place, rows in enumerate(found):
                made += self._logged([rows], stamp, number_of(segment["file"]), place)
        latency["log"] = time.monotonic() - began
        return {"decisions": made} if made else {}

    def staged(self, core: State) -> list[list[Table]]:
        """Give what rows of the log are made of, of the records that a state writes to its two files."""
        from creditcore.frames import decided

        columns = decided.logged_columns(self._config.columns.key, self.inputs)
        return list(core.staged(columns)) if self.keeps else []

    def write_staged(
        self, staged: Sequence[Sequence[Table]], files: Sequence[str], as_of: str | None, version: int
    ) -> dict[str, Any]:
        """Log the decisions of records that are staged; gives what the entry says of it.

        Args:
            staged: what `staged` gave.
            files: of the segments.
            as_of, version: of the entry.

        Raises:
            StateError: the disk does not take it.
        """
        from creditcore._frame import to_polars

        stamp, made = self._stamp(as_of, version), []
        for file, tables in zip(files, staged, strict=True):
            made += self._logged([to_polars(table) for table in tables], stamp, number_of(file), 0)
        return {"decisions": made} if made else {}

    def _stamp(self, as_of: str | None, version: int) -> dict[str, Any]:
        return {"time": as_of, "version": version, **self._versions}

    def _logged(
        self, parts: Sequence[pl.DataFrame], stamp: Mapping[str, Any], number: int, place: int
    ) -> list[dict[str, Any]]:
        """Write the decisions of some records of a segment; gives the file, if there are any."""
        from creditcore.frames import decided

        key = self._config.columns.key
        told = [decided.log_rows(rows, key, self.inputs, stamp, number) for rows in parts if len(rows)]
        if not told:
            return []
        path = self._folder / f"decisions-{number:010}-{place}.parquet"
        return [_write_log(decided.under(told), path)]

    def old_inputs(
        self, segments: Sequence[Mapping[str, Any]], number: int, *, every: bool = False
    ) -> dict[str, Any]:
        """Keep the inputs of decisions that the segments hold and the current records do not.

        Args:
            segments: those that are about to be written anew.
            number: that no file has.
            every: keep those of current records too, because they are about to lose columns.
        """
        from creditcore.frames import decided

        if not self.keeps:
            return {}
        state = decided.placed(self._folder, segments)
        found = decided.replaced_rows(state, self._config.columns.key, self.inputs, every=every)
        made = [
            write_rows(rows, self._folder / f"inputs-{number:010}-{place}.parquet")
            for place, rows in enumerate(found)
        ]
        return {"inputs": made} if made else {}


def _write_log(rows: pl.DataFrame, path: Path) -> dict[str, Any]:
    """Write rows of the log as `write_rows` does, columns side by side: every refresh waits for it."""
    from creditcore.frames import decided

    size, crc = _core.write_log(rows, path, ["key", "inputs", *decided.NUMBERS])
    return {"file": path.name, "rows": len(rows), "bytes": size, "crc": crc}


@dataclass(frozen=True)
class Leaving:
    """Whose rows leave every file beside the segments.

    Attributes:
        keys: of records.
        before: rows of an earlier time leave too.
        columns: by what files call them the names of the records' columns of keys and times.
    """

    keys: Sequence[Any]
    before: datetime | None
    key: str
    time: str | None

    def names(self, kind: str) -> tuple[str, str]:
        """Give the names of the columns of keys and times in a kind of files."""
        # A review is no older than the record that it is of.
        own = {"decisions": ("key", "time"), "reviews": ("key", "")}
        return own.get(kind, (self.key, self.time or ""))


def written_anew(
    folder: Path, entries: Sequence[Mapping[str, Any]], number: int, leaving: Leaving | None = None
) -> dict[str, Any]:
    """Join the files of the log, or leave people or times out of all files beside the segments.

    Args:
        folder: of the portfolio.
        entries: of the catalog.
        number: that no file has.
        leaving: whose rows leave; without it the log is joined.

    Returns:
        What the entry says of the files.
    """
    from creditcore.frames import decided

    told: dict[str, Any] = {}
    for kind in KINDS if leaving else KINDS[:1]:
        files = files_of(entries, kind)
        if not files or (leaving is None and len(files) == 1):
            continue
        parts: Iterable[pl.DataFrame] = (decided.read_log(checked(folder, [one])) for one in files)
        if leaving is not None:
            parts = _left(parts, kind, leaving)
        if kind == "inputs":
            # What nobody decided by any more is not kept either.
            log = decided.read_log(checked(folder, told.get("decisions", ())))
            parts = (decided.of_decisions(rows, leaving.key, log) for rows in parts) if leaving else parts
        made = [
            write_rows(rows, folder / f"{kind}-{number:010}-{place}.parquet")
            for place, rows in enumerate(_joined(parts) if kind == "decisions" else parts)
            if len(rows)
        ]
        told.setdefault("whole", []).append(kind)
        told |= {kind: made} if made else {}
    return told


def _left(parts: Iterable[pl.DataFrame], kind: str, leaving: Leaving) -> Iterator[pl.DataFrame]:
    """The rows of files of a kind that stay."""
    from creditcore.frames import decided

    key, time = leaving.names(kind)
    for rows in parts:
        yield decided.left_out(rows, key, leaving.keys, time, leaving.before)


def _joined(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Frames of some size instead of many small ones."""
    from creditcore.frames import decided

    waiting: list[pl.DataFrame] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= decided.SLICE:
            yield decided.under(waiting)
            waiting = []
    if waiting:
        yield decided.under(waiting)
