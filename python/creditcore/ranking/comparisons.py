"""What stands behind differences: clusters, families, variances, populations.

Comes in: records, sums or the rows of a ranking. Goes out: plain records. Sums are exact; each figure is
rounded at its end. Formulas and sources stand in docs/method.md.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from creditcore import regions as region_tables
from creditcore.aggregation import REGION_COLUMNS, Aggregate
from creditcore.errors import ArgumentError
from creditcore.ranking.exact import GroupSums, exact_sums
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    from creditcore.frames.within import Cells

Row = Mapping[str, Any]


def clustered(
    source: Records,
    cluster: str,
    by: str = "city",
    score: str = "points_model",
    weight: str | None = None,
    *,
    region: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
) -> list[dict[str, Any]]:
    """Give means with standard errors for records that come in clusters, as a person's loans do.

    Args:
        source: paths of records, or a frame.
        cluster: the column that tells clusters apart. Records without one, or without a group, are left out.
        by: a level or family of the region table, or a column.
        score: the column to average.
        weight: the column of weights.
        region: the column of regions.
        regions: the region table.

    Returns:
        For each group `code`, `n`, `clusters`, `mean`, and `se` = sqrt(C/(C-1) * sum over clusters of
        (sum of w (x - m))^2) / sum(w): with replacement, linearised, the formula of `svymean` of R's survey
        with `ids = ~cluster`. None for one cluster.

    Memory: the columns that are used, and the sums of each group and cluster, about 200 bytes.

    Raises:
        ArgumentError: `by` is nothing that there is.
        Whatever `creditcore.aggregate` raises.
    """
    cells = cells_of(source, cluster, by, score, weight, region=region, regions=regions)
    return [
        {
            "code": code,
            "n": sum(of.n),
            "clusters": len(of.keys),
            "mean": None if of.mean is None else float(of.mean),
            "se": of.clustered_error,
        }
        for code, of in cells.by().items()
    ]


def cells_of(
    source: Records,
    key: str | None,
    by: str,
    score: str,
    weight: str | None,
    *,
    region: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
) -> Cells:
    """Give the exact sums of every value of a column, or of the score itself, within every group.

    The arguments are those of `clustered`.

    Raises:
        ArgumentError: `by` is nothing that there is.
        Whatever `creditcore.aggregate` raises.
    """
    from creditcore._frame import source_parts
    from creditcore.frames.within import Cells, usable

    opened = open_source(source)
    columns = opened.column_names()
    table = region_tables.load(regions)
    named = table is not None and by in [*table.levels(), *table.families()]
    column = (region or next((name for name in REGION_COLUMNS if name in columns), None)) if named else by
    if column not in columns:
        raise ArgumentError(f"`by` is `{by}`; there is no such level, and no column for it")
    wanted = {"group": (column, "key"), "x": (score, "number")}
    if key is not None:
        wanted["key"] = (key, "key")
    if weight is not None:
        wanted["w"] = (weight, "number")
    members = None if table is None or not named else lambda values: table.members(values, by)
    return Cells(usable(source_parts(opened, list(wanted.values())), list(wanted), members))


def compare(rows: Sequence[Row], confidence: float = 0.95) -> list[dict[str, Any]]:
    """Compare all pairs of a ranking's rows: families, or a few groups.

    Returns:
        For each pair `code`, `other`, `diff` (of the means), `se`, `lo`, `hi`, `p` (two-sided, each alone).
        Rows are taken for independent, so groups that overlap (belts) must not be compared.
    """
    if not 0 < confidence < 1:
        raise ArgumentError(f"`confidence` is {confidence}; it lies between 0 and 1, for example 0.95")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    known = [row for row in rows if row["mean"] is not None and row["se"] is not None]
    found = []
    for one, other in combinations(known, 2):
        diff, se = one["mean"] - other["mean"], math.hypot(one["se"], other["se"])
        p = math.erfc(abs(diff) / (se * math.sqrt(2))) if se > 0 else float(diff == 0)
        pair = {"code": one["code"], "other": other["code"], "diff": diff, "se": se}
        found.append(pair | {"lo": diff - z * se, "hi": diff + z * se, "p": p})
    return found


def family_test(rows: Sequence[Row]) -> dict[str, Any]:
    """Test whether any of a ranking's means differ.

    Returns:
        `chi2` = sum of ((mean - centre) / se)^2 with the centre by precision, `degrees`, and `p`: how
        often as much comes about where all means are equal (Cochran, Biometrics 10, 1954). None for fewer
        than two rows with a standard error above zero.
    """
    known = [(row["mean"], row["se"]) for row in rows if row["mean"] is not None and row["se"]]
    degrees = len(known) - 1
    if degrees < 1:
        return {"chi2": None, "degrees": max(0, degrees), "p": None}
    centre = sum(mean / se**2 for mean, se in known) / sum(1 / se**2 for _, se in known)
    chi2 = sum(((mean - centre) / se) ** 2 for mean, se in known)
    return {"chi2": chi2, "degrees": degrees, "p": chi2_above(chi2, degrees)}


def chi2_above(value: float, degrees: int) -> float:
    """Give the probability that a chi-squared variable of whole degrees of freedom is above a value.

    >>> round(chi2_above(3.841458820694124, 1), 12)
    0.05
    """
    half = value / 2
    if degrees % 2:
        above, term, start = math.erfc(math.sqrt(half)), math.exp(-half) * math.sqrt(half / math.pi) * 2, 3
    else:
        above, term, start = math.exp(-half), math.exp(-half) * half, 4
    for at in range(start, degrees + 1, 2):
        above += term
        term *= value / at
    return min(1.0, above)


def variance_parts(sums: Aggregate, by: str | None = None) -> dict[str, Any]:
    """Split the variance of the scores into that between groups and that within them.

    Args:
        sums: exact sums; `by` is one of its columns, or a level of its region table.
        by: what makes the groups; the first of `sums.by` by default.

    Returns:
        `total`, `between`, `within` as fractions with total = between + within exactly (the law of total
        variance), and `share`, between / total, as a double. Squares of values off the fast path are of
        values of 26 bits (see docs/ranking.md).

    Raises:
        ArgumentError: an unknown `by`, sums without weight, or a ratio.
    """
    if "ratio" in sums._plan["measure"]:
        raise ArgumentError("the variance of a ratio has no parts; give `score`")
    groups = list(_grouped(sums, by).values())
    whole = sum(groups, GroupSums(0, Fraction(0), Fraction(0)))
    if whole.w == 0:
        raise ArgumentError("the sums have no weight; there is no variance")
    mean = whole.wx / whole.w
    total = whole.wxx / whole.w - mean**2
    between = sum((of.wx**2 / of.w for of in groups if of.w), Fraction(0)) / whole.w - mean**2
    share = float(between / total) if total else None
    return {"total": total, "between": between, "within": total - between, "share": share}


def _grouped(sums: Aggregate, by: str | None) -> dict[str, GroupSums]:
    level, grouping = sums._grouping(by)
    leaves = exact_sums(sums, grouping)
    if sums._table is None or sums._plan["by"][grouping] != "region":
        return leaves
    groups: dict[str, GroupSums] = {}
    seen: set[str] = set()
    for leaf, code in sums._table.members(list(leaves), level):
        if leaf in seen:
            raise ArgumentError(f"`{level}` overlaps; a unit would count twice")
        seen.add(leaf)
        groups[code] = groups[code] + leaves[leaf] if code in groups else leaves[leaf]
    return groups


def poststratified(sums: Aggregate, margins: Mapping[str, int], by: str = "province") -> list[dict[str, Any]]:
    """Average regions with their cities weighted by population instead of by how many records they have.

    Args:
        sums: exact sums by region.
        margins: the population of each region of the finest level that has records.
        by: a level or family whose rows are averaged.

    Returns:
        For each row with records `code`, `n`, `population`, `coverage` (n / population), `mean` (as ranked)
        and `mean_post`: sum of N m / sum of N over its cities, N the population and m the mean of a city
        (Holt and Smith, *Post Stratification*, JRSS A 142, 1979). Nearest doubles of exact fractions.

    Raises:
        ArgumentError: cities with records that the table has no population for, or without weight.
    """
    level, grouping = sums._grouping(by if by in sums.by else None)
    if sums._table is None or sums._plan["by"][grouping] != "region":
        raise ArgumentError("a population belongs to regions; sum by a level of a region table")
    leaves = exact_sums(sums, grouping)
    missing = [code for code in leaves if code not in margins]
    if missing:
        listed = ", ".join(f"`{code}`" for code in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise ArgumentError(
            f"the margin does not cover the records: no population for {listed}{more}; add them, "
            "or leave their records out"
        )
    level = by if by not in sums.by else level
    groups: dict[str, list[str]] = defaultdict(list)
    for leaf, code in sums._table.members(list(leaves), level):
        groups[code].append(leaf)
    if not groups:
        raise ArgumentError(f"`by` is `{by}`; it is no level or family of the region table")
    found = []
    for code in sorted(groups):
        whole = sum((leaves[leaf] for leaf in groups[code]), GroupSums(0, Fraction(0), Fraction(0)))
        empty = next((leaf for leaf in groups[code] if leaves[leaf].w == 0), None)
        if empty is not None:
            raise ArgumentError(f"`{empty}` has no weight, so no mean that its population could weigh")
        population = sum(margins[leaf] for leaf in groups[code])
        total = sum((margins[leaf] * leaves[leaf].wx / leaves[leaf].w for leaf in groups[code]), Fraction(0))
        told = {"code": code, "n": whole.n, "population": population, "coverage": whole.n / population}
        found.append(told | {"mean": float(whole.wx / whole.w), "mean_post": float(total / population)})
    return found
