"""Aggregation: exact sums by group, in one pass over the records.

Comes in: records and what their columns mean. Goes out: an `Aggregate`, whose sums are exact and so do not
depend on order, threads or partitions: parts can be merged, taken away again, and carried as bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore import regions as region_tables
from creditcore.errors import ArgumentError, SchemaError
from creditcore.sources import Records, as_paths, open_source

if TYPE_CHECKING:
    from creditcore.ranking.publishing import Publish, PublishRules
    from creditcore.ranking.ranking import Ranking

REGION_COLUMNS = ("region", "city", "city_code", "adcode")
"""Columns that are taken for region codes where none is named, in this order."""
PICKS = ("latest", "first", "mean", "sum")
Progress = Callable[[int], None]


class Aggregate:
    """Exact sums of one or more groupings; immutable.

    >>> import creditcore as cc
    >>> columns = {"city": ["310100", "330400"], "score": [640.0, 655.0]}
    >>> whole = cc.aggregate(columns, by="city", score="score")
    >>> rows = [{name: [values[i]] for name, values in columns.items()} for i in (1, 0)]
    >>> parts = [cc.aggregate(row, by="city", score="score") for row in rows]
    >>> parts[0].merge(parts[1]).to_bytes() == whole.to_bytes()
    True
    """

    def __init__(self, core: _core.Aggregate, table: _core.Regions | None) -> None:
        """Wrap the native sums; made by `aggregate` and `from_bytes`."""
        self._core = core
        self._plan = json.loads(core.plan())
        self._table = table

    @property
    def by(self) -> list[str]:
        """What can be ranked by."""
        return [name for name, _, _ in self._plan["names"]]

    def merge(self, other: Aggregate) -> Aggregate:
        """Give the sums of both; the plans and region tables must be equal.

        Raises:
            ArgumentError: two plans, or two region tables.
        """
        return Aggregate(self._core.merged(other._core), self._table)

    def retract(self, other: Aggregate) -> Aggregate:
        """Give the sums without those of `other`, as if its records had never been there.

        Raises:
            ArgumentError: two plans, or records that were never added.
        """
        return Aggregate(self._core.retracted(other._core), self._table)

    def duckdb_query(
        self, source: Records, by: str | None = None, min_n: int = 1, *, encoding: str | None = None
    ) -> str:
        """Write the DuckDB query that gives the figures of a ranking of files.

        Reads the region column once more, to say in the query which of its values count for which region.

        Args:
            source: the paths that the sums were made from.
            by: one of `self.by`; the first by default.
            min_n: units below which a row gets no rank.
            encoding: of CSV text.

        Raises:
            ArgumentError: a name that is not among `self.by`, or a source that is no file.
        """
        from creditcore.report.sql import duckdb_query

        paths = as_paths(source)
        if paths is None:
            raise ArgumentError("a query reads files; give their paths")
        level, grouping = self._grouping(by)
        plan = self._plan
        regions = None
        if self._table is not None and plan["by"][grouping] == "region":
            column = {"column": {"name": plan["region"]}}
            values = {**plan, "by": [column], "names": [], "kind": "all", "units": None}
            opened = open_source(paths, encoding=encoding)
            seen = _core.aggregate(opened, json.dumps(values), None).rank(0, plan["region"])
            regions = self._table.members([str(code) for code in seen.columns()["code"]], level)
        return duckdb_query(plan, level, paths, regions, min_n, encoding)

    def _grouping(self, by: str | None) -> tuple[str, int]:
        """Give the level and the number of a name's grouping."""
        names = self._plan["names"]
        name = names[0][0] if by is None else by
        for known, level, grouping in names:
            if known == name:
                return level, grouping
        raise ArgumentError(f"`by` is `{name}`; these sums are by {', '.join(self.by)}")

    def to_bytes(self) -> bytes:
        """Give the byte form: equal sums have equal bytes, however they came about."""
        return self._core.to_bytes()

    @staticmethod
    def from_bytes(data: bytes, regions: str | os.PathLike[str] | None = "china") -> Aggregate:
        """Read the byte form.

        Args:
            data: what `to_bytes` gave.
            regions: the region table that the sums were made with.

        Raises:
            FormatError: bytes that were changed, cut short or are of another version.
        """
        return Aggregate(_core.Aggregate.from_bytes(data), region_tables.load(regions))

    def rank(
        self, by: str | None = None, min_n: int = 1, publish: Publish | PublishRules | None = None
    ) -> Ranking:
        """Rank one grouping.

        Args:
            by: one of `self.by`; the first by default.
            min_n: units below which a row keeps its figures but gets no rank.
            publish: rules of disclosure (see `creditcore.rank`). Rows are hidden so that none follows from
                what all of `self.by` show together.

        Raises:
            ArgumentError: a name that is not among `self.by`; rules that are none, or ask for largest weights
                that these sums do not hold.
        """
        from creditcore.ranking import publishing
        from creditcore.ranking.ranking import Ranking

        level, grouping = self._grouping(by)
        rules = publishing.load(publish)
        if rules is None:
            return Ranking(self._core.rank(grouping, level, self._table, min_n=min_n), self._plan, min_n)
        together = [other for _, other, number in self._plan["names"] if number == grouping]
        ranked = self._core.rank(
            grouping, level, self._table, min_n=min_n, rules=rules.as_json(), levels=together
        )
        return Ranking(ranked, self._plan, max(min_n, rules.min_ranked), rules)


def aggregate(
    source: Records,
    by: str | Sequence[str] = "city",
    score: str | None = "points_model",
    weight: str | None = None,
    *,
    region: str | None = None,
    unit: str | None = None,
    pick: str = "latest",
    time: str = "event_time",
    kind: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
    share_above: float | None = None,
    ratio: tuple[str, str] | None = None,
    bands: Mapping[str, Sequence[float]] | None = None,
    largest_weights: bool = False,
    encoding: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Aggregate:
    """Sum records by one or more groupings, exactly, in one pass.

    The arguments are those of `creditcore.rank`, which is this and then `Aggregate.rank`; and
    `largest_weights`, which keeps the largest weight of each group beside its sums, for rules of disclosure;
    without it nothing is looked for. They merge like sums. A group from which a unit as large as its
    largest was retracted has an unknown one, which only a new count can tell.

    Raises:
        SourceError: records that cannot be read, or a value that is refused, with file and row.
        SchemaError: a column that is missing or of a wrong type; several kinds where none was named.
        ArgumentError: an argument outside of what is allowed.
    """
    opened = open_source(source, encoding=encoding)
    table = region_tables.load(regions)
    measure = measure_of(score, share_above, ratio)
    plan = make_plan(
        opened.column_names(), by, measure, weight, region, unit, pick, time, kind, table, bands or {}
    )
    if largest_weights and (weight is not None or ratio is not None):
        plan["largest"] = True
    core = _core.aggregate(opened, json.dumps(plan), table, threads=threads, progress=progress)
    return Aggregate(core, table)


def make_plan(
    columns: Sequence[str],
    by: str | Sequence[str],
    measure: Mapping[str, object],
    weight: str | None,
    region: str | None,
    unit: str | None,
    pick: str,
    time: str,
    kind: str | None,
    table: _core.Regions | None,
    bands: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """Write the plan of a pass over records with these columns.

    Raises:
        SchemaError: a column or a level that there is not; several kinds where none was named.
        ArgumentError: an argument outside of what is allowed.
    """
    names = [by] if isinstance(by, str) else list(by)
    region = region or next((name for name in REGION_COLUMNS if name in columns), None)
    groupings, numbered = _groupings(names, columns, region, table, bands)
    if pick not in PICKS:
        raise ArgumentError(f"`pick` is `{pick}`; allowed are {', '.join(PICKS)}")
    if kind not in (None, "all") and "kind" not in columns:
        raise SchemaError(
            f"`kind` is `{kind}`, but there is no column `kind`; leave `kind` out or add the column"
        )
    return {
        "measure": measure,
        "weight": weight,
        "region": region,
        "units": None
        if unit is None
        else {
            "key": unit,
            "pick": pick,
            "time": time,
            "version": "version" if "version" in columns else None,
        },
        "kind_column": "kind" if "kind" in columns else None,
        "kind": kind,
        "by": groupings,
        "names": numbered,
    }


def measure_of(
    score: str | None, share_above: float | None, ratio: tuple[str, str] | None
) -> dict[str, dict[str, object]]:
    """Write what is averaged as a plan has it.

    Raises:
        ArgumentError: two measures, or none.
    """
    if ratio is not None:
        if share_above is not None:
            raise ArgumentError("`ratio` and `share_above` are two measures; give one of them")
        numerator, denominator = ratio
        return {"ratio": {"numerator": numerator, "denominator": denominator}}
    if score is None:
        raise ArgumentError("nothing to average; give `score` or `ratio`")
    if share_above is not None:
        return {"share_above": {"score": score, "cut": float(share_above)}}
    return {"mean": {"score": score}}


def _groupings(
    names: Sequence[str],
    columns: Sequence[str],
    region: str | None,
    table: _core.Regions | None,
    bands: Mapping[str, Sequence[float]],
) -> tuple[list[object], list[tuple[str, str, int]]]:
    """Give the plan's groupings, and for each name its level and the number of its grouping."""
    if not names:
        raise ArgumentError("`by` is empty; name at least one column or region level")
    if len(set(names)) < len(names):
        raise ArgumentError(f"`by` names something twice: {', '.join(names)}; name each once")
    unused = sorted(set(bands) - set(names))
    if unused:
        raise ArgumentError(f"`bands` are given for `{unused[0]}`, which `by` does not name; add it to `by`")
    levels = [] if table is None else [*table.levels(), *table.families()]
    groupings: list[object] = []
    numbered: list[tuple[str, str, int]] = []
    for name in names:
        grouping: object
        level = name
        if name in bands:
            grouping = {"bands": {"name": name, "edges": [float(edge) for edge in bands[name]]}}
        elif table is not None and (name in levels or name == region):
            grouping = "region"
            level = name if name in levels else table.levels()[-1]
        elif name in columns:
            grouping = {"column": {"name": name}}
        else:
            raise SchemaError(_no_such(name, levels, columns))
        if grouping not in groupings:
            groupings.append(grouping)
        numbered.append((name, level, groupings.index(grouping)))
    return groupings, numbered


def _no_such(name: str, levels: Sequence[str], columns: Sequence[str]) -> str:
    near = get_close_matches(name, [*levels, *columns], n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    named = ", ".join(f"`{column}`" for column in columns[:12])
    more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
    known = f"region levels: {', '.join(f'`{level}`' for level in levels)}; " if levels else ""
    return f"no column or region level `{name}`{hint} ({known}columns: {named}{more})"
