"""Ranking: ordered rows of regions or groups, with errors and what was left out.

Comes in: native rows. Goes out: a `Ranking`. Ranks are by the exact weighted mean; only
exactly equal means share a rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import ArgumentError
from creditcore.ranking.publishing import PublishRules
from creditcore.report.ranking import heading, to_html, to_text

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from creditcore.reports import Report


Beside = Mapping[str, Sequence[float | None]]
"""Further columns of a ranking, by name."""


class Ranking:
    """Ranked rows; immutable, and an Arrow stream that any frame library takes.

    >>> import creditcore as cc
    >>> ranking = cc.rank({"city": ["310100", "999999"], "score": [640.0, 600.0]}, by="city", score="score")
    >>> ranking.excluded
    {'unresolved_region': 1}
    """

    def __init__(
        self,
        core: _core.Ranking,
        plan: dict[str, Any],
        min_n: int,
        rules: PublishRules | None = None,
        causes: Callable[[], dict[str, int]] | None = None,
        beside: Beside | None = None,
    ) -> None:
        """Wrap the native rows; made by `rank` and `Aggregate.rank`."""
        self._core = core
        self._plan = plan
        self._min_n = min_n
        self._rules = rules
        self._causes = causes
        self._beside = dict(beside or {})

    def _with(self, core: _core.Ranking | None = None, beside: Beside | None = None) -> Ranking:
        """Give the same ranking of other native rows, or with further columns."""
        columns = {**self._beside, **(beside or {})}
        return Ranking(core or self._core, self._plan, self._min_n, self._rules, self._causes, columns)

    def with_errors(self, errors: Mapping[str, float | None], told: str) -> Ranking:
        """Give the same rows with other standard errors, by code, and with all that follows from them.

        Intervals, places, tiers and shrunken means go by the new ones; a code that is not there has none.

        Args:
            errors: by the codes of rows.
            told: what they are, for the heading: `standard errors by person`.

        Raises:
            ArgumentError: an error that is no number from zero.
        """
        codes = [str(code) for code in self._core.columns()["code"]]
        core = self._core.with_errors([errors.get(code) for code in codes])
        return self._with(core).with_plan(errors=told)

    def with_plan(self, **told: Any) -> Ranking:
        """Give the same rows, of which headings and reports know more."""
        plan = {**self._plan, **told}
        return Ranking(self._core, plan, self._min_n, self._rules, self._causes, self._beside)

    def with_columns(self, columns: Beside) -> Ranking:
        """Give the same rows with further columns: a number, or None, for each row in their order."""
        return self._with(beside=columns)

    def with_causes(self, causes: Callable[[], dict[str, int]]) -> Ranking:
        """Give the same rows, of records some of which were left out by causes, counted when asked for."""
        plan = {**self._plan, "kind": None}
        return Ranking(self._core, plan, self._min_n, self._rules, causes, self._beside)

    @property
    def by(self) -> str:
        """The level, family or column that is ranked."""
        return self._core.by()

    @property
    def heading(self) -> str:
        """Mean of what, weighted by what, over whom."""
        told = heading(self._plan, self.by, self._core.records(), self.excluded, self._min_n)
        return told if self._rules is None else f"{told}; shown from {self._rules.min_shown:,} units"

    @property
    def records(self) -> int:
        """Records of the source: those used and those left out."""
        return self._core.records()

    @property
    def excluded(self) -> dict[str, int]:
        """Counts of records left out, by cause; records = sum of n + excluded."""
        found = self._core.excluded()
        if self._causes is None:
            return found
        return {name: count for name, count in found.items() if name != "other_kind"} | self._causes()

    @property
    def unresolved(self) -> list[tuple[str, str, int]]:
        """Values that are no region, with the cause and how many records; the most frequent first."""
        return self._core.unresolved()

    @property
    def without_data(self) -> list[tuple[str, str]]:
        """Regions of the level without any record: code and name."""
        return self._core.without_data()

    @property
    def publish_rules(self) -> PublishRules | None:
        """The rules of disclosure that rows were hidden by; None without any."""
        return self._rules

    @property
    def suppressed(self) -> list[tuple[str, str, str]]:
        """The hidden rows: code, name and reason (`few_units`, `dominance`, `complementary`)."""
        columns = self._core.columns()
        rows = zip(columns["code"], columns["name"], columns["suppressed_why"], strict=True)
        return [(str(code), str(name), str(why)) for code, name, why in rows if why is not None]

    def rows(self) -> list[dict[str, Any]]:
        """Give the rows as plain records, in the order of the ranks."""
        columns = {**self._core.columns(), **self._beside}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_polars(self) -> pl.DataFrame:
        """Give the rows as a polars frame.

        Columns: `code`, `name`, `level`, `parent` (text), `n` (units), `sum_weight`, `n_eff` (units of equal
        weight that would be as good), `mean`, `mean_plain` (without weights), `se` (standard error of `mean`,
        null for one unit), `ci_lo` and `ci_hi` (its interval), `eb_mean` (shrunk towards the parent's mean),
        `diff_parent` (mean minus the parent's), `rank` and `rank_in_parent` (from 1, null below `min_n` or
        without weight), `rank_lo`, `rank_hi` and `tier` (see `at`), `suppressed` and `suppressed_why` (a
        hidden row has no figures), the region table's further names, and what was asked for: `population`
        and `coverage` (n / population) with `margins`, `q_0.5` for each of `quantiles`, `share_excellent`
        for each of `grades`. Sums, means and errors are Float64, correctly rounded from exact sums.
        """
        from creditcore._frame import to_polars, with_numbers

        return with_numbers(to_polars(self._core), self._beside)

    def at(self, confidence: float = 0.95, draws: int = 1000, seed: int = 1) -> Ranking:
        """Give the same rows with intervals of another confidence.

        `ci_lo` and `ci_hi` hold for each mean by itself. `rank_lo` and `rank_hi` hold together for all ranked
        rows: with this probability every true place lies within its interval. `tier` counts from the top: a
        row that is surely below the first row of a tier begins the next. They are null where more than 2,000
        rows are ranked. Rows are taken for independent, and standard errors for known; a row without one is
        told from no other.

        Args:
            confidence: between 0 and 1.
            draws: sets of normal values that the critical value comes from, 100 to 1,000,000.
            seed: of the draws. Equal arguments give equal intervals, on every machine.

        Raises:
            ArgumentError: an argument outside of what is allowed.

        Source: Mogstad, Romano, Shaikh, Wilhelm, *Inference for Ranks*, Review of Economic Studies 91 (2024),
        two-sided, with step-down, as in the R package csranks. The shrunken mean is that of the normal model
        with the variance between siblings by Paule and Mandel (Morris, JASA 78, 1983).
        """
        return self._with(self._core.at(confidence, draws, seed))

    def marginal_places(self) -> list[tuple[int, int] | None]:
        """Give for each row its best and worst place, each interval holding for its row alone.

        In the order of `rows()`; None for rows without a rank. Narrower than `rank_lo` and `rank_hi`, which
        hold for all rows at once; right for a reader who came for one region.

        Raises:
            ArgumentError: more than 2,000 ranked rows.
        """
        return self._core.marginal_places()

    def not_distinguishable(self, code: str) -> list[str] | None:
        """Give the codes of the rows that cannot be told from a row, at the confidence of the intervals.

        Its own code is among them. None where it has no rank, or more than 2,000 rows are ranked.

        Raises:
            ArgumentError: no row has this code.
        """
        if not isinstance(code, str):
            raise ArgumentError(
                f"`code` is `{code!r}` of type `{type(code).__name__}`; codes are texts, such as '310100'"
            )
        return self._core.not_distinguishable(code)

    def to_arrow(self) -> pa.Table:
        """Give the rows as a pyarrow table (needs pyarrow)."""
        return self.to_polars().to_arrow()

    def to_pandas(self) -> pd.DataFrame:
        """Give the rows as a pandas frame (needs pandas and pyarrow)."""
        return self.to_polars().to_pandas()

    def report(self, **options: Any) -> Report:
        """Give this ranking as a report: a page, Markdown, charts; see `creditcore.Report.of` for the
        options.

        A report of records, with provinces, families and distributions beside it, is made by `Report.build`.

        Raises:
            ArgumentError: an argument outside of what is allowed.
        """
        from creditcore.reports import Report

        return Report.of({self.by: self}, **options)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        """Give the rows as an Arrow C stream."""
        if self._beside:
            return self.to_polars().__arrow_c_stream__(requested_schema)
        return self._core.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows())

    def __repr__(self) -> str:
        """The heading and the first rows as text."""
        return to_text(self.heading, self.rows(), most=10)

    def _repr_html_(self) -> str:
        """The heading and the first rows as an HTML table, for notebooks."""
        return to_html(self.heading, self.rows(), most=50)
