"""Decisions as rows of a portfolio's log, and the inputs behind them as fingerprints.

Comes in: rows of a state's segments. Goes out: frames of the log, SHA-256 of inputs. Beside `_frame.py` a
place that computes on frames; which files there are is the portfolio's matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from creditcore.errors import StateError

DELETED = "_deleted"
"""The mark of rows of a segment that delete."""
ROW = "_row"
"""The place of a row in the file of its segment."""
PRINT = "_inputs"
"""The column of kept inputs with their fingerprint."""
SLICE = 1 << 19
"""Rows of a segment that are looked at in one go."""
_WIDE = (
    cs.signed_integer().cast(pl.Int64),
    cs.by_dtype(pl.UInt8, pl.UInt16, pl.UInt32).cast(pl.Int64),
    cs.by_dtype(pl.Float32).cast(pl.Float64),
    cs.by_dtype(pl.Categorical).cast(pl.String),
)
"""Segments keep columns in narrow types, each in its own."""
NUMBERS = ("fraud_p", "pd", "points_model", "points_final")
TEXTS = ("decision", "decision_policy", "review_reason", "rules", "reasons")
STAMP = ("configuration", "models", "policy")
COLUMNS = ("key", "time", "version", "segment", "inputs", *STAMP, *NUMBERS, *TEXTS)
"""The columns of the log."""
_NULL, _INTEGER, _FLOAT, _TEXT = range(4)
_NAN = np.float64(np.nan).tobytes()


def segment_rows(path: Path, columns: Sequence[str] | None = None, start: int = 0) -> Iterator[pl.DataFrame]:
    """Give the records that a segment holds, rows that delete left out, a slice at a time.

    Args:
        path: of the segment.
        columns: those to read, as far as they are there; all by default. `ROW` is the place in the file.
        start: the first row.

    Raises:
        StateError: a file that cannot be read.
    """
    try:
        whole = pl.scan_ipc(path, row_index_name=ROW)
        names = whole.collect_schema().names()
        count = int(whole.select(pl.len()).collect().item())
        asked = [name for name in columns or names[1:] if name in names and name != DELETED]
        while start < count:
            part = whole.slice(start, SLICE)
            part = part.filter(~pl.col(DELETED)) if DELETED in names else part
            yield part.select(asked).with_columns(*_WIDE).collect()
            start += SLICE
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StateError(f"`{path}`: cannot be read: {error}; restore it from a backup") from error


def fingerprints(rows: pl.DataFrame, names: Iterable[str]) -> pl.Series:
    """Give for each row SHA-256 over some columns, by name; the first 128 bits, as hex.

    A column that is not there is one of nulls. Integers, flags and doubles that are whole count by their
    value (a segment keeps those doubles as integers), other doubles by their bits (each NaN is one), times by
    what their columns count, anything else by its text.
    """
    known = sorted(names)
    parts = [part for name in known for part in _encoded(rows, name)]
    start = hashlib.sha256("\0".join(known).encode())
    matrix = np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0), dtype=np.uint8)
    width, content = matrix.shape[1], memoryview(np.ascontiguousarray(matrix).tobytes())
    found = []
    for row in range(len(rows)):
        made = start.copy()
        made.update(content[row * width : (row + 1) * width])
        found.append(made.hexdigest()[:32])
    return pl.Series("inputs", found, dtype=pl.String)


def _encoded(rows: pl.DataFrame, name: str) -> list[Any]:
    """A column as bytes: for each row its kind, and its value."""
    count = len(rows)
    column = rows[name] if name in rows.columns else pl.repeat(None, count, dtype=pl.Null, eager=True)
    if column.dtype == pl.Null:
        return [np.full((count, 1), _NULL, dtype=np.uint8)]
    kind, values = _values(column)
    nulls = column.is_null().to_numpy()
    values[nulls] = 0
    return [np.where(nulls, _NULL, kind).astype(np.uint8)[:, None], values]


def _values(column: pl.Series) -> tuple[Any, Any]:
    """The kind of a column or of each of its values, and its values as bytes."""
    dtype = column.dtype
    if dtype.is_temporal():
        column, dtype = column.to_physical(), pl.Int64()
    if dtype.is_integer() or dtype == pl.Boolean:
        whole = np.uint64 if dtype == pl.UInt64 else np.int64
        whole_numbers = column.fill_null(0).to_numpy().astype(whole)
        return _INTEGER, whole_numbers.view(np.uint8).reshape(-1, 8).copy()
    if dtype.is_float():
        doubles = column.cast(pl.Float64).fill_null(0.0).to_numpy().copy()
        doubles[np.isnan(doubles)] = np.frombuffer(_NAN)[0]
        whole = (np.abs(doubles) < 2.0**63) & (np.floor(doubles) == doubles)
        whole &= ~((doubles == 0.0) & np.signbit(doubles))
        bits = doubles.view(np.int64).copy()
        bits[whole] = doubles[whole].astype(np.int64)
        return np.where(whole, _INTEGER, _FLOAT), bits.view(np.uint8).reshape(-1, 8)
    texts = column.cast(pl.String).fill_null("")
    distinct = texts.unique()
    held = b"".join(hashlib.blake2b(one.encode(), digest_size=16).digest() for one in distinct)
    table = np.frombuffer(held, dtype=np.uint8).reshape(-1, 16)
    places = texts.replace_strict(distinct, list(range(len(distinct))), return_dtype=pl.UInt32)
    return _TEXT, table[places.to_numpy().astype(np.int64)]


def log_rows(
    rows: pl.DataFrame, key: str, inputs: Iterable[str], stamp: Mapping[str, Any], segment: int
) -> pl.DataFrame:
    """Give the decisions of a segment's records as rows of the log.

    Args:
        rows: the records.
        key: their column of keys.
        inputs: the columns that scores and decisions go by.
        stamp: `time` (ISO 8601 text or None), `version`, `configuration`, `models`, `policy`.
        segment: the number of the segment.
    """
    when = None if stamp["time"] is None else datetime.fromisoformat(stamp["time"]).astimezone(UTC)

    def kept(name: str, kind: Any) -> pl.Expr:
        return (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)

    return rows.select(
        pl.col(key).alias("key"),
        pl.lit(when, dtype=pl.Datetime("us", "UTC")).alias("time"),
        pl.lit(stamp["version"], dtype=pl.Int64).alias("version"),
        pl.lit(segment, dtype=pl.Int64).alias("segment"),
        fingerprints(rows, inputs),
        *(pl.lit(stamp[name], dtype=pl.String).alias(name) for name in STAMP),
        *(kept(name, pl.Float64) for name in NUMBERS),
        *(kept(name, pl.String) for name in TEXTS),
    )


def review_rows(rows: Sequence[Mapping[str, Any]], *, in_force: bool = False) -> pl.DataFrame:
    """Give reviews as a frame of types that do not hang on their values."""
    times = pl.Datetime("us", "UTC")
    kinds: dict[str, Any] = {"time": times, "from": pl.String, "to": pl.String}
    kinds |= {"reason": pl.String, "expires": times}
    kinds |= {"in_force": pl.Boolean} if in_force else {}
    return pl.DataFrame({"key": [row["key"] for row in rows]}).with_columns(
        pl.Series(name, [row[name] for row in rows], dtype=kind) for name, kind in kinds.items()
    )


def reviewed(
    decisions: pl.Series, keys: pl.Series, counting: Mapping[Any, Mapping[str, Any]]
) -> pl.DataFrame:
    """Give decisions by the reviews that count, and where one does, what the rules said and its reason."""
    rows = pl.DataFrame({"decision": decisions, "key": keys})
    fitting = [key for key in counting if isinstance(key, int) == keys.dtype.is_integer()]
    if not fitting:
        empty = pl.lit(None, dtype=pl.String)
        return rows.select("decision", empty.alias("decision_policy"), empty.alias("review_reason"))
    table = pl.DataFrame(
        {
            "key": pl.Series(fitting, dtype=keys.dtype),
            "to": [counting[key]["to"] for key in fitting],
            "review_reason": [counting[key]["reason"] for key in fitting],
        }
    )
    found = rows.join(table, on="key", how="left", maintain_order="left")
    return found.select(
        pl.coalesce("to", "decision").alias("decision"),
        pl.when(pl.col("to").is_not_null()).then("decision").alias("decision_policy"),
        "review_reason",
    )


def with_policy_decisions(rows: pl.DataFrame) -> pl.DataFrame:
    """Give records with what the rules said of each, reviewed or not."""
    return rows.with_columns(pl.coalesce("decision_policy", "decision").alias("decision_policy"))


def read_log(paths: Sequence[Path], key: int | str | None = None) -> pl.DataFrame:
    """Read files of the log, in the order of their rows; of one key, or all.

    Raises:
        StateError: a file that cannot be read.
    """
    if not paths:
        return _empty()
    try:
        rows = pl.scan_parquet(list(paths))
        if key is not None:
            fits = rows.collect_schema()["key"].is_integer() == isinstance(key, int)
            rows = rows.filter(pl.col("key") == key if fits else pl.lit(False))
        return rows.collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StateError(f"`{paths[0].parent}`: the log of decisions cannot be read: {error}") from error


def _empty() -> pl.DataFrame:
    kinds: dict[str, Any] = dict.fromkeys(("version", "segment"), pl.Int64)
    kinds |= {"key": pl.Int64, "time": pl.Datetime("us", "UTC")} | dict.fromkeys(NUMBERS, pl.Float64)
    return pl.DataFrame(schema={name: kinds.get(name, pl.String) for name in COLUMNS})


def rows_at(path: Path, places: Sequence[int]) -> list[dict[str, Any]]:
    """Give some rows of a file, by their places, as plain records."""
    try:
        return pl.read_parquet(path)[list(places)].to_dicts()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StateError(f"`{path}`: cannot be read: {error}; restore it from a backup") from error


def of_keys(rows: pl.DataFrame, key: str, keys: Sequence[Any]) -> pl.DataFrame:
    """Give the rows of some keys."""
    return rows.filter(pl.col(key).is_in(pl.Series(keys, dtype=rows.schema[key]).implode()))


def in_types(rows: pl.DataFrame, types: Mapping[str, Any]) -> pl.DataFrame:
    """Give rows of a segment in the types of the state."""
    return rows.cast({name: types[name] for name in rows.columns if name in types})


def left_out(
    rows: pl.DataFrame, key: str, keys: Sequence[Any], time: str, before: datetime | None
) -> pl.DataFrame:
    """Give rows without those of some keys, and those of a time before an instant.

    Args:
        rows: of a file.
        key, time: the names of their columns; one that is not there leaves nothing out.
        keys: to leave out.
        before: the instant; naive times are of its zone.
    """
    kept = rows
    if keys and key in rows.columns:
        gone = pl.DataFrame({key: pl.Series(keys).cast(rows.schema[key], strict=False)}).unique()
        kept = kept.join(gone, on=key, how="anti", maintain_order="left")
    if before is not None and time in kept.columns:
        kept = kept.filter(~earlier(kept[time], before))
    return kept


def of_decisions(rows: pl.DataFrame, key: str, log: pl.DataFrame) -> pl.DataFrame:
    """Give kept inputs of which the log has the decision."""
    if not len(log):
        return rows.clear()
    told = log.select(pl.col("key").alias(key), pl.col("inputs").alias(PRINT)).unique()
    return rows.join(told, on=[key, PRINT], how="semi", maintain_order="left")


def earlier(times: pl.Series, before: datetime) -> pl.Series:
    """Say which times (days, texts) are before an instant; naive ones are of its zone, nulls are not."""
    if times.dtype == pl.String:
        times = times.str.to_datetime(strict=False, time_unit="us")
    if not times.dtype.is_temporal():
        return pl.repeat(False, len(times), dtype=pl.Boolean, eager=True)
    zoned = getattr(times.dtype, "time_zone", None)
    bound = before if zoned else before.replace(tzinfo=None)
    found: pl.Series = (times.cast(pl.Datetime("us", zoned)) < bound).fill_null(False)
    return found


def under(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Give rows of the log under each other."""
    return pl.concat(frames)


def replaced_rows(
    segments: Sequence[tuple[int, Path]], key: str, columns: Sequence[str], *, every: bool
) -> Iterator[pl.DataFrame]:
    """Give key, some columns and their fingerprint of records of which a later row took the place.

    Args:
        segments: numbers and files, in the order in which they were written.
        key: the column of keys.
        columns: to give.
        every: give those of current records too.
    """
    # A segment may hold several rows of a key, the later one further behind.
    keys = [
        pl.read_ipc(path, columns=[key], row_index_name=ROW).with_columns(*_WIDE, pl.lit(at).alias("last"))
        for at, (_, path) in enumerate(segments)
    ]
    newest = pl.struct("last", ROW).max().alias("newest")
    last = pl.concat(keys).group_by(key).agg(newest).unnest("newest") if keys else pl.DataFrame()
    for at, (_, path) in enumerate(segments):
        for rows in segment_rows(path, [ROW, key, *(name for name in columns if name != key)]):
            current = last.filter(pl.col("last") == at).select(key, ROW)
            old = rows if every else rows.join(current, on=[key, ROW], how="anti", maintain_order="left")
            if len(old):
                old = old.drop(ROW)
                yield old.with_columns(fingerprints(old, columns).alias(PRINT))
