"""Calibration: scores that mean what they say, learned from outcomes.

Comes in: scores and outcomes of records. Goes out: a `Calibration`, a monotone map to probabilities that
stands in a configuration as plain numbers. Nothing is learned while records are scored.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import ArgumentError
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl


class Calibration:
    """A monotone map of scores to probabilities; immutable.

    >>> import creditcore as cc
    >>> made = cc.Calibration.platt([0.1, 0.2, 0.3, 0.4, 0.6, 0.8], [0, 0, 1, 0, 1, 1])
    >>> made.kind
    'platt'
    >>> made == cc.Calibration.from_toml(made.to_toml())
    True
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        """Make a calibration of its numbers.

        Args:
            told: `{"kind": "platt", "slope": ..., "intercept": ...}`: log-odds become slope x log-odds +
                intercept; or `{"kind": "isotonic", "log_odds": [...], "probability": [...]}`: straight lines
                between points, flat outside of them.

        Raises:
            ArgumentError: another kind or key; a slope that is not above zero; log-odds that do not rise or
                probabilities that fall.
        """
        try:
            text = json.dumps(dict(told), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"not a calibration: {error}") from error
        self._json = _core.check_calibration(text)

    @classmethod
    def platt(cls, scores: Any, outcomes: Any, *, output: str = "probability") -> Calibration:
        """Fit Platt's line: log-odds of bad = slope x log-odds + intercept.

        Args:
            scores: one column of numbers: probabilities of bad, or log-odds with `output="raw"`.
            outcomes: one column: 1 or true for bad, 0 or false for good, null where it is not known yet; or
                `good`, `bad`, `indeterminate`, `immature`. Nulls and open outcomes are left out.
            output: `"probability"` or `"raw"`.

        Raises:
            ArgumentError: only one kind of outcome; scores that do not rise with the risk; no probability.

        The maximum of the likelihood with Platt's targets (Lin, Lin and Weng, *A note on Platt's
        probabilistic outputs for support vector machines*, 2007).
        """
        return cls._fit("platt", scores, outcomes, output)

    @classmethod
    def isotonic(cls, scores: Any, outcomes: Any, *, output: str = "probability") -> Calibration:
        """Fit isotonic steps by pooling adjacent violators; between the steps lines in log-odds.

        Arguments and errors as `platt`; the scores need not rise with the risk.
        """
        return cls._fit("isotonic", scores, outcomes, output)

    @classmethod
    def _fit(cls, kind: str, scores: Any, outcomes: Any, output: str) -> Calibration:
        records = open_source({"score": scores, "outcome": outcomes})
        text, _ = _core.fit_calibration(kind, records, output=output)
        return cls(json.loads(text))

    @property
    def kind(self) -> str:
        """`platt` or `isotonic`."""
        kind: str = self.to_dict()["kind"]
        return kind

    def apply(self, scores: Any, *, output: str = "probability") -> pl.Series:
        """Give calibrated probabilities (Float64, null where the score is null).

        Args:
            scores: one column of numbers: probabilities of bad, or log-odds with `output="raw"`.
            output: `"probability"` or `"raw"`.

        Raises:
            ArgumentError: a score that is no probability, or NaN, with its row.
        """
        from creditcore._frame import to_polars

        made = _core.calibrate(self._json, open_source({"score": scores}), output=output)
        return to_polars(made).to_series()

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers, which `Calibration(...)` takes."""
        told: dict[str, Any] = json.loads(self._json)
        return told

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Calibration:
        """Make a calibration of what `to_dict` gave."""
        return cls(told)

    def to_toml(self) -> str:
        """Give the numbers as TOML; they read back to the bit."""
        lines = [f"{key} = {json.dumps(value)}" for key, value in self.to_dict().items()]
        return "\n".join([*lines, ""])

    @classmethod
    def from_toml(cls, text: str) -> Calibration:
        """Read what `to_toml` gave.

        Raises:
            ArgumentError: text that is no TOML or no calibration.
        """
        try:
            return cls(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ArgumentError(f"not a calibration: {error}") from error

    def __eq__(self, other: object) -> bool:
        """Whether the numbers are the same."""
        return isinstance(other, Calibration) and self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    def __repr__(self) -> str:
        """The numbers, shortened."""
        text = self._json if len(self._json) < 120 else self._json[:117] + "..."
        return f"Calibration({text})"
