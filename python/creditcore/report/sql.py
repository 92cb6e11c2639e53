"""The DuckDB query that gives the figures of a ranking, for whoever wants to check them.

Comes in: a plan, files, and for regions which value means which region. Goes out: SQL text. DuckDB sums
doubles in whatever order, so its figures agree with the exact ones to about its last digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any


def duckdb_query(
    plan: Mapping[str, Any],
    by: str,
    files: Sequence[str],
    regions: Sequence[tuple[str, str]] | None,
    min_n: int,
    encoding: str | None = None,
) -> str:
    """Write the query.

    Args:
        plan: the aggregate's plan.
        by: the level, family or column that is ranked.
        files: the files as the user named them.
        regions: (value of the region column, code it counts for), or None where `by` is a column.
        min_n: units below which a row gets no rank.
        encoding: of CSV text; DuckDB reads other than Unicode and Latin-1 with its extension `encodings`.
    """
    numerator, denominator = _value(plan)
    weight = f"CAST({_name(plan['weight'])} AS DOUBLE)" if plan["weight"] else "1.0"
    grouping = next(g for g in plan["by"] if _is_of(g, by, regions is not None))
    code = _code(grouping, plan)
    finite = [f"isfinite({part})" for part in (numerator, denominator, weight)]
    where = [*finite, f"{denominator} >= 0", f"{weight} >= 0", f"{code} IS NOT NULL"]
    if plan["kind_column"] and plan["kind"] != "all":
        wanted = f" = {_text(plan['kind'])}" if plan["kind"] else " IS NOT NULL"
        where.append(f"{_name(plan['kind_column'])}{wanted}")
    rows = (
        f"SELECT {code} AS value, {numerator} AS a, {denominator} AS d, {weight} AS w\n"
        f"  FROM {_from(files, encoding)}\n  WHERE " + "\n    AND ".join(where)
    )
    rows += _qualify(plan)
    lines = []
    if regions is not None:
        pairs = ",\n    ".join(f"({_text(value)}, {_text(unit)})" for value, unit in regions)
        lines.append(f"region(value, code) AS (VALUES\n    {pairs})")
    lines.append(f"used AS (\n  {rows})")
    source = (
        "used JOIN region USING (value)" if regions is not None else "(SELECT *, value AS code FROM used)"
    )
    lines.append(
        f"means AS (SELECT code, count(*) AS n, sum(w * d) AS sum_weight, sum(w * a) / sum(w * d) AS mean,\n"
        f"    sum(a) / sum(d) AS mean_plain FROM {source} GROUP BY code)"
    )
    return (
        "WITH " + ",\n".join(lines) + "\n"
        "SELECT code, any_value(n) AS n, any_value(sum_weight) AS sum_weight, any_value(mean) AS mean,\n"
        "  any_value(mean_plain) AS mean_plain,\n"
        "  CASE WHEN any_value(n) > 1 THEN sqrt(any_value(n) / (any_value(n) - 1)\n"
        "    * sum(pow(w * (a - mean * d), 2))) / any_value(sum_weight) END AS se,\n"
        f"  CASE WHEN any_value(n) >= {min_n} AND any_value(mean) IS NOT NULL THEN rank() OVER (\n"
        f"    ORDER BY CASE WHEN any_value(n) >= {min_n} THEN any_value(mean) END\n"
        "    DESC NULLS LAST) END AS rank\n"
        f"FROM {source} JOIN means USING (code) GROUP BY code ORDER BY rank NULLS LAST, code;"
    )


def _value(plan: Mapping[str, Any]) -> tuple[str, str]:
    (kind, measure), *_ = plan["measure"].items()
    if kind == "ratio":
        return (
            f"CAST({_name(measure['numerator'])} AS DOUBLE)",
            f"CAST({_name(measure['denominator'])} AS DOUBLE)",
        )
    score = f"CAST({_name(measure['score'])} AS DOUBLE)"
    if kind == "share_above":
        # A value that is not finite stays so, and is left out like in the mean.
        return (
            f"CASE WHEN isfinite({score}) THEN CAST({score} > {measure['cut']!r} AS DOUBLE) ELSE {score} END",
            "1.0",
        )
    return score, "1.0"


def _is_of(grouping: Any, by: str, of_region: bool) -> bool:
    if grouping == "region":
        return of_region
    return not of_region and next(iter(grouping.values()))["name"] == by


def _code(grouping: Any, plan: Mapping[str, Any]) -> str:
    if grouping == "region":
        return f"CAST({_name(plan['region'])} AS VARCHAR)"
    (kind, column), *_ = grouping.items()
    name = _name(column["name"])
    if kind == "column":
        return f"CAST({name} AS VARCHAR)"
    edges = column["edges"]
    cases = [
        f"WHEN NOT isfinite(CAST({name} AS DOUBLE)) THEN NULL",
        f"WHEN {name} < {edges[0]:g} THEN '<{edges[0]:g}'",
    ]
    cases += [f"WHEN {name} < {b:g} THEN '[{a:g}, {b:g})'" for a, b in pairwise(edges)]
    return f"CASE {' '.join(cases)} WHEN {name} IS NOT NULL THEN '>={edges[-1]:g}' END"


def _qualify(plan: Mapping[str, Any]) -> str:
    units = plan["units"]
    if units is None:
        return ""
    if units["pick"] not in ("latest", "first"):
        return f"\n  -- `pick={units['pick']}` joins a unit's records before this; the figures then differ"
    down = "DESC" if units["pick"] == "latest" else "ASC"
    version = f"{_name(units['version'])} DESC, " if units["version"] else ""
    order = f"{_name(units['time'])} {down}, {version}a DESC, w DESC, d DESC, value DESC"
    return (
        f"\n    AND {_name(units['key'])} IS NOT NULL AND {_name(units['time'])} IS NOT NULL"
        f"\n  QUALIFY row_number() OVER (PARTITION BY {_name(units['key'])} ORDER BY {order}) = 1"
    )


def _from(files: Sequence[str], encoding: str | None) -> str:
    listed = ", ".join(_text(file) for file in files)
    text = (".csv", ".csv.gz", ".tsv", ".txt")
    if all(file.endswith(text) for file in files):
        coded = f", encoding = {_text(encoding)}" if encoding else ""
        return f"read_csv([{listed}], nullstr = ['', '\\N']{coded})"
    return f"read_parquet([{listed}])"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
