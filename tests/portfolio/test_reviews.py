"""Reviews in a portfolio: what people decided counts by the day, no score undoes it, and it is logged."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

import creditcore as cc
from creditcore import line
from creditcore.cli.app import app
from tests.line import case


def day(number: int) -> dt.date:
    return dt.date(2026, 3, number)


def review(key: Any, at: int, to: str, expires: int | None = None, reason: str = "seen") -> dict[str, Any]:
    until = None if expires is None else day(expires)
    return {"key": key, "time": day(at), "from": None, "to": to, "reason": reason, "expires": until}


@pytest.fixture
def portfolio(tmp_path: Path) -> cc.Portfolio:
    made = cc.Portfolio.create(tmp_path / "state", cc.Config.load(case.write(tmp_path)))
    made.ingest(case.records(200), day(1))
    return made


def fresh(portfolio: cc.Portfolio, folder: Path, reviews: list[dict[str, Any]], when: dt.date) -> str:
    """The digest of the same records and reviews, taken in at once."""
    inputs = [name for name in case.records(1).columns if name in portfolio.to_polars().columns]
    with cc.Portfolio.create(folder, portfolio.config) as made:
        made.ingest(portfolio.to_polars().select(inputs), when)
        made.review(reviews, when)
        return made.digest()


def passed(portfolio: cc.Portfolio) -> list[int]:
    """Keys that the rules pass, of whom the rankings count."""
    rows = portfolio.to_polars().filter(pl.col("decision") == "pass", pl.col("cause") == "used")
    return rows["id"].to_list()


def test_a_review_takes_the_place_of_a_decision_and_of_what_hangs_on_it(
    portfolio: cc.Portfolio, tmp_path: Path
) -> None:
    chosen, other = passed(portfolio)[:2]
    before = portfolio.causes()
    told = [review(chosen, 2, "reject", 6, "fraud told by phone"), review(other, 3, "review")]
    done = portfolio.review(told, day(2))
    assert (done.rescored, done.changed) == (1, 0)
    record = portfolio.record(chosen)
    assert (record["decision"], record["decision_policy"], record["review_reason"]) == (
        "reject",
        "pass",
        "fraud told by phone",
    )
    # The population leaves out whoever is rejected, whoever says so.
    assert record["cause"] == "rejected"
    assert portfolio.causes()["rejected"] == before["rejected"] + 1
    assert portfolio.ranking("city").records == 200
    assert portfolio.record(other)["decision"] == "pass"
    assert portfolio.digest() == fresh(portfolio, tmp_path / "a", told, day(2))
    # The day goes on: one begins, the other one ends.
    assert portfolio.refresh(None, day(3)).rescored == 1
    assert portfolio.record(other)["decision"] == "review"
    assert portfolio.refresh(None, day(6)).rescored == 1
    assert portfolio.record(chosen)["decision"] == "pass"
    assert portfolio.record(chosen)["review_reason"] is None
    assert portfolio.causes() == before
    assert portfolio.digest() == fresh(portfolio, tmp_path / "b", told, day(6))
    assert [row["in_force"] for row in portfolio.reviews().to_dicts()] == [False, True]
    log = portfolio.decisions(chosen)
    assert log["decision"].to_list() == ["pass", "reject", "pass"]
    assert log["decision_policy"].to_list() == [None, "pass", None]
    assert portfolio.replay(1000).right


def test_a_new_score_does_not_undo_a_review(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    told = [review(5, 1, "review"), review(5, 1, "reject", reason="stricter"), review(900, 1, "reject")]
    portfolio.review(told, day(1))
    assert portfolio.record(5)["review_reason"] == "stricter"
    portfolio.refresh(case.records(10, 8, version=2), day(2))
    assert portfolio.record(5)["decision"] == "reject"
    # It waits for a record that is not there yet, in a bulk too.
    portfolio.ingest(case.records(5, 9, first=898))
    assert portfolio.record(900)["decision"] == "reject"
    assert portfolio.digest() == fresh(portfolio, tmp_path / "a", told[::-1], day(2))
    digest = portfolio.digest()
    portfolio.compact()
    portfolio.close()
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.digest() == digest
        assert len(again.reviews()) == 3
        assert again.review(told[:1]).rescored == 0
        assert again.digest() == digest


def test_reviews_and_rows_of_one_key_come_together(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    told = [review(key, 1, "reject") for key in (1, 2, 3, 500)]
    rows = case.records(2, 4, first=2, version=2)
    done = portfolio.refresh(rows, day(1), reviews=told)
    assert (done.counts["updated"], sum(done.counts.values())) == (2, 2)
    found = portfolio.to_polars().filter(pl.col("id") < 4).sort("id")
    assert found["decision"].to_list()[1:] == ["reject"] * 3
    assert found.filter(pl.col("id") == 2)["income"].to_list() == rows["income"].to_list()[:1]
    assert portfolio.digest() == fresh(portfolio, tmp_path / "a", told, day(1))


def test_one_pass_says_the_same(portfolio: cc.Portfolio) -> None:
    told = [review(key, 1, "reject", 3) for key in passed(portfolio)[:20]]
    portfolio.review(told, day(2))
    whole = line.run(portfolio.config, case.records(200), day(2), reviews=told)
    for name in portfolio.config.by:
        assert portfolio.ranking(name).to_polars().equals(whole.rankings[name].to_polars())
    assert portfolio.causes() == whole.population.excluded
    kept = portfolio.to_polars().sort("id")
    for name in ("decision", "decision_policy", "review_reason"):
        assert kept[name].to_list() == whole.records.sort("id")[name].to_list()


def test_the_rates_of_overrides(portfolio: cc.Portfolio) -> None:
    decided = dict(portfolio.to_polars().select("id", "decision").rows())
    lenient = [key for key, decision in decided.items() if decision != "pass"][:3]
    strict = [key for key, decision in decided.items() if decision == "pass"][:5]
    told = [review(key, 1, "pass") for key in lenient] + [review(key, 1, "reject") for key in strict]
    portfolio.review([*told, review(strict[5 - 1], 1, "reject", reason="again")])
    low, high = portfolio.review_rates()
    assert (low["side"], low["overrides"], high["overrides"]) == ("low", 3, 5)
    assert high["rate"] == 5 / 200


def test_whoever_is_erased_has_no_reviews(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    told = [review(5, 1, "reject"), review(6, 1, "reject"), review(777, 1, "reject")]
    portfolio.review(told)
    portfolio.erase(5)
    portfolio.erase(777)
    assert portfolio.reviews()["key"].to_list() == [6]
    assert portfolio.digest() == fresh(portfolio, tmp_path / "a", told[1:2], day(1))
    digest = portfolio.digest()
    portfolio.close()
    with cc.Portfolio.open(tmp_path / "state") as again:
        assert again.digest() == digest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"to": "maybe"}, "review of `5`: `to` is `maybe`; it is one of pass, review, reject"),
        ({"time": None}, "review of `5`: `time` is null"),
        ({"time": "soon"}, "review of `5`: `time` is `soon`; it is a day"),
        ({"reason": ""}, "review of `5`: `reason` is ``"),
        ({"key": 1.5}, "review of `1.5`: a key is an integer or a text"),
        ({"expires": 7}, "review of `5`: `expires` is `7`; give a day or an instant"),
    ],
)
def test_a_review_at_fault_changes_nothing(
    portfolio: cc.Portfolio, change: dict[str, Any], told: str
) -> None:
    digest, version = portfolio.digest(), portfolio.version
    with pytest.raises(cc.ArgumentError) as raised:
        portfolio.review([review(6, 1, "reject"), review(5, 1, "reject") | change])
    assert told in str(raised.value)
    with pytest.raises(cc.SchemaError, match="a review has no `expires`"):
        portfolio.refresh(
            case.records(5, 5, version=3),
            reviews={"key": [1]} | {name: ["reject"] for name in ("time", "from", "to", "reason")},
        )
    assert (portfolio.digest(), portfolio.version, len(portfolio.reviews())) == (digest, version, 0)


def test_reviews_need_rules_and_an_instant(tmp_path: Path) -> None:
    config = {"columns": {"key": "id"}, "score": {"column": "points"}, "rankings": [{"by": "city"}]}
    plain = cc.Portfolio.create(tmp_path / "plain", config | {"regions": {"table": "none"}})
    with plain, pytest.raises(cc.ArgumentError, match="the configuration has no rules"):
        plain.review([review(5, 1, "reject")], day(1))
    ruled = cc.Portfolio.create(tmp_path / "s", cc.Config.load(case.write(tmp_path)))
    with ruled, pytest.raises(cc.ArgumentError, match="give the instant `as_of`"):
        ruled.review([review(5, 1, "reject")])


def test_the_command_line_takes_reviews(portfolio: cc.Portfolio, tmp_path: Path) -> None:
    portfolio.close()
    rows = [
        "key,time,from,to,reason,expires",
        "5,2026-03-02,pass,reject,told by phone,",
        "6,2026-03-02T10:00:00,,review,odd,2026-04-01",
    ]
    (tmp_path / "reviews.csv").write_text("\n".join(rows))
    state = str(tmp_path / "state")

    def told(*words: str) -> str:
        done = CliRunner().invoke(app, list(words), standalone_mode=False)
        assert done.exception is None, done.exception
        return done.output

    done = json.loads(told("review", state, str(tmp_path / "reviews.csv"), "--as-of", "2026-03-02", "--json"))
    assert done["rescored"] == 2
    assert "stricter than the rules: " in told("review", state)
    listed = json.loads(told("review", state, "--json"))
    assert [row["key"] for row in listed["reviews"]] == [5, 6]
    assert json.loads(told("explain", state, "5", "--json"))["record"]["review_reason"] == "told by phone"
