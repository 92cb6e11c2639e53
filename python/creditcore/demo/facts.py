"""What was once published about credit by city, as claims that a ranking meets or not.

Comes in: rankings by city, province, `north_south` and `coast`, as `Ranking.to_polars()` gives them. Goes
out: for each fact, whether it holds and the evidence. A row without a rank (too few units for one) takes no
part.

The facts are those of a list of 2019 by a consumer lender about the applicants of one of its products:
statements about that list, not about the people of a city. The `published` world encodes them; a ranking of
it must give them back. `family_differs` asks whether the members of a family differ by more than chance: in
the `null` world they do not, and the test says so in 95 of 100 worlds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from creditcore.errors import ArgumentError

TOP_CITIES = ("310100", "320500", "330400", "320200", "110100")
TOP_PROVINCES = ("310000", "110000", "330000", "120000", "320000")
JIANGSU, ZHEJIANG, JIAXING = "320000", "330000", "330400"
CITIES_OF_ZHEJIANG = 11
LEAST_UNITS = 100
"""Units that a city needs for a rank in a check of the facts: the `min_n` of its ranking."""
NEEDED = ("city", "province", "north_south", "coast")


class Fact(NamedTuple):
    """A claim and what a ranking says about it."""

    fact: str
    holds: bool
    evidence: str


class FamilyTest(NamedTuple):
    """Whether the members of a family differ: Wald's chi-square of their means."""

    chi_square: float
    degrees: int
    p_value: float


def published_facts(rankings: Mapping[str, pl.DataFrame]) -> list[Fact]:
    """Check the published facts.

    Args:
        rankings: frames by `city`, `province`, `north_south` and `coast`, with the columns `code`, `name`,
            `parent`, `mean` and `rank`; codes are text, a null rank leaves a row out.

    Returns:
        Six facts, in the order in which they were published.

    Raises:
        ArgumentError: one of the four rankings is missing.
    """
    missing = [name for name in NEEDED if name not in rankings]
    if missing:
        raise ArgumentError(f"no ranking by `{missing[0]}`; the facts need {', '.join(NEEDED)}")
    city, province = (_ranked(rankings[name]) for name in ("city", "province"))
    return [
        _order("top five cities in order", city, TOP_CITIES),
        _five_of_jiangsu(city),
        _all_of_zhejiang(city),
        _order("top five provinces in order", province, TOP_PROVINCES),
        _above("south above north", rankings["north_south"], "south", "north"),
        _above("coast above inland", rankings["coast"], "coastal", "inland"),
    ]


def _ranked(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows with a rank, best first."""
    return frame.filter(pl.col("rank").is_not_null()).sort("rank", "code").to_dicts()


def _order(fact: str, rows: list[dict[str, Any]], codes: tuple[str, ...]) -> Fact:
    """Whether the first rows are these, in this order."""
    first = rows[: len(codes)]
    evidence = ", ".join(f"{row['name']} {row['mean']:.1f}" for row in first)
    return Fact(fact, tuple(row["code"] for row in first) == codes, evidence)


def _five_of_jiangsu(rows: list[dict[str, Any]]) -> Fact:
    """Whether five of the first ten cities are in Jiangsu."""
    found = [row["name"] for row in rows[:10] if row["parent"] == JIANGSU]
    return Fact("five of the top ten in Jiangsu", len(found) == 5, f"{len(found)}: {', '.join(found)}")


def _all_of_zhejiang(rows: list[dict[str, Any]]) -> Fact:
    """Whether every city of Zhejiang is among the first fifty, Jiaxing the first of them."""
    places = [(place, row) for place, row in enumerate(rows, 1) if row["parent"] == ZHEJIANG]
    holds = len(places) == CITIES_OF_ZHEJIANG and places[0][1]["code"] == JIAXING and places[-1][0] <= 50
    evidence = ", ".join(f"{row['name']} {place}" for place, row in (places[:1] + places[-1:]))
    return Fact(
        "every city of Zhejiang in the top 50, Jiaxing first of them",
        holds,
        f"{len(places)} of {CITIES_OF_ZHEJIANG} ranked; {evidence}",
    )


def _above(fact: str, frame: pl.DataFrame, upper: str, lower: str) -> Fact:
    """Whether one member of a family has the higher mean."""
    means = {row["code"]: row["mean"] for row in frame.to_dicts()}
    if means.get(upper) is None or means.get(lower) is None:
        return Fact(fact, False, f"`{upper}` or `{lower}` is no row of the ranking")
    difference = means[upper] - means[lower]
    return Fact(fact, difference > 0, f"{means[upper]:.2f} and {means[lower]:.2f}: {difference:+.2f}")


def family_differs(frame: pl.DataFrame) -> FamilyTest:
    """Test whether the members of a family have one mean.

    The members' means are independent (they share no unit), each with its own variance: the statistic is
    sum((mean - centre)^2 / se^2) around the centre weighted by 1/se^2, which follows a chi-square with one
    degree of freedom less than there are members (Wald's test; Cochran, *Problems arising in the analysis of
    a series of similar experiments*, 1937). Rank with `unit=` where people apply more than once: several
    applications of one person are one observation, and an error that counted them as several would be too
    small.

    Args:
        frame: a ranking by a family, with the columns `mean` and `se`; rows with a null or zero `se` take no
        part.

    Raises:
        ArgumentError: fewer than two members are left.

    >>> frame = pl.DataFrame({"mean": [601.0, 599.0], "se": [0.5, 0.5]})
    >>> family_differs(frame).chi_square, round(family_differs(frame).p_value, 6)
    (8.0, 0.004678)
    """
    rows = frame.filter((pl.col("se") > 0) & pl.col("mean").is_not_null()).select("mean", "se").rows()
    if len(rows) < 2:
        raise ArgumentError(
            f"{len(rows)} members with a standard error; a test of a family needs two or more"
        )
    weights = [1.0 / error**2 for _, error in rows]
    centre = sum(weight * mean for weight, (mean, _) in zip(weights, rows, strict=True)) / sum(weights)
    statistic = sum(weight * (mean - centre) ** 2 for weight, (mean, _) in zip(weights, rows, strict=True))
    return FamilyTest(statistic, len(rows) - 1, chi_square_tail(statistic, len(rows) - 1))


def chi_square_tail(statistic: float, degrees: int) -> float:
    """Give the probability that a chi-square exceeds a value.

    By the recurrence of the incomplete gamma function from half a degree, or one, upwards (NIST DLMF 8.8.6).

    >>> round(chi_square_tail(3.841459, 1), 6), round(chi_square_tail(7.814728, 3), 6)
    (0.05, 0.05)
    """
    half = statistic / 2.0
    order, tail = (0.5, math.erfc(math.sqrt(half))) if degrees % 2 else (1.0, math.exp(-half))
    while order < degrees / 2.0 and half > 0.0:
        tail += math.exp(order * math.log(half) - half - math.lgamma(order + 1.0))
        order += 1.0
    return min(tail, 1.0)


def significant_families(rankings: Mapping[str, pl.DataFrame], level: float = 0.05) -> list[str]:
    """Name the families whose members differ, holding the chance of any false finding at `level` (Holm,
    1979).

    Args:
        rankings: frames by family, such as `north_south` and `coast`.
        level: the chance of naming a family in a world where none differs.
    """
    tested = sorted((family_differs(frame).p_value, name) for name, frame in rankings.items())
    found = []
    for place, (p_value, name) in enumerate(tested):
        if p_value > level / (len(tested) - place):
            break
        found.append(name)
    return found
