"""The only place where data frames become Arrow streams, and results become data frames.

Comes in: anything that speaks Arrow's C stream interface (polars, pyarrow, pandas 3, DuckDB relations), a
pandas frame of any version, or a dict of numpy arrays or lists. Goes out: an object with
`__arrow_c_stream__`, or a polars frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, runtime_checkable

from creditcore.errors import ArgumentError, SourceError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


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
            columns = frame.items()  # type: ignore[attr-defined]
            kept = _categories if categories else _values
            return _typed(pl.DataFrame({str(name): kept(column) for name, column in columns}))
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

    untyped = [name for name, kind in frame.schema.items() if kind == pl.Null]
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


def write_parquet(frames: list[pl.DataFrame], file: IO[bytes]) -> None:
    """Write frames, one under the other, as one Parquet file."""
    import polars as pl

    pl.concat(frames, how="diagonal").write_parquet(file)
