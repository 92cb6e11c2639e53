"""What a reader is told before any figure, and what became of every record.

Comes in: an edition. Goes out: pairs of texts in both languages.
"""

from __future__ import annotations

from creditcore.report.edition import Edition
from creditcore.report.figures import count
from creditcore.report.method import what
from creditcore.report.words import CAUSES, Pair, pair, unit_words


def first_screen(edition: Edition) -> list[tuple[Pair, Pair, Pair]]:
    """Say who is in it, what is averaged, by what weight, as of when: head, fact, what is said beside it."""
    plan = edition.plan
    weight = plan["weight"]
    told = pair("weighted_by", weight=weight) if weight else pair("equal_weight")
    people = plan.get("margins", ())
    if people:
        by = [unit_words(name)[0] for name in people]
        named = (", ".join(name[0] for name in by), "、".join(name[1] for name in by))
        told = pair("by_population", by=named)
    whole = ("", "")
    if edition.whole is not None:
        whole = pair("over_nation", mean=edition.figures.mean(edition.whole))
    when = pair("not_stated") if edition.as_of is None else (edition.as_of, edition.as_of)
    return [
        (pair("who"), *_who(edition)),
        (pair("what"), what(plan), whole),
        (pair("weight"), told, _coverage(edition)),
        (pair("when"), when, ("", "")),
    ]


def _coverage(edition: Edition) -> Pair:
    """Say which share of the population the units are, where it is known."""
    nation = edition.tables.get("nation", ())
    share = nation[0].get("coverage") if len(nation) == 1 else None
    return ("", "") if share is None else pair("covered", share=f"{share:.3%}")


def _who(edition: Edition) -> tuple[Pair, Pair]:
    """Say who counts: how many of what kind, and how many records they come from."""
    units, named = edition.plan["units"], counted(edition)
    used = edition.records - sum(edition.excluded.values())
    head = pair("counted", n=count(used), kind=named)
    records = count(edition.records)
    if units is None:
        beside = pair("by_record", records=records)
    elif units["pick"] in ("latest", "first"):
        beside = pair("by_unit", records=records, pick=pair(units["pick"]), time=units["time"])
    else:
        beside = pair("by_join", records=records, pick=pair(units["pick"]))
    if edition.population is not None:
        beside = (f"{edition.population[0]}; {beside[0]}", f"{edition.population[1]}；{beside[1]}")
    return head, beside


def counted(edition: Edition) -> Pair:
    """Name what is counted."""
    units, kind = edition.plan["units"], edition.plan["kind"]
    if kind in ("person", "enterprise", "all"):
        return pair(kind)
    return (kind, kind) if kind else pair("units" if units else "records")


def lede(edition: Edition) -> list[Pair]:
    """Say in a sentence or two who stands first, and how sure that is."""
    if not edition.ranked or edition.ranked[0]["rank_lo"] is None:
        return []
    first = edition.ranked[0]
    units = unit_words(edition.by)[1]
    low, high = count(first["rank_lo"]), count(first["rank_hi"])
    sure = first["rank_lo"] == first["rank_hi"]
    told = [
        pair(
            "lede",
            name=edition.name(first),
            mean=edition.figures.mean(first["mean"]),
            confidence=edition.sure,
            ranked=count(len(edition.ranked)),
            units=units,
            places=pair("surely", low=low) if sure else pair("between", low=low, high=high),
        )
    ]
    tier = sum(1 for row in edition.ranked if row["tier"] == 1)
    if tier > 1:
        told.append(pair("lede_tier", n=count(tier), units=units))
    return told


def account(edition: Edition) -> list[tuple[Pair, str]]:
    """Reconcile: records in = used + left out by cause."""
    left = sorted(edition.excluded.items(), key=lambda item: -item[1])
    used = edition.records - sum(edition.excluded.values())
    rows = [(pair("used"), count(used))]
    rows += [(CAUSES.get(cause, (cause, cause)), count(number)) for cause, number in left]
    return [*rows, (pair("total"), count(edition.records))]
