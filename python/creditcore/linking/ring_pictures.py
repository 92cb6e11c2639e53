"""Rings with what their members share, for pictures.

Comes in: groups, and the records that they were found in. Goes out: `Ring`s of plain records. Who shares
what is asked
of networks of one type each, with the caps and placeholders that the groups were found with, so that a
picture shows the links that detection saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

from creditcore.linking.network import Network
from creditcore.linking.plan import Identifiers
from creditcore.report.ring_drawing import Shared
from creditcore.report.rings import Ring
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    from creditcore.linking.groups import Groups

MOST_DRAWN = 60
"""Members of a ring that are drawn: the first, by level and score."""
LEVELS = ("seed", "core", "edge", "bystander")


@dataclass(frozen=True)
class Origin:
    """Where groups come from."""

    records: Records
    key: str
    identifiers: Identifiers
    time: str | None


def rings(groups: Groups, origin: Origin, ids: Sequence[Any]) -> list[Ring]:
    """Give rings as they are drawn, in the order of `ids`.

    The records are read once for each type of identifier.
    """
    summaries = {row["group_id"]: row for row in groups.all().to_dicts()}
    members: dict[Any, list[dict[str, Any]]] = {name: [] for name in ids}
    for row in groups.all_members().to_dicts():
        if row["group_id"] in members:
            members[row["group_id"]].append(row)
    for rows in members.values():
        rows.sort(key=lambda row: (LEVELS.index(row["level"]), -row["score"]))
        del rows[MOST_DRAWN:]
    found: dict[Any, list[Shared]] = {name: [] for name in ids}
    for type_name, columns in origin.identifiers.items():
        network = Network.build(
            origin.records, origin.key, {type_name: columns}, config=_settings(groups.config, type_name)
        )
        for name, rows in members.items():
            found[name] += _shared(network, type_name, [row["key"] for row in rows])
    days = _days(origin, {row["key"] for rows in members.values() for row in rows})
    return [
        Ring(summaries[name], members[name], found[name], [days.get(row["key"]) for row in members[name]])
        for name in ids
    ]


def _settings(config: Mapping[str, Any], type_name: str) -> dict[str, Any]:
    """Keep what the configuration says of one type."""
    return {
        part: {type_name: config[part][type_name]}
        for part in ("caps", "placeholders")
        if type_name in config.get(part, {})
    }


def _shared(network: Network, type_name: str, keys: Sequence[Any]) -> list[Shared]:
    """Give the identifiers of a type that members share; of several that the same two share, one."""
    numbers = {key: number for number, key in enumerate(keys)}
    partners = {key: set(network.neighbours(key)["key"].to_list()) & set(keys) for key in keys}
    shown: dict[str, tuple[set[int], int]] = {}
    for one, other in combinations(keys, 2):
        if other not in partners[one]:
            continue
        _, _, identifier, people = network.path(one, other).row(0)
        shown.setdefault(identifier, (set(), people))[0].update((numbers[one], numbers[other]))
    # A hash is drawn from a random key: what is shared decides the order.
    placed = sorted((tuple(sorted(members)), people) for members, people in shown.values())
    return [Shared(type_name, members, people) for members, people in placed]


def _days(origin: Origin, keys: set[Any]) -> dict[Any, int]:
    """Give the day of each key's latest record."""
    from creditcore._frame import source_parts

    if origin.time is None:
        return {}
    days: dict[Any, int] = {}
    wanted = [(origin.key, "key"), (origin.time, "key")]
    for part, _, _ in source_parts(open_source(origin.records), wanted):
        kept = part.filter(part["0"].is_in(list(keys)))
        for key, time in kept.rows():
            day = _day(time)
            if day is not None:
                days[key] = max(day, days.get(key, day))
    return days


def _day(time: Any) -> int | None:
    """Count a time in days; texts are ISO 8601."""
    if isinstance(time, str):
        return datetime.fromisoformat(time).toordinal()
    if isinstance(time, date):
        return time.toordinal()
    return time if isinstance(time, int) else None
