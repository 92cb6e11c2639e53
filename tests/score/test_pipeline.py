"""Pipelines: what a folder says is what is done, alone or in a batch, from frames or from files."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from creditcore.demo import UCI, UCI_CASE, UCI_DEFAULT
from creditcore.pipeline import SCORES, Pipeline
from tests.cli.test_rank_verb import run

TREE = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
objective=binary sigmoid:1
feature_names=age
feature_infos=[18:99]

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=30
decision_type=2
left_child=-1
right_child=-2
leaf_value={values}
leaf_count=3 7
internal_count=10

end of trees
"""
FLEET = """
[[model]]
name = "f"
file = "f.txt"
target = "fraud"
applies_to = "kind = 'person'"

[[model]]
name = "a"
file = "a.txt"
target = "default"
weight = 3
calibration = {kind = "platt", slope = 2.0, intercept = 0.5}

[[model]]
name = "b"
file = "b.txt"
target = "default"

[[model]]
name = "c"
file = "b.txt"
target = "default"
status = "challenger"
"""
BLEND = 'on_null = "renormalise"\n[scaling]\nbase_points = 500\nmin_points = 490\n'
ROWS = {"age": [20.0, 45.0, None], "kind": ["person", "enterprise", "person"], "key": [1, 2, 3]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for name, values in (("f", "-4 -5"), ("a", "-3 -2"), ("b", "-2.5 -3.5")):
        (folder / f"{name}.txt").write_text(TREE.format(values=values))
    (folder / "fleet.toml").write_text(FLEET)
    (folder / "blend.toml").write_text(BLEND)
    return folder


def test_the_blend_is_that_of_the_declarations(folder: Path) -> None:
    pipeline = Pipeline.load(folder)
    assert pipeline.blend is not None
    assert pipeline.blend.fraud == {"f": 1.0}
    assert pipeline.blend.credit == {"a": 3.0, "b": 1.0}
    scored = pipeline.score(ROWS)
    assert scored.columns == list(SCORES)
    # a is calibrated before it is blended; a challenger has no say.
    outputs = cc.Fleet.load(folder).predict(ROWS, "probability")
    platt = cc.Calibration.from_dict({"kind": "platt", "slope": 2.0, "intercept": 0.5})
    told = outputs.with_columns(platt.apply(outputs["a"]).alias("a"))
    assert scored.equals(cc.score(told, pipeline.blend, pipeline.scaling))
    assert scored["fraud_p"].is_null().to_list() == [False, True, False]
    assert scored["points_final"].min() == 490
    by_row = pl.concat([pipeline.score(pl.DataFrame(ROWS)[row]) for row in range(3)])
    assert by_row.equals(scored)


def test_outputs_of_models_come_first_where_asked(folder: Path) -> None:
    pipeline = Pipeline.load(folder)
    assert pipeline.score(ROWS, "raw").columns == ["f", "a", "b", "c", *SCORES]
    assert pipeline.score(ROWS, "raw")["a"].to_list() == [-3.0, -2.0, -3.0]
    plain = Pipeline.load(folder / "a.txt")
    assert plain.blend is None
    assert plain.score(ROWS).columns == ["a"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("on_nul = 'refuse'", "unknown key `on_nul`"),
        ("on_null = 'drop'", "`on_null` is `drop`"),
        ("[scaling]\nbase = 3", "unknown key `base` in `[scaling]`"),
        ("[scaling]\npdo = 'x'", "blend.toml"),
        ("[calibration.fraud]\nkind = 'magic'", "magic"),
        ("[calibration.default]\nkind = 'platt'", "unknown key `default`"),
        ("on_null = ", "is no TOML"),
        ("scaling = 3", "unknown key `scaling`"),
        ("[scaling]\nbase_odds = '50'", "`base_odds` in `[scaling]` is `'50'`"),
    ],
)
def test_a_wrong_blend_file_is_named(folder: Path, text: str, part: str) -> None:
    (folder / "blend.toml").write_text(text)
    with pytest.raises(cc.FormatError, match=r"blend\.toml") as told:
        Pipeline.load(folder)
    assert part in str(told.value)


def test_grouping_by_an_input_is_warned_of() -> None:
    pipeline = Pipeline.load(UCI_CASE)
    [warning] = pipeline.input_warnings(["EDUCATION", "city", UCI_DEFAULT])
    assert "`EDUCATION`" in warning
    by = ["--by", "EDUCATION", "--score", UCI_DEFAULT, "--weight", "LIMIT_BAL", "--regions", "none"]
    told = run("rank", UCI, *by, "--models", UCI_CASE)
    assert told.returncode == 0
    assert "warning: `EDUCATION` is an input" in told.stderr
    assert "`LIMIT_BAL` is an input" in told.stderr


def test_real_clients_in_files_with_bare_carriage_returns(tmp_path: Path) -> None:
    out = tmp_path / "uci.parquet"
    told = run("score", UCI, "--models", UCI_CASE, "-o", out, "--keep", "ID,EDUCATION", "--output", "raw")
    assert told.returncode == 0, told.stderr
    assert "30,000 records" in told.stderr
    scored = pl.read_parquet(out)
    assert scored.columns == ["ID", "EDUCATION", "credit_uci", *SCORES]
    assert scored["ID"].to_list() == list(range(1, 30_001))
    text = tmp_path / "uci.csv"
    assert run("score", UCI, "--models", UCI_CASE, "-o", text, "--keep", "ID").returncode == 0
    assert pl.read_csv(text)["points_model"].equals(scored["points_model"])


def test_a_fault_leaves_no_file_and_the_old_one_as_it_was(folder: Path, tmp_path: Path) -> None:
    records, out = tmp_path / "r.parquet", tmp_path / "out.parquet"
    pl.DataFrame(ROWS).write_parquet(records)
    assert run("score", records, "--models", folder, "-o", out).returncode == 0
    before = out.read_bytes()
    assert pl.read_parquet(out).columns == ["age", "kind", "key", *SCORES]
    for arguments, part in (
        (["--keep", "keys"], "`keys`, which is no column"),
        (["--models", tmp_path / "nowhere"], "nowhere"),
    ):
        told = run("score", records, "--models", folder, "-o", out, *arguments)
        assert told.returncode == 1, told.stderr
        assert part in told.stderr
        assert out.read_bytes() == before
    again = run("score", out, "--models", folder, "-o", tmp_path / "again.parquet")
    assert again.returncode == 1
    assert "column `fraud_p` already" in again.stderr
    shutil.copy(folder / "f.txt", tmp_path / "broken.parquet")
    assert run("score", tmp_path / "broken.parquet", "--models", folder, "-o", out).returncode == 1
    assert run("score", records, "--models", folder, "-o", tmp_path / "x.xls").returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "broken.parquet",
        "out.parquet",
        "r.parquet",
    ]


def test_parts_of_a_file_change_no_bit(folder: Path, tmp_path: Path) -> None:
    ages = pl.DataFrame({"age": [float(age % 80) for age in range(150_000)]}).with_columns(
        kind=pl.lit("person"), key=pl.int_range(150_000)
    )
    records, out = tmp_path / "r.parquet", tmp_path / "out.parquet"
    ages.write_parquet(records, row_group_size=40_000)
    assert Pipeline.load(folder).write(records, out, threads=2).records == 150_000
    whole = Pipeline.load(folder).score(ages, threads=1)
    written = pl.read_parquet(out)
    assert written.select(SCORES).equals(whole)
    assert written["key"].equals(ages["key"])
    seen: list[int] = []
    parts = list(Pipeline.load(folder).parts(records, threads=2, progress=seen.append))
    assert len(parts) > 1
    assert pl.concat(parts).equals(whole)
    assert seen[-1] == 150_000
    # Models alone, without a blend: their raw outputs; frames are sources too.
    fleet = Pipeline.load(folder).fleet
    assert pl.concat(Pipeline(fleet).parts(ages)).equals(fleet.predict(ages))
    # The same fleet out of one file.
    fleet.compile(folder / "fleet.ccf")
    told = Pipeline.load(folder)
    again = Pipeline(cc.Fleet.load(folder / "fleet.ccf"), told.schema, told.blend, told.scaling)
    assert pl.concat(again.parts(records)).equals(whole)


def test_a_value_that_is_refused_in_a_part_is_told_with_its_row(folder: Path, tmp_path: Path) -> None:
    records = tmp_path / "r.csv"
    records.write_text("kind,age\nperson,20\nperson,old\n")
    with pytest.raises(cc.CreditcoreError, match=r"r\.csv"):
        list(Pipeline.load(folder).parts(records))


def test_text_files_are_read_strictly_and_keep_their_digits(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    csv = tmp_path / "r.csv"
    score = ("--models", folder, "-o", out)
    csv.write_text("id,age,kind,amount,wide\n00000,20,person,1.5,12345678901234567890\n00107,45,person,,1\n")
    assert run("score", csv, *score).returncode == 0
    kept = pl.read_parquet(out).drop(SCORES)
    assert kept.to_dict(as_series=False) == {
        "id": ["00000", "00107"],
        "age": [20, 45],
        "kind": ["person", "person"],
        "amount": [1.5, None],
        "wide": ["12345678901234567890", "1"],
    }
    assert run("score", csv, *score, "--keep", "age", "--text", "age").returncode == 0
    assert pl.read_parquet(out)["age"].to_list() == ["20", "45"]
    csv.write_text("id,age,kind\n1,20,person\n2,45\n")
    told = run("score", csv, *score)
    assert told.returncode == 1
    assert "row 2" in told.stderr
    assert "2 fields where the header has 3" in told.stderr
    rows = "".join(f"{number},30,person\n" for number in range(70_000))
    for last, part in (("007,30,person", "holds `007`"), ("7,old,person", "holds `old`")):
        csv.write_text(f"id,age,kind\n{rows}{last}\n")
        told = run("score", csv, *score)
        assert told.returncode == 1
        assert f"`{csv}`, row 70001" in told.stderr
        assert part in told.stderr
    csv.write_bytes("id,age,kind\n1,20,个人\n".encode("gb18030"))
    assert run("score", csv, *score, "--encoding", "gb18030").returncode == 0
    assert pl.read_parquet(out)["kind"].to_list() == ["个人"]


def test_files_of_several_types_are_refused(folder: Path, tmp_path: Path) -> None:
    pl.DataFrame({"age": [20.0], "kind": ["person"], "id": ["1"]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("age,kind,id\n20,person,1\n")
    files = [tmp_path / "a.parquet", tmp_path / "b.csv"]
    told = run("score", *files, "--models", folder, "-o", tmp_path / "out.parquet", "--keep", "id")
    assert told.returncode == 1
    assert "b.csv`: column `id` is of type Int64, in the files before it of type String" in told.stderr
    assert not (tmp_path / "out.parquet").exists()
