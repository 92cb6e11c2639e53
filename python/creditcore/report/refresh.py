"""A refresh, a history and an explanation as text.

Comes in: plain records. Goes out: lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]


def refresh_line(told: Record) -> str:
    """Give a refresh in one line: version, rows by what became of them, seconds by stage."""
    counts = ", ".join(f"{name} {count:,}" for name, count in told["counts"].items() if count) or "nothing"
    files = f"{len(told['files'])} files, " if told.get("files") else ""
    aside = f", {told['quarantined']:,} put aside" if told.get("quarantined") else ""
    again = f", {told['rescored']:,} decided again" if told.get("rescored") else ""
    as_of = f" as of {told['as_of']}" if told.get("as_of") else ""
    stages = ", ".join(f"{name} {seconds:.3f}" for name, seconds in told["latency"].items())
    return (
        f"version {told['version']}{as_of}: {files}{counts}{aside}{again}; {told['total']:.3f} s ({stages})"
    )


def event_line(told: Record) -> str:
    """Give what a watch tells in one line."""
    if told["event"] == "refresh":
        return refresh_line(told)
    if told["event"] == "duplicate":
        return f"`{told['file']}`: its content was taken as version {told['version']} already; moved to done/"
    if told["event"] == "rest":
        return f"version {told['version']}: {told['kind']}, while nothing waited; {told['total']:.3f} s"
    return f"`{told['file']}`: moved to failed/: {told['error']}"


def change_text(told: Record) -> str:
    """Give what a new configuration changes, in lines."""
    parts = ", ".join(f"`[{name}]`" for name in told["sections"]) or "nothing"
    lines = [f"changed: {parts}"]
    if told["rescored"]:
        lines.append(f"{told['rescored']:,} records are scored again")
    lines.append(
        f"{told['written']:,} records are written again" if told["written"] else "no record is written"
    )
    if told.get("version") is not None:
        lines.append(f"version {told['version']}; {told['total']:.3f} s")
    return "\n".join(lines)


def explanation_text(told: Record) -> str:
    """Give what is known of one record, in lines."""
    lines = [f"{name}: {value}" for name, value in told["record"].items() if value is not None]
    for rule in told["rules"]:
        truth = {True: "holds", False: "does not hold", None: "is unknown"}[rule["truth"]]
        seen = ", ".join(f"{name} = {value}" for name, value in rule["values"].items())
        lines.append(f"rule {rule['id']} ({rule['action']}): {rule['when']} {truth} ({seen})")
    lines += [f"{reason['feature']}: {reason['points']:+.2f} points" for reason in told["reasons"]]
    return "\n".join(lines)


DECISION_COLUMNS = ("time", "key", "decision", "points_final", "rules", "reasons", "review_reason", "version")
"""What a terminal shows of a logged decision."""


def decision_cells(told: Record) -> list[str]:
    """Give a logged decision as texts, in the order of `DECISION_COLUMNS`."""
    return ["" if told[name] is None else str(told[name]) for name in DECISION_COLUMNS]


_UNMADE = {
    "differs": "differs (logged, again)",
    "changed": "the record was changed since, and what was decided on is no longer kept",
    "erased": "the record is no longer there",
    "unread": "models, rules or configuration are not as they were",
}


def replay_text(told: Record) -> str:
    """Give decisions that were made again in lines: how many came out the same, and each other one."""
    counts = ", ".join(f"{name} {count:,}" for name, count in told["counts"].items() if count) or "none"
    lines = [
        f"{told['sampled']:,} of {told['logged']:,} decisions made again (seed {told['seed']}): {counts}"
    ]
    for row in told["rows"]:
        if row["outcome"] != "same":
            more = f": {row['told']}" if row["told"] else ""
            lines.append(f"key {row['key']}, version {row['version']}: {_UNMADE[row['outcome']]}{more}")
    return "\n".join(lines)


def review_cells(told: Record) -> list[str]:
    """Give a review as texts."""
    return ["" if value is None else str(value) for value in told.values()]


def rates_text(told: Sequence[Record]) -> str:
    """Give the rates of overrides in lines."""
    words = {"low": "more lenient than the rules", "high": "stricter than the rules"}
    return "\n".join(
        f"{words[row['side']]}: {row['overrides']:,} records"
        + (f" ({row['rate']:.2%})" if row["rate"] else "")
        for row in told
    )
