"""Days and instants as users write them.

Comes in: ISO 8601 texts, days, instants, a zone. Goes out: days and instants; naive ones are of the zone.
The machine's own clock is not read here.
"""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo

from creditcore.errors import ArgumentError


def read_day(told: str, name: str) -> date:
    """Read a day as a user writes it.

    >>> from creditcore.times import read_day
    >>> read_day("2026-01-31", "as_of")
    datetime.date(2026, 1, 31)

    Raises:
        ArgumentError: another text; `name` is whose it is.
    """
    try:
        return date.fromisoformat(told)
    except ValueError as error:
        raise ArgumentError(f"`{name}` is `{told}`; it is a day such as 2026-01-31") from error


def read_moment(told: str, name: str, place: str = "") -> date:
    """Read a day or an instant as a user writes it; an instant may be naive.

    Raises:
        ArgumentError: a text that is neither; it begins with `place`, and `name` is whose it is.
    """
    try:
        return date.fromisoformat(told) if len(told) <= len("2026-01-31") else datetime.fromisoformat(told)
    except ValueError as error:
        form = "it is a day such as 2026-01-31, or an instant such as 2026-01-31T12:00:00"
        raise ArgumentError(f"{place}`{name}` is `{told}`; {form}") from error


def begin_of(moment: date, zone: tzinfo) -> datetime:
    """Give an instant, or a day's begin, in a zone; naive instants are of it."""
    return _placed(moment, time(), zone)


def end_of(moment: date, zone: tzinfo) -> datetime:
    """Give an instant, or a day's last one, in a zone; naive instants are of it."""
    return _placed(moment, time.max, zone)


def _placed(moment: date, hour: time, zone: tzinfo) -> datetime:
    known = moment if isinstance(moment, datetime) else datetime.combine(moment, hour)
    return known.replace(tzinfo=zone) if known.tzinfo is None else known.astimezone(zone)
