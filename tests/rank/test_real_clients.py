"""The main job on real input: 30,000 credit-card clients, equal to DuckDB (UCI data set 350, CC BY 4.0)."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest

import creditcore as cc
from creditcore.demo import UCI, UCI_DEFAULT

BANDS = {"AGE": [30.0, 40.0, 50.0]}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file as it was published: bare CR line ends, no gzip."""
    path = tmp_path_factory.mktemp("uci") / "clients.csv"
    path.write_bytes(gzip.decompress(UCI.read_bytes()))
    assert b"\n" not in path.read_bytes()
    return path


@pytest.mark.parametrize("weight", [None, "LIMIT_BAL"])
@pytest.mark.parametrize("score", [UCI_DEFAULT, "BILL_AMT1"])
def test_rates_by_education_and_age_equal_duckdb(clients: Path, score: str, weight: str | None) -> None:
    ranked = cc.rank(clients, ["EDUCATION", "AGE"], score, weight, regions="none", bands=BANDS)
    frame = duckdb.connect()
    frame.execute(
        "CREATE TABLE t AS SELECT * FROM read_csv(?, new_line = '\\r', header = true)", [str(clients)]
    )
    w = f'"{weight}"' if weight else "1"
    for name, group in {
        "EDUCATION": "CAST(EDUCATION AS VARCHAR)",
        "AGE": "CASE WHEN AGE < 30 THEN '<30' WHEN AGE < 40 THEN '[30, 40)' "
        "WHEN AGE < 50 THEN '[40, 50)' ELSE '>=50' END",
    }.items():
        query = f'SELECT {group}, count(*), sum({w} * "{score}") / sum({w}), avg("{score}") FROM t GROUP BY 1'
        expected = {code: rest for code, *rest in frame.execute(query).fetchall()}
        rows = ranked[name].to_polars().select("code", "n", "mean", "mean_plain").rows()
        assert {code: pytest.approx(rest, rel=1e-12) for code, *rest in rows} == expected
        assert ranked[name].excluded == {}


def test_gzip_and_frames_give_the_same_bytes(clients: Path) -> None:
    import polars as pl

    plain = cc.aggregate(clients, "EDUCATION", UCI_DEFAULT, "LIMIT_BAL", regions="none")
    packed = cc.aggregate(UCI, "EDUCATION", UCI_DEFAULT, "LIMIT_BAL", regions="none")
    frame = pl.read_csv(clients, eol_char="\r")
    in_memory = cc.aggregate(frame, "EDUCATION", UCI_DEFAULT, "LIMIT_BAL", regions="none")
    assert plain.to_bytes() == packed.to_bytes() == in_memory.to_bytes()


@pytest.mark.parametrize("options", [{}, {"weight": "LIMIT_BAL"}, {"share_above": 20_000.0}])
def test_the_query_gives_every_figure(clients: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    import polars as pl

    path = tmp_path / "clients.parquet"
    pl.read_csv(clients, eol_char="\r").write_parquet(path)
    for by in ("EDUCATION", "AGE"):
        sums = cc.aggregate(
            path, by, "BILL_AMT1", regions="none", bands=BANDS if by == "AGE" else None, **options
        )
        figures = ["code", "n", "sum_weight", "mean", "mean_plain", "se", "rank"]
        rows = sums.rank(min_n=20).to_polars().select(figures).rows()
        check_query(sums.duckdb_query(path, min_n=20), rows)


def test_a_ratio_of_two_balances_and_its_error_equal_duckdb(clients: Path, tmp_path: Path) -> None:
    import polars as pl

    path = tmp_path / "clients.parquet"
    pl.read_csv(clients, eol_char="\r").write_parquet(path)
    sums = cc.aggregate(path, "SEX", None, "AGE", regions="none", ratio=("PAY_AMT1", "LIMIT_BAL"))
    figures = ["code", "n", "sum_weight", "mean", "mean_plain", "se", "rank"]
    rows = sums.rank().to_polars().select(figures).rows()
    check_query(sums.duckdb_query(path), rows)


def check_query(query: str, rows: list[tuple[Any, ...]]) -> None:
    """Run a query and compare it, row by row, with a ranking; a group without a rank has a null in both."""
    queried = {row[0]: row[1:] for row in duckdb.connect().execute(query).fetchall()}
    assert queried.keys() == {row[0] for row in rows}
    for code, *figures in rows:
        pairs = list(zip(queried[code], figures, strict=True))
        assert [a is None for a, _ in pairs] == [b is None for _, b in pairs]
        assert [a for a, _ in pairs if a is not None] == pytest.approx([b for _, b in pairs if b is not None])
