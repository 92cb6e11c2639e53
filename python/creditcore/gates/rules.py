"""The gates: each looks at a delta for one kind of fault.

Comes in: a delta beside a baseline. Goes out: findings, each with the rows that it is about. `GATES` lists
them in the order in which they are asked; `gates.py` makes a verdict of what they find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from creditcore.errors import ArgumentError, SchemaError
from creditcore.times import end_of

if TYPE_CHECKING:
    import polars as pl

    from creditcore.config.config import Config
    from creditcore.config.parts import GatesPart
    from creditcore.gates.gates import Baseline

LEVELS = ("warn", "quarantine", "refuse")


@dataclass(frozen=True)
class Finding:
    """What a gate found.

    Attributes:
        gate, level: which one, and what happens: `warn`, `quarantine` or `refuse`.
        column: the column; None where it is about the whole delta.
        value, allowed: what was found, and the bound.
        rows: how many rows it is about.
        text: all of it in words.
    """

    gate: str
    level: str
    column: str | None
    value: float
    allowed: float
    rows: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        """Give the finding as a person reads it."""
        return f"{self.level}: {self.text}"


class Asked(NamedTuple):
    """What the gates look at."""

    rows: pl.DataFrame
    """Every row."""
    live: pl.Series
    """Whether a row brings values: deletes do not."""
    gates: GatesPart
    baseline: Baseline
    config: Config
    as_of: date | None


Found = tuple[Finding, "pl.Series | None"]
"""A finding, and the rows that it is about; None is all of them."""


def _row_count(asked: Asked) -> Iterator[Found]:
    gate, rows = asked.gates.row_count, len(asked.rows)
    assert gate is not None
    bounds = [("at least", gate.at_least, rows < gate.at_least)]
    if gate.at_most is not None:
        bounds.append(("at most", gate.at_most, rows > gate.at_most))
    for words, bound, missed in bounds:
        if missed:
            text = f"{rows} rows; {words} {bound} are expected"
            yield _finding("row_count", gate.level, None, (rows, bound), rows, text), None


def _nulls(asked: Asked) -> Iterator[Found]:
    from creditcore.frames import profile

    gate = asked.gates.nulls
    assert gate is not None
    for name, told, column in _columns(asked):
        before = told["nulls"] / told["rows"] if told["rows"] else 0.0
        share = profile.null_share(column.filter(asked.live))
        if share - before > gate.rise:
            mask = profile.missing(column) & asked.live
            text = (
                f"column `{name}` is null in {share:.1%} of rows; it was in {before:.1%}, "
                f"and may rise by {gate.rise:.1%}"
            )
            bounds = share, before + gate.rise
            yield _finding("nulls", gate.level, name, bounds, int(mask.sum()), text), mask


def _new_categories(asked: Asked) -> Iterator[Found]:
    from creditcore.frames import profile

    gate = asked.gates.new_categories
    assert gate is not None
    for name, told, column in _columns(asked):
        # A baseline that cut off its rarest values does not know what is new.
        if "categories" not in told or told["others"]:
            continue
        mask = profile.unseen(column, told) & asked.live
        count = int(mask.sum())
        share = count / max(int(asked.live.sum()), 1)
        if share > gate.share:
            values = sorted({str(value) for value in column.filter(mask).to_list()})
            shown = ", ".join(f"`{value}`" for value in values[:5]) + (" ..." if len(values) > 5 else "")
            text = (
                f"column `{name}` holds values never seen: {shown} in {count} rows "
                f"({share:.1%}; {gate.share:.1%} are allowed)"
            )
            yield _finding("new_categories", gate.level, name, (share, gate.share), count, text), mask


def _drift(asked: Asked) -> Iterator[Found]:
    from creditcore.frames import profile

    gate = asked.gates.drift
    assert gate is not None
    rows = int(asked.live.sum())
    for name, told, column in _columns(asked) if rows >= gate.least_rows else ():
        index = profile.drift(column.filter(asked.live), told)
        if index is not None and index > gate.psi:
            text = f"column `{name}` has moved: PSI {index:.3f}; {gate.psi:g} is allowed"
            yield _finding("drift", gate.level, name, (index, gate.psi), rows, text), asked.live


def _duplicate_keys(asked: Asked) -> Iterator[Found]:
    from creditcore.frames import profile

    gate, columns = asked.gates.duplicate_keys, asked.config.columns
    assert gate is not None
    names = [name for name in (columns.key, columns.version) if name is not None]
    for name in names:
        column_of(asked.rows, name)
    mask = profile.repeated(asked.rows, names)
    count = int(mask.sum())
    share = count / max(len(mask), 1)
    if share > gate.share:
        first, shared = asked.rows.filter(mask)[columns.key][0], " and ".join(f"`{name}`" for name in names)
        text = (
            f"{count} rows share their {shared} with another one, such as "
            f"`{first}` ({share:.1%}; {gate.share:.1%} are allowed)"
        )
        yield _finding("duplicate_keys", gate.level, columns.key, (share, gate.share), count, text), mask


def _freshness(asked: Asked) -> Iterator[Found]:
    from creditcore.frames import profile

    gate, name = asked.gates.freshness, asked.config.columns.event_time
    assert gate is not None
    assert name is not None
    if asked.as_of is None:
        raise ArgumentError("the gate `freshness` goes by `as_of`; give the instant that the state speaks of")
    column = column_of(asked.rows, name)
    bound = _bound(asked.as_of, column, asked.config)
    newest = profile.newest(column.filter(asked.live))
    mask = profile.after(column, bound) & asked.live
    if mask.any():
        count = int(mask.sum())
        text = f"column `{name}` is later than `as_of` ({asked.as_of}) in {count} rows"
        yield _finding("freshness", gate.level, name, (count, 0), count, text), mask
    if newest is not None and newest < bound - timedelta(days=gate.days):
        age = (bound - newest).days
        text = f"the newest `{name}` is {newest}, {age} days before `as_of`; {gate.days} are allowed"
        yield _finding("freshness", gate.level, name, (age, gate.days), len(asked.rows), text), None


def _bound(as_of: date, column: pl.Series, config: Config) -> Any:
    """Give the end of `as_of` as a value of a column's type: of a day its last instant."""
    if str(column.dtype) == "Date":
        from creditcore.population import day_of

        return day_of(as_of, config)
    if not str(column.dtype).startswith("Datetime"):
        raise SchemaError(
            f"column `{column.name}` is of type {column.dtype}; the gate `freshness` needs days or times"
        )
    instant = end_of(as_of, config.zone)
    zoned = getattr(column.dtype, "time_zone", None)
    return instant if zoned else instant.replace(tzinfo=None)


def _unit_jumps(asked: Asked) -> Iterator[Found]:
    from creditcore.frames import profile

    gate = asked.gates.unit_jumps
    assert gate is not None
    for name, told, column in _columns(asked):
        if not told.get("edges"):
            continue
        ratio = profile.median_ratio(column.filter(asked.live), told, gate.least_rows)
        if ratio is not None and not 1 / gate.factor < ratio < gate.factor:
            mask = ~profile.missing(column) & asked.live
            text = (
                f"column `{name}` seems to be in another unit: its median is {ratio:.4g} times what it was; "
                f"less than {gate.factor:g} is allowed"
            )
            yield _finding("unit_jumps", gate.level, name, (ratio, gate.factor), int(mask.sum()), text), mask
            continue
        bound = told["largest"] * gate.factor
        mask = profile.beyond(column, bound) & asked.live
        if bound > 0 and mask.any():
            count = int(mask.sum())
            text = (
                f"column `{name}` exceeds {gate.factor:g} times its largest size before "
                f"({told['largest']:g}) in {count} rows"
            )
            yield _finding("unit_jumps", gate.level, name, (count, 0), count, text), mask


GATES: Mapping[str, Callable[[Asked], Iterator[Found]]] = {
    "row_count": _row_count,
    "nulls": _nulls,
    "new_categories": _new_categories,
    "drift": _drift,
    "duplicate_keys": _duplicate_keys,
    "freshness": _freshness,
    "unit_jumps": _unit_jumps,
}
"""The gates, in the order in which they are asked."""


def _finding(
    gate: str, level: str, column: str | None, values: tuple[float, float], rows: int, text: str
) -> Finding:
    """Give a finding; `values` are what was found and what is allowed."""
    found, allowed = values
    return Finding(gate, level, column, float(found), float(allowed), rows, f"gate `{gate}`: {text}")


def _columns(asked: Asked) -> Iterator[tuple[str, Mapping[str, Any], pl.Series]]:
    """Give the columns of the baseline with what it says of them; a type that changed is told."""
    from creditcore.frames import profile

    for name, told in asked.baseline.columns.items():
        column = column_of(asked.rows, name)
        if "edges" in told and not column.dtype.is_numeric() and profile.is_category(column):
            raise SchemaError(f"column `{name}` is of type {column.dtype}; the baseline has numbers")
        yield name, told, column


def column_of(rows: pl.DataFrame, name: str) -> pl.Series:
    """Give a column.

    Raises:
        SchemaError: it is not there.
    """
    if name not in rows.columns:
        listed = ", ".join(f"`{column}`" for column in rows.columns[:12])
        raise SchemaError(f"the delta has no column `{name}`, which a gate goes by (columns: {listed})")
    return rows[name]
