"""The live page: what it answers to whom, and what a real browser shows of it."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import creditcore as cc
from creditcore.watch.figures import BUCKETS, Figures, moves
from creditcore.watch.server import MOST_READERS, LivePage
from tests.browser import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RECORDS = {"city": ["310100", "330400", "110100", "440300"], "score": [640.0, 655.0, 630.0, 600.0]}
RINGS = [{"group_id": 17, "size": 5, "score": 0.91}, {"group_id": 3, "size": 12, "score": 0.64}]


def ranking(scores: list[float]) -> dict[str, Any]:
    ranked = cc.rank(RECORDS | {"score": scores}, by=["city", "province"], score="score")
    return {name: {"heading": one.heading, "rows": one.rows()} for name, one in ranked.items()}


def refresh(version: int, total: float = 0.5) -> dict[str, Any]:
    latency = {"link": total / 4, "model": total / 2, "commit": total / 4}
    told = {"version": version, "as_of": f"2026-03-{version:02}", "records": 4, "changed": 1}
    return told | {"counts": {"updated": 1, "unchanged": 1}, "total": total, "latency": latency}


@pytest.fixture
def figures() -> Figures:
    made = Figures()
    made.refreshed(refresh(1), ranking([640.0, 655.0, 630.0, 600.0]), RINGS)
    made.refreshed(refresh(2, 3.5), ranking([640.0, 655.0, 630.0, 699.0]), RINGS)
    made.file("done")
    made.file("failed")
    made.wait(3)
    return made


@pytest.fixture
def page(figures: Figures) -> Iterator[LivePage]:
    with LivePage(figures) as made:
        yield made


def ask(page: LivePage, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    asked = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    asked.request(method, path, headers=headers)
    told = asked.getresponse()
    body = told.read()
    asked.close()
    return told.status, {name.lower(): value for name, value in told.getheaders()}, body


def test_moves_are_those_of_the_ranks() -> None:
    found = moves(ranking([640.0, 655.0, 630.0, 600.0]), ranking([640.0, 655.0, 630.0, 699.0]))
    assert [(one["name"], one["from"], one["to"]) for one in found if one["by"] == "city"] == [
        ("Shenzhen", 4, 1),
        ("Jiaxing", 1, 2),
        ("Shanghai", 2, 3),
        ("Beijing", 3, 4),
    ]
    assert moves({}, ranking([640.0, 655.0, 630.0, 600.0])) == []


def test_prometheus_reads_the_counts(page: LivePage) -> None:
    status, headers, body = ask(page, "/metrics")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
    values: dict[str, float] = {}
    for line in body.decode().splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP|TYPE) creditcore_\w+ .+", line)
        else:
            found = re.fullmatch(r'(creditcore_\w+(?:\{\w+="[^"]*"\})?) (\S+)', line)
            assert found, line
            values[found[1]] = float(found[2])
    assert values["creditcore_refreshes_total"] == 2
    assert values["creditcore_refresh_seconds_sum"] == 4.0
    assert values['creditcore_refresh_seconds_bucket{le="3.0"}'] == 1
    assert values['creditcore_refresh_seconds_bucket{le="5.0"}'] == 2
    counts = [values[f'creditcore_refresh_seconds_bucket{{le="{bound}"}}'] for bound in BUCKETS]
    assert counts == sorted(counts)
    assert values['creditcore_stage_seconds_total{stage="model"}'] == 2.0
    assert values['creditcore_files_total{outcome="failed"}'] == 1
    assert values["creditcore_files_waiting"] == 3
    assert values['creditcore_rows_total{what="updated"}'] == 2
    assert values["creditcore_version"] == 2


def test_it_only_reads_and_only_for_the_loopback(page: LivePage) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(page, "/", method)[0] == 501
    status, headers, body = ask(page, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert ask(page, "/nothing")[0] == 404
    assert ask(page, "/../../pyproject.toml")[0] == 404
    # A page of elsewhere whose name was pointed at the loopback asks for its own name.
    for host in ("evil.example", f"evil.example:{page.port}", "", "127.0.0.1.evil.example"):
        assert ask(page, "/state.json", Host=host)[0] == 403
    for host in ("localhost", f"127.0.0.1:{page.port}", f"[::1]:{page.port}"):
        assert ask(page, "/state.json", Host=host)[0] == 200
    with pytest.raises(cc.SourceError, match=f"port {page.port} of 127.0.0.1 cannot be listened to"):
        LivePage(Figures(), page.port)
    with pytest.raises(cc.ArgumentError, match="`here` is no address"):
        LivePage(Figures(), host="here")


def test_elsewhere_every_request_needs_the_token(figures: Figures) -> None:
    with LivePage(figures, host="0.0.0.0") as page:
        assert page.token
        assert page.address.endswith(f"/?token={page.token}")
        for path in ("/", "/state.json", "/metrics", "/events", "/state.json?token=x"):
            assert ask(page, path)[0] == 403
        assert ask(page, f"/state.json?token={page.token}", Host="any.example")[0] == 200
        assert ask(page, "/metrics", Authorization=f"Bearer {page.token}")[0] == 200


def test_events_follow_refreshes_and_readers_are_bounded(figures: Figures, page: LivePage) -> None:
    streams = []
    for _ in range(MOST_READERS):
        stream = socket.create_connection(("127.0.0.1", page.port), timeout=10)
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        streams.append(stream)
    first = streams[0].makefile("rb")
    line = next(line for line in first if line.startswith(b"data: "))
    assert json.loads(line[6:])["version"] == 2
    for stream in streams[1:]:
        assert b"200" in stream.recv(20)
    assert ask(page, "/events")[0] == 503
    threading.Timer(0.1, figures.refreshed, (refresh(3), ranking([1.0, 2.0, 3.0, 4.0]))).start()
    line = next(line for line in first if line.startswith(b"data: "))
    told = json.loads(line[6:])
    assert (told["version"], len(told["latencies"])) == (3, 3)
    assert told["rankings"]["city"]["rows"] == ranking([1.0, 2.0, 3.0, 4.0])["city"]["rows"]
    for stream in streams:
        stream.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_each_refresh_as_it_comes(
    chromium: Browser, figures: Figures, width: int, scheme: Any
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    host = "0.0.0.0" if scheme == "dark" else "127.0.0.1"
    with LivePage(figures, host=host) as live:
        shown = Opened(context.new_page())
        page = shown.page
        page.on("console", lambda told: shown.errors.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: shown.errors.append(str(error)))
        page.on("request", lambda asked: shown.requests.append(asked.url))
        page.goto(live.address.replace("0.0.0.0", "127.0.0.1"))
        page.get_by_text("Version 2, as of 2026-03-02; live.").wait_for()
        cells = page.locator("#ranking tr").all_inner_texts()
        assert [cell.split("\t")[:4] for cell in cells] == [
            ["1", "Shenzhen", "699.00", "▲ 3"],
            ["2", "Jiaxing", "655.00", "▼ 1"],
            ["3", "Shanghai", "640.00", "▼ 1"],
            ["4", "Beijing", "630.00", "▼ 1"],
        ]
        assert page.locator("#rings li").first.inner_text() == "Ring 17: 5 people, score 0.91"
        assert page.locator("#chart .bar").count() == 2
        assert "the last took 3.500 s, the slowest 3.500 s" in page.locator("#latency-words").inner_text()
        figures.refreshed(refresh(3), ranking([640.0, 655.0, 630.0, 600.0]), RINGS[:1])
        page.get_by_text("Version 3, as of 2026-03-03; live.").wait_for()
        assert page.locator("#ranking tr").first.inner_text().split("\t")[1] == "Jiaxing"
        page.get_by_label("Ranked by").select_option("province")
        assert page.locator("#ranking tr").first.inner_text().split("\t")[1] == "Zhejiang"
        figures.refreshed(refresh(4), ranking([640.0, 655.0, 630.0, 600.0]))
        page.get_by_text("Version 4, as of 2026-03-04; live.").wait_for()
        assert page.get_by_label("Ranked by").input_value() == "province"
        assert page.locator("#moves").inner_text() == "none"
        assert page.locator("#chart .bar").count() == 4
        assert shown.errors == []
        assert shown.faults() == []
        assert shown.width() <= width
        assert {url.split("/")[2] for url in shown.requests} == {f"127.0.0.1:{live.port}"}
    context.close()


@pytest.mark.browser
def test_markup_in_a_name_stays_text(chromium: Browser, figures: Figures) -> None:
    name = "<img src=x onerror=alert(1)>"
    rows = pl.DataFrame({"city": [name] * 2, "score": [1.0, 2.0]})
    ranked = cc.rank(rows, by="city", score="score", regions="none")
    figures.refreshed(refresh(5), {"city": {"heading": ranked.heading, "rows": ranked.rows()}})
    context = chromium.new_context()
    with LivePage(figures) as live:
        page = context.new_page()
        page.on("dialog", lambda told: pytest.fail(told.message))
        page.goto(live.address)
        page.get_by_text("Version 5").first.wait_for()
        assert page.locator("#ranking td").nth(1).inner_text() == name
        assert page.locator("img").count() == 0
    context.close()
