"""Populations: whom a ranking is of, and who is left out by which cause.

Comes in: `[population]` of a configuration, records, an instant. Goes out: for each record the cause by which
it is left out, and counts: in = used + excluded. Causes are conditions in the language of rules, and the
first one that holds counts; what is unknown leaves nobody out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError, SchemaError, TacticError

if TYPE_CHECKING:
    import polars as pl

    from creditcore.config.config import Config
    from creditcore.config.parts import PopulationPart
    from creditcore.tactics.policy import Policy


@dataclass(frozen=True)
class Reconciled:
    """Records in, used, and excluded by cause: `records` = `used` + the sum of `excluded`."""

    records: int
    used: int
    excluded: dict[str, int]


class Population:
    """Whom a ranking is of; immutable.

    >>> import creditcore as cc
    >>> from creditcore.population import Population
    >>> told = {"columns": {"key": "id"}, "population": {"exclude": {"staff": "is_staff", "test": "id < 0"}}}
    >>> population = Population(cc.Config.of(told))
    >>> population.causes({"id": [1, -2, 3], "is_staff": [False, True, None]}).to_list()
    [None, 'staff', None]
    """

    def __init__(self, config: Config) -> None:
        """Read the conditions of a configuration.

        Raises:
            SchemaError: a condition that cannot be read, with file, line and cause.
        """
        self._config = config
        part = config.population
        for cause, condition in part.exclude.items() if part else ():
            try:
                _policy({cause: condition}, config.time.zone)
            except TacticError as error:
                told = error.findings[0].text if error.findings else error  # type: ignore[attr-defined]
                raise config.fault(("population", "exclude", cause), str(told)) from error

    @property
    def columns(self) -> list[str]:
        """The columns that decide who is left out."""
        part = self._config.population
        if part is None:
            return []
        policy = self._conditions(date(2000, 1, 1))
        return [] if policy is None else policy.columns

    @property
    def moves(self) -> bool:
        """Whether who is left out depends on the day of `as_of`."""
        part = self._config.population
        return part is not None and part.window_days is not None

    @property
    def statement(self) -> str:
        """Whom the rankings are of, in words for a heading; empty where nothing is said."""
        part = self._config.population
        if part is None:
            return ""
        told = [part.product, part.stage, None if part.kind in (None, "all") else part.kind]
        told += [f"events of {part.window_days} days" if part.window_days else None]
        told += [f"regions by {part.region_source}" if part.region_source else None]
        told += [f"without {', '.join(part.exclude)}" if part.exclude else None]
        return "; ".join(text for text in told if text)

    def causes(self, frame: Any, as_of: date | None = None, *, threads: int | None = None) -> pl.Series:
        """Give for each record the cause by which it is left out.

        Args:
            frame: records with the columns of `columns`.
            as_of: an instant (naive ones in the configuration's zone) or a day; needed with `window_days`.
            threads: one for each processor by default; they change nothing.

        Returns:
            A series `cause` of texts, null where the record is used.

        Raises:
            SchemaError, TacticError: a column that is not there, or of a type that does not fit.
            ArgumentError: no `as_of` where one is needed.
        """
        from creditcore._frame import to_frame

        rows = to_frame(frame)
        part = self._config.population
        if part is not None and part.window_days is not None:
            column = self._config.columns.event_time
            if column not in rows.columns:
                raise SchemaError(f"the records have no column `{column}`, which `window_days` goes by")
        policy = self._conditions(None if as_of is None else day_of(as_of, self._config))
        if policy is None or not len(rows):
            return rows.select(rows.to_series(0).cast(str).alias("cause")).to_series().clear(len(rows))
        try:
            decided = policy.decide(rows, threads=threads)
        except TacticError as error:
            text = re.sub(r"^`policy/[^`]*`, line \d+, column \d+: rule", "`[population]`: cause", str(error))
            raise TacticError(text) from error
        return decided["rules"].list.first().alias("cause")

    def moved(self, frame: Any, before: date, after: date) -> pl.Series:
        """Say which records the window counts otherwise on another day; `frame` has the event times."""
        from creditcore._frame import to_frame

        part, zone = self._config.population, self._config.time.zone
        assert part is not None
        rows = to_frame(frame).select(str(self._config.columns.event_time))
        one, other = (
            _policy(self._window(part, day), zone).decide(rows)["rules"].list.first()
            for day in (before, after)
        )
        return one.ne_missing(other)

    def reconciled(self, causes: pl.Series) -> Reconciled:
        """Count what `causes` gave."""
        counts = Counter[str](dict(causes.drop_nulls().value_counts().rows()))
        return Reconciled(len(causes), causes.null_count(), dict(sorted(counts.items())))

    def _conditions(self, day: date | None) -> Policy | None:
        part = self._config.population
        if part is None:
            return None
        told = {}
        if part.kind not in (None, "all"):
            told["other_kind"] = f"{_quoted(self._config.columns.kind)} IS DISTINCT FROM {_text(part.kind)}"
        if part.window_days is not None:
            if day is None:
                raise ArgumentError(
                    "`window_days` goes by `as_of`; give the instant that the state speaks of"
                )
            told |= self._window(part, day)
        told |= part.exclude
        return _policy(told, self._config.time.zone) if told else None

    def _window(self, part: PopulationPart, day: date) -> dict[str, str]:
        column = _quoted(self._config.columns.event_time)
        assert part.window_days is not None
        first, end = day - timedelta(days=part.window_days - 1), day + timedelta(days=1)
        return {
            "no_event_time": f"{column} IS NULL",
            # Days begin in the zone of the configuration, for instants and for local times alike.
            "before_window": f"{column} < DATE '{first}'",
            "after_as_of": f"{column} >= DATE '{end}'",
        }


def day_of(as_of: date, config: Config) -> date:
    """Give the day of an instant in the configuration's zone."""
    if not isinstance(as_of, datetime):
        return as_of
    return (as_of if as_of.tzinfo is None else as_of.astimezone(config.zone)).date()


def _policy(told: dict[str, str], zone: str) -> Policy:
    """Give conditions as rules: the first that holds rejects, and ends the rest. Days are those of `zone`."""
    from creditcore.tactics.policy import Policy

    rules = [
        {"id": cause, "when": condition, "action": "reject", "on_null": "no_hit"}
        for cause, condition in told.items()
    ]
    return Policy({"time_zone": zone, "tactics": [{"id": "population", "rules": rules}]})


def _quoted(column: str | None) -> str:
    return '"' + str(column).replace('"', '""') + '"'


def _text(value: str | None) -> str:
    return "'" + str(value).replace("'", "''") + "'"
