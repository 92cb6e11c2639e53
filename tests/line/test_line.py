"""The whole line without a state: held against its stages called by hand, DuckDB and its own parts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import polars as pl
import pytest

import creditcore as cc
from creditcore import line
from creditcore.pipeline.pipeline import DECISIONS, SCORES, Pipeline
from tests.line import case

DAY = dt.date(2026, 3, 20)
MEANS = """
SELECT product AS code, count(*) AS n, sum(exposure) AS sum_weight,
       sum(points_model * exposure) / sum(exposure) AS mean
FROM frame WHERE NOT coalesce(is_staff, FALSE) AND decision <> 'reject' GROUP BY product
"""


def test_it_is_what_its_stages_give(tmp_path: Path) -> None:
    config = cc.Config.load(case.write(tmp_path))
    rows = case.records(500)
    made = line.run(config, rows, DAY)
    scored = Pipeline.load(tmp_path / "models").score(rows)
    assert made.records.columns == [*rows.columns, *SCORES, *DECISIONS, "cause"]
    assert made.records.select(scored.columns).equals(scored)
    expected = [
        "staff" if staff else "rejected" if decision == "reject" else None
        for staff, decision in made.records.select("is_staff", "decision").rows()
    ]
    assert made.records["cause"].to_list() == expected
    told = made.population
    assert told.records == 500 == told.used + sum(told.excluded.values())
    assert told.used == expected.count(None)
    city = made.rankings["city"]
    assert city.records == told.used == sum(row["n"] for row in city.rows()) + sum(city.excluded.values())
    frame = made.records
    assert len(frame) == 500
    query = duckdb.execute(MEANS).fetchall()
    by_product = {row["code"]: row for row in made.rankings["product"].rows()}
    assert len(query) == len(by_product) == 3
    for code, n, weight, mean in query:
        assert by_product[code]["n"] == n
        assert by_product[code]["sum_weight"] == pytest.approx(weight, rel=1e-12)
        assert by_product[code]["mean"] == pytest.approx(mean, rel=1e-12)


def test_order_and_form_of_the_records_change_nothing(tmp_path: Path) -> None:
    config = cc.Config.load(case.write(tmp_path, network=True))
    rows = case.records(300)
    one = line.run(config, rows, DAY)
    other = line.run(config, rows.sample(fraction=1.0, shuffle=True, seed=3), DAY, threads=1)
    assert other.records.sort("id").equals(one.records)
    for name in config.by:
        assert other.rankings[name].to_polars().equals(one.rankings[name].to_polars())
    rows.write_parquet(tmp_path / "r.parquet")
    assert line.run(config, tmp_path / "r.parquet", DAY).records.equals(one.records)


def test_models_see_the_network_as_it_is_now(tmp_path: Path) -> None:
    config = cc.Config.load(case.write(tmp_path, network=True))
    rows = case.records(200)
    made = line.run(config, rows, DAY)
    partners = duckdb.execute(
        "SELECT a.id, count(DISTINCT b.id) FROM rows a LEFT JOIN rows b "
        "ON a.device = b.device AND a.id <> b.id "
        "GROUP BY a.id ORDER BY a.id"
    ).fetchall()
    assert made.records.select("id", "net_now_partners").sort("id").rows() == [
        (key, float(count)) for key, count in partners
    ]
    given = rows.join(made.records.select("id", "net_now_partners"), on="id", maintain_order="left")
    scored = Pipeline.load(tmp_path / "models").score(given)
    assert made.records.select(SCORES).equals(scored.select(SCORES))
    assert made.groups is not None
    pipeline = Pipeline.of(config)
    assert pipeline.affected(["net_now_partners"]) == ["ties"]
    with pytest.raises(cc.SchemaError, match="a column `net_now_partners`, which the network makes"):
        line.run(config, given, DAY)
    # A window lets go whoever is older.
    windowed = cc.Config.of(
        {**config.to_dict(), "network": config.to_dict()["network"] | {"window_days": 5}}, tmp_path
    )
    few = line.run(windowed, rows, dt.date(2026, 3, 10))
    old = rows["t"] < dt.datetime(2026, 3, 6)
    assert few.records.filter(old)["net_now_partners"].fill_null(0).sum() == 0
    with pytest.raises(cc.ArgumentError, match="goes by `as_of`"):
        line.run(windowed, rows)


def test_what_is_wrong_with_records_is_told(tmp_path: Path) -> None:
    config = cc.Config.load(case.write(tmp_path))
    rows = case.records(20)
    with pytest.raises(cc.SchemaError, match="key `3` comes more than once"):
        line.run(config, pl.concat([rows, rows[3]]))
    with pytest.raises(cc.SchemaError, match="no column `id`, their key"):
        line.run(config, rows.drop("id"))
    with pytest.raises(cc.SchemaError, match="is null in 1 records"):
        line.run(config, rows.with_columns(id=pl.when(pl.int_range(20) > 0).then("id")))
    with pytest.raises(cc.SchemaError, match="the records have a column `points_final` already"):
        line.run(config, rows.with_columns(points_final=pl.lit(0.5)))
