"""Reviews and challenges: what people and a second policy say beside the first.

Comes in: decisions, reviews as records, a challenger. Goes out: decisions with the reviews folded in, their
rates and outcomes; decisions of two policies side by side, split by a seeded hash of the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from creditcore import _core
from creditcore.errors import ArgumentError, SchemaError
from creditcore.tactics.backtests import rates

if TYPE_CHECKING:
    import polars as pl

    from creditcore.tactics.policy import Policy

REVIEW_COLUMNS = ("key", "time", "from", "to", "reason", "expires")
STRENGTH = {"pass": 0, "review": 1, "reject": 2}


def fold_reviews(decisions: Any, reviews: Any, key: str, as_of: datetime | date) -> pl.DataFrame:
    """Fold what people decided into the decisions of a policy.

    Args:
        decisions: a frame with the columns `key` names and `decision`.
        reviews: a frame or records with `key`, `time`, `from`, `to`, `reason`, `expires` (None: never). Of a
            key the latest review counts whose time is not after `as_of` and which has not expired by then;
            at equal times the stricter one. A new score does not undo a review.
        key: the column of keys in `decisions`.
        as_of: the instant (or day) that the decisions speak of, of the type that reviews have.

    Returns:
        The decisions with `decision` after reviews, `decision_policy` before them, `override` (whether the
        two differ) and `review_reason` (null without a review).

    Raises:
        SchemaError: a column that is not there; ArgumentError: a decision that is none.
    """
    from creditcore._frame import to_frame, with_columns

    frame = to_frame(decisions)
    for name in (key, "decision"):
        if name not in frame.columns:
            raise SchemaError(f"the decisions have no column `{name}`")
    known = latest(_records(reviews), as_of)
    before = frame["decision"].to_list()
    found = [known.get(one) for one in frame[key].to_list()]
    after = [old if review is None else review["to"] for old, review in zip(before, found, strict=True)]
    return with_columns(
        frame,
        {
            "decision": after,
            "decision_policy": before,
            "override": [old != new for old, new in zip(before, after, strict=True)],
            "review_reason": [None if review is None else str(review["reason"]) for review in found],
        },
    )


def _records(reviews: Any) -> Iterable[Mapping[str, Any]]:
    from creditcore._frame import to_frame

    if isinstance(reviews, list | tuple):
        return reviews
    return to_frame(reviews).to_dicts()


def latest(reviews: Iterable[Mapping[str, Any]], as_of: Any) -> dict[Any, Mapping[str, Any]]:
    """Give the review of each key that counts at an instant: the latest, at equal times the stricter one."""
    known: dict[Any, Mapping[str, Any]] = {}
    for review in reviews:
        missing = [name for name in REVIEW_COLUMNS if name not in review]
        if missing:
            raise SchemaError(f"a review has no `{missing[0]}`; it has {', '.join(REVIEW_COLUMNS)}")
        if review["to"] not in STRENGTH:
            told = ", ".join(STRENGTH)
            raise ArgumentError(f"review of `{review['key']}`: `to` is `{review['to']}`; it is one of {told}")
        if review["time"] > as_of or (review["expires"] is not None and review["expires"] <= as_of):
            continue
        old = known.get(review["key"])
        if old is None or _order(review) > _order(old):
            known[review["key"]] = review
    return known


def _order(review: Mapping[str, Any]) -> tuple[Any, int, str]:
    return review["time"], STRENGTH[review["to"]], str(review["reason"])


def review_rates(folded: Any, label: str | None = None) -> list[dict[str, Any]]:
    """Give the rates of overrides, with their outcomes.

    Args:
        folded: what `fold_reviews` gave.
        label: a column of outcomes: 1 bad, 0 good, null not known.

    Returns:
        A record for each side: `low` (more lenient than the policy), `high` (stricter), with `overrides`,
        `rate` (of all records), and the figures of `backtests.rates`, where unknown outcomes are
        bounds.
    """
    from creditcore._frame import to_frame

    frame = to_frame(folded)
    labels = frame[label].to_list() if label else [None] * len(frame)
    sides: dict[str, list[int]] = {"low": [0, 0, 0], "high": [0, 0, 0]}
    rows = zip(frame["decision_policy"].to_list(), frame["decision"].to_list(), labels, strict=True)
    for old, new, outcome in rows:
        if old != new:
            side = "high" if STRENGTH[new] > STRENGTH[old] else "low"
            sides[side][2 if outcome is None else 0 if outcome else 1] += 1
    return [
        {
            "side": side,
            "overrides": sum(counts),
            "rate": sum(counts) / len(frame) if len(frame) else None,
            **rates({"records": counts, "amounts": [0.0, 0.0, 0.0]}),
        }
        for side, counts in sides.items()
    ]


class Challenge:
    """A challenger beside the live policy, for a share of the keys; immutable.

    >>> import creditcore as cc
    >>> from creditcore.tactics.reviews import Challenge
    >>> rule = {"id": "r", "when": "x > 1", "action": "reject", "on_null": "no_hit"}
    >>> live = cc.Policy({"tactics": [{"id": "t", "rules": [rule]}]})
    >>> stricter = cc.Policy({"tactics": [{"id": "t", "rules": [{**rule, "when": "x > 0"}]}]})
    >>> challenge = Challenge(live, stricter, share=0.5, seed="2026-01")
    >>> made = challenge.decide({"x": [1, 1], "id": ["a", "b"]}, "id")
    >>> made.select("decision", "arm", "other").rows()
    [('pass', 'live', 'reject'), ('reject', 'challenger', 'pass')]
    """

    def __init__(self, live: Policy, challenger: Policy, share: float, seed: str) -> None:
        """Say which keys the challenger decides: those whose hash, by the seed, is below the share.

        Raises:
            ArgumentError: a share outside of 0 to 1.
        """
        if not 0 <= share <= 1:
            raise ArgumentError(f"`share` is `{share}`; it is from 0 to 1")
        self.live, self.challenger, self.share, self.seed = live, challenger, share, seed

    def arms(self, keys: Iterable[Any]) -> list[bool]:
        """Say for each key whether the challenger decides it; the same for the same seed, for ever."""
        secret = hashlib.sha256(self.seed.encode()).digest()[:16]
        limit = int(self.share * 2**64)
        return [one < limit for one in _core.keyed_hashes([str(key) for key in keys], list(secret))]

    def decide(self, frame: Any, key: str, **options: Any) -> pl.DataFrame:
        """Decide records, each by the policy of its arm.

        Args:
            frame: the records.
            key: the column of keys.
            options: as in `Policy.decide`.

        Returns:
            The columns of `Policy.decide`, `arm` (`live` or `challenger`) and `other`, the decision of the
            other policy.
        """
        from creditcore._frame import to_frame, with_columns

        rows = to_frame(frame)
        if key not in rows.columns:
            raise SchemaError(f"the records have no column `{key}`")
        arms = self.arms(rows[key].to_list())
        one, other = self.live.decide(rows, **options), self.challenger.decide(rows, **options)
        taken = one.with_row_index("#")["#"].is_in([row for row, second in enumerate(arms) if second])
        made = one.with_row_index("#").filter(~taken).vstack(other.with_row_index("#").filter(taken))
        olds, news = one["decision"].to_list(), other["decision"].to_list()
        return with_columns(
            made.sort("#").drop("#"),
            {
                "arm": ["challenger" if second else "live" for second in arms],
                "other": [old if second else new for second, old, new in zip(arms, olds, news, strict=True)],
            },
        )
