"""`blend.toml`: how the outputs of a folder's models become scores.

Comes in: the file, and a fleet with what is declared of its models. Goes out: what the file says, checked key
by key, and the blend that it makes of the models.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from creditcore.errors import FormatError, SourceError
from creditcore.fleet.fleet import Fleet
from creditcore.scoring.calibration import Calibration
from creditcore.scoring.scores import Blend

# What `blend.toml` may hold.
_TARGETS = {"fraud": "fraud", "credit": "default"}
_SCALING = ("pdo", "base_odds", "base_points", "min_points", "max_points")


def read_blend_file(path: Path) -> dict[str, Any]:
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
    for key, value in told.get("scaling", {}).items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise FormatError(f"`{path}`: `{key}` in `[scaling]` is `{value!r}`; a number is needed")
    return told


def blend_of(fleet: Fleet, told: dict[str, Any]) -> Blend | None:
    """Give the blend of the models whose target is fraud or default; None where there is none of these."""
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
