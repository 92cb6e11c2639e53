"""What a portfolio answers beside figures: causes, one record and why, files that were taken.

Comes in: the state of a portfolio. Goes out: plain records. The half of `Portfolio` that only reads what the
line made; `portfolio.py` has the half that changes the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from creditcore.errors import SchemaError
from creditcore.portfolio.line import CAUSE, USED, PortfolioLine
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import State
    from creditcore.config.config import Config


class Questions:
    """The part of `Portfolio` that answers about records."""

    config: Config
    _line: PortfolioLine
    _entries: list[dict[str, Any]]
    _causes: dict[str, int] | None

    @property
    def line(self) -> PortfolioLine:
        """What stands between a delta and the state."""
        return self._line

    def types(self) -> dict[str, Any]:
        """Give the types of the columns that the state keeps; none before the first record."""
        from creditcore._frame import to_polars

        for nobody in (0, ""):
            try:
                found = to_polars(self._state().find(open_source({self.config.columns.key: [nobody]})))
            except SchemaError:
                continue
            # A column of nulls alone has no type yet.
            return {name: kind for name, kind in found.schema.items() if str(kind) != "Null"}
        return {}

    def causes(self) -> dict[str, int]:
        """Give how many records the population leaves out, by cause; reads all records once a version."""
        if self._causes is None:
            counts = self.to_polars()[CAUSE].value_counts().rows() if self.config.population else []
            self._causes = {cause: count for cause, count in sorted(counts) if cause != USED}
        return dict(self._causes)

    def received(self, content: str) -> int | None:
        """Give the version that took in a file of this content (SHA-256, hex); None where none did."""
        for entry in self._entries:
            if any(content == known for _, known in entry.get("files", ())):
                return int(entry["version"])
        return None

    def key_of(self, text: str) -> int | str:
        """Read a key as a user writes it: an integer where keys are integers, otherwise text."""
        kind = self.types().get(self.config.columns.key)
        try:
            return int(text) if kind is not None and kind.is_integer() else text
        except ValueError:
            return text

    def _why(self, record: dict[str, Any]) -> dict[str, Any]:
        """Tell what rules say of a record (`rules`), and the features that took most points (`reasons`)."""
        from creditcore._frame import to_frame_of_rows

        pipeline = self._line.pipeline
        told: dict[str, Any] = {"rules": [], "reasons": []}
        if pipeline is None:
            return told
        linked = [] if self._line.linked is None else self._line.linked.features
        rows = to_frame_of_rows([{name: record[name] for name in [*self._line.inputs, *linked]}])
        features = pipeline.features(rows)
        outputs = pipeline.outputs(features)
        scores = None if pipeline.blend is None else pipeline.scores(outputs)
        if pipeline.policy is not None:
            seen = {**rows.to_dicts()[0], **features.to_dicts()[0], **outputs.to_dicts()[0]}
            seen |= {} if scores is None else scores.to_dicts()[0]
            told["rules"] = pipeline.policy.trace({name: seen[name] for name in pipeline.policy.columns})
        if pipeline.blend is not None and pipeline.blend.credit:
            told["reasons"] = self._reasons(features, scores)
        return told

    def _reasons(self, features: pl.DataFrame, scores: Any) -> list[dict[str, Any]]:
        """The features that took most points."""
        from creditcore.scoring.explanations import reasons

        pipeline = self._line.pipeline
        assert pipeline is not None
        assert pipeline.blend is not None
        credit = pipeline.fleet.subset(list(pipeline.blend.credit))
        names = {model["name"]: [one["name"] for one in model["features"]] for model in credit.models}
        made = reasons(credit.contributions(features), names, scores, pipeline.blend, pipeline.scaling)
        return made.adverse.to_dicts()

    def _state(self) -> State:
        raise NotImplementedError

    def record(self, key: int | str) -> dict[str, Any]:
        """Give the record of a key by its columns."""
        raise NotImplementedError

    def to_polars(self) -> pl.DataFrame:
        """Give all current records."""
        raise NotImplementedError
