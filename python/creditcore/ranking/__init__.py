"""Rankings: ordered means with their errors, what is hidden, and what stands behind differences.

In: aggregates. Out: rows by exact mean, intervals, comparisons.
"""

from creditcore.ranking.of_records import rank
from creditcore.ranking.ranking import Ranking

__all__ = ["Ranking", "rank"]
