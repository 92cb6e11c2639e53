"""Rules that an analyst writes: policies, their checks, decisions, backtests and reviews.

In: policy files, records. Out: decisions with reasons, findings, what rules would have done.
"""

from creditcore.tactics.policy import Policy

__all__ = ["Policy"]
