"""What a report says, beside a browser: figures against polars, both languages, colours, files, refusals.

In: records. Out: texts, charts and bytes. The altair library judges every specification; contrast is
counted as WCAG 2 does.
"""

from __future__ import annotations

import re
import shutil
import struct
from itertools import pairwise
from pathlib import Path
from string import Formatter

import altair
import polars as pl
import pytest

import creditcore as cc
from creditcore.report.drawing import glyphs, png, specification
from creditcore.report.figures import Figures
from creditcore.report.palette import DARK, LIGHT, SEVEN, STEPS, contrast, on
from creditcore.report.words import WORDS
from tests.report.conftest import OPTIONS, run

SIDES = ("en", "zh")


@pytest.fixture(scope="session")
def report(records: Path) -> cc.Report:
    return cc.Report.build(
        records, "points", "exposure", min_n=15, cuts=[540, 560, 570, 580], as_of="2026-06-30"
    )


def test_equal_inputs_give_equal_bytes_wherever_they_lie(page: Path, records: Path, tmp_path: Path) -> None:
    shutil.copy(records, tmp_path / records.name)
    done = run(
        "report", tmp_path / records.name, *OPTIONS, "--status", "synthetic", "-o", tmp_path / "again.html"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()
    assert str(tmp_path) not in page.read_text(encoding="utf-8")
    assert page.stat().st_size < 5_000_000


def test_nothing_of_the_page_lies_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|action|srcset)\s*=|url\(|@import|https?:(?!//www\.w3\.org/)""", text)
    assert set(re.findall(r'href="([^#"][^:"]*)', text)) == {"data"}
    assert " style=" not in text


def test_shares_are_those_of_polars(report: cc.Report, records: Path) -> None:
    frame = pl.read_parquet(records).filter(pl.col("city") == "330400")
    total = float(frame["exposure"].sum())
    ends = [float("-inf"), 540.0, 560.0, 570.0, 580.0, float("inf")]
    wanted = [
        float(frame.filter((pl.col("points") > low) & (pl.col("points") <= high))["exposure"].sum()) / total
        for low, high in pairwise(ends)
    ]
    jiaxing = next(row for row in report._edition.rows if row["code"] == "330400")
    assert report._edition.shares_of(jiaxing) == pytest.approx(wanted, abs=1e-12)


def test_the_usual_bands_hold_about_a_fifth_each(records: Path) -> None:
    shares = cc.Report.build(records, "points")._edition.shares
    assert shares is not None
    assert all(cut == round(cut) for cut in shares.cuts)
    assert all(0.1 < share < 0.3 for share in shares.rows["nation", "100000"])


def test_records_in_are_used_and_left_out(report: cc.Report) -> None:
    text = report.to_markdown()
    frame = dict(re.findall(r"\| ([^|]+) \| ([\d,]+) \|\n", text.partition("What became")[2]))
    numbers = {name: int(number.replace(",", "")) for name, number in frame.items()}
    assert numbers["region is not known"] == 4
    assert numbers["records"] == numbers["used"] + 4


def test_a_command_is_told_that_gives_the_csv(report: cc.Report, records: Path, tmp_path: Path) -> None:
    told = re.findall(r"```\n(.*)\n```", report.to_markdown())[0]
    assert told == (
        "creditcore rank records.parquet --by city --score points --weight exposure --min-n 15 -o city.csv"
    )
    words = told.replace("records.parquet", str(records)).split()
    assert run(*words[1:-1], tmp_path / "city.csv").returncode == 0
    assert (tmp_path / "city.csv").read_bytes() == report.to_csv()


def test_a_report_of_one_ranking_and_of_columns(tmp_path: Path) -> None:
    frame = {"grade": ["a", "b", "b", "c"], "points_model": [1.0, 2.0, 3.0, 9.0]}
    report = cc.rank(frame, "grade", regions="none").report(title=("Grades", "等级"))
    assert report.chart_names() == []
    assert report.to_markdown("zh").startswith("# 等级\n")
    assert "<h1>" in report.to_html()
    report.write(tmp_path / "grades.csv")
    assert (tmp_path / "grades.csv").read_bytes() == report.to_csv()


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("narrow", [False, True])
def test_every_chart_is_a_valid_specification(report: cc.Report, side: int, narrow: bool) -> None:
    names = report.chart_names()
    assert names == ["map", "provinces", "families", "places", "shares"]
    for name in names:
        spec = specification(report._edition, name, side, narrow)
        assert spec is not None
        altair.Chart.from_dict(spec)
    assert isinstance(report.chart("map", SIDES[side]), altair.VConcatChart)


def test_all_34_provinces_have_a_tile_of_their_own(report: cc.Report) -> None:
    spec = specification(report._edition, "map", 0)
    assert spec is not None
    tiles = spec["data"]["values"]
    assert len(tiles) == 34
    assert len({(tile["column"], tile["line"]) for tile in tiles}) == 34
    taiwan = next(tile for tile in tiles if tile["name"] == "Taiwan")
    assert (taiwan["text"], taiwan["fill"]) == ("–", LIGHT["paper"])


def test_pictures_are_drawn_with_the_packaged_font(report: cc.Report, tmp_path: Path) -> None:
    paths = report.write_charts(tmp_path / "charts", "zh")
    assert [path.name for path in paths] == [f"{name}.png" for name in report.chart_names()]
    for path in paths:
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", data[16:24])
        assert width > 1000
        assert height > 400
    spec = specification(report._edition, "provinces", 1)
    assert spec is not None
    # Other characters give another picture: none is a box.
    spec["data"]["values"][0]["name"] = "嘉"
    one = png(spec)
    spec["data"]["values"][0]["name"] = "兴"
    assert png(spec) != one


def test_a_file_named_after_a_chart_is_that_chart(records: Path, tmp_path: Path) -> None:
    options = ["--score", "points", "--cuts", "none", "--by", "province"]
    done = run("report", records, *options, "-o", tmp_path / "map.png", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    made = cc.Report.build(str(records), "points", by="province", cuts=[])
    assert (tmp_path / "map.png").read_bytes() == made.to_png("map", "zh")


def test_a_character_without_a_glyph_is_refused() -> None:
    letter = "\u9f98"
    assert letter not in glyphs()
    frame = {"region": ["A", "B"], "s": [1.0, 2.0], "group": [letter, letter]}
    with pytest.raises(cc.ArgumentError, match=f"has no `{letter}`"):
        cc.Report.build({"city": ["310100", "330400"], "s": [1.0, 2.0]}, "s", cuts=[], title=letter).to_png(
            "map"
        )
    assert cc.rank(frame, "group", "s", regions="none").report().to_html().count(letter) >= 2


def test_texts_are_read_in_both_schemes() -> None:
    for scheme in (LIGHT, DARK):
        for text in ("ink", "soft", "accent", "mark"):
            for ground in ("paper", "raised"):
                assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
        for tile in (*SEVEN, *STEPS):
            assert contrast(scheme[on(tile)], scheme[tile]) >= 4.5, tile
        assert contrast(scheme["strong"], scheme["paper"]) >= 3  # borders of fields


def test_both_languages_take_the_same_figures() -> None:
    for name, sides in WORDS.items():
        english, chinese = ({field for _, field, _, _ in Formatter().parse(text) if field} for text in sides)
        assert english == chinese, name


def test_figures_are_written_as_they_are_read() -> None:
    assert Figures(1).delta(-0.04) == "0.0"
    assert Figures(1).mean(-1234.56) == "−1,234.6"
    assert Figures(1).mean(None) == "–"
    assert Figures(1, percent=True).span(0.1, 0.25) == "10.0 % – 25.0 %"


def test_markdown_keeps_names_as_text() -> None:
    name = "a|b<script>*c*"
    frame = {"g": [name, "z"], "s": [2.0, 1.0]}
    text = cc.rank(frame, "g", "s", regions="none").report().to_markdown()
    assert r"| a\|b&lt;script&gt;\*c\* |" in text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cuts": [1.0, 1.0, 2.0, 3.0]}, "`cuts` are 1, 1, 2, 3; give 4 rising scores"),
        ({"status": "official"}, "`status` is `official`; allowed are not_official, synthetic"),
        ({"confidence": 2.0}, "confidence"),
    ],
)
def test_what_makes_no_report_is_refused(options: dict[str, object], told: str) -> None:
    frame = {"city": ["310100", "330400"], "s": [1.0, 2.0]}
    with pytest.raises(cc.ArgumentError, match=re.escape(told)):
        cc.Report.build(frame, "s", **options)  # type: ignore[arg-type]


def test_the_verb_says_what_it_cannot_do(records: Path, tmp_path: Path) -> None:
    for arguments, told in (
        (["-o", tmp_path / "x.pdf"], "the extension is `.pdf`; allowed are .html, .md, .csv, .png"),
        (["-o", tmp_path / "x.png"], "no chart `x`; this report has map, provinces, families"),
        (["-o", tmp_path / "none" / "x.html"], "make it first"),
        (["--cuts", "1,b"], "`--cuts 1,b`: write four rising scores"),
        (["--score", "pints"], "`pints`"),
    ):
        done = run("report", records, "--score", "points", "--cuts", "none", *arguments)
        assert done.returncode in (1, 2), arguments
        assert told in done.stderr
        assert not (tmp_path / "x.html").exists()


def test_without_a_file_markdown_goes_to_standard_output(records: Path) -> None:
    done = run("report", records, "--score", "points", "--cuts", "none", "--by", "province", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# 各省级行政区points 均值排名")


def test_hidden_regions_are_named_with_their_reason(tmp_path: Path) -> None:
    cities = {"320100": 1500, "320200": 1200, "320500": 40, "330400": 300}
    frame = {
        "city": [code for code, number in cities.items() for _ in range(number)] + ["x"] * 3,
        "s": [600.0 + at % 7 for at in range(sum(cities.values()) + 3)],
    }
    report = cc.Report.build(frame, "s", publish="default")
    text = report.to_markdown()
    ranking = cc.rank(frame, ["city", "province", "nation"], "s", publish="default")["city"]
    hidden = {name for _, name, _ in ranking.suppressed}
    assert hidden == {"Wuxi", "Suzhou"}
    page = report.to_html()
    told = re.findall(
        r'lang="en">(\w+)</span>.{0,200}?<td>(\d{6})</td><td><span class="en" lang="en">([^<]*)', page
    )
    assert [(name, code) for name, code, _ in told] == [("Suzhou", "320500"), ("Wuxi", "320200")] or [
        (name, code) for name, code, _ in told
    ] == [("Wuxi", "320200"), ("Suzhou", "320500")]
    assert {why for _, _, why in told} == {"too few in it", "another hidden figure would follow from it"}
    assert "fewer than 50 units" in text
    # What is rare among values that are no region may tell of one person.
    assert "<code>x</code>" not in page
    shares = report._edition.shares
    assert shares is not None
    assert {code for level, code in shares.rows if level == "city"} == {"320100"}


def test_a_page_says_to_which_population_it_weighs_and_how_it_errs(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "city": ["330100", "330100", "330400", "330400", "330400", "310100", "310100", "310100"],
            "person": [1, 1, 2, 3, 3, 4, 5, 5],
            "s": [600.0, 610.0, 650.0, 655.0, 640.0, 630.0, 620.0, 615.0],
        }
    )
    path = tmp_path / "records.parquet"
    frame.write_parquet(path)
    table = tmp_path / "people.csv"
    table.write_text("code,population\n330100,60\n330400,40\n310100,100\n")
    done = run(
        "report", path, "--score", "s", "--margins", table, "--cluster", "person", "-o", tmp_path / "r.md"
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "To the population, by city" in text
    assert "units are 4.000% of the people" in text
    assert "Units of one person are alike" in text
    command = re.findall(r"```\n(.*)\n```", text)[0]
    assert command.endswith("--cluster person --margins people.csv -o city.csv")
    told = command.replace("records.parquet", str(path)).replace("people.csv", str(table)).split()
    assert run(*told[1:-1], tmp_path / "city.csv").returncode == 0
    done = run(
        "report", path, "--score", "s", "--margins", table, "--cluster", "person", "-o", tmp_path / "r.csv"
    )
    assert (tmp_path / "city.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()
    page = cc.Report.build(
        frame, "s", margins={"city": {"330100": 60, "330400": 40, "310100": 100}}
    ).to_html()
    assert "按人口加权（城市）" in page
    with pytest.raises(cc.ArgumentError, match="does not cover the records: no population for `310100`"):
        cc.Report.build(frame, "s", margins={"city": {"330100": 60, "330400": 40}})


def test_every_word_of_a_report_can_be_drawn() -> None:
    from creditcore.report import method, words

    for module in (words, method):
        letters = set(Path(str(module.__file__)).read_text(encoding="utf-8")) - {"\n"}
        assert letters <= glyphs(), "".join(sorted(letters - glyphs()))
