"""Policies over history: what each rule would have done, with what became of the records.

Comes in: counts of records by rule and outcome. Goes out: rates with intervals, lifts, gains, swap sets.
Records whose outcome is not known are counted apart; figures that hang on them are bounds, never one
number.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError, SchemaError

if TYPE_CHECKING:
    import polars as pl

DECISIONS = ("pass", "review", "reject")
Z = 1.959963984540054
"""The quantile of the normal distribution for intervals of 95 %."""


def wilson(bad: int, known: int) -> tuple[float | None, float | None]:
    """Give the interval of 95 % for a rate (Wilson 1927); None where nothing is known."""
    if known == 0:
        return None, None
    rate, square = bad / known, Z * Z
    middle = (rate + square / (2 * known)) / (1 + square / known)
    spread = rate * (1 - rate) / known + square / (4 * known * known)
    half = Z * math.sqrt(spread) / (1 + square / known)
    return max(0.0, middle - half), min(1.0, middle + half)


def rates(outcomes: dict[str, Any]) -> dict[str, Any]:
    """Give the figures of some records: counts, the bad rate with its interval, and its bounds.

    `bad_rate` is that of the records whose outcome is known; `bad_rate_low` and `bad_rate_high` take all
    others for good and for bad.
    """
    bad, good, unknown = outcomes["records"]
    known, records = bad + good, bad + good + unknown
    low, high = wilson(bad, known)
    return {
        "records": records,
        "bad": bad,
        "good": good,
        "unknown": unknown,
        "bad_rate": bad / known if known else None,
        "wilson_low": low,
        "wilson_high": high,
        "bad_rate_low": bad / records if records else None,
        "bad_rate_high": (bad + unknown) / records if records else None,
        "amount": sum(outcomes["amounts"]),
        "amount_bad": outcomes["amounts"][0],
        "amount_unknown": outcomes["amounts"][2],
    }


@dataclass(frozen=True)
class Backtest:
    """A policy over history; immutable.

    Attributes:
        policy, against: names of the policies.
        label, amount: the columns that were read.
        all: the figures of all records (see `rates`).
        decisions: the figures by decision.
        rules: a record for each rule in file order.
        swaps: figures by decision of the live policy and of this one; empty without one.
        periods: for each period and rule its share of records and bad rate, with PSI over the periods.
        overlaps: pairs of rules that both hit a record.
        never: ids of rules that hit no record.
    """

    policy: str
    against: str | None
    label: str
    amount: str | None
    all: dict[str, Any]
    decisions: dict[str, dict[str, Any]]
    rules: list[dict[str, Any]]
    swaps: list[dict[str, Any]]
    periods: list[dict[str, Any]]
    overlaps: list[dict[str, Any]]
    never: list[str]
    title: str = field(default="Backtest")

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {name: value for name, value in vars(self).items() if name != "title"}

    def to_polars(self) -> pl.DataFrame:
        """Give the rules as a frame, a row for each in file order."""
        from creditcore._frame import to_frame_of_rows

        return to_frame_of_rows(self.rules)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file by its ending: `.json` has everything, `.parquet`, `.csv` the rules, `.html` a page.

        Raises:
            ArgumentError: another ending.
        """
        target = Path(path)
        if target.suffix == ".json":
            target.write_text(json.dumps(self.to_dict(), ensure_ascii=False) + "\n", encoding="utf-8")
        elif target.suffix == ".parquet":
            self.to_polars().write_parquet(target)
        elif target.suffix == ".csv":
            self.to_polars().write_csv(target)
        elif target.suffix == ".html":
            from creditcore.report.backtest import page

            target.write_text(page(self), encoding="utf-8")
        else:
            raise ArgumentError(
                f"`{target}`: the ending is `{target.suffix}`; it is .json, .parquet, .csv or .html"
            )


def check_asked(
    names: list[str],
    label: str,
    amount: str | None,
    period: str | None,
    per: str | None,
    bad: str | None,
    good: str | None,
) -> None:
    """Refuse what no backtest can be asked: columns that are not there, by what they were given for.

    Raises:
        SchemaError: an unknown column, with the nearest name; ArgumentError: `good` without `bad`, `per`
            without `period`.
    """
    if good is not None and bad is None:
        raise ArgumentError(f"`good` is `{good}`, and `bad` is not given; say which value is bad too")
    if per is not None and period is None:
        raise ArgumentError(f"`per` is `{per}`, and `period` is not given; name the column of days")
    for what, name in (("label", label), ("amount", amount), ("period", period)):
        if name is None or name in names:
            continue
        near = get_close_matches(name, names, 1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; the columns are {', '.join(names[:20])}"
        if what == "period" and "(" in name:
            unit, _, inner = name.rstrip(")").partition("(")
            hint = f'; name the column, and its unit apart: `period="{inner}", per="{unit}"`'
        raise SchemaError(f"`{what}` is `{name}`, which is no column{hint}")


def made(
    told: Any, rules: list[dict[str, Any]], policy: str, against: str | None, label: str, amount: str | None
) -> Backtest:
    """Make a backtest of the counts of the native core."""
    everything = rates(told["all"])
    ids = [rule["id"] for rule in rules]
    records = [_rule(rule, counts, everything) for rule, counts in zip(rules, told["rules"], strict=True)]
    decisions = dict(zip(DECISIONS, map(rates, told["decisions"]), strict=True))
    swaps = [
        {"live": old, "new": new, **rates(cell)}
        for old, row in zip(DECISIONS, told["swaps"], strict=True)
        for new, cell in zip(DECISIONS, row, strict=True)
    ]
    overlaps = [
        {"rule": ids[one], "other": ids[other], "records": shared}
        for (one, other), shared in sorted(told["overlaps"].items())
    ]
    return Backtest(
        policy,
        against,
        label,
        amount,
        everything,
        decisions,
        records,
        swaps if against is not None else [],
        _periods(told, ids),
        overlaps,
        [record["id"] for record in records if record["hits"] == 0],
    )


def _rule(rule: dict[str, Any], counts: Any, everything: dict[str, Any]) -> dict[str, Any]:
    """The figures of a rule."""
    hits, added, only = rates(counts["hits"]), rates(counts["added"]), rates(counts["exclusive"])
    base, rate = everything["bad_rate"], hits["bad_rate"]
    kept = {key: rule[key] for key in ("id", "tactic", "action", "mode")}
    return {
        **kept,
        "hits": hits["records"],
        "hit_rate": hits["records"] / everything["records"] if everything["records"] else None,
        **{key: hits[key] for key in ("bad", "good", "unknown", "bad_rate", "wilson_low", "wilson_high")},
        **{key: hits[key] for key in ("bad_rate_low", "bad_rate_high")},
        "lift": rate / base if rate is not None and base else None,
        "precision": rate,
        "recall": hits["bad"] / everything["bad"] if everything["bad"] else None,
        "exclusive": only["records"],
        "exclusive_bad": only["bad"],
        "added": added["records"],
        "added_bad": added["bad"],
        "added_good": added["good"],
        "added_unknown": added["unknown"],
        "amount_hit": hits["amount"],
        "amount_saved": added["amount_bad"],
        "amount_saved_high": added["amount_bad"] + added["amount_unknown"],
        "in_run": counts["run"],
        "errors": counts["errors"],
    }


def _periods(told: Any, ids: list[str]) -> list[dict[str, Any]]:
    """For each period and rule the share of records that it hits, and how bad they are."""
    texts = told["period_texts"]
    order = sorted(told["periods"], key=lambda place: texts[place])
    records = []
    for rule, counts in zip(ids, told["rules"], strict=True):
        for place in order:
            of_all = sum(told["periods"][place])
            bad, good, unknown = counts["periods"].get(place, [0, 0, 0])
            low, high = wilson(bad, bad + good)
            records.append(
                {
                    "rule": rule,
                    "period": texts[place],
                    "records": of_all,
                    "hits": bad + good + unknown,
                    "hit_rate": (bad + good + unknown) / of_all if of_all else None,
                    "bad_rate": bad / (bad + good) if bad + good else None,
                    "wilson_low": low,
                    "wilson_high": high,
                }
            )
    return records
