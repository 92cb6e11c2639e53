"""Reviews folded into decisions, and a challenger beside the live policy."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import creditcore as cc
from creditcore.tactics.reviews import Challenge, fold_reviews, review_rates

from .test_policy import of_rules, rule

DECISIONS = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e"],
        "decision": ["reject", "pass", "reject", "review", "pass"],
        "bad": [0, 1, None, 0, 0],
    }
)


def review(key: str, day: int, to: str, expires: date | None = None, **more: Any) -> dict[str, Any]:
    told = {"key": key, "time": date(2026, 1, day), "from": "reject", "to": to, "reason": f"{key}{day}"}
    return {**told, "expires": expires, **more}


REVIEWS = [
    review("a", 1, "reject"),
    review("a", 5, "pass"),
    review("b", 5, "reject"),
    review("c", 5, "pass", date(2026, 1, 10)),
    review("d", 20, "pass"),
    review("e", 5, "pass"),
]


def test_the_latest_review_in_force_counts() -> None:
    folded = fold_reviews(DECISIONS, REVIEWS, "id", date(2026, 1, 9))
    assert folded["decision"].to_list() == ["pass", "reject", "pass", "review", "pass"]
    assert folded["decision_policy"].to_list() == DECISIONS["decision"].to_list()
    assert folded["override"].to_list() == [True, True, True, False, False]
    assert folded["review_reason"].to_list() == ["a5", "b5", "c5", None, "e5"]
    later = fold_reviews(DECISIONS, pl.DataFrame(REVIEWS), "id", date(2026, 1, 20))
    assert later["decision"].to_list() == ["pass", "reject", "reject", "pass", "pass"]
    assert fold_reviews(DECISIONS, REVIEWS[::-1], "id", date(2026, 1, 9)).equals(folded)


def test_rates_have_sides_and_outcomes() -> None:
    low, high = review_rates(fold_reviews(DECISIONS, REVIEWS, "id", date(2026, 1, 9)), "bad")
    assert (low["side"], low["overrides"], low["rate"]) == ("low", 2, 0.4)
    assert (low["good"], low["unknown"], low["bad_rate_low"], low["bad_rate_high"]) == (1, 1, 0.0, 0.5)
    assert (high["overrides"], high["bad_rate"]) == (1, 1.0)


def test_bad_reviews_are_refused() -> None:
    with pytest.raises(cc.ArgumentError, match="review of `a`: `to` is `maybe`"):
        fold_reviews(DECISIONS, [review("a", 1, "maybe")], "id", date(2026, 1, 9))
    with pytest.raises(cc.SchemaError, match="a review has no `time`"):
        fold_reviews(DECISIONS, [{"key": "a"}], "id", date(2026, 1, 9))
    with pytest.raises(cc.SchemaError, match="no column `key`"):
        fold_reviews(DECISIONS, [], "key", date(2026, 1, 9))


def test_a_challenger_decides_its_share_of_the_keys() -> None:
    live, strict = of_rules(rule(action="reject")), of_rules(rule(when="x > 0", action="reject"))
    frame = pl.DataFrame({"x": [1.0] * 20_000, "id": range(20_000)})
    made = Challenge(live, strict, 0.3, "spring").decide(frame, "id")
    share = (made["arm"] == "challenger").mean()
    assert 0.28 < share < 0.32  # type: ignore[operator]
    assert made.filter(pl.col("arm") == "challenger")["decision"].unique().to_list() == ["reject"]
    assert made.filter(pl.col("arm") == "live").select("decision", "other").unique().rows() == [
        ("pass", "reject")
    ]
    again = Challenge(live, strict, 0.3, "spring").decide(frame[::-1], "id")
    assert again[::-1].equals(made)
    other = Challenge(live, strict, 0.3, "autumn").arms(range(20_000))
    assert other != Challenge(live, strict, 0.3, "spring").arms(range(20_000))
    assert Challenge(live, strict, 0, "x").decide(frame[:5], "id")["arm"].to_list() == ["live"] * 5
    with pytest.raises(cc.ArgumentError, match="`share` is `2`"):
        Challenge(live, strict, 2, "x")
