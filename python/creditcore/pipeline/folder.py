"""What stands in a folder of models beside them: how features, scores and decisions are made.

Comes in: a folder, or the files that a configuration names. Goes out: schema, blend, scaling and policy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from creditcore.errors import ArgumentError, FormatError, SchemaError
from creditcore.features import Schema
from creditcore.fleet.fleet import Fleet
from creditcore.scoring.blend_file import blend_of, read_blend_file
from creditcore.scoring.scores import Blend, Scaling
from creditcore.tactics.policy import Policy

SCHEMA_FILE, BLEND_FILE, POLICY_FILE = "schema.yaml", "blend.toml", "policy.yaml"


class Stages(NamedTuple):
    """What is done before and after the models; None where there is no such stage."""

    schema: Schema | None
    blend: Blend | None
    scaling: Scaling
    policy: Policy | None


def beside(models: Path, name: str) -> Path | None:
    """Give a file of a folder of models, or None."""
    file = models / name
    return file if file.is_file() else None


def read_stages(
    fleet: Fleet,
    schema_file: Path | None,
    blend_file: Path | None,
    policy_file: Path | None,
    models: Path,
    scaling: dict[str, float] | None = None,
) -> Stages:
    """Read the files of the stages around a fleet.

    Raises:
        FormatError, SchemaError, TacticError: what is wrong with a file, with its name.
    """
    told = {} if blend_file is None else read_blend_file(blend_file)
    if scaling and told.get("scaling"):
        raise SchemaError(
            f"`{blend_file}`: `[scaling]` is there, and `[score]` of the configuration says it too; keep one"
        )
    try:
        made = Scaling(**(scaling or told.get("scaling", {})))
        blend = blend_of(fleet, told)
    except (ArgumentError, FormatError, TypeError, AttributeError) as error:
        raise FormatError(f"`{blend_file or models}`: {error}") from error
    if told and blend is None:
        raise FormatError(
            f"`{blend_file}`: there is nothing to blend; declare models of target fraud or default, and of "
            f"status champion or none, in `{models / 'fleet.toml'}`"
        )
    schema = None if schema_file is None else Schema.load(schema_file)
    return Stages(schema, blend, made, None if policy_file is None else Policy.load(policy_file))


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
