"""Moves between two releases, and why a mean moved.

Comes in: two releases. Goes out: plain records. A move is significant by a stated test; a decomposition adds
up exactly, as fractions, and is refused where it would not give back the released means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from creditcore import regions as region_tables
from creditcore.aggregation import REGION_COLUMNS, Aggregate, aggregate
from creditcore.errors import ArgumentError, SourceError, StateError
from creditcore.ranking.exact import GroupSums, exact_sums
from creditcore.releases.making import tree_sha256
from creditcore.releases.records import released_records
from creditcore.releases.releases import Release

if TYPE_CHECKING:
    import polars as pl

MEANING = ("score", "weight", "margins", "ratio", "share_above", "kind", "unit", "pick")
"""What of a configuration a mean means; another value is a break."""


def breaks(old: Release, new: Release) -> list[str]:
    """Say why the means of two releases cannot be compared; nothing where they can."""
    found = []
    if old.score_version != new.score_version:
        found.append(f"score version {old.score_version} became {new.score_version}")
    for key in MEANING:
        was, now = old.configuration.get(key), new.configuration.get(key)
        if was != now:
            found.append(f"{key} was {was}, is {now}")
    return found


def moves(old: Release, new: Release, level: float = 0.05) -> list[dict[str, Any]]:
    """Compare the rows of two releases.

    Args:
        old: the earlier release.
        new: the later one.
        level: the probability, for all rows of one level together, that any difference of none is called
            significant.

    Returns:
        A record for each row of either: `level`, `code`, `name`, `status` (`both`, `new`, `left`, `hidden`:
        in one of them without figures), `rank`, `prev_rank`, `move` (places gained), `mean`, `prev_mean`,
        `diff`, `diff_se`, `diff_lo`, `diff_hi` (at 1 - `level`, each by itself), `p` (two-sided), `p_holm`
        (adjusted for all rows of the level) and `significant`. After a break (see `breaks`) rows have no
        difference.

    The standard error takes the two means for independent, sqrt(se_old^2 + se_new^2); where most units are in
    both and keep their scores, that is too wide and the test cautious. Adjusted by Holm, *A Simple
    Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics 6 (1979).

    Raises:
        ArgumentError: a level that is none.
        StateError: files of a release that are missing or changed.
    """
    if not 0 < level < 1:
        raise ArgumentError(f"`level` is {level}; it lies between 0 and 1, for example 0.05")
    before = {(row["level"], row["code"]): row for row in old.rows()}
    after = {(row["level"], row["code"]): row for row in new.rows()}
    comparable = not breaks(old, new)
    z = NormalDist().inv_cdf(1 - level / 2)
    keys = [*after, *(key for key in before if key not in after)]
    found = [_move(before.get(key), after.get(key), comparable, z) for key in keys]
    for of_level in {key[0] for key in keys}:
        _adjust([row for row in found if row["level"] == of_level and row["p"] is not None], level)
    return found


def _move(
    was: dict[str, Any] | None, now: dict[str, Any] | None, comparable: bool, z: float
) -> dict[str, Any]:
    row = now or was or {}
    told: dict[str, Any] = {key: row[key] for key in ("level", "code", "name")}
    if was is None or now is None:
        told["status"] = "new" if was is None else "left"
    else:
        told["status"] = "hidden" if was["suppressed"] or now["suppressed"] else "both"
    for key in ("rank", "mean"):
        told[key] = now and now[key]
        told[f"prev_{key}"] = was and was[key]
    ranks = told["rank"], told["prev_rank"]
    told["move"] = ranks[1] - ranks[0] if comparable and None not in ranks else None
    told |= dict.fromkeys(("diff", "diff_se", "diff_lo", "diff_hi", "p", "p_holm", "significant"))
    if comparable and was and now and told["mean"] is not None and told["prev_mean"] is not None:
        diff = told["diff"] = told["mean"] - told["prev_mean"]
        if was["se"] is not None and now["se"] is not None:
            se = told["diff_se"] = math.hypot(was["se"], now["se"])
            told["diff_lo"], told["diff_hi"] = diff - z * se, diff + z * se
            told["p"] = math.erfc(abs(diff) / (se * math.sqrt(2))) if se > 0 else float(diff == 0)
    return told


def _adjust(rows: list[dict[str, Any]], level: float) -> None:
    """Holm: the smallest p times the number of rows, the next times one fewer, never falling."""
    least = 0.0
    for place, row in enumerate(sorted(rows, key=lambda row: row["p"])):
        least = max(least, min(1.0, row["p"] * (len(rows) - place)))
        row["p_holm"] = least
        row["significant"] = least <= level


@dataclass(frozen=True)
class Change:
    """Why a mean moved from `old` to `new`: `who` + `weights` + `scores` == `new` - `old`, exactly."""

    code: str
    old: Fraction
    new: Fraction
    who: Fraction
    """By units that left and units that came (into this group)."""
    weights: Fraction
    """By the weights of the units in both."""
    scores: Fraction
    """By the scores of the units in both."""
    stayed: int
    left: int
    came: int


def why(old: Release, new: Release, by: str = "city") -> list[Change]:
    """Decompose the moves of all groups of one level that both releases show.

    The mean is a function of three things, each as it was or as it is: who is in, the weights and the scores
    of those in both. Each part is what the mean moves by when that thing changes, over all six orders in
    which the three can change, on average (Shapley, *A Value for n-Person Games*, 1953): no order is
    preferred, and the parts add up to the move exactly.

    Args:
        old: the earlier release.
        new: the later one; both made with `unit`.
        by: a level or family of the region table.

    Raises:
        ArgumentError: releases without `unit`, with a ratio, or with units that are means or sums of records;
            releases of two score versions.
        SourceError: an input that is missing or was changed.
        StateError: records that do not give back a released mean.
    """
    reasons = breaks(old, new)
    if reasons:
        raise ArgumentError(f"a move over a break has no parts: {'; '.join(reasons)}")
    if old.configuration.get("unit") is None or old.configuration.get("ratio") is not None:
        raise ArgumentError(
            "a decomposition follows units and their scores: give releases a `unit`, and no `ratio`"
        )
    if old.configuration.get("pick", "latest") not in ("latest", "first"):
        raise ArgumentError("a decomposition needs units that are one record: `pick` latest or first")
    shown = {
        row["code"]
        for row in new.rows()
        if row["level"] == by and not row["suppressed"] and row["mean"] is not None
    }
    shown &= {row["code"] for row in old.rows() if row["level"] == by and row["mean"] is not None}
    if not shown:
        raise ArgumentError(f"no row of `{by}` has a mean in both releases; rank by it in both")
    before, after = (_records(release, by) for release in (old, new))
    parts = _parts(before, after, old.configuration)
    found = []
    for code in sorted(shown):
        change = _shapley(code, {name: sums.get(code, _NONE) for name, sums in parts.items()})
        for release, mean in ((old, change.old), (new, change.new)):
            row = next(row for row in release.rows() if row["level"] == by and row["code"] == code)
            if float(mean) != row["mean"]:
                raise StateError(
                    f"`{release.name}`: the records give `{code}` the mean {float(mean)}, the release says "
                    f"{row['mean']}; they are not the records that were released"
                )
        found.append(change)
    return found


_NONE = GroupSums(0, Fraction(0), Fraction(0))


def _parts(
    before: pl.DataFrame, after: pl.DataFrame, told: dict[str, Any]
) -> dict[str, dict[str, GroupSums]]:
    """Give sums of the units in both, by whose weights and scores, and of those in one."""
    from creditcore.frames.units import joined

    both, left, came = joined(before, after)
    one = {"left": left, "came": came}

    def sums(frame: pl.DataFrame, score: str, weight: str) -> dict[str, GroupSums]:
        if frame.is_empty():
            return {}
        return exact_sums(_sums(frame, score, weight, told.get("share_above")))

    found = {f"{w}{x}": sums(both, f"x{x}", f"w{w}") for w in (0, 1) for x in (0, 1)}
    return found | {name: sums(frame, "x", "w") for name, frame in one.items()}


def _sums(frame: pl.DataFrame, score: str, weight: str, share_above: float | None) -> Aggregate:
    return aggregate(frame, "code", score, weight, regions="none", share_above=share_above)


def _shapley(code: str, parts: dict[str, GroupSums]) -> Change:
    def mean(who: int, weights: int, scores: int) -> Fraction:
        both, one = parts[f"{weights}{scores}"], parts["came" if who else "left"]
        weight = both.w + one.w
        if weight == 0:
            raise ArgumentError(f"`{code}` has no weight in one of the steps; its move has no parts")
        return (both.wx + one.wx) / weight

    values = {(p, v, s): mean(p, v, s) for p in (0, 1) for v in (0, 1) for s in (0, 1)}

    def part(place: int) -> Fraction:
        total = Fraction(0)
        for first in (0, 1):
            for second in (0, 1):
                at, then = [first, second], [first, second]
                at.insert(place, 0)
                then.insert(place, 1)
                share = Fraction(1, 3) if first == second else Fraction(1, 6)
                total += share * (values[then[0], then[1], then[2]] - values[at[0], at[1], at[2]])
        return total

    counts = parts["00"].n, parts["left"].n, parts["came"].n
    return Change(code, values[0, 0, 0], values[1, 1, 1], part(0), part(1), part(2), *counts)


def _records(release: Release, by: str) -> pl.DataFrame:
    """Give one record for each unit and group: `code`, `unit`, `w`, `x`, as the ranking took them."""
    from creditcore._frame import source_parts
    from creditcore.frames.units import unit_rows, with_groups

    told = release.configuration
    for given in release.inputs:
        if given["role"] == "source" and tree_sha256(_path(given["path"])) != given["sha256"]:
            raise SourceError(
                f"`{given['path']}` was changed since release `{release.name}`; put the old file back"
            )
    records = released_records(told, release.as_of)
    opened, options = records.opened(), records.options
    columns = opened.column_names()
    region = options.get("region") or next((name for name in REGION_COLUMNS if name in columns), None)
    table = region_tables.load(told.get("regions", "china"))
    if table is None or region is None or by not in [*table.levels(), *table.families()]:
        raise ArgumentError(f"`{by}` is no level or family of the releases' region table")
    wanted = {"unit": (options["unit"], "key"), "region": (region, "key"), "x": (options["score"], "number")}
    optional = {"w": options.get("weight"), "version": "version" if "version" in columns else None}
    wanted |= {name: (column, "number") for name, column in optional.items() if column}
    wanted["time"] = (options.get("time", "event_time"), "key")
    if options.get("kind") not in (None, "all"):
        wanted["kind"] = ("kind", "key")
    parts = source_parts(opened, list(wanted.values()))
    rows = unit_rows(parts, list(wanted), options.get("kind"), options.get("pick", "latest"))
    return with_groups(rows, table, by)


def _path(text: str) -> Any:
    from pathlib import Path

    path = Path(text)
    if not path.exists():
        raise SourceError(f"`{path}`: the records of a release are missing; put them back")
    return path
