"""`creditcore bench refresh`, at a size of no meaning."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from creditcore.bench import refresh, upserts
from creditcore.cli.app import app

ARGUMENTS = ["bench", "refresh", "--records", "3000", "--delta", "100", "--refreshes", "3", "--json"]


def test_linked_records_and_their_neighbours(tmp_path: Path) -> None:
    more = ["--identifiers", "3", "--features", "6", "--models", "10", "--trees", "3"]
    done = CliRunner().invoke(app, [*ARGUMENTS, *more, "--folder", str(tmp_path)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["equal"]
    assert {"sift", "network", "score", "write", "commit", "total"} <= set(told["stages"])
    assert told["rescored"]["p50"] > 0


def test_an_end_that_is_not_compared_is_told_so(tmp_path: Path) -> None:
    more = ["--no-compare", "--folder", str(tmp_path)]
    done = CliRunner().invoke(app, [*ARGUMENTS, *more])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["equal"] is None
    plain = CliRunner().invoke(app, [*ARGUMENTS[:-1], *more])
    assert "ranking not compared with that of all records" in plain.stdout


def test_compactions_between_refreshes_are_told_apart(tmp_path: Path) -> None:
    more = ["--identifiers", "3", "--features", "6", "--models", "10", "--trees", "3"]
    done = CliRunner().invoke(app, [*ARGUMENTS, *more, "--compact-at", "0.01", "--folder", str(tmp_path)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["equal"]
    # Before the first refresh there is nothing to compact.
    assert len(told["compactions"]) == len(told["series"]) == 3
    plain = CliRunner().invoke(app, [*ARGUMENTS[:-1], "--compact-at", "0.02"])
    assert "compacted 3 times between refreshes" in plain.stdout


def test_the_figures_and_the_limit(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*ARGUMENTS, "--folder", str(tmp_path), "--fail-over", "0.001ms"])
    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)
    assert told["equal"]
    assert {"read", "find", "aggregate", "write", "commit", "apply", "rank", "total"} == set(told["stages"])
    again = CliRunner().invoke(app, [*ARGUMENTS, "--folder", str(tmp_path), "--fail-over", "600s"])
    assert again.exit_code == 0
    assert json.loads(again.stdout)["records"] > told["records"]
    assert CliRunner().invoke(app, [*ARGUMENTS, "--fail-over", "soon"]).exit_code == 2


def test_rivals_give_the_same_means_and_the_plot_has_each_refresh(tmp_path: Path) -> None:
    more = ["--rivals", "duckdb,polars", "--plot", str(tmp_path / "plot.svg"), "--folder", str(tmp_path)]
    done = CliRunner().invoke(app, [*ARGUMENTS, *more])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert set(told["rivals"]) == {"creditcore", "duckdb", "polars"}
    assert all(rival["equal"] for rival in told["rivals"].values())
    assert all(rival["peak"] > 1 << 20 for rival in told["rivals"].values())
    assert len(told["series"]) == 3
    (line,) = ET.parse(tmp_path / "plot.svg").getroot().iter("{http://www.w3.org/2000/svg}polyline")
    assert len(line.get("points", "").split()) == 3
    assert not (tmp_path / "rivals").exists()
    assert CliRunner().invoke(app, [*ARGUMENTS, "--rivals", "abacus"]).exit_code == 2


def test_polars_takes_a_delta_in_place() -> None:
    polars = upserts.Polars(Path(), 5, 1)
    rows = refresh.records(np.arange(5_000), 1, 0)
    for part in (rows[:3_000], rows[3_000:]):
        # More than there is room for.
        polars.add(part)
    polars.ready()
    for delta in refresh.deltas(5_000, 1_000, 3, 7):
        polars.take(delta)
        rows = pl.concat([rows.join(delta.select("key"), on="key", how="anti"), delta])
        points, weight = pl.col("points").cast(pl.Float64), pl.col("weight").cast(pl.Float64)
        means = rows.group_by("region").agg((points * weight).sum() / weight.sum())
        assert polars.renew(delta) == pytest.approx(dict(means.rows()), rel=1e-12)


def test_a_rival_that_takes_too_long_is_told(tmp_path: Path) -> None:
    more = ["--rivals", "polars", "--rival-minutes", "0.0001", "--folder", str(tmp_path)]
    told = json.loads(CliRunner().invoke(app, [*ARGUMENTS, *more]).stdout)["rivals"]
    late = {"failed": "more than 0.0001 minutes"}
    assert told == {"creditcore": late, "polars": late}
    done = CliRunner().invoke(app, [*(one for one in ARGUMENTS if one != "--json"), *more])
    assert "polars      did not come to the end: more than" in done.stdout
    assert not (tmp_path / "rivals").exists()
