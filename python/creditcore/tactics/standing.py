"""Reviews as a standing body: what people decided about records, and what of it counts on a day.

Comes in: reviews as records (key, time, from, to, reason, expires). Goes out: the review in force of each key
on the day of `as_of`, and decisions with these folded in. A review is part of the state like a record: a new
score does not undo it, only a later review or its own expiry does (law 1: what counts is a function of all
reviews and the day, however they came).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from creditcore.errors import ArgumentError, SchemaError
from creditcore.sources import as_paths
from creditcore.tactics.reviews import REVIEW_COLUMNS, STRENGTH, latest
from creditcore.times import begin_of, read_moment

if TYPE_CHECKING:
    import polars as pl

    from creditcore.sources import Records

COLUMNS = ("decision_policy", "review_reason")
"""What a record says beside its decision where a review counts: what the rules said, and why not that."""

Row = Mapping[str, Any]


class Reviews:
    """All reviews of a portfolio; immutable.

    >>> from datetime import date, timezone
    >>> told = [{"key": 7, "time": date(2026, 3, 1), "from": "reject", "to": "pass", "reason": "paid",
    ...          "expires": date(2026, 4, 1)}]
    >>> reviews = Reviews.of(told, timezone.utc)
    >>> [sorted(reviews.in_force(day)) for day in (date(2026, 2, 28), date(2026, 3, 1), date(2026, 4, 1))]
    [[], [7], []]
    """

    def __init__(self, rows: Iterable[Row], zone: tzinfo) -> None:
        """Keep rows in the normal form of `of`, each once, in an order of their own."""
        self._zone = zone
        self._rows: dict[str, Row] = dict(sorted((_text(row), row) for row in rows))
        self._known: tuple[date | None, dict[Any, Row]] = (None, {})

    @classmethod
    def of(cls, told: Records, zone: tzinfo) -> Self:
        """Read reviews.

        Args:
            told: a list of records, a frame, or files with the columns `key`, `time`, `from`, `to`, `reason`
                and `expires` (null: never). Times are instants, days, or ISO 8601 texts of these.
            zone: of naive times, in which days begin.

        Raises:
            SchemaError: a column that is not there.
            ArgumentError: a null where there may be none, a decision or a time that is none.
        """
        return cls([_normal(row, zone) for row in _records(told)], zone)

    @property
    def every(self) -> list[Row]:
        """All reviews, in an order of their own."""
        return list(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return any(row["key"] == key for row in self._rows.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reviews) and self._rows.keys() == other._rows.keys()

    __hash__ = None  # type: ignore[assignment]

    def joined(self, other: Reviews) -> Reviews:
        """Give the reviews of both."""
        return Reviews([*self.every, *other.every], self._zone)

    def without(self, keys: Sequence[Any]) -> Reviews:
        """Give the reviews of all other keys."""
        gone = set(keys)
        return Reviews([row for row in self._rows.values() if row["key"] not in gone], self._zone)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over all reviews, in whatever order they came; empty where there are none."""
        return hashlib.sha256("\n".join(self._rows).encode()).digest() if self._rows else b""

    def in_force(self, day: date | None) -> dict[Any, Row]:
        """Give the review of each key that counts on a day: begun by then, and not yet expired.

        Of several the latest counts, at equal times the stricter one.
        """
        if day is None or not self._rows:
            return {}
        if self._known[0] != day:
            last = datetime.combine(day, time.max, self._zone)
            self._known = (day, latest(self._rows.values(), last))
        return self._known[1]

    def moved(self, day: date | None, after: Reviews, later: date | None) -> list[Any]:
        """Give the keys for which something else counts by other reviews, on another day."""
        old, new = self.in_force(day), after.in_force(later)
        return [key for key in {**old, **new} if old.get(key) != new.get(key)]

    def fold(self, decisions: pl.DataFrame, keys: pl.Series, day: date | None) -> pl.DataFrame:
        """Give `decision`, `decision_policy` and `review_reason` of decided records.

        The latter two are null where no review counts.
        """
        from creditcore.frames import decided

        return decided.reviewed(decisions["decision"], keys, self.in_force(day))

    def rows(self, day: date | None) -> list[dict[str, Any]]:
        """Give all reviews as plain records, the first ones first, and whether each is in force on a day."""
        counting = self.in_force(day)
        rows = sorted(self._rows.values(), key=lambda row: row["time"])
        return [{**row, "in_force": counting.get(row["key"]) == row} for row in rows]


def _records(told: Records) -> list[Row]:
    from creditcore._frame import read_frame, to_frame

    if isinstance(told, list | tuple) and all(isinstance(one, Mapping) for one in told):
        return list(told)
    paths = as_paths(told)
    frames = [to_frame(told)] if paths is None else [read_frame(Path(path)) for path in paths]
    return [row for frame in frames for row in frame.to_dicts()]


def _normal(row: Row, zone: tzinfo) -> Row:
    """A review in the one form that all have, so that equal ones are one."""
    missing = [name for name in REVIEW_COLUMNS if name not in row]
    if missing:
        raise SchemaError(f"a review has no `{missing[0]}`; it has {', '.join(REVIEW_COLUMNS)}")
    key = row["key"]
    if isinstance(key, bool) or not isinstance(key, int | str):
        raise ArgumentError(f"review of `{key}`: a key is an integer or a text")
    for name in ("from", "to"):
        if row[name] not in STRENGTH and not (name == "from" and row[name] is None):
            told = ", ".join(STRENGTH)
            raise ArgumentError(f"review of `{key}`: `{name}` is `{row[name]}`; it is one of {told}")
    reason = row["reason"]
    if not isinstance(reason, str) or not reason:
        raise ArgumentError(f"review of `{key}`: `reason` is `{reason}`; a text is needed")
    times = {name: _moment(row[name], zone, name, f"review of `{key}`: ") for name in ("time", "expires")}
    if times["time"] is None:
        raise ArgumentError(f"review of `{key}`: `time` is null; say when it was made")
    return {
        "key": key,
        "time": times["time"],
        "from": row["from"],
        "to": row["to"],
        "reason": reason,
        "expires": times["expires"],
    }


def _moment(told: object, zone: tzinfo, name: str, place: str) -> datetime | None:
    """An instant; of a day its begin."""
    if told is None or told == "":
        return None
    if isinstance(told, str):
        told = read_moment(told, name, place)
    if not isinstance(told, date):
        raise ArgumentError(f"{place}`{name}` is `{told}`; give a day or an instant")
    return begin_of(told, zone).astimezone(UTC)


def _text(row: Row) -> str:
    """The text that stands for a review: equal ones have one."""
    return json.dumps([row[name] for name in REVIEW_COLUMNS], ensure_ascii=True, default=str)
