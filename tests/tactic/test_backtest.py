"""Backtests: figures against the same ones counted by polars, bounds, swap sets, pages."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.tactics.backtests import wilson
from tests.cli.test_rank_verb import run

from .test_policy import rule, written

RULES = [
    rule(id="high", when="x > 0.9", action="reject"),
    rule(id="mid", when="x > 0.6 AND y < 0.5", action="review"),
    rule(id="seen", when="y < 0.2", action="flag"),
    rule(id="dark", when="x < 0.1", action="reject", mode="shadow"),
    rule(id="never", when="x > 5", action="reject"),
]


def history(records: int = 5_000) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    x, y = rng.random(records), rng.random(records)
    bad = (rng.random(records) < 0.05 + 0.3 * x).astype(int)
    return pl.DataFrame(
        {
            "x": x,
            "y": y,
            "bad": pl.Series(bad).set(pl.Series(rng.random(records) < 0.2), None),
            "amount": np.round(rng.random(records) * 1000, 2),
            "month": pl.Series(rng.integers(0, 90, records)).cast(pl.Int32) + 20_454,
            "book": rng.integers(0, 24, records),
        }
    ).with_columns(pl.col("month").cast(pl.Date))


FRAME = history()
POLICY = cc.Policy({"tactics": [{"id": "t", "rules": RULES}]})
MASKS = {
    "high": pl.col("x") > 0.9,
    "mid": (pl.col("x") > 0.6) & (pl.col("y") < 0.5),
    "seen": pl.col("y") < 0.2,
    "dark": pl.col("x") < 0.1,
    "never": pl.col("x") > 5,
}


def test_figures_are_those_of_a_plain_count() -> None:
    made = POLICY.backtest(FRAME, "bad", amount="amount", period="month")
    by_id = {one["id"]: one for one in made.rules}
    base = np.mean(FRAME["bad"].drop_nulls().to_numpy())
    live = [mask for name, mask in MASKS.items() if name != "dark"]
    for name, mask in MASKS.items():
        hit = FRAME.filter(mask)
        told = by_id[name]
        assert told["hits"] == len(hit)
        assert (told["bad"], told["good"], told["unknown"]) == (
            (hit["bad"] == 1).sum(),
            (hit["bad"] == 0).sum(),
            hit["bad"].null_count(),
        )
        assert told["amount_hit"] == pytest.approx(hit["amount"].sum(), rel=1e-6)
        if name == "never":
            continue
        assert told["lift"] == pytest.approx(np.mean(hit["bad"].drop_nulls().to_numpy()) / base)
        assert told["recall"] == pytest.approx(told["bad"] / len(FRAME.filter(pl.col("bad") == 1)))
        others = [other for other in live if other is not mask]
        alone = FRAME.filter(mask & ~pl.any_horizontal(others))
        assert told["exclusive"] == len(alone)
    added = FRAME.filter(MASKS["mid"] & ~MASKS["high"])
    assert by_id["mid"]["added"] == len(added)
    saved = added.filter(pl.col("bad") == 1)["amount"].sum()
    assert by_id["mid"]["amount_saved"] == pytest.approx(saved, rel=1e-6)
    assert made.never == ["never"]
    assert made.decisions["reject"]["records"] == by_id["high"]["hits"]
    both = FRAME.filter(MASKS["high"] & MASKS["seen"])
    assert {"rule": "high", "other": "seen", "records": len(both)} in made.overlaps
    periods = [one for one in made.periods if one["rule"] == "high"]
    expected = (
        FRAME.group_by(pl.col("month").dt.strftime("%Y-%m")).agg(MASKS["high"].sum()).sort("month").rows()
    )
    assert [(one["period"], one["hits"]) for one in periods] == expected


def test_what_is_not_known_is_bounds() -> None:
    made = POLICY.backtest(FRAME, "bad")
    for told in [made.all, *made.decisions.values()]:
        assert told["bad_rate_low"] <= told["bad_rate"] <= told["bad_rate_high"]
        assert told["bad_rate_high"] == pytest.approx((told["bad"] + told["unknown"]) / told["records"])
    mature = POLICY.backtest(FRAME, "bad", mature="book >= 12")
    assert mature.all["unknown"] == len(FRAME.filter((pl.col("book") < 12) | pl.col("bad").is_null()))
    nothing = POLICY.backtest(FRAME, "bad", mature="book > 99")
    assert (nothing.all["bad_rate"], nothing.all["wilson_low"]) == (None, None)
    assert (nothing.all["bad_rate_low"], nothing.all["bad_rate_high"]) == (0.0, 1.0)


def test_swap_sets_against_the_live_policy() -> None:
    live = cc.Policy({"tactics": [{"id": "t", "rules": [rule(id="old", when="y < 0.1", action="reject")]}]})
    made = POLICY.backtest(FRAME, "bad", against=live)
    cells = {(one["live"], one["new"]): one["records"] for one in made.swaps}
    old, new = live.decide(FRAME)["decision"], POLICY.decide(FRAME)["decision"]
    expected = pl.DataFrame({"old": old, "new": new}).group_by("old", "new").len()
    assert {pair: count for pair, count in cells.items() if count} == {
        (one, other): count for one, other, count in expected.rows()
    }


def test_threads_and_parts_change_nothing(tmp_path: Path) -> None:
    expected = POLICY.backtest(FRAME, "bad", amount="amount", period="month").to_dict()
    for part, chunk in enumerate(FRAME.iter_slices(1_300)):
        chunk.write_parquet(tmp_path / f"{part}.parquet")
    files = [str(path) for path in sorted(tmp_path.glob("*.parquet"))]
    for threads in (1, 3):
        assert (
            POLICY.backtest(files, "bad", amount="amount", period="month", threads=threads).to_dict()
            == expected
        )


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(cc.ArgumentError, match="row 2: label `bad` is neither 1"):
        POLICY.backtest({"x": [1.0, 1.0], "y": [1.0, 1.0], "bad": [0, 2]}, "bad")
    with pytest.raises(cc.SchemaError, match="`bda`, which is no column; did you mean `bad`"):
        POLICY.backtest(FRAME, "bda")


def test_the_interval_is_that_of_the_paper() -> None:
    low, high = wilson(5, 50)
    assert low is not None
    assert high is not None
    # The roots of (p - r)^2 = z^2 p (1 - p) / n.
    for root in (low, high):
        assert math.isclose((root - 0.1) ** 2, 1.959963984540054**2 * root * (1 - root) / 50, rel_tol=1e-9)


def test_the_verb(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "history.parquet")
    policy = written(tmp_path, json.dumps({"tactics": [{"id": "t", "rules": RULES}]}))
    arguments = (
        "tactics",
        "backtest",
        policy,
        tmp_path / "history.parquet",
        "--label",
        "bad",
        "--amount",
        "amount",
    )
    told = run(*arguments, "--against", policy, "--json")
    assert told.returncode == 0, told.stderr
    made = json.loads(told.stdout)
    assert made["all"]["records"] == len(FRAME)
    assert "rules that hit no record: never" in told.stderr
    assert run(*arguments).stdout.count("│ high") == 1
    for ending in ("html", "csv", "parquet", "json"):
        assert run(*arguments, "--against", policy, "-o", tmp_path / f"made.{ending}").returncode == 0
    page = (tmp_path / "made.html").read_text(encoding="utf-8")
    assert "Swap sets" in page
    assert not re.search(r"https?:(?!//www\.w3\.org/)", page)
    assert pl.read_parquet(tmp_path / "made.parquet")["id"].to_list() == [one["id"] for one in RULES]
    assert run(*arguments, "-o", tmp_path / "made.txt").returncode == 2
