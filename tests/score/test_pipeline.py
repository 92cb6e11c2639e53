"""Pipelines: what a folder says is what is done, alone or in a batch, from frames or from files."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from creditcore.demo import UCI, UCI_CASE, UCI_DEFAULT
from creditcore.pipeline.pipeline import DECISIONS, SCORES, Pipeline
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


POLICY = """
tactics:
  - id: entry
    rules:
      - {id: minor, when: "age < 30 AND fraud_p > 0.001", action: reject, on_null: no_hit, reason: too young}
      - {id: odd, when: "f > 0.004 AND region = 'x'", action: review, on_null: no_hit}
      - {id: drop, when: "points_model > 0", action: score(-7), on_null: no_hit}
      - {id: capped, when: "c > 0.03 OR kind = 'enterprise'", action: cap(495), on_null: no_hit}
"""


def test_rules_see_columns_outputs_and_scores_and_move_only_the_final_points(folder: Path) -> None:
    before = Pipeline.load(folder).score(ROWS | {"region": ["x", "y", "x"]})
    (folder / "policy.yaml").write_text(POLICY)
    pipeline = Pipeline.load(folder)
    rows = ROWS | {"region": ["x", "y", "x"]}
    scored = pipeline.score(rows)
    assert scored.columns == [*SCORES, *DECISIONS]
    assert scored.select(SCORES[:3]).equals(before.select(SCORES[:3]))
    assert scored["rules"].to_list() == [["minor"], ["drop", "capped"], ["odd", "drop", "capped"]]
    assert scored["decision"].to_list() == ["reject", "pass", "review"]
    assert scored["reasons"].to_list()[0] == ["too young"]
    assert scored["effect"].to_list() == [None, "score -7; cap 495", "score -7; cap 495"]
    moved = [before["points_model"][0], *(min(one - 7, 495.0) for one in before["points_model"][1:])]
    assert scored["points_final"].to_list() == [max(one, 490.0) for one in moved]
    # A challenger has a say where a rule names it, and only then is it asked.
    assert pipeline.needed == ["f", "a", "b", "c"]
    assert Pipeline.load(folder, None).needed == ["f", "a", "b", "c"]
    by_row = pl.concat([pipeline.score(pl.DataFrame(rows)[row]) for row in range(3)])
    assert by_row.equals(scored)
    # Stage by stage it is the same.
    features = pipeline.features(rows)
    outputs = pipeline.outputs(features)
    points = pipeline.scores(outputs)
    decided = pipeline.decide(features, outputs, points)
    finals = pipeline.scores(outputs, decided.select("effect"))
    assert pl.concat([finals, decided], how="horizontal").equals(scored)
    some = pipeline.outputs(features, ["b", "f"])
    assert some.equals(outputs.select("b", "f"))
    for output in ("raw", "probability"):
        assert pipeline.score(rows, output).select(scored.columns).equals(scored)


def test_the_verb_runs_the_policy_of_the_folder_and_says_so(folder: Path, tmp_path: Path) -> None:
    records, out = tmp_path / "r.parquet", tmp_path / "out.parquet"
    pl.DataFrame(ROWS | {"region": ["x", "y", "x"]}).write_parquet(records)
    (folder / "policy.yaml").write_text(POLICY)
    told = run("score", records, "--models", folder, "-o", out, "--keep", "key")
    assert told.returncode == 0, told.stderr
    assert (
        f"decided by Policy('{folder / 'policy.yaml'}', 4 rules): pass 1, reject 1, review 1" in told.stderr
    )
    expected = Pipeline.load(folder).score(ROWS | {"region": ["x", "y", "x"]})
    assert pl.read_parquet(out).drop("key").equals(expected)
    text = tmp_path / "out.csv"
    assert run("score", records, "--models", folder, "-o", text).returncode == 0
    assert pl.read_csv(text)["rules"].to_list() == ["minor", "drop|capped", "odd|drop|capped"]
    other = tmp_path / "other.yaml"
    rule = "{id: late, when: 'TRUE', action: review, on_null: no_hit, from: 2026-02-01}"
    other.write_text(f"tactics:\n  - {{id: t, rules: [{rule}]}}\n")
    for day, decision in (("2026-01-31", "pass"), ("2026-02-01", "review")):
        arguments = ["--models", folder, "--policy", other, "--as-of", day, "-o", out, "--keep", "key"]
        told = run("score", records, *arguments)
        assert told.returncode == 0, told.stderr
        assert pl.read_parquet(out)["decision"].to_list() == [decision] * 3
    other.write_text(POLICY.replace("region", "regoin"))
    told = run("score", records, "--models", folder, "--policy", other, "-o", out)
    assert (told.returncode, out.exists()) == (1, True)
    assert "unknown column `regoin`" in told.stderr
    assert run("score", records, "--models", folder, "--policy", tmp_path / "no", "-o", out).returncode == 1


def test_a_column_that_could_mean_two_things_is_refused(folder: Path) -> None:
    (folder / "policy.yaml").write_text(POLICY)
    pipeline = Pipeline.load(folder)
    rows = pl.DataFrame(ROWS | {"region": ["x", "y", "x"], "fraud_p": [0.1, 0.2, 0.3]})
    with pytest.raises(cc.SchemaError, match="rules name `fraud_p`, which is a column of the records and"):
        pipeline.score(rows)
    assert len(pipeline.score(rows.rename({"fraud_p": "b"}))) == 3  # no rule names it


def test_rules_without_a_blend_see_raw_outputs(folder: Path) -> None:
    rule = {"id": "r", "when": "a > -2.5", "action": "reject", "on_null": "no_hit"}
    policy = cc.Policy({"tactics": [{"id": "t", "rules": [rule]}]})
    pipeline = Pipeline(cc.Fleet.load(folder / "a.txt"), policy=policy)
    assert pipeline.score(ROWS).columns == ["a", *DECISIONS]
    assert pipeline.score(ROWS)["decision"].to_list() == ["pass", "reject", "pass"]
    assert pipeline.score(ROWS, "probability")["decision"].to_list() == ["reject"] * 3
    constant = {"id": "r", "when": "TRUE", "action": "review", "on_null": "no_hit"}
    pipeline = Pipeline(pipeline.fleet, policy=cc.Policy({"tactics": [{"id": "t", "rules": [constant]}]}))
    assert pipeline.score(ROWS)["decision"].to_list() == ["review"] * 3


def test_which_models_hang_on_which_columns_of_the_records(folder: Path) -> None:
    pipeline = Pipeline.load(folder)
    assert pipeline.uses == {"f": ["age", "kind"], "a": ["age"], "b": ["age"], "c": ["age"]}
    assert pipeline.affected(["kind", "other"]) == ["f"]
    schema = cc.Schema(
        [
            {"name": "age", "type": "float64", "derived": "years + CASE WHEN m > 6 THEN half ELSE 0 END"},
            {"name": "half", "type": "float64", "derived": "h / 2.0", "output": False},
            {"name": "years", "source": "yrs", "type": "float64", "output": False},
            {"name": "m", "type": "int64"},
        ]
    )
    through = Pipeline(pipeline.fleet, schema)
    assert through.uses["a"] == ["yrs", "m", "h"]
    assert through.affected(["h"]) == ["f", "a", "b", "c"]
    # What it says is what is so: a column that no model hangs on moves no output, the others do.
    case = Pipeline.load(UCI_CASE)
    raw = pl.read_csv(UCI, eol_char="\r").head(400)
    base = case.score(raw, "raw")
    [used] = case.uses.values()
    assert {"LIMIT_BAL", "PAY_0"} <= set(used) <= set(raw.columns)
    for column in set(raw.columns) - set(used):
        assert case.score(raw.with_columns(pl.lit(1).alias(column)), "raw").equals(base)
    moved = [
        name for name in used if not case.score(raw.with_columns(pl.lit(1).alias(name)), "raw").equals(base)
    ]
    assert moved == used


def test_a_configuration_says_the_same_as_a_folder(folder: Path) -> None:
    (folder / "policy.yaml").write_text(POLICY)
    told = {"columns": {"key": "key"}, "fleet": {"models": "models"}}
    rows = ROWS | {"region": ["x", "y", "x"]}
    config = cc.Config.of(told, folder.parent)
    assert Pipeline.of(config).score(rows).equals(Pipeline.load(folder).score(rows))
    assert config.policy_file == folder / "policy.yaml"
    (folder / "blend.toml").write_text('on_null = "renormalise"\n')
    scaled = cc.Config.of(told | {"score": {"base_points": 500, "min_points": 490.0}}, folder.parent)
    (folder / "blend.toml").write_text(BLEND)
    expected = Pipeline.load(folder).score(rows)
    with pytest.raises(cc.SchemaError, match=r"blend.toml`: `\[scaling\]` is there, and `\[score\]`"):
        Pipeline.of(scaled)
    (folder / "blend.toml").write_text('on_null = "renormalise"\n')
    assert Pipeline.of(scaled).score(rows).equals(expected)
    bare = {"columns": {"key": "key"}}
    with pytest.raises(cc.SchemaError, match="there are no models"):
        Pipeline.of(cc.Config.of(bare))
    with pytest.raises(cc.SchemaError, match=r"`policy`: it goes with models"):
        cc.Config.of(bare | {"policy": {"language": "zh"}})
