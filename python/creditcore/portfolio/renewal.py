"""What a delta makes of a portfolio whose records hang on each other or on the day.

Comes in: a line, an open state, rows of a delta, the instants before and after. Goes out: the rows that the
state is to take: those of the delta that count, scored, and those of other records whose network features,
decision or cause are others than before. All of it is what one pass over the records that are left would
give (law 1). Nothing is written here.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

from creditcore.frames import renewed
from creditcore.portfolio import days
from creditcore.portfolio.meanwhile import ahead, meanwhile
from creditcore.portfolio.network import Held, Moved
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import Part, State
    from creditcore.portfolio.line import PortfolioLine

Told = list[tuple[list[str], "pl.DataFrame"]]
"""Names of features, and what the network says of them, row by row."""
FEW = 0.75
"""Rows are copied without the others where they are a smaller part of them."""
LEAST, MOST = 1 << 14, 1 << 19
"""Records that a worker takes at a time, and that all of them have in memory, about."""


class Shares(NamedTuple):
    """How workers share records: rows of a part, and threads for each. It changes no result (law 2)."""

    part: int
    threads: int

    @staticmethod
    def of(rows: int, workers: int) -> Shares:
        """Share so many rows among workers: some parts for each, so that none waits long for another."""
        part = max(min(-(-rows // (4 * workers)), MOST // (2 * workers)), LEAST)
        return Shares(part, -(-workers // max(min(workers, -(-rows // part)), 1)))


class Again(NamedTuple):
    """What is made of records now: the part that they are of, those that are others, how many were scored."""

    part: Part
    rows: pl.DataFrame | None
    scored: int


Work = Callable[[], "pl.DataFrame | Again"]
"""Makes some of the delta's own records, or other ones again."""


class Own(NamedTuple):
    """The records of a delta: their network features, and the work on what else is made of them."""

    features: list[pl.DataFrame]
    work: list[Work]


@dataclass(frozen=True)
class Renewal:
    """Rows for the state.

    Attributes:
        rows: of the delta, what the state takes; empty where nothing changes. What other records are now was
            handed to it (`State.renew`), and is staged with them.
        counts: rows of the delta by what became of them.
        rescored: other records that were scored again.
        held: the network after it; None without one.
        latency: seconds by stage: `sift`, `network`, `score`.
    """

    rows: pl.DataFrame = field(repr=False)
    counts: dict[str, int]
    rescored: int
    held: Held | None = field(repr=False)
    latency: dict[str, float]


class Links(NamedTuple):
    """What the network says after a delta: what it changed, and `net_at_*` of all, where all are asked."""

    moved: Moved
    at: pl.DataFrame | None


@dataclass
class Renewing:
    """What a refresh goes by: the line, the open state, its network, the instants before and after, and the
    records for which another review counts than before.
    """

    line: PortfolioLine
    core: State
    held: Held | None
    before: date | None
    when: date | None
    reviewed: pl.DataFrame | None = None

    def renew(self, rows: pl.DataFrame, version: str) -> Renewal:
        """Give what the state is to take of rows in which identifiers are hashed already."""
        from creditcore._frame import beside

        self.line.refuse_made(rows)
        self.core.discard()
        key = self.line.config.columns.key
        began = time.monotonic()
        counts, sifted = self._sifted(rows, key, version)
        found = time.monotonic()
        # Much of a network's change is one thread's work: the models that see none of it are asked then.
        with meanwhile() as begin:
            standing = begin(lambda report: self._standing(sifted, report))
            links = self._linked(sifted, key)
            linked = time.monotonic()
            # The delta's own records are made ready while others are looked for, and made after them.
            own = begin(lambda _: self._own(sifted, key, links, standing()))
            made, rescored = self._worked(self._work(own, sifted, key, links))
            features = own().features
        live = beside(sifted.live, *features, *([renewed.stacked(made)] if made else ()))
        rows = renewed.stacked([live, sifted.dead])
        latency = {"sift": found - began, "network": linked - found, "score": time.monotonic() - linked}
        return Renewal(rows, counts, rescored, None if links is None else links.moved.held, latency)

    def _sifted(self, rows: pl.DataFrame, key: str, version: str) -> tuple[dict[str, int], renewed.Sifted]:
        from creditcore._frame import to_polars

        if not len(rows):
            names = ("inserted", "updated", "deleted", "unchanged", "superseded")
            return dict.fromkeys(names, 0), renewed.Sifted(*[rows.clear()] * 3)
        counts, found = self.core.sift(open_source(rows))
        return json.loads(counts), renewed.parted(to_polars(found), rows, key, version)

    def _linked(self, sifted: renewed.Sifted, key: str) -> Links | None:
        """Bring the network to the delta and the day."""
        linked = self.line.linked
        if linked is None or self.held is None:
            return None
        if len(sifted.live) or len(sifted.dead):
            delta = renewed.links(sifted, key, linked.shown, linked.time)
        else:
            delta = renewed.nobody(key, linked.shown, linked.time)
        moved = linked.after(self.held, delta, self.when)
        whole = linked.wanted["at"] and moved.then is None
        return Links(moved, linked.at_features(moved.held) if whole else None)

    def _told(self, keys: pl.Series, links: Links | None, seen: pl.DataFrame | None = None) -> Told:
        """Give what the network says of the features of some keys, by view; now, if not `seen`."""
        linked = self.line.linked
        if linked is None or links is None:
            return []
        moved, made = links.moved, []
        if now := linked.wanted["now"]:
            assert moved.features is not None
            told = renewed.told_of(keys, moved.changed, moved.features, now) if seen is None else seen
            made.append((now, told))
        if at := linked.wanted["at"]:
            # Where everybody was asked nobody keeps what was.
            then = moved.then if links.at is None else links.at
            assert then is not None
            made.append((at, renewed.told_of(keys, None, then, at, every=links.at is not None)))
        return made

    def _standing(self, sifted: renewed.Sifted, report: Callable[[int], None]) -> pl.DataFrame | None:
        """Give the sums of the models that no network feature moves, of the records of a delta."""
        still, linked = self.line.still, self.line.linked
        if still is None or linked is None or self.held is None or not len(sifted.live):
            return None
        rows = renewed.with_nulls(sifted.raw, linked.features)
        return still.sums(rows, threads=self.line.threads, progress=report)

    def _work(
        self, own: Callable[[], Own], sifted: renewed.Sifted, key: str, links: Links | None
    ) -> Iterator[Work]:
        """Give the work on other records, then that on the delta's own."""
        yield from self._others(sifted, key, links)
        yield from own().work

    def _own(
        self, sifted: renewed.Sifted, key: str, links: Links | None, standing: pl.DataFrame | None
    ) -> Own:
        """Give the network features of the records of a delta, and the work on what else is made of them."""
        from creditcore._frame import beside, to_polars

        if not len(sifted.live):
            return Own([], [])
        linked, rows = self.line.linked, sifted.live
        told = self._told(rows[key], links)
        if linked is not None and told:
            # The state is asked of those alone of whom the network says nothing new.
            asked = rows.select(key).filter(renewed.keeps_some([found for _, found in told]))
            if len(asked):
                old = to_polars(self.core.find(open_source(asked), [key, *linked.features]))
                rows = renewed.beside_old(rows, key, old, linked.features)
        features = [renewed.features_of(rows, found, names) for names, found in told]
        known = [] if standing is None else [standing]
        whole = beside(sifted.raw, *features, *known)
        shares = Shares.of(len(whole), self.workers)
        line, again = self.line.with_threads(shares.threads), standing is not None

        def made_of(start: int) -> pl.DataFrame:
            some = whole[start : start + shares.part]
            return beside(*line.made_of(some, self.when, again=again))

        starts = range(0, len(whole) if line.makes else 0, shares.part)
        return Own(features, [partial(made_of, start) for start in starts])

    def _worked(self, work: Iterator[Work]) -> tuple[list[pl.DataFrame], int]:
        """Do work, and hand what is made of other records to the state; gives what is made of those of the
        delta, and how many others were scored.
        """
        own, scored = [], 0
        # One more than there are processors: at times each waits for the interpreter. One alone need not.
        workers = self.workers + int(self.workers > 1)
        for made in ahead(lambda work: work(), work, workers):
            if not isinstance(made, Again):
                own.append(made)
                continue
            scored += made.scored
            if made.rows is not None:
                self.core.renew(made.part, open_source(made.rows))
        return own, scored

    @cached_property
    def workers(self) -> int:
        """How many share the work: a processor for each, where the line does not say."""
        return self.line.threads or len(os.sched_getaffinity(0))

    def _others(self, sifted: renewed.Sifted, key: str, links: Links | None) -> Iterator[Work]:
        """Give the work on other records that may be others than before, each once, in parts."""
        from creditcore._frame import to_polars

        without = [rows[key] for rows in (sifted.live, sifted.dead) if len(rows)]
        for touched, near in self._touched(links, key):
            fresh = renewed.without(touched, without)
            without.append(fresh["key"])
            told = self._told(fresh["key"], links, fresh if fresh.width > 1 else None)
            found = self.core.look_up(open_source(fresh.select(fresh["key"].alias(key))))
            asked = to_polars(found.asked()).to_series()
            shares = Shares.of(len(asked), self.workers)
            line = self.line.with_threads(shares.threads)
            if line.still is not None and len(asked) >= LEAST:
                # While one worker builds an engine the others would go to slower ones.
                line.still.prepare(LEAST, threads=self.line.threads)
            for start in range(0, len(asked), shares.part):
                places = asked[start : start + shares.part]
                seen = [(names, rows[places]) for names, rows in told]
                part = partial(self.core.part, found, start, shares.part, threads=shares.threads)
                yield partial(self._again, line, part, near, seen)

    def _touched(self, links: Links | None, key: str) -> Iterator[tuple[pl.DataFrame, bool]]:
        """Give the records (`key`) that reviews or the day change, then those near other changes, with
        what the network says of them now.
        """
        from creditcore._frame import to_polars

        if self.reviewed is not None:
            yield self.reviewed[key].alias("key").to_frame(), False
        for keys in days.due(self.line, self.core, self.before, self.when):
            yield keys.alias("key").to_frame(), False
        linked = self.line.linked
        if links is None or linked is None or not self.core.sizes()[0]:
            return
        if now := linked.wanted["now"]:
            assert links.moved.features is not None
            yield renewed.touched(links.moved.changed, links.moved.features, now), True
        if links.at is not None:
            old = to_polars(self.core.scan([key, *linked.wanted["at"]]))
            new = renewed.looked_up(old, key, links.at, linked.wanted["at"])
            yield old.filter(renewed.differing(old, new)).select(key).rename({key: "key"}), True
        elif links.moved.then is not None:
            yield links.moved.then.select("key"), True

    def _again(
        self, line: PortfolioLine, gathered: Callable[[list[str] | None], Part], near: bool, told: Told
    ) -> Again:
        """Give what is made of records of the state now, those that are the same left out.

        Args:
            line: of a worker.
            gathered: gives the records, in some of their columns.
            near: whether only what is near them changed.
            told: what the network says of them.
        """
        from creditcore._frame import beside, to_polars

        part = gathered(line.again)
        old = to_polars(part.records())
        if line.still is not None and not line.still.knows(old):
            # An older version has written them.
            part = gathered(None)
            old = to_polars(part.records())
        features = [renewed.features_of(old, found, names) for names, found in told]
        made = line.made_names
        places, scored = renewed.numbered(old), len(old)
        if near and features:
            # Who was only near what changed stays as it is.
            moved = renewed.differing(old, beside(*features))
            # Rows are copied where that spares much; the others come out as they were.
            scored = int(moved.sum())
            if scored < FEW * len(moved):
                old, places = old.filter(moved), places.filter(moved)
                features = [one.filter(moved) for one in features]
        if not len(old):
            return Again(part, None, 0)
        kept = beside(old.drop(made, strict=False), *features)
        new = beside(*features, *line.made_again(kept, old, self.when))
        # What stands still is in the row already.
        new = new.select([name for name in made if name in new.columns and name not in line.hidden])
        changed = renewed.differing(old, new)
        return Again(part, beside(places, new).filter(changed), scored)


def renewed_whole(line: PortfolioLine, rows: pl.DataFrame, when: date | None) -> pl.DataFrame:
    """Give all records of a state, told as they are kept, with what a line makes of them."""
    from creditcore._frame import beside

    features: list[pl.DataFrame] = []
    linked, key = line.linked, line.config.columns.key
    if linked is not None and linked.features and len(rows):
        held = linked.of_rows(lambda: linked.build(renewed.timed(rows, linked.time)), when)
        for view, found in linked.views(held):
            features.append(renewed.looked_up(rows, key, found, linked.wanted[view]))
    if not line.makes and not features:
        return rows
    return beside(rows, *features, *(line.made_of(beside(rows, *features), when) if len(rows) else ()))
