"""Files of a portfolio's rows, as tests look at them.

Comes in: a path. Goes out: all of its columns, those among them that lie beside each other.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from creditcore import _core
from creditcore._frame import to_polars


def all_columns(path: Path) -> pl.DataFrame:
    """Give every column of a segment, in the types of the state."""
    file = _core.SegmentFile(str(path))
    return to_polars(file.part(file.names(), 0, file.rows()))
