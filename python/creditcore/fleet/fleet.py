"""Fleets: models that are evaluated together, to the training library's own bits.

Comes in: model files (LightGBM, XGBoost, CatBoost) or a compiled fleet; frames or single records. Goes out:
predictions, leaves, contributions, compiled fleets. Inputs are matched by name, categories by value, never by
position or by a frame's codes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from creditcore import _core
from creditcore.aggregation import Progress
from creditcore.errors import ArgumentError
from creditcore.fleet.about import column_records, model_records
from creditcore.fleet.compiled import declarations_of, is_compiled, told_of
from creditcore.fleet.declarations import Declaration, Paths, calibrated_by, declared, native_text

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from creditcore._frame import ArrowStream

OUTPUTS = ("raw", "probability")
PRECISIONS = ("exact", "fast")


class Fleet:
    """Models that are evaluated together; immutable, and safe to use from many threads at once.

    >>> import creditcore as cc
    >>> from creditcore.demo import UCI_CASE
    >>> fleet = cc.Fleet.load(UCI_CASE)
    >>> frame = {feature["column"]: [0.0, None] for feature in fleet.features}
    >>> fleet.predict(frame, output="probability").shape
    (2, 1)
    >>> {name: leaves.shape for name, leaves in fleet.leaves(frame).items()}
    {'credit_uci': (2, 113)}
    """

    def __init__(self, core: _core.Fleet, declarations: Sequence[Declaration]) -> None:
        """Wrap native models; made by `load`."""
        self._core = core
        self._declarations = tuple(declarations)

    @staticmethod
    def load(
        paths: Paths,
        *,
        names: Mapping[str, Sequence[str]] | None = None,
        by_position: bool = False,
        margin_only: bool = False,
        best_iteration: bool = False,
        engine: str | None = None,
        threads: int | None = None,
    ) -> Fleet:
        """Read models.

        Args:
            paths: a folder (its `fleet.toml` says which models; without one every model file in it is
                taken), a file, a fleet file, a list of these, or a dict of names to files. Names default to
                the files' names without their endings. Files may be compressed by gzip. Or a compiled fleet
                (`compile`), which keeps what was said of its models when they were loaded.
            names: for models by name the columns of their features, in the file's order: needed where a file
                has no real names for them (`Column_0`, `f0`), unless the frames have columns of exactly
                those names.
            by_position: takes the features of such models by position instead; a frame must then have their
                columns alone.
            margin_only: takes models of an unknown objective too, for their raw output.
            best_iteration: keeps of XGBoost's models the rounds up to their attribute `best_iteration`, as
                its scikit-learn wrappers do; without it all rounds, as `Booster.predict` does. Files of
                LightGBM hold the rounds that the library uses.
            engine: evaluates all models with this engine (see `engines`).
            threads: how many to use for reading; by default one for each processor.

        Raises:
            SourceError: a file that cannot be read.
            FormatError: a file of no known format (pickles are never loaded), or damaged.
            ModelError: a model that uses what is not supported, named.
            ArgumentError: an argument outside of what is allowed.
        """
        given = dict(names or {})
        if is_compiled(paths):
            if given or by_position or best_iteration:
                raise ArgumentError(
                    f"`{paths}` is a compiled fleet; give `names`, `by_position` and `best_iteration` before "
                    "it is compiled"
                )
            core, told = _core.Fleet.open(str(paths), engine=engine, threads=threads)
            return Fleet(core, declarations_of(told, core.model_names(), str(paths)))
        found = declared(paths)
        told = native_text(
            found,
            given,
            by_position=by_position,
            margin_only=margin_only,
            best_iteration=best_iteration,
        )
        return Fleet(_core.Fleet.load(told, engine=engine, threads=threads), found)

    @overload
    def predict(
        self,
        frame: Any,
        output: str = "raw",
        precision: str = "exact",
        threads: int | None = None,
        progress: Progress | None = None,
        *,
        calibrated: bool = False,
        out: None = None,
    ) -> pl.DataFrame: ...

    @overload
    def predict(
        self,
        frame: Any,
        output: str = "raw",
        precision: str = "exact",
        threads: int | None = None,
        progress: Progress | None = None,
        *,
        calibrated: bool = False,
        out: np.ndarray[Any, Any],
    ) -> np.ndarray[Any, Any]: ...

    def predict(
        self,
        frame: Any,
        output: str = "raw",
        precision: str = "exact",
        threads: int | None = None,
        progress: Progress | None = None,
        *,
        calibrated: bool = False,
        out: np.ndarray[Any, Any] | None = None,
    ) -> pl.DataFrame | np.ndarray[Any, Any]:
        """Evaluate every model on every row.

        Args:
            frame: the rows: anything that speaks Arrow, pandas, or a dict of columns. Columns are found by
                name; those that no tree tests are not needed. Null is missing, as NaN is; what missing means
                is the model's own matter. Text, categorical and dictionary columns match the model's
                categories by value; a number on a categorical input is the library's own code. Decimals and
                wide integers are compared exactly.
            output: `raw`, the sum of the trees, or `probability`, the library's own transform of it (the
                mean for regressions), uncalibrated.
            precision: `exact` gives the library's own bits; `fast` allows an engine that does not, where
                there is one.
            threads: how many to use; by default one for each processor. Changes no bit of the result.
            progress: called with the number of rows done so far, at most ten times a second.
            calibrated: puts probabilities through the calibrations that are declared of their models.
            out: a float64 array (rows, outputs), C- or F-contiguous, that is written and given back instead
                of a frame; NaN where a model does not apply. F order is written without a copy.

        Returns:
            A Float64 column for each output: `name`, or `name:class` where a model has several, classes
            counted from 0 in the model's order. Null where a model's `applies_to` does not hold.

        Memory: the result, and one block of inputs for each thread (with `out`, and of outputs).

        Raises:
            SchemaError: a column that is missing or of a wrong type.
            ModelError: a model of an unknown objective asked for probabilities.
            ArgumentError: an argument outside of what is allowed.
        """
        from creditcore._frame import require_array, to_polars

        if output not in OUTPUTS:
            raise ArgumentError(f"`output` is `{output}`; allowed are {', '.join(OUTPUTS)}")
        if precision not in PRECISIONS:
            raise ArgumentError(f"`precision` is `{precision}`; allowed are {', '.join(PRECISIONS)}")
        transformed = output == "probability"
        if calibrated and not transformed:
            raise ArgumentError('`calibrated` is of probabilities; give `output="probability"`')
        fast = precision == "fast"
        if out is not None:
            if calibrated:
                raise ArgumentError("`calibrated` gives a frame; leave out `out`")
            require_array(out)
            stream = _stream(frame)
            self._core.predict_into(stream, transformed, out, fast=fast, threads=threads, progress=progress)
            return out
        found = to_polars(
            self._core.predict(_stream(frame), transformed, fast=fast, threads=threads, progress=progress)
        )
        return self.calibrated(found) if calibrated else found

    def predict_one(self, record: Mapping[str, Any], output: str = "raw") -> dict[str, float | None]:
        """Evaluate every model on one record, without a frame: the numbers that `predict` gives for it.

        Args:
            record: values by column: floats, integers, flags, decimals, texts, None for missing. Further keys
                are ignored.
            output: as in `predict`.

        Returns:
            A number for each output; None where a model does not apply.

        Raises:
            As `predict`; ArgumentError for a model that takes its features by position.
        """
        if output not in OUTPUTS:
            raise ArgumentError(f"`output` is `{output}`; allowed are {', '.join(OUTPUTS)}")
        if not isinstance(record, Mapping):
            raise ArgumentError(f"a record is a `{type(record).__name__}`; give a dict of columns to values")
        values = record if type(record) is dict else dict(record)
        found: dict[str, float | None] = self._core.predict_one(values, output == "probability")
        return found

    def calibrated(self, probabilities: pl.DataFrame) -> pl.DataFrame:
        """Put probabilities, as `predict` gives them, through the calibrations declared of their models.

        Raises:
            SourceError, FormatError: a declared calibration that cannot be read.
            ArgumentError: a calibration of a model without a column of its name.
        """
        return calibrated_by(self._declarations, probabilities)

    def leaves(
        self, frame: Any, threads: int | None = None, progress: Progress | None = None
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Give the leaf that each row ends in, for every model and tree.

        Returns:
            For each model an int32 array (rows, trees): the leaf's number as the training library's
            `pred_leaf` gives it; four bytes for each row and tree.

        Raises:
            SchemaError: a column that is missing or of a wrong type.
            ModelError: a linear model, which has no trees.
        """
        from creditcore._frame import to_matrix

        found = self._core.leaves(_stream(frame), threads=threads, progress=progress)
        return {name: to_matrix(values, shape) for name, shape, values in found}

    def contributions(
        self, frame: Any, threads: int | None = None, progress: Progress | None = None
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Give what each feature contributes to the raw output: exact path-dependent Shapley values.

        Returns:
            For each model a float64 array (rows, features + 1): the features in the file's order, the base
            last; they add up to the raw output. Of a model with several outputs LightGBM documents
            (rows, outputs * (features + 1)) and XGBoost (rows, outputs, features + 1), and so it is here.

        Memory: eight bytes for each number.

        Raises:
            SchemaError: a column that is missing or of a wrong type.
            ModelError: a model whose file lacks the weights of its nodes.

        Source: Lundberg, Erion, Lee, *Consistent Individualized Feature Attribution for Tree Ensembles*
        (arXiv:1802.03888), algorithm 2.
        """
        from creditcore._frame import to_matrix

        found = self._core.contributions(_stream(frame), threads=threads, progress=progress)
        return {name: to_matrix(values, shape) for name, shape, values in found}

    def unseen(self, frame: Any) -> list[dict[str, Any]]:
        """Count the category values that models do not know.

        Returns:
            Records `model`, `feature`, `value`, `rows`. A value that LightGBM does not know is missing to it,
            as pandas makes it; to XGBoost it belongs to no set. Of a column 1,000 values are told apart.

        Raises:
            SchemaError: a column that is missing or of a wrong type.
        """
        names = ("model", "feature", "value", "rows")
        return [dict(zip(names, row, strict=True)) for row in self._core.unseen(_stream(frame))]

    @property
    def models(self) -> list[dict[str, Any]]:
        """What there is to know about each model, and what is declared of it, as plain records.

        Of the file: `format`, `library`, `version` (as `file_version`), `objective`, `probability`,
        `outputs`, `trees`, `leaves`, `depth`, `base`, `averaged`, `real_names`, `computed` (how many features
        are computed from categories before trees test them), `loose_categories` (lists that the
        file does not give to a feature), `features` (each with `name`, `column`, `splits`,
        `categorical`, `categories`, `missing`). Declared, or None: `target`, `applies_to`, `calibration`,
        `version`, `status`, `valid_from`, `weight`.
        """
        return model_records(self._core.about(), self._declarations)

    @cached_property
    def told(self) -> tuple[dict[str, Any], ...]:
        """As `models`, read once: for those who change nothing in it."""
        return tuple(self.models)

    @property
    def features(self) -> list[dict[str, Any]]:
        """The columns that the fleet needs, as plain records: `column`, `categorical`, `splits`, `models`.

        A column that is found by position stands under its feature's name. Features that no tree tests are
        left out.
        """
        return column_records(self.told)

    def engines(self, rows: int | None = None) -> list[dict[str, Any]]:
        """Give which engine evaluates each model, and why; no output depends on it.

        Args:
            rows: a number of rows of one call; without it, calls of every size.

        Returns:
            Records `model`, `engine`, `chosen`, `from_rows` and `to_rows` (the calls for which it is taken
            once it is built; None is no end, or never), `built`, `reason`. Without `rows` one for each model
            and engine; with `rows` for each model the engine that would now answer such a call.

        Raises:
            ArgumentError: a number of rows below 0.
        """
        names = ("model", "engine", "chosen", "from_rows", "to_rows", "built", "reason")
        records = [dict(zip(names, row, strict=True)) for row in self._core.engines(_rows(rows))]
        return [record for record in records if rows is None or record["chosen"]]

    def prepare(self, rows: int | None = None, threads: int | None = None) -> None:
        """Build engines now instead of in the first calls that they pay for.

        Args:
            rows: what is the best for calls of this many rows; by default for calls of any size.
            threads: how many to use; by default one for each processor.

        Raises:
            ArgumentError: a number of rows below 0.
        """
        self._core.prepare(_rows(rows), threads=threads)

    def subset(self, names: Sequence[str]) -> Fleet:
        """Give a fleet of some of the models, in the order of `names`; ensembles are shared.

        Raises:
            ArgumentError: a name that no model has, or twice; no name.
        """
        if isinstance(names, str):
            raise ArgumentError(f"`names` is the text `{names}`; give a list of names")
        places = {declaration.name: place for place, declaration in enumerate(self._declarations)}
        unknown = [name for name in names if name not in places]
        if unknown or not names:
            what = f"`{unknown[0]}` is no model of the fleet" if unknown else "no model is named"
            raise ArgumentError(f"{what}; there are {', '.join(places)}")
        taken = [places[name] for name in names]
        return Fleet(self._core.subset(taken), [self._declarations[place] for place in taken])

    def with_models(self, other: Fleet | Paths, *, threads: int | None = None) -> Fleet:
        """Give a fleet of these models and others; ensembles are shared, nothing here is read again.

        Args:
            other: a fleet, or what `load` takes.
            threads: how many to use for reading.

        Raises:
            As `load`; ArgumentError for two outputs of one name.
        """
        more = other if isinstance(other, Fleet) else Fleet.load(other, threads=threads)
        joined = self._core.joined(more._core)
        if twice := {one.name for one in self._declarations} & {one.name for one in more._declarations}:
            raise ArgumentError(f"two models are called `{min(twice)}`; rename one")
        return Fleet(joined, [*self._declarations, *more._declarations])

    def compile(self, path: str | os.PathLike[str]) -> None:
        """Write the fleet into one file, which `load` reads in a fraction of the time; usually named `.ccf`.

        It holds models, declarations and calibrations (docs/formats/fleet.md); it is written whole or not.

        Raises:
            SourceError: a file that cannot be written, a declared calibration that cannot be read.
        """
        self._core.save(os.fspath(path), told_of(self._declarations))

    def __len__(self) -> int:
        """How many models there are."""
        return len(self._declarations)

    def __repr__(self) -> str:
        """How many models there are, and the first of their names."""
        shown = ", ".join(declaration.name for declaration in self._declarations[:5])
        return f"<Fleet of {len(self)}: {shown}{', ...' if len(self) > 5 else ''}>"


def _rows(rows: int | None) -> int | None:
    if rows is not None and rows < 0:
        raise ArgumentError(f"`rows` is {rows}; a number of rows from 0 on is needed")
    return rows


def _stream(frame: Any) -> ArrowStream:
    from creditcore._frame import to_stream
    from creditcore.sources import refuse_paths

    refuse_paths(frame)
    return to_stream(frame, categories=True)
