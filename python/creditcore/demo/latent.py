"""What nobody sees: how creditworthy an applicant is, and whether it means to defraud.

Comes in: the planted means, the units behind a block of records, their rings and times. Goes out: true points
and kinds of fraud for each record, and the factors that features are made of. The city acts here and nowhere
else: through the true points, and through them only on the credit factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creditcore.demo.draws import Draws, Floats, Ids

Narrow = NDArray[np.float32]

LASTING_SD, PASSING_SD = 27.0, 9.0
"""Spread of true points between units, and between the applications of one unit."""
POINTS_SD = 28.5
ENTERPRISE_OFFSET = -6.0
YEARLY_DRIFT = -1.5
"""Points that the country loses each year."""
FIRST_YEAR = 2024.0

FRAUD_KINDS = ("identity_theft", "first_party", "takeover", "organised", "sham_enterprise")
OPPORTUNISTS = (0.42, 0.80, 1.0)
"""Running shares of the first three kinds, which act alone."""
FRAUD_RATE = 0.007
PROPENSITY = 0.9
RECRUITED_HONEST = 0.3
"""Recruited members of rings who pay after all."""

CREDIT_FACTORS = {"capacity": 0.72, "willingness": 0.80, "stability": 0.66, "leverage": -0.72}
"""How closely each factor follows the true points: its correlation with them."""
FRAUD_FACTORS = ("device", "tempo", "identity", "flows")
OTHER_FACTORS = ("age", "habit", "size")
FACTORS = (*CREDIT_FACTORS, *FRAUD_FACTORS, *OTHER_FACTORS)

# What each kind of fraud does to the fraud factors, in standard deviations: device, tempo, identity, flows.
FRAUD_SHIFTS = np.array(
    [
        [1.0, 0.6, 2.3, 0.6],
        [0.3, 1.5, 0.3, 1.5],
        [1.9, 1.1, 0.9, 1.3],
        [1.8, 1.2, 1.0, 0.8],
        [0.5, 0.6, 1.6, 1.9],
        [0.0, 0.0, 0.0, 0.0],
    ],
    dtype=np.float32,
)
YEARLY_FACTOR_DRIFT = (0.05, 0.03, 0.0, 0.04)


@dataclass(frozen=True)
class Latent:
    """The hidden state of the records of a block."""

    points: Floats
    """True points: log-odds of being good, on the scale of the scores."""
    fraud: NDArray[np.int8]
    """A position in `FRAUD_KINDS`, -1 for the honest."""
    factors: dict[str, Narrow]
    """Standard normal factors by name, moved by what the applicant is."""


def true_points(draws: Draws, mean: Floats, units: Ids, records: Ids, years: Floats) -> Floats:
    """Give the true points of records whose cities have these planted means."""
    lasting = LASTING_SD * draws.normal("lasting credit", units)
    passing = PASSING_SD * draws.normal("passing credit", records)
    return mean + lasting + passing + YEARLY_DRIFT * (years - FIRST_YEAR)


def fraud_of(
    draws: Draws, units: Ids, ring: NDArray[np.int32], kind: NDArray[np.int8], recruited: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Give each unit's kind of fraud.

    Args:
        draws: of the seed.
        units: the units.
        ring: each unit's ring, -1 for none.
        kind: the kind of that ring (anything where there is none).
        recruited: units that a ring pays; some of them are honest.
    """
    propensity = draws.normal("propensity", units)
    chance = FRAUD_RATE * np.exp(PROPENSITY * propensity - PROPENSITY**2 / 2)
    which = draws.uniform("kind of fraud", units)
    alone = np.searchsorted(OPPORTUNISTS, which, side="right")
    fraud = np.where(draws.uniform("fraud", units) < chance, alone, -1)
    ringed = (ring >= 0) & ~(recruited & (draws.uniform("honest recruit", units) < RECRUITED_HONEST))
    organised = np.where(kind == 4, FRAUD_KINDS.index("sham_enterprise"), FRAUD_KINDS.index("organised"))
    return np.where(ringed, organised, fraud).astype(np.int8)


def factors_of(
    draws: Draws,
    stream: np.random.Generator,
    units: Ids,
    credit: Floats,
    fraud: NDArray[np.int8],
    years: Floats,
) -> dict[str, Narrow]:
    """Give the factors of records.

    Args:
        draws: of the seed.
        stream: the noise of this block.
        units: the unit of each record.
        credit: true points, centred and in standard deviations.
        fraud: each record's kind of fraud, -1 for none.
        years: the time of each record as a year with its fraction.
    """
    count = len(units)
    factors: dict[str, Narrow] = {}
    seen = credit.astype(np.float32)
    for name, pull in CREDIT_FACTORS.items():
        noise = stream.standard_normal(count, dtype=np.float32)
        factors[name] = np.float32(pull) * seen + np.float32((1.0 - pull**2) ** 0.5) * noise
    lean = (0.35 * draws.normal("propensity", units)).astype(np.float32)
    age = (years - FIRST_YEAR).astype(np.float32)
    for place, name in enumerate(FRAUD_FACTORS):
        noise = stream.standard_normal(count, dtype=np.float32)
        drift = np.float32(YEARLY_FACTOR_DRIFT[place]) * age
        factors[name] = FRAUD_SHIFTS[fraud, place] + lean + drift + np.float32(0.9) * noise
    for name in OTHER_FACTORS:
        factors[name] = draws.normal(f"factor {name}", units).astype(np.float32)
    return factors
