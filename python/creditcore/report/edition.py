"""What a report is made of: plain records, read by pages, charts and texts alike.

Comes in: the fields, filled by `creditcore.reports`. Goes out: names, the nation's mean, the rows that
are ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from creditcore.report.figures import Figures, figures_of
from creditcore.report.method import what
from creditcore.report.words import FAMILY_NAMES, Pair, pair, unit_words

Row = Mapping[str, Any]
FAMILIES = ("north_south", "coast", "nbs_region", "belts", "province_kind")
"""Families in the order of a page; others follow in the order of the region table."""


@dataclass(frozen=True)
class Shares:
    """Shares of a score's bands by region."""

    cuts: Sequence[float]
    rows: Mapping[tuple[str, str], Sequence[float]]
    """By level and code: a city may have its province's code."""


@dataclass(frozen=True)
class Edition:
    """One report's content."""

    by: str
    plan: Mapping[str, Any]
    tables: Mapping[str, Sequence[Row]]
    """Rows by what they are ranked by; `by` is among them."""
    records: int
    excluded: Mapping[str, int]
    status: str = "not_official"
    title: Pair | None = None
    population: Pair | None = None
    as_of: str | None = None
    confidence: float = 0.95
    min_n: int = 1
    unresolved: Sequence[tuple[str, str, int]] = ()
    without_data: Sequence[tuple[str, Pair]] = ()
    names: Mapping[str, Pair] = field(default_factory=dict)
    """Names of the region table by code."""
    tiles: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    own_places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Places that hold for a row by itself, by code."""
    same: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Codes that cannot be told from one."""
    reasons: Mapping[str, Pair] = field(default_factory=dict)
    """Why a row is suppressed, by code."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Rules of disclosure, where there are any."""
    shares: Shares | None = None
    moves: Sequence[Row] = ()
    """Rows of both releases, the surest moves first."""
    breaks: Sequence[str] = ()
    """Why the two cannot be compared."""
    since: str | None = None
    history: Mapping[str, Sequence[tuple[str, int | None, float | None]]] = field(default_factory=dict)
    """Day, place and mean of each release, by code."""
    csv_name: str | None = None
    csv: bytes = b""
    files: Sequence[str] = ()
    command: str | None = None
    version: str = ""

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of the main ranking."""
        return self.tables[self.by]

    @cached_property
    def ranked(self) -> list[Row]:
        """The rows that have a place, best first."""
        return [row for row in self.rows if row["rank"] is not None]

    @cached_property
    def figures(self) -> Figures:
        """How figures are written."""
        return figures_of(self.plan, self.rows)

    @cached_property
    def whole(self) -> float | None:
        """The mean of all, where the nation was ranked too."""
        nation = self.tables.get("nation", ())
        return nation[0]["mean"] if len(nation) == 1 else None

    @property
    def heading(self) -> Pair:
        """The title of the report."""
        if self.title is not None:
            return self.title
        return pair("title", what=what(self.plan), unit=unit_words(self.by)[0])

    @property
    def sure(self) -> str:
        """The confidence as a reader sees it."""
        return f"{self.confidence * 100:g} %"

    def name(self, row: Row) -> Pair:
        """Give a row's name in both languages."""
        if row["level"] in self.families and row["code"] in FAMILY_NAMES:
            return FAMILY_NAMES[row["code"]]
        return row["name"], row.get("name_zh") or row["name"]

    def shares_of(self, row: Row) -> Sequence[float] | None:
        """Give the shares of a row's bands, where they are known."""
        return None if self.shares is None else self.shares.rows.get((row["level"], row["code"]))

    def name_of(self, code: str) -> Pair:
        """Give a region's name by its code."""
        return self.names.get(code, (code, code))

    @cached_property
    def families(self) -> list[str]:
        """The families that were ranked."""
        levels = {self.by, "province", "nation"}
        found = [name for name in self.tables if name not in levels]
        return [name for name in FAMILIES if name in found] + [name for name in found if name not in FAMILIES]

    def sibling_count(self, parent: str | None) -> int:
        """Count the ranked rows of a parent."""
        return sum(1 for row in self.ranked if row["parent"] == parent)
