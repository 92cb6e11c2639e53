"""Lines of evidence about a scored and ranked world.

Comes in: scored applications, rankings. Goes out: one line for each step of the demo. What is not known yet
(immature and declined applications) is counted, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from creditcore.demo.facts import LEAST_UNITS, family_differs, significant_families
from creditcore.demo.places import units_without_people
from creditcore.demo.real_case import Evidence
from creditcore.ranking.of_records import rank
from creditcore.scoring.metrics import ks

if TYPE_CHECKING:
    from creditcore.ranking.ranking import Ranking

_LABELS = {
    "fraud_p": (pl.col("fraud"), "Fraud", "Confirmed fraud", "f['fraud']"),
    "pd": (
        # A fraud is no credit risk, so its outcome says nothing about a credit model.
        pl.when(pl.col("outcome").is_in(["good", "bad"]) & ~pl.col("fraud").fill_null(False)).then(
            pl.col("outcome") == "bad"
        ),
        "Credit, confirmed frauds left out",
        "Bad within the window",
        "f.select(pl.when(~pl.col('fraud').fill_null(False))"
        ".then(pl.col('outcome').replace_strict({'good': 0, 'bad': 1}, default=None))).to_series()",
    ),
}


def reconciled(ranking: Ranking, check: str) -> Evidence:
    """In = used + left out."""
    used = sum(row["n"] for row in ranking.rows())
    causes = ", ".join(f"{cause} {count:,}" for cause, count in ranking.excluded.items())
    left = sum(ranking.excluded.values())
    return Evidence(
        f"In = used + left out: {ranking.records:,} applications = {used:,} persons by their latest one "
        f"+ {left:,} left out ({causes}).",
        check,
    )


def out_of_time(frame: pl.DataFrame, score: str, scored: Path) -> Evidence:
    """How well a probability tells what happened after its models were made, and whether it means what "
    "it says."""
    label, target, event, outcome = _LABELS[score]
    known = frame.select(score, label=label.cast(pl.Int8)).drop_nulls()
    tenth = (pl.col(score).rank("ordinal") - 1) * 10 // pl.len()
    tenths = known.group_by(tenth=tenth).agg(pl.col(score).mean(), pl.col("label").mean()).sort("tenth")
    said, seen = (" ".join(f"{100 * value:.1f}" for value in tenths[name]) for name in (score, "label"))
    return Evidence(
        f"{target}, out of time: KS {ks(known['label'], known[score]):.3f} over {len(known):,} matured "
        "applications "
        f"({len(frame) - len(known):,} open, declined or otherwise unlabelled are left out). {event} by "
        "tenth, % predicted: "
        f"{said}; "
        f"observed: {seen}.",
        f"python -c \"import creditcore as cc, polars as pl; f = pl.read_parquet('{scored}'); "
        f"print(cc.ks({outcome}, f['{score}']))\"",
    )


def funnel(frame: pl.DataFrame, check: str) -> Evidence:
    """From applications to outcomes."""
    accepted = frame.filter(pl.col("prior_decision") == "accepted")
    outcomes = dict(accepted["outcome"].value_counts().rows())
    matured = sum(count for outcome, count in outcomes.items() if outcome is not None)
    return Evidence(
        f"Funnel: {len(frame):,} applications, {len(accepted):,} accepted by the earlier policy, "
        f"{matured:,} matured: "
        f"{outcomes.get('good', 0):,} good, {outcomes.get('indeterminate', 0):,} indeterminate, "
        f"{outcomes.get('bad', 0):,} bad; {len(accepted) - matured:,} are open.",
        check,
    )


def top(ranking: Ranking, title: str, most: int, check: str, least: int = LEAST_UNITS) -> Evidence:
    """The first rows, with standard errors; in a small country with their numbers, and a warning."""
    rows = [row for row in ranking.rows() if row["rank"] is not None][:most]
    small = least < LEAST_UNITS
    listed = ", ".join(
        f"{row['rank']} {row['name']} {row['mean']:.1f} ± {row['se']:.1f}"
        + (f" (n {row['n']:,})" if small else "")
        for row in rows
    )
    warning = (
        f" This country is too small for a ranking: places of fewer than {LEAST_UNITS} persons are first or "
        "last by chance; take more records."
        if small
        else ""
    )
    return Evidence(
        f"{title} (mean points of persons, each once, ± standard error): {listed}.{warning}", check
    )


def families(ranked: Mapping[str, Ranking], check: str) -> Evidence:
    """The members of each family, and whether they differ by more than chance."""
    frames = {name: ranking.to_polars() for name, ranking in ranked.items()}
    parts = []
    for name, ranking in ranked.items():
        means = ", ".join(f"{row['name']} {row['mean']:.1f} ± {row['se']:.1f}" for row in ranking.rows())
        parts.append(f"{means} (p = {family_differs(frames[name]).p_value:.2g})")
    found = significant_families(frames)
    verdict = f"{', '.join(found)} differ" if found else "none differs by more than chance"
    return Evidence(f"Families: {'; '.join(parts)}: at 5 % (Holm) {verdict}.", check)


def later_bad_rates(frame: pl.DataFrame) -> Ranking:
    """Rank provinces by the bad rate of accepted persons whose outcome is known."""
    known = frame.filter(pl.col("outcome").is_in(["good", "bad"])).with_columns(
        bad=(pl.col("outcome") == "bad").cast(pl.Int8)
    )
    return rank(known, "province", "bad", region="adcode", unit="unit_id", kind="person")


def nobody(frame: pl.DataFrame, check: str) -> Evidence:
    """Units of the region table without a census population have no records."""
    empty = units_without_people()
    found = frame.filter(pl.col("adcode").cast(pl.String).is_in(empty)).height
    return Evidence(
        f"{len(empty)} units of the region table have no census population; {found} records are theirs. "
        "They are "
        "named below a ranking, and are never rows.",
        check,
    )
