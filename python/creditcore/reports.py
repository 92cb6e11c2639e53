"""Reports: rankings as a page, tables and pictures that can be published.

Comes in: records, or rankings of them. Goes out: a `Report`, which writes one HTML file, Markdown, the
CSV, charts as PNG. Equal inputs give equal bytes: no clock, no path and no machine is in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from creditcore import editions
from creditcore import regions as region_tables
from creditcore.aggregation import Progress
from creditcore.errors import ArgumentError
from creditcore.ranking import publishing
from creditcore.ranking.margins import Margins
from creditcore.ranking.margins import load as load_margins
from creditcore.ranking.of_records import rank
from creditcore.ranking.publishing import Publish, PublishRules
from creditcore.ranking.weighing import reweighed, with_coverage
from creditcore.report.edition import Edition, Shares
from creditcore.report.files import write_whole
from creditcore.report.words import Pair, language_of
from creditcore.sources import Records, as_paths

if TYPE_CHECKING:
    import altair

    from creditcore.ranking.ranking import Ranking


class Report:
    """A ranking as people read it; immutable.

    >>> import creditcore as cc
    >>> records = {"city": ["310100", "330400", "330400"], "points": [640.0, 655.0, 661.0]}
    >>> report = cc.Report.build(records, score="points", title="Points of three people")
    >>> report.to_markdown().splitlines()[0]
    '# Points of three people'
    """

    def __init__(self, edition: Edition) -> None:
        """Wrap what is reported; made by `build`, `of` and `Ranking.report`."""
        self._edition = edition

    @classmethod
    def build(
        cls,
        source: Records,
        score: str | None = "points_model",
        weight: str | None = None,
        *,
        by: str = "city",
        region: str | None = None,
        unit: str | None = None,
        pick: str = "latest",
        time: str = "event_time",
        kind: str | None = None,
        regions: str | os.PathLike[str] | None = "china",
        share_above: float | None = None,
        ratio: tuple[str, str] | None = None,
        bands: Mapping[str, Sequence[float]] | None = None,
        cuts: Sequence[float] | None = None,
        min_n: int = 1,
        publish: Publish | PublishRules | None = None,
        confidence: float = 0.95,
        encoding: str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
        margins: Margins | None = None,
        cluster: str | None = None,
        title: str | Pair | None = None,
        population: str | Pair | None = None,
        as_of: str | None = None,
        status: str = "not_official",
    ) -> Self:
        """Rank records by a level, by every coarser one and by the families, and make a report of it.

        Args:
            source: paths or a frame; they are read once, and once more for each of `cuts`.
            score: the column to average; this and what follows up to `ratio` is as in `creditcore.rank`.
            weight: the column of weights.
            by: what the main ranking is by: a level of the region table, or any column.
            region: the column of regions.
            unit: the column of what a statistic counts.
            pick: which record of a unit counts.
            time: the column of times that `pick` goes by.
            kind: the kind to keep.
            regions: `"china"`, a CSV file, or `"none"`.
            share_above: rank the share above this cut-off.
            ratio: rank the ratio of two columns.
            bands: edges for a numeric column of `by`.
            cuts: four rising scores that part the bands of the distribution; by default about fifths of
                all, at
                round numbers; empty for none. Only means have a distribution, and Arrow streams are read
                only once.
            min_n: units below which a row gets no rank.
            publish: rules of disclosure, as in `creditcore.rank`; all levels and families of the page are
                published together, and shares are given of ranked rows alone.
            confidence: of the intervals, between 0 and 1.
            encoding: of CSV text.
            threads: how many to use.
            progress: called with the number of records read so far.
            margins: populations that weights are adjusted to, as in `creditcore.rank`.
            cluster: the column that standard errors go by, as in `creditcore.rank`.
            title: the heading, or a pair of headings (English, Chinese).
            population: who is in it, in words, or a pair of them.
            as_of: the instant that the figures speak of, as it should be read.
            status: `not_official` or `synthetic`, which a page says before anything else.

        Raises:
            ArgumentError: an argument outside of what is allowed.
            SourceError, SchemaError, FormatError: as `creditcore.rank`.
        """
        table = region_tables.load(regions)
        names = [by]
        if table is not None and by in table.levels():
            above = table.levels()[: table.levels().index(by)]
            names = [by, *reversed(above), *table.families()]
        options: dict[str, Any] = {
            "region": region,
            "unit": unit,
            "pick": pick,
            "time": time,
            "kind": kind,
            "regions": regions,
            "encoding": encoding,
            "threads": threads,
            "progress": progress,
        }
        rules = publishing.load(publish)
        measure: dict[str, Any] = {"share_above": share_above, "ratio": ratio, "bands": bands}
        records, weighed, passed = source, None, weight
        if margins is not None:
            told = {name: option for name, option in options.items() if name != "progress"}
            people = load_margins(margins, regions)
            weighed = reweighed(source, names, score, weight, people, keep=[cluster], **measure, **told)
            records, passed, options["encoding"] = weighed.records, weighed.weight, None
        made = {"min_n": min_n, "publish": rules, "cluster": cluster, **measure, **options}
        ranked = rank(records, names, score, passed, **made)
        rankings = {name: ranking.at(confidence) for name, ranking in ranked.items()}
        shares = None
        if share_above is None and ratio is None and bands is None and table is not None:
            shares = editions.shares(records, rankings, score, passed, cuts, options)
        if weighed is not None:
            rankings = {name: with_coverage(ranking, weighed) for name, ranking in rankings.items()}
        paths = as_paths(source)
        files = [] if paths is None else [Path(path).name for path in paths]
        options["encoding"] = encoding
        described: dict[str, Any] = {
            "title": title,
            "population": population,
            "as_of": as_of,
            "status": status,
            "regions": regions,
            "shares": shares,
            "files": files,
        }
        if files:
            measure |= {"score": score, "weight": weight, "margins": margins, "cluster": cluster}
            rules_named = publish if isinstance(publish, str | os.PathLike) else None
            chosen = {**measure, **options, "by": by, "min_n": min_n, "publish": rules_named}
            usual = confidence == 0.95 and (rules is None) == (rules_named is None)
            described["command"] = editions.command(files, chosen) if usual else None
        return cls.of(rankings, **described)

    @classmethod
    def of(
        cls,
        rankings: Mapping[str, Ranking],
        *,
        title: str | Pair | None = None,
        population: str | Pair | None = None,
        as_of: str | None = None,
        status: str = "not_official",
        regions: str | os.PathLike[str] | None = "china",
        shares: Shares | None = None,
        files: Sequence[str] = (),
        command: str | None = None,
    ) -> Self:
        """Make a report of rankings of the same records.

        Args:
            rankings: by name; the first is the main one. `province` and `nation` give the map and the
                mean of all.
            title: the heading, or a pair of headings (English, Chinese).
            population: who is in it, in words, or a pair of them.
            as_of: the instant that the figures speak of.
            status: `not_official` or `synthetic`.
            regions: the region table that the rankings were made with.
            shares: the distribution by region.
            files: names of the files behind it.
            command: the command that writes the same CSV.

        Raises:
            ArgumentError: no ranking, or a status that is none.
        """
        told: dict[str, Any] = {"population": population, "as_of": as_of, "status": status, "shares": shares}
        return cls(editions.edition(rankings, regions, title=title, files=files, command=command, **told))

    @classmethod
    def of_release(
        cls,
        folder: str | os.PathLike[str],
        name: str = "latest",
        since: str | None = None,
        *,
        title: str | Pair | None = None,
        population: str | Pair | None = None,
        status: str = "not_official",
    ) -> Self:
        """Make a report of a release: its rows, what moved since an earlier one and why, its history.

        Args:
            folder: of releases.
            name: of the release; `latest` is the last one made.
            since: the release that moves are told against; by default the one made before it, if any.
            title: the heading, or a pair of headings (English, Chinese).
            population: who is in it, in words, or a pair of them.
            status: `not_official` or `synthetic`.

        Raises:
            ArgumentError: no release of that name.
            StateError: a folder without releases, or files that are missing or changed.
        """
        from creditcore.releases import reports as release_reports
        from creditcore.releases.releases import Releases

        releases = Releases(folder)
        release = releases.get(name)
        earlier = [one for one in releases.all() if one.number < release.number]
        before = releases.get(since) if since is not None else (earlier[-1] if earlier else None)
        told = {"title": title, "population": population}
        return cls(release_reports.edition(release, before, earlier, status=status, **told))

    def to_html(self, lang: str = "en") -> str:
        """Give the page: one HTML file in English and Chinese that asks nothing of the network.

        Args:
            lang: the language that is shown first, `en` or `zh`.

        Raises:
            ArgumentError: another language, or the extra `report` is not installed.
        """
        from creditcore.report.page import page

        return page(self._edition, lang)

    def to_markdown(self, lang: str = "en") -> str:
        """Give the first screen, the first 50 rows, the provinces and the method as Markdown."""
        from creditcore.report.markdown import markdown

        return markdown(self._edition, lang)

    def to_csv(self) -> bytes:
        """Give the main ranking as CSV: the bytes that are inside the page."""
        return self._edition.csv

    def chart_names(self) -> list[str]:
        """Name the charts that there are figures for."""
        from creditcore.report.charts import CHARTS

        return [name for name, draw in CHARTS.items() if draw(self._edition, 0, False) is not None]

    def chart(self, name: str, lang: str = "en") -> altair.Chart:
        """Give a chart for a notebook (needs altair).

        Raises:
            ArgumentError: no chart of that name, or altair is not installed.
        """
        try:
            import altair
        except ModuleNotFoundError as error:
            raise ArgumentError("`altair` is not installed; install `creditcore[report]`") from error
        chart: altair.Chart = altair.Chart.from_dict(self._specification(name, lang))
        return chart

    def to_png(self, name: str, lang: str = "en") -> bytes:
        """Give a chart as a PNG, with the packaged font.

        Raises:
            ArgumentError: no chart of that name; a name in it has characters that the packaged font
                lacks; the extra `report` is not installed.
        """
        from creditcore.report.drawing import png

        return png(self._specification(name, lang))

    def write(self, path: str | os.PathLike[str], lang: str = "en") -> None:
        """Write a file by its extension (.html, .md, .csv, .png): all of it, or nothing.

        A `.png` is the chart that the file is named after: `map.png`, `provinces.png`.

        Raises:
            ArgumentError: another extension, or no chart of that name.
        """
        path = Path(path)
        makers: dict[str, Callable[[], bytes]] = {
            ".html": lambda: self.to_html(lang).encode(),
            ".md": lambda: self.to_markdown(lang).encode(),
            ".csv": self.to_csv,
            ".png": lambda: self.to_png(path.stem, lang),
        }
        if path.suffix not in makers:
            raise ArgumentError(
                f"`{path}`: the extension is `{path.suffix}`; allowed are {', '.join(makers)}"
            )
        write_whole(path, makers[path.suffix]())

    def write_charts(self, folder: str | os.PathLike[str], lang: str = "en") -> list[Path]:
        """Write every chart as a PNG into a folder, which is made, and give the paths."""
        made = {Path(folder) / f"{name}.png": self.to_png(name, lang) for name in self.chart_names()}
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path, data in made.items():
            write_whole(path, data)
        return list(made)

    def _specification(self, name: str, lang: str) -> dict[str, Any]:
        from creditcore.report.drawing import titled

        language_of(lang)
        names = self.chart_names()
        if name not in names:
            raise ArgumentError(f"no chart `{name}`; this report has {', '.join(names) or 'none'}")
        return titled(self._edition, name, ("en", "zh").index(lang))

    def __repr__(self) -> str:
        """The heading and the first rows."""
        return "\n".join(self.to_markdown().splitlines()[:20])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show Markdown in a notebook."""
        return {"text/markdown": self.to_markdown()}
