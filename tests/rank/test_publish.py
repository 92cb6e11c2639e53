"""What is published: nothing that is hidden follows from what is shown, which a linear programme tries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore import regions
from creditcore.ranking.publishing import PublishRules

LEVELS = ["city", "province", "nation", "coast", "north_south", "nbs_region", "belts", "province_kind"]
PROVINCES = {
    "310000": ["310100"],
    "320000": ["320100", "320200", "320300", "320500"],
    "330000": ["330100", "330200", "330400"],
    "350000": ["350100", "350200", "350300"],
    "440000": ["440100", "440300", "440400", "440600"],
    "540000": ["540100", "540200"],
    "810000": ["810000"],
    "820000": ["820000"],
    "110000": ["110100"],
}


def table(seed: int) -> tuple[dict[str, int], pl.DataFrame]:
    """Draw how many units each city has, and their weights."""
    random = np.random.default_rng(seed)
    provinces = random.choice(sorted(PROVINCES), random.integers(2, len(PROVINCES) + 1), replace=False)
    cities = [city for province in provinces for city in PROVINCES[province]]
    sizes = np.where(
        random.random(len(cities)) < 0.3,
        random.integers(1, 60, len(cities)),
        random.integers(40, 900, len(cities)),
    )
    codes = np.repeat(cities, sizes)
    weights = random.integers(1, 4, len(codes)).astype(float)
    heavy = random.random(len(codes)) < 0.002
    weights[heavy] = 500.0
    frame = pl.DataFrame({"city": codes, "x": random.normal(600, 50, len(codes)), "w": weights})
    return dict(zip(cities, sizes.tolist(), strict=True)), frame


def members(cities: list[str], level: str) -> dict[str, set[str]]:
    """Which cities a level's rows add up."""
    found: dict[str, set[str]] = {}
    for city, unit in regions.china().members(cities, level):
        found.setdefault(unit, set()).add(city)
    return found


class Attack:
    """What whoever sees the rows can do: bound the units of any set of cities."""

    def __init__(self, cities: list[str], rankings: dict[str, cc.Ranking], total: float, field: str) -> None:
        self.cities = cities
        self.equal: list[tuple[np.ndarray[Any, Any], float]] = [(np.ones(len(cities)), total)]
        self.most: list[tuple[np.ndarray[Any, Any], float]] = []
        self.hidden: list[tuple[str, str, str, np.ndarray[Any, Any]]] = []
        least = PublishRules().min_shown
        for level, ranking in rankings.items():
            of = members(cities, level)
            for row in ranking.rows():
                inside = np.array([city in of[row["code"]] for city in cities], dtype=float)
                why = row["suppressed_why"]
                if why is None:
                    self.equal.append((inside, row[field]))
                    continue
                self.hidden.append((level, row["code"], why, inside))
                if field == "n":
                    if why == "few_units":
                        self.most += [(inside, least - 1), (-inside, -1)]
                    else:
                        self.most.append((-inside, -least))

    def range(self, inside: np.ndarray[Any, Any]) -> tuple[float, float]:
        from scipy.optimize import linprog

        def end(sign: int) -> float:
            given: dict[str, Any] = {
                "A_eq": np.array([row for row, _ in self.equal]),
                "b_eq": [n for _, n in self.equal],
            }
            if self.most:
                given |= {"A_ub": np.array([row for row, _ in self.most]), "b_ub": [n for _, n in self.most]}
            found = linprog(sign * inside, bounds=(0, None), method="highs", **given)
            assert found.status == 0, found.message
            return float(sign * found.fun)

        return end(1), end(-1)


@pytest.mark.parity
@pytest.mark.parametrize("levels", [LEVELS, ["city", "province"], ["province", "coast"]], ids=len)
def test_no_linear_programme_narrows_a_hidden_cell(levels: list[str]) -> None:
    protection = PublishRules().width
    hidden = shown = 0
    for seed in range(200 if levels is LEVELS else 60):
        sizes, frame = table(seed)
        rankings = cc.rank(frame, levels, "x", publish="default")
        attack = Attack(list(sizes), rankings, sum(sizes.values()), "n")
        for level, code, why, inside in attack.hidden:
            if not inside.all():  # the number of all records is no secret
                low, high = attack.range(inside)
                assert high - low >= protection - 1e-6, (seed, level, code, why, low, high)
        hidden += len(attack.hidden)
        shown += sum(len(ranking) for ranking in rankings.values()) - len(attack.hidden)
    assert hidden > 50
    assert shown > hidden, "not everything is hidden"


@pytest.mark.parity
def test_no_linear_programme_finds_the_weight_of_a_dominated_city() -> None:
    tried = 0
    for seed in range(60):
        sizes, frame = table(1000 + seed)
        rankings = cc.rank(frame, ["city", "province", "coast"], "x", "w", publish="default")
        attack = Attack(list(sizes), rankings, float(frame["w"].sum()), "sum_weight")
        for level, code, why, inside in attack.hidden:
            if level == "city" and why == "dominance" and frame["w"].sum() > 5000:
                low, high = attack.range(inside)
                largest = frame.filter(pl.col("city") == code)["w"].max()
                assert isinstance(largest, float)
                assert high - low >= 10 * largest * (1 - 1e-9), (seed, code, low, high)
                tried += 1
    assert tried > 20


def cities(**sizes: int) -> pl.DataFrame:
    codes = np.repeat([code.removeprefix("c") for code in sizes], list(sizes.values()))
    return pl.DataFrame({"city": codes, "x": np.arange(len(codes), dtype=float) % 97})


def test_the_default_rules_hide_and_rank() -> None:
    frame = cities(c320100=1500, c320200=1200, c320500=900, c330100=30, c330200=2000, c330400=400)
    rankings = cc.rank(frame, ["city", "province"], "x", publish="default")
    rows = {row["code"]: row for row in rankings["city"].rows()}
    assert rankings["city"].suppressed == [
        ("330100", "Hangzhou", "few_units"),
        ("330400", "Jiaxing", "complementary"),
    ]
    figures = (
        *("n", "sum_weight", "n_eff", "mean", "mean_plain", "se", "ci_lo", "ci_hi", "eb_mean", "diff_parent"),
        *("rank", "rank_in_parent", "rank_lo", "rank_hi", "tier"),
    )
    assert all(rows["330400"][field] is None for field in figures)
    assert rows["320500"]["n"] == 900
    assert rows["320500"]["rank"] is None, "shown, and not ranked"
    assert sorted(row["rank"] for row in rows.values() if row["rank"]) == [1, 2, 3], "no place is left free"
    assert not any(row["suppressed"] for row in rankings["province"].rows())
    assert "ranked from 1,000 units" in rankings["city"].heading


def test_a_difference_never_tells_a_hidden_parent() -> None:
    frame = cities(c310100=20, c320100=300, c320200=800, c330100=700, c330200=2000)
    rankings = cc.rank(frame, ["city", "province"], "x", publish="default")
    hidden = {code for code, _, _ in rankings["province"].suppressed}
    assert "310000" in hidden
    assert len(hidden) >= 2
    for row in rankings["city"].rows():
        if row["parent"] in hidden:
            assert row["diff_parent"] is None
    alone = cc.rank(frame, "city", "x", publish="default")
    assert alone.rows() == rankings["city"].rows(), "the parents' means are told by differences anyway"


def test_columns_of_the_records_are_protected_too() -> None:
    codes = np.repeat(["a", "b", "c"], [10, 300, 400])
    frame = pl.DataFrame({"group": codes, "x": np.arange(710.0)})
    assert [code for code, _, _ in cc.rank(frame, "group", "x", publish="default").suppressed] == ["a", "b"]


def test_one_unit_above_a_tenth_hides_a_cell() -> None:
    frame = cities(c320100=1500, c320200=1200, c320500=900).with_columns(w=pl.lit(1.0))
    first = pl.int_range(pl.len()).over("city") == 0
    heavy = frame.with_columns(w=pl.when((pl.col("city") == "320500") & first).then(101.0).otherwise(1.0))
    least = frame.with_columns(w=pl.when((pl.col("city") == "320500") & first).then(99.0).otherwise(1.0))
    hidden = cc.rank(heavy, "city", "x", "w", publish="default").suppressed
    assert [(code, why) for code, _, why in hidden] == [("320200", "complementary"), ("320500", "dominance")]
    assert cc.rank(least, "city", "x", "w", publish="default").suppressed == []
    assert cc.rank(heavy, "city", "x", "w", publish={"dominance": None}).suppressed == []


@pytest.mark.parametrize("kind", ["float", "integer", "small", "ratio", "unit"])
def test_the_largest_weight_is_found_on_every_way_into_the_sums(kind: str) -> None:
    frame = cities(c320100=1400, c320200=1200).with_columns(w=pl.lit(2.0))
    first = pl.int_range(pl.len()).over("city") == 0
    for heavy, expected in ((200.0, False), (5000.0, True)):
        rows = frame.with_columns(w=pl.when(first).then(heavy).otherwise(pl.col("w")))
        options: dict[str, Any] = {"score": "x", "weight": "w"}
        if kind == "integer":
            rows = rows.with_columns(pl.col("w").cast(pl.Int64))
        if kind == "small":
            rows = rows.with_columns(
                (pl.col("w") > 2).cast(pl.UInt8) * min(int(heavy / 20), 250) + 1, pl.col("x").cast(pl.UInt16)
            )
        if kind == "ratio":
            options = {"ratio": ("x", "w")}
        if kind == "unit":
            rows = rows.with_columns(id=pl.int_range(pl.len()), t=pl.lit(1))
            options |= {"unit": "id", "time": "t"}
        hidden = cc.rank(rows, "city", publish="default", **options).suppressed
        assert bool(hidden) is expected, kind


def test_largest_weights_merge_and_say_what_a_retraction_leaves_unknown() -> None:
    frame = cities(c320100=1500, c320200=1200).with_columns(w=pl.int_range(pl.len()) % 7 + 1.0)
    sums = [
        cc.aggregate(part, "city", "x", "w", largest_weights=True)
        for part in (frame[:900], frame[900:], frame)
    ]
    joined = sums[0].merge(sums[1])
    assert joined.to_bytes() == sums[2].to_bytes()
    again = cc.Aggregate.from_bytes(joined.to_bytes())
    assert again.rank(publish="default").rows() == joined.rank(publish="default").rows()
    with pytest.raises(cc.ArgumentError, match=r"`320100` is not known since units were taken away"):
        joined.retract(sums[0]).rank(publish="default")
    light = cc.aggregate(frame.filter(pl.col("w") < 7), "city", "x", "w", largest_weights=True)
    assert sums[2].retract(light).rank(publish={"min_shown": 2, "min_ranked": 2}).rows()[0]["n"] is not None
    with pytest.raises(cc.ArgumentError, match="`largest_weights=True`"):
        cc.aggregate(frame, "city", "x", "w").rank(publish="default")


def test_counts_are_rounded_on_request() -> None:
    frame = cities(c320100=1504, c320200=1206)
    rows = cc.rank(frame, "city", "x", publish={"round_counts": 10}).rows()
    assert sorted((row["n"], row["sum_weight"], row["n_eff"]) for row in rows) == [
        (1210, 1210.0, 1210.0),
        (1500, 1500.0, 1500.0),
    ]


def test_rules_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[publish]\nmin_ranked = 10\nmin_shown = 5\ndominance = 0.5\n")
    frame = cities(c320100=15, c320200=12)
    assert [row["rank"] for row in cc.rank(frame, "city", "x", publish=path).rows()] == [1, 2]
    path.write_text("min_show = 5\n")
    with pytest.raises(cc.FormatError, match=r"rules.toml`: unknown rule `min_show`; known are dominance"):
        cc.rank(frame, "city", "x", publish=path)
    with pytest.raises(cc.SourceError, match="neither `default` nor a file"):
        cc.rank(frame, "city", "x", publish="defualt")


@pytest.mark.parametrize(
    "rules",
    [
        {"min_shown": -1},
        {"dominance": 2},
        {"round_counts": 0},
        {"min_ranked": 10},
        {"protection": 60},
        {"x": 1},
    ],
)
def test_rules_that_are_none_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(rules))):
        cc.rank(cities(c320100=15), "city", "x", publish=rules)
