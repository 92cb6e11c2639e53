"""`creditcore fit`: learn, once, what a configuration leaves to be learned."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True)
@click.option("--threads", type=click.IntRange(min=1), help="Threads; one for each processor without it.")
def fit(config: Path, files: tuple[str, ...], threads: int | None) -> None:
    """Learn of the records in FILES what CONFIG (creditcore.toml) leaves to be learned.

    Writes the files that it names: `learned` of [network] (strengths of identifiers, the cut of the filter),
    `baseline` of [gates] (what columns look like). Nothing else ever learns.
    """
    from creditcore import fitting
    from creditcore.config.config import Config

    read = Config.load(config, unlearned=True)
    for path in fitting.write(read, fitting.fit(read, list(files), threads=threads)):
        print(f"{path}: written", file=sys.stderr)
    print(Config.load(config).fingerprint)
