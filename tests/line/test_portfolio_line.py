"""Portfolios of models, rules and populations: law 1, held against one pass over what is left."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import creditcore as cc
from creditcore import line
from tests.line import case

KEYS = 60
STEP = st.one_of(
    st.tuples(st.just("refresh"), st.integers(0, KEYS - 1), st.integers(1, 25), st.integers(0, 10_000)),
    st.tuples(st.just("delete"), st.integers(0, KEYS - 1), st.integers(1, 8), st.just(0)),
    st.tuples(
        st.sampled_from(["compact", "reopen", "promote", "ingest"]),
        st.just(0),
        st.just(20),
        st.integers(0, 99),
    ),
)


def changed(folder: Path, promoted: bool) -> cc.Config:
    """The configuration, with the challenger a champion or not."""
    models = folder / "promoted"
    if not models.exists():
        shutil.copytree(folder / "models", models)
        fleet = models / "fleet.toml"
        fleet.write_text(fleet.read_text().replace('"challenger"', '"champion"'))
    told = cc.Config.load(folder / "creditcore.toml").to_dict()
    return cc.Config.of(told | {"fleet": {"models": "promoted" if promoted else "models"}}, folder)


class Held:
    """A portfolio, and what it should hold, as a plain frame."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.promoted, self.version = folder, False, 0
        case.write(folder)
        self.portfolio = cc.Portfolio.create(folder / "state", changed(folder, False))
        self.known: dict[int, dict[str, Any]] = {}

    def step(self, what: str, first: int, count: int, seed: int) -> None:
        self.version += 1
        if what in ("refresh", "ingest"):
            rows = case.records(count, seed, first=first, version=self.version)
            getattr(self.portfolio, what)(rows)
            self.known |= {row["id"]: row for row in rows.to_dicts()}
        elif what == "delete":
            keys = list(range(first, first + count))
            self.portfolio.refresh({"id": keys, "v": [self.version] * count, "op": ["delete"] * count})
            self.known = {key: row for key, row in self.known.items() if key not in keys}
        elif what == "compact":
            self.portfolio.compact()
        elif what == "promote":
            self.promoted = not self.promoted
            self.portfolio.reconfigure(changed(self.folder, self.promoted))
        else:
            self.portfolio.close()
            self.portfolio = cc.Portfolio.open(self.folder / "state")

    def check(self) -> None:
        config = changed(self.folder, self.promoted)
        rows = pl.DataFrame(list(self.known.values()), schema=case.records(1).schema)
        assert self.portfolio.records == len(rows)
        if not len(rows):
            return
        whole = line.run(config, rows)
        for name in config.by:
            assert self.portfolio.ranking(name).to_polars().equals(whole.rankings[name].to_polars())
        assert self.portfolio.causes() == whole.population.excluded
        with cc.Portfolio.create(self.folder / f"fresh{self.version}", config) as fresh:
            fresh.ingest(rows.sample(fraction=1.0, shuffle=True, seed=self.version))
            assert fresh.digest() == self.portfolio.digest()


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.lists(STEP, min_size=2, max_size=6))
def test_after_any_changes_it_is_what_one_pass_gives(steps: list[tuple[str, int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        held = Held(Path(folder))
        held.step("ingest", 0, 40, 1)
        for one in steps:
            held.step(*one)
        held.check()
        held.portfolio.close()


def test_files_and_frames_and_parts_give_the_same(tmp_path: Path) -> None:
    config = cc.Config.load(case.write(tmp_path))
    rows = case.records(200)
    rows.write_parquet(tmp_path / "r.parquet")
    digests = set()
    ways: list[list[Any]] = [[rows], [tmp_path / "r.parquet"], [rows[:70], rows[70:]]]
    for number, sources in enumerate(ways):
        with cc.Portfolio.create(tmp_path / f"s{number}", config) as portfolio:
            for source in sources:
                portfolio.ingest(source)
            digests.add(portfolio.digest())
    assert len(digests) == 1


def test_a_fault_in_a_delta_leaves_the_state_as_it_was(tmp_path: Path) -> None:
    config = cc.Config.load(case.write(tmp_path))
    with cc.Portfolio.create(tmp_path / "s", config) as portfolio:
        portfolio.ingest(case.records(50))
        digest, version = portfolio.digest(), portfolio.version
        for bad in (case.records(5).drop("income"), case.records(5).with_columns(age=pl.lit("old"))):
            with pytest.raises(cc.CreditcoreError):
                portfolio.refresh(bad)
            with pytest.raises(cc.CreditcoreError):
                portfolio.ingest(bad)
        assert (portfolio.digest(), portfolio.version) == (digest, version)
        missing = cc.Config.of(
            {**config.to_dict(), "columns": config.to_dict()["columns"] | {"keep": ["no"]}}, tmp_path
        )
        with pytest.raises(cc.SchemaError, match="does not keep column `no`"):
            portfolio.reconfigure(missing)
        assert (portfolio.digest(), portfolio.version) == (digest, version)
