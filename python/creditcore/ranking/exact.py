"""Exact sums as fractions, out of an aggregate's byte form.

Comes in: an `Aggregate`. Goes out: for each group the number of units and its sums as `Fraction`s, for what
is compared or decomposed exactly. The form stands in docs/formats/aggregate.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creditcore.aggregation import Aggregate


@dataclass(frozen=True)
class GroupSums:
    """Units of one group, and their sums of weights w, of w times the value x, and of w times its square."""

    n: int
    w: Fraction
    wx: Fraction
    wxx: Fraction = Fraction(0)

    def __add__(self, other: GroupSums) -> GroupSums:
        """Give the sums of both."""
        return GroupSums(self.n + other.n, self.w + other.w, self.wx + other.wx, self.wxx + other.wxx)


def exact_sums(sums: Aggregate, grouping: int = 0) -> dict[str, GroupSums]:
    """Give the exact sums of one grouping, by the codes of its groups.

    Decimal columns count in units of their last digit.

    >>> import creditcore as cc
    >>> sums = cc.aggregate({"g": ["a", "a"], "x": [0.1, 0.2]}, by="g", score="x", regions="none")
    >>> exact_sums(sums)["a"].wx == Fraction(0.1) + Fraction(0.2)
    True
    """
    data = memoryview(sums.to_bytes())[8:]
    size = int.from_bytes(data[:4], "little")
    header = json.loads(bytes(data[4 : 4 + size]))
    at = 4 + size
    for number, part in enumerate(header["groupings"]):
        found = {}
        for _ in range(part["groups"]):
            length = int.from_bytes(data[at : at + 4], "little")
            code = bytes(data[at + 4 : at + 4 + length]).decode()
            at += 4 + length
            n = int.from_bytes(data[at : at + 8], "little")
            at += 8
            fields = []
            for _ in range(8):
                low = int.from_bytes(data[at : at + 4], "little", signed=True)
                limbs = 8 * int.from_bytes(data[at + 4 : at + 8], "little")
                value = int.from_bytes(data[at + 8 : at + 8 + limbs], "little", signed=True)
                fields.append(value * Fraction(2) ** (64 * low))
                at += 8 + limbs
            found[code] = GroupSums(n, fields[0], fields[1], fields[2])
        if number == grouping:
            return found
    raise IndexError(grouping)
