"""Laws 1 and 7 as a state machine: the state is always that of the records left, taken in at once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import creditcore as cc
from tests.portfolio.oracle import CITIES, CONFIG, check_rankings, frame, fresh, replay

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(0, 12),
            "adcode": st.sampled_from(CITIES),
            "points": st.sampled_from([None, 640.0, 0.1, 1e-300, 3e15, 655.015625]),
            "exposure": st.sampled_from([0.0, 1.0, 0.1, 1e12, -1.0]),
            "product": st.sampled_from([None, "card", "loan"]),
            "note": st.sampled_from([None, "", "n"]),
            "version": st.integers(-3, 3),
            "op": st.sampled_from([None, "upsert", "delete"]),
        }
    ),
    max_size=12,
)


class Machine(RuleBasedStateMachine):
    """A portfolio, and every row that it was given since deletions were last forgotten."""

    @initialize(versions=st.booleans())
    def begin(self, versions: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="creditcore-machine-"))
        self.versions = versions
        self.rows: list[dict[str, Any]] = []
        self.portfolio = cc.Portfolio.create(self.folder / "state", CONFIG)
        self.number = 0

    def told(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of one version differ in nothing, so that the order of hashes need not be told twice."""
        if not self.versions:
            return [{name: row[name] for name in row if name != "version"} for row in rows]
        seen = {(row["id"], row["version"]): row for row in reversed([*self.rows, *rows])}
        same = [seen[row["id"], row["version"]] for row in rows]
        return [{**one, "op": row["op"]} for one, row in zip(same, rows, strict=True)]

    def as_frame(self, rows: list[dict[str, Any]]) -> pl.DataFrame:
        kinds = {"op": pl.String, **({"version": pl.Int64} if self.versions else {})}
        return frame(rows, **kinds)

    @rule(rows=ROWS, whole=st.booleans())
    def change(self, rows: list[dict[str, Any]], whole: bool) -> None:
        rows = self.told(rows)
        if whole:
            self.portfolio.ingest(self.as_frame(rows))
        else:
            done = self.portfolio.refresh(self.as_frame(rows))
            assert sum(done.counts.values()) == len(rows)
        self.rows += rows
        self.compare()

    @rule()
    def reopen(self) -> None:
        self.portfolio.close()
        self.portfolio = cc.Portfolio.open(self.folder / "state", "write")
        self.compare()

    @rule()
    def compact(self) -> None:
        self.portfolio.compact()
        # Deletions are forgotten.
        kept = {id(row) for row in replay(self.rows).values()}
        left = self.portfolio.to_polars().to_dicts()
        assert len(kept) == len(left)
        self.rows = [{**row, "op": None} for row in left]
        self.compare()

    @precondition(lambda self: self.portfolio.records > 0)
    @rule(data=st.data())
    def come_and_go(self, data: st.DataObject) -> None:
        digest = self.portfolio.digest()
        extra: dict[str, Any] = {**self.rows[0], "id": 99 + self.number, "op": None}
        self.number += 1
        self.portfolio.refresh(self.as_frame([extra]))
        self.portfolio.refresh(self.as_frame([{**extra, "op": "delete"}]))
        assert self.portfolio.digest() == digest

    def compare(self) -> None:
        """Against all rows taken in at once, and against a ranking of the records left."""
        left = replay(self.rows)
        records = [{name: row[name] for name in row if name != "version"} for row in left.values()]
        assert self.portfolio.records == len(records)
        check_rankings(self.portfolio, records)
        self.number += 1
        whole = self.as_frame([{**row, "op": None} for row in left.values()])
        assert self.portfolio.digest() == fresh(self.folder / f"fresh{self.number}", [whole])

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.portfolio.close()
            shutil.rmtree(self.folder)


Machine.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase
