"""The instant that a state speaks of after a delta, where it goes by the delta or by the clock.

Comes in: a portfolio, a delta, `latest`, `clock`, or an instant. Goes out: an instant for `refresh`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from creditcore.errors import ArgumentError
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    from creditcore.config.config import Config
    from creditcore.portfolio.portfolio import Portfolio


def check_as_of(as_of: date | str | None, config: Config) -> None:
    """Refuse what says no instant.

    Raises:
        ArgumentError: another word than `latest` and `clock`, or `latest` where there is no event time.
    """
    if isinstance(as_of, str) and as_of not in ("latest", "clock"):
        raise ArgumentError(f"`as_of` is `{as_of}`; give `latest`, `clock`, or an instant")
    if as_of == "latest" and config.columns.event_time is None:
        raise ArgumentError(
            "`as_of` goes by event times; say `event_time` in `[columns]`, or give an instant"
        )


def instant_after(portfolio: Portfolio, delta: Records, as_of: date | str | None) -> date | None:
    """Give the instant that the state will speak of.

    Args:
        portfolio: whose state it is.
        delta: files or a frame.
        as_of: `latest`, the newest event time of the delta, never before that of the state; `clock`, the
            machine's own time; an instant; or None for that of before.
    """
    if as_of is None or isinstance(as_of, date):
        return as_of
    zone = portfolio.config.zone
    if as_of == "clock":
        return datetime.now(zone)
    from creditcore.frames.profile import newest_in

    column = portfolio.config.columns.event_time
    assert column is not None
    newest = newest_in(open_source(delta), column, zone)
    before = portfolio.as_of
    known = [newest, None if before is None else datetime.fromisoformat(before)]
    return max((one for one in known if one is not None), default=None)
