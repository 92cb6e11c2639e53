"""Records with weights by which they add up to a population, as frames.

Comes in: parts of a source, the cells of margins. Goes out: polars frames. A weight is the factor of a
record's cell times its own weight, rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

CELL = "__cell"


def records_of(parts: Iterable[tuple[pl.DataFrame, str, int]], names: Sequence[str]) -> pl.DataFrame:
    """Give the columns of a source as one frame; texts of whole numbers among times become numbers.

    Args:
        parts: of the source, their columns in the order of `names`.
        names: of the columns.
    """
    frames = [part.rename(dict(zip(part.columns, names, strict=True))) for part, _, _ in parts]
    return pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame({name: [] for name in names})


def columns_of_plan(plan: Mapping[str, Any]) -> dict[str, str]:
    """Give the columns that a plan uses, under their own names, with their roles."""
    wanted: dict[str, str] = {}
    for grouping in plan["by"]:
        if grouping == "region":
            wanted[plan["region"]] = "key"
        elif "column" in grouping:
            wanted[grouping["column"]["name"]] = "key"
    if plan["units"] is not None:
        wanted |= {plan["units"]["key"]: "key", plan["units"]["time"]: "key"}
    if plan["kind_column"] is not None:
        wanted[plan["kind_column"]] = "key"
    if plan["units"] is not None and plan["units"]["version"]:
        wanted[plan["units"]["version"]] = "number"
    numbers = [next(iter(plan["measure"].values()))["score"], plan["weight"]]
    numbers += [grouping["bands"]["name"] for grouping in plan["by"] if "bands" in grouping]
    return wanted | {name: "number" for name in numbers if name is not None}


def with_whole_times(rows: pl.DataFrame, time: str) -> pl.DataFrame:
    """Give times that are texts of whole numbers as numbers, in whose order the core takes them."""
    if rows.schema[time] != pl.String:
        return rows
    whole = rows[time].cast(pl.Int64, strict=False)
    return rows.with_columns(whole) if whole.null_count() == rows[time].null_count() else rows


def with_cells(
    rows: pl.DataFrame, columns: Sequence[tuple[str, Mapping[str, str] | None]]
) -> tuple[pl.DataFrame, list[tuple[str | None, ...]]]:
    """Give rows with the text of their cell's number, and the values of each cell.

    Args:
        rows: records.
        columns: of margins, with what each value stands for where it is to be looked up; others stand for
            themselves, as texts.
    """
    told = []
    for place, (name, codes) in enumerate(columns):
        text = _as_text(rows[name])
        if codes is not None:
            text = text.replace_strict(
                list(codes), list(codes.values()), default=None, return_dtype=pl.String
            )
        told.append(text.alias(str(place)))
    frame = pl.DataFrame(told)
    cells = frame.unique().sort(frame.columns).with_columns(pl.int_range(pl.len()).alias(CELL))
    numbers = frame.join(cells, on=frame.columns, how="left", nulls_equal=True, maintain_order="left")[CELL]
    return rows.with_columns(numbers.cast(pl.String)), list(cells.drop(CELL).iter_rows())


def distinct_texts(rows: pl.DataFrame, name: str) -> list[str]:
    """Give the values of a column as texts."""
    return [str(value) for value in _as_text(rows[name]).unique().drop_nulls().sort().to_list()]


def weighed(rows: pl.DataFrame, factors: Mapping[str, float], base: str | None, name: str) -> pl.DataFrame:
    """Give rows with their weights under a name; a cell without a factor has none."""
    found = rows[CELL].replace_strict(
        list(factors), list(factors.values()), default=None, return_dtype=pl.Float64
    )
    weight = found if base is None else found * rows[base].cast(pl.Float64)
    return rows.drop(CELL).with_columns(weight.alias(name))


def _as_text(column: pl.Series) -> pl.Series:
    """Give values as texts; whole numbers without a point."""
    if column.dtype.is_float() and bool((column.drop_nulls() == column.drop_nulls().round()).all()):
        column = column.cast(pl.Int64, strict=False)
    return column.cast(pl.String)
