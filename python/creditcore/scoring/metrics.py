"""How well a score parts good from bad, and how far a distribution has moved.

Comes in: columns of scores, outcomes, weights. Goes out: floats, exact to the last rounding: records are
counted by score as integers, without bins, so ties are exact and counts merge in any order to the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creditcore import _core
from creditcore.errors import ArgumentError
from creditcore.sources import open_source


class ScoreCounts:
    """Goods and bads by score: mergeable, exact; immutable.

    >>> from creditcore.scoring.metrics import ScoreCounts
    >>> monday = ScoreCounts.of([1, 0, None], [0.9, 0.2, 0.5])
    >>> tuesday = ScoreCounts.of(["bad", "good"], [0.4, 0.4])
    >>> both = monday.merged(tuesday)
    >>> both.auc(), both.excluded
    (0.875, {'open_outcome': 1})
    """

    def __init__(self, core: _core.ScoreCounts) -> None:
        """Wrap native counts; made by `of` and `merged`."""
        self._core = core

    @classmethod
    def of(cls, outcome: Any, score: Any, weight: Any = None, *, threads: int | None = None) -> ScoreCounts:
        """Count records; arguments as in `auc`. Memory: 24 bytes for each different score.

        Raises:
            SourceError: an outcome or a weight that is none, with its row; columns of different lengths.
            SchemaError: scores that are no numbers.
        """
        columns = {"outcome": outcome, "score": score, "weight": weight}
        records = {name: values for name, values in columns.items() if values is not None}
        return cls(_core.ScoreCounts.of(open_source(records), threads=threads))

    def merged(self, other: ScoreCounts) -> ScoreCounts:
        """Give the counts of both."""
        return ScoreCounts(self._core.merged(other._core))

    @property
    def used(self) -> int:
        """Records that are counted."""
        return self._core.used()

    @property
    def excluded(self) -> dict[str, int]:
        """Records that are not, by cause: `null_score` (NaN too), `open_outcome`, `null_weight`."""
        return self._core.excluded()

    def auc(self) -> float:
        """Give the area under the ROC curve."""
        return self._core.auc()

    def gini(self) -> float:
        """Give 2 AUC - 1."""
        return self._core.gini()

    def ks(self) -> float:
        """Give the greatest distance of the distribution functions of goods and bads."""
        return self._core.ks()

    def quantiles(self, bins: int) -> list[float]:
        """Give the upper edges of so many bins of equal shares, without the last, as far as ties allow."""
        return self._core.quantiles(bins)

    def psi(self, actual: ScoreCounts, bins: int | Sequence[float] = 10) -> float:
        """Give the population stability index of other counts against these; `bins` as in `psi`."""
        edges = self._core.quantiles(bins) if isinstance(bins, int) else [float(edge) for edge in bins]
        return self._core.psi(actual._core, edges)


def auc(outcome: Any, score: Any, weight: Any = None) -> float:
    """Area under the ROC curve: the share of pairs in which the bad record has the greater score.

    Args:
        outcome: a column: 1 or true for bad, 0 or false for good, null where it is not known yet; or the
            texts `good`, `bad`, `indeterminate`, `immature`. Open ones are left out (`ScoreCounts` counts
            them).
        score: a column of numbers, greater for riskier records: probabilities or log-odds. Points, of which
            safer records have more, give 1 - AUC: negate them. Null and NaN are left out.
        weight: a column of weights from 0 to 2^40, kept in units of 2^-20; each record weighs 1 without one.

    Returns:
        From 0 to 1; ties count half. Equal to scikit-learn's `roc_auc_score(outcome, score)` up to its
        rounding.

    Raises:
        ArgumentError: only one kind of outcome.
        SourceError: an outcome or a weight that is none, with its row.
        SchemaError: scores that are no numbers.

    >>> import creditcore as cc
    >>> cc.auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return ScoreCounts.of(outcome, score, weight).auc()


def gini(outcome: Any, score: Any, weight: Any = None) -> float:
    """Gini coefficient, 2 AUC - 1: from -1 to 1. Arguments and errors as in `auc`.

    >>> import creditcore as cc
    >>> cc.gini([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return ScoreCounts.of(outcome, score, weight).gini()


def ks(outcome: Any, score: Any, weight: Any = None) -> float:
    """Kolmogorov-Smirnov distance of goods and bads: from 0 to 1, the same for points and for risks.

    Arguments and errors as in `auc`. Equal to the statistic of scipy's `ks_2samp`.

    >>> import creditcore as cc
    >>> cc.ks([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return ScoreCounts.of(outcome, score, weight).ks()


def psi(
    expected: Any,
    actual: Any,
    bins: int | Sequence[float] = 10,
    *,
    expected_weight: Any = None,
    actual_weight: Any = None,
) -> float:
    """Population stability index: how far a column has moved from what was expected.

    Args:
        expected: a column of numbers, such as the scores of the development sample, or of text.
        actual: the same of now. Null and NaN are left out of both.
        bins: how many bins that hold equal shares of `expected`, as far as ties allow, or their upper edges
            (`[500, 600]` makes three bins: to 500, to 600, above). Each text is a bin of its own.
        expected_weight: weights of `expected`, as in `auc`.
        actual_weight: weights of `actual`.

    Returns:
        The sum over bins of (a - e) ln(a / e), zero or more. The share of an empty bin counts as 0.0001.

    Raises:
        ArgumentError: no records, no bins, edges that do not rise.
        SchemaError: a column that is no number.

    >>> import creditcore as cc
    >>> cc.psi([1, 2, 3, 4], [4, 3, 2, 1], bins=2)
    0.0
    """
    if isinstance(bins, bool):
        raise ArgumentError("`bins` is a number of bins or a list of edges")
    from creditcore._frame import as_codes

    expected, actual, codes = as_codes(expected, actual)
    before = ScoreCounts.of(None, expected, expected_weight)
    return before.psi(ScoreCounts.of(None, actual, actual_weight), bins if codes is None else codes)
