"""What becomes of an application: the earlier policy's decision, the account, and in time an outcome.

Comes in: the latent state of a block of records. Goes out: the columns that a lender has when the data end.
An outcome is there only where the performance window of an accepted application has closed by then; a
declined one has none, ever.

| outcome | means |
|---|---|
| `bad` | 90 or more days past due within the performance window |
| `indeterminate` | 30 to 89 days past due at worst |
| `good` | neither |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from creditcore.demo.draws import Draws, Floats, Ids
from creditcore.demo.latent import FRAUD_KINDS, Latent

PDO, BASE_ODDS, BASE_POINTS = 20.0, 50.0, 600.0
PRODUCTS = ("cash", "card", "instalment", "secured", "business")
WINDOW_DAYS = (365, 365, 182, 365, 365)
TERM_DAYS = (720, 1_460, 365, 1_800, 1_080)
SIZE_OF_LOAN = (9.6, 9.2, 8.3, 12.2, 11.6)
"""Natural logarithm of the usual limit in yuan."""
OUTCOMES = ("bad", "indeterminate", "good")
FRAUD_SOURCES = ("investigation", "chargeback", "victim_report")
PRIOR_PULL, PRIOR_NOISE = 0.55, 20.0
CUT_OFF = 562.0
CUT_OFF_LATER = 566.0
LATER = 0.6
"""Part of the world's time after which the earlier policy's cut-off rose."""
FRAUD_STOP = 2.6
"""Device factor above which the earlier policy declined."""
FOUND_SHARE = 0.85
BAD_AMONG_FRAUD = 0.92
LONGEST_DELAY = 720
DAY = np.int64(86_400_000_000)
"""Microseconds."""

SCHEMA: dict[str, pl.DataType] = {
    "prior_decision": pl.String(),
    "prior_points": pl.Int16(),
    "exposure": pl.Int32(),
    "balance": pl.Int32(),
    "overdue_days": pl.Int16(),
    "performance_days": pl.Int16(),
    "outcome": pl.String(),
    "observed_at": pl.Datetime("us", "Asia/Shanghai"),
    "fraud": pl.Boolean(),
    "fraud_kind": pl.String(),
    "fraud_source": pl.String(),
    "fraud_at": pl.Datetime("us", "Asia/Shanghai"),
}


@dataclass(frozen=True)
class Applied:
    """The records of a block, by what outcomes depend on."""

    records: Ids
    event_time: Ids
    """Microseconds since 1970."""
    progress: Floats
    """Where a record stands in the world's time, from 0 to 1."""
    product: NDArray[np.int8]
    latent: Latent


def default_chance(points: Floats) -> Floats:
    """Give the probability of a bad outcome at points: odds of 50 good to 1 bad at 600, doubling every 20."""
    return 1.0 / (1.0 + BASE_ODDS * np.exp2((points - BASE_POINTS) / PDO))


def columns(draws: Draws, applied: Applied, as_of: int) -> list[pl.Expr]:
    """Give the columns of `SCHEMA`, as expressions of data in memory.

    Args:
        draws: of the seed.
        applied: the records.
        as_of: when the data end, in microseconds since 1970: nothing later is told.
    """
    ids, latent = applied.records, applied.latent
    prior = 580.0 + PRIOR_PULL * (latent.points - 580.0) + PRIOR_NOISE * draws.normal("prior points", ids)
    cut_off = np.where(applied.progress < LATER, CUT_OFF, CUT_OFF_LATER)
    accepted = (prior >= cut_off) & (latent.factors["device"] < FRAUD_STOP)
    cheat = latent.fraud >= 0
    chance = np.where(cheat, BAD_AMONG_FRAUD, default_chance(latent.points))
    luck = draws.uniform("outcome", ids)
    # The share of the narrowly paid falls with the chance of a default.
    outcome = np.where(luck < chance, 0, np.where(luck < chance + np.minimum(0.2, 0.9 * chance), 1, 2))
    window = np.array(WINDOW_DAYS, dtype=np.int64)[applied.product]
    closed = applied.event_time + window * DAY
    mature = accepted & (closed <= as_of)
    known = cheat & accepted & (draws.uniform("found", ids) < FOUND_SHARE)
    found_at = (
        applied.event_time + (draws.uniform("found after", ids) * 150 * DAY).astype(np.int64) + 10 * DAY
    )
    confirmed = known & (found_at <= as_of)
    account = _account(draws, applied, outcome, window, as_of)
    source = draws.below("fraud source", ids, len(FRAUD_SOURCES))
    told = {
        "prior_decision": _text(("declined", "accepted"), accepted.astype(np.uint32)),
        "prior_points": pl.lit(pl.Series(np.round(prior).astype(np.int16))),
        **{name: _when(accepted, pl.Series(values)) for name, values in account.items()},
        "performance_days": pl.lit(pl.Series(window.astype(np.int16))),
        "outcome": _text(OUTCOMES, outcome.astype(np.uint32), mature),
        "observed_at": _when(mature, _time(closed)),
        "fraud": _when(confirmed | mature, pl.Series(confirmed)),
        "fraud_kind": _text(FRAUD_KINDS, np.maximum(latent.fraud, 0).astype(np.uint32), confirmed),
        "fraud_source": _text(FRAUD_SOURCES, source.astype(np.uint32), confirmed),
        "fraud_at": _when(confirmed, _time(found_at)),
    }
    return [column.alias(name) for name, column in told.items()]


def _account(
    draws: Draws, applied: Applied, outcome: NDArray[np.int64], window: Ids, as_of: int
) -> dict[str, NDArray[np.int32] | NDArray[np.int16]]:
    """Exposure, balance and days past due of accounts, as if every application had one."""
    ids = applied.records
    size = np.array(SIZE_OF_LOAN)[applied.product] + 0.35 * applied.latent.factors["capacity"]
    limit = np.exp(size + 0.6 * draws.normal("exposure", ids))
    exposure = np.maximum(np.round(limit / 100.0), 5.0) * 100.0
    age = (as_of - applied.event_time) / DAY
    # When the ninetieth day past due comes, for those who go bad; the worst delay of the others.
    ninetieth = 95.0 + draws.uniform("ninetieth day", ids) * (window - 95.0)
    worst = draws.uniform("worst delay", ids)
    current = age % 30.0
    overdue = np.select(
        [outcome == 0, outcome == 1],
        [
            np.minimum(age - ninetieth + 90.0, LONGEST_DELAY),
            np.where(worst < 0.3, current + 30.0 * worst, 0.0),
        ],
        np.where(worst < 0.02, current, 0.0),
    )
    overdue = np.clip(np.floor(np.minimum(overdue, age)), 0.0, LONGEST_DELAY)
    paid_days = np.where(outcome == 0, np.minimum(age, ninetieth - 90.0), age)
    left = np.clip(1.0 - paid_days / np.array(TERM_DAYS)[applied.product], 0.0, 1.0)
    balance = np.round(exposure * left)
    return {
        "exposure": exposure.astype(np.int32),
        "balance": balance.astype(np.int32),
        "overdue_days": np.where(balance > 0, overdue, 0.0).astype(np.int16),
    }


def _when(mask: NDArray[np.bool_], values: pl.Series) -> pl.Expr:
    """Values where the mask holds, else null."""
    return pl.when(pl.Series(mask)).then(values)


def _text(
    words: tuple[str, ...], codes: NDArray[np.uint32], mask: NDArray[np.bool_] | None = None
) -> pl.Expr:
    """A word for each code, null where the mask does not hold."""
    series = pl.Series(words).gather(codes)
    return pl.lit(series) if mask is None else _when(mask, series)


def _time(instants: Ids) -> pl.Series:
    """Microseconds since 1970 as times of day in China."""
    return pl.Series(instants).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone("Asia/Shanghai")
