"""What `creditcore bench score` evaluates: a fleet that it trains, or the demo's.

Comes in: a kind of fleet and sizes. Goes out: a `Case`: model files, and a numeric column for each feature
(classes as the library's own codes, missing as NaN).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from creditcore.bench import fleets
from creditcore.fleet.fleet import Fleet

DEMO = "demo"
KINDS = (*fleets.KINDS, DEMO)


@dataclass(frozen=True)
class Case:
    """Models, and rows to evaluate."""

    name: str
    files: list[Path]
    frame: pl.DataFrame

    def load(self, files: Sequence[Path] | None = None) -> Fleet:
        """Read the models, or some of them."""
        return Fleet.load({file.stem: file for file in files or self.files})


def trained(kind: str, folder: Path, models: int, trees: int, rows: int, threads: int) -> Case:
    """Train what the folder lacks of a fleet, and draw rows for it.

    Raises:
        ImportError: the library that trains it is not installed (extra `train`).
    """
    made = folder / f"{kind}-{trees}"
    files = list(fleets.train(made, fleets.KINDS[kind], models, trees, threads))
    drawn = fleets.rows(rows)
    columns = {f"f{place}": drawn[:, place].copy() for place in range(fleets.FEATURES)}
    return Case(kind, files, pl.DataFrame(columns))


def of_the_demo(folder: Path, rows: int) -> Case:
    """Unpack the demo's fleet, and draw applications of its country."""
    from creditcore.demo.features import CATEGORICAL, NAMES
    from creditcore.demo.fleet import unpack
    from creditcore.demo.network_columns import NETWORK, features_of, with_network
    from creditcore.demo.world import World, chunks

    files = sorted(unpack(folder / DEMO).glob("*.txt"))
    drawn = pl.concat([records for records, _ in chunks(World(rows, fleets.EVALUATION_SEED, "published"))])
    drawn = with_network(drawn, features_of(drawn))
    numbers = [
        (pl.col(name).cast(pl.Enum(CATEGORICAL[name])).to_physical() if name in CATEGORICAL else pl.col(name))
        .cast(pl.Float64)
        .fill_null(float("nan"))
        for name in (*NAMES, *NETWORK)
    ]
    return Case(DEMO, files, drawn.select(numbers))
