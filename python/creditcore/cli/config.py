"""`creditcore config`: check a portfolio's configuration, print its JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group
def config() -> None:
    """Check configurations of portfolios (creditcore.toml)."""


@config.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(file: Path, as_json: bool) -> None:
    """Read FILE and every file that it names; print its fingerprint."""
    from creditcore.config.config import Config

    read = Config.load(file)
    if as_json:
        print(json.dumps({"fingerprint": read.fingerprint, "config": read.to_dict()}, ensure_ascii=False))
    else:
        print(f"{file}: nothing is wrong; fingerprint {read.fingerprint}")


@config.command("schema")
def schema() -> None:
    """Print the JSON Schema of configurations, for editors."""
    from creditcore.config.config import Config

    print(json.dumps(Config.json_schema(), ensure_ascii=False, indent=2))
