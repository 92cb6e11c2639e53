"""Declarations of models: what a fleet file or a call says of each.

Comes in: `fleet.toml`, a folder, files. Goes out: `Declaration`s, checked: an unknown key, a wrong type or a
name that is there twice is an error that names the file and the key.
"""

from __future__ import annotations

import datetime
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError, FormatError, SourceError
from creditcore.scoring.calibration import Calibration

if TYPE_CHECKING:
    import polars as pl

FLEET_FILE = "fleet.toml"
TARGETS = ("fraud", "default", "other")
STATUSES = ("champion", "challenger", "shadow", "retired")
MODEL_SUFFIXES = (
    *(".txt", ".json", ".model", ".lgb", ".xgb"),
    *(".bst", ".ubj", ".bin", ".pkl", ".pickle", ".joblib", ".onnx", ".pmml", ".cbm"),
)
"""Files of a folder that are taken for models; those of a format that cannot be read are refused by name."""

Paths = Any
"""A folder, a file, several of them, or a mapping of names to files."""


@dataclass(frozen=True)
class Declaration:
    """What is declared of one model; everything but name and file may be left out."""

    name: str
    file: Path
    target: str | None = None
    applies_to: str | None = None
    features: tuple[str, ...] | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calibration: str | Mapping[str, Any] | None = None
    version: str | None = None
    status: str | None = None
    valid_from: datetime.date | None = None
    weight: float | None = None
    by_position: bool = False
    margin_only: bool = False
    best_iteration: bool = False

    def calibration_of(self) -> Calibration:
        """Give the declared calibration: a table, or a TOML file beside the model's.

        Raises:
            SourceError: a file that cannot be read.
            FormatError: what is no calibration.
        """
        told = self.calibration
        if isinstance(told, Mapping):
            return Calibration.from_dict(told)
        path = self.file.parent / str(told)
        try:
            return Calibration.from_toml(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SourceError(f"`{path}`: cannot be read: {error.strerror}") from error


def declared(paths: Paths) -> list[Declaration]:
    """Give the declarations of a folder, a file, a fleet file, a list of these, or a mapping of names to
    files.

    Raises:
        SourceError: nothing is there, or a folder without models.
        FormatError: a fleet file that cannot be read.
        ArgumentError: something that is no path, or two models of one name.
    """
    if isinstance(paths, Mapping):
        found = [Declaration(str(name), Path(file)) for name, file in paths.items()]
    elif isinstance(paths, str | os.PathLike):
        found = _of_path(Path(paths))
    elif isinstance(paths, Sequence):
        found = [declaration for path in paths for declaration in _of_path(Path(path))]
    else:
        kind = type(paths).__name__
        raise ArgumentError(
            f"`paths` is a `{kind}`; give a folder, a file, a list or a dict of names to files"
        )
    if not found:
        raise ArgumentError("`paths` names no model; give at least one")
    for number, declaration in enumerate(found):
        for other in found[:number]:
            if other.name == declaration.name:
                raise ArgumentError(
                    f"two models are called `{declaration.name}`: `{other.file}` and `{declaration.file}`; "
                    "give a dict of names to files"
                )
    return found


def calibrated_by(found: Sequence[Declaration], probabilities: pl.DataFrame) -> pl.DataFrame:
    """Put columns of probabilities through the calibrations that are declared of their models.

    Raises:
        SourceError, FormatError: a declared calibration that cannot be read.
        ArgumentError: a calibration of a model without a column of its name.
    """
    made = {one.name: one.calibration_of() for one in found if one.calibration is not None}
    if absent := [name for name in made if name not in probabilities]:
        raise ArgumentError(
            f"model `{absent[0]}` has a calibration but no column of that name; one is of a single output"
        )
    return probabilities.with_columns(made[name].apply(probabilities[name]).alias(name) for name in made)


def native_text(
    found: Sequence[Declaration],
    names: Mapping[str, Sequence[str]],
    *,
    by_position: bool,
    margin_only: bool,
    best_iteration: bool,
) -> str:
    """Give declarations as the native reader takes them, with what a call says of all or some.

    Raises:
        ArgumentError: names for a model that there is not.
    """
    unknown = sorted(set(names) - {declaration.name for declaration in found})
    if unknown:
        raise ArgumentError(f"`names` are given for `{unknown[0]}`, which is no model of the fleet")
    told = [
        {
            "name": one.name,
            "path": str(one.file),
            "names": names.get(one.name, one.features),
            "mapping": one.mapping,
            "by_position": by_position or one.by_position,
            "margin_only": margin_only or one.margin_only,
            "best_iteration": best_iteration or one.best_iteration,
            "applies_to": one.applies_to,
            "categories": one.categories,
        }
        for one in found
    ]
    return json.dumps(told, default=list)


def _of_path(path: Path) -> list[Declaration]:
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise SourceError(f"`{path}`: there is no such file or folder; check the path")
    if path.suffix == ".toml":
        return read_fleet_file(path)
    return [Declaration(_stem(path), path)]


def _of_folder(folder: Path) -> list[Declaration]:
    if (folder / FLEET_FILE).is_file():
        return read_fleet_file(folder / FLEET_FILE)
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    found = [Declaration(_stem(file), file) for file in files if _bare(file).suffix in MODEL_SUFFIXES]
    if not found:
        raise SourceError(
            f"`{folder}`: the folder holds no model; files that end with {', '.join(MODEL_SUFFIXES[:4])} "
            f"(and .gz behind it) are taken, or those that a `{FLEET_FILE}` names"
        )
    return found


def _bare(file: Path) -> Path:
    """The path without the suffix of compression."""
    return file.with_suffix("") if file.suffix == ".gz" else file


def _stem(file: Path) -> str:
    bare = _bare(file)
    return bare.stem if bare.suffix in MODEL_SUFFIXES else bare.name


def read_fleet_file(path: Path) -> list[Declaration]:
    """Read a fleet file; paths in it are relative to it.

    Raises:
        FormatError: text that is no TOML, an unknown key, a value of a wrong type, a missing name or file.
    """
    try:
        with path.open("rb") as file:
            told = tomllib.load(file)
    except OSError as error:
        raise SourceError(f"`{path}`: the file cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"`{path}`: not TOML: {error}") from error
    unknown = sorted(set(told) - {"model"})
    if unknown:
        raise FormatError(f"`{path}`: unknown key `{unknown[0]}`; allowed is a list of `[[model]]`")
    tables = told.get("model")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise FormatError(f"`{path}`: there is no `[[model]]`; declare at least one")
    return [_declaration(path, number, table) for number, table in enumerate(tables, 1)]


def _declaration(path: Path, number: int, table: dict[str, Any]) -> Declaration:
    name = table.get("name")
    place = f"`{path}`, model {number}" + (f" (`{name}`)" if isinstance(name, str) else "")
    unknown = sorted(set(table) - set(_KINDS))
    if unknown:
        raise FormatError(f"{place}: unknown key `{unknown[0]}`; allowed are {', '.join(_KINDS)}")
    for key, value in table.items():
        what, fits = _KINDS[key]
        if not fits(value):
            raise FormatError(f"{place}: `{key}` is `{value!r}`; {what} is needed")
    if "file" not in table:
        raise FormatError(f"{place}: `file` is missing; name the model's file")
    values = dict(table)
    values["file"] = path.parent / table["file"]
    values.setdefault("name", _stem(values["file"]))
    if "features" in values:
        values["features"] = tuple(values["features"])
    if "categories" in values:
        lists = values["categories"].items()
        values["categories"] = {feature: tuple(texts) for feature, texts in lists}
    return Declaration(**values)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1e-6 <= value <= 1e6


_KINDS: dict[str, tuple[str, Any]] = {
    "name": ("a text", _is_text),
    "file": ("a path", _is_text),
    "target": (f"one of {', '.join(TARGETS)}", TARGETS.__contains__),
    "applies_to": ("a condition as text", _is_text),
    "features": ("a list of column names", _is_texts),
    "mapping": (
        "a table of features and their columns",
        lambda value: isinstance(value, dict) and all(isinstance(text, str) for text in value.values()),
    ),
    "categories": (
        "a table of features and lists of their values, in the order of the codes,",
        lambda value: isinstance(value, dict) and all(_is_texts(texts) for texts in value.values()),
    ),
    "calibration": ("a path or a table", lambda value: _is_text(value) or isinstance(value, dict)),
    "version": ("a text", _is_text),
    "status": (f"one of {', '.join(STATUSES)}", STATUSES.__contains__),
    "valid_from": ("a date", lambda value: isinstance(value, datetime.date)),
    "weight": ("a number from 0.000001 to 1000000", _is_weight),
    "by_position": ("true or false", lambda value: isinstance(value, bool)),
    "margin_only": ("true or false", lambda value: isinstance(value, bool)),
    "best_iteration": ("true or false", lambda value: isinstance(value, bool)),
}
"""What a fleet file may say of a model: what is needed, and whether a value is that."""
