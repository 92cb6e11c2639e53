"""Scores of records of which few columns change: models that see none of these are not asked again.

Comes in: a pipeline, the columns that change. Goes out: scores and decisions beside the sums of log-odds of
the models that stand still, and the bins of what the other models see of the columns that do not change; and
the same scores again from these. Sums are integers, and bins send a record to the same leaves, so the bits
are those of all models asked at once (law 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.aggregation import Progress
from creditcore.fleet.bins import COLUMN, Bins
from creditcore.pipeline import tried
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore.pipeline.pipeline import Pipeline

SUMS = ("still_fraud", "still_fraud_weight", "still_credit", "still_credit_weight")
KEPT = tuple(f"_{name}" for name in SUMS)
"""What the sums are called where they are kept beside records."""


class Still:
    """A pipeline whose models are parted by the columns that they see; immutable."""

    def __init__(self, pipeline: Pipeline, changing: Iterable[str]) -> None:
        """Part the models of a pipeline that has a blend.

        Args:
            pipeline: what scores and decides.
            changing: columns of records that change without the others.
        """
        blend = pipeline.blend
        assert blend is not None
        self._pipeline = pipeline
        blended = {name.split(":")[0] for name in (*blend.fraud, *blend.credit)}
        named = {name.split(":")[0] for name in pipeline.policy.columns} if pipeline.policy else set()
        touched = set(pipeline.affected(changing))
        needed = pipeline.needed
        self._moving = frozenset(name for name in needed if name in touched & blended)
        self._standing = frozenset(name for name in needed if name in blended - touched)
        self._summed_models = [name for name in needed if name in self._standing]
        also = tried.asked(pipeline)
        self.asked = [name for name in needed if name in touched or name in named]
        self.asked += [name for name in also if name not in self.asked]
        """The models that are asked again."""
        # A schema makes features of several columns: the columns themselves are needed.
        binned = pipeline.schema is None and self.asked
        self._bins = Bins.of_fleet(pipeline.models(self.asked), changing) if binned else None
        self.kept = KEPT if self._bins is None else (*KEPT, COLUMN)
        """What is kept beside records."""
        self.binned = frozenset() if self._bins is None else self._bins.columns
        """The columns that the models need not see again where their bins are known."""

    def prepare(self, rows: int, *, whole: bool = False, threads: int | None = None) -> None:
        """Build the engines that calls of so many rows go to, where they are not there yet.

        Args:
            rows: of a call.
            whole: those of the models that stand still too.
            threads: one for each processor by default.
        """
        for names in (self._summed_models if whole else [], self.asked):
            if names:
                self._pipeline.models(names).prepare(rows, threads)

    def score(self, rows: Any, as_of: date | None, *, threads: int | None = None) -> pl.DataFrame:
        """Score and decide records; gives what `Pipeline.score` gives, and what is `kept`."""
        from creditcore._frame import beside

        pipeline = self._pipeline
        features = pipeline.features(rows, threads=threads)
        names = [*dict.fromkeys([*pipeline.needed, *tried.asked(pipeline)])]
        outputs = pipeline.outputs(features, names, threads=threads)
        sums = self._summed(outputs, threads)
        told = beside(outputs.select(_of(outputs.columns, self._moving)), sums)
        sums.columns = list(KEPT)
        finished = self._finished(features, outputs, told, as_of, threads)
        return beside(*finished, sums, *self._binned(features, threads))

    def sums(
        self, rows: Any, *, threads: int | None = None, progress: Progress | None = None
    ) -> pl.DataFrame:
        """Give what is `kept` alone: the sums of the models that stand still, and bins.

        What the columns hold that change is of no matter: none of this hangs on them.
        """
        from creditcore._frame import beside

        pipeline = self._pipeline
        features = pipeline.features(rows, threads=threads)
        outputs = features[:, :1]
        if self._summed_models:
            outputs = pipeline.outputs(features, self._summed_models, threads=threads, progress=progress)
        sums = self._summed(outputs, threads)
        sums.columns = list(KEPT)
        return beside(sums, *self._binned(features, threads))

    def _binned(self, features: pl.DataFrame, threads: int | None) -> list[pl.DataFrame]:
        """Give the bins of records, where there are any."""
        return [] if self._bins is None else [self._bins.of(features, threads=threads)]

    def knows(self, rows: pl.DataFrame) -> bool:
        """Say whether records come with their bins, of these models: without them all columns are needed."""
        return self._bins is None or self._bins.are_in(rows)

    def _summed(self, outputs: pl.DataFrame, threads: int | None) -> pl.DataFrame:
        """The sums of the models that stand still, of which there are outputs."""
        from creditcore._frame import to_polars

        assert self._pipeline.blend is not None
        standing = outputs.select(_of(outputs.columns, self._standing))
        if not standing.width:
            standing = outputs[:, :1].rename({outputs.columns[0]: "nothing"})
        return to_polars(_core.still_sums(open_source(standing), self._pipeline.blend._json, threads=threads))

    def again(self, rows: pl.DataFrame, as_of: date | None, *, threads: int | None = None) -> pl.DataFrame:
        """Score and decide records whose other columns are as they were, from what was `kept`."""
        from creditcore._frame import beside

        pipeline = self._pipeline
        kept = rows.select(name for name in self.kept if name in rows.columns)
        sums = kept.select(KEPT).rename(dict(zip(KEPT, SUMS, strict=True)))
        features = pipeline.features(rows.drop(KEPT), threads=threads)
        if self._bins is not None and self.knows(kept):
            outputs = self._bins.probabilities(features, threads=threads)
        else:
            outputs = pipeline.outputs(features, self.asked, threads=threads) if self.asked else sums[:, :1]
        told = beside(outputs.select(_of(outputs.columns, self._moving)), sums)
        return beside(*self._finished(features, outputs, told, as_of, threads), kept)

    def _finished(
        self, features: Any, outputs: Any, told: Any, as_of: date | None, threads: int | None
    ) -> list[pl.DataFrame]:
        """Give scores, decisions where there are rules, and what is tried beside them.

        `told` are the outputs of the models that change, and the sums of the others.
        """
        pipeline = self._pipeline
        beside = [tried.outputs_of(pipeline, outputs)] if tried.asked(pipeline) else []
        scored = self._scored(told, None, threads)
        if pipeline.policy is None:
            return [scored, *beside]
        decisions = tried.decided(pipeline, features, outputs, scored, as_of, threads)
        if decisions["effect"].null_count() < len(decisions):
            scored = self._scored(told, decisions.select("effect"), threads)
        return [scored, decisions, *beside]

    def _scored(self, told: Any, effects: Any, threads: int | None) -> pl.DataFrame:
        from creditcore._frame import to_polars

        pipeline = self._pipeline
        assert pipeline.blend is not None
        made = _core.score(
            open_source(told),
            pipeline.blend._json,
            pipeline.scaling._scale,
            None if effects is None else open_source(effects),
            still=True,
            threads=threads,
        )
        return to_polars(made)


def _of(columns: Sequence[str], models: frozenset[str]) -> list[str]:
    """The columns of some models' outputs."""
    return [name for name in columns if name.split(":")[0] in models]
