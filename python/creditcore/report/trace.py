"""The trace of a record as a table.

Comes in: what `Policy.trace` gives. Goes out: titles and texts, a line for each rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

TITLES = ["rule", "condition", "action", "says", "values", "errors"]
_TRUTHS = {True: "true", False: "false", None: "unknown"}


def trace_table(trace: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Give a line for each rule; `says` is its condition's truth, and whether it hits."""
    return TITLES, [
        [
            one["id"],
            one["when"],
            one["action"] if one["mode"] == "live" else f"{one['action']}, {one['mode']}",
            _TRUTHS[one["truth"]] + (", hits" if one["hit"] else ""),
            ", ".join(
                f"{name} = {'null' if value is None else value}" for name, value in one["values"].items()
            ),
            "; ".join(one["errors"]),
        ]
        for one in trace
    ]
