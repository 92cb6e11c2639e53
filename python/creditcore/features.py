"""Features: from the columns of records to the inputs of models.

Comes in: a schema (a YAML file, or arguments) and records. Goes out: the fleet's inputs, derived columns
included, and counts of what was missing, special, clipped or unseen. docs/schema.md tells the whole.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.aggregation import Progress
from creditcore.errors import SchemaError
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl


class Schema:
    """The inputs of a fleet: names, sources, types, missing and special codes, derived columns; immutable.

    >>> import creditcore as cc
    >>> schema = cc.Schema(
    ...     [
    ...         {"name": "AGE", "type": "int64", "missing": [-999], "clip": [18, 100], "unit": "years"},
    ...         {"name": "IS_YOUNG", "type": "boolean", "derived": "AGE < 25"},
    ...     ]
    ... )
    >>> schema.apply({"AGE": [17, 44, -999]}).rows()
    [(18, True), (44, False), (None, None)]
    """

    def __init__(
        self,
        features: Sequence[Mapping[str, Any]],
        *,
        missing: Sequence[float | str] = (),
        nan: str = "null",
    ) -> None:
        """Make a schema of features.

        Args:
            features: a mapping for each, with the keys of docs/formats/schema.md: `name` and `type` at least.
            missing: codes that stand for null in every feature that names none of its own.
            nan: what a NaN is in derived features: `"null"` or `"sql"`, as in `evaluate`.

        Raises:
            SchemaError: an unknown key, a doubled name, a value of a wrong type, a cycle of derived features.
        """
        told = {"features": list(features), "missing": list(missing), "nan": nan}
        self._read(told, "schema")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Schema:
        """Read a schema from a YAML file.

        Raises:
            SchemaError: a file that cannot be read, is no YAML, has an unknown key, a doubled key or name, a
                value of a wrong type, or a cycle; with the file, the feature and the key.
        """
        from creditcore.documents import read_yaml

        schema = cls.__new__(cls)
        schema._read(read_yaml(path), os.fspath(path))
        return schema

    def _read(self, told: Any, place: str) -> None:
        try:
            text = json.dumps(_plain(told), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise SchemaError(f"`{place}`: not a schema: {error}") from error
        self._core = _core.Schema.from_json(text, place)
        self._told: dict[str, Any] = json.loads(text)
        self._place = place

    @property
    def features(self) -> list[dict[str, Any]]:
        """The features as records, every key as it was given."""
        return [dict(feature) for feature in self._told["features"]]

    @property
    def names(self) -> list[str]:
        """The columns of the result: the features' names in their order, without those of `output: false`."""
        return [feature["name"] for feature in self._told["features"] if feature.get("output", True)]

    @property
    def sources(self) -> list[str]:
        """The columns that records must have."""
        return self._core.sources()

    @property
    def sensitive(self) -> list[str]:
        """The features that are marked `sensitive`."""
        return [feature["name"] for feature in self._told["features"] if feature.get("sensitive")]

    @property
    def geographic(self) -> list[str]:
        """The features that are marked `geographic`."""
        return [feature["name"] for feature in self._told["features"] if feature.get("geographic")]

    def to_dict(self) -> dict[str, Any]:
        """Give the schema as plain data, which `Schema(**data)` takes."""
        return {"features": self.features, "missing": [], "nan": "null", **self._told}

    def apply(
        self,
        frame: Records,
        keep: Iterable[str] = (),
        *,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """Compute the features of records.

        Args:
            frame: a frame, or paths of files (in CSV files every column is text, which is read by each
                feature's type).
            keep: columns of the source, such as a key, that are handed on in front of the features.
            threads: how many to use; by default one for each processor. Changes nothing in the result.
            progress: called with the number of records read so far, at most ten times a second.

        Returns:
            A row for each record in their order; the columns of `keep`, then the features in the schema's
            order: Float64, Float32, Int64, String (text and category) or Boolean. A null is a value that is
            missing, or one whose expression failed. A NaN stays one in a float and is null elsewhere.

        Raises:
            SchemaError: a column that is not there or of a type that does not fit; a value that does not fit,
                with column, row and value.
            SourceError: records that cannot be read.
        """
        return self.applied(frame, keep, threads=threads, progress=progress).frame

    def applied(
        self,
        frame: Records,
        keep: Iterable[str] = (),
        *,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Applied:
        """Compute the features of records, and count what happened to them.

        As `apply`, but with an `Applied`, whose `frame` is what `apply` gives.
        """
        source = open_source(frame)
        return Applied(self._core.apply(source, list(keep), threads=threads, progress=progress))

    def __repr__(self) -> str:
        """The place, and how many features there are."""
        return f"Schema({self._place!r}, {len(self._told['features'])} features)"


class Applied:
    """Features of records, and what happened to their values."""

    def __init__(self, core: _core.Applied) -> None:
        """Wrap the native columns; made by `Schema.applied`."""
        self._core = core

    @property
    def frame(self) -> pl.DataFrame:
        """The features, a row for each record."""
        from creditcore._frame import to_polars

        return to_polars(self._core.table())

    @property
    def counts(self) -> list[dict[str, Any]]:
        """For each feature: `feature`, `null`, `special`, `clipped`, `faults`, `unseen`, `unseen_more`.

        `unseen` counts each value of a category outside of `values`, the first thousand of them for
        themselves, the rest in `unseen_more`.
        """
        return self._core.counts()

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The first thousand values that are null because their expression failed.

        `row` (from 0), `feature`, `line` and `column` of its expression, `error`.
        """
        keys = ("row", "feature", "line", "column", "error")
        return [dict(zip(keys, fault, strict=True)) for fault in self._core.faults()]

    def __len__(self) -> int:
        """How many records there are."""
        return self._core.rows()


def _plain(value: Any) -> Any:
    """Give YAML's values as those of JSON: a NaN and a date as text, keys as text."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
