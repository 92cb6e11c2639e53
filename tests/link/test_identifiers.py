"""What counts as one identifier: spellings that meet, placeholders that do not, columns that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import creditcore as cc

SAME = [
    (
        "phone",
        [
            "13812345678",
            "+86 138-1234-5678",
            "0086 13812345678",
            "１３８１２３４５６７８",
            "86-138 1234 5678",
        ],
    ),
    ("id_card", ["11010519491231002X", "11010519491231002x", "110105491231002"]),
    ("ip", ["10.0.0.1", "010.000.000.001", "::ffff:10.0.0.1", "10.0.0.1:443"]),
    ("mac", ["AA:BB:CC:00:11:22", "aabb.cc00.1122", "aa-bb-cc-00-11-22"]),
    ("bank_card", ["6222 0212 3456 7890 123", "6222021234567890123"]),
    ("address", ["北京市 朝阳区，建国路１号 3-201 室", "北京市朝阳区建国路1号3—201室"]),
    ("device", ["ABC-1", "abc-1", " ＡＢＣ-1 "]),
]
NOTHING = [
    *(None, "", " ", "0", "000", "null", "NULL", "None", "\\N", "N/A", "nan", "unknown", "无", "未知", "-"),
    *("123456", "11111111111", "13800138000", "00000000-0000-0000-0000-000000000000"),
]


def linked(kind: str, values: list[Any], **settings: Any) -> bool:
    frame = pl.DataFrame({"key": range(len(values)), "x": pl.Series(values, strict=False)})
    found = cc.components(frame, "key", {kind: {"columns": "x"}}, **settings)
    if (found["component"] == 0).all():
        return True
    assert (found["component"] == found["key"]).all(), "all or none"
    return False


@pytest.mark.parametrize(("kind", "spellings"), SAME)
def test_spellings_of_one_identifier_meet(kind: str, spellings: list[str]) -> None:
    assert linked(kind, spellings)
    frame = {"key": range(len(spellings)), "x": spellings}
    exact = cc.components(frame, "key", {kind: {"columns": "x", "normaliser": "exact"}})
    assert (exact["component"] == exact["key"]).all()


@pytest.mark.parametrize("kind", ["device", "phone", "id_card", "ip", "mac", "address", "anything"])
@pytest.mark.parametrize("value", NOTHING)
def test_placeholders_link_nobody(kind: str, value: str | None) -> None:
    assert not linked(kind, [value, value, value])


def test_numbers_and_their_texts_are_one_identifier() -> None:
    for number in (13_812_345_678, 5, 2**63 - 1):
        frame = {"key": [1, 2, 3], "a": [number, None, None], "b": [None, str(number), None]}
        found = cc.components(frame, "key", {"phone": ["a", "b"]})
        assert found["component"].to_list() == [1, 1, 3]
    assert linked("phone", [8_613_812_345_678, 13_812_345_678])
    assert linked("id_card", [110_105_491_231_002, 110_105_491_231_002])


def test_integers_are_numbers_that_a_system_gave_out() -> None:
    """In a column of integers 123456 is a number like any other, but nought and minus one are none."""
    assert linked("device", [123_456, 123_456])
    assert linked("device", [-7, -7])
    assert not linked("device", [0, 0])
    assert not linked("device", [-1, -1])
    assert not linked("phone", [13_800_138_000, 13_800_138_000])


def test_columns_of_any_type() -> None:
    text = ["a", "a", None, "b"]
    columns: list[Any] = [
        pl.Series(text),
        pl.Series(text, dtype=pl.Categorical),
        pl.Series([[value] if value else None for value in text]),
        pl.Series([[value] if value else [] for value in text]),
        pl.Series([[[value]] if value else None for value in text]),
        pl.Series([[value] for value in text], dtype=pl.Array(pl.String, 1)),
        pl.Series([1, 1, None, 2], dtype=pl.UInt8),
        pl.Series([1.0, 1.0, float("nan"), 2.0]),
        pd.Series(text),
        pd.Series([5, 5, None, 6]),
    ]
    for column in columns:
        found = cc.components({"key": [4, 3, 2, 1], "x": column}, "key", {"device": "x"})
        assert found["component"].to_list() == [3, 3, 2, 1], column


def test_a_list_of_a_null_row_is_not_read() -> None:
    import pyarrow as pa

    values = pa.array(["a", "b", "c", "d"])
    lists = pa.ListArray.from_arrays(
        pa.array([0, 1, 3, 4], pa.int32()), values, mask=pa.array([False, True, False])
    )
    table = pa.table({"key": [1, 2, 3], "x": lists})
    network = cc.Network.build(table, "key", {"device": "x"})
    assert network.sizes.identified == 2
    assert network.placeholders == {"device": {"null": 1}}


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pl.Series([1.5, 2.0]), "frame`, row 1: column `x` holds `1.5`"),
        (pl.Series([1.0, -2.0]), "row 2: column `x` holds `-2`"),
        (pl.Series([True, False]), "column `x` is of type Boolean"),
        (pl.Series([b"a", b"b"]), "column `x` is of type"),
    ],
)
def test_what_is_no_identifier_is_refused(column: pl.Series, told: str) -> None:
    frame = pl.DataFrame({"key": [1, 2], "x": column})
    with pytest.raises((cc.SourceError, cc.SchemaError), match=told):
        cc.components(frame, "key", {"device": "x"})
    with pytest.raises((cc.SourceError, cc.SchemaError), match=told):
        cc.Network.build(frame, "key", {"device": "x"})


def test_keys_that_are_none_are_refused() -> None:
    for make in (cc.components, cc.Network.build):
        with pytest.raises(cc.SourceError, match=r"row 2: key column `key` is null"):
            make({"key": [1, None], "x": ["a", "b"]}, "key", {"device": "x"})
        with pytest.raises(cc.SchemaError, match="key column `key` is of type Float64"):
            make({"key": [1.5, 2.0], "x": ["a", "b"]}, "key", {"device": "x"})
        with pytest.raises(cc.SchemaError, match=r"no column `device`.*columns: `key`, `x`"):
            make({"key": [1], "x": ["a"]}, "key", {"device": "device"})


@pytest.mark.parametrize(
    ("identifiers", "told"),
    [
        ({}, "no identifiers"),
        ({"device": []}, "has no column"),
        ({"device": 5}, "give a column, several, or a mapping"),
        (
            {"device": {"columns": "x", "cap": 3}},
            "declares `cap`; allowed are columns, normaliser, role, type",
        ),
        ({"device": {"columns": "x", "normaliser": "soundex"}}, "unknown variant `soundex`"),
        ("device", "a mapping of names to columns"),
    ],
)
def test_declarations_that_make_no_sense_are_refused(identifiers: Any, told: str) -> None:
    with pytest.raises(cc.ArgumentError, match=told):
        cc.components({"key": [1], "x": ["a"]}, "key", identifiers)


def test_declared_placeholders_and_a_threshold() -> None:
    rows = {"key": range(6), "x": ["Tablet 9", "tablet 9", "b", "b", "b", "c"]}
    names = {"device": "x"}
    declared = {"placeholders": {"device": ["TABLET 9"]}}
    assert cc.components(rows, "key", names, config=declared)["component"].to_list() == [0, 1, 2, 2, 2, 5]
    most = cc.components(rows, "key", names, config={"most_people": 2})
    assert most["component"].to_list() == [0, 0, 2, 3, 4, 5]
    network = cc.Network.build(rows, "key", names, config={**declared, "most_people": 2})
    assert network.placeholders == {"device": {"tablet 9": 2}}
    assert network.hubs()["people"].to_list() == [3]
    assert network.components()["component"].to_list() == [0, 1, 2, 3, 4, 5]


def test_placeholders_are_counted_by_type() -> None:
    rows = {"key": [1, 2, 3, 4], "x": ["unknown", None, "UNKNOWN", "a"], "y": np.array([0, 0, 5, 6])}
    network = cc.Network.build(rows, "key", {"device": "x", "shop": "y"})
    assert network.placeholders == {"device": {"null": 1, "unknown": 2}, "shop": {"0": 2}}
    assert network.sizes.identified == 3
