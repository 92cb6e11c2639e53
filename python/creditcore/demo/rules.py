"""The demo's policy: its files, its funnel, its backtest.

Comes in: a world's records, scored and decided. Goes out: the folder `policy` with the rules, their tables
and a list of cards that was known when it began to count; a line from applications to decisions; a page.
Outcomes that nobody knows (declined and immature applications) are bounds, never one number.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from creditcore.demo.real_case import Evidence
from creditcore.tactics.backtests import Backtest
from creditcore.tactics.policy import Policy

SOURCE = Path(__file__).parent / "policy"
POLICY = SOURCE / "policy.yaml"
FILES = ("policy.yaml", "burden.csv", "limits.csv")
CARDS = "blocked_cards.txt"
KNOWN_BY = datetime.datetime(2025, 7, 1)
"""The list holds cards of frauds confirmed before this instant, and counts from it on: no rule knows the
future."""
SCORES = ("fraud_p", "pd", "points_model")
ASKED: dict[str, Any] = {
    "label": "outcome",
    "bad": "bad",
    "good": "good",
    "amount": "exposure",
    "period": "event_time",
}


def write_policy(folder: Path, records: Path) -> Path:
    """Write the policy's files.

    Args:
        folder: the demo's; they go to `policy` in it.
        records: with `card` and `fraud_at`.

    Returns:
        The policy's file.
    """
    target = folder / "policy"
    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(SOURCE / name, target / name)
    known = pl.col("fraud_at").dt.replace_time_zone(None) < KNOWN_BY
    cards = pl.scan_parquet(records).filter(known).select("card").unique().sort("card").collect()
    (target / CARDS).write_text("".join(f"{card}\n" for card in cards["card"]), encoding="utf-8")
    return target / "policy.yaml"


def kept_for(policy: Path) -> list[str]:
    """Give the columns of records that the rules name, so that history can be asked again."""
    return [name for name in Policy.load(policy).columns if name not in SCORES]


def backtest(scored: Path, policy: Path) -> Backtest:
    """Run the rules over the scored applications, with what became of them."""
    return Policy.load(policy).backtest(scored, per="quarter", as_of="2026-07-11", **ASKED)


def rules_line(made: Backtest, check: str) -> Evidence:
    """From applications to decisions: hits by tactic (but those of `pass`), the bad rate of each decision."""
    hits: dict[str, int] = {}
    live = [rule for rule in made.rules if rule["mode"] == "live"]
    for rule in live:
        if rule["action"] == "pass":
            continue
        hits[rule["tactic"]] = hits.get(rule["tactic"], 0) + rule["hits"]
    told = ", ".join(f"{tactic} {count:,}" for tactic, count in hits.items())
    decided = "; ".join(_decision(name, made.decisions[name]) for name in ("reject", "review", "pass"))
    return Evidence(
        f"Rules: {made.all['records']:,} applications through {len(live)} live rules in {len(hits)} tactics "
        f"({len(made.rules) - len(live)} more in shadow); hits: {told}. Decided: {decided}. Bad rates are of "
        "the matured among those that the earlier policy accepted; in brackets all others taken for good and "
        "for bad.",
        check,
    )


def _decision(name: str, figures: Mapping[str, Any]) -> str:
    if figures["bad_rate"] is None:
        return f"{name} {figures['records']:,} (no outcome is known)"
    low, high = figures["bad_rate_low"], figures["bad_rate_high"]
    return f"{name} {figures['records']:,}, {figures['bad_rate']:.1%} bad ({low:.1%} to {high:.1%})"


def backtest_check(scored: Path, policy: Path, page: Path) -> str:
    """The command that gives the line and the page again."""
    asked = " ".join(f"--{name} {value}" for name, value in ASKED.items())
    return f"creditcore tactics backtest {policy} {scored} {asked} --per quarter --as-of 2026-07-11 -o {page}"
