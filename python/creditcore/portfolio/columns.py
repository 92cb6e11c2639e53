"""What a portfolio keeps of a record, by its configuration.

Comes in: a configuration. Goes out: the columns of the state and the plan of its sums.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from creditcore import regions as region_tables
from creditcore.aggregation import make_plan
from creditcore.config.config import Config
from creditcore.errors import SchemaError
from creditcore.portfolio.line import CAUSE, OP, USED, PortfolioLine

APART = 1 << 14
"""Renewed records from which on what is made of them is written apart, without what they say."""
VERSION_COLUMN = "version"
"""The column of versions where the configuration names none."""


def read_config(told: Config | Mapping[str, Any] | str | os.PathLike[str]) -> Config:
    """Give a configuration, however it was told."""
    if isinstance(told, Config):
        return told
    if isinstance(told, Mapping):
        return Config.of(told)
    return Config.load(told)


def keep_columns(config: Config, line: PortfolioLine) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the columns that a state keeps (`columns`: name and whether a number) and its plan.

    Raises:
        SchemaError: a section that a portfolio does not keep, or rankings that do not fit.
    """
    columns = config.columns
    if columns.unit is not None:
        raise config.fault(
            ("columns", "unit"), "a portfolio counts records; leave it out, the key is the unit"
        )
    if columns.kind is not None and columns.kind != "kind":
        raise config.fault(("columns", "kind"), "the column of kinds is called `kind`; rename it")
    numbers = [config.score.column, *([] if config.weights is None else [config.weights.column])]
    others = [columns.event_time, columns.known_time, columns.region, columns.kind]
    others += [*config.grouping_columns, *columns.keep]
    # A weight that is an input too is a number for both.
    kept = [*((name, True) for name in numbers), *(one for one in line.kept if one[0] not in numbers)]
    numbers = [name for name, _ in kept]
    kept += [(name, False) for name in dict.fromkeys(others) if name is not None and name not in numbers]
    version = columns.version or VERSION_COLUMN
    roles = [columns.key, columns.event_time, columns.known_time, columns.region, *numbers]
    _refuse_names(config, [columns.key, version, *(name for name, _ in kept)], roles, version)
    taken = {columns.key, version}
    # Hashes of identifiers: the state's own names for them.
    shown = [*(line.linked.shown if line.linked else ()), *line.hidden]
    layout: dict[str, Any] = {
        "key": columns.key,
        "version": version,
        "columns": [*(one for one in kept if one[0] not in taken), *((name, False) for name in shown)],
        "made": line.made_names,
        "still": line.hidden,
        "near": (line.again or []) if line.moving else [],
    }
    measures = [config.score.column, *([] if config.weights is None else [config.weights.column])]
    if line.linked is not None and line.linked.features:
        layout["inputs"] = line.halves
    texts = [name for name in (columns.region, columns.kind) if name is not None]
    layout |= {"measures": measures, "texts": texts, "apart_from": APART}
    people = config.population
    if columns.kind is not None and (people is None or people.kind is None):
        layout["one_kind"] = {"column": columns.kind, "among": None if people is None else [CAUSE, USED]}
    table = region_tables.load(config.region_table)
    names = [columns.key, *(name for name, _ in kept)]
    weight = None if config.weights is None else config.weights.column
    measure = {"mean": {"score": config.score.column}}
    kind = "all" if columns.kind is not None and people is not None else None
    if not config.rankings:
        raise SchemaError("the configuration has no `[[rankings]]`; say by what to rank")
    plan = make_plan(
        names, config.by, measure, weight, columns.region, None, "latest", "event_time", kind, table, {}
    )
    if config.population is not None:
        plan |= {"kind_column": CAUSE, "kind": USED}
    return layout, plan


def _refuse_names(config: Config, names: list[str], roles: list[str | None], version: str) -> None:
    """Refuse columns whose names mean something else in a state or a delta."""
    for name in names:
        if name.startswith("_"):
            told = "names that begin with `_` are the state's own"
        elif name == OP:
            told = "a delta says in it what a row does (`upsert`, `delete`)"
        elif name == version and name in roles:
            told = "it is the column of versions; name that one in `[columns] version`"
        else:
            continue
        raise config.fault(("columns",), f"column `{name}` cannot be kept: {told}; rename it")
