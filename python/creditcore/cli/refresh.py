"""`creditcore refresh`: renew a portfolio by a delta."""

from __future__ import annotations

from pathlib import Path

import click

from creditcore.cli.output import print_refresh, with_refresh_options


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1)
@with_refresh_options
def refresh(state: Path, files: tuple[str, ...], as_of: str | None, as_json: bool) -> None:
    """Renew the portfolio STATE by the rows of FILES: inserts, changes and (column `op`) deletes.

    Without FILES only the day goes on, to --as-of. When it returns, the change is on the disk and in the
    rankings. Exit status 3 where a quality gate refuses the rows; the portfolio is then as it was.
    """
    if not files and as_of is None:
        raise click.UsageError("give FILES, or with --as-of the day that comes")
    from creditcore.portfolio.line import instant
    from creditcore.portfolio.portfolio import Portfolio

    with Portfolio.open(state, "write") as portfolio:
        done = portfolio.refresh(list(files) or None, instant(as_of, portfolio.config))
    print_refresh(done.to_dict(), as_json)
