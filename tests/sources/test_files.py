"""Files of every format give the same bytes; bad ones are named with file, row, value and what to do."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import creditcore as cc

FRAME = pl.DataFrame(
    {
        "g": ["北京", "b", None, "b", "c,d", 'q"q'] * 50,
        "x": [1.5, None, 3.25, -2.0, 1e-3, 7.0] * 50,
        "w": [1, 2, 3, 0, 5, 6] * 50,
    }
)


def digest(source: Any, **options: Any) -> bytes:
    return cc.aggregate(source, "g", "x", "w", regions="none", **options).to_bytes()


EXPECTED = digest(FRAME)


def write_csv(
    path: Path, line: str = "\n", encoding: str = "utf-8", mark: bytes = b"", null: str = ""
) -> Path:
    text = FRAME.write_csv(null_value=null).replace("\n", line)
    path.write_bytes(mark + text.encode(encoding))
    return path


WRITERS: dict[str, Callable[[Path], Any]] = {
    "plain.parquet": lambda p: FRAME.write_parquet(p),
    "groups.parquet": lambda p: pq.write_table(FRAME.to_arrow(), p, row_group_size=7, compression="lz4"),
    "zstd.parquet": lambda p: pq.write_table(FRAME.to_arrow(), p, use_dictionary=False, compression="zstd"),
    "v1.parquet": lambda p: pq.write_table(FRAME.to_arrow(), p, data_page_version="2.0", compression="gzip"),
    "lf.csv": write_csv,
    "cr.csv": lambda p: write_csv(p, "\r"),
    "crlf.csv": lambda p: write_csv(p, "\r\n"),
    "mark.csv": lambda p: write_csv(p, mark=b"\xef\xbb\xbf"),
    "null.csv": lambda p: write_csv(p, null="\\N"),
    "packed.csv.gz": lambda p: p.write_bytes(gzip.compress(write_csv(p.with_suffix(".t")).read_bytes())),
    "table.tsv": lambda p: FRAME.write_csv(p, separator="\t"),
    "file.arrow": lambda p: FRAME.write_ipc(p, compression="lz4"),
    "stream.arrows": lambda p: FRAME.write_ipc_stream(p, compression="zstd"),
    "old.feather": lambda p: pyarrow.feather.write_feather(FRAME.to_arrow(), str(p)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    for threads in (1, 2):
        assert digest(tmp_path / name, threads=threads) == EXPECTED


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "gb.csv", encoding="gb18030")
    assert digest(path, encoding="gb18030") == EXPECTED
    with pytest.raises(cc.SourceError, match=r"row 1: column `g`.*gb18030"):
        digest(path)
    with pytest.raises(cc.ArgumentError, match="`latin-99`"):
        digest(path, encoding="latin-99")


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.to_arrow(),
        FRAME.to_pandas(),
        FRAME.lazy(),
        duckdb.from_arrow(FRAME.to_arrow()),
        {name: FRAME[name].to_list() for name in FRAME.columns},
    ],
    ids=["pyarrow", "pandas", "lazy", "duckdb", "dict"],
)
def test_every_frame_gives_the_same_bytes(frame: Any) -> None:
    if isinstance(frame, pd.DataFrame):
        frame["x"] = frame["x"].astype("Float64").mask(FRAME["x"].is_null().to_numpy())
    assert digest(frame) == EXPECTED


def test_several_files_patterns_and_partitions(tmp_path: Path) -> None:
    parts = FRAME.with_columns(key=pl.col("g").fill_null("__HIVE_DEFAULT_PARTITION__"))
    folder = tmp_path / "data"
    for number, (key, part) in enumerate(parts.partition_by("key", as_dict=True, include_key=False).items()):
        name = str(key[0]).replace('"', "%22").replace(",", "%2C")
        (folder / f"g={name}").mkdir(parents=True)
        part.drop("g").write_parquet(folder / f"g={name}" / f"{number}.parquet")
    (folder / "_SUCCESS").touch()
    assert digest(folder) == EXPECTED
    for number, start in enumerate(range(0, 300, 77)):
        FRAME[start : start + 77].write_parquet(tmp_path / f"{number}.parquet")
    assert digest(str(tmp_path / "*.parquet")) == EXPECTED
    assert digest([tmp_path / f"{number}.parquet" for number in (3, 1, 0, 2)]) == EXPECTED
    with pytest.raises(cc.SourceError, match="twice"):
        digest([tmp_path / "0.parquet", tmp_path / "0.parquet"])


def test_types_that_a_double_cannot_hold_stay_exact(tmp_path: Path) -> None:
    big = 2**53 + 1
    table = pa.table(
        {
            "g": pa.array(["a", "a", "b"]).dictionary_encode(),
            "big": pa.array([big, big + 2, 7], pa.int64()),
            "money": pa.array([Decimal("0.10"), Decimal("0.30"), Decimal("9.99")], pa.decimal128(12, 2)),
            "event_time": pa.array([1, 2, 3], pa.timestamp("ns")),
            "who": [1, 1, 2],
        }
    )
    path = tmp_path / "types.parquet"
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    means = dict(cc.rank(path, "g", "big", regions="none").to_polars().select("code", "mean").rows())
    assert means == {"a": float(big + 1), "b": 7.0}
    rows = cc.rank(path, "g", "money", regions="none").to_polars().select("code", "mean", "rank").rows()
    assert rows == [("b", 9.99, 1), ("a", 0.2, 2)]
    assert cc.rank(path, "g", "money", regions="none", share_above=0.1).to_polars()["mean"].to_list() == [
        1.0,
        0.5,
    ]
    latest = cc.rank(path, "g", "big", regions="none", unit="who").to_polars()
    assert latest["mean"].to_list() == [float(big + 2), 7.0]


def test_a_parquet_file_cut_anywhere_is_a_source_error(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    pq.write_table(FRAME.to_arrow(), whole, row_group_size=50)
    data = whole.read_bytes()
    bad = tmp_path / "bad.parquet"
    for cut in [0, 1, 4, 8, 100, len(data) // 2, len(data) - 9, len(data) - 1]:
        bad.write_bytes(data[:cut])
        with pytest.raises(cc.SourceError, match=r"bad\.parquet"):
            digest(bad)
    rng = np.random.default_rng(5)
    for _ in range(200):
        changed = bytearray(data)
        changed[rng.integers(0, len(data))] ^= 1 << int(rng.integers(0, 8))
        bad.write_bytes(bytes(changed))
        with contextlib.suppress(cc.CreditcoreError):
            digest(bad)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("g,x,w\na,1,1\na,oops,1\n", r"row 2: column `x` holds `oops`; a number"),
        ("g,x,w\na,1,1\nb,2\na,1,1\n", r"row 2: \(line 3\) 2 fields where the header has 3"),
        ("g,x,w\na,9007199254740993,1\n", r"row 1.*9007199254740993.*Parquet"),
        ("g,x,x,w\na,1,1,1\n", r"column `x` is there more than once"),
        ("g,y,w\na,1,1\n", r"no column `x`"),
        ("g,x,weights\na,1,1\n", r"no column `w`"),
        ("", "empty"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(cc.CreditcoreError, match=fault):
        digest(path)


def test_a_header_alone_and_no_rows_are_empty_rankings(tmp_path: Path) -> None:
    path = tmp_path / "header.csv"
    path.write_text("g,x,w\n")
    assert len(cc.rank(path, "g", "x", "w", regions="none")) == 0
    FRAME.clear().write_parquet(tmp_path / "none.parquet")
    ranking = cc.rank(tmp_path / "none.parquet", "g", "x", "w", regions="none")
    assert (len(ranking), ranking.records, ranking.excluded) == (0, 0, {})


@pytest.mark.parametrize(
    ("source", "error", "fault"),
    [
        ({"g": ["a"], "x": ["text"], "w": [1]}, cc.SchemaError, r"`x` is of type .*a number"),
        ({"g": [[1]], "x": [1.0], "w": [1]}, cc.SchemaError, r"`g` is of type .*grouped"),
        ({"g": ["a", "b"], "x": [1.0], "w": [1]}, cc.SourceError, "one length"),
        (42, cc.SourceError, "`int`"),
        ("no/such/file.parquet", cc.SourceError, "no such file"),
    ],
)
def test_bad_sources_are_named(source: Any, error: type[Exception], fault: str) -> None:
    with pytest.raises(error, match=fault):
        digest(source)


def test_an_unclosed_quote_does_not_eat_memory(tmp_path: Path) -> None:
    path = tmp_path / "quote.csv"
    with path.open("w") as file:
        file.write('g,x,w\na,1,1\n"b,2,2\n')
        for _ in range(40):
            file.write("a,1,1\n" * 100_000)
    with pytest.raises(cc.SourceError, match=r"row 2: .*16 MiB"):
        digest(path)
