"""Law 6: cities roll up to their province, ties are exact, a constant added to all scores moves no rank."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc
from tests.rounds import rounds

# Three provinces, one of them a single city.
CITIES = ("310100", "320100", "320200", "320500", "330100", "330400")
PARENT = {code: f"{code[:2]}0000" for code in CITIES}

SCORES = st.one_of(
    st.floats(min_value=-1e90, max_value=1e90),
    # Probabilities, tenths and few distinct values, so that means are often close and sometimes equal.
    st.floats(min_value=1e-9, max_value=1.0),
    st.sampled_from([1.0, 1.0 + 2**-52, 1.5, 2.0, 0.1, 0.3, 600.1, -0.0, 5e-324]),
)
WEIGHTS = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.floats(min_value=0, max_value=1e50))
POINTS = st.integers(-(2**30), 2**30).map(lambda points: points / 64)
Row = tuple[str, float, float]


def rows_of(scores: st.SearchStrategy[float]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.tuples(st.sampled_from(CITIES), scores, WEIGHTS), min_size=1, max_size=30)


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"city": pl.String, "x": pl.Float64, "w": pl.Float64}, orient="row")


def means(rows: list[Row], group: dict[str, str]) -> dict[str, Fraction | None]:
    """The exact means, None where the weights are all zero."""
    sums: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for code, x, w in rows:
        sums[group[code]][0] += Fraction(x) * Fraction(w)
        sums[group[code]][1] += Fraction(w)
    return {code: wx / w if w else None for code, (wx, w) in sums.items()}


@given(rows_of(SCORES))
@settings(max_examples=rounds(200), deadline=None)
def test_ranks_are_those_of_the_exact_means(rows: list[Row]) -> None:
    ranked = cc.rank(frame(rows), ["city", "province"], "x", "w")
    for level, group in (("city", {code: code for code in CITIES}), ("province", PARENT)):
        exact = means(rows, group)
        known = [mean for mean in exact.values() if mean is not None]
        expected = {
            code: None if mean is None else 1 + sum(other > mean for other in known)
            for code, mean in exact.items()
        }
        table = ranked[level].to_polars()
        assert dict(table.select("code", "rank").rows()) == expected
        assert dict(table.select("code", "mean").rows()) == {
            code: None if mean is None else float(mean) for code, mean in exact.items()
        }


@given(rows_of(SCORES))
@settings(max_examples=rounds(100), deadline=None)
def test_cities_roll_up_to_their_province_and_nation(rows: list[Row]) -> None:
    ranked = cc.rank(frame(rows), ["city", "province", "nation", "coast"], "x", "w")
    by_parent: dict[str, int] = defaultdict(int)
    for code, n in ranked["city"].to_polars().select("code", "n").rows():
        by_parent[PARENT[code]] += n
    assert dict(ranked["province"].to_polars().select("code", "n").rows()) == by_parent
    whole = [(x, w) for _, x, w in rows]
    weight = sum((Fraction(w) for _, w in whole), Fraction(0))
    for level in ("nation", "coast"):
        table = ranked[level].to_polars()
        assert table["n"].sum() == len(rows)
    nation = ranked["nation"].to_polars().row(0, named=True)
    assert nation["sum_weight"] == float(weight)
    if weight:
        assert nation["mean"] == float(
            sum((Fraction(x) * Fraction(w) for x, w in whole), Fraction(0)) / weight
        )


@given(rows_of(POINTS), st.integers(-(2**20), 2**20))
@settings(max_examples=rounds(100), deadline=None)
def test_a_constant_added_to_all_scores_moves_no_rank(rows: list[Row], constant: int) -> None:
    def ranks(data: list[Row]) -> list[tuple[str, int | None]]:
        return cc.rank(frame(data), "city", "x", "w").to_polars().select("code", "rank").rows()

    assert ranks([(code, x + constant, w) for code, x, w in rows]) == ranks(rows)
