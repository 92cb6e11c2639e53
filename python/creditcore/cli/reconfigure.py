"""`creditcore reconfigure`: another configuration for a portfolio."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command
@click.argument("state", type=click.Path(path_type=Path))
@click.option("--config", required=True, type=click.Path(path_type=Path), help="The new configuration.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def reconfigure(state: Path, config: Path, dry_run: bool, as_json: bool) -> None:
    """Renew the records of the portfolio STATE by another configuration."""
    from creditcore.config.config import Config
    from creditcore.portfolio.portfolio import Portfolio
    from creditcore.report.refresh import change_text

    with Portfolio.open(state, "read" if dry_run else "write") as portfolio:
        told = portfolio.reconfigure(Config.load(config), dry_run=dry_run).to_dict()
    print(json.dumps(told, ensure_ascii=False) if as_json else change_text(told))
    if dry_run:
        print("nothing was changed (--dry-run)", file=sys.stderr)
