"""Spark's Arrow batches on an executor: gathered to tables, extended by columns, placed in errors.

Comes in: batches of a partition. Goes out: tables of some thousand rows, batches with further columns. The
only module for Spark that knows pyarrow; columns that are not computed go through untouched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from creditcore.errors import CreditcoreError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS = 65_536
"""Rows that are worked on at a time, or somewhat more."""
TYPES = {"double": pa.float64(), "string": pa.string(), "array<string>": pa.list_(pa.string())}
_PLACE = re.compile(r"`frame`(?:, row (\d+))?")

Work = Callable[[pa.Table], Any]


def partition_number() -> int:
    """The number of the partition that this process works on."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else context.partitionId()


def task_threads() -> int:
    """How many threads a task has to itself: `spark.task.cpus`."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return 1 if context is None else max(context.cpus(), 1)


def tables(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], rows: int | None = ROWS
) -> Iterator[tuple[int, pa.Table]]:
    """Gather batches to tables of so many rows or more (None: to one); gives the rows before each, too."""

    def table() -> pa.Table:
        return pa.Table.from_batches(waiting).rename_columns(list(names))

    waiting: list[pa.RecordBatch] = []
    before = gathered = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        waiting.append(batch)
        gathered += batch.num_rows
        if rows is not None and gathered >= rows:
            yield before, table()
            before += gathered
            waiting, gathered = [], 0
    if waiting:
        yield before, table()


def extended(
    batches: Iterator[pa.RecordBatch],
    names: Sequence[str],
    work: Work,
    columns: Mapping[str, str],
    key: str | None,
) -> Iterator[pa.RecordBatch]:
    """Put columns that a function computes beside the rows.

    Args:
        batches: of one partition.
        names: of their columns.
        work: gives for a table as many rows with the new columns.
        columns: their names, and their types as Spark calls them.
        key: the column that an error names a row by.
    """
    for before, table in tables(batches, names):
        made = placed(before, table, key)(work)
        for name, kind in columns.items():
            table = table.append_column(name, made.column(name).cast(TYPES[kind]))
        yield from table.combine_chunks().to_batches()


def placed(before: int, table: pa.Table, key: str | None) -> Callable[[Work], Any]:
    """Give a function that runs another on the table, and tells an error with partition, row and key."""

    def run(work: Callable[[pa.Table], Any]) -> Any:
        try:
            return work(table)
        except CreditcoreError as error:
            raise type(error)(_told(str(error), before, table, key)) from None

    return run


def _told(text: str, before: int, table: pa.Table, key: str | None) -> str:
    found = _PLACE.match(text)
    place = f"partition {partition_number()}"
    if found is None:
        return f"{place}: {text}"
    if found[1] is not None:
        row = int(found[1])
        place = f"{place}, row {before + row}"
        if key is not None and 0 < row <= table.num_rows:
            place = f"{place} (`{key}` is `{table.column(key)[row - 1].as_py()}`)"
    return f"{place}{text[found.end() :]}"


def to_polars(table: pa.Table) -> Any:
    """Give a table as a frame of polars."""
    import polars as pl

    return pl.from_arrow(table)


def empty_table(frame: DataFrame) -> pa.Table:
    """Give a table with the columns of a DataFrame and no row."""
    from inspect import signature

    from pyspark.sql.pandas.types import to_arrow_schema

    zone: dict[str, Any] = {}
    if "timezone" in signature(to_arrow_schema).parameters:  # Spark 3.5 has none, and takes UTC
        zone["timezone"] = frame.sparkSession.conf.get("spark.sql.session.timeZone")
    table: pa.Table = to_arrow_schema(frame.schema, **zone).empty_table()
    return table


def bytes_batch(**columns: list[Any]) -> pa.RecordBatch:
    """Give a batch of bytes and lists of texts."""
    arrays = {
        name: pa.array(
            values, pa.binary() if isinstance((values or [b""])[0], bytes) else TYPES["array<string>"]
        )
        for name, values in columns.items()
    }
    return pa.RecordBatch.from_pydict(arrays)


def distinct_texts(table: pa.Table, column: str) -> set[str]:
    """Give the values of a column as texts, nulls left out."""
    texts = table.column(column).unique().cast(pa.string()).to_pylist()
    return {text for text in texts if text is not None}


def rows_of_texts(column: str, texts: list[str], schema: pa.Table) -> pa.Table:
    """Give a table of a schema whose only values are those of one column."""
    nulls = {field.name: pa.nulls(len(texts), field.type) for field in schema.schema}
    nulls[column] = pa.array(texts).cast(schema.schema.field(column).type)
    return pa.table(nulls, schema=schema.schema)


def spark_types(native: Any) -> pa.Table:
    """Give a native table as one of pyarrow, in the types that Spark knows."""
    table = pa.table(native)
    for place, field in enumerate(table.schema):
        table = table.set_column(place, field.name, table.column(place).cast(_spark_type(field.type)))
    return table


def _spark_type(kind: pa.DataType) -> pa.DataType:
    """Give the type of Spark that holds all values of one: there are no unsigned integers."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_spark_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(one.name, _spark_type(one.type)) for one in kind])
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind) or pa.types.is_string(kind):
        return pa.string()
    if kind in (pa.uint8(), pa.uint16()):
        return pa.int32()
    return pa.int64() if kind in (pa.uint32(), pa.uint64()) else kind


def people_and_shown(network: Any) -> Iterator[pa.RecordBatch]:
    """Give the people of a network, a row each with a null hash, and a row for each identifier shown."""
    from creditcore import _core

    keys: Any = spark_types(network.components()).column("key")
    none: dict[str, Any] = {"time": pa.int64(), "place": pa.int32(), "kind": pa.int32(), "hash": pa.int64()}
    columns: dict[str, Any] = {name: pa.nulls(len(keys), kind) for name, kind in none.items()}
    yield from pa.table({"key": keys, **columns}).to_batches()
    shown = spark_types(_core.shown(network))
    shown = shown.set_column(2, "place", shown.column("place").cast(pa.int32()))
    yield from shown.to_batches()


def sets_and_shown(network: Any) -> Iterator[pa.RecordBatch]:
    """Give the sets of a network's people (hash null), and for each identifier the set that shows it."""
    import polars as pl

    from creditcore import _core
    from creditcore._frame import to_polars as native

    people = native(network.components()).rename({"component": "own"})
    shown = native(_core.shown(network)).select("key", "hash").join(people, on="key")
    shown = shown.unique("hash", keep="any").select("key", "own", "hash")
    both = [people.with_columns(pl.lit(None, pl.Int64).alias("hash")), shown]
    for part in both:
        table = part.to_arrow()
        yield from table.cast(
            pa.schema([(one.name, _spark_type(one.type)) for one in table.schema])
        ).to_batches()


def forest_of(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join pairs of keys; gives each key that is not the smallest of its set, and the smallest."""
    import pyarrow.compute as pc

    from creditcore import _core

    for _, table in tables(batches, ("one", "other"), None):
        whole = table.combine_chunks()
        one, other = (whole.column(name).chunk(0) for name in ("one", "other"))
        found = spark_types(_core.joined_keys(one, other))
        yield from found.filter(pc.not_equal(found.column("key"), found.column("component"))).to_batches()


def rankings_frame(session: SparkSession, rankings: Sequence[Any]) -> DataFrame:
    """Give frames of rankings, one under the other, as a DataFrame."""
    import polars as pl

    return frame_of(session, spark_types(pl.concat(rankings, how="diagonal").to_arrow()))


def frame_of(session: SparkSession, table: pa.Table) -> DataFrame:
    """Give the rows of a small table as a DataFrame; Spark 3.5 takes no table itself."""
    from pyspark.sql.pandas.types import from_arrow_schema

    schema = from_arrow_schema(table.schema)
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return session.createDataFrame(rows, schema)


def collected(frame: DataFrame) -> pa.Table:
    """Bring the rows of a DataFrame to the driver, as Arrow makes them on executors."""
    from creditcore.spark.session import plain_columns

    empty = empty_table(frame)
    parts = plain_columns(frame, frame.columns).mapInArrow(as_bytes, "data binary").collect()
    tables = [pa.ipc.open_stream(bytes(part["data"])).read_all() for part in parts]
    return pa.concat_tables(tables).rename_columns(empty.column_names) if tables else empty


def as_bytes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give each batch in its byte form."""
    for batch in batches:
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, batch.schema) as stream:
            stream.write_batch(batch)
        yield bytes_batch(data=[out.getvalue().to_pybytes()])


def first_twice(table: pa.Table, column: str) -> Any:
    """Give the smallest value that comes more than once; None where none does."""
    import polars as pl

    values = pl.Series(table.column(column).combine_chunks())
    return values.filter(values.is_duplicated()).min()
