"""The whole line without a state: what a configuration says, done with records that are all there.

Comes in: a configuration, the records that count (each key once), an instant. Goes out: scores, decisions,
groups, rankings and who was left out; `write` puts them into a folder. What a portfolio holds after any
refreshes is what this gives for its records.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.aggregation import aggregate
from creditcore.config.config import Config
from creditcore.errors import ArgumentError, SchemaError, SourceError
from creditcore.linking.network import Network
from creditcore.pipeline.pipeline import Pipeline
from creditcore.population import Population, Reconciled, day_of
from creditcore.ranking.ranking import Ranking
from creditcore.sources import Records, open_source
from creditcore.tactics.standing import Reviews

if TYPE_CHECKING:
    import polars as pl

    from creditcore.linking.groups import Groups

VIEWS = ("now", "at")


@dataclass(frozen=True)
class Line:
    """What came of records.

    Attributes:
        records: the records' columns, network features, scores, decisions, and `cause`: why one is left out.
        rankings: by name.
        population: records = used + excluded.
        groups: the rings; None without a network.
    """

    records: pl.DataFrame = field(repr=False)
    rankings: Mapping[str, Ranking]
    population: Reconciled
    groups: Groups | None = field(repr=False)


def run(
    config: Config,
    source: Records,
    as_of: date | None = None,
    *,
    reviews: Records | None = None,
    threads: int | None = None,
) -> Line:
    """Do everything that a configuration says with records.

    Args:
        config: what is done.
        source: files or a frame; each key once.
        as_of: the instant that the figures speak of; needed for windows, and for rules that have days.
        reviews: what people decided, as `Portfolio.review` takes it; needs `as_of`.
        threads: one for each processor by default; they change nothing.

    Returns:
        A `Line`; its rankings leave out whom the population leaves out, and count further causes themselves.

    Memory: the records with their scores, and the network.

    Raises:
        SchemaError: a key that comes twice, a column that is not there or of a wrong type.
        What the stages raise.
    """
    from creditcore._frame import beside, to_frame

    rows = _read(config, source)
    whole = build_network(config, rows, threads=threads)
    network = None if whole is None else windowed(config, whole, as_of, threads=threads)
    groups = None
    pipeline = None if config.fleet is None else Pipeline.of(config, threads=threads)
    if network is not None and whole is not None and config.network is not None:
        networks = {"now": network, "at": whole}
        rows = with_network(config, pipeline, rows, networks, threads=threads)
        groups = network.find_groups(config=config.network.group_config, threads=threads)
    if pipeline is not None:
        made = pipeline.score(rows, as_of=None if as_of is None else day_of(as_of, config), threads=threads)
        if reviews is not None and pipeline.policy is not None and as_of is not None:
            known = Reviews.of(reviews, config.zone)
            made = beside(known.fold(made, rows[config.columns.key], day_of(as_of, config)), made)
        if taken := sorted(set(rows.columns) & set(made.columns)):
            raise SchemaError(f"the records have a column `{taken[0]}` already; rename it")
        rows = beside(rows, made)
    population = Population(config)
    causes = population.causes(rows, as_of, threads=threads)
    rankings = rank(config, to_frame(rows).filter(causes.is_null()), threads=threads)
    return Line(beside(rows, causes.to_frame()), rankings, population.reconciled(causes), groups)


def refuse_taken(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder that has something in it.

    Raises:
        ArgumentError: there is something in the folder, or it is a file.
    """
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ArgumentError(f"`{place}`: there is something in it; give a folder that is empty or not there")


def write(made: Line, folder: str | os.PathLike[str]) -> None:
    """Write what came of records into a folder, which is there whole or not at all.

    `scored.parquet` has the records, `rankings.parquet` the rankings one under the other; with a network
    `groups.parquet` has the members of rings, `rings.parquet` the rings.

    Args:
        made: what came of records.
        folder: not there yet, or empty.

    Raises:
        ArgumentError: there is something in the folder; SourceError: it cannot be written.
    """
    from creditcore._frame import write_parquet

    refuse_taken(folder)
    place = Path(folder)
    tables = {"scored": [made.records]}
    if made.rankings:
        tables["rankings"] = [ranking.to_polars() for ranking in made.rankings.values()]
    if made.groups is not None:
        rings = made.groups.summary.drop("dissolved_degrees", strict=False)
        tables |= {"groups": [made.groups.members], "rings": [rings]}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as temporary:
            fresh = Path(temporary) / "tables"
            fresh.mkdir()
            for name, frames in tables.items():
                with (fresh / f"{name}.parquet").open("wb") as file:
                    write_parquet(frames, file)
            fresh.replace(place)
    except OSError as error:
        raise SourceError(f"`{place}`: cannot be written: {error.strerror}") from error


def build_network(config: Config, rows: Records, *, threads: int | None = None) -> Network | None:
    """Give the network of records of any age; None where the configuration has none."""
    part = config.network
    if part is None:
        return None
    return Network.build(
        rows,
        config.columns.key,
        {name: one.model_dump(exclude_none=True) for name, one in part.identifiers.items()},
        config.columns.known_time or config.columns.event_time,
        part.build_config,
        key_file=None if part.key_file is None else config.path(part.key_file),
        threads=threads,
    )


def windowed(config: Config, network: Network, as_of: date | None, *, threads: int | None = None) -> Network:
    """Give a network as it is at an instant: without records that are too old to link.

    Raises:
        ArgumentError: no `as_of` where a window goes by it.
    """
    begin = window_begin(config, as_of)
    return network if begin is None else network.update(expire_before=begin, threads=threads)


def window_begin(config: Config, as_of: date | None) -> datetime | None:
    """Give the instant before which records link nobody; None where the network has no window.

    Raises:
        ArgumentError: there is a window, and no `as_of`.
    """
    if config.network is None or config.network.window_days is None:
        return None
    if as_of is None:
        raise ArgumentError("`window_days` of `[network]` goes by `as_of`; give the instant")
    first = day_of(as_of, config) - timedelta(days=config.network.window_days - 1)
    return datetime.combine(first, time(), config.zone)


def network_columns(pipeline: Pipeline | None, view: str) -> list[str]:
    """Give the network features of a view that models or rules ask for."""
    if pipeline is None:
        return []
    named = [*pipeline.sources, *(pipeline.policy.columns if pipeline.policy else ())]
    return list(dict.fromkeys(name for name in named if name.startswith(f"net_{view}_")))


def made_columns(pipeline: Pipeline | None, view: str, columns: Sequence[str]) -> list[str]:
    """Give the network features of a view that are made for records with some columns.

    What was known when a record was decided is frozen: records that bring all of `net_at_*` keep it.

    Raises:
        SchemaError: the records bring one that the network makes.
    """
    wanted = network_columns(pipeline, view)
    taken = sorted(set(wanted) & set(columns))
    if view == "at" and len(taken) == len(wanted):
        return []
    if taken:
        raise SchemaError(f"the records have a column `{taken[0]}`, which the network makes; rename it")
    return wanted


def with_network(
    config: Config,
    pipeline: Pipeline | None,
    rows: pl.DataFrame,
    networks: Mapping[str, Network],
    *,
    threads: int | None = None,
) -> pl.DataFrame:
    """Put the network features that models or rules ask for behind the records.

    `networks` are by view: what was known at a record's own time (`at`) does not pass away with a window.

    Raises:
        SchemaError: one that the network does not have, or that the records bring themselves.
    """
    assert config.network is not None
    for view in VIEWS:
        wanted = made_columns(pipeline, view, rows.columns)
        if not wanted:
            continue
        made = networks[view].ego_features(view=view, tau=config.network.tau, threads=threads)
        if absent := [name for name in wanted if name not in made.columns]:
            listed = ", ".join(f"`{name}`" for name in made.columns[1:8])
            raise SchemaError(f"the network has no feature `{absent[0]}`; there are {listed} ...")
        made = made.select("key", *wanted).rename({"key": config.columns.key})
        rows = rows.join(made, on=config.columns.key, how="left", maintain_order="left")
    return rows


def rank(config: Config, rows: Any, *, threads: int | None = None) -> dict[str, Ranking]:
    """Rank records, all of which count, by everything that the configuration ranks by."""
    if not config.rankings:
        return {}
    columns, people = config.columns, config.population
    sums = aggregate(
        rows,
        config.by,
        config.score.column,
        None if config.weights is None else config.weights.column,
        region=columns.region,
        unit=columns.unit,
        time=columns.event_time or "event_time",
        kind="all" if columns.kind == "kind" and people is not None and people.kind == "all" else None,
        regions=config.region_table,
        threads=threads,
    )
    return {name: sums.rank(name, ranking.min_n) for ranking in config.rankings for name in ranking.by}


def _read(config: Config, source: Records) -> pl.DataFrame:
    """Read the records whole, and refuse a key that comes twice."""
    from creditcore._frame import to_frame
    from creditcore.fitting import read
    from creditcore.sources import as_paths

    if as_paths(source) is None:
        rows = to_frame(source)
    else:
        rows = read(config, source, open_source(source).column_names())
    key = config.columns.key
    if key not in rows.columns:
        raise SchemaError(f"the records have no column `{key}`, their key")
    if rows[key].null_count():
        raise SchemaError(f"column `{key}`, the key, is null in {rows[key].null_count()} records")
    if (twice := rows[key].is_duplicated()).any():
        first = rows.filter(twice)[key][0]
        raise SchemaError(f"key `{first}` comes more than once; keep one record of each")
    return rows
