"""Quality gates: what is looked at before a delta is written.

In: a delta, a baseline. Out: findings, rows that are put aside, or a refusal.
"""

from creditcore.gates.gates import Baseline, Verdict, judge

__all__ = ["Baseline", "Verdict", "judge"]
