"""Portfolios: records, scores and rankings on a disk, renewed by deltas.

In: a configuration, records, deltas. Out: rankings equal to a full computation, to the bit.
"""

from creditcore.portfolio.portfolio import Portfolio

__all__ = ["Portfolio"]
