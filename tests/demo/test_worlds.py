"""The planted means: the published facts hold in them exactly, and a user's file is read with care."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.demo.facts import (
    NEEDED,
    TOP_CITIES,
    Fact,
    chi_square_tail,
    family_differs,
    published_facts,
    significant_families,
)
from creditcore.demo.places import places, units_without_people
from creditcore.demo.worlds import BASE_MEAN, planted_means
from creditcore.errors import ArgumentError, FormatError, SourceError

SEEDS = range(20)


def facts_of(means: np.ndarray) -> list[Fact]:
    """The facts in the planted means themselves: every city's mean, weighted by its people."""
    cities = {"city": places().codes, "mean": means, "people": places().people}
    rankings = cc.rank(cities, by=list(NEEDED), score="mean", weight="people")
    return published_facts({name: ranking.to_polars() for name, ranking in rankings.items()})


@pytest.mark.parametrize("seed", SEEDS)
def test_the_published_world_encodes_every_fact(seed: int) -> None:
    facts = facts_of(planted_means("published", seed))
    assert len(facts) == 6
    assert [fact.fact for fact in facts if not fact.holds] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_are_wider_than_what_noise_can_close(seed: int) -> None:
    means = dict(zip(places().codes, planted_means("published", seed), strict=True))
    top = [means[code] for code in TOP_CITIES]
    assert min(high - low for high, low in itertools.pairwise(top)) == pytest.approx(3.5)
    rest = sorted((mean for code, mean in means.items() if code not in TOP_CITIES), reverse=True)
    assert top[-1] - rest[0] > 2.0
    assert rest[2] - rest[3] > 2.0


def test_what_the_facts_leave_open_is_drawn_from_the_seed() -> None:
    first, second = planted_means("published", 1), planted_means("published", 2)
    assert np.array_equal(first, planted_means("published", 1))
    assert (first != second).mean() > 0.9


def test_the_null_world_has_one_mean() -> None:
    means = planted_means("null", 3)
    assert set(means) == {BASE_MEAN}
    assert len(means) == len(places()) == 359


def test_the_shuffled_world_deals_the_same_means_to_other_cities() -> None:
    published, shuffled = planted_means("published", 4), planted_means("shuffled", 4)
    assert np.array_equal(np.sort(published), np.sort(shuffled))
    assert (published != shuffled).mean() > 0.9
    holding = [fact.fact for fact in facts_of(shuffled) if fact.holds]
    assert not [fact for fact in holding if fact.startswith(("top", "five", "every"))]


def test_a_users_file_sets_the_means_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("\ufeffcode,mean,remark\n330400,650.5,best\n540100,600,\n", encoding="utf-8")
    means = dict(zip(places().codes, planted_means(path, 1), strict=True))
    assert means["330400"] == 650.5
    assert means["540100"] == 600.0
    assert means["310100"] == BASE_MEAN
    assert np.array_equal(planted_means(str(path), 1), planted_means(path, 2))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no column `code`, `mean`"),
        ("city,mean\n330400,600\n", "no column `code`"),
        ("code,mean\n", "holds no city"),
        ("code,mean\n330400,600\n330400,601\n", "row 3: city `330400` stands in row 2 already"),
        ("code,mean\n999999,600\n", "row 2: `999999` is no city"),
        ("code,mean\n330000,600\n", "row 2: `330000` is no city"),
        ("code,mean\n659001,600\n", "row 2: `659001` has no census population"),
        ("code,mean\n330400,\n", "row 2: column `mean` holds ``"),
        ("code,mean\n330400\n", "row 2: column `mean` holds ``"),
        ("code,mean\n330400,good\n", "row 2: column `mean` holds `good`"),
        ("code,mean\n330400,nan\n", "row 2: column `mean` holds `nan`"),
        ("code,mean\n330400,inf\n", "row 2: column `mean` holds `inf`"),
        ("code,mean\n330400,90000\n", "row 2: column `mean` holds `90000`"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_row(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        planted_means(path, 1)
    assert told in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none.csv`: cannot be read"):
        planted_means(tmp_path / "none.csv", 1)
    (tmp_path / "gb.csv").write_bytes("code,mean\n330400,600,嘉兴\n".encode("gb18030"))
    with pytest.raises(FormatError, match="is not UTF-8"):
        planted_means(tmp_path / "gb.csv", 1)
    (tmp_path / "large.csv").write_bytes(b"0" * (1 << 21))
    with pytest.raises(FormatError, match="too large"):
        planted_means(tmp_path / "large.csv", 1)
    with pytest.raises(ArgumentError, match="`atlantis` is no world"):
        planted_means("atlantis", 1)


def test_units_without_people_are_the_ten_of_xinjiang() -> None:
    assert len(units_without_people()) == 10
    assert all(code.startswith("659") for code in units_without_people())


def family(*rows: tuple[float, float | None]) -> pl.DataFrame:
    """A ranking's means and errors."""
    return pl.DataFrame(rows, schema={"mean": pl.Float64, "se": pl.Float64}, orient="row")


def test_a_family_differs_by_the_square_of_its_distance() -> None:
    two = family_differs(family((10.0, 3.0), (20.0, 4.0)))
    assert two.chi_square == pytest.approx(4.0)
    assert two.degrees == 1
    assert two.p_value == pytest.approx(0.0455002638963584)
    assert family_differs(family((10.0, 3.0), (10.0, 4.0), (5.0, None))).p_value == 1.0
    with pytest.raises(ArgumentError, match="1 members"):
        family_differs(family((10.0, 3.0), (5.0, 0.0)))


@pytest.mark.parametrize(
    ("statistic", "degrees", "tail"),
    # Abramowitz and Stegun, table 26.8.
    [
        (2.70554, 1, 0.1),
        (9.21034, 2, 0.01),
        (11.3449, 3, 0.01),
        (18.3070, 10, 0.05),
        (43.7730, 30, 0.05),
        (0, 4, 1),
    ],
)
def test_the_tail_of_a_chi_square(statistic: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(tail, rel=2e-5)


def test_several_families_share_one_chance_of_a_false_finding() -> None:
    clear, weak, none = (
        family((0.0, 1.0), (9.0, 1.0)),
        family((0.0, 1.0), (3.1, 1.0)),
        family((0.0, 1.0), (0.5, 1.0)),
    )
    assert significant_families({"a": clear, "b": weak}) == ["a", "b"]
    assert significant_families({"b": weak, "c": none}) == []
    assert significant_families({"c": none}) == []


def test_facts_name_what_is_missing() -> None:
    with pytest.raises(ArgumentError, match="no ranking by `coast`"):
        published_facts({name: pl.DataFrame() for name in NEEDED[:3]})


def test_a_city_without_a_rank_takes_no_part() -> None:
    cities = places()
    means = planted_means("published", 1)
    counts = np.where(np.array(cities.codes) == "540100", 1, 4)
    means = np.where(np.array(cities.codes) == "540100", 700.0, means)
    frame = {
        "city": np.repeat(cities.codes, counts),
        "mean": np.repeat(means, counts),
        "people": np.repeat(cities.people / counts, counts),
    }
    for min_n, holds in ((1, False), (2, True)):
        rankings = cc.rank(frame, by=list(NEEDED), score="mean", weight="people", min_n=min_n)
        facts = published_facts({name: ranking.to_polars() for name, ranking in rankings.items()})
        assert facts[0].holds is holds
