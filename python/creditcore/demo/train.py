"""Training the demo's fleet: `python -m creditcore.demo.train` (needs the extra `train`).

Comes in: a seed of its own. Goes out: `fleet.tar.xz` and `fleet.json`, the packaged fleet; the same for the
same seed, versions and machine.

The models learn in a world of another seed, in the months before the demo's begins, in which no city differs
from another. They see accepted applications with matured outcomes, and the features that `fleet_plan` gives
them: no code, no identifier, no place. The last three months teach nothing; on them the blends are
calibrated.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import platform
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from creditcore.demo.draws import Draws, Floats
from creditcore.demo.features import CATEGORICAL, MISSING_CODE, NAMES
from creditcore.demo.fleet import ARCHIVE, CALIBRATIONS, DECLARATIONS, MANIFEST, pack
from creditcore.demo.fleet_plan import FOCUS, LEAVES, VALID_FROM, VERSION, Plan, plans
from creditcore.demo.model_text import stripped
from creditcore.demo.network_columns import IDENTIFIERS, NETWORK, features_of, with_network
from creditcore.demo.world import World, chunks

MADE_BY = "# Made by `python -m creditcore.demo.train`; do not edit."
INPUTS = (*NAMES, *NETWORK)
"""What models may see."""
SEED = 20_220_601
RECORDS = 1_200_000
FIRST_DAY = datetime.date(2022, 6, 1)
"""Two years and some days before the demo's world: its data end before that one begins."""
CALIBRATED_FROM = datetime.datetime(2023, 3, 1)
LEARNED_UNTIL = datetime.datetime(2023, 6, 1)
HONEST_ROWS = 30_000
"""Honest applications that a fraud model learns from, standing for all of them by their weight."""
LEAST_CASES = 10
"""Frauds in a bin of the calibration."""
THREADS = 2
PROBE_ROWS = 256
SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": LEAVES,
    "max_bin": 127,
    "min_sum_hessian_in_leaf": 0.0,
    "lambda_l2": 2.0,
    "feature_fraction": 0.8,
    "cat_smooth": 20.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
OF_FRAUD = {"learning_rate": 0.12, "min_data_in_leaf": 20}
OF_CREDIT = {"learning_rate": 0.06, "min_data_in_leaf": 150}


@dataclass(frozen=True)
class Sample:
    """What the models learn from: accepted applications with matured outcomes."""

    values: Floats
    """Rows by features, in the order of `INPUTS`; classes as their positions, nulls as NaN."""
    facts: pl.DataFrame
    """`kind`, `channel`, `event_time`, `bad` (null: indeterminate) and `fraud_kind` (null: none)."""

    def where(self, mask: NDArray[np.bool_]) -> Sample:
        """Give some of the rows."""
        return Sample(self.values[mask], self.facts.filter(pl.Series(mask)))


def matrix(frame: pl.DataFrame) -> Floats:
    """Give the features of records as LightGBM takes them.

    Args:
        frame: records with the 64 features and those of the network.

    Returns:
        Float64, rows by features: -999 stays as it is, null is NaN, a class is its position.
    """
    columns = []
    for name in INPUTS:
        column = frame[name]
        if name in CATEGORICAL:
            column = column.cast(pl.Enum(CATEGORICAL[name])).to_physical()
        columns.append(column.cast(pl.Float64).fill_null(np.nan).to_numpy())
    return np.column_stack(columns)


def sample(world: World) -> Sample:
    """Make a world and keep what its lender could learn from.

    Memory: about 1,200 bytes for each application that is kept, 0.3 of the world's, and 200 for each of all.
    """
    linked, learned = [], []
    for frame, _ in chunks(world):
        linked.append(frame.select("key", "event_time", *IDENTIFIERS.values()))
        kept = frame.filter(
            (pl.col("prior_decision") == "accepted")
            & pl.col("outcome").is_not_null()
            & (pl.col("event_time").dt.replace_time_zone(None) < LEARNED_UNTIL)
        )
        learned.append(kept.select("key", "kind", "channel", "event_time", "outcome", "fraud_kind", *NAMES))
    # A record meets all before it, also those that nobody learns from.
    kept = with_network(pl.concat(learned), features_of(pl.concat(linked)))
    bad = pl.when(pl.col("outcome") != "indeterminate").then(pl.col("outcome") == "bad")
    facts = kept.select(
        "kind",
        "channel",
        pl.col("event_time").dt.replace_time_zone(None),
        bad.alias("bad"),
        "fraud_kind",
    )
    return Sample(matrix(kept), facts)


def rows_of(plan: Plan, drawn: Sample) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Say which rows a model learns from, with labels and weights."""
    numbered = drawn.facts.with_row_index("row")
    if plan.target == "default":
        # Fraud is another question: confirmed cases teach no credit model.
        told = numbered.filter(pl.col("bad").is_not_null() & pl.col("fraud_kind").is_null())
        rows = told["row"].to_numpy().astype(np.int64)
        return rows, told["bad"].cast(pl.Float64).to_numpy(), np.ones(len(rows))
    if plan.applies_to is not None:
        numbered = numbered.sql(f"SELECT * FROM self WHERE {plan.applies_to}")
    cheats = numbered.filter(pl.col("fraud_kind").is_in(FOCUS[plan.focus]))["row"].to_numpy().astype(np.int64)
    honest = numbered.filter(pl.col("fraud_kind").is_null())["row"].to_numpy().astype(np.int64)
    order = np.argsort(Draws(plan.seed).bits("honest rows", honest))
    chosen = np.sort(honest[order[:HONEST_ROWS]])
    rows = np.concatenate([cheats, chosen])
    labels = np.concatenate([np.ones(len(cheats)), np.zeros(len(chosen))])
    weights = np.where(labels > 0.0, 1.0, len(honest) / len(chosen))
    return rows, labels, weights


def train(plan: Plan, drawn: Sample) -> Any:
    """Train one model.

    Returns:
        A `lightgbm.Booster`.
    """
    import lightgbm

    rows, labels, weights = rows_of(plan, drawn)
    places = [INPUTS.index(name) for name in plan.features]
    classes = [name for name in plan.features if name in CATEGORICAL]
    settings = SETTINGS | (OF_FRAUD if plan.target == "fraud" else OF_CREDIT) | {"seed": plan.seed}
    data = lightgbm.Dataset(
        drawn.values[rows][:, places],
        label=labels,
        weight=weights,
        feature_name=list(plan.features),
        categorical_feature=classes,
        params=settings,
        free_raw_data=True,
    )
    return lightgbm.train(settings, data, num_boost_round=plan.trees)


def blended(scores: Mapping[str, Floats], declared: list[Plan], facts: pl.DataFrame) -> Floats:
    """Give the mean log-odds of models, weighted, over those that apply to each row."""
    total, weight = np.zeros(len(facts)), np.zeros(len(facts))
    for plan in declared:
        applies = np.ones(len(facts), dtype=bool)
        if plan.applies_to is not None:
            told = facts.with_row_index("row").sql(f"SELECT row FROM self WHERE {plan.applies_to}")
            applies[:] = False
            applies[told["row"].to_numpy()] = True
        total += np.where(applies, plan.weight * scores[plan.name], 0.0)
        weight += np.where(applies, plan.weight, 0.0)
    return total / weight


def platt(scores: Floats, labels: Floats) -> tuple[float, float]:
    """Fit labels by slope and intercept of log-odds (Platt, 1999), by Newton's method."""
    slope, intercept = 1.0, 0.0
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-(slope * scores + intercept)))
        off, spread = labels - chance, chance * (1.0 - chance)
        gradient = np.array([np.sum(off * scores), np.sum(off)])
        mixed = np.sum(spread * scores)
        curvature = np.array([[np.sum(spread * scores**2), mixed], [mixed, np.sum(spread)]])
        step = np.linalg.solve(curvature, gradient)
        slope, intercept = slope + float(step[0]), intercept + float(step[1])
        if float(np.max(np.abs(step))) < 1e-10:
            break
    return slope, intercept


def isotonic(scores: Floats, labels: Floats, least: int = LEAST_CASES) -> tuple[list[float], list[float]]:
    """Fit labels by rising steps: pooled adjacent violators (Ayer and others, 1955) over bins of the scores.

    Args:
        scores: log-odds.
        labels: 1 for a case, 0 for none.
        least: cases in a bin.

    Returns:
        The mean score and the share of cases of each pool, both rising: points of a line.
    """
    order = np.argsort(scores, kind="stable")
    ranked, cases = scores[order], labels[order]
    # A bin ends with the case that fills it; what is left over joins the last full one.
    bins = ((np.cumsum(cases) - cases) // least).astype(np.int64)
    bins = np.minimum(bins, max(int(cases.sum()) // least - 1, 0))
    counts, sums = np.bincount(bins), np.bincount(bins, weights=cases)
    pools: list[tuple[float, float, float]] = []
    for size, found, total in zip(counts, sums, np.bincount(bins, weights=ranked), strict=True):
        pool = (float(size), float(found), float(total))
        while pools and pools[-1][1] * pool[0] >= pool[1] * pools[-1][0]:
            pool = tuple(map(sum, zip(pools.pop(), pool, strict=True)))  # type: ignore[assignment]
        pools.append(pool)
    return [total / size for size, _, total in pools], [found / size for size, found, _ in pools]


def probe(features: tuple[str, ...]) -> Floats:
    """Give rows that reach many leaves, the same on every machine: for a digest of a model's outputs.

    Values are spread over several magnitudes, with codes and gaps among them.
    """
    rows = np.arange(PROBE_ROWS, dtype=np.int64)
    columns = []
    for name in features:
        draws = Draws(INPUTS.index(name))
        if name in CATEGORICAL:
            values = draws.below("class", rows, len(CATEGORICAL[name])).astype(np.float64)
        else:
            # Powers of two and products are exact, so no library's rounding is in them.
            size = 2.0 ** draws.below("size", rows, 16).astype(np.float64)
            values = np.where(
                draws.uniform("whole", rows) < 0.5,
                np.floor(draws.uniform("value", rows) * size),
                draws.uniform("value", rows),
            )
            values = np.where(draws.uniform("code", rows) < 0.1, float(MISSING_CODE), values)
        columns.append(np.where(draws.uniform("gap", rows) < 0.1, np.nan, values))
    return np.column_stack(columns)


def probe_digest(booster: Any, features: tuple[str, ...]) -> str:
    """Give the digest of a model's raw outputs on its probe."""
    raw = np.asarray(booster.predict(probe(features), raw_score=True, num_threads=1), dtype="<f8")
    return hashlib.sha256(raw.tobytes()).hexdigest()


def declarations() -> str:
    """Give the text of `fleet.toml`."""
    lines = [MADE_BY]
    for plan in plans():
        lines += [
            "",
            "[[model]]",
            f'name = "{plan.name}"',
            f'file = "{plan.name}.txt"',
            f'target = "{plan.target}"',
            *([] if plan.applies_to is None else [f'applies_to = "{plan.applies_to}"']),
            f"weight = {plan.weight}",
            'status = "champion"',
            f'version = "{VERSION}"',
            f"valid_from = {VALID_FROM}",
        ]
    return "\n".join([*lines, ""])


def calibrations(scores: Mapping[str, Floats], held: Sample) -> str:
    """Give the text of `blend.toml`: from a blend's log-odds to a probability that means what it says.

    Bad outcomes follow a line. Frauds do not, as a blend of kinds bends at its low end: they follow steps.
    """
    lines = [
        MADE_BY,
        "# Weights of the blends stand with the models in fleet.toml; many models know one segment only.",
        'on_null = "renormalise"',
    ]
    for target, section in (("fraud", "fraud"), ("default", "credit")):
        label = _label(held.facts, target)
        known = label.is_not_null().to_numpy()
        blend = blended(scores, [plan for plan in plans() if plan.target == target], held.facts)[known]
        cases = label.drop_nulls().cast(pl.Float64).to_numpy()
        lines += ["", f"[calibration.{section}]"]
        if target == "fraud":
            log_odds, probability = isotonic(blend, cases)
            lines += ['kind = "isotonic"', f"log_odds = {log_odds}", f"probability = {probability}"]
        else:
            slope, intercept = platt(blend, cases)
            lines += ['kind = "platt"', f"slope = {slope!r}", f"intercept = {intercept!r}"]
    return "\n".join([*lines, ""])


def train_fleet(records: int, seed: int, archive: Path, listed: Path) -> Iterator[str]:
    """Train the fleet and pack it, saying how far it is.

    Args:
        records: of the world that it learns in; about 0.24 of them are learned from.
        seed: of that world.
        archive: where the archive goes.
        listed: where its manifest goes.
    """
    import lightgbm

    drawn = sample(World(records, seed, "null", FIRST_DAY))
    early = (drawn.facts["event_time"] < CALIBRATED_FROM).to_numpy()
    learned, held = drawn.where(early), drawn.where(~early)
    yield f"{len(learned.facts):,} applications to learn from, {len(held.facts):,} to calibrate on"
    contents: dict[str, bytes] = {}
    scores: dict[str, Floats] = {}
    digests: dict[str, str] = {}
    declared = plans()
    with ThreadPoolExecutor(THREADS) as pool:
        for plan, booster in zip(declared, pool.map(lambda one: train(one, learned), declared), strict=True):
            places = [INPUTS.index(name) for name in plan.features]
            scores[plan.name] = booster.predict(held.values[:, places], raw_score=True, num_threads=THREADS)
            digests[plan.name] = probe_digest(booster, plan.features)
            contents[f"{plan.name}.txt"] = stripped(booster.model_to_string(), CATEGORICAL).encode()
            if plan.seed % 20 == 0:
                yield f"{plan.seed} of {len(declared)} models"
    contents[DECLARATIONS] = declarations().encode()
    contents[CALIBRATIONS] = calibrations(scores, held).encode()
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "polars": pl.__version__,
        "lightgbm": lightgbm.__version__,
    }
    told = {
        "made_by": "python -m creditcore.demo.train",
        "world": {"records": records, "seed": seed, "name": "null", "first_day": FIRST_DAY.isoformat()},
        "learned_from": len(learned.facts),
        "calibrated_on": len(held.facts),
        "versions": versions,
        "probes": digests,
    }
    pack(contents, told, archive, listed)
    yield f"{archive}: {archive.stat().st_size:,} bytes"


def _label(facts: pl.DataFrame, target: str) -> pl.Series:
    """What a blend is calibrated to: confirmed fraud, or bad among those who are no confirmed fraud."""
    if target == "fraud":
        return facts["fraud_kind"].is_not_null()
    honest = pl.when(pl.col("fraud_kind").is_null()).then(pl.col("bad"))
    return facts.select(honest.alias("bad")).to_series()


def main() -> None:
    """Train the packaged fleet anew."""
    parser = argparse.ArgumentParser(description="Train the demo's fleet and pack it.")
    parser.add_argument("--records", type=int, default=RECORDS, help="of the world that it learns in")
    parser.add_argument("--seed", type=int, default=SEED, help="of that world")
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    asked = parser.parse_args()
    for line in train_fleet(asked.records, asked.seed, asked.archive, asked.manifest):
        print(line, flush=True)


if __name__ == "__main__":
    main()
