"""Plans of networks: what a user declares of keys, identifiers and times, as the core reads it.

Comes in: names, columns, a configuration. Goes out: JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from creditcore.errors import ArgumentError

Identifiers = Mapping[str, Any]
"""By name the column, the columns, or a mapping with `columns` and any of `type`, `role`, `normaliser`."""


def _declared(name: str, told: Any) -> dict[str, Any]:
    """Give the declaration of one sort of identifiers as a plan has it."""
    if isinstance(told, str):
        return {"name": name, "columns": [told]}
    if isinstance(told, Mapping):
        known = {"columns", "type", "role", "normaliser"}
        if strange := sorted(set(told) - known):
            raise ArgumentError(
                f"identifier `{name}` declares `{strange[0]}`; allowed are {', '.join(sorted(known))}"
            )
        columns = told.get("columns", ())
        return {**told, "name": name, "columns": [columns] if isinstance(columns, str) else list(columns)}
    if isinstance(told, Sequence) and all(isinstance(column, str) for column in told):
        return {"name": name, "columns": list(told)}
    raise ArgumentError(f"identifier `{name}` is `{told!r}`; give a column, several, or a mapping")


def make_plan(
    key: str, identifiers: Identifiers, time: str | None = None, config: Mapping[str, Any] | None = None
) -> str:
    """Write the plan of a network as JSON.

    Raises:
        ArgumentError: identifiers that are no mapping of names to columns.
    """
    if not isinstance(identifiers, Mapping):
        raise ArgumentError("`identifiers` is a mapping of names to columns, such as {'device': 'device_id'}")
    declared = [_declared(str(name), told) for name, told in identifiers.items()]
    plan = {"key": key, "time": time, "identifiers": declared, "config": dict(config or {})}
    try:
        return json.dumps(plan)
    except TypeError as error:
        raise ArgumentError(f"the configuration cannot be written as JSON: {error}") from error
