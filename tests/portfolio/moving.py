"""A portfolio whose records change by others and by the day, held against one pass over what is left.

In: a folder. Out: configurations of models, rules with days, windows and identifiers, and checks of law 1.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import creditcore as cc
from creditcore import line
from tests.line import case

POLICY = """
tactics:
  - id: entry
    rules:
      - {id: minor, when: "age < 18", action: reject, on_null: review, reason: too young}
      - {id: fair, when: "product = 'A'", action: review, on_null: no_hit, from: 2026-03-12, to: 2026-03-14}
      - {id: risky, when: "fraud_p > 0.03 OR next > 0.2", action: review, on_null: no_hit}
      - {id: old, when: "age > 70 AND pd > 0.02", action: cap(560), on_null: no_hit, from: 2026-03-16}
"""
SECRET = "a secret of sixteen bytes and more"
IDENTIFIERS = {
    "device": "device",
    "phone": "phone",
    "contact": "friend",
    "card": {"columns": ["card", "cards"], "type": "card"},
}
NETWORK: dict[str, Any] = {
    "identifiers": IDENTIFIERS,
    "strengths": {"device": 4.0, "phone": 1.5, "card": 6.0},
    "caps": {"device": 6, "phone": 5},
    "key_file": "secret",
    "cut": 0.5,
    "judged_from": 0.1,
}
CARDS = ["c1", "c2", "c3", "c4", None, "unknown"]


def config_of(
    folder: Path,
    *,
    network: dict[str, Any] | None = None,
    window: int | None = None,
    rules: bool = False,
    at: bool = False,
) -> cc.Config:
    """Write models and rules, and give a configuration of them."""
    if not (folder / "models").exists():
        case.write(folder, network=network is not None)
        (folder / "secret").write_text(SECRET)
    models = folder / "models"
    if rules:
        (models / "policy.yaml").write_text(POLICY)
    if at:
        ties = (models / "ties.txt").read_text()
        (models / "known.txt").write_text(ties.replace("net_now_partners", "net_at_strength"))
        fleet = models / "fleet.toml"
        fleet.write_text(
            fleet.read_text() + '\n[[model]]\nname = "known"\nfile = "known.txt"\ntarget = "fraud"\n'
        )
    told = cc.Config.load(folder / "creditcore.toml").to_dict()
    told.pop("network", None)
    if window is not None:
        told["population"]["window_days"] = window
    if network is not None:
        told["network"] = NETWORK | network
    return cc.Config.of(told, folder)


def records(
    rows: int, seed: int = 1, *, first: int = 0, version: int = 1, days: tuple[int, int] = (0, 10)
) -> pl.DataFrame:
    """Draw records with identifiers of many kinds; their times lie on some days of March 2026."""
    made = case.records(rows, seed, first=first, version=version)
    draw = np.random.default_rng(seed + 7)
    begin, end = (day * 86_400 for day in days)
    people = max(rows // 2, 2)
    seconds = draw.integers(begin, max(end, begin + 1), rows)
    return made.with_columns(
        t=pl.Series([case.START + dt.timedelta(seconds=int(late)) for late in seconds]),
        device=pl.Series([f"d{number}" for number in draw.integers(0, people, rows)]),
        phone=pl.Series([13_800_001_000 + int(number) for number in draw.integers(0, 40, rows)]),
        friend=pl.Series([str(13_800_001_000 + int(number)) for number in draw.integers(0, 60, rows)]),
        card=pl.Series([CARDS[number] for number in draw.integers(0, len(CARDS), rows)], dtype=pl.String),
        cards=pl.Series(
            [[f"k{one}" for one in draw.integers(0, 30, draw.integers(0, 3))] for _ in range(rows)],
            dtype=pl.List(pl.String),
        ),
    )


class Held:
    """A portfolio, and the records that it should hold, as plain rows."""

    def __init__(self, folder: Path, config: cc.Config) -> None:
        self.folder, self.config = folder, config
        self.day: dt.date | None = None
        self.portfolio = cc.Portfolio.create(folder / "state", config)
        self.known: dict[int, dict[str, Any]] = {}
        self.gone: dict[int, int] = {}
        self.schema = records(1).schema
        self.fresh = 0

    def take(self, rows: pl.DataFrame, day: dt.date | None = None, *, whole: bool = False) -> Any:
        """Ingest or refresh; rows of an older version than the known one do not count."""
        self.day = self.day if day is None else day
        made = (self.portfolio.ingest if whole else self.portfolio.refresh)(rows, day)
        for row in rows.to_dicts():
            before = self.known.get(row["id"], {"v": self.gone.get(row["id"], -(2**60))})
            if before["v"] < row["v"]:
                self.known[row["id"]] = row
        return made

    def delete(self, keys: list[int], version: int) -> Any:
        """Delete records."""
        done = self.portfolio.refresh({"id": keys, "v": [version] * len(keys), "op": ["delete"] * len(keys)})
        self.known = {key: row for key, row in self.known.items() if key not in keys}
        self.gone |= dict.fromkeys(keys, version)
        return done

    def compact(self) -> None:
        """Compact, which forgets deletions."""
        self.portfolio.compact()
        self.gone = {}

    def rows(self) -> pl.DataFrame:
        """Give the records that are left."""
        return pl.DataFrame(list(self.known.values()), schema=self.schema)

    def check(self) -> None:
        """Hold the portfolio against one pass over the records, and against a portfolio made anew."""
        rows = self.rows()
        assert self.portfolio.records == len(rows)
        if not len(rows):
            return
        whole = line.run(self.config, rows, self.day)
        kept = self.portfolio.to_polars().sort("id")
        wanted = whole.records.sort("id").with_columns(
            *(pl.col(name).list.join("|") for name in ("rules", "reasons")),
            pl.col("cause").fill_null("used"),
        )
        for name in kept.columns:
            if name in wanted.columns:
                assert kept[name].equals(wanted[name].cast(kept[name].dtype), null_equal=True), name
        for name in self.config.by:
            assert self.portfolio.ranking(name).to_polars().equals(whole.rankings[name].to_polars()), name
        assert self.portfolio.causes() == whole.population.excluded
        self.fresh += 1
        folder = self.folder / f"fresh{self.fresh}"
        with cc.Portfolio.create(folder, self.config) as fresh:
            fresh.ingest(rows.sample(fraction=1.0, shuffle=True, seed=self.fresh), self.day)
            assert fresh.digest() == self.portfolio.digest()
        shutil.rmtree(folder)
