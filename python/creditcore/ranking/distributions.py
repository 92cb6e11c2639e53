"""Weighted quantiles and shares by grade, exactly, from the weights of distinct scores.

Comes in: records. Goes out: plain records. Memory: the columns that are used, and about 200 bytes for each
group and distinct score.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.ranking.comparisons import cells_of
from creditcore.sources import Records

if TYPE_CHECKING:
    from creditcore.frames.within import Within


def quantiles(
    source: Records,
    probabilities: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9),
    by: str = "city",
    score: str = "points_model",
    weight: str | None = None,
    *,
    region: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
) -> list[dict[str, Any]]:
    """Give weighted quantiles: the least score up to which lies at least that share of the weight.

    It is the inverse of the weighted distribution function (Hyndman and Fan, *American Statistician* 50,
    1996, definition 1, with weights); sums of weights are exact, so no rounding decides between two scores.

    Args:
        source: paths of records, or a frame; each record is a unit.
        probabilities: shares above 0 and at most 1, as they are written: 0.1 is a tenth.
        by: a level or family of the region table, or a column.
        score: the column of scores.
        weight: the column of weights.
        region: the column of regions.
        regions: the region table.

    Returns:
        For each group with weight `code`, `n` and a score for each probability, by its text (`0.5`).

    Raises:
        ArgumentError: a probability that is none, or an unknown `by`.
    """
    check_probabilities(probabilities)
    cells = cells_of(source, None, by, score, weight, region=region, regions=regions)
    return [
        {"code": code, "n": sum(of.n), **quantiles_of(of, probabilities)}
        for code, of in cells.by().items()
        if sum(of.w) > 0
    ]


def check_probabilities(probabilities: Sequence[float]) -> None:
    """Refuse what is no probability.

    Raises:
        ArgumentError: a number that is not above 0 and at most 1.
    """
    for probability in probabilities:
        if not 0 < probability <= 1:
            raise ArgumentError(f"`{probability}` is no probability above 0 and at most 1")


def quantiles_of(of: Within, probabilities: Sequence[float]) -> dict[str, float]:
    """Give the quantiles of sums by score, which have weight, by the texts of their probabilities."""
    scores, weights = _ordered(of)
    # The least place whose cumulative weight is that share or more, compared as fractions.
    places = {str(p): bisect_left(weights, Fraction(str(p)) * weights[-1]) for p in probabilities}
    return {text: scores[place] for text, place in places.items()}


def _ordered(of: Within) -> tuple[list[float], list[int]]:
    """Give the distinct scores of a group, rising, and the weight of all up to each."""
    ordered = sorted(zip(of.keys, of.w, strict=True))
    return [score for score, _ in ordered], list(accumulate(weight for _, weight in ordered))


def grade_shares(
    source: Records,
    grades: Mapping[str, float],
    by: str = "city",
    score: str = "points_model",
    weight: str | None = None,
    *,
    region: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
) -> list[dict[str, Any]]:
    """Give the weighted share of each grade.

    Args:
        source: paths of records, or a frame; each record is a unit.
        grades: names with the score from which each counts, for one kind and score version:
            `{"excellent": 700, "good": 650}`. Scores below all are `below`. The
            table belongs beside every figure made with it.
        by: a level or family of the region table, or a column.
        score: the column of scores.
        weight: the column of weights.
        region: the column of regions.
        regions: the region table.

    Returns:
        For each group with weight `code`, `n` and the share of every grade, the nearest doubles of fractions
        that add up to 1.

    Raises:
        ArgumentError: a table that is none, or an unknown `by`.
    """
    check_grades(grades)
    cells = cells_of(source, None, by, score, weight, region=region, regions=regions)
    return [
        {"code": code, "n": sum(of.n), **shares_of(of, grades)}
        for code, of in cells.by().items()
        if sum(of.w) > 0
    ]


def check_grades(grades: Mapping[str, float]) -> None:
    """Refuse what is no table of grades.

    Raises:
        ArgumentError: no grade, two of one score, one called `below`, or a score that is no finite number.
    """
    edges = list(grades.values())
    named = bool(grades) and "below" not in grades and len(set(edges)) == len(edges)
    if not named or not all(map(isfinite, edges)):
        raise ArgumentError(
            f"`grades` is {dict(grades)}; names with different scores are needed, none of them `below`"
        )


def grades_in_order(grades: Mapping[str, float]) -> list[str]:
    """Give the names of grades, the highest first, and then `below`."""
    return [*sorted(grades, key=lambda name: -grades[name]), "below"]


def shares_of(of: Within, grades: Mapping[str, float]) -> dict[str, float]:
    """Give the share of each grade in sums by score, which have weight; nothing without grades."""
    if not grades:
        return {}
    scores, weights = _ordered(of)
    whole, names = weights[-1], grades_in_order(grades)
    # The weight below each grade; what is between two of them is the lower one's.
    below = [([0, *weights])[bisect_left(scores, grades[name])] for name in names[:-1]]
    parts = [above - under for above, under in zip([whole, *below], [*below, 0], strict=True)]
    return {name: part / whole for name, part in zip(names, parts, strict=True)}
