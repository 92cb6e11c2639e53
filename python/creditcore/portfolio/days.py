"""Which records of a portfolio another day changes, found without scoring all of them.

Comes in: a line, an open state, the days before and after. Goes out: rows of the state that may be decided or
counted otherwise. Rules that begin or end in between concern everybody; a window concerns who entered or left
it, which the column of event times alone tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from creditcore.population import day_of

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import State
    from creditcore.portfolio.line import PortfolioLine

EPOCH = date(1970, 1, 1)


def moves(line: PortfolioLine) -> bool:
    """Whether what is made of a record hangs on the day."""
    rules = line.pipeline is not None and line.pipeline.policy is not None
    return line.population.moves or (rules and line.pipeline.policy._core.has_days())  # type: ignore[union-attr]


def rules_move(line: PortfolioLine, before: date, after: date) -> bool:
    """Whether a rule begins or ends between two days."""
    if line.pipeline is None or line.pipeline.policy is None:
        return False
    one, other = (before - EPOCH).days, (after - EPOCH).days

    def holds(day: int, first: int | None, last: int | None) -> bool:
        return (first is None or first <= day) and (last is None or day <= last)

    days = line.pipeline.policy._core.days()
    return any(holds(one, first, last) != holds(other, first, last) for first, last in days)


def due_between(line: PortfolioLine, before: date | None, after: date | None) -> bool:
    """Whether the way from one instant to another may change a record by the day alone."""
    if before is None or after is None or not line.moves_by_day:
        return False
    return day_of(before, line.config) != day_of(after, line.config)


def due(line: PortfolioLine, core: State, before: date | None, after: date | None) -> Iterator[pl.Series]:
    """Give the keys of records that the way from one instant to another may change."""
    from creditcore._frame import to_polars

    if before is None or after is None or not due_between(line, before, after) or not core.sizes()[0]:
        return
    one, other = day_of(before, line.config), day_of(after, line.config)
    key = line.config.columns.key
    if rules_move(line, one, other):
        yield to_polars(core.scan([key]))[key]
    elif line.population.moves:
        times = line.config.columns.event_time
        assert times is not None
        found = to_polars(core.scan([key, times]))
        yield found.filter(line.population.moved(found, one, other))[key]
