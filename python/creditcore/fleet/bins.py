"""Bins: what the models of a fleet can tell of the values of columns, kept in two bytes each.

Comes in: a fleet, records. Goes out: for each record a list of bins, and the outputs of the models from that
list in the place of its columns, with the bits that the columns give (law 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from creditcore.fleet.fleet import Fleet

if TYPE_CHECKING:
    import polars as pl

    from creditcore import _core

COLUMN = "_bins"
"""The column of bins; the state knows it by this name."""


class Bins:
    """The bins of some columns of a fleet; immutable.

    A bin is the number of cuts, of all models that test the column, that a value exceeds. A list begins with
    a fingerprint of columns and cuts, so that bins of another fleet are never taken for these.
    """

    def __init__(self, fleet: Fleet, core: _core.Bins) -> None:
        """Take what `of_fleet` found."""
        self._fleet, self._core = fleet, core
        self.columns = frozenset(core.columns())
        """The columns that need not be there where bins are."""

    @staticmethod
    def of_fleet(fleet: Fleet, apart: Iterable[str] = ()) -> Bins | None:
        """Give the bins of the columns that models read as numbers alone, but for some.

        Columns of an `applies_to` have none, and those of which a model sees more than on which side of a cut
        a value lies. None where no column is left, or a model takes its columns by position.
        """
        core = fleet._core.bins(list(apart))
        return None if core is None else Bins(fleet, core)

    def of(self, frame: pl.DataFrame, *, threads: int | None = None) -> pl.DataFrame:
        """Give the bins of rows, in one column, `COLUMN`: a list of 16-bit integers for each.

        Raises:
            SchemaError: a column that is missing or of a wrong type.
        """
        from creditcore._frame import to_polars

        made = to_polars(self._core.of(frame, threads=threads))
        made.columns = [COLUMN]
        return made

    def are_in(self, rows: pl.DataFrame) -> bool:
        """Say whether each of some rows has bins of these columns and cuts."""
        return COLUMN in rows.columns and self._core.fits(rows.select(COLUMN))

    def probabilities(self, rows: Any, *, threads: int | None = None) -> pl.DataFrame:
        """Give what `Fleet.predict` gives as calibrated probabilities, of rows with bins.

        Raises:
            SchemaError: a column without bins that is missing or of a wrong type; bins of other cuts.
        """
        from creditcore._frame import to_polars

        made = self._fleet._core.predict(rows, True, threads=threads, binned=(self._core, COLUMN))
        return self._fleet.calibrated(to_polars(made))
