"""The log of a portfolio's decisions: written when they are made, and never changed after that.

Comes in: segments that a change has written. Goes out: Parquet files that are on the disk before the catalog
names them, so a decision is logged with the commit of its refresh or not at all (law 8). A record that comes
again adds a row to the log; rows of before stay as they are. Compaction keeps the inputs of decisions whose
record says something else by now, so that each can be made again (replay.py).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from creditcore.portfolio.meanwhile import ahead

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import State, Table
    from creditcore.portfolio.line import PortfolioLine

KINDS = ("decisions", "moved", "inputs", "reviews", "quarantine")
"""The lists of files, beside segments, that an entry of the catalog may name."""
ROWS = 1 << 18
"""Rows of a file of inputs."""


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
        return list(core.staged(columns))

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

        stamp = self._stamp(as_of, version)

        def logged(of: tuple[str, Sequence[Table]]) -> list[dict[str, Any]]:
            file, tables = of
            return self._logged([to_polars(table) for table in tables], stamp, number_of(file), 0)

        # While the disk takes the one file the other is encoded.
        both = ahead(logged, zip(files, staged, strict=True), 2)
        made = [file for files in both for file in files]
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

    def old_inputs(self, core: State, number: int, *, every: bool = False) -> dict[str, Any]:
        """Keep the inputs of decisions that a state holds and its current records do not.

        Of rows whose record, or another row that is kept, says the same, only network features are kept.

        Args:
            core: the state that is about to be written anew.
            number: that no file has.
            every: keep those of current records too, because they are about to lose columns.
        """
        from creditcore.frames import decided

        if not self.keeps:
            return {}
        replaced, key = core.replaced(every=every), self._config.columns.key
        told: dict[str, Any] = {}
        columns = {"inputs": self.inputs, "moved": decided.moving(self.inputs)}
        for (kind, names), rows in zip(columns.items(), replaced.sizes(), strict=True):
            wanted = [*dict.fromkeys([key, *names])]
            made = []
            for place, start in enumerate(range(0, rows, ROWS)):
                table = core.replaced_rows(replaced, kind == "moved", start, ROWS, wanted)
                path = self._folder / f"{kind}-{number:010}-{place}.parquet"
                made.append(_write(decided.printed(table, self.inputs), path, [key, decided.PRINT]))
            told |= {kind: made} if made else {}
        return told


def _write_log(rows: pl.DataFrame, path: Path) -> dict[str, Any]:
    """Write rows of the log: every refresh waits for it."""
    from creditcore.frames import decided

    return _write(rows, path, ["key", "inputs", *decided.NUMBERS])


def _write(rows: pl.DataFrame, path: Path, plain: list[str]) -> dict[str, Any]:
    """Write rows as `write_rows` does, columns side by side; `plain` ones hardly repeat."""
    size, crc = _core.write_log(rows, path, plain)
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
    """Join small files of the log, or leave people or times out of all files beside the segments.

    A file of which no row leaves stays as it is.

    Args:
        folder: of the portfolio.
        entries: of the catalog.
        number: that no file has.
        leaving: whose rows leave; without it small files of the log are joined.

    Returns:
        What the entry says of the files.
    """
    told: dict[str, Any] = {}
    now: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS if leaving else KINDS[:1]:
        files = files_of(entries, kind)
        stay = None if leaving is None else _staying(folder, kind, leaving, now)
        now[kind] = list(_anew(folder, kind, files, number, stay))
        if now[kind] != files:
            told.setdefault("whole", []).append(kind)
            told |= {kind: now[kind]} if now[kind] else {}
    return told


def _anew(
    folder: Path,
    kind: str,
    files: Sequence[dict[str, Any]],
    number: int,
    stay: Callable[[pl.DataFrame], pl.DataFrame] | None,
) -> Iterator[dict[str, Any]]:
    """Give files of a kind as they are now: of `stay`'s rows, and small neighbours of the log joined."""
    from creditcore.frames import decided

    paths = (folder / f"{kind}-{number:010}-{place}.parquet" for place in itertools.count())
    waiting: list[pl.DataFrame] = []
    same: dict[str, Any] | None = None

    def written() -> Iterator[dict[str, Any]]:
        nonlocal waiting
        if len(waiting) == 1 and same is not None:
            yield same
        elif any(map(len, waiting)):
            yield write_rows(decided.under(waiting), next(paths))
        waiting = []

    for one in files:
        joins = kind == "decisions" and 2 * one["rows"] < decided.SLICE
        if not joins or sum(map(len, waiting)) + one["rows"] > decided.SLICE:
            yield from written()
        if stay is None and not joins:
            yield one
            continue
        rows = decided.read_log(checked(folder, [one]))
        kept = rows if stay is None else stay(rows)
        waiting.append(kept)
        same = one if len(kept) == len(rows) else None
        if not joins:
            yield from written()
    yield from written()


def _staying(
    folder: Path, kind: str, leaving: Leaving, now: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Give what leaves out rows of a kind of files; the kinds before it are as they are `now`."""
    from creditcore.frames import decided

    key, time = leaving.names(kind)

    def left(rows: pl.DataFrame) -> pl.DataFrame:
        return decided.left_out(rows, key, leaving.keys, time, leaving.before)

    if kind not in ("moved", "inputs"):
        return left
    # What nobody decided by any more is not kept either; what moved needs the rest of its row.
    log = decided.read_log(checked(folder, now["decisions"]), columns=["key", "inputs"])
    others: pl.Series | None = None
    if kind == "moved":
        # Fingerprints of another form cannot be made of what moved alone.
        others = log.filter(~log["inputs"].str.starts_with(decided.PARTED))["key"]
    elif paths := checked(folder, now["moved"]):
        others = decided.read_log(paths, columns=[key])[key]
    return lambda rows: decided.of_decisions(left(rows), key, log, others)
