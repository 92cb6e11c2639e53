"""The lines that a demo's files give again, without making the world anew.

Comes in: the folder that `creditcore demo` left. Goes out: a line of evidence by its name; `creditcore demo
--again NAME -o DIR` prints one, so that every figure of the demo has a command. `truth.parquet` is opened by
`planted`, `facts` and `rings` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import polars as pl

from creditcore.demo import evidence
from creditcore.demo.facts import LEAST_UNITS, Fact, published_facts
from creditcore.demo.real_case import Evidence
from creditcore.demo.renewal import renewal
from creditcore.demo.ring_line import judged, ring_line
from creditcore.demo.rules import backtest, backtest_check, rules_line
from creditcore.demo.truth import planted_by_city, rank_correlation, shrinkage
from creditcore.errors import ArgumentError, SourceError
from creditcore.ranking.of_records import rank
from creditcore.ranking.ranking import Ranking

LEVELS = ("city", "province", "north_south", "coast", "nbs_region", "belts", "province_kind")
COLUMNS = (
    *("key", "unit_id", "kind", "adcode", "event_time", "prior_decision", "outcome", "fraud"),
    *("fraud_p", "pd", "points_model"),
)
ENOUGH = 100_000
"""Records from which a city needs `LEAST_UNITS` for a rank."""
FACTS_FROM = 1_000_000
"""Records from which the published facts must come back; with fewer, chance may hide one."""
RANK = "--score points_model --unit unit_id --kind person"


class Results:
    """What stands in the files of a demo."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; files are read when a line needs them."""
        self.folder = folder
        self.scored = folder / "scored.parquet"
        self.policy = folder / "policy" / "policy.yaml"

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The scored applications."""
        try:
            return pl.read_parquet(self.scored, columns=list(COLUMNS))
        except (OSError, pl.exceptions.PolarsError) as error:
            told = f"run `creditcore demo -o {self.folder}` first"
            raise SourceError(f"`{self.scored}`: is no file of a demo: {error}; {told}") from error

    @property
    def least(self) -> int:
        """Persons that a city needs for a rank; a small country has no city of a hundred."""
        return LEAST_UNITS if len(self.frame) >= ENOUGH else 2

    @cached_property
    def ranked(self) -> dict[str, Ranking]:
        """The rankings."""
        return rank(
            self.frame,
            LEVELS,
            "points_model",
            region="adcode",
            unit="unit_id",
            kind="person",
            min_n=self.least,
        )

    def check(self, options: str) -> str:
        """The command that gives a ranking again."""
        return f"creditcore rank {self.scored} --min-n {self.least} {RANK} --by {options}"

    def again(self, name: str) -> str:
        """The command that gives a line again."""
        return f"creditcore demo --again {name} -o {self.folder}"

    def reconciled(self) -> Evidence:
        """In = used + left out."""
        return evidence.reconciled(self.ranked["city"], self.check("city --json"))

    def fraud(self) -> Evidence:
        """How well fraud was told."""
        return self._out_of_time("fraud_p", "fraud")

    def credit(self) -> Evidence:
        """How well defaults were told."""
        return self._out_of_time("pd", "credit")

    def _out_of_time(self, score: str, name: str) -> Evidence:
        made = evidence.out_of_time(self.frame, score, self.scored)
        return Evidence(made.text, f"{self.again(name)}\n{made.check}")

    def outcomes(self) -> Evidence:
        """From applications to outcomes."""
        return evidence.funnel(self.frame, self.again("outcomes"))

    def rules(self) -> Evidence:
        """From applications to decisions; leaves the page of the backtest."""
        page = self.folder / "backtest.html"
        made = backtest(self.scored, self.policy)
        made.write(page)
        return rules_line(made, f"{self.again('rules')}\n{backtest_check(self.scored, self.policy, page)}")

    def rings(self) -> Evidence:
        """The rings; leaves their members and what speaks for each."""
        records = self.folder / "records.parquet"
        found = judged(records)
        members, groups = self.folder / "groups.parquet", self.folder / "rings.parquet"
        found.members.write_parquet(members)
        found.all().drop("dissolved_degrees", strict=False).write_parquet(groups)
        command = (
            f"creditcore groups {records} --key unit_id --time event_time --identifier device=device_id "
            f"--identifier phone=phone --identifier card=card -o {members} --summary {groups}"
        )
        return ring_line(found.summary, found.members, self.folder, f"{self.again('rings')}\n{command}")

    def refresh(self) -> Evidence:
        """One record changes; leaves a portfolio."""
        return renewal(self.scored, self.folder, self.again("refresh"))

    def planted(self) -> Evidence:
        """The ranking against what was planted."""
        cities = self.ranked["city"].to_polars()
        found = shrinkage(cities, planted_by_city(self.folder / "truth.parquet"))
        return Evidence(
            f"Planted against found over {found.cities} cities: correlation {found.correlation:.3f}; a "
            f"planted point shows as {found.slope:.2f} points, as features tell a part of the truth "
            "(shrinkage).",
            self.again("planted"),
        )

    def later(self) -> Evidence:
        """The ranking against what happened later."""
        later = evidence.later_bad_rates(self.frame)
        order = rank_correlation(self.ranked["province"].to_polars(), later.to_polars())
        return Evidence(
            f"Ranking against what happened: Spearman {order:.2f} between the points of {len(later)} "
            "provinces and the later bad rates of their accepted applicants (-1 is perfect).",
            self.again("later"),
        )

    def found_facts(self) -> list[Fact]:
        """The published facts, as the rankings have them."""
        return published_facts({name: ranking.to_polars() for name, ranking in self.ranked.items()})

    def facts(self) -> Evidence:
        """The published facts."""
        return facts_line(self.found_facts(), len(self.frame), self.again("facts"))

    def nobody(self) -> Evidence:
        """Units without people."""
        return evidence.nobody(self.frame, self.again("nobody"))

    def line(self, name: str) -> Evidence:
        """Give a line by its name, one of `LINES`.

        Raises:
            ArgumentError: another name; SourceError: a folder without the demo's files.
        """
        if name not in LINES:
            raise ArgumentError(f"`--again {name}`: the lines are {', '.join(LINES)}")
        return LINES[name](self)


LINES: dict[str, Callable[[Results], Evidence]] = {
    "fraud": Results.fraud,
    "credit": Results.credit,
    "outcomes": Results.outcomes,
    "rules": Results.rules,
    "rings": Results.rings,
    "refresh": Results.refresh,
    "planted": Results.planted,
    "later": Results.later,
    "facts": Results.facts,
    "nobody": Results.nobody,
}


def facts_line(facts: list[Fact], records: int, check: str) -> Evidence:
    """Say which of the facts come back."""
    missing = [fact for fact in facts if not fact.holds]
    told = "; ".join(f"not: {fact.fact} ({fact.evidence})" for fact in missing)
    if missing and records < FACTS_FROM:
        told += f"; with fewer than {FACTS_FROM:,} records chance may hide one"
    held = f"{len(facts) - len(missing)} of {len(facts)} published facts of 2019 come back"
    return Evidence(f"{held}{f' ({told})' if told else ': ' + '; '.join(f.fact for f in facts)}.", check)
