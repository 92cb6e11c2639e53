"""Blocklists: identifiers that are known as bad, and who shows them.

Comes in: values by type. Goes out: for each person of a network how many of them it shows. Values are
brought to their normal form and hashed as the network's own; the list is kept nowhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import ArgumentError
from creditcore.hash_keys import hash_key
from creditcore.sources import open_source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Blocklist = Mapping[str, Sequence[str | int]]
"""By type the values that are known as bad."""


def listed(
    network: _core.Network,
    detection: _core.Detection,
    blocklist: Blocklist,
    key_file: str | os.PathLike[str] | None = None,
) -> NDArray[np.uint32]:
    """Give for each person, in the order of keys, how many listed identifiers it shows.

    Raises:
        ArgumentError: a type that the network does not have, values that are no texts or integers, or another
            hash key than the network's.
    """
    from creditcore._frame import to_polars

    plan: dict[str, Any] = json.loads(network.plan())
    types = list(plan["config"]["strengths"])
    columns: dict[str, list[str | None]] = {"key": [], **{name: [] for name in types}}
    for name, values in _checked(blocklist, types):
        for value in values:
            for column in types:
                columns[column].append(value if column == name else None)
    columns["key"] = [str(number) for number in range(len(columns[types[0]]))]
    forms = {told.get("type") or told["name"]: told.get("normaliser") for told in plan["identifiers"]}
    identifiers = [
        {"name": name, "columns": [name], "type": name, "role": "own", "normaliser": forms.get(name)}
        for name in types
    ]
    made = json.dumps({"key": "key", "time": None, "identifiers": identifiers, "config": {}})
    known = _core.Network.build(open_source(columns), made, hash_key(key_file), threads=1)
    counts: NDArray[np.uint32] = to_polars(detection.listed(known)).to_series().to_numpy()
    return counts


def _checked(blocklist: Blocklist, types: Sequence[str]) -> list[tuple[str, list[str]]]:
    if not isinstance(blocklist, Mapping):
        raise ArgumentError("`blocklist` is a mapping of types to values, such as {'device': ['D-77']}")
    found = []
    for name, values in blocklist.items():
        if name not in types:
            raise ArgumentError(f"`blocklist` has type `{name}`; the network has {', '.join(types)}")
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise ArgumentError(f"`blocklist` of type `{name}` is `{values!r}`; give a list of values")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise ArgumentError(f"`blocklist` of type `{name}` holds `{value!r}`; give texts or integers")
        found.append((name, [str(value) for value in values]))
    return found
