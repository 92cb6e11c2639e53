"""`creditcore watch`: files that arrive become refreshes."""

from __future__ import annotations

import json
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.option(
    "--incoming",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder of deltas: write a file under a hidden name, then rename it.",
)
@click.option("--every", default=3.0, type=click.FloatRange(min=0), help="Seconds between two refreshes.")
@click.option(
    "--rows",
    default=100_000,
    type=click.IntRange(min=1),
    help="Rows that wait from which a refresh begins at once.",
)
@click.option(
    "--as-of",
    default="latest",
    metavar="WHEN",
    help="latest (the newest event time that was taken), clock (the machine's), or an instant.",
)
@click.option("--once", is_flag=True, help="End when no file waits.")
@click.option("--metrics", type=click.Path(path_type=Path), help="A file for Prometheus' text collector.")
@click.option("--serve", type=click.IntRange(0, 65535), help="Show a live page on this port; 0 takes one.")
@click.option(
    "--host", default="127.0.0.1", help="The address of the page; any but the loopback needs a token."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each event.")
def watch(
    state: Path,
    incoming: Path,
    every: float,
    rows: int,
    as_of: str,
    once: bool,
    metrics: Path | None,
    serve: int | None,
    host: str,
    as_json: bool,
) -> None:
    """Renew the portfolio STATE by the files that arrive in a folder, each exactly once.

    Taken files go to done/, those at fault to failed/ beside their error. One line for each refresh.
    """
    from creditcore.portfolio.line import instant
    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.report.refresh import event_line
    from creditcore.watch.figures import Figures
    from creditcore.watch.incoming import Incoming
    from creditcore.watch.server import LivePage
    from creditcore.watch.watcher import Pace, Watcher

    stop, figures = threading.Event(), Figures()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as open_things:
        portfolio = open_things.enter_context(Portfolio.open(state, "write"))
        when = as_of if as_of in ("latest", "clock") else instant(as_of, portfolio.config)
        pace, serves = Pace(every, rows), serve is not None
        watcher = Watcher(portfolio, Incoming(incoming), figures, pace, when or "latest", rings=serves)
        if serve is not None:
            page = open_things.enter_context(LivePage(figures, serve, host))
            print(f"live page: {page.address}", file=sys.stderr, flush=True)
        if metrics is not None:
            figures.write(metrics)
        portfolio.make_ready()
        for told in watcher.run(stop, once=once):
            line = json.dumps(told, ensure_ascii=False, default=str) if as_json else event_line(told)
            print(line, flush=True)
            if metrics is not None:
                figures.write(metrics)
