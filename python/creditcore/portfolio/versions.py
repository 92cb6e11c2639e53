"""What a version of a portfolio is, as the catalog and its callers see it.

Comes in: what a change did. Goes out: an entry of the catalog, a row of the history, a `Refresh`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, tzinfo
from pathlib import Path
from typing import Any

from creditcore.errors import ArgumentError
from creditcore.portfolio.catalog import manifest
from creditcore.times import read_moment


@dataclass(frozen=True)
class Refresh:
    """What a refresh did.

    Attributes:
        version: of the state after it.
        latency: seconds by stage, in their order: `read`, `find` (which rows count, and what they replace),
            `aggregate`, `write` (the segment, on the disk), `commit` (the catalog, on the disk), `apply`,
            `rank`.
        total: seconds from the call to the end of the last stage.
        counts: rows of the delta by what became of them: `inserted`, `updated`, `deleted`, `unchanged` (they
            say what is known), `superseded` (a row of their key has a higher version).
        rescored: records that were scored again because others changed.
        digest: of the state after it.
        as_of: the instant that the state speaks of.
        records: how many there are.
        findings: of the quality gates, as plain records.
        quarantined: rows that the gates put aside.
    """

    version: int
    latency: dict[str, float]
    total: float
    counts: dict[str, int]
    rescored: int
    digest: str
    as_of: str | None = None
    records: int = 0
    findings: Sequence[Mapping[str, Any]] = ()
    quarantined: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {**asdict(self), "changed": self.changed}

    @property
    def changed(self) -> int:
        """Records that were inserted, updated or deleted."""
        return self.counts["inserted"] + self.counts["updated"] + self.counts["deleted"]


def refresh_of(version: int, entry: dict[str, Any], latency: dict[str, float], total: float) -> Refresh:
    """Give what a refresh did, by its entry of the catalog."""
    return Refresh(
        version,
        latency,
        total,
        entry["counts"],
        entry.get("rescored", 0),
        entry["digest"],
        as_of=entry["as_of"],
        records=entry["records"],
        findings=entry.get("findings", ()),
        quarantined=entry.get("quarantine", {}).get("rows", 0),
    )


def new_entry(kind: str, as_of: str | None) -> dict[str, Any]:
    """Give an entry of the catalog that says nothing yet."""
    counts = dict.fromkeys(("inserted", "updated", "deleted", "unchanged", "superseded"), 0)
    return {
        "kind": kind,
        "as_of": as_of,
        "base": False,
        "segments": [],
        "checkpoint": None,
        "counts": counts,
        "records": 0,
        "digest": None,
        "latency": {},
    }


def history_row(entry: dict[str, Any]) -> dict[str, Any]:
    """Give an entry as a row of the history."""
    told = {name: entry[name] for name in ("version", "kind", "as_of", "records")}
    seconds = float(sum(entry["latency"].values()))
    return {**told, **entry["counts"], "digest": entry["digest"], "seconds": seconds}


def next_number(folder: Path) -> int:
    """Give a number that no file of a state has."""
    numbers = [file.stem.split("-")[1:2] for file in folder.glob("*-*")]
    return max((int(number) for [number] in filter(None, numbers) if number.isdigit()), default=0) + 1


def remove_replaced(folder: Path, entry: dict[str, Any], before: list[dict[str, Any]]) -> None:
    """Remove the files that another version stands for now; readers keep those that they opened.

    The version is committed: a file that cannot be removed stays until the next writer begins.
    """
    gone = [name for segment in entry["segments"] for name in segment.get("replaces", ())]
    if entry["checkpoint"] and (old := manifest(before)["checkpoint"]):
        gone += [old[part]["file"] for part in ("index", "sums")]
    for name in gone:
        with suppress(OSError):
            (folder / name).unlink()


def instant(as_of: object, before: str | None, zone: tzinfo) -> str | None:
    """Give an instant as text; that of before where none is given.

    States speak of days: an earlier hour of the same day is that day, and the instant stays as it is.

    Raises:
        ArgumentError: a day before that, or what is neither an instant nor a day.
    """
    if as_of is None:
        return before
    if isinstance(as_of, str):
        as_of = read_moment(as_of, "as_of")
    if not isinstance(as_of, date):
        told = f"`as_of` is {as_of!r}; give a day, an instant, or either as ISO 8601 text"
        raise ArgumentError(told)
    moment = as_of if isinstance(as_of, datetime) else datetime.combine(as_of, time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if before is not None and moment < (known := datetime.fromisoformat(before)):
        if moment.astimezone(zone).date() == known.astimezone(zone).date():
            return before
        told = f"`as_of` is {moment.isoformat()}; the state speaks of {before}, and time goes on only"
        raise ArgumentError(told)
    return moment.isoformat()
