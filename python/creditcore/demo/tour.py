"""What `creditcore demo` shows: lines of evidence, each with the command that gives its figures again.

Comes in: a world, a folder. Goes out: files in that folder, and lines. What a lender has makes every line but
the last ones; those are told from `truth.parquet` too (module `results`).
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from creditcore._core import instruction_set
from creditcore.demo import evidence
from creditcore.demo.configuration import FILE, write_config
from creditcore.demo.facts import LEAST_UNITS, published_facts
from creditcore.demo.fleet import unpack
from creditcore.demo.network_columns import NETWORK, add_network
from creditcore.demo.real_case import Evidence, real_case
from creditcore.demo.results import FACTS_FROM, RANK, Results
from creditcore.demo.rules import kept_for, write_policy
from creditcore.demo.world import World, write_world
from creditcore.demo.worlds import planted_means
from creditcore.fleet.fleet import Fleet
from creditcore.pipeline.pipeline import Pipeline
from creditcore.ranking.of_records import rank
from creditcore.report.plot import dot_plot
from creditcore.reports import Report
from creditcore.scoring.scores import Blend

KEPT = (
    *("key", "unit_id", "kind", "adcode", "event_time", "product", "prior_decision", "exposure", "balance"),
    *("overdue_days", "outcome", "fraud"),
)
AS_OF = "2026-07-11"
"""The day of the decisions: that on which the data end."""


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

    def lines(self) -> Iterator[Evidence]:
        """Make, score, decide, rank and check, a line for each step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        world = self.world
        yield Evidence(
            "All persons, companies and figures below but the real case are made up: world "
            f"`{world.name}`, seed {world.seed}, {world.records:,} applications; nothing says anything about "
            f"a real city. Machine: {platform.machine()}, {instruction_set()}, Python "
            f"{platform.python_version()}.",
            f"creditcore demo --records {world.records} --seed {world.seed} --world {world.name}",
        )
        yield from real_case(self.folder)
        yield self._scored()
        found = Results(self.folder)
        yield found.reconciled()
        yield found.fraud()
        yield found.credit()
        yield found.outcomes()
        yield found.rules()
        cities = found.ranked["city"]
        yield evidence.top(cities, "Top ten cities", 10, found.check("city --top 10"), found.least)
        yield evidence.top(found.ranked["province"], "Provinces", 5, found.check("province --top 5"))
        pair = {name: found.ranked[name] for name in ("north_south", "coast")}
        yield evidence.families(pair, found.check("north_south,coast"))
        yield found.rings()
        yield found.refresh()
        if world.name != "null":
            yield found.planted()
        yield found.later()
        if world.name == "published":
            missing = [fact for fact in found.found_facts() if not fact.holds]
            self.failed = bool(missing) and world.records >= FACTS_FROM
            yield found.facts()
            if self.seeds:
                yield self._facts_of_seeds()
        yield found.nobody()
        yield self._left(found)

    def _scored(self) -> Evidence:
        """Make the world, link it, score it and decide it."""
        start = time.perf_counter()
        records, _ = write_world(self.folder, self.world)
        made = time.perf_counter()
        add_network(records)
        linked = time.perf_counter()
        models = unpack(self.folder / "models")
        policy = write_policy(self.folder, records)
        pipeline = Pipeline.load(models, policy)
        kept = [*KEPT, *(name for name in kept_for(policy) if name not in KEPT)]
        scored = self.folder / "scored.parquet"
        pipeline.write(records, scored, keep=kept, as_of=AS_OF)
        trees = sum(model["trees"] for model in pipeline.fleet.models)
        return Evidence(
            f"Made in {made - start:.0f} s, linked in {linked - made:.0f} s ({len(NETWORK)} features of what "
            "an application shares with those before it), scored and decided in "
            f"{time.perf_counter() - linked:.0f} s: {len(pipeline.fleet)} models, {trees:,} trees, every "
            "leaf that of the training library.",
            f"creditcore score {records} --models {models} --policy {policy} --as-of {AS_OF} "
            f"--keep {','.join(kept)} -o {scored}",
        )

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

    def _left(self, found: Results) -> Evidence:
        """The files that are left for the user to go on with."""
        cities = found.ranked["city"]
        picture = self.folder / "cities.svg"
        picture.write_text(dot_plot(cities.rows()[:50], cities.heading), encoding="utf-8")
        for name in ("city", "province"):
            found.ranked[name].to_polars().write_csv(self.folder / f"{name}.csv")
        config = write_config(self.folder, found.least)
        page = self.folder / "report.html"
        if find_spec("altair") is not None:
            made = Report.build(
                str(found.scored),
                unit="unit_id",
                kind="person",
                min_n=found.least,
                as_of=AS_OF,
                status="synthetic",
                title="The synthetic country",
            )
            made.write(page)
        report = (
            f"creditcore report {found.scored} --unit unit_id --kind person --min-n {found.least} --as-of "
            f"{AS_OF} --status synthetic --title 'The synthetic country' -o {page}"
        )
        return Evidence(
            f"Files in {self.folder}: {FILE} (a portfolio's configuration), records.parquet, scored.parquet, "
            "truth.parquet, models/, policy/, state/ (a portfolio), report.html, "
            "backtest.html, groups.parquet (members of rings), rings.parquet, uci.parquet, city.csv, "
            "province.csv, cities.svg (points by city with intervals).",
            f"creditcore rank {found.scored} --by city,province {RANK} --top 20\n"
            f"creditcore rank {found.scored} --by belts {RANK} --weight exposure\n"
            f"creditcore rank {found.scored} --by city {RANK} --show-sql\n"
            f"creditcore config check {config}\n{report}\n"
            f"creditcore release create {self.folder / 'releases'} {found.scored} --as-of {AS_OF} "
            f"--unit unit_id --kind person\ncreditcore release verify {self.folder / 'releases'}",
        )


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
