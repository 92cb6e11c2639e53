"""Decisions of the log made again, from the inputs, models, rules and configuration of their time.

Comes in: a portfolio with its log. Goes out: for each decision of a seeded sample whether it comes out the
same: points, reasons, decision, to the bit; or why it cannot be made again. Nothing is changed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.config.config import Config
from creditcore.errors import ArgumentError, CreditcoreError
from creditcore.pipeline.inputs import record_columns
from creditcore.pipeline.pipeline import DECISIONS, SCORES
from creditcore.population import day_of
from creditcore.portfolio.decision_log import files_of, number_of
from creditcore.portfolio.files import checked
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore.pipeline.pipeline import Pipeline
    from creditcore.portfolio.reading import Reading

COMPARED = (*SCORES, *DECISIONS[:3])
"""What of a decision is compared."""
SAME, DIFFERS, CHANGED, ERASED, UNREAD = OUTCOMES = ("same", "differs", "changed", "erased", "unread")

Row = dict[str, Any]


@dataclass(frozen=True)
class Replay:
    """What became of decisions that were made again.

    Attributes:
        logged: decisions in the log.
        seed: of the sample.
        rows: for each decision of the sample `key`, `time`, `version` (of the state), `outcome`: `same`;
            `differs`; `changed` (what was decided on is no longer kept: the record says something else);
            `erased` (the record is no longer there); `unread` (models, rules or configuration of that time
            are not as they were); and `told`: what differs, as `name: logged, again`, or why it is unread.
    """

    logged: int
    seed: int
    rows: Sequence[Mapping[str, Any]]

    @property
    def counts(self) -> dict[str, int]:
        """How many decisions there are of each outcome."""
        return {name: sum(row["outcome"] == name for row in self.rows) for name in OUTCOMES}

    @property
    def right(self) -> bool:
        """Whether every decision came out the same."""
        return all(row["outcome"] == SAME for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {**asdict(self), "sampled": len(self.rows), "counts": self.counts, "right": self.right}


def replay(portfolio: Reading, folder: Path, sample: int, seed: int, *, verify: bool) -> Replay:
    """Make a sample of the log's decisions again; `Portfolio.replay` tells the rest."""
    if sample < 1:
        raise ArgumentError(f"`sample` is `{sample!r}`; it is a number of decisions, 1 or more")
    entries = portfolio._entries
    logged, drawn = _drawn(folder, entries, sample, seed, verify)
    places = _Inputs(portfolio, folder, entries, verify)
    found: dict[int, Row] = {}
    for told in {row["configuration"]: None for row in drawn}:
        rows = {at: row for at, row in enumerate(drawn) if row["configuration"] == told}
        found |= _of_configuration(rows, told, places)
    return Replay(logged, seed, [found[at] for at in range(len(drawn))])


def _drawn(
    folder: Path, entries: Sequence[Row], sample: int, seed: int, verify: bool
) -> tuple[int, list[Row]]:
    """How many decisions there are, and those of the sample, in the order of the log."""
    from creditcore.frames import decided

    files = files_of(entries, "decisions")
    logged = sum(one["rows"] for one in files)
    wanted = sorted(random.Random(seed).sample(range(logged), min(sample, logged)))
    drawn: list[Row] = []
    start = 0
    for one in files:
        inside = [place - start for place in wanted if start <= place < start + one["rows"]]
        if inside:
            [path] = checked(folder, [one], verify=verify)
            drawn += decided.rows_at(path, inside)
        start += one["rows"]
    return logged, drawn


class _Inputs:
    """Where the inputs of decisions are kept: current records, segments, files of compactions."""

    def __init__(self, portfolio: Reading, folder: Path, entries: Sequence[Row], verify: bool) -> None:
        from creditcore.frames import decided
        from creditcore.portfolio.catalog import manifest

        self.portfolio, self._folder, self.entries, self._verify = portfolio, folder, entries, verify
        self.key = portfolio.config.columns.key
        segments = manifest(list(entries))["segments"]
        self._segments = {number_of(one["file"]): one["file"] for one in segments}
        self._state = decided.placed(folder, segments)
        self._kept, self._moved = files_of(entries, "inputs"), files_of(entries, "moved")

    def found(
        self, rows: Mapping[int, Row], names: Sequence[str]
    ) -> Iterator[tuple[pl.DataFrame, list[int]]]:
        """Give the inputs of decisions, by their places in the sample, each once; of some there are none.

        Frames keep the types that the columns have where they are kept.
        """
        from creditcore.frames import decided

        waiting: dict[tuple[Any, str], list[int]] = {}
        for at, row in rows.items():
            waiting.setdefault((row["key"], row["inputs"]), []).append(at)
        for part in self._places(rows.values(), names):
            if self.key not in part.columns:
                continue
            keys = part[self.key].to_list()
            # Logs of before have fingerprints of another kind.
            kinds = {told.startswith(decided.PARTED) for _, told in waiting} or {True}
            prints = [decided.fingerprints(part, names, parted=kind).to_list() for kind in kinds]
            places, ats = [], []
            for place, *told in zip(range(len(keys)), *prints, strict=True):
                for at in (at for one in told for at in waiting.pop((keys[place], one), ())):
                    places.append(place)
                    ats.append(at)
            if places:
                yield part[places], ats

    def _places(self, rows: Iterable[Row], names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give the records of some keys from everywhere: as they are now, and as they came."""
        from creditcore.frames import decided

        known = [self.current([row["key"] for row in rows])]
        yield known[0]
        by_segment: dict[int, list[Any]] = {}
        gone: list[Any] = []
        for row in rows:
            if row["segment"] in self._segments:
                by_segment.setdefault(row["segment"], []).append(row["key"])
            else:
                # A compaction wrote it anew, into segments of its own or, if it was replaced by then, apart.
                gone.append(row["key"])
        for number, file in self._segments.items():
            if keys := [*by_segment.get(number, ()), *gone]:
                parts = decided.segment_rows(self._folder / file, self._state)
                types = self.portfolio.types()
                for part in parts:
                    known.append(decided.in_types(decided.of_keys(part, self.key, keys), types))
                    yield known[-1]
        for one in self._kept if gone else ():
            paths = checked(self._folder, [one], verify=self._verify)
            known.append(decided.of_keys(decided.read_log(paths), self.key, gone))
            yield known[-1]
        # Of these the rest stands in the others.
        known = [part for part in known if len(part) and self.key in part.columns]
        for one in self._moved if gone else ():
            paths = checked(self._folder, [one], verify=self._verify)
            moved = decided.of_keys(decided.read_log(paths), self.key, gone)
            yield from decided.moved_rows(moved, known, self.key) if len(moved) else ()

    def current(self, keys: Sequence[Any]) -> pl.DataFrame:
        """Give the current records of some keys."""
        from creditcore._frame import to_polars

        distinct = list(dict.fromkeys(keys))
        return to_polars(self.portfolio._state().find(open_source({self.key: distinct})))


def _of_configuration(rows: Mapping[int, Row], told: str, places: _Inputs) -> dict[int, Row]:
    """Make decisions of one configuration again."""
    try:
        config, pipeline = _pipeline_of(told, places)
    except CreditcoreError as error:
        return {at: _row(row, UNREAD, str(error)) for at, row in rows.items()}
    names = list(record_columns(pipeline))
    made: dict[int, Row] = {}
    for frame, ats in places.found(rows, names):
        days = [None if rows[at]["time"] is None else day_of(rows[at]["time"], config) for at in ats]
        for day in set(days):
            chosen = [place for place, one in enumerate(days) if one == day]
            again = _scored(pipeline, frame[chosen], names, day)
            for place, new in zip(chosen, again, strict=True):
                apart = _apart(rows[ats[place]], new)
                made[ats[place]] = _row(rows[ats[place]], DIFFERS if apart else SAME, apart)
    known = set(places.current([row["key"] for row in rows.values()])[places.key].to_list())
    for at in rows.keys() - made.keys():
        made[at] = _row(rows[at], CHANGED if rows[at]["key"] in known else ERASED, "")
    return made


def _pipeline_of(told: str, places: _Inputs) -> tuple[Config, Pipeline]:
    """Give the configuration of a fingerprint, and its models and rules.

    Raises:
        SchemaError and others: files that it names are not there, or not as they were.
    """
    from creditcore.errors import StateError
    from creditcore.pipeline.pipeline import Pipeline

    if told == places.portfolio._fingerprint and places.portfolio.line.pipeline is not None:
        return places.portfolio.config, places.portfolio.line.pipeline
    entry = next((one for one in reversed(places.entries) if one.get("fingerprint") == told), None)
    if entry is None:
        raise StateError("the catalog has no configuration of that fingerprint")
    config = Config.of(entry["config"], entry["folder"])
    if config.fingerprint != told:
        raise StateError("a file that the configuration of that time names was changed since")
    return config, Pipeline.of(config)


def _scored(pipeline: Pipeline, rows: pl.DataFrame, names: Sequence[str], day: date | None) -> list[Row]:
    """Score and decide rows."""
    from creditcore.frames.lists import joined_lists

    made = pipeline.score(rows.select([name for name in names if name in rows.columns]), as_of=day)
    return joined_lists(made.select([name for name in COMPARED if name in made.columns])).to_dicts()


def _apart(logged: Row, again: Row) -> str:
    """What differs; empty where nothing does."""
    before = {name: logged[name] for name in COMPARED}
    # A review took the place of what the rules said.
    before["decision"] = logged["decision_policy"] or logged["decision"]
    apart = [name for name in COMPARED if before[name] != again.get(name)]
    return "; ".join(f"{name}: {before[name]}, {again.get(name)}" for name in apart)


def _row(logged: Row, outcome: str, told: str) -> Row:
    when: datetime | None = logged["time"]
    shown = None if when is None else when.isoformat()
    return {
        "key": logged["key"],
        "time": shown,
        "version": logged["version"],
        "outcome": outcome,
        "told": told,
    }
