"""From records to scores in one call: features, models and scores joined.

Comes in: a folder of models with `fleet.toml`, `schema.yaml` and `blend.toml`, as far as there are such, and
records. Goes out: the models' outputs and the scores, beside columns of the records.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.aggregation import Progress
from creditcore.calibration import Calibration
from creditcore.errors import ArgumentError, FormatError, SchemaError, SourceError
from creditcore.features import Schema
from creditcore.fleet import Fleet
from creditcore.scoring import Blend, Scaling, score

if TYPE_CHECKING:
    import polars as pl

SCHEMA_FILE, BLEND_FILE = "schema.yaml", "blend.toml"
SCORES = ("fraud_p", "pd", "points_model", "points_final")
# What `blend.toml` may hold.
_TARGETS = {"fraud": "fraud", "credit": "default"}
_SCALING = ("pdo", "base_odds", "base_points", "min_points", "max_points")


class Pipeline:
    """Schema, fleet, blend and scaling of one folder; immutable, and safe to use from many threads.

    Attributes:
        fleet: the models.
        schema: how columns become features; None where the columns are the features.
        blend: which models make `fraud_p` and `pd`; None where the fleet declares no targets.
        scaling: points.
    """

    def __init__(
        self,
        fleet: Fleet,
        schema: Schema | None = None,
        blend: Blend | None = None,
        scaling: Scaling | None = None,
    ) -> None:
        """Join the stages."""
        self.fleet = fleet
        self.schema = schema
        self.blend = blend
        self.scaling = scaling or Scaling()

    @staticmethod
    def load(models: str | os.PathLike[str], *, threads: int | None = None) -> Pipeline:
        """Read a folder (or a single model file).

        `fleet.toml` says which models there are, `schema.yaml` how their features come about, `blend.toml`
        what is done with their outputs: `on_null`, `[scaling]` (pdo, base_odds, base_points, min_points,
        max_points), `[calibration.fraud]` and `[calibration.credit]`. The blends join the models whose target
        is fraud or default and whose status is champion (or not told), by their weights (1 where not told).

        Raises:
            SourceError, FormatError, ModelError, SchemaError: what is wrong with a file, with its name.
        """
        folder = Path(models)
        fleet = Fleet.load(folder, threads=threads)
        schema_file, blend_file = folder / SCHEMA_FILE, folder / BLEND_FILE
        schema = Schema.load(schema_file) if schema_file.is_file() else None
        told = _told(blend_file) if blend_file.is_file() else {}
        try:
            scaling = Scaling(**told.get("scaling", {}))
            return Pipeline(fleet, schema, _blend(fleet, told), scaling)
        except (ArgumentError, FormatError, TypeError, AttributeError) as error:
            raise FormatError(f"`{blend_file}`: {error}") from error

    @property
    def sources(self) -> list[str]:
        """The columns of records that decide the outputs."""
        needed = [record["column"] for record in self.fleet.features]
        if self.schema is None:
            return needed
        known = set(self.schema.names)
        return [*self.schema.sources, *(name for name in needed if name not in known)]

    def input_warnings(self, columns: Iterable[str]) -> list[str]:
        """Say which columns of a ranking's grouping or weight are inputs of the models too."""
        inputs = set(self.sources)
        return [
            f"`{column}` is an input of the models: a score by it tells in part what was put in"
            for column in columns
            if column in inputs
        ]

    def score(
        self,
        frame: Any,
        output: str | None = None,
        precision: str = "exact",
        *,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> pl.DataFrame:
        """Score records.

        Args:
            frame: the records.
            output: adds the outputs of every model, `raw` or `probability` (uncalibrated); without it there
                are only the scores, or the raw outputs where there is no blend.
            precision: as in `Fleet.predict`.
            threads: how many to use; by default one for each processor. Changes no bit of the result.
            progress: called with the number of rows done so far, at most ten times a second.

        Returns:
            A row for each record: the outputs, then `fraud_p`, `pd`, `points_model`, `points_final`.

        Memory: the inputs and outputs of all models for the rows of `frame`; give large sources in parts, or
        use `write`.

        Raises:
            SchemaError: a column that is missing or of a wrong type.
            ModelError: a model that has no probability.
            ArgumentError: an output that there is not; a null that the blend refuses.
        """
        from creditcore._frame import beside, to_frame

        rows = to_frame(frame)
        inputs = rows if self.schema is None else beside(self.schema.apply(rows, threads=threads), rows)
        parts = []
        if output is not None or self.blend is None:
            outputs = self.fleet.predict(inputs, output or "raw", precision, threads, progress)
            parts.append(outputs)
        if self.blend is not None:
            told = self.fleet.predict(inputs, "probability", precision, threads, progress, calibrated=True)
            parts.append(score(told, self.blend, self.scaling, threads=threads))
        return beside(*parts)

    def write(
        self,
        source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        path: str | os.PathLike[str],
        output: str | None = None,
        precision: str = "exact",
        *,
        keep: Sequence[str] | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Score the records of files into a file, part by part.

        Args:
            source: Parquet, CSV (gzip too) or Arrow IPC files.
            path: a `.parquet` or `.csv` file; it is there as a whole or not at all.
            output, precision: as in `score`.
            keep: columns of the records to write before the outputs; by default all.
            threads, progress: as in `score`.

        Returns:
            How many records there are.

        Memory: a part of 65,536 records with its inputs and outputs; a gzip file is read whole.

        Raises:
            As `score`, and SchemaError for a column that is there already, ArgumentError for another ending.
        """
        from creditcore._frame import beside, file_parts, write_parts

        done = 0

        def scored() -> Iterable[pl.DataFrame]:
            nonlocal done
            for part in file_parts(source):
                kept = part if keep is None else part.select(_known(keep, part.columns))
                made = self.score(part, output, precision, threads=threads)
                taken = sorted(set(kept.columns) & set(made.columns))
                if taken:
                    raise SchemaError(
                        f"the records have a column `{taken[0]}` already; rename it, or `keep` others"
                    )
                done += len(part)
                if progress is not None:
                    progress(done)
                yield beside(kept, made)

        write_parts(scored(), Path(path))
        return done

    def __repr__(self) -> str:
        """The fleet, and what else there is."""
        parts = [repr(self.fleet)]
        parts += ["schema"] if self.schema else []
        parts += [repr(self.blend)] if self.blend else []
        return f"<Pipeline: {', '.join(parts)}>"


def described(paths: Sequence[str | os.PathLike[str]]) -> list[dict[str, Any]]:
    """Give what there is to know about models, as `Fleet.models`, with the marks of their folders' schemas.

    Args:
        paths: folders, model files, fleet files.

    Returns:
        Records with `sensitive` and `geographic` beside the rest: the inputs that trees test and
        `schema.yaml` marks so; None where there is no schema.

    Raises:
        SourceError, FormatError, ModelError, SchemaError: what is wrong with a file, with its name.
    """
    records = []
    for path in map(Path, paths):
        file = (path if path.is_dir() else path.parent) / SCHEMA_FILE
        schema = Schema.load(file) if file.is_file() else None
        for model in Fleet.load(path, margin_only=True).models:
            tested = [
                feature["column"] or feature["name"] for feature in model["features"] if feature["splits"]
            ]
            marks = {"sensitive": schema.sensitive, "geographic": schema.geographic} if schema else {}
            of_model = {mark: [name for name in tested if name in names] for mark, names in marks.items()}
            records.append({**model, "sensitive": None, "geographic": None, **of_model})
    return records


def _known(wanted: Sequence[str], columns: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in columns:
            listed = ", ".join(f"`{column}`" for column in columns[:12])
            raise SchemaError(f"`keep` names `{name}`, which is no column (columns: {listed} ...)")
    return list(wanted)


def _told(path: Path) -> dict[str, Any]:
    """Read `blend.toml`; an unknown key is an error."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"`{path}`: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FormatError(f"`{path}`: is no TOML: {error}") from error
    for section, allowed in (
        ("", ("on_null", "scaling", "calibration")),
        ("scaling", _SCALING),
        ("calibration", tuple(_TARGETS)),
    ):
        part = told.get(section, {}) if section else told
        for key in part if isinstance(part, dict) else [section]:
            if key not in allowed:
                where = f" in `[{section}]`" if section else ""
                raise FormatError(f"`{path}`: unknown key `{key}`{where}; allowed are {', '.join(allowed)}")
    return told


def _blend(fleet: Fleet, told: dict[str, Any]) -> Blend | None:
    weights: dict[str, dict[str, float]] = {part: {} for part in _TARGETS}
    for model in fleet.models:
        for part, target in _TARGETS.items():
            if model["target"] == target and model["status"] in (None, "champion"):
                weights[part][model["name"]] = 1.0 if model["weight"] is None else model["weight"]
    joined = {part: of_part for part, of_part in weights.items() if of_part}
    if not joined:
        return None
    calibration = {
        part: Calibration.from_dict(made)
        for part, made in told.get("calibration", {}).items()
        if part in joined
    }
    return Blend(
        joined.get("fraud"),
        joined.get("credit"),
        on_null=told.get("on_null", "refuse"),
        calibration=calibration,
    )
