"""Ranking: ordered rows of regions or groups, with errors and what was left out.

Comes in: records, or an `Aggregate`. Goes out: a `Ranking`. Ranks are by the exact weighted mean; only
exactly equal means share a rank.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from creditcore import _core
from creditcore.aggregation import Progress, aggregate
from creditcore.errors import ArgumentError
from creditcore.ranking import publishing
from creditcore.ranking.publishing import Publish, PublishRules
from creditcore.report.ranking import heading, to_html, to_text
from creditcore.sources import Records

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from creditcore.reports import Report


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
    ) -> None:
        """Wrap the native rows; made by `rank` and `Aggregate.rank`."""
        self._core = core
        self._plan = plan
        self._min_n = min_n
        self._rules = rules
        self._causes = causes

    def with_causes(self, causes: Callable[[], dict[str, int]]) -> Ranking:
        """Give the same rows, of records some of which were left out by causes, counted when asked for."""
        return Ranking(self._core, {**self._plan, "kind": None}, self._min_n, self._rules, causes)

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
        columns = self._core.columns()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_polars(self) -> pl.DataFrame:
        """Give the rows as a polars frame.

        Columns: `code`, `name`, `level`, `parent` (text), `n` (units), `sum_weight`, `n_eff` (units of equal
        weight that would be as good), `mean`, `mean_plain` (without weights), `se` (standard error of `mean`,
        null for one unit), `ci_lo` and `ci_hi` (its interval), `eb_mean` (shrunk towards the parent's mean),
        `diff_parent` (mean minus the parent's), `rank` and `rank_in_parent` (from 1, null below `min_n` or
        without weight), `rank_lo`, `rank_hi` and `tier` (see `at`), `suppressed` and `suppressed_why` (a
        hidden row has no figures), and the region table's further names. Sums, means and errors are Float64,
        correctly rounded from exact sums.
        """
        from creditcore._frame import to_polars

        return to_polars(self._core)

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
        return Ranking(
            self._core.at(confidence, draws, seed), self._plan, self._min_n, self._rules, self._causes
        )

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


@overload
def rank(
    source: Records,
    by: str = ...,
    score: str | None = ...,
    weight: str | None = ...,
    region: str | None = ...,
    unit: str | None = ...,
    pick: str = ...,
    time: str = ...,
    kind: str | None = ...,
    regions: str | os.PathLike[str] | None = ...,
    share_above: float | None = ...,
    ratio: tuple[str, str] | None = ...,
    bands: Mapping[str, Sequence[float]] | None = ...,
    min_n: int = ...,
    publish: Publish | PublishRules | None = ...,
    encoding: str | None = ...,
    threads: int | None = ...,
    progress: Progress | None = ...,
) -> Ranking: ...
@overload
def rank(
    source: Records,
    by: list[str] | tuple[str, ...],
    score: str | None = ...,
    weight: str | None = ...,
    region: str | None = ...,
    unit: str | None = ...,
    pick: str = ...,
    time: str = ...,
    kind: str | None = ...,
    regions: str | os.PathLike[str] | None = ...,
    share_above: float | None = ...,
    ratio: tuple[str, str] | None = ...,
    bands: Mapping[str, Sequence[float]] | None = ...,
    min_n: int = ...,
    publish: Publish | PublishRules | None = ...,
    encoding: str | None = ...,
    threads: int | None = ...,
    progress: Progress | None = ...,
) -> dict[str, Ranking]: ...
def rank(
    source: Records,
    by: str | list[str] | tuple[str, ...] = "city",
    score: str | None = "points_model",
    weight: str | None = None,
    region: str | None = None,
    unit: str | None = None,
    pick: str = "latest",
    time: str = "event_time",
    kind: str | None = None,
    regions: str | os.PathLike[str] | None = "china",
    share_above: float | None = None,
    ratio: tuple[str, str] | None = None,
    bands: Mapping[str, Sequence[float]] | None = None,
    min_n: int = 1,
    publish: Publish | PublishRules | None = None,
    encoding: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Ranking | dict[str, Ranking]:
    """Rank regions or groups by an exact weighted mean, share or ratio.

    Args:
        source: paths (Parquet, CSV, Arrow IPC; several, globs, folders) or a frame.
        by: a level of the region table (`nation`, `province`, `city`), a region family (`north_south`,
            `coast`, `nbs_region`, `belts`, `province_kind`), the region column, or any other column; a list
            of them gives a dict of rankings out of one pass.
        score: the column to average. Nulls, NaN and infinities are left out and counted.
        weight: the column of weights; each unit weighs 1 without one. Zero counts in n; negative weights are
            left out and counted.
        region: the column of region codes or names; by default the first present of `region`, `city`,
            `city_code` and `adcode`.
        unit: the column of what a statistic counts (person, account); by default each record is a unit.
        pick: which record of a unit counts: `latest` or `first` by `time`, or the `mean` or `sum` of them.
        time: the column of times that `pick` goes by.
        kind: the kind to keep (the column is `kind`); needed where there are several. `all` keeps all.
        regions: `"china"`, a CSV file, or `"none"`.
        share_above: rank the weighted share of units whose score is above this cut-off instead of the mean.
        ratio: columns (numerator, denominator): rank the ratio of their weighted sums.
        bands: edges for numeric columns of `by`: `{"AGE": [30, 40]}` gives `<30`, `[30, 40)`, `>=40`.
        min_n: units below which a row keeps its figures but gets no rank.
        publish: rules of disclosure: `"default"` (ranked from 1,000 units, shown from 50, no unit above a
            tenth of a row's weight, and nothing hidden follows from what is shown), a dict or a TOML file.
        encoding: of CSV text (`utf-8`, `gb18030`).
        threads: how many to use; by default one for each processor. Changes no bit of the result.
        progress: called with the number of records read so far, at most ten times a second.

    Returns:
        A `Ranking`, or for a list of names a dict of them by name.

    Memory: sums by group for each thread, and one batch of records; with `unit` about 130 bytes a record.

    Raises:
        SourceError: records that cannot be read, or a value that is refused, with file and row.
        SchemaError: a column that is missing or of a wrong type; several kinds where none was named.
        FormatError: a region table that is none.
        ArgumentError: an argument outside of what is allowed.

    The standard error is that of a ratio of two weighted sums by linearisation (Cochran, *Sampling
    Techniques*, 3rd ed., 6.4): sqrt(n/(n-1) * sum(w^2 (x-m)^2)) / sum(w).
    """
    rules = publishing.load(publish)
    sums = aggregate(
        source,
        by,
        score,
        weight,
        region=region,
        unit=unit,
        pick=pick,
        time=time,
        kind=kind,
        regions=regions,
        share_above=share_above,
        ratio=ratio,
        bands=bands,
        largest_weights=rules is not None and rules.dominance is not None,
        encoding=encoding,
        threads=threads,
        progress=progress,
    )
    if isinstance(by, str):
        return sums.rank(by, min_n, rules)
    return {name: sums.rank(name, min_n, rules) for name in by}
