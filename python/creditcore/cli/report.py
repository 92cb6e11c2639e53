"""`creditcore report`: a ranking of records as one page, Markdown, CSV or pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from creditcore.cli.measures import detail_options, measure_arguments, measure_options
from creditcore.cli.options import progress_to_stderr
from creditcore.errors import ArgumentError


@click.command
@click.argument("files", nargs=-1, required=True)
@click.option("--by", default="city", help="What the main ranking is by: a level, or a column.")
@measure_options
@detail_options
@click.option("--min-n", type=click.IntRange(min=1), default=1, help="Units from which a row gets a rank.")
@click.option("--publish", metavar="RULES", help="Hide what may not be published: default, or a TOML file.")
@click.option(
    "--cuts", metavar="A,B,C,D", help="Scores between the five bands of the distribution; none for none."
)
@click.option("--confidence", type=float, default=0.95, help="Of the intervals.")
@click.option("--title", help="The heading; English|Chinese for both.")
@click.option("--population", help="Who is in it, in words; English|Chinese for both.")
@click.option("--as-of", help="The instant that the figures speak of.")
@click.option(
    "--status",
    type=click.Choice(["not-official", "synthetic"]),
    default="not-official",
    help="What is said before anything else.",
)
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", help="The language that is shown first."
)
@click.option("--release", metavar="NAME", help="FILES is a folder of releases: report this one, or latest.")
@click.option("--since", metavar="NAME", help="With --release: the release that moves are told against.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="An .html, .md or .csv file, or a chart: map.png."
)
@click.option("--charts", type=click.Path(path_type=Path), help="A folder for every chart as a PNG.")
def report(files: tuple[str, ...], output: Path | None, charts: Path | None, lang: str, **given: Any) -> None:
    """Rank records in FILES and write a report that can be published: one HTML file, or Markdown.

    FILES are Parquet, CSV (.gz too) or Arrow IPC: files, globs, folders. Without -o and --charts,
    Markdown goes to standard output. With --release, FILES is one folder of releases: what was released is
    reported, with what moved since an earlier release and why; options of measures are the release's own.
    """
    from creditcore.reports import Report

    if output is not None and output.suffix not in (".html", ".md", ".csv", ".png"):
        raise ArgumentError(
            f"`-o {output}`: the extension is `{output.suffix}`; allowed are .html, .md, .csv, .png"
        )
    given = measure_arguments(given)
    given["status"] = given["status"].replace("-", "_")
    given["cuts"] = _cuts(given["cuts"])
    for name in ("title", "population"):
        if given[name] is not None and "|" in given[name]:
            given[name] = tuple(part.strip() for part in given[name].split("|", 1))
    release, since = given.pop("release"), given.pop("since")
    if release is None and since is not None:
        raise ArgumentError("`--since` goes with `--release`; name the release that is reported")
    if release is not None:
        told = {name: given[name] for name in ("title", "population", "status")}
        made = Report.of_release(files[0], release, since, **told)
    else:
        with progress_to_stderr() as progress:
            made = Report.build(list(files), progress=progress, **given)
    if output is not None:
        made.write(output, lang)
    if charts is not None:
        for path in made.write_charts(charts, lang):
            print(path, file=sys.stderr)
    if output is None and charts is None:
        print(made.to_markdown(lang), end="")


def _cuts(text: str | None) -> list[float] | None:
    """Read `560,580,600,620`, or none."""
    if text is None:
        return None
    if text == "none":
        return []
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ArgumentError(f"`--cuts {text}`: write four rising scores, A,B,C,D, or none") from error
