"""Law 2: sums are exact, so order, splits, threads and retraction change no bit."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creditcore as cc
from tests.rounds import rounds

from .oracle import figures

ADVERSARIAL = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e16, -1e16, 1.0, 1e-16, 2.0**53, 0.1]),
    st.integers(0, 60_000).map(lambda points: points / 64),
    # Doubles that fit no grid but the windows of the wide kernel, and both ends of these.
    st.floats(min_value=1e-9, max_value=1.0),
    st.integers(-10_000, 10_000).map(lambda tenths: tenths / 10),
    st.sampled_from([2.0**-39, 2.0**-40, 2.0**40, -(2.0**40 - 2.0**-12)]),
)
WEIGHTS = st.one_of(
    st.floats(min_value=0, max_value=1e60, allow_nan=False), st.sampled_from([0.0, 1.0, 0.125, 5e-324, 1e9])
)
ROWS = st.lists(st.tuples(st.sampled_from("abc"), ADVERSARIAL, WEIGHTS), min_size=1, max_size=40)


def frame(rows: list[tuple[str, float, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"g": pl.String, "x": pl.Float64, "w": pl.Float64}, orient="row")


def sums(rows: Any, **options: Any) -> cc.Aggregate:
    data = frame(rows) if isinstance(rows, list) else rows
    return cc.aggregate(data, by="g", score="x", weight="w", regions="none", **options)


def published(ranking: cc.Ranking) -> dict[str, tuple[Any, ...]]:
    columns = ["code", "n", "sum_weight", "mean", "mean_plain", "se"]
    return {row[0]: row[1:] for row in ranking.to_polars().select(columns).rows()}


@given(ROWS)
@settings(max_examples=rounds(300), deadline=None)
def test_figures_are_exact_rationals_rounded_once(rows: list[tuple[str, float, float]]) -> None:
    groups = defaultdict(list)
    for group, value, weight in rows:
        groups[group].append((value, weight))
    assert published(sums(rows).rank()) == {group: figures(pairs) for group, pairs in groups.items()}


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=rounds(150), deadline=None)
def test_order_splits_and_threads_change_no_bit(
    rows: list[tuple[str, float, float]], shuffler: random.Random, threads: int
) -> None:
    whole = sums(rows).to_bytes()
    shuffled = rows.copy()
    shuffler.shuffle(shuffled)
    assert sums(shuffled, threads=threads).to_bytes() == whole
    cut = shuffler.randint(0, len(rows))
    left, right = sums(frame(shuffled[:cut])), sums(frame(shuffled[cut:]))
    assert left.merge(right).to_bytes() == whole
    assert right.merge(left).to_bytes() == whole
    assert left.merge(right).retract(right).to_bytes() == left.to_bytes()


def test_large_frames_give_the_same_bytes_in_any_chunks_and_types() -> None:
    rng = np.random.default_rng(7)
    n = 300_000
    data = pl.DataFrame(
        {
            "g": rng.integers(0, 340, n).astype(np.uint16),
            "x": rng.integers(3000, 8500, n).astype(np.uint16),
            "w": rng.integers(0, 200, n).astype(np.uint8),
        }
    )
    whole = published(sums(data).rank())
    pairs = defaultdict(list)
    for group, value, weight in data.rows():
        pairs[str(group)].append((float(value), float(weight)))
    for group in ("0", "17", "339"):
        assert whole[group] == figures(pairs[group])
    for types in (
        {"x": pl.Float64, "w": pl.Float64},
        {"x": pl.Float32, "w": pl.Float32},
        {"x": pl.Int64, "w": pl.Int32, "g": pl.Int64},
        {"x": pl.Int32, "w": pl.UInt16, "g": pl.String},
        {"g": pl.Categorical},
    ):
        cast = data.with_columns(
            pl.col(name).cast(pl.String).cast(kind) if kind == pl.Categorical else pl.col(name).cast(kind)
            for name, kind in types.items()
        )
        assert published(sums(cast).rank()) == whole, types
    clustered = data.sort("g")
    assert sums(clustered).to_bytes() == sums(data).to_bytes()
    pieces = pl.concat([data[start : start + 7_777] for start in range(0, n, 7_777)], rechunk=False)
    assert sums(pieces, threads=2).to_bytes() == sums(data, threads=1).to_bytes()


# Integers below 4,096 are their own codes, until something else was a group.
STRETCHES = {
    "small": [range(0, 50), range(0, 60)],
    "to the last": [range(0, 3), range(4_090, 4_096), range(0, 4_096)],
    "beyond": [range(0, 9), range(4_090, 4_100), range(0, 30)],
    "beyond first": [range(5_000, 5_003), range(0, 9)],
    "negative between": [range(0, 9), range(-3, 3), range(0, 30), range(4_095, 4_097)],
    "a null between": [range(0, 9), [1, None, 2], range(0, 12)],
}


@pytest.mark.parametrize("stretches", STRETCHES.values(), ids=STRETCHES)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "uint32", "int64"])
@pytest.mark.parametrize("values", [(pl.UInt16, pl.UInt8), (pl.Float32, pl.Float32), (pl.Float64, pl.Int64)])
def test_integers_are_the_same_groups_as_their_texts(
    stretches: list[Any], kind: str, values: tuple[Any, Any]
) -> None:
    rng = np.random.default_rng(5)
    whole = np.iinfo(kind)
    dtype = pl.Series(np.zeros(1, kind)).dtype
    pieces = []
    for stretch in stretches:
        groups = [group for group in stretch if group is None or whole.min <= group <= whole.max]
        drawn = [groups[place] for place in rng.integers(0, len(groups), 20_000)] + groups if groups else []
        x, w = rng.integers(0, 65_536, len(drawn)), rng.integers(0, 256, len(drawn))
        piece = pl.DataFrame({"g": pl.Series(drawn, dtype=pl.Int64), "x": x, "w": w})
        pieces.append(piece.cast({"g": dtype, "x": values[0], "w": values[1]}))
    data = pl.concat(pieces, rechunk=False)
    texts = data.with_columns(pl.col("g").cast(pl.String))
    for threads in (1, 2):
        of_integers = sums(data, threads=threads, largest_weights=True)
        assert of_integers.to_bytes() == sums(texts, largest_weights=True).to_bytes()
    assert of_integers.retract(sums(pieces[0], largest_weights=True)).rank().records == len(data) - len(
        pieces[0]
    )


# Products of 32 and of 33 bits, the last ones too long for the table.
@pytest.mark.parametrize(
    "most", [(2**26 - 1, 64), (2**26 - 1, 128), (2**24 + 2**15, 511), (2**24 + 2**16, 511), (2**26 - 1, 129)]
)
def test_products_at_the_limit_of_the_short_table(most: tuple[int, int]) -> None:
    rng = np.random.default_rng(6)
    n = rounds(70_000, 2)
    group = rng.integers(0, 3, n)
    x, w = np.full(n, most[0]), np.full(n, most[1])
    x[::7], w[::5] = rng.integers(0, most[0], len(x[::7])), rng.integers(0, most[1], len(w[::5]))
    data = pl.DataFrame({"g": group, "x": x, "w": w})
    result = published(sums(data).rank())
    for code in ("0", "1", "2"):
        rows = data.filter(pl.col("g") == int(code)).select(pl.col("x", "w").cast(pl.Float64)).rows()
        assert result[code] == figures(rows)
    scaled = data.with_columns(pl.col("x").cast(pl.Float32), (pl.col("w") / 8).cast(pl.Float32))
    one_by_one = scaled.cast({"x": pl.Float64, "w": pl.Float64})
    again = pl.concat([one_by_one, pl.DataFrame({"g": [0], "x": [1e-300], "w": [1e-300]})])
    odd = sums(pl.DataFrame({"g": [0], "x": [1e-300], "w": [1e-300]}))
    assert sums(again).retract(odd).to_bytes() == sums(scaled).to_bytes()


@pytest.mark.parametrize("kind", ["f32", "negative", "tiny"])
def test_values_on_and_off_the_grid_in_one_column(kind: str) -> None:
    rng = np.random.default_rng(3)
    n = 20_000
    x = rng.integers(3000, 8500, n) / 10
    if kind == "negative":
        x = x - 600
    if kind == "tiny":
        x[::1000] = 1e-300
    dtype = np.float32 if kind == "f32" else np.float64
    data = pl.DataFrame(
        {"g": rng.choice(["a", "b"], n), "x": x.astype(dtype), "w": rng.integers(0, 255, n) / 8}
    )
    result = published(sums(data).rank())
    for group in "ab":
        rows = data.filter(pl.col("g") == group).select(pl.col("x").cast(pl.Float64), "w").rows()
        assert result[group] == figures(rows)


def test_bytes_that_were_changed_are_refused() -> None:
    data = bytearray(sums([("a", 1.5, 2.0)]).to_bytes())
    assert cc.Aggregate.from_bytes(bytes(data), regions="none").to_bytes() == bytes(data)
    data[-20] ^= 1
    with pytest.raises(cc.FormatError, match="checksum"):
        cc.Aggregate.from_bytes(bytes(data), regions="none")
    with pytest.raises(cc.FormatError):
        cc.Aggregate.from_bytes(bytes(data[:30]), regions="none")


def test_what_was_never_added_cannot_be_retracted() -> None:
    with pytest.raises(ValueError, match="never added"):
        sums([("a", 1.0, 1.0)]).retract(sums([("b", 1.0, 1.0)]))


def test_rows_that_are_left_out_change_nothing_for_the_others() -> None:
    rng = np.random.default_rng(5)
    n = 10_000
    x, w = rng.normal(600, 50, n) / 7, rng.integers(0, 255, n) / 10
    clean = pl.DataFrame({"g": rng.choice(["a", "b"], n), "x": x, "w": w})
    bad = pl.DataFrame(
        {"g": ["a"] * 5, "x": [None, float("nan"), float("inf"), 1.0, 1.0], "w": [1.0, 1.0, 1.0, None, -1.0]}
    )
    mixed = pl.concat([clean[:77], bad, clean[77:5000], bad, clean[5000:]])
    assert published(sums(mixed).rank()) == published(sums(clean).rank())
    causes = ("null_score", "nan_score", "infinite_score", "null_weight", "negative_weight")
    assert sums(mixed).rank().excluded == dict.fromkeys(sorted(causes), 2)


def test_an_error_names_the_row_of_the_source_behind_rows_that_are_left_out() -> None:
    wide = "99999999999999999999999"
    table = pl.DataFrame({"g": ["a"] * 4, "kind": ["person", "other", None, "person"]}).with_columns(
        x=pl.Series(["1", None, "2", wide]).cast(pl.Decimal(38, 0)), w=1.0
    )
    for kind in ("person", "all"):
        with pytest.raises(cc.SourceError, match=rf"row 4.*{wide}"):
            sums(table, kind=kind)
