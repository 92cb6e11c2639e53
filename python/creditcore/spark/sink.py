"""A stream into a portfolio: each micro-batch is one refresh, exactly once.

Comes in: what Spark's `foreachBatch` gives, a DataFrame and the number of its batch. Goes out: a portfolio
that has the batch, or is as it was. The stream and the number are committed with the refresh, in one
transaction; a batch that Spark brings again, because it was ended between that commit and its own checkpoint,
is passed over.
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from creditcore.errors import ArgumentError, SchemaError
from creditcore.portfolio.instants import check_as_of, instant_after
from creditcore.spark.session import house_errors, is_connected, session_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.portfolio.versions import Refresh

QUERY = "sql.streaming.queryId"
"""The local property under which Spark tells the id of a query, which its checkpoint keeps."""


class PortfolioSink:
    """What `foreachBatch` calls; a context manager, which closes the portfolio at its end."""

    def __init__(
        self, path: str | os.PathLike[str], as_of: date | str | None = None, stream: str | None = None
    ) -> None:
        """Remember the arguments of `portfolio_sink`; the portfolio is opened by the first batch."""
        self.path, self.as_of, self.stream = os.fspath(path), as_of, stream
        self.last: Refresh | None = None
        self._portfolio: Portfolio | None = None

    def __call__(self, frame: DataFrame, batch: int) -> None:
        """Renew the portfolio by a batch, unless it has it."""
        from creditcore.spark.batches import collected, first_twice

        stream = self.stream or _stream_of(frame)
        content = hashlib.sha256(f"{stream}/{batch}".encode()).hexdigest()
        portfolio = self.portfolio
        if portfolio.received(content) is not None:
            return
        with house_errors():
            rows = collected(frame)
        if rows.num_rows == 0:
            return
        columns = portfolio.config.columns
        if (
            columns.version is None
            and "version" not in rows.column_names
            and columns.key in rows.column_names
        ):
            twice = first_twice(rows, columns.key)
            if twice is not None:
                raise SchemaError(
                    f"batch {batch}: key `{twice}` comes more than once, and rows of a batch have no order; "
                    "give them a column `version`"
                )
        when = instant_after(portfolio, rows, self.as_of)
        self.last = portfolio.refresh(rows, when, files=[(f"{stream}/{batch}", content)])

    @property
    def portfolio(self) -> Portfolio:
        """The portfolio, open for writing.

        Raises:
            StateError: another one writes, or there is no portfolio.
        """
        if self._portfolio is None:
            from creditcore.portfolio.portfolio import Portfolio

            opened = Portfolio.open(self.path, "write")
            try:
                check_as_of(self.as_of, opened.config)
            except ArgumentError:
                opened.close()
                raise
            self._portfolio = opened
        return self._portfolio

    def close(self) -> None:
        """Close the portfolio; a later batch opens it again."""
        if self._portfolio is not None:
            self._portfolio.close()
            self._portfolio = None

    def __enter__(self) -> Self:
        """Give the sink itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the portfolio."""
        self.close()


def portfolio_sink(
    path: str | os.PathLike[str], *, as_of: date | str | None = None, stream: str | None = None
) -> PortfolioSink:
    """Give a function for `foreachBatch` that renews a portfolio by each batch, exactly once.

    A batch is known by the id of its query, which Spark keeps in the checkpoint folder, and its number. A
    stream that begins anew, with another checkpoint folder, is another stream.

    Args:
        path: of the portfolio, on the driver's disk; open for writing from the first batch to `close()`.
        as_of: the instant that the state speaks of after each batch: that of before by default; `latest`, the
            newest event time of the batch; `clock`; or an instant.
        stream: a name for the stream in place of the query's id, which Spark Connect does not tell. Such a
            name belongs to one checkpoint folder: batches that begin anew under it would be passed over.

    Raises, out of the stream:
        DeltaRefused: a quality gate refuses a batch; the portfolio is as it was, the stream ends before it.
        SchemaError: a key that comes more than once in a batch without a column `version`; columns that are
            refused.
        StateError: another one writes, or the disk does not take it.

    Memory: the rows of a batch, on the driver.
    """
    return PortfolioSink(path, as_of, stream)


def _stream_of(frame: DataFrame) -> str:
    """Give the id of the query that a batch is of."""
    session: Any = session_of(frame)
    found = None if is_connected(session) else session.sparkContext.getLocalProperty(QUERY)
    if not found:
        raise ArgumentError("Spark does not tell the query of this batch; give `stream=`, a name for it")
    return str(found)
