"""The browser of the tests sees what it is there to see.

In: pages with a fault each. Out: the fault is found, and a page without one is clean; a probe that cannot
fail would let every page pass.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import Opener

pytestmark = pytest.mark.browser
PAGE = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>a</title></head><body>{}</body>'


def write(folder: Path, body: str) -> Path:
    path = folder / "page.html"
    path.write_text(PAGE.format(f"<main><h1>a</h1>{body}</main>"), encoding="utf-8")
    return path


def test_a_clean_page_is_clean(open_page: Opener, tmp_path: Path) -> None:
    shown = open_page(write(tmp_path, "<p>text</p>"), width=390)
    assert (shown.errors, shown.requests, shown.faults()) == ([], [], [])
    assert shown.width() <= 390


def test_errors_are_seen(open_page: Opener, tmp_path: Path) -> None:
    shown = open_page(write(tmp_path, "<script>console.error('one'); throw new Error('two')</script>"))
    assert shown.errors == ["one", "two"]


def test_requests_are_seen(open_page: Opener, tmp_path: Path) -> None:
    (tmp_path / "beside.css").write_text("p { color: red }")
    shown = open_page(
        write(tmp_path, '<link rel="stylesheet" href="beside.css"><img alt="" src="http://127.0.0.1:9/x">')
    )
    assert [url.rpartition("/")[2] for url in shown.requests] == ["beside.css", "x"]


def test_faults_are_seen_in_the_scheme_that_has_them(open_page: Opener, tmp_path: Path) -> None:
    style = "<style>@media (prefers-color-scheme: dark) { p { color: #eee; background: #fff } }</style>"
    page = write(tmp_path, f"{style}<p>text</p>")
    assert open_page(page).faults() == []
    assert [fault.split()[0] for fault in open_page(page, scheme="dark").faults()] == ["color-contrast"]


def test_a_wide_page_is_seen(open_page: Opener, tmp_path: Path) -> None:
    assert open_page(write(tmp_path, '<p style="width: 50rem">text</p>'), width=390).width() > 390
