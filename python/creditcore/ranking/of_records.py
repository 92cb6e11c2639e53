"""Rankings of records: one call from files or frames to rows.

Comes in: records and what is asked of them. Goes out: a `Ranking` for each name. Law kept: a record is read
once for its sums; what goes by a population, by clusters or by distributions holds its columns in memory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, overload

from creditcore import regions as region_tables
from creditcore.aggregation import Progress, aggregate
from creditcore.ranking import publishing
from creditcore.ranking.detail import Grades, load_grades, with_detail
from creditcore.ranking.margins import Margins
from creditcore.ranking.margins import load as load_margins
from creditcore.ranking.publishing import Publish, PublishRules
from creditcore.ranking.ranking import Ranking
from creditcore.ranking.weighing import reweighed, with_coverage
from creditcore.sources import Records, open_source


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
    margins: Margins | None = ...,
    cluster: str | None = ...,
    quantiles: Sequence[float] | None = ...,
    grades: Grades | None = ...,
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
    margins: Margins | None = ...,
    cluster: str | None = ...,
    quantiles: Sequence[float] | None = ...,
    grades: Grades | None = ...,
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
    margins: Margins | None = None,
    cluster: str | None = None,
    quantiles: Sequence[float] | None = None,
    grades: Grades | None = None,
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
        margins: weights are adjusted (raked) until they add up to populations: `"census"` (cities, 2020), the
            path of a margin table, a dict such as `{"sex": {"f": 48, "m": 52}}`, or several of these.
        cluster: the column of clusters within which units are alike, such as a person of several loans;
            standard errors, and all that goes by them, are by cluster.
        quantiles: probabilities; a column of weighted quantiles for each.
        grades: names with the score from which each counts, or a TOML file of them; a column of shares each.

    Returns:
        A `Ranking`, or for a list of names a dict of them by name.

    Memory: sums by group for each thread, and one batch of records; with `unit` about 130 bytes a record;
    with the last four arguments the columns that are used, for all records.

    Raises:
        SourceError: records that cannot be read, or a value that is refused, with file and row.
        SchemaError: a column that is missing or of a wrong type; several kinds where none was named.
        FormatError: a region table that is none.
        ArgumentError: an argument outside of what is allowed.

    The standard error is that of a ratio of two weighted sums by linearisation (Cochran, *Sampling
    Techniques*, 3rd ed., 6.4): sqrt(n/(n-1) * sum(w^2 (x-m)^2)) / sum(w).
    """
    options: dict[str, Any] = {
        "region": region,
        "unit": unit,
        "pick": pick,
        "time": time,
        "kind": kind,
        "regions": regions,
        "share_above": share_above,
        "bands": bands,
        "threads": threads,
    }
    names = [by] if isinstance(by, str) else list(by)
    weighed = None
    if margins is not None:
        told = load_margins(margins, regions)
        given = {"ratio": ratio, "encoding": encoding, "keep": [cluster], **options}
        weighed = reweighed(source, names, score, weight, told, **given)
        source, weight, encoding = weighed.records, weighed.weight, None
    rules = publishing.load(publish)
    sums = aggregate(
        source,
        names,
        score,
        weight,
        ratio=ratio,
        largest_weights=rules is not None and rules.dominance is not None,
        encoding=encoding,
        progress=progress,
        **options,
    )
    found = {name: sums.rank(name, min_n, rules) for name in names}
    detail = (cluster, quantiles, load_grades(grades))
    if any(told is not None for told in detail):
        opened = open_source(source, encoding=encoding)
        found = with_detail(found, sums, opened, region_tables.load(regions), *detail)
    if weighed is not None:
        found = {name: with_coverage(ranking, weighed) for name, ranking in found.items()}
    return found[by] if isinstance(by, str) else found
