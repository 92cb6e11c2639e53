"""What a portfolio tells of its state: records, rankings, history, digest.

Comes in: an open state. Goes out: figures and records of one version. Nothing here changes anything.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.aggregation import Aggregate
from creditcore.config.config import Config
from creditcore.errors import ArgumentError
from creditcore.portfolio.columns import keep_columns
from creditcore.portfolio.line import CAUSE
from creditcore.portfolio.questions import Questions
from creditcore.portfolio.versions import history_row
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore.ranking.ranking import Ranking

OWN = "_"
"""What the names of the state's own columns begin with."""


class Reading(Questions):
    """The side of a portfolio that reads; `Portfolio` is made of it."""

    config: Config
    _contents: dict[str, Any]
    _entries: list[dict[str, Any]]
    _fingerprint: str
    _rankings: dict[str, Ranking]
    _table: _core.Regions | None

    def _state(self) -> _core.State:
        raise NotImplementedError

    @property
    def version(self) -> int:
        """The version of the state: how many changes were committed."""
        self._state()
        return int(self._entries[-1]["version"])

    @property
    def as_of(self) -> str | None:
        """The instant that the state speaks of, as ISO 8601 text; None before any was given."""
        self._state()
        when: str | None = self._entries[-1]["as_of"]
        return when

    @property
    def records(self) -> int:
        """How many records there are."""
        return self._state().sizes()[0]

    def _digest_of(self, core: _core.State) -> str:
        hashed, sums, records = core.fingerprint()
        parts = [
            b"creditcore state 1",
            hashed,
            records.to_bytes(8, "little"),
            sums,
            self._fingerprint.encode(),
            *filter(None, [self._line.reviews.fingerprint]),
        ]
        return hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).hexdigest()

    def digest(self) -> str:
        """Give a digest (hex) of the records, their sums and the configuration.

        Equal states have equal digests, however they were reached: in whatever order and parts records came,
        compacted or not. Deletions leave no trace in it.
        """
        core, known = self._state(), self._entries[-1]["digest"]
        # The catalog's is compared with the records when they are opened.
        return self._digest_of(core) if known is None else str(known)

    def ranking(self, by: str | None = None) -> Ranking:
        """Give a ranking of the current records, equal to `creditcore.rank` over them to the bit.

        Args:
            by: one of what `[[rankings]]` of the configuration name; the first by default.

        Raises:
            ArgumentError: another name.
        """
        core = self._state()
        names = self.config.by
        if not names:
            raise ArgumentError("the configuration has no `[[rankings]]`; say by what to rank")
        name = names[0] if by is None else by
        if name not in names:
            raise ArgumentError(f"`by` is `{name}`; the portfolio ranks by {', '.join(names)}")
        if name not in self._rankings:
            least = next(ranking.min_n for ranking in self.config.rankings if name in ranking.by)
            ranking = Aggregate(core.sums(), self._table).rank(name, least)
            counted = self.config.population is not None
            self._rankings[name] = ranking.with_causes(self.causes) if counted else ranking
        return self._rankings[name]

    def to_polars(self) -> pl.DataFrame:
        """Give all current records, in the order in which they were written."""
        rows = self.scanned()
        return rows.drop([name for name in rows.columns if name.startswith(OWN)])

    def scanned(self) -> pl.DataFrame:
        """Give all current records with everything that the state keeps."""
        from creditcore._frame import to_polars

        return to_polars(self._state().scan())

    def record(self, key: int | str) -> dict[str, Any]:
        """Give the record of a key by its columns.

        Raises:
            ArgumentError: no record has the key.
        """
        from creditcore._frame import to_polars

        rows = to_polars(self._state().find(open_source({self.config.columns.key: [key]}))).to_dicts()
        if not rows:
            raise ArgumentError(f"no record has the key `{key}`")
        return {name: value for name, value in rows[0].items() if not name.startswith(OWN)}

    def explain(self, key: int | str) -> dict[str, Any]:
        """Say what a record is and where it counts.

        Returns:
            `record`; `version` and `as_of` of the state; `counted`: by name of a ranking the rows that the
            record counts in (`code`, `name`, `n`, `mean`, `rank`); `excluded`: by name the cause, where it
            counts in none; `rules`: for each rule what it says and the values it saw, as `Policy.trace`;
            `reasons`: the features that took most points, `feature` and `points`; with a network `network`,
            its features of the record, and `ring`, as `ring_of` gives it.

        Raises:
            ArgumentError: no record has the key.
        """
        record = self.record(key)
        columns = {name: [value] for name, value in record.items()}
        _, plan = keep_columns(self.config, self._line)
        alone = Aggregate(_core.aggregate(open_source(columns), json.dumps(plan), self._table), self._table)
        counted: dict[str, list[dict[str, Any]]] = {}
        excluded: dict[str, str] = {}
        for name in self.config.by:
            found = alone.rank(name)
            codes = {row["code"] for row in found.rows()}
            rows = [row for row in self.ranking(name).rows() if row["code"] in codes]
            counted[name] = [
                {part: row[part] for part in ("code", "name", "n", "mean", "rank")} for row in rows
            ]
            if found.excluded:
                cause = next(iter(found.excluded))
                # A population leaves out by a column that tells the cause itself.
                left = self.config.population is not None and cause == "other_kind"
                excluded[name] = record[CAUSE] if left else cause
        told = {"record": record, "version": self.version, "as_of": self.as_of}
        told |= {"counted": counted, "excluded": excluded, **self._why(record)}
        if (linked := self._line.linked) is not None:
            told |= {"network": {name: record[name] for name in linked.features}, "ring": self.ring_of(key)}
        return told

    def ring_of(self, key: int | str) -> dict[str, Any] | None:
        """Give the judged ring that a record is in."""
        raise NotImplementedError

    def history(self) -> pl.DataFrame:
        """Give the versions, the first one first.

        Columns: `version`, `kind` (create, ingest, refresh, reconfigure, compact, checkpoint, repair),
        `as_of`, `records` after it, the counts of rows, `digest`, and `seconds` up to the commit.
        """
        from creditcore._frame import to_frame_of_rows

        self._state()
        return to_frame_of_rows([history_row(entry) for entry in self._entries])
