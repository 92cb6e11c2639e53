"""What only records can tell of a ranking's rows: errors by cluster, quantiles, shares by grade.

Comes in: rankings, the sums and the records behind them. Goes out: the rankings with other errors or further
columns. Law kept: the units are those of the sums; where they are not, nothing is given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creditcore._core import Regions, Source
from creditcore.aggregation import Aggregate
from creditcore.errors import ArgumentError, FormatError, SchemaError
from creditcore.ranking.distributions import (
    check_grades,
    check_probabilities,
    grades_in_order,
    quantiles_of,
    shares_of,
)
from creditcore.ranking.exact import exact_sums
from creditcore.ranking.publishing import read_toml

if TYPE_CHECKING:
    import polars as pl

    from creditcore.frames.within import Cells, Within
    from creditcore.ranking.ranking import Ranking

Grades = Mapping[str, float] | str | os.PathLike[str]
"""Names with the score from which each counts, or the path of a TOML file of them."""


def load_grades(grades: Grades | None) -> dict[str, float] | None:
    """Read a grade table: a dict, or a TOML file whose table `[grades]`, or else whose top, holds it.

    Raises:
        SourceError, FormatError: a file that cannot be read, or holds no table of grades.
        ArgumentError: the same in a dict.
    """
    if grades is None:
        return None
    if isinstance(grades, Mapping):
        told = dict(grades)
        check_grades(told)
        return told
    whole = read_toml(grades)
    told = whole.get("grades", whole)
    if not isinstance(told, dict) or any(type(edge) not in (int, float) for edge in told.values()):
        raise FormatError(f"`{grades}`: lines such as `excellent = 700` are needed, a score for each name")
    try:
        check_grades(told)
    except ArgumentError as error:
        raise FormatError(f"`{grades}`: {error}") from error
    return {name: float(edge) for name, edge in told.items()}


def with_detail(
    rankings: Mapping[str, Ranking],
    sums: Aggregate,
    opened: Source,
    table: Regions | None,
    cluster: str | None,
    quantiles: Sequence[float] | None,
    grades: Mapping[str, float] | None,
) -> dict[str, Ranking]:
    """Give rankings with errors by cluster, and columns of quantiles and grades.

    Where rules of disclosure hide rows, quantiles and shares are given of ranked rows alone.

    Args:
        rankings: by name, of `sums`.
        sums: of the records.
        opened: the records.
        table: the region table.
        cluster: the column of clusters.
        quantiles: probabilities.
        grades: names with the score from which each counts.

    Raises:
        ArgumentError: quantiles or grades of a share or a ratio, or that are none.
        SchemaError: a cluster column that there is not, or that has nulls.
    """
    if cluster is None and quantiles is None and grades is None:
        return dict(rankings)
    if quantiles is not None:
        check_probabilities(quantiles)
    if (quantiles is not None or grades is not None) and "mean" not in sums._plan["measure"]:
        raise ArgumentError("only a mean has quantiles and grades; leave `share_above` and `ratio` out")
    if cluster is not None and cluster not in opened.column_names():
        raise SchemaError(f"`cluster` is `{cluster}`, and there is no such column")
    rows = _rows(sums._plan, opened, cluster)
    found = dict(rankings)
    for number in range(len(sums._plan["by"])):
        frame, members = _grouped(rows, sums, number, table)
        by_cluster = None if cluster is None else _cells(frame, sums._plan, cluster)
        by_score = None if quantiles is None and grades is None else _cells(frame, sums._plan, None)
        for name, level, grouping in sums._plan["names"]:
            if grouping != number:
                continue
            pairs = None if members is None else members(level)
            if by_cluster is not None:
                errors = {code: of.clustered_error for code, of in by_cluster.by(pairs).items()}
                found[name] = found[name].with_errors(errors, f"standard errors by {cluster}")
            if by_score is not None:
                columns = _columns(found[name], by_score.by(pairs), quantiles or (), grades)
                found[name] = found[name].with_columns(columns)
    return found


def _rows(plan: Mapping[str, Any], opened: Source, cluster: str | None) -> pl.DataFrame:
    """Give a row for each unit."""
    from creditcore._frame import source_parts
    from creditcore.frames import used

    wanted = used.columns_of(plan) | ({} if cluster is None else {"cluster": (cluster, "key")})
    kind = None if plan["kind"] == "all" else plan["kind"]
    share = plan["measure"].get("share_above", {}).get("cut")
    parts = source_parts(opened, list(wanted.values()))
    return used.used_rows(parts, list(wanted), kind, (plan["units"] or {}).get("pick", "latest"), share)


def _grouped(
    rows: pl.DataFrame, sums: Aggregate, number: int, table: Regions | None
) -> tuple[pl.DataFrame, Callable[[str], list[tuple[str, str]]] | None]:
    """Give units with the point that each is in, and what points are part of at a level.

    Raises:
        ArgumentError: units that are not those of the sums.
    """
    from creditcore.frames import used

    by, group, members = sums._plan["by"][number], f"g{number}", None
    if by == "region" and table is not None:
        leaves = dict(table.members(used.distinct(rows, group), table.levels()[-1]))
        frame = used.in_groups(rows, group, leaves)
        points = used.points_of(frame)
        members = lambda level: table.members(points, level)  # noqa: E731
    elif "bands" in by:
        frame = used.in_bands(rows, group, by["bands"]["edges"])
    else:
        frame = used.in_groups(rows, group, None)
    if not same_sums(sums, number, used.figures(frame)):
        raise ArgumentError(
            "the units that were ranked cannot be told one by one, so they have no errors by cluster and no "
            "distribution; give all times in one form, and one record for each unit and time"
        )
    return frame, members


def same_sums(sums: Aggregate, number: int, mine: tuple[int, tuple[float, ...], tuple[float, ...]]) -> bool:
    """Whether units have the count and the sums of a grouping, but for the rounding of doubles."""
    of = exact_sums(sums, number).values()
    theirs = (float(sum(part.w for part in of)), float(sum(part.wx for part in of)))
    # Decimal columns count in units of their last digit.
    return mine[0] == sum(part.n for part in of) and all(
        any(abs(a * 10.0**k - b) <= 1e-9 * size * 10.0**k for k in range(39))
        for a, size, b in zip(*mine[1:], theirs, strict=True)
    )


def _cells(frame: pl.DataFrame, plan: Mapping[str, Any], cluster: str | None) -> Cells:
    from creditcore.frames import used, within

    if cluster is not None and (unknown := used.unknown(frame, "cluster")):
        raise SchemaError(
            f"column `{cluster}`: {unknown:,} units that are ranked have no cluster; give each one, "
            "its own if there is no other"
        )
    names = {"group": "point", "x": "x", "w": "w"} | ({"d": "d"} if "ratio" in plan["measure"] else {})
    return within.Cells(used.named(frame, names | ({} if cluster is None else {"key": "cluster"})))


def _columns(
    ranking: Ranking,
    groups: Mapping[str, Within],
    quantiles: Sequence[float],
    grades: Mapping[str, float] | None,
) -> dict[str, list[float | None]]:
    hidden = ranking.publish_rules is not None
    names = [f"q_{probability}" for probability in quantiles]
    names += [] if grades is None else [f"share_{name}" for name in grades_in_order(grades)]
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    for row in ranking.rows():
        of = None if hidden and row["rank"] is None else groups.get(row["code"])
        told: Mapping[str, float] = {}
        if of is not None and sum(of.w) > 0:
            told = {f"q_{p}": value for p, value in quantiles_of(of, quantiles).items()}
            told |= {f"share_{name}": share for name, share in shares_of(of, grades or {}).items()}
        for name, column in columns.items():
            column.append(told.get(name))
    return columns
