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

import polars as pl

from creditcore import _core
from creditcore._frame import to_polars
from creditcore.errors import StateError
from creditcore.sources import open_source

DELETED = "_deleted"
"""The mark of rows of a segment that delete."""
TOLD, AT = "_told", "#at"
"""The rows that have the other columns of a segment of what was made anew; and a place in a frame."""
PRINT = "_inputs"
"""The column of kept inputs with their fingerprint."""
PARTED = "2:"
"""What fingerprints in two halves begin with."""
NETWORK = ("net_now_", "net_at_")
SLICE = 1 << 19
"""Rows of a segment that are looked at in one go."""
NUMBERS = ("fraud_p", "pd", "points_model", "points_final")
TEXTS = ("decision", "decision_policy", "review_reason", "rules", "reasons")
STAMP = ("configuration", "models", "policy")
COLUMNS = ("key", "time", "version", "segment", "inputs", *STAMP, *NUMBERS, *TEXTS)
"""The columns of the log."""


def placed(folder: Path, segments: Iterable[Mapping[str, Any]]) -> list[tuple[int, Path]]:
    """Give the number of the first row of each segment of a state, and its file."""
    found, first = [], 0
    for segment in segments:
        found.append((first, folder / segment["file"]))
        first += segment["rows"]
    return found


def segment_rows(path: Path, state: Sequence[tuple[int, Path]], start: int = 0) -> Iterator[pl.DataFrame]:
    """Give the records that a segment holds, rows that delete left out, a slice at a time.

    Args:
        path: of the segment.
        state: what `placed` gives of all segments: one of what was made anew has its other columns there.
        start: the first row.

    Raises:
        StateError: a file that cannot be read.
    """
    file = _core.SegmentFile(str(path))
    names = file.names()
    while start < file.rows():
        rows = to_polars(file.part(names, start, SLICE)).select(names)
        rows = rows.filter(~pl.col(DELETED)).drop(DELETED) if DELETED in names else rows
        yield _whole(rows, state) if TOLD in names else rows
        start += SLICE


def _whole(rows: pl.DataFrame, state: Sequence[tuple[int, Path]]) -> pl.DataFrame:
    """Put behind rows of what was made anew what they said before, in other segments."""
    told, rows = rows[TOLD], rows.drop(TOLD)
    which = pl.Series([first for first, _ in state]).search_sorted(told, side="right") - 1
    parts = []
    for number in which.unique():
        first, path = state[number]
        chosen = which == number
        file = _core.SegmentFile(str(path))
        names = [name for name in file.names() if name not in rows.columns and name != DELETED]
        at = pl.int_range(len(rows), eager=True).filter(chosen)
        found = to_polars(file.picked(names, (told.filter(chosen) - first).to_list()))
        parts.append(found.with_columns(at.alias(AT)))
    rest = pl.concat(parts, how="diagonal_relaxed").sort(AT).drop(AT) if parts else rows.clear().select()
    return rows.with_columns(rest.get_columns())


def moving(names: Iterable[str]) -> list[str]:
    """Give those of some columns that a network makes: they move without a row of the record's own."""
    return sorted(name for name in names if name.startswith(NETWORK))


def fingerprints(rows: pl.DataFrame, names: Iterable[str], *, parted: bool = True) -> pl.Series:
    """Give for each row SHA-256 over some columns, by name; the first 128 bits, as hex.

    Where there are network features among them the columns are taken in two halves (`rust/core`,
    `refresh/halves.rs`), and the text begins with `PARTED`; `parted=False` is how logs of before had it.

    A column that is not there is one of nulls. Integers, flags and doubles that are whole count by their
    value (files kept such doubles as integers), other doubles by their bits (each NaN is one), times by
    what their columns count, anything else by its text.
    """
    known = sorted(names)
    if parted and (moved := moving(known)):
        standing = [name for name in known if name not in moved]
        shown = rows.select(name for name in known if name in rows.columns)
        if shown.width:
            return to_polars(_core.fingerprint_halves(open_source(shown), standing, moved)).to_series()
        blank = pl.DataFrame({moved[0]: pl.Series([None], dtype=pl.Float32)})
        return fingerprints(blank, known).new_from_index(0, len(rows))
    # A column without a type is one that is not there.
    there = [name for name in known if name in rows.columns and rows.schema[name] != pl.Null]
    told = rows.select(_countable(rows[name]) for name in there)
    found = to_polars(_core.fingerprints(open_source(told), known)) if told.width else None
    if found is not None:
        return found.to_series()
    empty = hashlib.sha256("\0".join(known).encode() + bytes([0] * len(known))).hexdigest()[:32]
    return pl.repeat(empty, len(rows), dtype=pl.String, eager=True).alias("inputs")


def _countable(column: pl.Series) -> pl.Series:
    """A column as fingerprints take it: texts, and what only its text tells, as 16 bytes each (BLAKE2b)."""
    dtype = column.dtype
    if dtype == pl.Boolean or dtype.is_integer() or dtype.is_float() or dtype.is_temporal():
        return column.to_physical() if dtype.is_temporal() else column
    texts = column.cast(pl.String)
    distinct = texts.unique().drop_nulls()
    if not len(distinct):
        return pl.Series(column.name, [None] * len(column), dtype=pl.Binary)
    held = [hashlib.blake2b(one.encode(), digest_size=16).digest() for one in distinct]
    return texts.replace_strict(distinct, pl.Series(held, dtype=pl.Binary), return_dtype=pl.Binary)


def logged_columns(key: str, inputs: Iterable[str]) -> list[str]:
    """Give the columns of records that rows of the log are made of."""
    return [*dict.fromkeys([key, *inputs, *NUMBERS, *TEXTS])]


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
        rows[PRINT].alias("inputs") if PRINT in rows.columns else fingerprints(rows, inputs),
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


def read_log(
    paths: Sequence[Path], key: int | str | None = None, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Read files of the log, in the order of their rows; of one key, or all; some columns, or all.

    Raises:
        StateError: a file that cannot be read.
    """
    if not paths:
        return _empty() if columns is None else _empty().select(columns)
    try:
        rows = pl.scan_parquet(list(paths))
        if key is not None:
            fits = rows.collect_schema()["key"].is_integer() == isinstance(key, int)
            rows = rows.filter(pl.col("key") == key if fits else pl.lit(False))
        return (rows if columns is None else rows.select(columns)).collect()
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


def of_decisions(
    rows: pl.DataFrame, key: str, log: pl.DataFrame, others: pl.Series | None = None
) -> pl.DataFrame:
    """Give kept inputs of which the log has the decision, however its fingerprint was made.

    Those of the keys of `others` stay too.
    """
    if not len(log):
        return rows.clear()
    told = log.select(pl.col("key").alias(key), pl.col("inputs").alias(PRINT)).unique()
    # The key may be an input, or stand beside them.
    inputs = [name for name in rows.columns if name != PRINT]
    older = [
        fingerprints(rows, names, parted=False) for names in (inputs, [one for one in inputs if one != key])
    ]
    at = pl.int_range(len(rows), eager=True).alias(AT)
    kept = [
        rows.select(key, made.alias(PRINT), at).join(told, on=[key, PRINT], how="semi")[AT]
        for made in (rows[PRINT], *older)
    ]
    stays = at.is_in(pl.concat(kept).implode())
    return rows.filter(stays if others is None else stays | rows[key].is_in(others.implode()))


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


def printed(rows: Any, columns: Sequence[str]) -> pl.DataFrame:
    """Give rows of a state with the fingerprints of some columns, where they have none."""
    found = to_polars(rows)
    return found if PRINT in found.columns else found.with_columns(fingerprints(found, columns).alias(PRINT))


def moved_rows(moved: pl.DataFrame, known: Sequence[pl.DataFrame], key: str) -> Iterator[pl.DataFrame]:
    """Give what moved behind the other columns of its records, as each of some frames knows these."""
    behind = moved.drop(PRINT)
    for rows in known:
        rest = rows.drop([name for name in behind.columns if name != key], strict=False)
        yield behind.join(rest.cast({key: behind.schema[key]}).unique(), on=key, how="inner")
