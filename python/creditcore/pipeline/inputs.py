"""Which columns of records decide what: the inputs of features, models and rules.

Comes in: a fleet, a schema, a policy. Goes out: names of columns, with the roles that they are read in, and
for each model the columns of the records behind it, through derived features too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creditcore.features import Schema
from creditcore.fleet.fleet import Fleet
from creditcore.tactics.policy import Policy

if TYPE_CHECKING:
    from creditcore.pipeline.pipeline import Pipeline


def roles(fleet: Fleet, schema: Schema | None) -> dict[str, str]:
    """The columns that features are made of, with roles: a schema parses text, models take numbers."""
    made = set(schema.names) if schema else set()
    found = dict.fromkeys(schema.sources, "key") if schema else {}
    for feature in fleet.features:
        if feature["column"] not in made:
            found.setdefault(feature["column"], "key" if feature["categorical"] else "number")
    return found


def inputs(
    fleet: Fleet, schema: Schema | None, policy: Policy | None, columns: Sequence[str]
) -> list[tuple[str, str]]:
    """The columns of a source that decide what is made of it, with roles."""
    models = fleet.told
    if any(feature["column"] is None for model in models for feature in model["features"]):
        # A model takes its inputs by position: all columns are its own.
        return [(name, "number") for name in columns]
    found = roles(fleet, schema)
    for model in models:
        words = re.findall(r"\w+", model["applies_to"] or "")
        found |= {name: "key" for name in words if name not in found}
    made = set(schema.names) if schema else set()
    for name, role in policy.roles(columns) if policy else ():
        if name not in made:
            found.setdefault(name, role)
    return [(name, role) for name, role in found.items() if name in columns]


def uses(fleet: Fleet, schema: Schema | None) -> dict[str, list[str]]:
    """Give for each model the columns of records behind its inputs and its `applies_to`, in order."""
    behind = _behind(schema) if schema else {}
    found = {}
    for model in fleet.told:
        tested = [one["column"] or one["name"] for one in model["features"] if one["splits"]]
        if model["applies_to"]:
            tested += columns_of(model["applies_to"])
        found[model["name"]] = _sorted(tested, behind)
    return found


def affected(used: Mapping[str, Collection[str]], changed: Iterable[str]) -> list[str]:
    """Give the names under which one of the columns stands, in their order."""
    names = set(changed)
    return [name for name, columns in used.items() if not names.isdisjoint(columns)]


def columns_of(expression: str) -> list[str]:
    """Give the columns that an expression names.

    Raises:
        TacticError: an expression that cannot be read.
    """
    rule = {"id": "expression", "when": f"({expression}) IS NULL", "action": "flag", "on_null": "no_hit"}
    return Policy({"tactics": [{"id": "expression", "rules": [rule]}]}).columns


def _behind(schema: Schema) -> dict[str, list[str]]:
    """Give for each feature the columns of records that it is made of."""
    features: dict[str, dict[str, Any]] = {one["name"]: one for one in schema.features}
    found: dict[str, list[str]] = {}

    def trace(name: str) -> list[str]:
        if name not in features:
            return [name]
        if name not in found:
            feature = features[name]
            if "derived" in feature:
                parts = [one for part in columns_of(feature["derived"]) for one in trace(part)]
                found[name] = list(dict.fromkeys(parts))
            else:
                found[name] = [feature.get("source", name)]
        return found[name]

    for name in features:
        trace(name)
    return found


def _sorted(columns: Sequence[str], behind: Mapping[str, Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(one for name in columns for one in behind.get(name, [name])))


def record_columns(pipeline: Pipeline) -> dict[str, str]:
    """Give every column of records that scores and decisions go by, with its role."""
    fleet, schema, policy = pipeline.fleet, pipeline.schema, pipeline.policy
    found = roles(fleet, schema)
    made = {*(schema.names if schema else ()), *pipeline.made}
    for model in fleet.told:
        for name in columns_of(model["applies_to"]) if model["applies_to"] else ():
            if name not in made:
                found.setdefault(name, "key")
    for name, role in policy.roles(policy.columns) if policy else ():
        if name not in made:
            found.setdefault(name, role)
    return found
