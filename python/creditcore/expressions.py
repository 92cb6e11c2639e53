"""Conditions over the columns of records, in SQL's own words.

Comes in: a text such as `points < 600 AND NOT (city IN ('a', 'b'))`, and records. Goes out: a truth for each
record. Schema's derived columns, the records that a model applies to, and rules are written the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl


def evaluate(
    condition: str,
    frame: Records,
    nan: str = "null",
    *,
    faults: list[dict[str, Any]] | None = None,
    threads: int | None = None,
) -> pl.Series:
    """Evaluate one condition for every record.

    Args:
        condition: an SQL condition over the frame's columns; docs/expressions.md lists what may stand in it.
        frame: a frame, or paths of files (in CSV files every column is text).
        nan: what a NaN is: `"null"`, a missing value, or `"sql"`, a number that equals itself and is greater
            than every other.
        faults: a list that takes the records in which something failed (a division by zero, an integer
            beyond 64 bits, a cast): `row` (from 0), `line` and `column` of the condition, `error`. The value
            there is null, which is not the record's fate: `b OR x / 0 > 1` is true where b is.
        threads: how many to use; by default one for each processor. Changes nothing in the result.

    Returns:
        A Boolean series, one value for each record in their order; null where SQL says unknown.

    Raises:
        TacticError: a condition that cannot be read, names a column that is not there, or compares what
            cannot be compared; with `line`, `column` and `hint`.
        SchemaError: a column of a type that an expression cannot read, such as a list.
        SourceError: records that cannot be read.
        ArgumentError: another `nan`.

    >>> import creditcore as cc
    >>> cc.evaluate("x > 1 AND s <> 'b'", {"x": [2.0, None, 3.0], "s": ["a", "b", "b"]}).to_list()
    [True, False, False]
    """
    from creditcore._frame import to_polars

    truths, found = _core.evaluate(condition, open_source(frame), nan=nan, threads=threads)
    if faults is not None:
        faults += [dict(zip(("row", "line", "column", "error"), fault, strict=True)) for fault in found]
    return to_polars(truths).to_series()
