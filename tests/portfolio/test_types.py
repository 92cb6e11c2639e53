"""What a portfolio keeps does not hang on the types of the first delta, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creditcore as cc
from tests.portfolio.test_sharing import PLAIN, rows

KEPT = {**PLAIN, "columns": {**PLAIN["columns"], "keep": ["note"]}}
KINDS = {**PLAIN, "columns": {**PLAIN["columns"], "kind": "kind"}}


def made(folder: Path, config: dict[str, Any], *deltas: pl.DataFrame) -> str:
    with cc.Portfolio.create(folder, config) as portfolio:
        for delta in deltas:
            portfolio.refresh(delta)
    with cc.Portfolio.open(folder) as again:
        whole = again.to_polars()
        if whole.height:
            names = ["id", *(name for name in ("adcode", "points") if name in whole.columns)]
            wanted = cc.rank(whole.select(names), by="city", score="points", region="adcode")
            assert again.ranking("city").to_polars().equals(wanted.to_polars())
        again.compact()
        assert again.digest() == again.digest()
        return again.digest()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("points", pl.Int32),
        ("points", pl.Float32),
        ("points", pl.UInt64),
        ("adcode", pl.Int64),
        ("adcode", pl.UInt32),
        ("id", pl.Int8),
        ("version", pl.Int16),
        ("version", pl.UInt64),
        ("note", pl.Int8),
    ],
)
def test_the_digest_does_not_hang_on_the_types_that_came_first(
    tmp_path: Path, name: str, kind: type[pl.DataType]
) -> None:
    first = rows(1, version=[1], note=[5])
    later = rows(2, version=[2**40], note=[2**40]).with_columns(points=pl.lit(640.5))
    other = first.with_columns(pl.col(name).cast(kind))
    digests = {
        made(tmp_path / str(at), KEPT, *deltas)
        for at, deltas in enumerate([(first, later), (other, later), (later, other), (later, first)])
    }
    assert len(digests) == 1


@pytest.mark.parametrize("name", ["note", "adcode", "points"])
def test_a_column_of_nulls_has_no_type_yet(tmp_path: Path, name: str) -> None:
    nothing = rows(1, note=["a"]).with_columns(pl.lit(None).alias(name))
    later = rows(2, note=["b"])
    assert nothing.schema[name] == pl.Null
    assert made(tmp_path / "a", KEPT, nothing, later) == made(tmp_path / "b", KEPT, later, nothing)


def test_versions_are_integers_of_64_bits_with_a_sign(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", PLAIN) as portfolio:
        late = rows(1).with_columns(version=pl.Series([2**63 + 5], dtype=pl.UInt64))
        with pytest.raises(cc.SchemaError, match=r"`version` .*holds `9223372036854775813`.*Int64"):
            portfolio.refresh(late)
        assert portfolio.version == 0


def test_rows_with_and_without_versions_are_refused_in_one_delta_as_in_two(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", PLAIN) as portfolio:
        with pytest.raises(cc.SourceError, match=r"row 2: its key has version 1 in a row before"):
            portfolio.refresh(rows(1, 1, version=[1, None]))
        portfolio.refresh(rows(1, 1, version=[None, 1]))
        assert portfolio.record(1)["version"] == 1


def test_kinds_are_not_averaged_together_unless_it_is_said(tmp_path: Path) -> None:
    person, company = rows(1, kind=["person"]), rows(2, kind=["enterprise"])
    for at, first in enumerate([person[:0], person]):
        with cc.Portfolio.create(tmp_path / str(at), KINDS) as portfolio:
            portfolio.refresh(first)
            with pytest.raises(cc.SchemaError, match="several kinds"):
                portfolio.refresh(company if at else pl.concat([person, company]))
            assert portfolio.records == len(first)
    both = {**KINDS, "population": {"kind": "all"}}
    with cc.Portfolio.create(tmp_path / "all", both) as portfolio:
        portfolio.ingest(pl.concat([person, company]))
        assert portfolio.ranking("city").to_polars()["n"].to_list() == [2]
    with cc.Portfolio.create(tmp_path / "ingest", KINDS) as portfolio:
        with pytest.raises(cc.SchemaError, match="several kinds"):
            portfolio.ingest(pl.concat([person, company]))
        assert portfolio.records == 0


def test_a_deletion_needs_a_key_alone(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", KEPT) as portfolio:
        empty = portfolio.digest()
        portfolio.refresh({"id": [5], "op": ["delete"], "version": [3]})
        portfolio.refresh(rows(1, 2, note=["a", "b"]))
        assert portfolio.refresh({"id": [1], "op": ["delete"]}).counts["deleted"] == 1
        with pytest.raises(cc.SchemaError, match="there is no column `points`; rows that do not delete"):
            portfolio.refresh({"id": [2, 3], "op": ["delete", "upsert"]})
        portfolio.refresh({"id": [2], "op": ["delete"]})
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.records == 0
        assert again.digest() == empty
        assert again.refresh(rows(5, note=["a"], version=[2])).counts["superseded"] == 1


def test_a_text_is_no_flag(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", KEPT) as portfolio:
        portfolio.refresh(rows(1, note=[True]))
        with pytest.raises(cc.SchemaError, match=r"row 1: column `note` .*holds `yes`.*Boolean"):
            portfolio.refresh(rows(2, note=["yes"]))
        with pytest.raises(cc.SchemaError, match="holds `1`"):
            portfolio.refresh(rows(2, note=[1]))


def test_a_state_speaks_of_days(tmp_path: Path) -> None:
    config = {**PLAIN, "time": {"zone": "UTC"}}
    with cc.Portfolio.create(tmp_path / "state", config) as portfolio:
        with pytest.raises(cc.ArgumentError, match=r"`as_of` is `23.11.2026`; it is a day such as"):
            portfolio.refresh(rows(1), as_of="23.11.2026")
        with pytest.raises(cc.ArgumentError, match=r"`as_of` is 20261123; give a day"):
            portfolio.refresh(rows(1), as_of=20261123)  # type: ignore[arg-type]
        moment = datetime(2026, 11, 23, 10, tzinfo=UTC)
        portfolio.refresh(rows(1), as_of="2026-11-23T10:00:00+00:00")
        assert portfolio.refresh(rows(2), as_of=date(2026, 11, 23)).as_of == moment.isoformat()
        with pytest.raises(cc.ArgumentError, match="time goes on only"):
            portfolio.refresh(rows(2), as_of=date(2026, 11, 22))


def test_only_readers_leave_out_checksums(tmp_path: Path) -> None:
    with cc.Portfolio.create(tmp_path / "state", PLAIN) as portfolio:
        portfolio.ingest(rows(*range(50)))
    for mode in (None, "write"):
        with pytest.raises(cc.ArgumentError, match="is for readers"):
            cc.Portfolio.open(tmp_path / "state", mode, verify=False)
    (index,) = (tmp_path / "state").glob("index-*")
    content = bytearray(index.read_bytes())
    # What follows the head: every key, row and mark of every bucket.
    content[64:] = b"\xff" * (len(content) - 64)
    index.write_bytes(content)
    with cc.Portfolio.open(tmp_path / "state", "read", verify=False) as portfolio:
        with pytest.raises(cc.CreditcoreError):
            portfolio.record(5)
        assert portfolio.ranking("city").to_polars()["n"].to_list() == [50]


def test_what_is_ranked_by_may_have_no_type_yet(tmp_path: Path) -> None:
    config = {**KEPT, "rankings": [{"by": "note"}]}
    with cc.Portfolio.create(tmp_path / "state", config) as portfolio:
        portfolio.ingest(rows(1, 2).with_columns(note=pl.lit(None)))
        portfolio.refresh(rows(3).with_columns(note=pl.lit(None, dtype=pl.String)))
        assert portfolio.ranking("note").excluded == {"null_note": 3}
        portfolio.refresh(rows(2, 4, note=["a", "a"]))
        assert [(row["code"], row["n"]) for row in portfolio.ranking("note").rows()] == [("a", 2)]
        portfolio.compact()
        wanted = cc.rank(portfolio.to_polars(), by="note", score="points", regions="none")
        assert portfolio.ranking("note").to_polars().equals(wanted.to_polars())
