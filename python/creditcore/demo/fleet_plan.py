"""Which models the demo's fleet has, and what each is trained for.

Comes in: nothing. Goes out: 200 plans of fraud models and three of credit models. No two fraud models are
alike: they differ in the frauds they look for, the applications they are for, the families of features they
see, and in a seed that leaves out a quarter of those features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creditcore.demo.draws import Draws
from creditcore.demo.feature_table import FEATURES
from creditcore.demo.network_columns import NETWORK

FRAUD_TREES, CREDIT_TREES, LEAVES = 40, 120, 31
VERSION = "2024.07"
VALID_FROM = "2024-07-01"
"""The day on which the demo's world begins; nothing that trained the fleet was known later."""

FOCUS: dict[str, tuple[str, ...]] = {
    "any": ("identity_theft", "first_party", "takeover", "organised", "sham_enterprise"),
    "lone": ("identity_theft", "first_party", "takeover"),
    "ring": ("organised", "sham_enterprise"),
    "identity": ("identity_theft", "takeover"),
    "owner": ("first_party", "sham_enterprise"),
}
"""For each focus, the confirmed kinds of fraud that count; other frauds are left out of its training."""
WEIGHTS = {"any": 1.0, "lone": 0.6, "ring": 0.6, "identity": 0.4, "owner": 0.4}
SEGMENTS: dict[str, str | None] = {
    "all": None,
    "person": "kind = 'person'",
    "enterprise": "kind = 'enterprise'",
    "app": "channel = 'app'",
    "web": "channel = 'web'",
}
"""For each segment, the condition where its models apply."""
FRAUD_FAMILIES: tuple[tuple[str, ...], ...] = (
    ("device", "transaction"),
    ("device", "application", "network"),
    ("transaction", "application"),
    ("device", "transaction", "application", "network"),
    ("device", "transaction", "application", "behaviour", "network"),
    ("device", "transaction", "application", "bureau"),
    ("transaction", "application", "bureau", "network"),
    ("device", "transaction", "application", "behaviour", "bureau", "network"),
)
"""`network` is what an application shares with those before it (`network_columns`); `_some_of` leaves out a
quarter of each set."""
KEPT_SHARE = 0.75
CREDIT_FAMILIES: dict[str, tuple[str, ...]] = {
    "bureau": ("bureau", "application"),
    "behaviour": ("bureau", "behaviour"),
    "whole": ("bureau", "behaviour", "application"),
}
FRAUD_FACTORS = {"device", "tempo", "identity", "flows"}


@dataclass(frozen=True)
class Plan:
    """One model to train."""

    name: str
    target: str
    """`fraud` or `default`."""
    focus: str
    segment: str
    features: tuple[str, ...]
    seed: int
    weight: float
    """In its blend."""
    trees: int

    @property
    def applies_to(self) -> str | None:
        """The condition where the model applies; none for every application."""
        return SEGMENTS[self.segment]


def plans() -> list[Plan]:
    """Give the plans of the fleet, fraud models first."""
    made: list[Plan] = []
    for focus in FOCUS:
        for segment in SEGMENTS:
            for families in FRAUD_FAMILIES:
                seed = len(made) + 1
                made.append(
                    Plan(
                        name=f"fraud_{seed:03d}_{focus}_{segment}",
                        target="fraud",
                        focus=focus,
                        segment=segment,
                        features=_some_of(families, segment, seed),
                        seed=seed,
                        weight=WEIGHTS[focus],
                        trees=FRAUD_TREES,
                    )
                )
    for name, families in CREDIT_FAMILIES.items():
        seed = len(made) + 1
        seen = tuple(
            feature.name
            for feature in FEATURES
            if feature.family in families and not FRAUD_FACTORS & set(feature.weights)
        )
        made.append(Plan(f"credit_{name}", "default", "any", "all", seen, seed, 1.0, CREDIT_TREES))
    return made


def _some_of(families: tuple[str, ...], segment: str, seed: int) -> tuple[str, ...]:
    """Three quarters of the features of some families, in the order of their columns.

    What a segment never has (enterprises have no employment) is not among them.
    """
    names = [feature.name for feature in FEATURES if feature.family in families and feature.gap != segment]
    names += NETWORK if "network" in families else ()
    order = np.argsort(Draws(seed).bits("features of a model", np.arange(len(names), dtype=np.int64)))
    return tuple(names[place] for place in sorted(order[: round(KEPT_SHARE * len(names))]))
