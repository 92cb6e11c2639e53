"""The page of a backtest, in a browser.

In: a backtest of made-up records. Out: what is seen, in both schemes, on a desk and on a telephone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creditcore as cc
from tests.browser import Opener, Scheme

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def policy() -> cc.Policy:
    when = ("x > 0.9", "x > 0.6 AND y < 0.5", "y < 0.2", "x > 5")
    rules = [
        {"id": f"rule_{place}", "when": text, "action": "reject", "on_null": "no_hit"}
        for place, text in enumerate(when)
    ]
    return cc.Policy({"tactics": [{"id": "t", "rules": rules}]})


def records() -> dict[str, Any]:
    random = np.random.default_rng(3)
    x = random.random(3_000)
    bad = (random.random(3_000) < 0.05 + 0.3 * x).astype(float)
    return {
        "x": x,
        "y": random.random(3_000),
        "bad": bad,
        "amount": np.ones(3_000),
        "month": np.arange(3_000) % 4,
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_read_by_everybody(
    open_page: Opener, policy: cc.Policy, tmp_path: Path, scheme: Scheme
) -> None:
    path = tmp_path / "backtest.html"
    policy.backtest(records(), "bad", amount="amount", period="month").write(path)
    shown = open_page(path, scheme=scheme)
    assert (shown.errors, shown.requests, shown.faults()) == ([], [], [])
    text = shown.page.locator("body").inner_text()
    assert "the dotted line is the rate of all known outcomes" in text
    assert "Rules that hit no record: rule_3" in text
    assert shown.page.locator("#rates svg.strip circle").count() == 3
    shown.page.get_by_role("button", name="中文").click()
    assert shown.page.locator("html").get_attribute("lang") == "zh-CN"
    chinese = shown.page.locator("body").inner_text()
    for told in ("回测", "虚线为全部已知结果的坏账率", "未命中任何记录的规则", "拒绝", "命中率"):
        assert told in chinese
    assert "Decisions" not in chinese
    assert (shown.errors, shown.faults()) == ([], [])
    for width in (1280, 390):
        shown.page.set_viewport_size({"width": width, "height": 844})
        assert shown.width() <= width


def test_nothing_is_saved_where_no_amount_was_read(
    open_page: Opener, policy: cc.Policy, tmp_path: Path
) -> None:
    path = tmp_path / "backtest.html"
    for amount, seen in (("amount", 1), (None, 0)):
        policy.backtest(records(), "bad", amount=amount).write(path)
        shown = open_page(path)
        assert shown.page.locator("#rules thead th", has_text="saved").count() == seen
