"""Regions: roll-up, ties, what is left out, tables of one's own."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import creditcore as cc

RECORDS = {
    "city": [
        "310100",
        "310115",
        "330400",
        "嘉兴",
        "Suzhou",
        "江苏省苏州市",
        "440000",
        "999999",
        None,
        "371200",
    ],
    "score": [600.0, 610.0, 650.0, 655.0, 640.0, 641.0, 500.0, 500.0, 500.0, 620.0],
}


def test_codes_names_counties_and_former_codes_meet_in_their_city() -> None:
    ranking = cc.rank(RECORDS, score="score")
    assert dict(ranking.to_polars().select("code", "n").rows()) == {
        "330400": 2,
        "320500": 1,
        "370100": 1,
        "310100": 2,
    }
    assert ranking.excluded == {
        "ambiguous_region": 1,
        "no_city": 1,
        "null_region": 1,
        "unresolved_region": 1,
    }
    assert ranking.records == sum(ranking.to_polars()["n"]) + sum(ranking.excluded.values())
    assert ("999999", "unresolved_region", 1) in ranking.unresolved
    assert len(ranking.without_data) == 369 - 4


def test_cities_add_up_to_provinces_nation_and_families() -> None:
    codes = pl.read_csv(
        Path(cc.__file__).parent / "data/china/regions.csv",
        schema_overrides={"code": pl.String},
        encoding="utf8",
    ).filter(pl.col("level") == "city")["code"]
    frame = pl.DataFrame(
        {"city": codes, "score": range(len(codes)), "w": [0.1 + i % 7 for i in range(len(codes))]}
    )
    by = ["city", "province", "nation", "north_south", "coast", "nbs_region", "province_kind", "belts"]
    ranked = {name: r.to_polars() for name, r in cc.rank(frame, by, "score", "w").items()}
    assert {name: len(rows) for name, rows in ranked.items()} == {
        "city": 369,
        "province": 33,
        "nation": 1,
        "north_south": 2,
        "coast": 2,
        "nbs_region": ranked["nbs_region"].height,
        "province_kind": 4,
        "belts": ranked["belts"].height,
    }
    for name in ("province", "nation", "north_south", "coast", "province_kind"):
        assert ranked[name]["n"].sum() == 369
    cities = frame.with_columns(province=pl.col("city").str.slice(0, 2) + "0000")
    means = cities.group_by("province").agg((pl.col("score") * pl.col("w")).sum() / pl.col("w").sum())
    expected = dict(means.rows())
    # Hong Kong and Macao are their own province.
    for code, mean in ranked["province"].select("code", "mean").rows():
        assert mean == pytest.approx(expected[code], rel=1e-12)
    assert ranked["belts"].filter(pl.col("code") == "GBA")["n"].item() == 11
    nation = ranked["nation"]["mean"].item()
    for mean, diff in ranked["province"].select("mean", "diff_parent").rows():
        assert diff == mean - nation


def test_only_exactly_equal_means_share_a_rank_and_a_constant_moves_none() -> None:
    frame = pl.DataFrame(
        {
            "g": ["a", "a", "b", "c", "d"],
            "x": [1.0, 2.0, 1.5, 1.5 + 2**-52, 0.0],
            "w": [1.0, 1.0, 7.0, 1.0, 0.0],
        }
    )
    rows = cc.rank(frame, "g", "x", "w", regions="none").to_polars().select("code", "rank").rows()
    assert rows == [("c", 1), ("a", 2), ("b", 2), ("d", None)]
    shifted = frame.with_columns(pl.col("x") + 1024.0 - 1024.0, y=pl.col("x") + 8.0)
    assert cc.rank(shifted, "g", "y", "w", regions="none").to_polars()["rank"].to_list()[-1] is None
    integers = pl.DataFrame({"g": ["a", "b", "c"], "x": [3, 1, 2], "y": [1003, 1001, 1002]})
    ranks = [cc.rank(integers, "g", s, regions="none").to_polars()["code"].to_list() for s in ("x", "y")]
    assert ranks[0] == ranks[1] == ["a", "c", "b"]


def test_ranks_within_a_parent_and_below_the_least_number() -> None:
    frame = {"city": ["320500", "320100", "330400", "330400"], "score": [3.0, 2.0, 1.0, 1.0]}
    rows = cc.rank(frame, score="score").to_polars().select("code", "rank", "rank_in_parent").rows()
    assert rows == [("320500", 1, 1), ("320100", 2, 2), ("330400", 3, 1)]
    rows = cc.rank(frame, score="score", min_n=2).to_polars().select("code", "rank").rows()
    assert rows == [("330400", 1), ("320100", None), ("320500", None)]


def test_kinds_are_never_mixed_silently() -> None:
    frame = {"g": ["a", "a", "b"], "x": [1.0, 3.0, 5.0], "kind": ["person", "enterprise", None]}
    with pytest.raises(cc.SchemaError, match=r"several kinds.*kind=\"all\""):
        cc.rank(frame, "g", "x", regions="none")
    persons = cc.rank(frame, "g", "x", regions="none", kind="person")
    assert persons.to_polars().select("code", "mean").rows() == [("a", 1.0)]
    assert persons.excluded == {"null_kind": 1, "other_kind": 1}
    assert cc.rank(frame, "g", "x", regions="none", kind="all").to_polars()["n"].sum() == 3


@pytest.mark.parametrize(
    ("pick", "mean"),
    [("latest", (7 + 3) / 2), ("first", (1 + 3) / 2), ("mean", (10 / 3 + 3) / 2), ("sum", (10 + 3) / 2)],
)
def test_units_count_once(pick: str, mean: float) -> None:
    frame = pl.DataFrame(
        {
            "who": ["p", "q", "p", "p"],
            "g": ["a", "a", "a", "a"],
            "x": [1.0, 3.0, 2.0, 7.0],
            "event_time": ["2026-01-01", "2026-01-02", "2026-02-01", "2026-03-01"],
        }
    )
    ranking = cc.rank(frame, "g", "x", regions="none", unit="who", pick=pick)
    assert ranking.to_polars().select("n", "mean").rows() == [(2, pytest.approx(mean))]
    assert sum(ranking.excluded.values()) == 2
    shuffled = cc.rank(frame.reverse(), "g", "x", regions="none", unit="who", pick=pick)
    assert shuffled.to_polars().equals(ranking.to_polars())


def test_ties_of_time_go_to_the_greater_and_never_to_the_position() -> None:
    frame = pl.DataFrame(
        {"who": [1, 1, 1], "g": ["b", "c", "a"], "x": [2.0, 2.0, 1.0], "event_time": [5, 5, 5]}
    )
    for rows in (frame, frame.reverse(), frame[[1, 0, 2]]):
        assert cc.rank(rows, "g", "x", regions="none", unit="who").to_polars()["code"].to_list() == ["c"]


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    table = tmp_path / "regions.csv"
    table.write_text(
        "code,name,level,parent,climate\nA,Aland,state,,\nA1,Aport,district,A,sea\nA2,Ahill,district,A,hill\n"
    )
    frame = {"branch": ["A1", "Ahill", "A", "zz"], "x": [1.0, 3.0, 9.0, 9.0]}
    ranked = cc.rank(frame, ["district", "state", "climate"], "x", region="branch", regions=table)
    assert ranked["district"].to_polars().select("name", "parent", "rank").rows() == [
        ("Ahill", "A", 1),
        ("Aport", "A", 2),
    ]
    assert ranked["state"].to_polars().select("name", "mean").rows() == [("Aland", 2.0)]
    assert ranked["climate"].to_polars()["code"].to_list() == ["hill", "sea"]
    assert ranked["state"].excluded == {"no_district": 1, "unresolved_region": 1}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("code,parent\na,b\nb,a\n", "loop"),
        ("code\na\na\n", "`a`"),
        ("code,parent\na,q\n", "`q`"),
        ("name\na\n", "`code`"),
    ],
)
def test_bad_tables_are_refused_by_name(tmp_path: Path, text: str, fault: str) -> None:
    table = tmp_path / "bad.csv"
    table.write_text(text)
    with pytest.raises(cc.FormatError, match=fault) as caught:
        cc.rank({"region": ["a"], "x": [1.0]}, "region", "x", regions=table)
    assert "bad.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("cause", "row"),
    [
        ("null_score", (None, 1.0)),
        ("nan_score", (float("nan"), 1.0)),
        ("infinite_score", (float("-inf"), 1.0)),
        ("null_weight", (1.0, None)),
        ("nan_weight", (1.0, float("nan"))),
        ("infinite_weight", (1.0, float("inf"))),
        ("negative_weight", (1.0, -0.5)),
    ],
)
def test_what_is_left_out_is_counted_by_cause(cause: str, row: tuple[float | None, float | None]) -> None:
    data = [("a", 2.0, 1.0)] * 3000 + [("a", *row)] + [("a", 4.0, -0.0)]
    frame = pl.DataFrame(data, schema={"g": pl.String, "x": pl.Float64, "w": pl.Float64}, orient="row")
    ranking = cc.rank(frame, "g", "x", "w", regions="none")
    assert ranking.excluded == {cause: 1}
    assert ranking.to_polars().select("n", "mean", "sum_weight").rows() == [(3001, 2.0, 3000.0)]
