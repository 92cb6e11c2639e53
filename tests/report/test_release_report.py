"""A release as a page: what was released, what moved since, why, and history.

In: two releases of made-up records, and one with another score version. Out: the page as a reader meets it.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from creditcore import ArgumentError, Report
from creditcore.releases.moves import moves, why
from creditcore.releases.releases import Releases
from tests.browser import Opener
from tests.report.conftest import run

CITIES = ("320100", "320200", "320500", "330400")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random.seed(1)
    here = tmp_path_factory.mktemp("releases")
    days = {"june": "2026-06-30", "september": "2026-09-30", "december": "2026-12-31"}
    for number, (name, day) in enumerate(days.items()):
        with (here / f"{name}.csv").open("w") as file:
            print("id,event_time,city,points_model", file=file)
            for i in range(200 * number, 6000):
                print(
                    f"u{i},2026-01-01,{CITIES[i % 4]},{600 + random.randrange(80) + number * (i % 4)}",
                    file=file,
                )
        version = "v2" if name == "december" else "v1"
        Releases(here / "all").create(
            str(here / f"{name}.csv"), as_of=day, unit="id", score_version=version, name=name
        )
    return here / "all"


def test_a_release_tells_its_moves_and_why(folder: Path) -> None:
    releases = Releases(folder)
    old, new = releases.get("june"), releases.get("september")
    report = Report.of_release(folder, "september")
    assert report.to_csv() == (new.folder / "ranking.csv").read_bytes()
    edition = report._edition
    assert edition.since == "2026-06-30"
    told = {row["code"]: row for row in edition.moves}
    for row in moves(old, new):
        if row["level"] == "city":
            assert {key: told[row["code"]][key] for key in row} == row
    for change in why(old, new):
        moved = told[change.code]
        parts = moved["who"] + moved["weights"] + moved["scores"]
        assert parts == pytest.approx(moved["diff"], abs=1e-9)
    assert "No records (365)" in report.to_html()
    assert [day for day, _, _ in edition.history["330400"]] == ["2026-06-30", "2026-09-30"]


def test_two_score_versions_are_not_compared(folder: Path) -> None:
    page = Report.of_release(folder, "december").to_html()
    assert "score version v1 became v2" in page
    assert Report.of_release(folder, "december")._edition.history["330400"][0][0] == "2026-12-31"
    assert 'id="moves"' not in Report.of_release(folder, "june").to_html()


def test_what_is_no_release_is_refused(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="has no release `may`"):
        Report.of_release(folder, "may")
    done = run("report", folder, "--since", "june")
    assert done.returncode == 2
    assert "`--since` goes with `--release`" in done.stderr


@pytest.mark.browser
def test_the_page_of_a_release(open_page: Opener, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "release.html"
    done = run("report", folder, "--release", "september", "--since", "june", "-o", path)
    assert done.returncode == 0, done.stderr
    shown = open_page(path, width=1280)
    text = shown.page.locator("#moves").inner_text()
    assert "Moves since 2026-06-30" in text
    assert re.search(r"Jiaxing\s+\d\s+\d\s+[+−]\d", text)
    shown.page.locator("#query").fill("Jiaxing")
    shown.page.keyboard.press("Enter")
    assert "2026-06-30: " in shown.page.locator("#found").inner_text()
    assert shown.page.get_by_role("link", name="Download september.csv").count() == 1
    assert (shown.errors, shown.requests, shown.faults()) == ([], [], [])
    shown.page.set_viewport_size({"width": 390, "height": 844})
    assert shown.width() <= 390
