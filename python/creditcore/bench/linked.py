"""How long a refresh takes where records are linked: models, identifiers, network features, neighbours.

Comes in: how many records, rows of a delta, identifiers, features, models. Goes out: figures as plain data.
Identifiers are those of homes and devices: each joins a handful of records. A tenth of the models see
`net_now_*`. A delta's rows come later than all before.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from creditcore.bench.refresh import disk, quantiles, resident, timed
from creditcore.config.config import Config
from creditcore.line import run
from creditcore.portfolio.portfolio import Portfolio

START = dt.datetime(2026, 3, 1)
NETWORK_FEATURES = ("net_now_partners", "net_now_strength", "net_now_triangles", "net_now_one_hop")
PART = 1_000_000


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
    sorts = {f"sort{number}": {"columns": [f"id{number}"]} for number in range(size.identifiers)}
    told: dict[str, Any] = {
        "columns": columns,
        "fleet": {"models": "models"},
        "regions": {"table": "none"},
        "network": {"identifiers": sorts, "key_file": "secret", "cut": 4.0},
        "rankings": [{"by": "region"}],
    }
    return Config.of(told, folder)


def records(keys: np.ndarray[Any, Any], version: int, seed: int, size: Size, known: int) -> pl.DataFrame:
    """Give records of some keys; of `known` records two to four share each identifier."""
    draw = np.random.default_rng(seed)
    rows = len(keys)
    made: dict[str, Any] = {
        "key": (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(1)).astype(np.int64),
        "version": np.full(rows, version, dtype=np.int64),
        "time": pl.repeat(START + dt.timedelta(hours=version), rows, eager=True),
        "region": draw.integers(0, 340, rows),
    }
    for number in range(size.features):
        made[f"x{number}"] = draw.normal(size=rows).round(3)
    for number in range(size.identifiers):
        # Sorts of more and of fewer sharers: a phone of one, a home of several.
        made[f"id{number}"] = draw.integers(0, max(known * 2 // (number + 1), 2), rows)
    return pl.DataFrame(made)


def deltas(known: int, rows: int, count: int, version: int, size: Size) -> Iterator[pl.DataFrame]:
    """Give deltas: changes of records drawn at random, and a tenth of new keys."""
    draw = np.random.default_rng(version)
    fresh = max(rows // 10, 1)
    for number in range(count):
        old = np.unique(draw.integers(0, known, rows - fresh))
        keys = np.concatenate([old, np.arange(known, known + fresh)])
        known += fresh
        yield records(keys, version + number, version + number, size, known)


def measure(folder: Path, size: Size, rows: int, refreshes: int) -> dict[str, Any]:
    """Measure; the portfolio is made where there is none, and kept.

    Returns:
        As `refresh.measure`, and `rescored`: neighbours that were scored again by refresh; `day_roll`:
        seconds of a refresh of no rows on the next day; `equal`: whether the state is that of one pass over
        its records.
    """
    config, state = write_config(folder, size), folder / "state"
    if not state.is_dir():
        with Portfolio.create(state, config) as portfolio:
            for start in range(0, size.records, PART):
                keys = np.arange(start, min(start + PART, size.records))
                portfolio.ingest(records(keys, 1, start, size, size.records), START)
    before, start_time = resident(), time.perf_counter()
    with Portfolio.open(state, "write") as portfolio:
        opened, known, version = time.perf_counter() - start_time, portfolio.records, portfolio.version + 2
        done, told = timed(portfolio, deltas(known, rows, refreshes + 1, version, size), before)
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
            "equal": equal(portfolio, config),
        }


def equal(portfolio: Portfolio, config: Config) -> bool:
    """Whether scores and rankings are those of one pass over the identifiers that the state has as hashes."""
    rows = portfolio.scanned()
    made = portfolio.line.made_names
    told = config.to_dict()
    for number in range(len(told["network"]["identifiers"])):
        told["network"]["identifiers"][f"sort{number}"]["columns"] = [f"_sort{number}:id{number}"]
    whole = run(Config.of(told, config.folder), rows.drop(made))
    shown = [name for name in rows.columns if name in made and name in whole.records.columns]
    shown = [name for name in shown if name not in ("rules", "reasons")]
    same = rows.select("key", *shown).sort("key").equals(whole.records.select("key", *shown).sort("key"))
    ranking = portfolio.ranking("region").to_polars()
    return same and ranking.equals(whole.rankings["region"].to_polars())


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Give what is told of linked records alone."""
    again = told["rescored"]
    yield f"{again['p50']:,.0f} neighbours scored again a refresh (at most {again['max']:,.0f})"
    yield f"a day-roll without rows {told['day_roll'] * 1e3:.1f} ms"
