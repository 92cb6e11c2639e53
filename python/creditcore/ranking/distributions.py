"""Weighted quantiles and shares by grade, exactly, from the weights of distinct scores.

Comes in: records. Goes out: plain records. Memory: about a kilobyte for each group and distinct score.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from creditcore.errors import ArgumentError
from creditcore.ranking.comparisons import sums_within
from creditcore.sources import Records


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
    for probability in probabilities:
        if not 0 < probability <= 1:
            raise ArgumentError(f"`{probability}` is no probability above 0 and at most 1")
    found = []
    values = sums_within(source, score, by, score, weight, region=region, regions=regions)
    for code in sorted(values):
        ordered = sorted((float(text), sums) for text, sums in values[code].items())
        whole = sum((sums.w for _, sums in ordered), Fraction(0))
        if whole == 0:
            continue
        told: dict[str, Any] = {"code": code, "n": sum(sums.n for _, sums in ordered)}
        for probability in probabilities:
            below, least = Fraction(0), Fraction(str(probability)) * whole
            for value, sums in ordered:
                below += sums.w
                if below >= least:
                    told[str(probability)] = value
                    break
        found.append(told)
    return found


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
    edges = list(grades.values())
    if not grades or "below" in grades or len(set(edges)) < len(edges):
        raise ArgumentError(
            f"`grades` is {dict(grades)}; names with different scores are needed, none of them `below`"
        )
    names = sorted(grades, key=lambda name: -grades[name])
    found = []
    values = sums_within(source, score, by, score, weight, region=region, regions=regions)
    for code in sorted(values):
        parts = dict.fromkeys([*names, "below"], Fraction(0))
        for text, sums in values[code].items():
            parts[next((name for name in names if float(text) >= grades[name]), "below")] += sums.w
        whole = sum(parts.values(), Fraction(0))
        if whole > 0:
            told = {"code": code, "n": sum(sums.n for sums in values[code].values())}
            found.append(told | {name: float(part / whole) for name, part in parts.items()})
    return found
