"""A model beside its training library: the same rows, and rows that try its thresholds.

Comes in: a model's file, records, the name of the library. Goes out: a plain record that says how many
leaves and scores differ, and the worst row. Needs the library (the extra `verify`).
"""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from creditcore._frame import read_frame
from creditcore.bench import verify_catboost
from creditcore.errors import ArgumentError, SchemaError
from creditcore.fleet.compiled import is_compiled
from creditcore.fleet.declarations import declared
from creditcore.fleet.fleet import Fleet

Matrix = np.ndarray[Any, Any]
LIBRARIES = ("lightgbm", "xgboost", "catboost")
MOST_ROWS = 20_000
"""Rows of the records that are compared."""
MOST_PROBES = 20_000
"""Rows made to try thresholds."""
PROBES_OF_A_VALUE = 16
"""Records that one value is tried on, where there is room."""


def verify(file: Path, against: str, data: Path, by_position: bool = False, seed: int = 0) -> dict[str, Any]:
    """Compare a model with its training library, row by row.

    Args:
        file: the model.
        against: `lightgbm`, `xgboost` or `catboost`.
        data: records with the model's columns; the first 20,000 are taken.
        by_position: takes the features by position where the file does not name them.
        seed: of the choice of rows that are changed to try thresholds.

    Returns:
        A record: `model`, `library`, `library_version`, `rows`, `probes`, `trees`, `wrong_leaves`,
        `wrong_scores`, and `worst`: None, or a record with `row`, `probe`, `ours`, `theirs`, `trees`,
        `values`.

    Raises:
        ArgumentError: a library that is not installed, or not the model's own.
        SchemaError: a column that is missing or of a wrong type.
    """
    fleet = Fleet.load({"model": file}, by_position=by_position)
    return _compared(fleet, file, against, data, by_position, seed)


def _compared(
    fleet: Fleet, file: Path, against: str, data: Path, by_position: bool, seed: int
) -> dict[str, Any]:
    """Compare a fleet of one model with what its library makes of a file."""
    library = _library(against)
    about = fleet.models[0]
    if about["library"] != against:
        raise ArgumentError(f"`{file}` is a model of {about['library']}, not of {against}")
    frame = read_frame(data).head(MOST_ROWS)
    if frame.is_empty():
        raise ArgumentError(f"`{data}` holds no records; verification needs some to start from")
    if not about["trees"]:
        raise ArgumentError(f"`{file}` has no trees; verification compares leaves")
    names = [feature["column"] or feature["name"] for feature in about["features"]]
    picked, tries = _probes(fleet, len(frame), seed)
    if against == "catboost":
        own = verify_catboost.columns(frame, about, by_position)
        made = verify_catboost.changed(own, picked, tries)
        whole = [*own.rows(), *made.rows()]
        theirs = verify_catboost.answers(library, file, about, pl.concat([own, made]))
    else:
        rows = _matrix(frame, about, by_position)
        probes, tries = _changed(rows, picked, tries, finite=against == "xgboost")
        made = pl.DataFrame({name: probes[:, place] for place, name in enumerate(names)})
        whole = np.vstack([rows, probes]).tolist()
        theirs = _answers(library, against, file, about, np.vstack([rows, probes]))
    # The records go in as they are, so that the way from their columns is tried too.
    ours = [(fleet.leaves(part)[about["name"]], fleet.predict(part).to_numpy()) for part in (frame, made)]
    leaves, scores = (np.concatenate([part[place] for part in ours]) for place in (0, 1))
    their_scores = theirs[1].reshape(scores.shape).astype(np.float64)
    wrong = leaves != theirs[0].reshape(leaves.shape).astype(np.int64)
    off = _bits(scores) != _bits(their_scores)
    place = _worst(scores, their_scores, wrong, off)
    worst: dict[str, Any] | None = None
    if place is not None:
        probe = None
        if place >= len(frame):
            feature, value = tries[place - len(frame)]
            probe = (about["features"][feature]["name"], value)
        worst = {
            "row": place,
            "probe": probe,
            "ours": scores[place].tolist(),
            "theirs": their_scores[place].tolist(),
            "trees": np.flatnonzero(wrong[place]).tolist(),
            "values": dict(zip(names, whole[place], strict=True)),
        }
    return {
        "worst": worst,
        "model": str(file),
        "library": against,
        "library_version": library.__version__,
        "rows": len(frame),
        "probes": len(made),
        "trees": about["trees"],
        "wrong_leaves": int(wrong.sum()),
        "wrong_scores": int(off.sum()),
    }


def verify_all(
    path: Path, against: str, data: Path, by_position: bool = False, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Compare the models of a file, a folder or a fleet's declarations, one after the other.

    Args:
        path: models; of several those of other libraries are left out. The models of a compiled fleet are
            compared with the files that they were compiled from.
        against, data, by_position, seed: as in `verify`.

    Returns:
        A record for each model, as `verify` gives it.

    Raises:
        ArgumentError: no model of this library; a model that was compiled from a file that is gone, or
            that applies to some records alone.
        As `verify`.
    """
    if is_compiled(path):
        yield from _of_compiled(path, against, data, seed)
        return
    declared_models = declared(path)
    if len(declared_models) == 1:
        yield verify(Path(declared_models[0].file), against, data, by_position, seed)
        return
    _library(against)
    own = _own(path, Fleet.load(path, margin_only=True), against)
    for one in declared_models:
        if one.name in own:
            yield verify(Path(one.file), against, data, by_position, seed)


def _of_compiled(path: Path, against: str, data: Path, seed: int) -> Iterator[dict[str, Any]]:
    """Compare each model of a compiled fleet with the file that it says it was compiled from."""
    _library(against)
    fleet = Fleet.load(path)
    files = {one.name: Path(one.file) for one in fleet._declarations}
    for name in _own(path, fleet, against):
        one = fleet.subset([name])
        if one.models[0]["applies_to"] is not None:
            raise ArgumentError(
                f"model `{name}` of `{path}` applies to some records alone; verify the file that it was "
                f"compiled from, `{files[name]}`"
            )
        if not files[name].is_file():
            raise ArgumentError(
                f"model `{name}` of `{path}` was compiled from `{files[name]}`, which is not there; "
                f"{against} reads model files alone: put it back, or verify it where it is"
            )
        by_position = all(feature["column"] is None for feature in one.models[0]["features"])
        yield {**_compared(one, files[name], against, data, by_position, seed), "model": f"{path}: {name}"}


def _own(path: Path, fleet: Fleet, against: str) -> list[str]:
    """The names of the models of a library; raises where there are none."""
    own = [one["name"] for one in fleet.models if one["library"] == against]
    if not own:
        listed = ", ".join(sorted({one["library"] for one in fleet.models}))
        raise ArgumentError(f"`{path}` has no model of {against}; it has models of {listed}")
    return own


def _library(name: str) -> ModuleType:
    if name not in LIBRARIES:
        raise ArgumentError(f"`--against {name}`: allowed are {', '.join(LIBRARIES)}")
    try:
        return import_module(name)
    except ImportError as error:
        hint = 'install it with `pip install "creditcore[verify]"`'
        raise ArgumentError(f"{name} is not installed; {hint}") from error


def _bits(values: Matrix) -> Matrix:
    return np.ascontiguousarray(values, dtype=np.float64).view(np.int64)


def _worst(ours: Matrix, theirs: Matrix, wrong: Matrix, off: Matrix) -> int | None:
    """The row with the largest difference; a wrong leaf counts where no score differs."""
    bad = wrong.any(axis=1) | off.any(axis=1)
    if not bad.any():
        return None
    apart = np.abs(ours - theirs).max(axis=1)
    return int(np.where(bad, np.nan_to_num(apart, nan=np.inf), -1.0).argmax())


def _matrix(frame: pl.DataFrame, about: dict[str, Any], by_position: bool) -> Matrix:
    """The records as the library takes them: doubles, categories as its own codes."""
    columns = []
    for place, feature in enumerate(about["features"]):
        name = feature["column"] or (frame.columns[place] if by_position else feature["name"])
        if name not in frame.columns:
            # Only a feature that no tree tests may be missing; the fleet names any other.
            columns.append(np.zeros(len(frame)))
            continue
        column = frame[name]
        if column.dtype in (pl.String, pl.Categorical, pl.Enum) and feature["categories"] is not None:
            codes = {text: float(code) for code, text in enumerate(feature["categories"])}
            unseen = float("nan") if about["library"] == "lightgbm" else -1.0
            texts = column.cast(pl.String).to_list()
            values = [float("nan") if text is None else codes.get(text, unseen) for text in texts]
            columns.append(np.array(values))
        else:
            try:
                columns.append(column.cast(pl.Float64).to_numpy())
            except pl.exceptions.PolarsError as error:
                raise SchemaError(f"column `{name}` cannot be read as numbers: {error}") from error
    return np.column_stack(columns)


def _probes(fleet: Fleet, rows: int, seed: int) -> tuple[Matrix, list[tuple[int, float]]]:
    """Which records to change, and how: feature and value, on each cut, a step to either side, odd ones."""
    random = np.random.default_rng(seed)
    tries = [(place, value) for place, values in enumerate(fleet._core.probes(0)) for value in values]
    if fleet.models[0]["library"] == "catboost":
        categories = {place for place, one in enumerate(fleet.models[0]["features"]) if one["categorical"]}
        tries = [one for one in tries if one[0] not in categories]
    if len(tries) > MOST_PROBES:
        tries = [tries[place] for place in np.sort(random.choice(len(tries), MOST_PROBES, replace=False))]
    # A few values are tried on several records each, as one record reaches few nodes.
    tries = tries * max(1, min(PROBES_OF_A_VALUE, MOST_PROBES // max(1, len(tries))))
    return random.integers(0, rows, len(tries)), tries


def _changed(
    rows: Matrix, picked: Matrix, tries: list[tuple[int, float]], finite: bool
) -> tuple[Matrix, list[tuple[int, float]]]:
    """The picked records, each with one number replaced; `finite` leaves out what is no finite f32."""
    probes = rows[picked]
    for row, (place, value) in zip(probes, tries, strict=True):
        row[place] = value
    if not finite:
        return probes, tries
    with np.errstate(over="ignore"):
        kept = np.flatnonzero(~np.isinf(probes.astype(np.float32)).any(axis=1))
    return probes[kept], [tries[place] for place in kept]


def _answers(
    library: ModuleType, against: str, file: Path, about: dict[str, Any], rows: Matrix
) -> tuple[Matrix, Matrix]:
    """The library's leaves and raw outputs."""
    content = file.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if against == "lightgbm":
        # Its notes would go to standard output, where the result goes.
        library.register_logger(logging.getLogger("lightgbm"))
        # Lengths of trees that do not fit (a shortened file) would end the process: it reads without them.
        text = re.sub(r"(?m)^tree_sizes=.*\n", "", content.decode(), count=1)
        booster = library.Booster(model_str=text)
        return booster.predict(rows, pred_leaf=True), booster.predict(rows, raw_score=True)
    booster = library.Booster()
    try:
        booster.load_model(bytearray(content))
    except library.core.XGBoostError as error:
        text = str(error).strip().splitlines()[-1]
        raise ArgumentError(f"xgboost {library.__version__} does not read `{file}`: {text}") from error
    kinds = ["c" if feature["categorical"] else "q" for feature in about["features"]]
    names = booster.feature_names
    data = library.DMatrix(
        rows, feature_names=names, feature_types=booster.feature_types and kinds, enable_categorical=True
    )
    return booster.predict(data, pred_leaf=True), booster.predict(data, output_margin=True)
