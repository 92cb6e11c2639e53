"""Region tables: the packaged one of China, a user's own, or none.

Comes in: `"china"`, `"none"` (or None), or the path of a CSV file. Goes out: a table that the native core
resolves codes and names with. The form of a table stands in docs/formats/regions.md.
"""

from __future__ import annotations

import csv
import os
from functools import cache
from pathlib import Path

from creditcore._core import Regions

_DATA = Path(__file__).parent / "data"


@cache
def china() -> Regions:
    """The packaged table: nation, provinces and cities of China with their region families."""
    folder = _DATA / "china"
    return Regions.load(folder / "regions.csv", folder / "aliases.csv")


def load(regions: str | os.PathLike[str] | Regions | None) -> Regions | None:
    """Give the table that a user named.

    Args:
        regions: `"china"`, `"none"` or None for no table, a path of a CSV file, or a loaded table.

    Raises:
        FormatError: the file is no region table: duplicate codes, a loop, an unknown parent.
        SourceError: the file cannot be read.
    """
    if regions is None or regions == "none":
        return None
    if isinstance(regions, Regions):
        return regions
    return china() if regions == "china" else Regions.load(Path(regions))


def attributes(regions: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Give what a region table says of each region, as texts: what is kept and not ranked by.

    A city may have its province's code, so there is a record for each line.

    Args:
        regions: `"china"`, or a path of a CSV file that `load` takes.

    >>> next(told["tile_col"] for told in attributes("china") if told["name"] == "Zhejiang")
    '7'
    """
    path = _DATA / "china" / "regions.csv" if regions == "china" else Path(regions)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{**row, "code": row.get("code") or row.get("adcode") or ""} for row in csv.DictReader(file)]
