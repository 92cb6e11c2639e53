"""The rings of a portfolio: groups of its network that are judged, and their ids from version to version.

Comes in: an open state with a network. Goes out: groups equal to those of all records at once, ids that stay
while a ring changes, and in which ring a record is. Groups are a function of the records; ids and events are
history: they stand in the catalog beside the versions, and no digest hangs on them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.linking.lineage import Event, Lineage
from creditcore.portfolio.line import moment_of
from creditcore.portfolio.moving import Moving

if TYPE_CHECKING:
    from creditcore.linking.groups import Groups

NOTE = "rings"
"""What the catalog calls the lineage of rings."""


class Rings(Moving):
    """The part of `Portfolio` that tells of rings."""

    _grouped: tuple[int, Groups] | None

    def groups(self) -> Groups:
        """Give the groups of the network as of now; `members` and `summary` are the judged rings.

        They equal those of a network of all records that are left. The first call of a version finds them,
        which reads the network as a whole. A writer also notes the lineage of the rings: `ring_history` has
        their ids.

        Raises:
            ArgumentError: the configuration has no `[network]`.
        """
        core, linked, part = self._state(), self._line.linked, self.config.network
        if linked is None or part is None:
            raise ArgumentError("the configuration has no `[network]`; say what links records")
        if self._grouped is None or self._grouped[0] != self.version:
            held = self._held or linked.of_state(core, moment_of(self.as_of))
            found = held.now.find_groups(config=part.group_config)
            self._grouped = (self.version, found)
            if self.writable:
                self._follow(found)
        return self._grouped[1]

    def ring_history(self) -> list[dict[str, Any]]:
        """Give the rings that are there, the newest first.

        Returns:
            Plain records: `id`, which stays while the ring changes and is never used twice; `group_id`,
            `size` and `score` as in `groups().summary`; `since`, the version that it was first seen in;
            `event` and `parents` of the last change (see `creditcore.linking.lineage`). A reader, which keeps
            no history, gives rings that the last writer to ask did not see without `id`.
        """
        summary = {row["group_id"]: row for row in self.groups().summary.to_dicts()}
        told = self._catalog.note(NOTE) or {}
        known = {event["group_id"]: event for event in told.get("events", ()) if event["event"] != "gone"}
        rows = []
        for name, row in summary.items():
            event = known.get(name, {})
            since = told.get("since", {}).get(str(event.get("id")))
            shown = {part: event.get(part) for part in ("id", "event", "parents")}
            rows.append(
                {**shown, "group_id": name, "size": row["size"], "score": row["score"], "since": since}
            )
        return sorted(rows, key=lambda row: (-(row["since"] or 0), -row["score"], str(row["group_id"])))

    def ring_of(self, key: int | str) -> dict[str, Any] | None:
        """Give the judged ring that a record is in, with its `level` there; None where it is in none."""
        members = self.groups().members
        rows = members.filter(members["key"] == key).to_dicts() if len(members) else []
        if not rows:
            return None
        ring = next((one for one in self.ring_history() if one["group_id"] == rows[0]["group_id"]), {})
        return {**ring, **{name: rows[0][name] for name in ("group_id", "level", "score", "reason")}}

    def _follow(self, groups: Groups) -> None:
        """Note which rings there are, and what became of those that were noted before."""
        told = self._catalog.note(NOTE)
        before = None if told is None else _lineage(told)
        if told is not None and told["version"] >= self.version:
            return
        now = groups.lineage(before)
        since = {} if told is None else told["since"]
        made = {
            "version": self.version,
            "members": {str(number): sorted(keys) for number, keys in now.members.items()},
            "events": [event._asdict() for event in now.events],
            "last_id": now.last_id,
            "since": {str(number): since.get(str(number), self.version) for number in now.members},
        }
        self._catalog.put_note(NOTE, json.loads(json.dumps(made)))


def _lineage(told: dict[str, Any]) -> Lineage:
    """Read a lineage that was noted."""
    members = {int(number): frozenset(keys) for number, keys in told["members"].items()}
    events = [
        Event(event["id"], event["event"], tuple(event["parents"]), event["group_id"])
        for event in told["events"]
    ]
    return Lineage(members, events, told["last_id"])
