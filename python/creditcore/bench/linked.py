"""How long a refresh takes where records are linked: models, identifiers, network features, neighbours.

Comes in: how many records, rows of a delta, identifiers, features, models. Goes out: figures as plain data.
A tenth of the models see `net_now_*`. Identifiers are shared as `credit_graph.py` has it: almost every phone
and bank card is of one person, devices of some housemates, addresses of homes of one to six, employers of
some nine people, a few of a thousand (hubs). A person has some five neighbours. Records came in the two
months before; a delta's rows come later than all before, so ties to their neighbours are others than they
were, and a fifth of them show another phone and device.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from creditcore._frame import to_polars
from creditcore.bench.refresh import disk, quantiles, resident, timed
from creditcore.config.config import Config
from creditcore.line import build_network, rank, windowed, with_network
from creditcore.pipeline.pipeline import Pipeline
from creditcore.portfolio.portfolio import Portfolio
from creditcore.sources import open_source

START = dt.datetime(2026, 3, 1)
NETWORK_FEATURES = ("net_now_partners", "net_now_strength", "net_now_triangles", "net_now_one_hop")
PART = 1_000_000
SCORED = 1 << 18
"""Records that are scored at a time to be compared."""
SORTS = ("phone", "device", "bank_card", "address", "company")
STRANGERS = {"phone": 0.02, "device": 0.012, "bank_card": 0.004, "address": 0.0, "company": 0.0}
"""The sorts of identifiers, and the share of people who show that of somebody else."""
HOMES = np.repeat(np.arange(16), [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6])
"""The home of each of some people, and so on."""
FRESH = 1 << 40
"""Numbers of homes, firms and new devices are beyond those of people."""

LEAVES = 32
HEAD = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx={last}
objective=binary sigmoid:1
feature_names={names}
feature_infos={ranges}

"""
TREE = """Tree={number}
num_leaves={leaves}
num_cat=0
split_feature={features}
threshold={cuts}
decision_type={kinds}
left_child={left}
right_child={right}
leaf_value={values}

"""


class Size(NamedTuple):
    """What a portfolio of linked records is made of."""

    records: int
    identifiers: int = 5
    features: int = 16
    models: int = 20
    trees: int = 100


def trees_of(names: list[str], trees: int, seed: int) -> str:
    """Give a model of complete trees of 32 leaves with cuts drawn at random, in LightGBM's text form."""
    draw = np.random.default_rng(seed)
    inner = LEAVES - 1

    def child(node: int) -> str:
        return str(node) if node < inner else str(inner - node - 1)

    ranges = " ".join("[-5:5]" for _ in names)
    text = [HEAD.format(last=len(names) - 1, names=" ".join(names), ranges=ranges)]
    for number in range(trees):
        features = draw.integers(0, len(names), inner)
        # Network features are counts and sums from 0 on.
        cuts = np.where(features < len(names) - 4, draw.normal(size=inner), draw.uniform(0, 6, inner))
        told = {
            "features": " ".join(map(str, features)),
            "cuts": " ".join(f"{cut:.4f}" for cut in cuts),
            "kinds": " ".join("2" * inner),
            "left": " ".join(child(2 * node + 1) for node in range(inner)),
            "right": " ".join(child(2 * node + 2) for node in range(inner)),
            "values": " ".join(f"{value:.5f}" for value in draw.normal(-0.02, 0.05, LEAVES)),
        }
        text.append(TREE.format(number=number, leaves=LEAVES, **told))
    return "".join([*text, "end of trees\n"])


def names_of(count: int) -> list[str]:
    """Give names of sorts of identifiers."""
    return [f"{SORTS[at % len(SORTS)]}{at // len(SORTS) or ''}" for at in range(count)]


def write_config(folder: Path, size: Size) -> Config:
    """Write models, rules and the key of the hashes; give the configuration."""
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    own = [f"x{number}" for number in range(size.features)]
    declared = []
    for number in range(size.models):
        linked = number % 10 == 0
        names = [*own[: max(len(own) - 4, 1)], *NETWORK_FEATURES] if linked else own
        (models / f"m{number}.txt").write_text(trees_of(names, size.trees, seed=number), encoding="utf-8")
        target = "default" if number % 4 == 3 else "fraud"
        declared.append(f'[[model]]\nname = "m{number}"\nfile = "m{number}.txt"\ntarget = "{target}"\n')
    (models / "fleet.toml").write_text("\n".join(declared), encoding="utf-8")
    rule = "{id: watch, when: 'fraud_p > 0.6', action: review, on_null: no_hit}"
    policy = f"tactics:\n  - id: entry\n    rules:\n      - {rule}\n"
    (models / "policy.yaml").write_text(policy, encoding="utf-8")
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text("the hash key of a benchmark, of no records", encoding="utf-8")
    columns = {"key": "key", "version": "version", "event_time": "time", "region": "region"}
    sorts = {
        name: {"columns": [f"id{number}"], "normaliser": "exact"}
        for number, name in enumerate(names_of(size.identifiers))
    }
    told: dict[str, Any] = {
        "columns": columns,
        "fleet": {"models": "models"},
        "regions": {"table": "none"},
        "network": {"identifiers": sorts, "key_file": "secret", "cut": 4.0},
        "rankings": [{"by": "region"}],
    }
    return Config.of(told, folder)


def drawn(numbers: np.ndarray[Any, Any], salt: int) -> np.ndarray[Any, Any]:
    """Give for each number one from 0 to 1 that hangs on nothing else (splitmix64)."""
    mixed = (numbers.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def shown(numbers: np.ndarray[Any, Any], another: np.ndarray[Any, Any], count: int) -> Iterator[Any]:
    """Give for each sort of identifiers what people show; those of `another` have a phone and device anew."""
    home = numbers // len(HOMES) * 16 + HOMES[numbers % len(HOMES)]
    at_home = drawn(numbers, 1)
    for number in range(count):
        sort, chance = SORTS[number % len(SORTS)], drawn(numbers, 2 + number)
        # Neighbours by number are strangers otherwise.
        stranger = numbers ^ (drawn(numbers, 99 + number) * 65_536).astype(np.int64)
        own = np.where(chance < STRANGERS[sort], stranger, numbers)
        if sort == "address":
            own = np.where(chance < 0.93, FRESH + home, own)
        elif sort == "device":
            own = np.where(at_home < 0.2, FRESH + home, own)
        elif sort == "company":
            # Firms of some nine of twenty neighbours, a few of thousands; the others work for themselves.
            firm, large = 2 * FRESH + numbers // 20, 3 * FRESH + numbers // 20_000
            own = np.select([chance < 0.44, chance < 0.49], [firm, large], own)
        yield np.where(another, 4 * FRESH + numbers, own) if sort in ("phone", "device") else own


def records(keys: np.ndarray[Any, Any], version: int, seed: int, size: Size) -> pl.DataFrame:
    """Give records of some keys; version 1 is spread over two months, a later one comes at its hour."""
    draw = np.random.default_rng(seed)
    rows = len(keys)
    later = pl.repeat(START + dt.timedelta(hours=version), rows, eager=True)
    first = START - pl.Series(drawn(keys, 0) * 60 * 86_400_000_000).cast(pl.Duration("us"))
    made: dict[str, Any] = {
        "key": (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(1)).astype(np.int64),
        "version": np.full(rows, version, dtype=np.int64),
        "time": first if version == 1 else later,
        "region": draw.integers(0, 340, rows),
    }
    for number in range(size.features):
        made[f"x{number}"] = draw.normal(size=rows).round(3)
    another = (draw.random(rows) < 0.2) & (version > 1)
    for number, column in enumerate(shown(keys, another, size.identifiers)):
        made[f"id{number}"] = column
    return pl.DataFrame(made)


def deltas(known: int, rows: int, count: int, version: int, size: Size) -> Iterator[pl.DataFrame]:
    """Give deltas: changes of records drawn at random, and a tenth of new keys."""
    draw = np.random.default_rng(version)
    fresh = max(rows // 10, 1)
    for number in range(count):
        old = np.unique(draw.integers(0, known, rows - fresh))
        keys = np.concatenate([old, np.arange(known, known + fresh)])
        known += fresh
        yield records(keys, version + number, version + number, size)


def make(folder: Path, size: Size) -> Config:
    """Make the portfolio (`state`) where there is none; gives its configuration."""
    config, state = write_config(folder, size), folder / "state"
    if not state.is_dir():
        with Portfolio.create(state, config) as portfolio:
            for start in range(0, size.records, PART):
                keys = np.arange(start, min(start + PART, size.records))
                portfolio.ingest(records(keys, 1, start, size), START)
    return config


def measure(
    folder: Path,
    size: Size,
    rows: int,
    refreshes: int,
    *,
    compare: bool = True,
    compact_at: float | None = None,
) -> dict[str, Any]:
    """Measure; the portfolio is made where there is none, and kept.

    Returns:
        As `refresh.measure`, and `rescored`: neighbours that were scored again by refresh; `day_roll`:
        seconds of a refresh of no rows on the next day; `equal`: whether the state is that of one pass over
        its records, None without `compare`.
    """
    config, state = make(folder, size), folder / "state"
    before, start_time = resident(), time.perf_counter()
    with Portfolio.open(state, "write") as portfolio:
        opened, known, version = time.perf_counter() - start_time, portfolio.records, portfolio.version + 2
        taken = deltas(known, rows, refreshes + 1, version, size)
        done, told = timed(portfolio, taken, before, compact_at)
        roll = portfolio.refresh(None, START + dt.timedelta(days=2))
        return {
            **size._asdict(),
            "records": known,
            "delta": rows,
            "refreshes": refreshes,
            **told,
            "day_roll": roll.total,
            "rescored": quantiles([float(one.rescored) for one in done[1:]]),
            "fdatasync": quantiles(disk(folder, 100)),
            "open": opened,
            "segments": sum(1 for _ in state.glob("segment-*")),
            "equal": equal(portfolio, config) if compare else None,
        }


def equal(portfolio: Portfolio, config: Config) -> bool:
    """Whether scores and rankings are those of a line over the identifiers that the state has as hashes.

    The network is made of all records at once; they are read and scored in parts, so that a large state fits.
    """
    told, key = config.to_dict(), config.columns.key
    for name, sort in told["network"]["identifiers"].items():
        sort["columns"] = [f"_{name}:{column}" for column in sort["columns"]]
    inner, pipeline = Config.of(told, config.folder), Pipeline.of(config)
    # The network that the portfolio holds is not needed any more.
    portfolio._held = None
    core = portfolio._state()
    shown = [name for sort in told["network"]["identifiers"].values() for name in sort["columns"]]
    rows = to_polars(core.scan([key, "time", *shown]))
    whole = build_network(inner, rows)
    assert whole is not None
    networks = {"now": windowed(inner, whole, START), "at": whole}
    rows = with_network(inner, pipeline, rows, networks).select(key, *NETWORK_FEATURES)
    del whole, networks
    made, ranked = portfolio.line.made_names, []
    for start in range(0, len(rows), SCORED):
        found = core.look_up(open_source(rows.select(key)[start : start + SCORED]))
        kept = to_polars(core.part(found, 0, SCORED).records()).sort(key)
        told_of = rows[start : start + SCORED].sort(key)
        again = kept.drop(made).with_columns(told_of.get_columns())
        again = again.with_columns(pipeline.score(again).get_columns())
        same = [name for name in kept.columns if name in again.columns and name not in ("rules", "reasons")]
        if len(kept) != len(told_of) or not kept.select(same).equals(again.select(same)):
            return False
        ranked.append(again.select(key, "time", "region", config.score.column))
    ranking = rank(config, pl.concat(ranked))["region"].to_polars()
    return portfolio.ranking("region").to_polars().equals(ranking)


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Give what is told of linked records alone."""
    again = told["rescored"]
    yield f"{again['p50']:,.0f} neighbours scored again a refresh (at most {again['max']:,.0f})"
    yield f"a day-roll without rows {told['day_roll'] * 1e3:.1f} ms"
