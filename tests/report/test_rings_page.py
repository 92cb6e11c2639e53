"""Rings drawn: who shares what, as an independent join says it; masked keys; the page in a browser.

In: made-up applications with a planted ring. Out: pictures and the page.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest

import creditcore as cc
from creditcore.report.ring_drawing import Shared, angles, drawing
from tests.browser import Opener, Scheme
from tests.report.conftest import run

TYPES = {"address": "address", "bank_card": "card", "device": "device", "phone": "phone"}
MEMBERS = range(900_010, 900_016)


def applications() -> pl.DataFrame:
    keys = [900_000 + number for number in range(800)]
    inside = [key in MEMBERS for key in keys]
    phones = [f"138{key:08d}" for key in keys]
    phones[10], phones[11] = "138-1234-5678", "+86 13812345678"  # one number in two spellings
    return pl.DataFrame(
        {
            "key": keys,
            "address": [f"A{key // 2}" for key in keys],
            "card": [
                "C7" if ring and key != 900_012 else None for key, ring in zip(keys, inside, strict=True)
            ],
            # A hub: more people than an identifier may link.
            "device": [
                "D7" if ring else "hub" if key % 2 else f"D{key}"
                for key, ring in zip(keys, inside, strict=True)
            ],
            "phone": phones,
            "time": [f"2025-03-{1 + key % 28:02d}" for key in keys],
        }
    )


@pytest.fixture(scope="module")
def groups() -> cc.Groups:
    found = cc.find_groups(applications(), "key", TYPES, "time")
    assert found.summary["group_id"].to_list() == [MEMBERS[0]]
    return found


def test_a_picture_has_the_links_that_a_join_finds(groups: cc.Groups) -> None:
    ring = groups.plot(MEMBERS[0])
    keys = [member["key"] for member in ring.members]
    assert set(keys) == set(MEMBERS)
    drawn = nx.Graph()
    for place, box in enumerate(ring.shared):
        drawn.add_edges_from((keys[member], (box.type, place)) for member in box.members)
    rows = {row["key"]: row for row in applications().to_dicts()}
    for one, other in combinations(MEMBERS, 2):
        wanted = {
            name
            for name, column in TYPES.items()
            if rows[one][column] and rows[one][column] == rows[other][column]
        }
        if {one, other} == {900_010, 900_011}:
            wanted.add("phone")
        both = set(drawn[one]) & set(drawn[other])
        assert {name for name, _ in both} == wanted
    assert nx.is_bipartite(drawn)
    svg = ring.svg()
    assert svg.count("<circle") == len(MEMBERS)
    assert svg.count("<rect") == len(ring.shared)
    assert not re.search(r"9000\d\d|C7|D7|138", svg)


def test_equal_rings_give_equal_pictures(groups: cc.Groups) -> None:
    frame = applications()
    renamed = frame.with_columns(pl.col("card") + "Z", pl.col("device") + "Q").sample(
        fraction=1, shuffle=True, seed=5
    )
    again = cc.find_groups(renamed, "key", TYPES, "time")
    assert again.plot(MEMBERS[0]).svg() == groups.plot(MEMBERS[0]).svg()
    assert again.to_html() == groups.to_html()


def test_nothing_lies_on_anything_else() -> None:
    shared = [Shared(f"type_{place}", tuple(range(place % 3, 12, 1 + place % 2)), 12) for place in range(6)]
    people, identifiers = angles(12, shared)
    for placed in (people, identifiers):
        apart = [abs(one - other) % 6.283185307179586 for one, other in combinations(placed, 2)]
        assert min(min(way, 6.283185307179586 - way) for way in apart) > 0.4
    text = drawing(["core"] * 12, shared, [None] * 12, "a<b")
    assert "a&lt;b" in text


def test_pictures_need_records(groups: cc.Groups) -> None:
    with pytest.raises(cc.ArgumentError, match="there is no group `7`"):
        groups.plot(7)
    network = cc.Network.build(applications(), "key", TYPES, "time").fit()
    with pytest.raises(cc.ArgumentError, match="pictures need the records"):
        network.find_groups().to_html()
    with pytest.raises(cc.ArgumentError, match="`most` is 0"):
        groups.to_html(0)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_is_read_by_everybody(open_page: Opener, tmp_path: Path, width: int, scheme: Scheme) -> None:
    records, path = tmp_path / "records.parquet", tmp_path / "rings.html"
    applications().write_parquet(records)
    named: list[Any] = [
        word for name, column in TYPES.items() for word in ("--identifier", f"{name}={column}")
    ]
    done = run("groups", records, "--key", "key", *named, "--time", "time", "--html", path)
    assert done.returncode == 0, done.stderr
    shown = open_page(path, width=width, scheme=scheme)
    assert (shown.errors, shown.requests, shown.faults()) == ([], [], [])
    assert shown.width() <= width
    text = shown.page.locator("body").inner_text()
    assert "A ring is a reason to look at its members, not to reject them" in text
    assert "device: 6 of 6 members on 1" in text
    assert not re.search(r"9000\d\d", text)
    assert shown.page.locator("figure svg circle").count() == len(MEMBERS)
    shown.page.get_by_role("button", name="中文").click()
    chinese = shown.page.locator("body").inner_text()
    for told in ("待核查团伙", "device：6 名成员中有 6 名共用 1 个", "与 5 人共用 device", "核心"):
        assert told in chinese
    assert "members" not in chinese
    assert (shown.errors, shown.faults()) == ([], [])
