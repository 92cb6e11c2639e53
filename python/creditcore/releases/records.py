"""The records of a release: who is in by its population statement, and what they weigh.

Comes in: a release's configuration and day. Goes out: records to rank, the options of their sums, counts of
those left out by cause. Law kept: in = used + excluded; equal files and configurations give equal records.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore import regions as region_tables
from creditcore._core import Source
from creditcore.aggregation import make_plan, measure_of
from creditcore.config import Config
from creditcore.errors import ArgumentError, SchemaError
from creditcore.population import Population
from creditcore.ranking.margins import Margin, Margins
from creditcore.ranking.margins import load as load_margins
from creditcore.ranking.weighing import Weighed, reweighed
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl

STAGES = ("applicants", "approved", "on book")
PRINTED = ("product", "stage", "window", "exclusions", "max_score_age", "region_source")
"""What a population statement only tells."""
APPLIED = ("kind", "window_days", "exclude")
"""What leaves records out, as in `[population]` of a configuration."""
USED = "used"
_SUMS = (
    *("score", "weight", "region", "unit", "pick", "time", "kind", "regions", "share_above", "ratio"),
    *("bands", "encoding"),
)


@dataclass(frozen=True)
class Released:
    """Records to rank, the options of their sums, those left out by cause, weights by margins."""

    source: Records
    options: dict[str, Any]
    causes: dict[str, int]
    weighed: Weighed | None

    def opened(self) -> Source:
        """Open the records once more."""
        return open_source(self.source, encoding=self.options.get("encoding"))


def check_population(told: Mapping[str, Any]) -> None:
    """Refuse a statement that says what is unknown.

    Raises:
        ArgumentError: an unknown key, or a stage that is none.
    """
    known = (*PRINTED, *APPLIED, "time_zone")
    for key in told:
        if key not in known:
            raise ArgumentError(f"unknown key `{key}` of the population; known are {', '.join(known)}")
    if told.get("stage", STAGES[0]) not in STAGES:
        raise ArgumentError(f"the population's `stage` is `{told['stage']}`; allowed are {', '.join(STAGES)}")


def population_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Give the population statement of a file: its table `[population]`, or else its top.

    A whole `creditcore.toml` may be named: the zone of its days is that of `[time]`.
    """
    part = dict(told.get("population", told))
    zone = told.get("time", {}).get("zone") if "population" in told else None
    return part if zone is None else {"time_zone": zone, **part}


def released_records(configuration: Mapping[str, Any], as_of: str) -> Released:
    """Give the records of a release.

    Raises:
        ArgumentError: a population statement or margins that are none.
        SchemaError, TacticError: a condition that cannot be asked of the records.
        Whatever `creditcore.rank` raises.
    """
    told = configuration.get("population", {})
    check_population(told)
    options = {key: configuration[key] for key in _SUMS if configuration.get(key) is not None}
    options.setdefault("score", None if "ratio" in options else "points_model")
    source: Records = configuration["source"]
    causes: dict[str, int] = {}
    regions = options.get("regions", "china")
    margins = load_margins(configuration["margins"], regions) if configuration.get("margins") else None
    if any(told.get(key) for key in APPLIED):
        rows = _read(source, configuration, options, _population(told, configuration, options), margins)
        source, causes = _without_excluded(rows, told, configuration, options, as_of)
        options |= {"kind": USED}
        options.pop("encoding", None)
    if margins is None:
        return Released(source, options, causes, None)
    given = {key: value for key, value in options.items() if key not in ("score", "weight")}
    names = [name for name in configuration["by"] if name != "score_version"]
    if "score_version" in open_source(source, encoding=options.get("encoding")).column_names():
        names.append("score_version")
    given["keep"] = [configuration.get("cluster")]
    weighed = reweighed(source, names, options["score"], options.get("weight"), margins, **given)
    options |= {"weight": weighed.weight}
    options.pop("encoding", None)
    return Released(weighed.records, options, causes, weighed)


def kept_margins(margins: Margins) -> tuple[list[Any], list[str]]:
    """Give margins as a catalog keeps them, and the paths among them."""
    told: list[Any] = []
    tables = []
    for one in [margins] if isinstance(margins, str | os.PathLike | Mapping) else list(margins):
        if isinstance(one, Mapping):
            if not all(isinstance(name, str) for name in one):
                raise ArgumentError("margins of a release by several columns are read from a file; name one")
            told.append({name: dict(people) for name, people in one.items()})
        elif one == "census":
            told.append(one)
        else:
            told.append(str(Path(one).resolve()))
            tables.append(told[-1])
    return told, tables


def _population(
    told: Mapping[str, Any], configuration: Mapping[str, Any], options: Mapping[str, Any]
) -> Population:
    columns = {
        "key": options.get("unit", "key"),
        "event_time": options.get("time", "event_time"),
        "kind": "kind",
    }
    kinds = {kind for kind in (told.get("kind"), options.get("kind")) if kind is not None}
    if len(kinds) > 1:
        raise ArgumentError(f"`kind` is `{options['kind']}`, in the population `{told['kind']}`; say it once")
    part = {key: told[key] for key in APPLIED if told.get(key)} | ({"kind": kinds.pop()} if kinds else {})
    zone = {"time": {"zone": told["time_zone"]}} if "time_zone" in told else {}
    return Population(Config.of({"columns": columns, "population": part, **zone}))


def _read(
    source: Records,
    configuration: Mapping[str, Any],
    options: Mapping[str, Any],
    population: Population,
    margins: list[Margin] | None,
) -> pl.DataFrame:
    """Read what sums, conditions and margins use."""
    from creditcore._frame import source_parts
    from creditcore.frames.text import TextColumns
    from creditcore.frames.weighing import columns_of_plan, records_of, with_whole_times

    opened = open_source(source, encoding=options.get("encoding"))
    there = opened.column_names()
    table = region_tables.load(options.get("regions", "china"))
    known = [] if table is None else [*table.levels(), *table.families()]
    measure = measure_of(options["score"], options.get("share_above"), options.get("ratio"))
    plan = make_plan(
        there,
        configuration["by"],
        measure,
        options.get("weight"),
        options.get("region"),
        options.get("unit"),
        options.get("pick", "latest"),
        options.get("time", "event_time"),
        None,
        table,
        options.get("bands") or {},
    )
    if absent := [name for name in population.columns if name not in there]:
        raise SchemaError(f"the population goes by `{absent[0]}`, and there is no such column")
    extra = [name for margin in margins or () for name in margin.columns if name not in known]
    extra += [name for name in ("score_version", configuration.get("cluster")) if name in there]
    wanted = dict.fromkeys([*population.columns, *extra], "key") | columns_of_plan(plan)
    rows = records_of(source_parts(opened, list(wanted.items())), list(wanted))
    if plan["units"] is not None:
        rows = with_whole_times(rows, plan["units"]["time"])
    as_text = tuple(name for name in rows.columns if name not in population.columns)
    return TextColumns(as_text).typed(rows, str(source), 0)


def _without_excluded(
    rows: pl.DataFrame,
    told: Mapping[str, Any],
    configuration: Mapping[str, Any],
    options: Mapping[str, Any],
    as_of: str,
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Give records with what becomes of each as their kind, and counts of those left out by cause."""
    from creditcore._frame import with_columns
    from creditcore.frames.weighing import distinct_texts

    population = _population(told, configuration, options)
    if "kind" in rows.columns and not told.get("kind") and options.get("kind") is None:
        kinds = distinct_texts(rows, "kind")
        if len(kinds) > 1:
            raise SchemaError(
                f"column `kind` holds {', '.join(f'`{kind}`' for kind in kinds[:5])}; say one in the "
                "population, or `all`"
            )
    causes = population.causes(rows, date.fromisoformat(as_of))
    counted = population.reconciled(causes)
    kinds = [USED if cause is None else cause for cause in causes.to_list()]
    return with_columns(rows, {"kind": kinds}), counted.excluded
