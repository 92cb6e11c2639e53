"""What is learned once, before a portfolio: strengths and cut of its network, the baseline of its gates.

Comes in: a configuration that names the files for it, records. Goes out: these files. Ingest and refresh
never learn; whoever fits anew reconfigures the portfolio.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from creditcore.config.config import Config
from creditcore.errors import ArgumentError
from creditcore.gates.gates import Baseline, watched
from creditcore.linking.groups import find_in
from creditcore.linking.network import Network
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl


class Learned(NamedTuple):
    """What was learned; None where the configuration has no place for it."""

    network: dict[str, Any] | None
    """Strengths by type, and the cut of the filter."""
    baseline: Baseline | None


def fit(config: Config, records: Records, *, threads: int | None = None) -> Learned:
    """Learn of records what a configuration leaves to be learned.

    Args:
        config: read with `unlearned=True`; strengths and a cut that it says stay as they are.
        records: files or a frame.
        threads: one for each processor by default; they change nothing.

    Raises:
        SchemaError, SourceError: a column that is not there, a value that is refused.
    """
    network, gates = None, None
    if config.network is not None and config.network.learned is not None:
        network = _network(config, records, threads)
    if config.gates is not None and config.gates.baseline is not None:
        names = watched(config)
        gates = Baseline.of(read(config, records, names), names, _categories(config))
    return Learned(network, gates)


def write(config: Config, learned: Learned) -> list[Path]:
    """Write what was learned into the files that the configuration names; each is there whole or not at all.

    Raises:
        ArgumentError: the configuration names no file for anything.
    """
    written = []
    if learned.network is not None and config.network is not None and config.network.learned is not None:
        text = json.dumps(learned.network, indent=1) + "\n"
        written.append(_put(config.path(config.network.learned), text))
    if learned.baseline is not None and config.gates is not None and config.gates.baseline is not None:
        written.append(_put(config.path(config.gates.baseline), learned.baseline.to_json()))
    if not written:
        raise ArgumentError("nothing to learn; say `learned` in `[network]` or `baseline` in `[gates]`")
    return written


def read(config: Config, records: Records, names: list[str]) -> pl.DataFrame:
    """Read columns as the stages would: numbers for models, weights and scores, others as they are.

    Raises:
        SchemaError: a column that is not there; SourceError: a value that is refused.
    """
    from creditcore._frame import source_parts, to_frame

    opened = open_source(records)
    roles = _roles(config, opened.column_names())
    told = [(name, roles.get(name, "key")) for name in names]
    parts = [part for part, _, _ in source_parts(opened, told)]
    made = parts[0] if parts else to_frame({name: [] for name in names})
    for part in parts[1:]:
        made = made.vstack(part)
    made.columns = names
    return made


def _roles(config: Config, columns: list[str]) -> Mapping[str, str]:
    roles: dict[str, str] = {}
    if config.fleet is not None:
        from creditcore.pipeline.pipeline import Pipeline

        roles = dict(Pipeline.of(config).inputs_of(columns))
    else:
        roles[config.score.column] = "number"
    if config.weights is not None:
        roles[config.weights.column] = "number"
    return roles


def _categories(config: Config) -> frozenset[str]:
    """The columns of records that are compared by value, whatever their type."""
    found = {config.columns.region, config.columns.kind, *config.grouping_columns}
    if config.schema_file is not None:
        from creditcore.features import Schema

        features = Schema.load(config.schema_file).features
        found |= {one.get("source", one["name"]) for one in features if one.get("type") == "category"}
    return frozenset(name for name in found if name is not None)


def _network(config: Config, records: Records, threads: int | None) -> dict[str, Any]:
    part, columns = config.network, config.columns
    assert part is not None
    built = Network.build(
        records,
        columns.key,
        {name: one.model_dump(exclude_none=True) for name, one in part.identifiers.items()},
        columns.known_time or columns.event_time,
        part.build_config,
        key_file=None if part.key_file is None else config.path(part.key_file),
        threads=threads,
    )
    fitted = built if part.strengths else built.fit()
    groups = find_in(fitted._core, None, part.group_config, threads=threads)
    learned: dict[str, Any] = {
        name: fitted.config[name] for name in ("strengths", "rarities") if name in fitted.config
    }
    return {**learned, "cut": groups.config["cut"]}


def _put(path: Path, text: str) -> Path:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path
