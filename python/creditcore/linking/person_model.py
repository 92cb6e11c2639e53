"""Person models: boosted trees that score people by their surroundings, learned from confirmed rings.

Comes in: a network, labels of its people. Goes out: a `PersonModel`, the text of two rounds of trees (the
second sees the scores of partners), and what was done in words. The core knows no models: scores go back to
it as a column. A model speaks of the data that it was fitted on; a guard on the filter's pass rate sees where
it does not fit (other timing, another population) and falls back to the label-free score.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from creditcore import _core
from creditcore.errors import ArgumentError, FormatError
from creditcore.linking.boosting import predict, train
from creditcore.linking.group_trees import GroupTrees, fit, folds, rings_of, scored_by_others
from creditcore.linking.groups import CUT, LOOSE
from creditcore.linking.labels import known_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from creditcore.linking.network import Network

LEAST_RINGS = 100
"""Confirmed rings from which trees are better than the label-free score."""
LEAST_GOOD = 1_000
NAMED_RINGS = 250
"""Named rings from which trees of groups find more than clustering does."""
GUARD = 3.0
"""The filter may pass this many times more, or fewer, people than where the model was fitted."""
ALIKE, RISKS = "alike_", "scored_"
"""Before the names of what partners' scores say: a score of 1 for everybody, then the first round's."""
HOP = "risk_two_hop"
"""The risk that hangs on partners' own partners."""
GOOD_FOR_EACH = 15
"""Confirmed good people to fit on for each confirmed fraud; each stands for those left out."""


@dataclass(frozen=True)
class PersonModel:
    """Two rounds of boosted trees, as text, and what the guard needs to know."""

    first: str
    second: str
    features: list[str]
    """The columns of people's features; beside them stands, in both rounds, what partners alike say."""
    risks: list[str]
    """What partners' scores say, in the order of the trees; in the second round also those of the first."""
    pass_rate: float
    """The share of people at or above the cut where the model was fitted."""
    rings: int
    """Confirmed rings that it was fitted on."""
    tau: float
    group_trees: GroupTrees | None = None
    """Trees of ties and groups, where rings were named; without them groups are clustered."""

    def to_json(self) -> str:
        """Give the model as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PersonModel:
        """Read the text.

        Raises:
            FormatError: a text of another form.
        """
        try:
            told = json.loads(text)
            trees = told.pop("group_trees", None)
            return cls(**told, group_trees=None if trees is None else GroupTrees(**trees))
        except (AttributeError, TypeError, ValueError) as error:
            raise FormatError(f"not a person model: {error}") from error

    def scores(
        self, detection: _core.Detection, features: pl.DataFrame, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Score every person, from 0 to 1, in the order of keys.

        Raises:
            ArgumentError: a network of other types of identifiers.
        """
        missing = [name for name in self.features if name not in features.columns]
        if missing:
            raise ArgumentError(
                f"the person model needs feature `{missing[0]}`; find groups in a network of the same types"
            )
        plain = _beside_alike(detection, features.select(self.features), self.risks, threads)
        first = predict(self.first, plain.to_numpy(), threads)
        beside = _beside_risks(detection, plain, first, RISKS, self.risks, threads)
        return predict(self.second, beside.to_numpy(), threads)

    def guarded(
        self,
        detection: _core.Detection,
        features: pl.DataFrame,
        cut: float | None,
        *,
        threads: int | None = None,
    ) -> tuple[NDArray[np.float64] | None, float | None, str]:
        """Give scores, cut and a note; no scores where the filter passes many more or fewer than it did."""
        scores = self.scores(detection, features, threads=threads)
        bound = CUT if cut is None else cut
        fits, told = self.judged(float((scores >= bound).mean()))
        return (scores, bound, told) if fits else (None, None, told)

    def judged(self, rate: float) -> tuple[bool, str]:
        """Say whether the model fits records of whom a share passes the filter, and tell it."""
        told = f"{rate:.2%} of people pass the filter, {self.pass_rate:.2%} where it was fitted"
        if not self.pass_rate / GUARD <= rate <= self.pass_rate * GUARD:
            return False, f"label-free score: the person model does not fit these records ({told})"
        return True, f"person model of {self.rings} confirmed rings ({told})"


def _beside_alike(
    detection: _core.Detection, features: pl.DataFrame, names: list[str] | None, threads: int | None
) -> pl.DataFrame:
    """Put beside features what partners alike say: how a person is tied, by type and by days."""
    alike = features.with_columns(score=1.0)["score"].to_numpy()
    return _beside_risks(detection, features, alike, ALIKE, names, threads)


def _beside_risks(
    detection: _core.Detection,
    plain: pl.DataFrame,
    scores: NDArray[np.float64],
    prefix: str,
    names: list[str] | None,
    threads: int | None,
) -> pl.DataFrame:
    from creditcore._frame import to_polars

    risks = to_polars(detection.risks(scores, threads=threads))
    told = risks if names is None else risks.select(names)
    told.columns = [prefix + name for name in told.columns]
    return plain.hstack(told)


def learn(
    network: Network,
    labels: pl.DataFrame,
    tau: float,
    *,
    least_rings: int | None = None,
    threads: int | None = None,
) -> tuple[PersonModel | None, list[str]]:
    """Fit a person model, where the labels suffice.

    Args:
        network: people and links.
        labels: `key` and `label`: 1 for confirmed fraud, 0 for confirmed good, null for unknown. With `ring`,
            the name of a confirmed ring, trees of ties and groups are fitted too. The scores that these see
            are by models of the other half of the rings: who was learned from is scored better than others.
        tau: days in which a tie fades.
        least_rings: confirmed rings that suffice; `LEAST_RINGS` by default.
        threads: of the features one for each processor by default, of the trees one.

    Returns:
        The model, or none with a note that says what is missing.
    """
    from creditcore._frame import to_polars

    detection = _core.Detection.of(network._core, tau, False, threads=threads)
    features = to_polars(detection.features())
    known = known_of(features["key"], labels)
    confirmed = (known == 1).astype("float64")
    _, rings = detection.rings(confirmed, known, 0.5, 4, threads=threads)
    count, good = len(to_polars(rings)), int((known == 0).sum())
    if (lacking := unfit(count, good, least_rings)) is not None:
        return None, [lacking]
    names = [name for name in features.columns if name != "key"]
    plain = _beside_alike(detection, features.select(names), None, threads)
    first, second, risks, scores = _rounds(detection, plain, known, threads)
    rate = float((scores >= CUT).mean())
    model = PersonModel(first, second, names, risks, rate, count, tau)
    ring = rings_of(features["key"], labels, known)
    if ring is None:
        return model, []
    if (named := len(set(ring[ring >= 0].tolist()))) < NAMED_RINGS:
        return model, [f"groups are clustered: labels name {named} rings; trees of groups take {NAMED_RINGS}"]
    fold = folds(detection, features["key"], scores, ring, threads)
    unseen = scored_by_others(lambda some: _rounds(detection, plain, some, threads)[3], known, fold)
    trees = fit(detection, features, unseen, CUT * LOOSE["trees"], ring, fold, threads=threads)
    return replace(model, group_trees=trees), []


def _rounds(
    detection: _core.Detection, plain: pl.DataFrame, known: NDArray[np.int8], threads: int | None
) -> tuple[str, str, list[str], NDArray[np.float64]]:
    """Fit both rounds of trees to those who are known; gives them, what risks they see, everybody's score."""
    rows = plain.to_numpy()
    used, weight = _sample(known)
    first = train(rows[used], known[used], weight, threads)
    beside = _beside_risks(detection, plain, predict(first, rows, threads), RISKS, None, threads)
    risks = [name.removeprefix(RISKS) for name in beside.columns[len(plain.columns) :]]
    rows = beside.to_numpy()
    second = train(rows[used], known[used], weight, threads)
    return first, second, risks, predict(second, rows, threads)


def unfit(rings: int, good: int, least_rings: int | None = None) -> str | None:
    """Say why no model is fitted on so many confirmed rings and good people; None where one is."""
    from importlib.util import find_spec

    least = LEAST_RINGS if least_rings is None else least_rings
    if rings < least or good < LEAST_GOOD:
        told = f"{rings} confirmed rings and {good:,} confirmed good people"
        wanted = f"a person model takes {least} and {LEAST_GOOD:,}"
        return f"label-free score: the labels have {told}; {wanted}"
    if find_spec("lightgbm") is None:
        return "label-free score: lightgbm is not installed (extra `train`)"
    return None


def step_of(good: int, frauds: int) -> int:
    """Give of how many good people one is fitted on."""
    return max(good // (GOOD_FOR_EACH * max(frauds, 1)), 1)


def _sample(known: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give the people to fit on, in the order of keys, and their weights: all frauds, some of the good."""
    chosen = known == 1
    good = (known == 0).nonzero()[0]
    step = step_of(len(good), int(chosen.sum()))
    chosen[good[::step]] = True
    used = chosen.nonzero()[0]
    return used, (known[used] == 0) * (step - 1.0) + 1.0
