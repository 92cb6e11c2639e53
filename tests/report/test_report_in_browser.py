"""The report as a reader meets it: in a browser, without a network, on a desk and on a telephone.

In: the page that `creditcore report` wrote. Out: what is seen, found, sorted, downloaded and spoken.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from creditcore import Report
from tests.browser import Opener, Scheme
from tests.report.conftest import OPTIONS, run

pytestmark = pytest.mark.browser
HOSTILE = '<img src="http://127.0.0.1:9/x" onerror="window.broken=1">&amp;"\'</script><b>bold</b>'


def seen_names(page: Any) -> list[str]:
    names: list[str] = page.locator("#places tbody tr:visible th").all_inner_texts()
    return names


def test_it_opens_from_the_disk_and_says_first_what_it_is(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    assert (shown.errors, shown.requests) == ([], [])
    assert shown.page.locator("html").get_attribute("lang") == "en"
    first = shown.page.locator("header").inner_text()
    for told in ("Synthetic data", "records", "Mean points", "By exposure", "2026-06-30"):
        assert told in first
    assert shown.page.locator("#places tbody tr:visible").count() == 50
    assert shown.page.locator("#places tbody tr:visible svg.strip circle").count() == 50
    box = shown.page.locator("#places tbody tr").first.bounding_box()
    assert box is not None
    assert box["y"] < 900  # the ranking begins on the first screen


@pytest.mark.parametrize("asked", ["Jiaxing", "嘉兴", "330400", "jia xing"])
def test_it_says_where_jiaxing_is(open_page: Opener, page: Path, asked: str) -> None:
    shown = open_page(page)
    shown.page.get_by_role("searchbox").fill(asked)
    shown.page.keyboard.press("Enter")
    found = shown.page.locator("#found")
    assert found.locator("h3").inner_text().startswith("Jiaxing")
    facts = found.locator("dl").inner_text()
    assert "Place in the country\n1\nof 363" in facts
    assert "Place in Zhejiang\n1\nof 11" in facts
    assert found.locator("svg.strip circle").count() == 1
    assert found.locator("svg.bands rect").count() == 5
    assert shown.page.locator("#found").get_attribute("aria-live") == "polite"
    assert (shown.errors, shown.requests) == ([], [])


def test_it_says_why_a_city_has_no_place(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    for asked, told in (("Yuxi", "No records."), ("Macao", "No place: fewer than 15 in it.")):
        shown.page.locator("#query").fill(asked)
        shown.page.keyboard.press("Enter")
        assert told in shown.page.locator("#found").inner_text()
    shown.page.locator("#query").fill("Atlantis")
    assert shown.page.locator("#matched").inner_text() == "No region of that name or code."
    assert "Yuxi" in shown.page.locator("#withheld").inner_text()


def test_a_found_city_beyond_the_first_rows_is_shown_in_the_table(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    hidden = shown.page.locator("#places tbody tr").nth(200)
    name = hidden.locator("th .en").text_content()
    assert name is not None
    assert not hidden.is_visible()
    shown.page.locator("#query").fill(name)
    shown.page.keyboard.press("Enter")
    shown.page.get_by_role("button", name="Show in the table").click()
    assert hidden.is_visible()
    assert name in str(shown.page.evaluate("document.activeElement.textContent"))


def test_it_sorts_and_shows_all(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    top = seen_names(shown.page)
    shown.page.locator("#all").click()
    assert shown.page.locator("#places tbody tr:visible").count() == 363
    shown.page.get_by_role("button", name="City", exact=True).click()
    names = [name for name in seen_names(shown.page) if name.isascii() and name.isalpha()]
    assert len(names) > 300
    assert names == sorted(names)
    head = shown.page.locator("#places thead th").nth(1)
    assert head.get_attribute("aria-sort") == "ascending"
    shown.page.get_by_role("button", name="Mean", exact=True).click()
    means = [float(text) for text in shown.page.locator("#places tbody td.mean").all_inner_texts()]
    assert means == sorted(means, reverse=True)
    shown.page.get_by_role("button", name="Place", exact=True).click()
    shown.page.locator("#all").click()
    assert seen_names(shown.page) == top


def test_it_speaks_chinese(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    shown.page.get_by_role("button", name="中文").click()
    assert shown.page.locator("html").get_attribute("lang") == "zh-CN"
    text = shown.page.locator("body").inner_text()
    assert "嘉兴市" in text
    assert "合成数据" in text
    assert "Jiaxing" not in text
    assert "Synthetic" not in text
    assert shown.page.title().startswith("各城市")
    shown.page.get_by_label("查找地区").first.fill("嘉兴")
    shown.page.keyboard.press("Enter")
    assert "全国名次" in shown.page.locator("#found").inner_text()
    shown.page.get_by_role("button", name="English").click()
    assert "Place in the country" in shown.page.locator("#found").inner_text()


def test_a_page_that_begins_in_chinese_does(open_page: Opener, records: Path, tmp_path: Path) -> None:
    path = tmp_path / "zh.html"
    Report.build(records, "points", cuts=[]).write(path, "zh")
    shown = open_page(path)
    assert shown.page.locator("h1").inner_text().startswith("各城市")
    assert shown.errors == []


def test_the_download_is_the_csv_of_the_command_line(
    open_page: Opener, page: Path, records: Path, tmp_path: Path
) -> None:
    path = tmp_path / "city.csv"
    options = OPTIONS[: OPTIONS.index("--as-of")]
    done = run("rank", records, "--by", "city", *options, "-o", path)
    assert done.returncode == 0, done.stderr
    shown = open_page(page)
    with shown.page.expect_download() as download:
        shown.page.get_by_role("link", name="Download city.csv").click()
    assert Path(download.value.path()).read_bytes() == path.read_bytes()
    assert download.value.suggested_filename == "city.csv"
    told = shown.page.locator("#checksum").inner_text()
    assert told == hashlib.sha256(path.read_bytes()).hexdigest()
    assert shown.requests == []


def test_it_fits_a_desk_and_a_telephone(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    shown.page.locator("#query").fill("Jiaxing")
    shown.page.keyboard.press("Enter")
    for folded in shown.page.locator("summary").all():
        folded.click()
    for language in ("English", "中文"):
        shown.page.get_by_role("button", name=language).click()
        for width in (1280, 768, 390):
            shown.page.set_viewport_size({"width": width, "height": 844})
            assert shown.width() <= width
    drawn = shown.page.locator(".chart-provinces > div:visible")
    assert drawn.count() == 1
    assert drawn.get_attribute("class") == "zh narrow"
    assert (shown.errors, shown.requests) == ([], [])


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_has_no_grave_fault(open_page: Opener, page: Path, width: int, scheme: Scheme) -> None:
    shown = open_page(page, width=width, scheme=scheme)
    shown.page.locator("#query").fill("Jiaxing")
    shown.page.keyboard.press("Enter")
    shown.page.locator("summary").first.click()
    assert shown.faults() == []
    shown.page.get_by_role("button", name="中文").click()
    assert shown.faults() == []


def test_the_appearance_can_be_chosen(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.page.evaluate(background)
    shown.page.get_by_role("button", name="Dark").click()
    dark = shown.page.evaluate(background)
    assert dark != light
    tile = "getComputedStyle(document.querySelector('.chart-map .en.wide path[fill*=seven]')).fill"
    painted = shown.page.evaluate(tile)
    shown.page.get_by_role("button", name="Light").click()
    assert shown.page.evaluate(background) == light
    assert shown.page.evaluate(tile) != painted  # charts follow too


def test_paper_shows_figures_and_no_buttons(open_page: Opener, page: Path) -> None:
    shown = open_page(page, width=680, scheme="dark")
    shown.page.emulate_media(media="print")
    background = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert shown.width() <= 680
    assert shown.page.locator("#places thead .roomy:visible").count() == 4
    for gone in (".controls", "nav", "#search", "#all", "#download"):
        assert not shown.page.locator(gone).first.is_visible()
    assert shown.page.locator("#places tbody tr:visible").count() == 50
    assert shown.page.locator("#checksum").is_visible()
    pages = shown.page.pdf(prefer_css_page_size=True)
    assert pages.startswith(b"%PDF-")


def test_markup_in_data_stays_text(open_page: Opener, tmp_path: Path) -> None:
    table = tmp_path / "regions.csv"
    quoted = HOSTILE.replace('"', '""')
    table.write_text(
        f'code,name,level,parent,name_zh,zone\nN,Land,state,,,\nA,"{quoted}",town,N,"{quoted}","{quoted}"\n'
        "B,Bville,town,N,,plain\n",
        encoding="utf-8",
    )
    frame = {"region": ["A", "A", "B", "B", HOSTILE, "Q"], "s": [2.0, 3.0, 1.0, 1.5, 1.0, 1.0]}
    report = Report.build(
        frame, "s", by="town", regions=table, title=HOSTILE, population=HOSTILE, as_of=HOSTILE
    )
    path = tmp_path / "hostile.html"
    report.write(path)
    shown = open_page(path)
    assert shown.page.locator("h1").inner_text() == HOSTILE
    assert shown.page.locator("#places tbody th").first.inner_text() == HOSTILE
    shown.page.locator("#query").fill("img")
    shown.page.keyboard.press("Enter")
    assert shown.page.locator("#found h3").inner_text().startswith(HOSTILE)
    shown.page.get_by_role("button", name="中文").click()
    assert shown.page.evaluate("window.broken") is None
    assert shown.page.locator("b, img").count() == 0
    assert (shown.errors, shown.requests) == ([], [])


def test_the_policy_stops_what_was_not_written_here(open_page: Opener, page: Path, tmp_path: Path) -> None:
    path = tmp_path / "changed.html"
    inserted = '<script>window.broken = 1</script><img alt="" src="http://127.0.0.1:9/x"></body>'
    path.write_text(page.read_text(encoding="utf-8").replace("</body>", inserted), encoding="utf-8")
    shown = open_page(path)
    assert shown.page.evaluate("window.broken") is None
    assert len(shown.errors) == 2


def test_the_keyboard_reaches_everything(open_page: Opener, page: Path) -> None:
    shown = open_page(page)
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(40):
        shown.page.keyboard.press("Tab")
        reached.append(shown.page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    for wanted in ('data-lang="zh-CN"', 'data-theme="dark"', 'id="query"', 'data-sort="mean"', 'id="all"'):
        assert any(wanted in element for element in reached), wanted
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert shown.page.evaluate(outline) != "none"
