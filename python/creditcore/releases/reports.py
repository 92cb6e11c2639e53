"""A release as a report: its published rows, what moved since an earlier one and why, history.

Comes in: a release and those before it. Goes out: an `Edition` of plain records. Only what was released
is read, and for the reasons of moves the sums that the releases keep in private.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creditcore import editions
from creditcore import regions as region_tables
from creditcore.releases import moves
from creditcore.releases.releases import Release
from creditcore.report.edition import Edition
from creditcore.report.words import REASONS, Pair


def edition(
    release: Release,
    since: Release | None,
    earlier: Sequence[Release],
    *,
    title: str | Pair | None,
    population: str | Pair | None,
    status: str,
) -> Edition:
    """Gather what a release says.

    Args:
        release: the release.
        since: the one that moves are told against, if any.
        earlier: those of the history, oldest first.
        title: the heading.
        population: who is in it, in words.
        status: `not_official` or `synthetic`.

    Raises:
        ArgumentError: a status that is none.
        StateError: files of a release that are missing or changed.
    """
    from creditcore import __version__

    editions.check_status(status)
    told = release.configuration
    names = list(told["by"])
    rows = release.rows()
    tables: dict[str, list[dict[str, Any]]] = {
        name: [row for row in rows if row["level"] == name] for name in names
    }
    by = names[0]
    regions = told.get("regions", "china")
    known = [] if regions in (None, "none") else region_tables.attributes(regions)
    rules = release.method.get("rules") or {}
    shown = {row["code"] for row in tables[by]}
    counted = release.population
    return Edition(
        by=by,
        plan=_plan(told),
        tables=tables,
        records=counted["records"],
        excluded=counted.get("excluded", {}),
        status=status,
        title=editions.as_pair(title),
        population=editions.as_pair(population),
        as_of=release.as_of,
        confidence=release.method["confidence"],
        min_n=max(told.get("min_n", 1), rules.get("min_ranked", 1)),
        without_data=[
            (one["code"], editions.name_of(one))
            for one in known
            if one.get("level") == by and one["code"] not in shown
        ],
        names={one["code"]: editions.name_of(one) for one in known},
        tiles=editions.tiles_of(known),
        reasons={row["code"]: REASONS[row["suppressed_why"]] for row in tables[by] if row["suppressed"]},
        rules=rules,
        csv=(release.folder / "ranking.csv").read_bytes(),
        csv_name=f"{release.name}.csv",
        version=__version__,
        moves=_moves(since, release, by),
        breaks=[] if since is None else moves.breaks(since, release),
        since=None if since is None else since.as_of,
        history=_history([*earlier, release], by),
    )


def _plan(told: dict[str, Any]) -> dict[str, Any]:
    """Give what the figures mean, as an aggregate's plan tells it."""
    score = told.get("score") or "points_model"
    measure: dict[str, Any] = {"mean": {"score": score}}
    if told.get("ratio"):
        measure = {"ratio": {"numerator": told["ratio"][0], "denominator": told["ratio"][1]}}
    elif told.get("share_above") is not None:
        measure = {"share_above": {"score": score, "cut": told["share_above"]}}
    units = None
    if told.get("unit"):
        pick, time = told.get("pick", "latest"), told.get("time", "event_time")
        units = {"key": told["unit"], "pick": pick, "time": time}
    return {
        "measure": measure,
        "weight": told.get("weight"),
        "units": units,
        "kind": told.get("kind"),
        "by": ["region"] if told.get("regions", "china") != "none" else [],
    }


def _moves(since: Release | None, release: Release, by: str) -> list[dict[str, Any]]:
    """Give the rows that moved, the surest first, each with the parts of its move where they are known."""
    if since is None:
        return []
    found = [row for row in moves.moves(since, release) if row["level"] == by]
    parts = {} if moves.breaks(since, release) else {one.code: one for one in moves.why(since, release, by)}
    for row in found:
        one = parts.get(row["code"])
        for name in ("who", "weights", "scores"):
            row[name] = None if one is None else float(getattr(one, name))
    return sorted(found, key=lambda row: (row["p_holm"] is None, row["p_holm"] or 0.0, row["code"]))


def _history(releases: Sequence[Release], by: str) -> dict[str, list[tuple[str, int | None, float | None]]]:
    """Give for each code the day, the place and the mean of each release that compares with the last."""
    history: dict[str, list[tuple[str, int | None, float | None]]] = {}
    for one in releases:
        if moves.breaks(one, releases[-1]):
            continue
        for row in one.rows():
            if row["level"] == by:
                history.setdefault(row["code"], []).append((one.as_of, row["rank"], row["mean"]))
    return history
