"""Figures of columns that quality gates go by, and masks of the rows behind a finding.

Comes in: polars frames. Goes out: plain records, Boolean columns. Beside `_frame.py` the one place that
computes on frames; nothing of it is a published figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any

import polars as pl

from creditcore.errors import ArgumentError, SchemaError, SourceError
from creditcore.scoring.metrics import ScoreCounts, psi
from creditcore.times import end_of, read_moment

if TYPE_CHECKING:
    from creditcore._core import Source

BINS = 10
MOST_CATEGORIES = 1_000


def is_category(column: pl.Series) -> bool:
    """Whether a column is compared by its values: text and flags are, numbers and times are not."""
    return column.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean)


def profile(column: pl.Series, *, category: bool = False) -> dict[str, Any] | None:
    """Give what a baseline keeps of a column; None for columns that are neither numbers nor categories."""
    told: dict[str, Any] = {"rows": len(column), "nulls": _missing(column).sum()}
    if category or is_category(column):
        counts = _texts(column).drop_nulls().value_counts(sort=True)
        # Equal counts in the order of the values, so that the baseline hangs on nothing but the data.
        rows = sorted(counts.rows(), key=lambda row: (-row[1], row[0]))
        told["categories"] = dict(rows[:MOST_CATEGORIES])
        told["others"] = sum(count for _, count in rows[MOST_CATEGORIES:])
        return told
    if not column.dtype.is_numeric():
        return None
    values = _numbers(column)
    if not len(values):
        return told | {"edges": [], "counts": []}
    # Of a column of one value the bins are that value and what lies above.
    edges = ScoreCounts.of(None, values).quantiles(BINS) or [float(values[0])]
    sizes = values.abs().filter(values != 0)
    return told | {
        "edges": edges,
        "counts": _counts(values, edges),
        "median": None if not len(sizes) else sizes.median(),
        "largest": values.abs().max(),
    }


def null_share(column: pl.Series) -> float:
    """The share of nulls (NaN too)."""
    return float(_missing(column).mean() or 0.0)  # type: ignore[arg-type]


def missing(column: pl.Series) -> pl.Series:
    """Say which rows are null or NaN."""
    return _missing(column)


def unseen(column: pl.Series, told: Mapping[str, Any]) -> pl.Series:
    """Say which rows hold a value that the baseline does not have; nulls are none."""
    texts = _texts(column)
    return texts.is_not_null() & ~texts.is_in(list(told["categories"]))


def drift(column: pl.Series, told: Mapping[str, Any]) -> float | None:
    """Give the population stability index against the baseline; None where either has no values."""
    if "categories" in told:
        expected, actual = dict(told["categories"]), _texts(column).drop_nulls()
        if not expected or not len(actual):
            return None
        return psi(list(expected), actual, expected_weight=[float(count) for count in expected.values()])
    values, edges = _numbers(column), told["edges"]
    if not len(values) or not edges:
        return None
    # One record stands for each bin of the baseline: its upper edge, and for the last what lies above.
    stands = [*edges, max(abs(edges[-1]) * 2.0, edges[-1] + 1.0)]
    weights = [float(count) for count in told["counts"]]
    return psi(stands, values, edges, expected_weight=weights)


def median_ratio(column: pl.Series, told: Mapping[str, Any], least: int) -> float | None:
    """Give the median size of values that are not 0, over the baseline's; None where there are too few."""
    values = _numbers(column)
    sizes = values.abs().filter(values != 0)
    before, after = told.get("median"), sizes.median()
    if before is None or after is None or len(sizes) < least:
        return None
    return float(after) / float(before)  # type: ignore[arg-type]


def beyond(column: pl.Series, largest: float) -> pl.Series:
    """Say which rows are larger in size than a bound."""
    found: pl.Series = (column.cast(pl.Float64).fill_nan(None).abs() > largest).fill_null(False)
    return found


def repeated(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """Say which rows have the same values in these columns as another row."""
    return frame.select(names).is_duplicated()


def newest(column: pl.Series) -> Any:
    """Give the newest of a column of times or days; None where there is none."""
    return column.max()


def after(column: pl.Series, bound: Any) -> pl.Series:
    """Say which times are later than a bound of their type."""
    found: pl.Series = (column > bound).fill_null(False)
    return found


def live(frame: pl.DataFrame) -> pl.Series:
    """Say which rows bring values; a delete brings none."""
    if "op" not in frame.columns:
        return every(frame)
    return (frame["op"].cast(pl.String).str.to_lowercase() != "delete").fill_null(True)


def every(frame: pl.DataFrame) -> pl.Series:
    """Say of every row that it is meant."""
    return pl.repeat(True, len(frame), dtype=pl.Boolean, eager=True)


def any_of(masks: Iterable[pl.Series], rows: int) -> pl.Series:
    """Say which rows one of the masks holds for."""
    found = pl.repeat(False, rows, dtype=pl.Boolean, eager=True)
    for mask in masks:
        found = found | mask
    return found


def with_reasons(frame: pl.DataFrame, masks: Sequence[tuple[str, pl.Series]]) -> pl.DataFrame:
    """Give the rows that a mask holds for, with the names of all that do in a column `gates`."""
    named = [pl.when(mask).then(pl.lit(name)) for name, mask in masks]
    marked = frame.with_columns(
        gates=pl.concat_list(named).list.drop_nulls().list.unique(maintain_order=True)
    )
    return marked.filter(pl.col("gates").list.len() > 0)


def _numbers(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64).drop_nulls().drop_nans()


def _missing(column: pl.Series) -> pl.Series:
    return (
        column.is_null() | column.is_nan().fill_null(False) if column.dtype.is_float() else column.is_null()
    )


def _texts(column: pl.Series) -> pl.Series:
    return column.cast(pl.String)


def _counts(values: pl.Series, edges: Sequence[float]) -> list[int]:
    """How many values lie in each bin, closed above, and above the last edge."""
    at_most = [int((values <= edge).sum()) for edge in edges] + [len(values)]
    return [many - few for few, many in zip([0, *at_most], at_most, strict=False)]


def back_in_place(rows: pl.DataFrame, live: pl.Series, made: pl.DataFrame | None) -> pl.DataFrame:
    """Put columns that were made of some rows behind all rows, in their places; null elsewhere."""
    if made is None:
        return rows
    if len(made) == len(rows):
        return rows.hstack(made)
    places = made.with_columns(live.arg_true().alias("#"))
    found = rows.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("#"))
    return found.join(places, on="#", how="left", maintain_order="left").drop("#")


def under(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Give frames of the same columns under each other."""
    return pl.concat(frames) if frames else pl.DataFrame()


def under_types(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Give frames under each other, numbers of the later ones in the types of the first where they fit."""
    first, made = frames[0], [frames[0]]
    for frame in frames[1:]:
        for name, kind in first.schema.items():
            if name in frame.columns and frame.schema[name].is_numeric() and kind.is_numeric():
                cast = frame[name].cast(kind, strict=False)
                if (cast.cast(frame.schema[name], strict=False).eq_missing(frame[name])).all():
                    frame = frame.with_columns(cast)
        made.append(frame)
    return pl.concat(made, how="diagonal_relaxed")


def newest_in(source: Source, name: str, zone: tzinfo) -> datetime | None:
    """Give the newest time of a column of a source, as an instant; of a day its last one. None without any.

    Raises:
        SchemaError: a column of another type; SourceError: a text that is no time.
    """
    from creditcore._frame import source_parts

    found: datetime | None = None
    for part, file, _ in source_parts(source, [(name, "key")]):
        value: Any = part.to_series().max()
        if value is None:
            continue
        if isinstance(value, str):
            try:
                value = read_moment(value, name)
            except ArgumentError as error:
                raise SourceError(f"`{file}`: column {error}") from error
        if not isinstance(value, date):
            raise SchemaError(
                f"`{file}`: column `{name}` is of type {part.to_series().dtype}; give days or times"
            )
        moment = end_of(value, zone)
        found = moment if found is None else max(found, moment)
    return found


def to_types(part: pl.DataFrame, types: Mapping[str, Any], file: str, first_row: int) -> pl.DataFrame:
    """Read columns of texts as flags, days and times, where the types say so.

    Raises:
        SourceError: a text that is none, with file, row and column.
    """
    made = {}
    for name, kind in types.items():
        if name not in part.columns or part[name].dtype != pl.String:
            continue
        texts = part[name].replace(["", "\\N"], None)
        if kind == pl.Boolean:
            flags = {"true": True, "false": False, "1": True, "0": False}
            made[name] = texts.str.to_lowercase().replace_strict(flags, default=None, return_dtype=pl.Boolean)
        elif kind == pl.Date:
            made[name] = texts.str.to_date("%Y-%m-%d", strict=False)
        elif kind == pl.Datetime:
            made[name] = texts.str.to_datetime(strict=False, time_unit="us").cast(kind, strict=False)
        else:
            continue
        wrong = (texts.is_not_null() & made[name].is_null()).arg_true()
        if len(wrong):
            row, value = wrong[0], texts[wrong[0]]
            raise SourceError(
                f"`{file}`, row {first_row + row + 1}: column `{name}` holds `{value}`, which is no {kind}; "
                "the portfolio's column is of that type"
            )
    return part.with_columns(**made)


def filled(rows: pl.DataFrame, types: Mapping[str, Any]) -> pl.DataFrame:
    """Put columns of nulls behind rows, where they lack one of these."""
    absent = {name: kind for name, kind in types.items() if name not in rows.columns}
    return rows.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in absent.items())
