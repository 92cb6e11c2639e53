"""`creditcore models` as a user runs it: tables and JSON on stdout, exit statuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from creditcore.demo import UCI_CASE
from tests.cli.test_rank_verb import run

DATA = Path(__file__).parents[1] / "model" / "data"
CHANGED = re.compile(r"(?<=leaf_value=)0\.0468\d*")


def test_list_and_inspect() -> None:
    files = [DATA / "small_lightgbm.txt", DATA / "small_xgboost.json"]
    told = run("models", "list", *files)
    assert told.returncode == 0
    assert "multi:softprob" in told.stdout
    short = run("models", "inspect", *files)
    assert len(short.stdout.splitlines()) == 2
    assert short.stdout.startswith("small_lightgbm: lightgbm v4, multiclassova")
    assert "--model NAME or --full tells more" in short.stderr
    full = run("models", "inspect", *files, "--full").stdout
    assert "6 trees, 18 leaves" in full
    one = run("models", "inspect", *files, "--model", "small_lightgbm").stdout
    assert one == run("models", "inspect", files[0]).stdout
    assert full.startswith(one)
    slip = run("models", "inspect", *files, "--model", "small_lightgb")
    assert (slip.returncode, "did you mean `small_lightgbm`?" in slip.stderr) == (2, True)
    shown = run("models", "inspect", files[0])
    assert "6 trees, 18 leaves" in shown.stdout
    assert "w, x, yy, z" in shown.stdout
    models = json.loads(run("models", "inspect", *files, "--json").stdout)["models"]
    assert [model["trees"] for model in models] == [6, 6]
    assert models[0]["features"][0]["splits"] == 6


def test_compile_writes_a_fleet_that_every_verb_takes(tmp_path: Path) -> None:
    file = tmp_path / "fleet.ccf"
    told = run("models", "compile", DATA / "small_lightgbm.txt", "-o", file)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("models: 1, bytes: ")
    written = json.loads(run("models", "compile", DATA / "small_lightgbm.txt", "-o", file, "--json").stdout)
    assert written == {"file": str(file), "models": 1, "bytes": file.stat().st_size}
    [model] = json.loads(run("models", "list", file, "--json").stdout)["models"]
    assert (model["name"], model["trees"]) == ("small_lightgbm", 6)
    assert run("models", "compile", tmp_path / "none", "-o", file).returncode == 1
    assert run("models", "compile", DATA / "small_lightgbm.txt").returncode == 2


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes((DATA / "refused_sklearn.model").read_bytes())
    told = run("models", "list", tmp_path)
    assert told.returncode == 1
    assert "a.txt" in told.stderr
    assert "pickle" in told.stderr
    assert run("models", "list").returncode == 2


@pytest.mark.parity
def test_a_folder_is_verified_model_by_model(tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    pl.DataFrame({"town": ["x", "yy"], "size": [0.0, 1.0], "age": [30.0, None]}).write_parquet(rows)
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_bytes((DATA / "small_lightgbm.txt").read_bytes())
    told = run("models", "verify", folder, rows, "--against", "lightgbm")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1] == "2 models, 12 trees: none differs"
    found = json.loads(run("models", "verify", folder, rows, "--against", "lightgbm", "--json").stdout)
    assert [Path(one["model"]).stem for one in found["models"]] == ["a", "b"]
    compiled = tmp_path / "fleet.ccf"
    assert run("models", "compile", folder, "-o", compiled).returncode == 0
    told = run("models", "verify", compiled, rows, "--against", "lightgbm")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1] == "2 models, 12 trees: none differs"
    # A file of other leaves than those that were compiled.
    text = (folder / "b.txt").read_text()
    first = next(line for line in text.splitlines() if line.startswith("leaf_value="))
    (folder / "b.txt").write_text(text.replace(first, first.replace("=", "=1", 1), 1))
    told = run("models", "verify", compiled, rows, "--against", "lightgbm", "--json")
    worst = [one["worst"] is not None for one in json.loads(told.stdout)["models"]]
    assert (told.returncode, worst) == (3, [False, True])
    other = run("models", "verify", folder, rows, "--against", "xgboost")
    assert other.returncode == 2
    assert "has no model of xgboost; it has models of lightgbm" in other.stderr
    (folder / "b.txt").unlink()
    told = run("models", "verify", compiled, rows, "--against", "lightgbm")
    assert (told.returncode, "b.txt`, which is not there" in told.stderr) == (2, True)


def test_a_library_that_is_not_known_is_bad_usage(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("town,size,age\nx,0,30\n")
    told = run("models", "verify", DATA / "small_lightgbm.txt", rows, "--against", "other")
    assert told.returncode == 2
    assert "'lightgbm', 'xgboost'" in told.stderr


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "library"), [("small_lightgbm.txt", "lightgbm"), ("small_xgboost.json", "xgboost")]
)
def test_verify_finds_no_difference(name: str, library: str, tmp_path: Path) -> None:
    pytest.importorskip(library)
    rows = tmp_path / "rows.parquet"
    frame = pl.DataFrame(
        {"town": ["x", "yy", None, "w"], "size": [0, 1, 2, 1], "age": [20.0, 30.0, None, 45.5]}
    )
    frame.write_parquet(rows)
    told = run("models", "verify", DATA / name, rows, "--against", library, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["wrong_leaves"], found["wrong_scores"], found["worst"]) == (0, 0, None)
    assert found["probes"] > 100
    other = {"lightgbm": "xgboost", "xgboost": "lightgbm"}[library]
    assert run("models", "verify", DATA / name, rows, "--against", other).returncode == 2


@pytest.mark.parity
def test_verify_shows_the_worst_row_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is handed another file than the fleet: one leaf is worth more."""
    pytest.importorskip("lightgbm")
    from creditcore.bench import verify
    from creditcore.report.models import verdict

    rows = tmp_path / "rows.parquet"
    pl.DataFrame({"town": ["x", "w", "w"], "size": [0, 1, 2], "age": [20.0, 30.0, 45.5]}).write_parquet(rows)
    text = (DATA / "small_lightgbm.txt").read_text()
    changed = tmp_path / "changed.txt"
    changed.write_text(CHANGED.sub("0.5", text, count=1))
    answers = verify._answers
    monkeypatch.setattr(verify, "_answers", lambda a, b, _, d, e: answers(a, b, changed, d, e))
    found = verify.verify(DATA / "small_lightgbm.txt", "lightgbm", rows)
    assert found["wrong_leaves"] == 0
    assert found["wrong_scores"] > 0
    assert "worst: record 1" in "\n".join(verdict(found))


def test_sensitive_inputs_are_listed() -> None:
    shown = run("models", "inspect", UCI_CASE)
    [line] = [line for line in shown.stdout.splitlines() if "sensitive" in line]
    assert "AGE" in line
    assert "SEX_MALE" in line
    assert "EDUCATION_2" in line
    assert "LIMIT_BAL" not in line
    [model] = json.loads(run("models", "list", UCI_CASE, "--json").stdout)["models"]
    assert "MARRIAGE_2" in model["sensitive"]
    assert model["geographic"] == []
