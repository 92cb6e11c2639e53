"""Clusters, families, variances and populations against formulas, simulation and other systems."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.ranking.comparisons import (
    clustered,
    compare,
    family_test,
    poststratified,
    variance_parts,
)

WORKED = pl.DataFrame(
    {
        "group": ["g"] * 8,
        "person": ["a", "a", "a", "b", "b", "c", "d", "d"],
        "x": [610.0, 620.0, 605.0, 650.0, 640.0, 590.0, 700.0, 680.0],
        "w": [1.0, 2.0, 1.0, 3.0, 1.0, 2.0, 1.0, 1.0],
    }
)


def test_clusters_follow_the_formula_of_survey() -> None:
    row = clustered(WORKED, "person", "group", "x", "w", regions="none")[0]
    # svydesign(ids = ~person, weights = ~w): m = 7605/12; z by cluster; 4/3 sum z^2 / 12^2.
    m = Fraction(7605, 12)
    z = [2455 - 4 * m, 2590 - 4 * m, 1180 - 2 * m, 1380 - 2 * m]
    variance = Fraction(4, 3) * sum(value**2 for value in z) / 144
    assert (row["n"], row["clusters"]) == (8, 4)
    assert row["mean"] == float(m)
    assert row["se"] == pytest.approx(float(variance) ** 0.5, rel=1e-15)
    assert z == [-80, 55, Fraction(-175, 2), Fraction(225, 2)]
    assert row["mean"] == 633.75
    assert row["se"] == pytest.approx((39650 / 144) ** 0.5, rel=1e-15)


def test_clusters_of_one_record_are_no_clusters() -> None:
    frame = WORKED.with_columns(person=pl.int_range(pl.len()))
    row = clustered(frame, "person", "group", "x", "w", regions="none")[0]
    plain = cc.rank(frame, "group", "x", "w", regions="none").rows()[0]
    assert row["se"] == pytest.approx(plain["se"], rel=1e-14)


def test_clusters_agree_with_a_bootstrap_within_two_percent() -> None:
    random = np.random.default_rng(5)
    persons = 600
    size = random.integers(1, 6, persons)
    person = np.repeat(np.arange(persons), size)
    x = random.normal(600, 30, persons)[person] + random.normal(0, 15, len(person))
    w = random.integers(1, 4, len(person)).astype(float)
    frame = pl.DataFrame({"city": ["330400"] * len(person), "person": person, "x": x, "w": w})
    row = clustered(frame, "person", "city", "x", "w")[0]
    of_w, of_wx = np.bincount(person, w), np.bincount(person, w * x)
    draws = random.integers(0, persons, (20_000, persons))
    means = of_wx[draws].sum(axis=1) / of_w[draws].sum(axis=1)
    assert row["se"] == pytest.approx(means.std(ddof=1), rel=0.02)
    assert row["se"] > 1.3 * cc.rank(frame, "city", "x", "w").rows()[0]["se"], "records of a person are alike"


def test_clusters_by_region_leave_out_what_has_none(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "city": ["330400", "Jiaxing", None, "330100"],
            "who": ["a", "b", "c", None],
            "x": [1.0, 2.0, 3.0, 4.0],
        }
    )
    path = tmp_path / "records.csv"
    frame.write_csv(path)
    for source in (frame, str(path)):
        (row,) = clustered(source, "who", "province", "x")
        assert (row["code"], row["n"], row["mean"], row["se"]) == ("330000", 2, 1.5, 0.5)
    with pytest.raises(cc.ArgumentError, match="`by` is `town`"):
        clustered(frame, "who", "town", "x")


def test_pairs_are_compared_and_families_tested() -> None:
    rows = [{"code": "a", "mean": 10.0, "se": 3.0}, {"code": "b", "mean": 5.0, "se": 4.0}]
    (pair,) = compare(rows)
    assert (pair["diff"], pair["se"]) == (5.0, 5.0)
    assert pair["p"] == pytest.approx(0.3173105078629141, rel=1e-12)
    found = family_test(rows)
    assert found["chi2"] == pytest.approx(1.0)
    assert found["p"] == pytest.approx(pair["p"], rel=1e-12), "of two it is the test of their difference"
    assert family_test(rows[:1])["p"] is None


@pytest.mark.parity
def test_the_tail_of_chi_squared_is_scipys() -> None:
    from scipy.stats import chi2

    from creditcore.ranking.comparisons import chi2_above

    for degrees in range(1, 40):
        for value in (0.01, 0.5, 1.0, 3.0, 10.0, 40.0, 90.0):
            assert chi2_above(value, degrees) == pytest.approx(chi2.sf(value, degrees), rel=1e-11)


def test_null_worlds_have_a_significant_family_as_rarely_as_promised() -> None:
    cities = ["110100", "120100", "310100", "320500", "420100", "500100", "510100", "610100", "210100"]
    significant = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        frame = {"city": random.choice(cities, 3000), "x": random.normal(600, 40, 3000)}
        p = family_test(cc.rank(frame, "nbs_region", "x").rows())["p"]
        significant += p < 0.05
    assert 0.02 <= significant / 400 <= 0.08


def test_variances_between_and_within_add_up_exactly() -> None:
    random = np.random.default_rng(9)
    city = random.choice(["320100", "320200", "330100", "330400"], 500)
    x = np.round(random.normal(600, 40, 500)) + (city == "330400") * 25
    w = random.integers(1, 5, 500)
    sums = cc.aggregate({"city": city, "x": x, "w": w}, ["city", "province", "belts"], "x", "w")
    for by, cut in (("city", 6), ("province", 2)):
        parts = variance_parts(sums, by)
        assert parts["total"] == parts["between"] + parts["within"]
        mean = np.average(x, weights=w)
        group = np.array([code[:cut] for code in city])
        within = (
            sum(
                w[group == code].sum()
                * np.average(
                    (x[group == code] - np.average(x[group == code], weights=w[group == code])) ** 2,
                    weights=w[group == code],
                )
                for code in np.unique(group)
            )
            / w.sum()
        )
        assert float(parts["within"]) == pytest.approx(within, rel=1e-12)
        assert float(parts["total"]) == pytest.approx(np.average((x - mean) ** 2, weights=w), rel=1e-12)
    with pytest.raises(cc.ArgumentError, match="`belts` overlaps"):
        variance_parts(sums, "belts")


def test_populations_weigh_cities() -> None:
    frame = {"city": ["320100"] * 30 + ["320200"] * 10, "x": [600.0] * 30 + [640.0] * 10}
    sums = cc.aggregate(frame, ["city", "province"], "x")
    (row,) = poststratified(sums, {"320100": 1000, "320200": 3000})
    assert (row["mean"], row["mean_post"]) == (610.0, 630.0)
    assert (row["population"], row["coverage"]) == (4000, 0.01)
    with pytest.raises(cc.ArgumentError, match="does not cover the records: no population for `320200`"):
        poststratified(sums, {"320100": 1000})


def wild(seed: int) -> pl.DataFrame:
    """Numbers of very different sizes, which cancel."""
    random = np.random.default_rng(seed)
    n = 400
    x = np.concatenate([random.normal(0, 1e12, n), random.normal(0, 1e-9, n), [1e15, -1e15, 5e-324, 0.0]])
    return pl.DataFrame(
        {
            "g": random.choice(["a", "b"], len(x)),
            "c": random.integers(0, 40, len(x)),
            "x": x,
            "w": random.lognormal(0, 3, len(x)),
        }
    )


def test_sums_by_cluster_are_exact_in_any_order() -> None:
    frame = wild(1)
    rows = clustered(frame, "c", "g", "x", "w", regions="none")
    for seed in range(3):
        shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
        assert clustered(shuffled, "c", "g", "x", "w", regions="none") == rows
    for row in rows:
        part = frame.filter(pl.col("g") == row["code"])
        pairs = [(c, Fraction(x), Fraction(w)) for c, x, w in part.select("c", "x", "w").iter_rows()]
        weight = sum(w for _, _, w in pairs)
        mean = sum(w * x for _, x, w in pairs) / weight
        assert row["mean"] == float(mean)
        z = {c: sum(w * (x - mean) for k, x, w in pairs if k == c) for c, _, _ in pairs}
        variance = Fraction(len(z), len(z) - 1) * sum(value**2 for value in z.values()) / weight**2
        assert row["se"] == pytest.approx(float(variance) ** 0.5, rel=1e-15)


def test_decimals_are_summed_as_they_are_written() -> None:
    frame = pl.DataFrame({"g": ["a"] * 3, "c": ["1", "2", "3"], "x": ["0.1", "0.2", "0.4"]}).with_columns(
        pl.col("x").cast(pl.Decimal(10, 1))
    )
    (row,) = clustered(frame, "c", "g", "x", regions="none")
    assert row["mean"] == float(Fraction(7, 30))
    assert row["se"] == pytest.approx(float(Fraction(7, 900)) ** 0.5, rel=1e-15)


def test_a_ranking_goes_by_clusters_in_all_that_is_sure() -> None:
    random = np.random.default_rng(8)
    persons, n = 900, 4000
    person = random.integers(0, persons, n)
    city = np.array(["320100", "320200", "330400"])[person % 3]
    x = random.normal(600, 40, persons)[person] + random.normal(0, 5, n)
    frame = pl.DataFrame({"city": city, "person": person, "x": x, "w": random.integers(1, 5, n)})
    plain = cc.rank(frame, ["city", "province"], "x", "w")
    found = cc.rank(frame, ["city", "province"], "x", "w", cluster="person")
    for by in ("city", "province"):
        expected = {row["code"]: row for row in clustered(frame, "person", by, "x", "w")}
        for row, before in zip(found[by].rows(), plain[by].rows(), strict=True):
            assert row["se"] == pytest.approx(expected[row["code"]]["se"], rel=1e-12)
            assert row["mean"] == before["mean"] == expected[row["code"]]["mean"]
            assert row["ci_hi"] == pytest.approx(row["mean"] + 1.959963984540054 * row["se"], rel=1e-12)
            assert row["se"] > 1.5 * before["se"]
        assert "standard errors by person" in found[by].heading
    wider = found["city"].at(0.999)
    assert wider.rows()[0]["ci_hi"] > found["city"].rows()[0]["ci_hi"]
    # Units of several records: the latest of each counts, whose city it is.
    timed = frame.with_columns(event_time=pl.int_range(pl.len()), loan=pl.int_range(pl.len()) // 2)
    units = cc.rank(timed, "city", "x", unit="loan", cluster="person")
    last = timed.filter(pl.col("event_time") % 2 == 1)
    expected = {row["code"]: row["se"] for row in clustered(last, "person", "city", "x")}
    assert {row["code"]: pytest.approx(row["se"], rel=1e-12) for row in units.rows()} == expected
    with pytest.raises(cc.SchemaError, match="`cluster` is `household`"):
        cc.rank(frame, "city", "x", cluster="household")
    holes = frame.with_columns(person=pl.when(pl.int_range(pl.len()) > 4).then(pl.col("person")))
    with pytest.raises(cc.SchemaError, match="column `person`: 5 units that are ranked have no cluster"):
        cc.rank(holes, "city", "x", cluster="person")


def test_shares_and_ratios_have_errors_by_cluster() -> None:
    random = np.random.default_rng(4)
    frame = pl.DataFrame(
        {
            "g": ["a"] * 300,
            "p": random.integers(0, 60, 300),
            "bad": random.integers(0, 3, 300).astype(float),
            "book": random.integers(1, 9, 300).astype(float),
        }
    )
    (row,) = cc.rank(frame, "g", score=None, ratio=("bad", "book"), regions="none", cluster="p").rows()
    # svyratio: z = num - R den, by cluster.
    bad, book = frame["bad"].to_numpy(), frame["book"].to_numpy()
    ratio = bad.sum() / book.sum()
    z = np.bincount(frame["p"].to_numpy(), bad - ratio * book)
    clusters = frame["p"].n_unique()
    assert row["se"] == pytest.approx(
        (clusters / (clusters - 1) * (z**2).sum()) ** 0.5 / book.sum(), rel=1e-9
    )
    (share,) = cc.rank(frame, "g", "book", share_above=4, regions="none", cluster="p").rows()
    flag = (book > 4).astype(float)
    z = np.bincount(frame["p"].to_numpy(), flag - flag.mean())
    assert share["se"] == pytest.approx((clusters / (clusters - 1) * (z**2).sum()) ** 0.5 / 300, rel=1e-9)
