"""Portfolios from Python: what a user does, against all records taken at once."""

from __future__ import annotations

import random
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

import creditcore as cc
from tests.portfolio.oracle import CITIES, CONFIG, SCHEMA, check_rankings, frame, fresh, replay


def drawn(keys: list[int], seed: int) -> list[dict[str, Any]]:
    """Rows with what can be wrong with a record: nulls, regions that are none, weights of nothing."""
    draw = random.Random(seed)
    return [
        {
            "id": key,
            "adcode": draw.choice(CITIES),
            "points": draw.choice([None, 640.0, draw.uniform(300, 900), 655.015625]),
            "exposure": draw.choice([0.0, 1.0, draw.uniform(0, 1e6), 0.1]),
            "product": draw.choice(["card", "loan", None]),
            "note": draw.choice([None, "", "n" * draw.randrange(30)]),
        }
        for key in keys
    ]


@pytest.fixture
def portfolio(tmp_path: Path) -> cc.Portfolio:
    made = cc.Portfolio.create(tmp_path / "state", CONFIG)
    made.ingest(frame(drawn(list(range(500)), 1)))
    return made


def test_a_delta_inserts_changes_and_deletes(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    rows = drawn(list(range(500)), 1)
    delta = drawn([3, 4, 900, 901, 5], 2)
    ops = [None, "upsert", "upsert", "upsert", "delete"]
    told = [{**row, "op": op} for row, op in zip(delta, ops, strict=True)]
    done = portfolio.refresh(frame(told, op=pl.String))
    assert (done.changed, done.counts["inserted"], done.counts["deleted"]) == (5, 2, 1)
    assert done.total >= sum(done.latency.values()) * 0.99
    assert list(done.latency) == ["read", "find", "aggregate", "write", "commit", "apply", "rank"]
    records = replay([*rows, *told])
    check_rankings(portfolio, list(records.values()))
    assert portfolio.records == len(records) == 501
    assert {row["id"]: row for row in portfolio.to_polars().to_dicts()} == records
    assert portfolio.record(900) == records[900]
    with pytest.raises(cc.ArgumentError, match="no record has the key `5`"):
        portfolio.record(5)
    digest = portfolio.digest()
    assert digest == done.digest == fresh(tmp_path / "fresh", [frame(list(records.values()))])
    portfolio.close()
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.digest() == digest
        again.compact()
        assert again.digest() == digest
        check_rankings(again, list(records.values()))
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.digest() == digest
        assert again.history()["kind"].to_list() == ["create", "ingest", "refresh", "compact"]


def test_a_record_that_came_and_went_leaves_no_trace(portfolio: cc.Portfolio) -> None:
    before = portfolio.digest()
    assert portfolio.refresh(frame(drawn([7777], 5))).digest != before
    gone = frame([{**drawn([7777], 6)[0], "op": "delete"}], op=pl.String)
    assert portfolio.refresh(gone).digest == before
    assert portfolio.refresh(gone).counts["unchanged"] == 1


def test_what_is_known_already_writes_nothing(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    files = sorted((tmp_path / "state").iterdir())
    done = portfolio.refresh(frame(drawn(list(range(500)), 1)))
    assert (done.changed, done.counts["unchanged"]) == (0, 500)
    assert sorted((tmp_path / "state").iterdir()) == files


@pytest.mark.parametrize("text", [False, True], ids=["integers", "texts"])
def test_keys_may_be_integers_or_texts(tmp_path: Path, text: bool) -> None:
    rows = drawn(list(range(3000)), 3)
    kind = pl.String if text else pl.Int64
    records = frame(rows).with_columns(pl.col("id").cast(kind))
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as portfolio:
        portfolio.ingest(records[:2000])
        portfolio.refresh(records[1500:])
        key = "1700" if text else 1700
        assert portfolio.record(key)["note"] == rows[1700]["note"]
        assert portfolio.records == 3000
        assert (
            portfolio.to_polars().sort("id").equals(records.select(portfolio.to_polars().columns).sort("id"))
        )


def test_versions_count_and_not_the_order(tmp_path: Path) -> None:
    draw = random.Random(4)
    rows = [
        {**row, "version": draw.randrange(4), "op": draw.choice(["upsert", "upsert", "delete"])}
        for seed in range(5)
        for row in drawn(list(range(40)), seed)
    ]
    digests = set()
    for turn in range(4):
        draw.shuffle(rows)
        with cc.Portfolio.create(tmp_path / str(turn), CONFIG) as portfolio:
            for start in range(0, len(rows), 37):
                portfolio.refresh(frame(rows[start : start + 37], version=pl.Int64, op=pl.String))
            digests.add(portfolio.digest())
            # What differs in equal versions is settled by what it says; the versions themselves are known.
            kept = {row["id"]: row["version"] for row in portfolio.to_polars().to_dicts()}
            assert kept == {key: row["version"] for key, row in replay(rows).items()}
            check_rankings(
                portfolio, [{name: row[name] for name in SCHEMA} for row in portfolio.to_polars().to_dicts()]
            )
    assert len(digests) == 1


def test_a_late_row_does_not_raise_the_dead(tmp_path: Path) -> None:
    (row,) = drawn([1], 1)
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as portfolio:
        gone = frame([{**row, "version": 5, "op": "delete"}], version=pl.Int64, op=pl.String)
        portfolio.refresh(gone)
        late = portfolio.refresh(frame([{**row, "version": 4}], version=pl.Int64))
        assert (late.counts["superseded"], portfolio.records) == (1, 0)
        with pytest.raises(cc.SourceError, match=r"row 1: its key has version 5"):
            portfolio.refresh(frame([row]))
        portfolio.refresh(frame([{**row, "version": 6}], version=pl.Int64))
        assert portfolio.records == 1


def test_one_writes_and_others_read_the_version_that_they_opened(
    portfolio: cc.Portfolio, tmp_path: Path
) -> None:
    reader = cc.Portfolio.open(tmp_path / "state")
    assert not reader.writable
    before = reader.digest()
    portfolio.refresh(frame(drawn([1, 2, 3], 9)))
    portfolio.compact()
    assert reader.digest() == before != portfolio.digest()
    assert reader.to_polars().height == 500
    with pytest.raises(cc.StateError, match=r"written to by process \d+"):
        reader.refresh(frame(drawn([1], 1)))
    told = "import sys, creditcore as cc; cc.Portfolio.open(sys.argv[1], 'write')"
    done = subprocess.run(
        [sys.executable, "-c", told, str(tmp_path / "state")], capture_output=True, text=True, check=False
    )
    assert "StateError" in done.stderr
    assert "written to by process" in done.stderr
    portfolio.close()
    with cc.Portfolio.open(tmp_path / "state", "write") as again:
        assert again.writable


def test_erasing_takes_a_record_out_of_every_file(tmp_path: Path) -> None:
    secret = "a text that nobody else has"
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as portfolio:
        portfolio.ingest(frame([*drawn([1, 2], 1), {**drawn([3], 1)[0], "note": secret}]))
        holds = [file for file in (tmp_path / "state").iterdir() if secret.encode() in file.read_bytes()]
        assert len(holds) == 1
        portfolio.erase(3)
        assert portfolio.records == 2
        assert not [file for file in (tmp_path / "state").iterdir() if secret.encode() in file.read_bytes()]


def test_files_are_of_their_owner_and_open_to_other_tools(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    files = list((tmp_path / "state").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    segments = [file for file in files if file.name.startswith("segment-")]
    with pa.memory_map(str(segments[0])) as opened:
        table = pa.ipc.open_file(opened).read_all()
    assert table.num_rows == 500
    assert pl.read_ipc(segments[0]).equals(portfolio.to_polars())


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"op": ["erase"]}, cc.SourceError, "row 1: column `op` holds `erase`; allowed are"),
        ({"id": [None]}, cc.SourceError, "row 1: column `id` is null"),
        (
            {"points": ["many"]},
            cc.SchemaError,
            "column `points` .* holds `many`; the portfolio keeps it as Float64",
        ),
        ({"exposure": None}, cc.SchemaError, "no column `exposure`"),
    ],
)
def test_a_delta_that_is_refused_changes_nothing(
    portfolio: cc.Portfolio, tmp_path: Path, change: dict[str, Any], error: type[Exception], told: str
) -> None:
    def content() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in (tmp_path / "state").iterdir()}

    before = content()
    columns: dict[str, Any] = {name: [value] for name, value in drawn([1], 8)[0].items()}
    columns |= {name: values for name, values in change.items() if values is not None}
    for name, values in change.items():
        if values is None:
            del columns[name]
    with pytest.raises(error, match=told):
        portfolio.refresh(columns)
    assert content() == before
    assert portfolio.refresh(frame(drawn([1], 8))).changed == 1


def test_a_record_is_explained_by_where_it_counts(portfolio: cc.Portfolio) -> None:
    rows = drawn([1000, 1001], 1)
    rows[0] |= {"adcode": "330400", "points": 640.0, "exposure": 1.0, "product": None}
    rows[1] |= {"adcode": "440000", "points": 640.0, "exposure": 1.0, "product": "card"}
    portfolio.refresh(frame(rows))
    told = portfolio.explain(1000)
    assert told["record"] == rows[0]
    (city,) = told["counted"]["city"]
    (wanted,) = (row for row in portfolio.ranking("city").rows() if row["code"] == "330400")
    assert city == {name: wanted[name] for name in city}
    assert told["excluded"] == {"product": "null_product"}
    assert portfolio.explain(1001)["excluded"] == {"city": "no_city", "province": "no_city"}


def test_time_goes_on_only(portfolio: cc.Portfolio) -> None:
    from datetime import date

    portfolio.refresh(frame(drawn([1], 8)), as_of=date(2026, 11, 23))
    assert portfolio.as_of == "2026-11-23T00:00:00+08:00"
    with pytest.raises(cc.ArgumentError, match="time goes on only"):
        portfolio.refresh(frame(drawn([1], 9)), as_of=date(2026, 11, 22))


def test_what_is_no_portfolio_is_told(tmp_path: Path) -> None:
    with pytest.raises(cc.StateError, match="there is no portfolio here"):
        cc.Portfolio.open(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(cc.StateError, match="there is something in it"):
        cc.Portfolio.create(tmp_path, CONFIG)
    with cc.Portfolio.create(tmp_path / "state", CONFIG) as portfolio:
        pass
    with pytest.raises(cc.ArgumentError, match="closed"):
        portfolio.digest()
