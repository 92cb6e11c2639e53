"""Rankings to a terminal, to files and as JSON."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from creditcore.errors import ArgumentError
from creditcore.report.files import write_whole
from creditcore.report.ranking import cell, shown_columns, to_csv

if TYPE_CHECKING:
    from creditcore.ranking.ranking import Ranking

Rankings = Mapping[str, "Ranking"]
SHOWN_ROWS = 50
"""Rows that a terminal shows where `--top` says nothing."""


def print_rankings(rankings: Rankings, top: int | None) -> None:
    """Print tables on standard output, and what was left out on standard error."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    piped = None if sys.stdout.isatty() else 160
    console = Console(width=piped)
    for ranking in rankings.values():
        rows = ranking.rows()
        shown = rows[: top or SHOWN_ROWS]
        columns = shown_columns(rows)
        table = Table(title=Text(ranking.heading), title_justify="left", title_style="bold")
        for field, title in columns:
            table.add_column(title, justify="left" if field in ("code", "name") else "right")
        for row in shown:
            table.add_row(*(Text(cell(field, row[field])) for field, _ in columns))
        console.print(table)
        if len(rows) > len(shown):
            console.print(Text(f"{len(rows) - len(shown):,} more rows; `--top {len(rows)}` shows all"))
        print_left_out(ranking)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of texts on standard output; cells that begin with a digit stand to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table()
    for place, title in enumerate(titles):
        figures = all(row[place][:1].isdigit() for row in rows)
        table.add_column(title, justify="right" if figures else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def with_refresh_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb that renews a portfolio its options `--as-of` and `--json`."""
    import click

    when = "The instant or day that the portfolio speaks of afterwards; that of before without it."
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)
    return click.option("--as-of", metavar="WHEN", help=when)(command)


def print_refresh(told: Mapping[str, Any], as_json: bool) -> None:
    """Print a refresh on standard output, and what the gates found on standard error."""
    from creditcore.report.refresh import refresh_line

    for finding in told["findings"]:
        print(f"creditcore: {finding['level']}: {finding['text']}", file=sys.stderr)
    print(json.dumps(told, ensure_ascii=False) if as_json else refresh_line(told))


def print_left_out(ranking: Ranking) -> None:
    """Say on standard error what was left out and which regions have no records."""
    excluded = ranking.excluded
    if excluded:
        causes = ", ".join(
            f"{cause} {n:,}" for cause, n in sorted(excluded.items(), key=lambda item: -item[1])
        )
        print(f"left out: {causes}", file=sys.stderr)
    unresolved = ranking.unresolved
    if unresolved:
        listed = ", ".join(f"`{value}` ({cause}) {n:,}" for value, cause, n in unresolved[:10])
        more = f" and {len(unresolved) - 10:,} more values" if len(unresolved) > 10 else ""
        print(f"not counted as a region: {listed}{more}", file=sys.stderr)
    hidden = ranking.suppressed
    if hidden:
        listed = ", ".join(f"{name} ({why})" for _, name, why in hidden[:10])
        more = f" and {len(hidden) - 10:,} more" if len(hidden) > 10 else ""
        print(f"not shown: {listed}{more}", file=sys.stderr)
    without = ranking.without_data
    if without:
        listed = ", ".join(name for _, name in without[:10])
        more = f" and {len(without) - 10:,} more" if len(without) > 10 else ""
        print(f"no records: {listed}{more}", file=sys.stderr)


def as_object(rankings: Rankings, top: int | None) -> dict[str, Any]:
    """Give rankings as one JSON object: rows by ranking, and what was left out, by cause."""
    excluded: dict[str, int] = {}
    for ranking in rankings.values():
        excluded.update(ranking.excluded)
    return {
        "rankings": {name: ranking.rows()[:top] for name, ranking in rankings.items()},
        "excluded": excluded,
        "headings": {name: ranking.heading for name, ranking in rankings.items()},
        "unresolved": {name: ranking.unresolved for name, ranking in rankings.items() if ranking.unresolved},
    }


def print_json(rankings: Rankings, top: int | None) -> None:
    """Print one JSON object."""
    print(json.dumps(as_object(rankings, top), ensure_ascii=False))


def write_rankings(rankings: Rankings, path: Path, top: int | None, bom: bool) -> None:
    """Write a file by its extension: all of it, or nothing.

    Raises:
        ArgumentError: an extension other than .csv, .parquet and .json.
    """
    writers: dict[str, Callable[[IO[bytes]], object]] = {
        ".csv": lambda file: _write_csv(rankings, file, top, bom),
        ".json": lambda file: file.write(
            json.dumps(as_object(rankings, top), ensure_ascii=False).encode() + b"\n"
        ),
        ".parquet": lambda file: _write_parquet(rankings, file, top),
    }
    if path.suffix not in writers:
        raise ArgumentError(
            f"`-o {path}`: the extension is `{path.suffix}`; allowed are {', '.join(writers)}"
        )
    file = io.BytesIO()
    writers[path.suffix](file)
    write_whole(path, file.getvalue())


def _write_csv(rankings: Rankings, file: IO[bytes], top: int | None, bom: bool) -> None:
    file.write(to_csv([row for ranking in rankings.values() for row in ranking.rows()[:top]], bom))


def _write_parquet(rankings: Rankings, file: IO[bytes], top: int | None) -> None:
    from creditcore._frame import write_parquet

    write_parquet(
        [ranking.to_polars().head(top) if top else ranking.to_polars() for ranking in rankings.values()], file
    )
