"""Laws 1 and 7 as a state machine over a portfolio with a network, rules with days and windows.

After anything that happens the state is that of one pass over the records that are left, and of a portfolio
that is made of them at once.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import creditcore as cc
from creditcore.portfolio import columns
from creditcore.portfolio import network as network_of
from tests.portfolio.moving import Held, config_of, records

KEYS = 30
APART = columns.APART
FIRST = dt.date(2026, 3, 9)


class Machine(RuleBasedStateMachine):
    """A portfolio whose records change by others and by the day."""

    @initialize(
        window=st.sampled_from([None, 6]),
        links=st.sampled_from([None, 5]),
        at=st.booleans(),
        few=st.sampled_from([0, 8]),
        apart=st.sampled_from([1, 3, APART]),
    )
    def begin(self, window: int | None, links: int | None, at: bool, few: int, apart: int) -> None:
        network_of.FEW, columns.APART = few, apart
        self.folder = Path(tempfile.mkdtemp(prefix="creditcore-machine-"))
        network = {} if links is None else {"window_days": links}
        self.held = Held(
            self.folder, config_of(self.folder, network=network, window=window, rules=True, at=at)
        )
        self.number = 1
        self.today = FIRST
        self.held.portfolio.refresh(None, FIRST)
        self.held.day = FIRST

    @rule(
        first=st.integers(0, KEYS - 1),
        count=st.integers(1, 12),
        seed=st.integers(0, 50),
        older=st.booleans(),
        late=st.integers(0, 9),
        whole=st.booleans(),
    )
    def change(self, first: int, count: int, seed: int, older: bool, late: int, whole: bool) -> None:
        """Rows come: new ones, changed ones, late ones, and some of versions that no longer count."""
        self.number += 1
        version = -self.number if older else self.number
        days = (max(late - 2, 0), late + 1)
        self.held.take(records(count, seed, first=first, version=version, days=days), self.today, whole=whole)
        self.held.check()

    @rule(first=st.integers(0, KEYS - 1), count=st.integers(1, 5))
    def delete(self, first: int, count: int) -> None:
        self.number += 1
        self.held.delete(list(range(first, first + count)), self.number)
        self.held.check()

    @rule(days=st.integers(1, 4), rows=st.booleans())
    def day_roll(self, days: int, rows: bool) -> None:
        self.today += dt.timedelta(days=days)
        self.number += 1
        if rows:
            self.held.take(records(3, self.number, first=2, version=self.number), self.today)
        else:
            self.held.portfolio.refresh(None, self.today)
            self.held.day = self.today
        self.held.check()

    @precondition(lambda self: self.held.known)
    @rule(seed=st.integers(0, 50))
    def come_and_go(self, seed: int) -> None:
        """Law 7: a record that came and went leaves the state as it was, to the bit."""
        digest = self.held.portfolio.digest()
        self.number += 1
        extra = records(1, seed, first=900 + self.number, version=self.number)
        known = dict(self.held.known)
        self.held.take(extra)
        self.held.delete(extra["id"].to_list(), self.number + 1)
        self.held.known = known
        assert self.held.portfolio.digest() == digest

    @rule()
    def compact(self) -> None:
        self.held.compact()
        self.held.check()

    @rule()
    def reopen(self) -> None:
        self.held.portfolio.close()
        self.held.portfolio = cc.Portfolio.open(self.folder / "state", "write")

    def teardown(self) -> None:
        network_of.FEW, columns.APART = 8, APART
        if hasattr(self, "folder"):
            self.held.portfolio.close()
            shutil.rmtree(self.folder)


Machine.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=6,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase
