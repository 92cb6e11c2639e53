"""What a portfolio should hold, told by nobody of the house: a dict of rows, and DuckDB for the figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl

import creditcore as cc

CONFIG: dict[str, Any] = {
    "columns": {"key": "id", "region": "adcode", "keep": ["note"]},
    "weights": {"column": "exposure"},
    "score": {"column": "points"},
    "rankings": [{"by": ["city", "province"]}, {"by": "product", "min_n": 2}],
}
CONFIG["columns"]["keep"] = ["note", "product"]
CITIES = ["310100", "330400", "440300", "440000", "999999"]
SCHEMA = {
    "id": pl.Int64,
    "adcode": pl.String,
    "points": pl.Float64,
    "exposure": pl.Float64,
    "product": pl.String,
    "note": pl.String,
}


def frame(rows: list[dict[str, Any]], **more: Any) -> pl.DataFrame:
    """Rows as a frame whose types do not depend on their values."""
    return pl.DataFrame(rows, schema={**SCHEMA, **more})


def replay(rows: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """The records that rows leave: of versions the highest counts, of one version a deletion."""
    best: dict[Any, dict[str, Any]] = {}
    for row in rows:
        before = best.get(row["id"])
        if before is not None and row.get("version") is not None:
            rank = (row["version"], row.get("op") == "delete")
            if rank < (before["version"], before.get("op") == "delete"):
                continue
        best[row["id"]] = row
    kept = {key: row for key, row in best.items() if row.get("op") != "delete"}
    return {key: {name: row[name] for name in row if name != "op"} for key, row in kept.items()}


def check_rankings(portfolio: cc.Portfolio, records: list[dict[str, Any]]) -> None:
    """Compare every ranking with one of all records, to the bit, and its means with DuckDB."""
    whole = frame(records)
    for by in ("city", "province", "product"):
        least = 2 if by == "product" else 1
        wanted = cc.rank(whole, by=by, score="points", weight="exposure", region="adcode", min_n=least)
        found = portfolio.ranking(by)
        assert found.to_polars().equals(wanted.to_polars()), by
        assert found.excluded == wanted.excluded
        assert found.records == wanted.records == len(records)
    if records:
        query = """
            SELECT product, sum(points * exposure) / sum(exposure) AS mean, count(*) AS n FROM whole
            WHERE points IS NOT NULL AND exposure >= 0 AND product IS NOT NULL GROUP BY product
        """
        figures = {code: (mean, n) for code, mean, n in duckdb.execute(query).fetchall()}
        rows = {row["code"]: row for row in portfolio.ranking("product").rows()}
        assert rows.keys() == figures.keys()
        for code, (mean, n) in figures.items():
            assert rows[code]["n"] == n
            assert rows[code]["mean"] is None or abs(rows[code]["mean"] - mean) < 1e-9 * abs(mean)


def fresh(folder: Path, rows: list[pl.DataFrame]) -> str:
    """The digest of a portfolio that takes in everything at once."""
    with cc.Portfolio.create(folder, CONFIG) as portfolio:
        portfolio.ingest(pl.concat(rows, how="diagonal"))
        return portfolio.digest()
