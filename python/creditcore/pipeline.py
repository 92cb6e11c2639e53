"""From records to scores in one call: features, models and scores joined.

Comes in: a folder of models with `fleet.toml`, `schema.yaml` and `blend.toml`, as far as there are such, and
records. Goes out: the models' outputs and the scores, beside columns of the records.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from creditcore.aggregation import Progress
from creditcore.blend_file import blend_of, read_blend_file
from creditcore.errors import ArgumentError, CreditcoreError, FormatError, SchemaError
from creditcore.features import Schema
from creditcore.fleet import Fleet
from creditcore.scoring import Blend, Scaling, score
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import Source

SCHEMA_FILE, BLEND_FILE = "schema.yaml", "blend.toml"
SCORES = ("fraud_p", "pd", "points_model", "points_final")


class Written(NamedTuple):
    """What `Pipeline.write` wrote."""

    records: int
    without: dict[str, int]
    """Records that have no such probability: no model of its blend had an output."""


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
        told = read_blend_file(blend_file) if blend_file.is_file() else {}
        blend = None
        try:
            scaling = Scaling(**told.get("scaling", {}))
            blend = blend_of(fleet, told)
        except (ArgumentError, FormatError, TypeError, AttributeError) as error:
            raise FormatError(f"`{blend_file}`: {error}") from error
        if told and blend is None:
            raise FormatError(
                f"`{blend_file}`: there is nothing to blend; declare models of target fraud or default, "
                "and of "
                f"status champion or none, in `{folder / 'fleet.toml'}`"
            )
        return Pipeline(fleet, schema, blend, scaling)

    @property
    def sources(self) -> list[str]:
        """The columns of records that decide the outputs."""
        return list(self._roles())

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
        parts, outputs = [], None
        if output is not None or self.blend is None:
            outputs = self.fleet.predict(inputs, output or "raw", precision, threads, progress)
            parts.append(outputs)
        if self.blend is not None:
            if outputs is None or output != "probability":
                outputs = self.fleet.predict(inputs, "probability", precision, threads, progress)
            told = self.fleet.calibrated(outputs)
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
        text: Sequence[str] = (),
        encoding: str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Written:
        """Score the records of files into a file, part by part.

        Args:
            source: Parquet, CSV (gzip too) or Arrow IPC files, as `open_source` takes them; all with the same
                columns and types.
            path: a `.parquet` or `.csv` file; it is there as a whole or not at all.
            output, precision: as in `score`.
            keep: columns of the records to write before the outputs, as they are; by default all. A column of
                CSV becomes numbers where every value of the first part is written as one, without leading
                zeros.
            text: columns of CSV that stay text.
            encoding: of CSV text.
            threads, progress: as in `score`.

        Returns:
            How many records there are, and how many of them have no `fraud_p` and no `pd`.

        Memory: some 100,000 records with their inputs and outputs.

        Raises:
            As `score`, and SchemaError for a column that is there already, ArgumentError for another ending.
        """
        from creditcore._frame import beside, write_parts
        from creditcore._text import TEXT_ENDINGS, TextColumns

        opened = open_source(source, encoding=encoding)
        columns = opened.column_names()
        kept = list(columns) if keep is None else _known(keep, columns)
        inputs = self._inputs(columns)
        texts = TextColumns(tuple(text))
        shape: dict[str, Any] = {}
        done = 0
        without = Counter[str]()

        def scored() -> Iterable[pl.DataFrame]:
            nonlocal done
            for rest, made, file, first_row in self._scored(opened, inputs, kept, output, precision, threads):
                if file.endswith(TEXT_ENDINGS):
                    rest = texts.typed(rest, file, first_row)
                _same_types(shape, rest, file)
                taken = sorted(set(kept) & set(made.columns))
                if taken:
                    raise SchemaError(
                        f"the records have a column `{taken[0]}` already; rename it, or `keep` others"
                    )
                done += len(made)
                without.update({name: made[name].null_count() for name in ("fraud_p", "pd") if name in made})
                if progress is not None:
                    progress(done)
                yield beside(rest, made)

        write_parts(scored(), Path(path))
        return Written(done, dict(without))

    def parts(
        self,
        source: Any,
        output: str | None = None,
        precision: str = "exact",
        *,
        encoding: str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Score the records of a source part by part; without schema and blend, the models' raw outputs.

        Args:
            source: files or frames, as `open_source` takes them; of a file only the columns that decide the
                outputs are read.
            output, precision: as in `score`.
            encoding: of CSV text.
            threads, progress: as in `score`; progress after each part.

        Yields:
            What `score` gives, for some 100,000 records at a time, in the order of the records.

        Memory: two parts of records with their inputs, and the outputs of one.

        Raises:
            As `score`, with file and row.
        """
        opened = open_source(source, encoding=encoding)
        inputs = self._inputs(opened.column_names())
        done = 0
        for _, made, _, _ in self._scored(opened, inputs, [], output, precision, threads):
            done += len(made)
            if progress is not None:
                progress(done)
            yield made

    def _scored(
        self,
        opened: Source,
        inputs: list[tuple[str, str]],
        kept: Sequence[str],
        output: str | None,
        precision: str,
        threads: int | None,
    ) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, str, int]]:
        """Give parts of a source: the columns kept, the scores, the file and the first row in it."""
        from creditcore._frame import source_parts

        for part, file, first_row in source_parts(opened, [*inputs, *((name, "key") for name in kept)]):
            read, rest = part[:, : len(inputs)], part[:, len(inputs) :]
            read.columns, rest.columns = [name for name, _ in inputs], list(kept)
            try:
                made = self.score(read, output, precision, threads=threads)
            except CreditcoreError as error:
                raise type(error)(_placed(str(error), file, first_row)) from error
            yield rest, made, file, first_row

    def _roles(self) -> dict[str, str]:
        """The columns that features are made of, with roles: a schema parses text, models take numbers."""
        made = set(self.schema.names) if self.schema else set()
        roles = dict.fromkeys(self.schema.sources, "key") if self.schema else {}
        for feature in self.fleet.features:
            if feature["column"] not in made:
                roles.setdefault(feature["column"], "key" if feature["categorical"] else "number")
        return roles

    def _inputs(self, columns: Sequence[str]) -> list[tuple[str, str]]:
        """The columns of a source that decide the outputs, with roles; conditions may name further ones."""
        models = self.fleet.models
        if any(feature["column"] is None for model in models for feature in model["features"]):
            # A model takes its inputs by position: all columns are its own.
            return [(name, "number") for name in columns]
        roles = self._roles()
        for model in models:
            words = re.findall(r"\w+", model["applies_to"] or "")
            roles |= {name: "key" for name in words if name not in roles}
        return [(name, role) for name, role in roles.items() if name in columns]

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


def _placed(text: str, file: str, first_row: int) -> str:
    """Say of an error in a part of a file where in the file it is."""
    found = re.match(r"`frame`, row (\d+)", text)
    if found is None:
        return text
    return f"`{file}`, row {first_row + int(found[1])}{text[found.end() :]}"


def _same_types(known: dict[str, Any], part: pl.DataFrame, file: str) -> None:
    """Refuse a column whose type is not that of the parts before."""
    for name, kind in part.schema.items():
        if known.setdefault(name, kind) != kind:
            raise SchemaError(
                f"`{file}`: column `{name}` is of type {kind}, in the files before it of type {known[name]}; "
                "score the files apart, or `keep` others"
            )


def _known(wanted: Sequence[str], columns: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in columns:
            listed = ", ".join(f"`{column}`" for column in columns[:12])
            raise SchemaError(f"`keep` names `{name}`, which is no column (columns: {listed} ...)")
    return list(wanted)
