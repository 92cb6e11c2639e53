"""What `creditcore demo` shows: lines of evidence, each with the command that checks it.

Comes in: a world, a folder. Goes out: files in that folder, and lines. `truth.parquet` is opened by the last
steps alone (`_planted`).
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from creditcore._core import instruction_set
from creditcore.demo import evidence
from creditcore.demo.facts import LEAST_UNITS, Fact, published_facts
from creditcore.demo.fleet import unpack
from creditcore.demo.real_case import Evidence, real_case
from creditcore.demo.truth import planted_by_city, rank_correlation, shrinkage
from creditcore.demo.world import World, write_world
from creditcore.demo.worlds import planted_means
from creditcore.fleet import Fleet
from creditcore.pipeline import Pipeline
from creditcore.ranking import rank
from creditcore.report.plot import dot_plot
from creditcore.scoring import Blend

if TYPE_CHECKING:
    from creditcore.ranking import Ranking

LEVELS = ("city", "province", "north_south", "coast", "nbs_region", "belts", "province_kind")
KEPT = (
    *("key", "unit_id", "kind", "adcode", "event_time", "product", "decision", "exposure", "balance"),
    *("overdue_days", "outcome", "fraud"),
)
ENOUGH = 100_000
"""Records from which a city needs `LEAST_UNITS` for a rank."""
FACTS_FROM = 1_000_000
"""Records from which the published facts must come back; with fewer, chance may hide one."""
_RANK = "--score points_model --unit unit_id --kind person"


class Tour:
    """The demo's steps.

    Attributes:
        failed: whether a fact did not come back where it must; known when `lines` has ended.
    """

    def __init__(self, world: World, folder: Path, seeds: int = 0) -> None:
        """Prepare; nothing is made before `lines` is called.

        Args:
            world: what to make.
            folder: where files go.
            seeds: in how many more worlds to look for the facts.

        Raises:
            ArgumentError, FormatError, SourceError: a world that cannot be made.
        """
        planted_means(world.name, world.seed)
        self.world, self.folder, self.seeds = world, folder, seeds
        self.failed = False
        # A small country has no city of a hundred units; a standard error needs two.
        self._least = LEAST_UNITS if world.records >= ENOUGH else 2

    def lines(self) -> Iterator[Evidence]:
        """Make, score, rank and check, a line for each step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        world = self.world
        yield Evidence(
            "All persons, companies and figures below but the real case are made up: world "
            f"`{world.name}`, seed "
            f"{world.seed}, {world.records:,} applications; nothing says anything about a real city. "
            "Machine: "
            f"{platform.machine()}, {instruction_set()}, Python {platform.python_version()}.",
            f"creditcore demo --records {world.records} --seed {world.seed} --world {world.name}",
        )
        yield from real_case(self.folder)
        start = time.perf_counter()
        records, truth = write_world(self.folder, world)
        made = time.perf_counter()
        models = unpack(self.folder / "models")
        pipeline = Pipeline.load(models)
        scored = self.folder / "scored.parquet"
        pipeline.write(records, scored, keep=KEPT)
        trees = sum(model["trees"] for model in pipeline.fleet.models)
        yield Evidence(
            f"Made in {made - start:.0f} s, scored in {time.perf_counter() - made:.0f} s: "
            f"{len(pipeline.fleet)} "
            f"models, {trees:,} trees, every leaf that of the training library.",
            f"creditcore score {records} --models {models} --keep {','.join(KEPT)} -o {scored}",
        )
        frame = pl.read_parquet(scored)
        ranked = rank(
            frame, LEVELS, "points_model", region="adcode", unit="unit_id", kind="person", min_n=self._least
        )
        check = partial(_check, scored, self._least)
        yield evidence.reconciled(ranked["city"], check("city --json"))
        yield evidence.out_of_time(frame, "fraud_p", scored)
        yield evidence.out_of_time(frame, "pd", scored)
        yield evidence.funnel(frame, scored)
        yield evidence.top(ranked["city"], "Top ten cities", 10, check("city --top 10"))
        yield evidence.top(ranked["province"], "Provinces", 5, check("province --top 5"))
        pair = {name: ranked[name] for name in ("north_south", "coast")}
        yield evidence.families(pair, check("north_south,coast"))
        yield from self._planted(ranked, frame, truth, check("city"))
        yield from self._left(ranked, scored)

    def _planted(
        self, ranked: Mapping[str, Ranking], frame: pl.DataFrame, truth: Path, check: str
    ) -> Iterator[Evidence]:
        """The ranking against what was planted, and against what happened later."""
        frames = {name: ranking.to_polars() for name, ranking in ranked.items()}
        if self.world.name != "null":
            found = shrinkage(frames["city"], planted_by_city(truth))
            yield Evidence(
                f"Planted against found over {found.cities} cities: correlation {found.correlation:.3f}; "
                "a planted "
                f"point shows as {found.slope:.2f} points, as features tell a part of the truth (shrinkage).",
                check,
            )
        later = evidence.later_bad_rates(frame)
        order = rank_correlation(frames["province"], later.to_polars())
        yield Evidence(
            f"Ranking against what happened: Spearman {order:.2f} between the points of {len(later)} "
            "provinces and "
            "the later bad rates of their accepted applicants (-1 is perfect).",
            _check(self.folder / "scored.parquet", self._least, "province"),
        )
        if self.world.name == "published":
            yield self._facts(published_facts(frames), check)
            if self.seeds:
                yield self._facts_of_seeds()
        yield evidence.nobody(frame, check)

    def _facts(self, facts: list[Fact], check: str) -> Evidence:
        missing = [fact for fact in facts if not fact.holds]
        self.failed = bool(missing) and self.world.records >= FACTS_FROM
        told = "; ".join(f"not: {fact.fact} ({fact.evidence})" for fact in missing)
        if missing and not self.failed:
            told += f"; with fewer than {FACTS_FROM:,} records chance may hide one"
        held = f"{len(facts) - len(missing)} of {len(facts)} published facts of 2019 come back"
        return Evidence(f"{held}{f' ({told})' if told else ': ' + '; '.join(f.fact for f in facts)}.", check)

    def _facts_of_seeds(self) -> Evidence:
        """In how many other worlds the facts come back, scored with the credit models alone."""
        pipeline = _credit_only(self.folder / "models")
        held: Counter[str] = Counter()
        whole = 0
        for seed in range(1, self.seeds + 1):
            with tempfile.TemporaryDirectory(prefix="creditcore-demo-") as temporary:
                world = World(self.world.records, seed, self.world.name, self.world.first_day)
                records, _ = write_world(Path(temporary), world)
                scored = Path(temporary) / "scored.parquet"
                pipeline.write(records, scored, keep=("unit_id", "kind", "adcode", "event_time"))
                levels = ("city", "province", "north_south", "coast")
                ranked = rank(
                    scored, levels, "points_model", unit="unit_id", kind="person", min_n=LEAST_UNITS
                )
            facts = published_facts({name: ranking.to_polars() for name, ranking in ranked.items()})
            held.update(fact.fact for fact in facts if fact.holds)
            whole += all(fact.holds for fact in facts)
        each = "; ".join(f"{fact} {count}" for fact, count in held.items())
        return Evidence(
            f"All facts come back in {whole} of {self.seeds} worlds (credit models alone): {each}.",
            f"creditcore demo --records {self.world.records} --seeds {self.seeds}",
        )

    def _left(self, ranked: Mapping[str, Ranking], scored: Path) -> Iterator[Evidence]:
        """The files that are left for the user to go on with."""
        rows = ranked["city"].rows()
        picture = self.folder / "cities.svg"
        picture.write_text(dot_plot(rows[:50], ranked["city"].heading), encoding="utf-8")
        for name in ("city", "province"):
            ranked[name].to_polars().write_csv(self.folder / f"{name}.csv")
        yield Evidence(
            f"Files in {self.folder}: records.parquet, scored.parquet, truth.parquet, models/, uci.parquet, "
            "city.csv, province.csv, cities.svg (points by city with intervals).",
            f"creditcore rank {scored} --by city,province {_RANK} --top 20\n"
            f"creditcore rank {scored} --by belts {_RANK} --weight exposure\n"
            f"creditcore rank {scored} --by city {_RANK} --show-sql",
        )


def _check(scored: Path, least: int, options: str) -> str:
    """The command that gives a ranking of the demo again."""
    return f"creditcore rank {scored} --min-n {least} {_RANK} --by {options}"


def _credit_only(models: Path) -> Pipeline:
    """The pipeline of the credit models alone."""
    whole = Pipeline.load(models)
    assert whole.blend is not None
    blend = Blend(
        credit=whole.blend.credit,
        on_null=whole.blend.on_null,
        calibration={"credit": whole.blend.calibration["credit"]},
    )
    fleet = Fleet.load([models / f"{name}.txt" for name in blend.credit])
    return Pipeline(fleet, None, blend, whole.scaling)
