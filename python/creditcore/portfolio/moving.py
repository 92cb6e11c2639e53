"""The side of a portfolio whose records change without a row of their own: by their network, or by the day.

Comes in: deltas, an open state. Goes out: rows for the state, as `line.py` gives them where every row is made
of its own columns. The network is in memory from the first change on, and belongs to the version that is
there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from creditcore.aggregation import Progress
from creditcore.portfolio.changes import Changing, staged
from creditcore.portfolio.columns import VERSION_COLUMN
from creditcore.portfolio.line import PortfolioLine, Prepared, Types, moment_of
from creditcore.portfolio.network import HASH_KEY, Held
from creditcore.portfolio.renewal import LEAST, Renewal, Renewing
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import State

MOST_ROWS = 1 << 21
"""Rows of files that are taken in at a time."""


class Moving(Changing):
    """The part of `Portfolio` that renews what hangs on other records and on the day."""

    _held: Held | None

    def make_ready(self) -> None:
        """Make what else the first refresh would: the network of linked records, index, engines of models.

        A refresh that makes them takes some seconds for each million records longer than those after it. What
        neighbours are read for is read too, where it takes no more than half of the memory that is left.
        `creditcore watch` is ready before it looks for files, and after compaction of linked records the
        portfolio is again. Nothing is written, and nothing else changes.

        Raises:
            StateError: the portfolio was opened for reading, or the state is damaged.
        """
        core, told = self._writer(), self._entries[-1]["as_of"]
        linked = self._line.linked
        if linked is not None and linked.features and core.sizes()[0]:
            self._held = self._held or linked.of_state(core, moment_of(told))
            core.make_ready()
            if self._line.still is not None:
                self._line.still.prepare(LEAST, whole=True)

    def _prepare(
        self, core: State, line: PortfolioLine, delta: Records | None, when: str | None, *, gates: bool
    ) -> Prepared:
        """Give rows for the state: those of a delta, and those that it, the day or reviews change."""
        moment = moment_of(when)
        if not line.moving:
            prepared = line.prepare(delta, moment, self.types(), asks=gates)
            return replace(prepared, again=self._decided_again(line, when))
        if delta is None:
            return self._renewed(core, line, Prepared({}, [], None, {}), when)
        verdict, latency = line.judged(delta, moment, self.types(), asks=gates)
        aside = self._hashed(verdict.quarantined) if len(verdict.quarantined) else None
        findings = [one.to_dict() for one in verdict.findings]
        return self._renewed(core, line, Prepared(verdict.accepted, findings, aside, latency), when)

    def _renewed(self, core: State, line: PortfolioLine, prepared: Prepared, when: str | None) -> Prepared:
        from creditcore._frame import to_frame

        rows = self._hashed(to_frame(prepared.rows))
        renewing = self._renewing(core, line, self._entries[-1]["as_of"], when)
        renewal = renewing.renew(rows, self.config.columns.version or VERSION_COLUMN)
        latency = {**prepared.latency, **renewal.latency}
        return Prepared(renewal.rows, prepared.findings, prepared.quarantined, latency, renewal)

    @staticmethod
    def _staged(core: State, prepared: Prepared) -> tuple[dict[str, int], dict[str, float]]:
        """Stage rows; gives counts of the delta's rows and seconds by stage."""
        renewal = prepared.renewal
        if renewal is None:
            return staged(core, prepared.rows, prepared.again)
        told = json.loads(core.stage(open_source(renewal.rows) if len(renewal.rows) else None))
        return renewal.counts, dict(told["stages"])

    def _hashed(self, rows: pl.DataFrame) -> pl.DataFrame:
        linked = self._line.linked
        return rows if linked is None or not len(rows) else linked.hashed(rows, self._hash_key())

    def _hash_key(self) -> str | None:
        """Give the fingerprint of the key of the state's hashes."""
        return next((entry[HASH_KEY] for entry in reversed(self._entries) if HASH_KEY in entry), None)

    def _renewing(self, core: State, line: PortfolioLine, before: str | None, when: str | None) -> Renewing:
        linked, held = line.linked, None
        if linked is not None and linked.features:
            # Where nothing is known of an instant before there is no record yet.
            held = self._held or linked.of_state(core, moment_of(before) or moment_of(when))
        reviewed = self._reviewed_otherwise(line, when)
        return Renewing(line, core, held, moment_of(before), moment_of(when), reviewed)

    def _take_in(
        self, core: State, source: Records, when: str | None, types: Types, progress: Progress | None
    ) -> tuple[dict[str, Any], int, Held | None]:
        """Take in records of any number, part by part; gives segments and counts, how many other records were
        scored again, and the network after it.
        """
        if not self._line.moving:
            with self._line.source(source, moment_of(when), types) as opened:
                return json.loads(core.ingest(opened, self._number(), progress=progress)), 0, None
        line, version = self._line, self.config.columns.version or VERSION_COLUMN
        renewing = self._renewing(core, line, self._entries[-1]["as_of"], when)
        segments: list[dict[str, Any]] = []
        counts: dict[str, int] = {}
        done, rescored = 0, 0
        for rows in line.raw_parts(source, types, MOST_ROWS):
            renewal: Renewal = renewing.renew(self._hashed(rows), version)
            core.stage(open_source(renewal.rows) if len(renewal.rows) else None)
            segments += self._written(core)
            core.apply()
            counts = {name: counts.get(name, 0) + count for name, count in renewal.counts.items()}
            rescored += renewal.rescored
            renewing.held, renewing.before = renewal.held, renewing.when
            done += len(rows)
            if progress is not None:
                progress(done)
        return {"segments": segments, "counts": counts}, rescored, renewing.held
