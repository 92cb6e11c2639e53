"""The side of a portfolio that answers for its decisions.

Comes in: a portfolio with its log. Goes out: the log, and decisions made again. Nothing is changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from creditcore.portfolio.decision_log import DecisionLog, files_of
from creditcore.portfolio.files import checked
from creditcore.portfolio.reading import Reading
from creditcore.portfolio.replay import Replay, replay

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 60
"""Decisions that are made again where nothing else is asked for."""


class Audited(Reading):
    """The half of `Portfolio` that has the log of decisions."""

    _folder: Path
    _log: DecisionLog
    _verify: bool

    def decisions(self, key: int | str | None = None) -> pl.DataFrame:
        """Give the log of decisions, in the order in which they were made.

        Args:
            key: of a record; of all by default.

        Returns:
            A row for each decision: `key`; `time`, the instant that the state spoke of (null where none was
            given); `version` of the state and number of the `segment` that it came with; `inputs`, a
            fingerprint (SHA-256, 128 bits) of what scores and decisions go by; fingerprints of
            `configuration`, `models` and `policy`; `fraud_p`, `pd`, `points_model`, `points_final`;
            `decision`; `decision_policy` and `review_reason`, where a review took the rules' place; `rules`
            and `reasons`, joined by `|`. Empty without rules.

        Memory: the rows that are given.
        """
        from creditcore.frames import decided

        self._state()
        files = checked(self._folder, files_of(self._entries, "decisions"), verify=self._verify)
        return decided.read_log(files, key)

    def replay(self, sample: int = SAMPLE, seed: int = 0) -> Replay:
        """Make a sample of the logged decisions again, and compare points, reasons and decisions to the bit.

        Args:
            sample: how many decisions; all where there are fewer.
            seed: which ones: of one log the same for the same seed.

        Returns:
            A `Replay`: each decision of the sample and what became of it.

        Raises:
            ArgumentError: a sample below 1.
            StateError: a file of the log that cannot be read.
        """
        self._state()
        return replay(self, self._folder, sample, seed, verify=self._verify)
