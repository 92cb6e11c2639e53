"""Law 1 with models, rules and reviews as a state machine: rows, deletions, reviews, days, a champion switch.

After each step the state is that of the records left and of all reviews, taken in at once; the log has every
decision that was made, in the words of then, and each comes out the same again.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import creditcore as cc
from creditcore import line
from tests.line import case

KEYS = 40
START = dt.date(2026, 3, 1)
REVIEWS = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.integers(0, KEYS + 5),
            "time": st.integers(-3, 12).map(lambda days: START + dt.timedelta(days)),
            "from": st.sampled_from([None, "pass"]),
            "to": st.sampled_from(["pass", "review", "reject"]),
            "reason": st.sampled_from(["told", "seen"]),
            "expires": st.one_of(st.none(), st.integers(0, 14).map(lambda days: START + dt.timedelta(days))),
        }
    ),
    min_size=1,
    max_size=6,
)
ROWS = st.tuples(st.integers(0, KEYS - 1), st.integers(1, 12), st.integers(0, 10_000))


class Machine(RuleBasedStateMachine):
    """A portfolio, and what it should hold: rows by key, all reviews, the day, the log."""

    @initialize(versions=st.booleans())
    def begin(self, versions: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="creditcore-decided-"))
        case.write(self.folder)
        promoted = self.folder / "promoted"
        shutil.copytree(self.folder / "models", promoted)
        (promoted / "fleet.toml").write_text(case.FLEET.replace('"challenger"', '"champion"'))
        self.versions, self.promoted, self.step, self.day = versions, False, 0, START
        self.rows: dict[int, dict[str, Any]] = {}
        self.reviews: list[dict[str, Any]] = []
        self.log = pl.DataFrame()
        self.portfolio = cc.Portfolio.create(self.folder / "state", self.config)
        self.take((0, KEYS // 2, 1), whole=True)

    @property
    def config(self) -> cc.Config:
        told = cc.Config.load(self.folder / "creditcore.toml").to_dict()
        if not self.versions:
            del told["columns"]["version"]
        return cc.Config.of(
            told | {"fleet": {"models": "promoted" if self.promoted else "models"}}, self.folder
        )

    def drawn(self, rows: tuple[int, int, int]) -> pl.DataFrame:
        first, count, seed = rows
        made = case.records(count, seed, first=first, version=self.step)
        return made if self.versions else made.drop("v")

    def take(self, rows: tuple[int, int, int], *, whole: bool) -> None:
        self.step += 1
        made = self.drawn(rows)
        done = self.portfolio.ingest(made, self.day) if whole else self.portfolio.refresh(made)
        assert sum(done.counts.values()) == len(made)
        self.rows |= {row["id"]: row for row in made.to_dicts()}
        self.compare(set(made["id"].to_list()))

    @rule(rows=ROWS, whole=st.booleans())
    def change(self, rows: tuple[int, int, int], whole: bool) -> None:
        self.take(rows, whole=whole)

    @rule(reviews=REVIEWS, rows=st.none() | ROWS)
    def review(self, reviews: list[dict[str, Any]], rows: tuple[int, int, int] | None) -> None:
        self.step += 1
        self.reviews += reviews
        made = None if rows is None else self.drawn(rows)
        self.portfolio.refresh(made, reviews=reviews)
        self.rows |= {} if made is None else {row["id"]: row for row in made.to_dicts()}
        self.compare(set() if made is None else set(made["id"].to_list()))

    @rule(days=st.integers(1, 4), rows=st.none() | ROWS, whole=st.booleans())
    def later(self, days: int, rows: tuple[int, int, int] | None, whole: bool) -> None:
        self.day += dt.timedelta(days)
        if rows is not None and whole:
            self.take(rows, whole=True)
            return
        self.step += 1
        made = None if rows is None else self.drawn(rows)
        self.portfolio.refresh(made, self.day)
        self.rows |= {} if made is None else {row["id"]: row for row in made.to_dicts()}
        self.compare(set() if made is None else set(made["id"].to_list()))

    @rule(first=st.integers(0, KEYS - 1), count=st.integers(1, 5))
    def delete(self, first: int, count: int) -> None:
        self.step += 1
        keys = list(range(first, first + count))
        told = {"id": keys, "op": ["delete"] * count}
        self.portfolio.refresh(told | ({"v": [self.step] * count} if self.versions else {}))
        self.rows = {key: row for key, row in self.rows.items() if key not in keys}
        self.compare(set())

    @rule()
    def promote(self) -> None:
        self.promoted = not self.promoted
        self.portfolio.reconfigure(self.config)
        self.compare(set(self.rows))

    @rule()
    def compact(self) -> None:
        self.portfolio.compact()
        self.compare(set())

    @rule()
    def reopen(self) -> None:
        self.portfolio.close()
        self.portfolio = cc.Portfolio.open(self.folder / "state", "write")
        self.compare(set())

    @rule(key=st.integers(0, KEYS - 1))
    def erase(self, key: int) -> None:
        known = key in self.rows or key in self.log["key"].to_list()
        if not known and not any(one["key"] == key for one in self.reviews):
            return
        self.portfolio.erase(key)
        self.rows.pop(key, None)
        self.reviews = [one for one in self.reviews if one["key"] != key]
        self.log = self.log.filter(pl.col("key") != key)
        self.compare(set())

    def compare(self, decided: set[int]) -> None:
        """Against all rows and reviews taken in at once, against one pass, and against the log of before."""
        rows = pl.DataFrame(list(self.rows.values()), schema=self.drawn((0, 1, 1)).schema)
        assert self.portfolio.records == len(rows)
        self.step += 1
        config = self.config
        with cc.Portfolio.create(self.folder / f"fresh{self.step}", config) as fresh:
            if self.reviews:
                fresh.review(self.reviews[::-1], self.day)
            fresh.ingest(rows, self.day)
            assert fresh.digest() == self.portfolio.digest()
        if len(rows):
            whole = line.run(config, rows, self.day, reviews=self.reviews or None)
            for name in config.by:
                assert self.portfolio.ranking(name).to_polars().equals(whole.rankings[name].to_polars())
            assert self.portfolio.causes() == whole.population.excluded
        self.compare_log(decided)

    def compare_log(self, decided: set[int]) -> None:
        log = self.portfolio.decisions()
        assert log[: len(self.log)].equals(self.log) or not len(self.log)
        last = log.group_by("key", maintain_order=True).last()
        current = {row["id"]: row for row in self.portfolio.to_polars().to_dicts()}
        for row in last.to_dicts():
            if row["key"] in current:
                names = ("decision", "decision_policy", "review_reason", "points_final", "rules")
                assert all(current[row["key"]][name] == row[name] for name in names)
        assert set(current) <= set(last["key"].to_list())
        new = log[len(self.log) :]["key"].to_list()
        reviewed = {one["key"] for one in self.reviews}
        assert set(new) <= decided | reviewed
        self.log = log
        done = self.portfolio.replay(len(log) + 1)
        assert (done.right, done.logged) == (True, len(log)), done.counts

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.portfolio.close()
            shutil.rmtree(self.folder)


Machine.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase
