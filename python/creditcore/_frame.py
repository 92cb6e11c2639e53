"""The only place where data frames become Arrow streams, and results become data frames.

Comes in: anything that speaks Arrow's C stream interface (polars, pyarrow, pandas 3, DuckDB relations), a
pandas frame of any version, or a dict of numpy arrays or lists. Goes out: an object with
`__arrow_c_stream__`, or a polars frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, runtime_checkable

from creditcore.errors import ArgumentError, SchemaError, SourceError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from creditcore._core import Source


@runtime_checkable
class ArrowStream(Protocol):
    """A frame that gives its rows as an Arrow C stream."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        """Give the rows as a capsule."""
        ...


def to_stream(frame: object, *, categories: bool = False) -> ArrowStream:
    """Give a frame as an Arrow stream, without a copy where its library allows that.

    Args:
        frame: the rows.
        categories: whether categorical columns of pandas stay categorical, as texts, instead of becoming
            their values.

    Raises:
        SourceError: for an object that is no frame.
    """
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect(engine="streaming")
    if isinstance(frame, pl.DataFrame):
        return _typed(frame)
    if isinstance(frame, ArrowStream) and not _is_pandas(frame):
        return frame
    try:
        if isinstance(frame, dict):
            made = pl.DataFrame({name: _values(values) for name, values in frame.items()}, strict=False)
            return _typed(made)
        if _is_pandas(frame):
            kept = _categories if categories else _values
            items = frame.items()  # type: ignore[attr-defined]
            return _typed(pl.DataFrame({str(name): kept(column) for name, column in items}))
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise SourceError(
            f"the frame cannot be read: {error}; give columns of one length and type"
        ) from error
    kind = type(frame).__name__
    raise SourceError(
        f"cannot read records from a `{kind}`; give paths of files, a frame (polars, pyarrow, pandas, "
        "DuckDB) or a dict of columns"
    )


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    """Give columns of nothing but nulls, which have no type, that of a number.

    Arrow's readers refuse the form in which polars hands untyped ones on.
    """
    import polars as pl

    # Comparing the types of 64 columns takes longer than the trees of one record.
    kinds = zip(frame.columns, frame.dtypes, strict=True)
    untyped = [name for name, kind in kinds if isinstance(kind, pl.Null)]
    return frame.with_columns(pl.col(name).cast(pl.Float64) for name in untyped) if untyped else frame


def _is_pandas(frame: object) -> bool:
    return type(frame).__module__.split(".")[0] == "pandas"


def _values(values: Any) -> Any:
    """Give a column as something that polars takes: pandas' own types become objects with None for null."""
    if _is_pandas(values):
        if type(values.dtype).__module__.startswith("numpy") and values.dtype.kind in "iufbM":
            return values.to_numpy()
        return [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]
    return values


def _categories(column: Any) -> Any:
    """Give a categorical column as one of texts (whole numbers without a point); any other as its values."""
    import polars as pl

    if not hasattr(column, "cat"):
        return _values(column)
    texts = [_category_text(value) for value in column.cat.categories]
    codes = column.cat.codes.to_numpy()
    return pl.Series([None if code < 0 else texts[code] for code in codes], dtype=pl.Categorical)


def _category_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def require_array(out: object) -> None:
    """Refuse what is no float64 array of rows by outputs that can be written in one piece.

    Raises:
        ArgumentError: another type, shape or order.
    """
    import numpy as np

    if not isinstance(out, np.ndarray) or out.dtype != np.float64 or out.ndim != 2:
        kind = f"{out.dtype} of {out.ndim} dimensions" if isinstance(out, np.ndarray) else type(out).__name__
        raise ArgumentError(
            f"`out` is a `{kind}`; an array of float64 of 2 dimensions (rows, outputs) is needed"
        )
    if not (out.flags.c_contiguous or out.flags.f_contiguous) or not out.flags.writeable:
        raise ArgumentError(
            "`out` must be writeable, and C- or F-contiguous; give a whole array, not a slice"
        )


def to_matrix(stream: ArrowStream, shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """Give the only column of an Arrow stream as an array of rows of `shape`, without a copy."""
    return to_polars(stream).to_series().to_numpy().reshape(-1, *shape)


def to_polars(stream: ArrowStream) -> pl.DataFrame:
    """Give an Arrow stream as a polars frame."""
    import polars as pl

    return pl.DataFrame(stream)


def read_frame(path: Path) -> pl.DataFrame:
    """Read a Parquet, CSV (gzip too) or Arrow IPC file whole.

    Raises:
        SourceError: a file that cannot be read.
    """
    import polars as pl

    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        if path.suffix in (".arrow", ".ipc", ".feather"):
            return pl.read_ipc(path)
        return pl.read_csv(path, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"`{path}`: the file cannot be read: {error}") from error


def named_columns(model: str, array: Any, features: list[str]) -> pl.DataFrame:
    """Give a model's contributions, an array (rows, features + 1), as a frame with a column for each feature.

    Raises:
        ArgumentError: another shape, or a feature that comes twice.
    """
    import numpy as np
    import polars as pl

    values = np.asarray(array, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(features) + 1:
        told = f"it is (rows, {len(features)} features + 1)"
        raise ArgumentError(f"model `{model}` has contributions of shape {values.shape}; {told}")
    base = "base"
    while base in features:
        base += "_"
    if len({*features}) != len(features):
        raise ArgumentError(f"model `{model}` has a feature twice among {features}")
    return pl.DataFrame(
        {name: np.ascontiguousarray(values[:, at]) for at, name in enumerate([*features, base])}
    )


def as_codes(expected: Any, actual: Any) -> tuple[Any, Any, list[float] | None]:
    """Give two columns of text as numbers, the same for the same text, and those numbers; others as they are.

    Raises:
        SourceError: a column that cannot be read.
        SchemaError: text in one column, numbers in the other.
    """
    import polars as pl

    try:
        pair = [pl.Series("score", _values(column), strict=False) for column in (expected, actual)]
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"a column cannot be read: {error}; give one column of one type") from error
    texts = [column.dtype in (pl.String, pl.Categorical, pl.Enum) for column in pair]
    if not any(texts):
        return expected, actual, None
    if not all(text or column.null_count() == len(column) for text, column in zip(texts, pair, strict=True)):
        kinds = " and ".join(f"`{column.dtype}`" for column in pair)
        raise SchemaError(f"columns of {kinds} cannot be compared; give both as text or both as numbers")
    plain = [column.cast(pl.String) for column in pair]
    known = pl.concat(plain).drop_nulls().unique().sort().to_list()
    codes = [float(code) for code in range(len(known))]
    first, second = (column.replace_strict(known, codes, return_dtype=pl.Float64) for column in plain)
    return first, second, codes


def write_parquet(frames: list[pl.DataFrame], file: IO[bytes]) -> None:
    """Write frames, one under the other, as one Parquet file."""
    import polars as pl

    pl.concat(frames, how="diagonal").write_parquet(file, compression="zstd", compression_level=1)


def to_frame(frame: object) -> pl.DataFrame:
    """Give any frame as one of polars.

    Raises:
        SourceError: for an object that is no frame.
    """
    import polars as pl

    stream = to_stream(frame, categories=True)
    return stream if isinstance(stream, pl.DataFrame) else pl.DataFrame(stream)


def column_kinds(frame: object) -> list[tuple[str, str]]:
    """Give the columns of a frame with their types as conditions see them; an empty text for any other.

    Raises:
        SourceError: for an object that is no frame.
    """
    import polars as pl

    def kind(dtype: pl.DataType) -> str:
        if dtype.is_integer():
            return "integer"
        if dtype.is_float() or dtype.is_decimal():
            return "double"
        texts = {pl.String: "text", pl.Categorical: "text", pl.Enum: "text", pl.Boolean: "boolean"}
        return {**texts, pl.Date: "date", pl.Datetime: "timestamp"}.get(dtype.base_type(), "")

    return [(name, kind(dtype)) for name, dtype in to_frame(frame).schema.items()]


def with_kinds(frame: object, kinds: dict[str, str]) -> object:
    """Give columns that have no type (nothing but nulls) the types of conditions, by name.

    Raises:
        SourceError: a frame that cannot be read.
    """
    import polars as pl

    if isinstance(frame, dict):
        try:
            frame = pl.DataFrame({name: _values(values) for name, values in frame.items()}, strict=False)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise SourceError(f"the frame cannot be read: {error}; give columns of one length") from error
    if not isinstance(frame, pl.DataFrame):
        return frame
    types = {"boolean": pl.Boolean, "text": pl.String, "date": pl.Date, "timestamp": pl.Datetime}
    untyped = [name for name, kind in frame.schema.items() if kind == pl.Null]
    return frame.with_columns(
        pl.col(name).cast(types.get(kinds.get(name, ""), pl.Float64)) for name in untyped
    )


def to_frame_of_rows(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Give plain records as a frame."""
    import polars as pl

    return pl.DataFrame(rows, infer_schema_length=None)


def with_columns(frame: pl.DataFrame, columns: dict[str, list[Any]]) -> pl.DataFrame:
    """Give a frame with columns of plain values, which may replace some of its own."""
    import polars as pl

    texts = {
        name: pl.Boolean if isinstance((values or [None])[0], bool) else pl.String
        for name, values in columns.items()
    }
    return frame.with_columns(pl.Series(name, values, dtype=texts[name]) for name, values in columns.items())


def with_numbers(frame: pl.DataFrame, columns: Mapping[str, Sequence[float | None]]) -> pl.DataFrame:
    """Give a frame with columns of numbers beside its own: Int64 where all of one are whole."""
    import polars as pl

    def kind(values: Sequence[float | None]) -> type[pl.DataType]:
        known = [value for value in values if value is not None]
        return pl.Int64 if known and all(isinstance(value, int) for value in known) else pl.Float64

    return frame.with_columns(pl.Series(name, told, dtype=kind(told)) for name, told in columns.items())


def beside(*frames: pl.DataFrame) -> pl.DataFrame:
    """Put frames of the same rows beside each other; a name that is there already is left out."""
    import polars as pl

    names: set[str] = set()
    kept = []
    for frame in frames:
        kept.append(frame.select(name for name in frame.columns if name not in names))
        names.update(frame.columns)
    return pl.concat(kept, how="horizontal")


PART_ROWS = 65_536
"""Rows of a source from which a part is handed on."""


def source_parts(source: Source, columns: list[tuple[str, str]]) -> Iterator[tuple[pl.DataFrame, str, int]]:
    """Read columns of a source part by part.

    Args:
        source: the records.
        columns: names and roles: `number` parses untyped text as numbers, `key` leaves it as it is.

    Yields:
        Frames of `PART_ROWS` rows or more, of one file each, with the columns under their places (`0`, `1`,
        ...); the file; the number of the first row in it, from 0.

    Raises:
        SourceError: a value that is refused, with file and row.
    """
    import polars as pl

    waiting: list[pl.DataFrame] = []
    place = ("", 0)
    for table, file, first_row in source.parts(columns):
        # Each part has a dictionary of its own.
        part = to_polars(table).cast({pl.Categorical: pl.String})
        if waiting and (file != place[0] or sum(map(len, waiting)) >= PART_ROWS):
            yield pl.concat(waiting), *place
            waiting = []
        if not waiting:
            place = (file, first_row)
        waiting.append(part)
    if waiting:
        yield pl.concat(waiting), *place


def write_parts(parts: Iterable[pl.DataFrame], path: Path) -> None:
    """Write frames under each other into a `.parquet` or `.csv` file, which is there whole or not at all.

    Raises:
        ArgumentError: another ending.
        SourceError: no part at all.
        Whatever making a part raises.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise ArgumentError(f"`{path}`: the ending is `{path.suffix}`; allowed are .parquet and .csv")
    if not path.parent.is_dir():
        raise SourceError(f"`{path}`: there is no folder `{path.parent}`; make it first")
    waiting = iter(parts)
    first = next(waiting, None)
    if first is None:
        raise SourceError("there are no records to write")
    from polars.exceptions import PolarsError
    from polars.io.plugins import register_io_source

    faults: list[BaseException] = []

    def frames(*_asked: object) -> Iterator[pl.DataFrame]:
        yield first
        try:
            yield from waiting
        except BaseException as fault:
            faults.append(fault)
            raise

    rows = register_io_source(frames, schema=first.schema)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.suffix == ".parquet":
            rows.sink_parquet(fresh, compression="zstd", compression_level=1)
        else:
            rows.sink_csv(fresh)
        fresh.replace(path)
    except PolarsError as error:
        # polars tells of a fault in a part in words of its own.
        raise faults[0] if faults else SourceError(f"`{path}`: cannot be written: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
