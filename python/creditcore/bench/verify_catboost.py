"""CatBoost's own answers for records, and for records that try its borders.

Comes in: a model's file, what is known of it, records. Goes out: the records that were made, and the
library's leaves and raw outputs for all of them. Categories stay texts: the library knows no others.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from creditcore.errors import SchemaError

Matrix = np.ndarray[Any, Any]


def columns(frame: pl.DataFrame, about: dict[str, Any], by_position: bool) -> pl.DataFrame:
    """The model's columns of records: doubles, and texts of categories.

    Raises:
        SchemaError: a number that cannot be read as one.
    """
    found = []
    for place, feature in enumerate(about["features"]):
        name = feature["column"] or (frame.columns[place] if by_position else feature["name"])
        if name not in frame.columns:
            # Only a feature that no tree tests may be missing; the fleet names any other.
            blank = pl.Series(name, [""] * len(frame)) if feature["categorical"] else None
            found.append(pl.Series(name, np.zeros(len(frame))) if blank is None else blank)
            continue
        kind = pl.String if feature["categorical"] else pl.Float64
        try:
            found.append(frame[name].cast(kind))
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"column `{name}` cannot be read as {kind}: {error}") from error
    return pl.DataFrame(found)


def changed(rows: pl.DataFrame, picked: Matrix, tries: list[tuple[int, float]]) -> pl.DataFrame:
    """The picked records, each with the number at one place replaced."""
    probes = rows[picked]
    made = []
    for place, column in enumerate(probes.iter_columns()):
        if column.dtype == pl.String:
            made.append(column)
            continue
        values = column.to_numpy().copy()
        for row, (tried, value) in enumerate(tries):
            if tried == place:
                values[row] = value
        made.append(pl.Series(column.name, values))
    return pl.DataFrame(made)


def answers(
    library: ModuleType, file: Path, about: dict[str, Any], rows: pl.DataFrame
) -> tuple[Matrix, Matrix]:
    """The library's leaves and raw outputs for records in the order of the model's features."""
    content = file.read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    form = about["format"].split()[1]
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / f"model.{form}"
        plain.write_bytes(content)
        model = library.CatBoost().load_model(str(plain), format=form)
    table = np.empty(rows.shape, dtype=object)
    for place, column in enumerate(rows.iter_columns()):
        table[:, place] = (
            column.to_list() if column.dtype == pl.String else column.fill_null(np.nan).to_list()
        )
    places = [place for place, feature in enumerate(about["features"]) if feature["categorical"]]
    pool = library.Pool(table, cat_features=places, feature_names=model.feature_names_)
    leaves, scores = model.calc_leaf_indexes(pool), model.predict(pool, prediction_type="RawFormulaVal")
    return np.asarray(leaves), np.asarray(scores, dtype=np.float64)
