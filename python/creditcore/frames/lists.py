"""Lists of texts as one text each, for what has no lists: CSV files, and the state of a portfolio.

Comes in: frames. Goes out: the same frames, each list joined by `|`.
"""

from __future__ import annotations

import polars as pl

FEW = 8
"""Where fewer than one list in so many has several texts, only those are gone through one by one."""


def joined_lists(frame: pl.DataFrame) -> pl.DataFrame:
    """Give a frame whose lists of texts are joined by `|`."""
    lists = [name for name, kind in frame.schema.items() if kind == pl.List]
    return frame.with_columns(_joined(frame[name]) for name in lists) if lists else frame


def _joined(column: pl.Series) -> pl.Series:
    many = (column.list.len() > 1).arg_true()
    if FEW * len(many) >= len(column):
        return column.list.join("|")
    first = column.list.first().fill_null("")
    found = pl.select(pl.when(column.is_not_null()).then(first)).to_series()
    return (found.scatter(many, column[many].list.join("|")) if len(many) else found).alias(column.name)
