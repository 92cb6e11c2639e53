"""One portfolio that threads share, one that is cut off while it is made, and names that cannot be kept."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creditcore as cc

PLAIN: dict[str, Any] = {
    "columns": {"key": "id", "region": "adcode"},
    "score": {"column": "points"},
    "rankings": [{"by": "city"}],
}


def rows(*keys: int, **more: Any) -> pl.DataFrame:
    """Records of one city."""
    told = {"id": list(keys), "adcode": ["310100"] * len(keys), "points": [float(key) for key in keys]}
    return pl.DataFrame({**told, **more})


def test_threads_that_read_do_not_disturb_the_one_that_writes(tmp_path: Path) -> None:
    portfolio = cc.Portfolio.create(tmp_path / "state", PLAIN)
    portfolio.ingest(rows(0))
    done, faults = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            try:
                portfolio.ranking("city")
                portfolio.digest()
                portfolio.history()
            except Exception as error:
                faults.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for key in range(1, 60):
            portfolio.refresh(rows(key))
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert faults == []
    portfolio.close()
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.records == 60


def test_who_is_told_of_progress_may_read_and_not_change(tmp_path: Path) -> None:
    seen: list[int] = []
    with cc.Portfolio.create(tmp_path / "state", PLAIN) as portfolio:

        def look(_: int) -> None:
            seen.append(portfolio.records)
            with pytest.raises(cc.ArgumentError, match="taking in records"):
                portfolio.refresh(rows(1))

        count = 3_000_000
        many = pl.DataFrame({"id": pl.int_range(count, eager=True)}).with_columns(
            adcode=pl.lit("310100"), points=pl.lit(640.0)
        )
        portfolio.ingest(many, progress=look)
        assert portfolio.records == count
    assert set(seen) == {0}
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.records == count


@pytest.mark.parametrize("left", [(), ("lock",), ("lock", "catalog.sqlite"), ("lock", "unfinished.sqlite")])
def test_a_folder_of_which_the_making_was_cut_off_can_be_used(tmp_path: Path, left: tuple[str, ...]) -> None:
    folder = tmp_path / "above" / "state"
    folder.mkdir(parents=True)
    for name in left:
        (folder / name).write_bytes(b"cut" if name == "unfinished.sqlite" else b"")
    with cc.Portfolio.create(folder, PLAIN) as portfolio:
        portfolio.refresh(rows(1))
    with cc.Portfolio.open(folder) as again:
        assert again.records == 1
    with pytest.raises(cc.StateError, match="there is something in it"):
        cc.Portfolio.create(folder, PLAIN)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"columns": {**PLAIN["columns"], "keep": ["_deleted"]}}, "`_deleted` cannot be kept: .* begin with"),
        ({"columns": {**PLAIN["columns"], "key": "_id"}}, "`_id` cannot be kept"),
        ({"columns": {**PLAIN["columns"], "keep": ["op"]}}, "`op` cannot be kept: a delta says"),
        ({"score": {"column": "version"}}, "`version` cannot be kept: it is the column of versions"),
        ({"columns": {**PLAIN["columns"], "version": "id"}}, "`id` cannot be kept"),
        ({"columns": {**PLAIN["columns"], "version": "_v"}}, "`_v` cannot be kept"),
    ],
)
def test_names_that_mean_something_else_are_refused(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(cc.SchemaError, match=told):
        cc.Portfolio.create(tmp_path / "state", {**PLAIN, **change})
    assert not (tmp_path / "state").exists()
