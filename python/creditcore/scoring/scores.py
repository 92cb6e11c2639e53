"""Scores: from the outputs of models to `fraud_p`, `pd` and points.

Comes in: a column for each model, a `Blend`, a `Scaling`, decisions. Goes out: four columns. docs/score.md
has the formulas, the side of the odds and the rounding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creditcore import _core
from creditcore.aggregation import Progress
from creditcore.errors import ArgumentError
from creditcore.scoring.calibration import Calibration
from creditcore.sources import Records, open_source

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Scaling:
    """From odds to points; immutable.

    At odds good : bad of `base_odds` a record has `base_points`, and `pdo` more points double the odds:
    points = base_points + pdo / ln 2 x (ln((1 - pd) / pd) - ln base_odds), rounded to 1/64, halves away from
    zero. `min_points` and `max_points` are limits of `points_final` alone.

    Raises:
        ArgumentError: a number outside of its range (pdo from 0.001 to 1e6, base_odds from 1e-9 to 1e9,
            points to 1e9 either way), limits the wrong way round.
    """

    pdo: float = 20.0
    base_odds: float = 50.0
    base_points: float = 600.0
    min_points: float | None = None
    max_points: float | None = None

    def __post_init__(self) -> None:
        _core.check_scaling(self._scale)

    @property
    def _scale(self) -> tuple[float, float, float, float | None, float | None]:
        return (self.pdo, self.base_odds, self.base_points, self.min_points, self.max_points)


class Blend:
    """Models joined to one probability for each target; immutable.

    >>> import creditcore as cc
    >>> blend = cc.Blend(credit={"a": 3, "b": 1}, on_null="renormalise")
    >>> cc.score({"a": [0.02, None], "b": [0.02, 0.5]}, blend, cc.Scaling())["pd"].round(12).to_list()
    [0.02, 0.5]
    """

    def __init__(
        self,
        fraud: Mapping[str, float] | None = None,
        credit: Mapping[str, float] | None = None,
        on_null: str = "refuse",
        calibration: Calibration | Mapping[str, Calibration] | None = None,
    ) -> None:
        """Say which models a blend joins.

        Args:
            fraud: weights (1e-6 to 1e6) of models whose target is fraud, by the names of their columns.
            credit: weights of models whose target is default.
            on_null: where a model has no output: `"refuse"` raises, `"renormalise"` takes the weights of the
                others, `"fallback"` takes the first model in the order given that has one, alone. A record
                without any output has a null result under the last two.
            calibration: of the blended log-odds: one for the only target, or `{"fraud": ..., "credit": ...}`.

        Raises:
            ArgumentError: no model, a model in both targets, a weight or a name outside of what is allowed.
        """
        given: tuple[tuple[str, object], ...] = (("fraud", fraud), ("credit", credit))
        for part, weights in given:
            if weights is not None and not isinstance(weights, Mapping):
                kind = type(weights).__name__
                raise ArgumentError(f"`{part}` is a `{kind}`; give a dict of models to weights")
        self._fraud, self._credit, self._on_null = dict(fraud or {}), dict(credit or {}), on_null
        if on_null not in ("refuse", "renormalise", "fallback"):
            told = "it is `refuse`, `renormalise` or `fallback`"
            raise ArgumentError(f"`on_null` is `{on_null}`; {told}")
        if isinstance(calibration, Calibration):
            if fraud and credit:
                told = "say which target it is for: `{'credit': calibration}`"
                raise ArgumentError(f"one calibration stands for two targets; {told}")
            calibration = {"fraud" if fraud else "credit": calibration}
        self._calibration = dict(calibration or {})
        try:
            self._json = json.dumps(
                {
                    "fraud": [(name, float(weight)) for name, weight in self._fraud.items()],
                    "credit": [(name, float(weight)) for name, weight in self._credit.items()],
                    "on_null": on_null,
                    "calibration": {name: made.to_dict() for name, made in self._calibration.items()},
                },
                allow_nan=False,
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise ArgumentError(f"the blend cannot be read: {error}") from error
        _core.check_blend(self._json)

    @property
    def fraud(self) -> dict[str, float]:
        """The weights of the fraud models."""
        return dict(self._fraud)

    @property
    def credit(self) -> dict[str, float]:
        """The weights of the credit models."""
        return dict(self._credit)

    @property
    def on_null(self) -> str:
        """What happens where a model has no output."""
        return self._on_null

    @property
    def calibration(self) -> dict[str, Calibration]:
        """The calibrations by target."""
        return dict(self._calibration)

    def __repr__(self) -> str:
        """How many models of each target."""
        return f"Blend(fraud={len(self._fraud)} models, credit={len(self._credit)} models)"


def score(
    predictions: Records,
    blend: Blend,
    scaling: Scaling | None = None,
    decisions: Records | None = None,
    output: str = "probability",
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Score records from the outputs of their models.

    Args:
        predictions: a frame (or paths) with a column for each model of the blend; other columns are not read.
            A null is a model without output. A model of several classes has a column for each, `name:class`.
        blend: weights, what a null does, calibrations.
        scaling: points; `Scaling()` by default.
        decisions: a frame with a column `effect`, row by row: text such as `score -20; cap 550` (added to the
            points; at most), or numbers to add; null and empty text do nothing.
        output: what the predictions are, as in `fleet.predict`: `"probability"` or `"raw"` (log-odds).
        threads: how many to use; by default one for each processor. Changes no bit of the result.
        progress: called with the number of records scored so far, at most ten times a second.

    Returns:
        A row for each record in their order, all Float64: `fraud_p` (null without fraud models), `pd`,
        `points_model` (from the log-odds behind `pd`, before decisions, unclamped, a multiple of 1/64;
        null where `pd` is null), `points_final` (after effects: score, then cap, then the limits of the
        scaling).

    Raises:
        ArgumentError: a probability outside of 0 to 1 or a NaN (with row, model and value), a null under
            `on_null="refuse"`, an effect that cannot be read, decisions of another number of rows.
        SchemaError: a model without a column, a column that is no number.
        SourceError: records that cannot be read.
    """
    from creditcore._frame import to_polars

    given: tuple[object, object] = (blend, scaling)
    if not isinstance(given[0], Blend) or not isinstance(given[1], Scaling | None):
        told = " and ".join(f"`{type(one).__name__}`" for one in given)
        raise ArgumentError(f"`blend` and `scaling` are {told}; give a `Blend` and a `Scaling`")
    made = _core.score(
        open_source(predictions),
        blend._json,
        (scaling or Scaling())._scale,
        None if decisions is None else open_source(decisions),
        output=output,
        threads=threads,
        progress=progress,
    )
    return to_polars(made)
