"""Weights by which records add up to a population, inside a ranking.

Comes in: records, what is ranked, margins. Goes out: the records with a column of weights, and the population
of each row. Law kept: a weight is a column of doubles like any other, so the sums behind a figure are exact.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creditcore import regions as region_tables
from creditcore._core import Regions, Source
from creditcore.aggregation import aggregate, make_plan, measure_of
from creditcore.errors import ArgumentError, SchemaError
from creditcore.ranking.exact import exact_sums
from creditcore.ranking.margins import Margin, factors
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore.ranking.ranking import Ranking


@dataclass(frozen=True)
class Weighed:
    """Records with weights: `weight` names the column, `population` is that of rows by level and code."""

    records: pl.DataFrame
    weight: str
    margins: tuple[Margin, ...]
    regions: str | os.PathLike[str] | None

    def population(self, level: str) -> dict[str, int]:
        """Give the population of the rows of a level, family or column, where a margin tells it."""
        table = region_tables.load(self.regions)
        known = [] if table is None else [*table.levels(), *table.families()]
        for margin in self.margins:
            if len(margin.columns) > 1:
                continue
            (name,) = margin.columns
            if name in known and level in known and table is not None and self.regions is not None:
                return _rolled_up(table, self.regions, margin, level)
            if name == level:
                return {key: people for (key,), people in margin.population.items()}
        return {}


def reweighed(
    source: Records,
    by: Sequence[str],
    score: str | None,
    weight: str | None,
    margins: Sequence[Margin],
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
    encoding: str | None = None,
    threads: int | None = None,
    keep: Sequence[str | None] = (),
) -> Weighed:
    """Give records weights by which those that count add up to margins.

    The arguments are those of `creditcore.rank`; its own weight is the one that is adjusted. Columns to
    `keep` are given back beside those that are used, where they are there.

    Memory: the columns that are used, for all records.

    Raises:
        ArgumentError: a ratio; a margin that does not cover the records (see `factors`).
        SchemaError: a margin by something that is neither a column nor a level.
        Whatever `creditcore.aggregate` raises.
    """
    from creditcore.frames import weighing

    if ratio is not None:
        raise ArgumentError("`margins` weigh the units of a mean or a share; leave `ratio` out")
    if pick in ("mean", "sum") and unit is not None:
        raise ArgumentError(
            f"`pick` is `{pick}`; with `margins` one record of a unit counts: latest or first"
        )
    opened = open_source(source, encoding=encoding)
    table = region_tables.load(regions)
    measure = measure_of(score, share_above, None)
    plan = make_plan(
        opened.column_names(), by, measure, weight, region, unit, pick, time, kind, table, bands or {}
    )
    rows = _rows(opened, plan, margins, table, keep)
    if unit is not None:
        rows = weighing.with_whole_times(rows, time)
    names = list(dict.fromkeys(name for margin in margins for name in margin.columns))
    told = [(_column(name, plan, table), _codes(rows, name, plan, table)) for name in names]
    rows, values = weighing.with_cells(rows, told)
    options: dict[str, Any] = {"unit": unit, "pick": pick, "time": time, "kind": kind, "threads": threads}
    sums = exact_sums(
        aggregate(rows, weighing.CELL, score, weight, regions="none", share_above=share_above, **options)
    )
    used = [
        str(place) for place in range(len(values)) if str(place) in sums and not _nowhere(values[place], told)
    ]
    cells = [dict(zip(names, values[int(cell)], strict=True)) for cell in used]
    found = factors(margins, cells, [sums[cell].w for cell in used], [sums[cell].n for cell in used])
    given = dict(zip(used, found, strict=True))
    # Records without a region are left out of rankings of regions by their own cause; others are not weighed.
    if all(grouping == "region" for grouping in plan["by"]):
        given |= {cell: 1.0 for cell in sums if cell not in given}
    name = _free(_named(weight, margins), opened.column_names())
    return Weighed(weighing.weighed(rows, given, weight, name), name, tuple(margins), regions)


def with_coverage(ranking: Ranking, weighed: Weighed) -> Ranking:
    """Give a ranking with `population` and `coverage` (n / population) of each row that is shown."""
    people = weighed.population(ranking.by)
    rows = ranking.rows()
    known = [people.get(row["code"]) if row["n"] is not None else None for row in rows]
    ranking = ranking.with_plan(margins=[name for margin in weighed.margins for name in margin.columns])
    if not people:
        return ranking
    covered = [n and row["n"] / n for row, n in zip(rows, known, strict=True)]
    return ranking.with_columns({"population": known, "coverage": covered})


def _rows(
    opened: Source,
    plan: Mapping[str, Any],
    margins: Sequence[Margin],
    table: Regions | None,
    keep: Sequence[str | None],
) -> pl.DataFrame:
    """Read the columns that a plan and its margins use."""
    from creditcore._frame import source_parts
    from creditcore.frames.weighing import columns_of_plan, records_of

    there = opened.column_names()
    wanted = {name: "key" for name in keep if name in there}
    for name in (name for margin in margins for name in margin.columns):
        column = _column(name, plan, table)
        if column not in there:
            raise SchemaError(f"a margin is by `{name}`, which is no column and no region level; name one")
        wanted[column] = "key"
    wanted |= columns_of_plan(plan)
    return records_of(source_parts(opened, list(wanted.items())), list(wanted))


def _column(name: str, plan: Mapping[str, Any], table: Regions | None) -> str:
    """Give the column that a margin's name goes by."""
    regional = table is not None and name in [*table.levels(), *table.families()]
    return str(plan["region"]) if regional else name


def _codes(
    rows: pl.DataFrame, name: str, plan: Mapping[str, Any], table: Regions | None
) -> dict[str, str] | None:
    """Give what values of the region column stand for in a margin; None for a plain column."""
    from creditcore.frames.weighing import distinct_texts

    if table is None or name not in [*table.levels(), *table.families()]:
        return None
    pairs = table.members(distinct_texts(rows, plan["region"]), name)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ArgumentError(f"a margin is by `{name}`, which overlaps; a unit would be of two populations")
    return found


def _nowhere(values: Sequence[str | None], told: Sequence[tuple[str, Mapping[str, str] | None]]) -> bool:
    """Whether a cell is of records without a region."""
    return any(value is None and codes is not None for value, (_, codes) in zip(values, told, strict=True))


def _named(weight: str | None, margins: Sequence[Margin]) -> str:
    by = ", ".join(margin.named for margin in margins)
    people = f"population by {by}" if len(margins) == 1 else f"population by {by} (raked)"
    return people if weight is None else f"{weight} and {people}"


def _free(name: str, columns: Sequence[str]) -> str:
    while name in columns:
        name += "_"
    return name


def _rolled_up(table: Regions, regions: str | os.PathLike[str], margin: Margin, level: str) -> dict[str, int]:
    """Add up a margin's population by the rows of a level, where those are made of whole values of it."""
    finest = table.levels()[-1]
    leaves = [told["code"] for told in region_tables.attributes(regions) if told["level"] == finest]
    within, rows = defaultdict(set), defaultdict(set)
    for leaf, code in table.members(leaves, margin.columns[0]):
        within[code].add(leaf)
    for leaf, code in table.members(leaves, level):
        rows[code].add(leaf)
    found = {}
    for code, inside in rows.items():
        parts = [part for (part,) in margin.population if within[part] & inside]
        if parts and all(within[part] <= inside for part in parts):
            found[code] = sum(margin.population[part,] for part in parts)
    return found
