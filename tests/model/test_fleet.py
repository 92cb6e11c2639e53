"""A fleet as its user meets it: names, columns and their types, categories, declarations.

In: small models written here. Out: what is found, what is refused, and how an error reads.
"""

from __future__ import annotations

import datetime
import gzip
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

import creditcore as cc

DATA = Path(__file__).parent / "data"


def lightgbm_text(names: str = "x", threshold: str = "0.5", kind: int = 8, more: str = "") -> str:
    """One tree of one test: at most the threshold gives 1, above it 2."""
    count = len(names.split())
    ranges = " ".join(["[0:1]"] * count)
    return (
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
        f"max_feature_idx={count - 1}\nobjective=regression\nfeature_names={names}\n"
        f"feature_infos={ranges}\n\n"
        f"Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature={count - 1}\nthreshold={threshold}\n"
        f"decision_type={kind}\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n\n\nend of trees\n{more}"
    )


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load(text: str, **options: Any) -> cc.Fleet:
        file = tmp_path / "m.txt"
        file.write_text(text)
        return cc.Fleet.load(file, **options)

    return load


def outputs(fleet: cc.Fleet, values: Any) -> list[float]:
    frame = values if isinstance(values, pl.DataFrame | dict) else {"x": values}
    return fleet.predict(frame)["m"].to_list()


def test_every_numeric_type_is_read(load: Any) -> None:
    fleet = load(lightgbm_text())
    for kind in (pl.Int8, pl.Int64, pl.UInt16, pl.UInt64, pl.Float32, pl.Float64, pl.Decimal(9, 2)):
        assert outputs(fleet, pl.DataFrame({"x": [0, 1, None]}).cast(kind)) == [1, 2, 2], kind
    assert outputs(fleet, [False, True, None]) == [1, 2, 2]
    assert outputs(fleet, pl.DataFrame({"x": [None]}, schema={"x": pl.Null})) == [2]
    table = pa.table({"x": pa.array([0.0, 1.0, 0.0]).dictionary_encode()})
    assert fleet.predict(table)["m"].to_list() == [1, 2, 1]


def test_null_and_nan_are_missing_as_the_node_says(load: Any) -> None:
    nan = float("nan")
    # Missing is nothing, zero, NaN; without and with the left as the default.
    for kind, expected in {0: 1, 4: 2, 8: 2, 2: 1, 6: 1, 10: 1}.items():
        fleet = load(lightgbm_text(kind=kind))
        assert outputs(fleet, [None, nan]) == [expected] * 2, kind
    assert outputs(load(lightgbm_text(kind=4)), [0.0, -0.0, 1e-36, 0.25]) == [2, 2, 2, 1]


def test_decimals_and_wide_integers_are_compared_exactly(load: Any) -> None:
    # The double nearest to 0.3 lies below 0.3.
    decimals = pl.DataFrame({"x": [Decimal("0.2"), Decimal("0.3")]}, schema={"x": pl.Decimal(20, 1)})
    assert outputs(load(lightgbm_text(threshold="0.3")), decimals) == [1, 2]
    fleet = load(lightgbm_text(threshold="9007199254740992"))
    assert outputs(fleet, pl.DataFrame({"x": [2**53, 2**53 + 1]})) == [1, 2]


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (pl.Series(["a"]), "Utf8"),
        (pl.Series([datetime.date(2026, 1, 1)]), "Date32"),
        (pl.Series([[1.0]]), "List"),
    ],
)
def test_a_column_of_a_wrong_type_is_named(load: Any, values: pl.Series, part: str) -> None:
    with pytest.raises(cc.SchemaError, match=r"`x`.*model `m`") as told:
        outputs(load(lightgbm_text()), pl.DataFrame({"x": values}))
    assert part in str(told.value)


def test_a_missing_column_is_named_with_its_neighbour(load: Any) -> None:
    fleet = load(lightgbm_text("unused amount"))
    with pytest.raises(cc.SchemaError, match="model `m`: no column `amount`; did you mean `amounts`"):
        fleet.predict({"amounts": [1.0]})
    # A feature that no tree tests is not needed.
    assert outputs(fleet, {"amount": [0.0]}) == [1]
    with pytest.raises(cc.SchemaError, match="no column"):
        fleet.predict({"Amount ": [1.0]})


def test_files_without_names_need_names_or_leave(load: Any) -> None:
    text = lightgbm_text("Column_0 Column_1")
    assert outputs(load(text), {"Column_0": [9.0], "Column_1": [0.0], "more": [1]}) == [1]
    with pytest.raises(cc.SchemaError, match=r"`names`.*`by_position`"):
        load(text).predict({"a": [9.0], "b": [0.0]})
    assert outputs(load(text, names={"m": ["a", "b"]}), {"b": [0.0], "c": [1], "a": [9.0]}) == [1]
    placed = load(text, by_position=True)
    assert outputs(placed, {"a": [9.0], "b": [0.0]}) == [1]
    with pytest.raises(cc.SchemaError, match="2 features by position, but the frame has 3"):
        placed.predict({"a": [9.0], "b": [0.0], "c": [0.0]})
    # Leave to go by position touches no model that has names.
    assert outputs(load(lightgbm_text("a b"), by_position=True), {"b": [0.0], "a": [9.0], "c": [1]}) == [1]


def test_arguments_outside_of_what_is_allowed(load: Any, tmp_path: Path) -> None:
    text = lightgbm_text()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"names": {"other": ["x"]}}, "`other`"),
        ({"names": {"m": ["x", "y"]}}, "1 features"),
        ({"engine": "warp"}, "`golden`"),
    ]
    for options, part in wrong:
        with pytest.raises(cc.ArgumentError, match=part):
            load(text, **options)
    wrong = [({"output": "odds"}, "`odds`"), ({"precision": "low"}, "`low`")]
    for options, part in wrong:
        with pytest.raises(cc.ArgumentError, match=part):
            load(text).predict({"x": [1]}, **options)
    for paths, part in [([], "no model"), (7, "`int`"), ([tmp_path / "m.txt"] * 2, "two models")]:
        with pytest.raises(cc.ArgumentError, match=part):
            cc.Fleet.load(paths)
    clash = {"a": DATA / "small_lightgbm.txt", "a:1": tmp_path / "m.txt"}
    with pytest.raises(cc.ArgumentError, match="two outputs are called `a:1`"):
        cc.Fleet.load(clash)
    for path in (tmp_path / "none.txt", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(cc.SourceError, match=path.name):
            cc.Fleet.load(path)


def test_paths_of_every_kind(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.txt").write_text(lightgbm_text())
    (tmp_path / "c.json.gz").write_bytes(gzip.compress((DATA / "small_xgboost.json").read_bytes()))
    (tmp_path / "notes.md").write_text("no model")
    assert [model["name"] for model in cc.Fleet.load(tmp_path).models] == ["a", "b", "c"]
    assert len(cc.Fleet.load([tmp_path / "b.txt", tmp_path / "c.json.gz"])) == 2
    fleet = cc.Fleet.load({"z": tmp_path / "a.txt"})
    assert repr(fleet) == "<Fleet of 1: z>"
    assert fleet.predict({"x": [0, 1]}).columns == ["z"]


def test_engines_say_why_and_for_how_many_rows(load: Any) -> None:
    fleet = load(lightgbm_text(), engine="golden")
    assert {record["reason"] for record in fleet.engines() if record["chosen"]} == {"asked for"}
    assert [record["engine"] for record in fleet.engines() if record["chosen"]] == ["golden"]
    fleet = load(lightgbm_text())
    taken = [record for record in fleet.engines() if record["chosen"]]
    assert {record["model"] for record in taken} == {"m"}
    # The ranges follow one another without a gap, and each size is answered by the engine of its range.
    taken.sort(key=lambda record: record["from_rows"])
    assert taken[0]["from_rows"] == 1
    assert taken[-1]["to_rows"] is None
    for record, later in itertools.pairwise(taken):
        assert record["to_rows"] + 1 == later["from_rows"]
    fleet.prepare()
    for record in taken:
        for rows in (record["from_rows"], record["to_rows"] or 10**12):
            (told,) = fleet.engines(rows=rows)
            assert (told["engine"], told["built"]) == (record["engine"], True)
    with pytest.raises(cc.ArgumentError, match="`rows` is -1"):
        fleet.engines(-1)


def test_features_are_the_columns_that_are_needed() -> None:
    fleet = cc.Fleet.load({"l": DATA / "small_lightgbm.txt", "x": DATA / "small_xgboost.json"})
    columns = {feature["column"]: feature for feature in fleet.features}
    assert columns["town"]["categorical"]
    assert columns["town"]["models"] == ["l", "x"]
    told = fleet.models[0]
    assert (told["library"], told["outputs"], told["trees"]) == ("lightgbm", 3, 6)
    assert told["features"][0]["categories"] == ["w", "x", "yy", "z"]
    assert fleet.models[1]["format"] == "xgboost json"


def test_unseen_categories_are_counted_by_model() -> None:
    fleet = cc.Fleet.load({"l": DATA / "small_lightgbm.txt", "x": DATA / "small_xgboost.json"})
    frame = pl.DataFrame({"town": ["x", "new", None, "new"], "size": [0, 1, 2, 3], "age": [1.0] * 4})
    frame = frame.with_columns(pl.col("town").cast(pl.Categorical))
    found = {(row["model"], row["feature"], row["value"]): row["rows"] for row in fleet.unseen(frame)}
    assert found["l", "town", "new"] == 2
    assert found["x", "town", "new"] == 2
    assert all(value != "x" for _, _, value in found)
    assert fleet.predict(frame).height == 4


def test_dictionaries_of_every_kind_match_by_value() -> None:
    fleet = cc.Fleet.load({"l": DATA / "small_lightgbm.txt"})
    age = pa.array([1.0, 2.0, 3.0])
    codes = fleet.predict({"town": [1.0, None, 2.0], "size": [0, 2, None], "age": [1.0, 2.0, 3.0]})
    for texts in (pa.string(), pa.large_string(), pa.string_view()):
        towns = pa.array(["x", None, "yy"]).dictionary_encode()
        towns = pa.DictionaryArray.from_arrays(towns.indices, towns.dictionary.cast(texts))
        for sizes in (pa.array([10, 30, None]), pa.array([10.0, 30.0, None])):
            table = pa.table({"town": towns, "size": sizes.dictionary_encode(), "age": age})
            assert fleet.predict(table).equals(codes)


def test_text_on_a_model_that_knows_no_values_is_refused() -> None:
    fleet = cc.Fleet.load(DATA / "lgb_treelite_toy_categorical" / "model.txt.gz")
    with pytest.raises(cc.SchemaError, match=r"codes as numbers.*`categories`"):
        fleet.predict({"Column_0": ["a"], "Column_1": ["b"]})


def test_a_list_of_categories_that_fits_no_feature_is_told_and_not_guessed(load: Any) -> None:
    text = (DATA / "small_lightgbm.txt").read_text()
    assert 'pandas_categorical:[["w", "x", "yy", "z"], [10, 20, 30]]' in text
    fleet = load(text.replace(", [10, 20, 30]]", "]"))
    assert fleet.models[0]["loose_categories"] == [["w", "x", "yy", "z"]]
    with pytest.raises(cc.SchemaError, match="`categories`"):
        fleet.predict({"town": ["x"], "size": [0], "age": [1.0]})
    assert fleet.predict({"town": [1], "size": [0], "age": [1.0]}).height == 1


FLEET = """
[[model]]
name = "app"
file = "models/m.txt"
target = "fraud"
features = ["amount"]
calibration = {method = "platt", slope = 1.0}
version = "2026.03"
status = "champion"
valid_from = 2026-03-01
weight = 2

[[model]]
file = "models/n.txt"
mapping = {x = "amount"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    for name in ("m", "n"):
        (tmp_path / "models" / f"{name}.txt").write_text(lightgbm_text())
    (tmp_path / "fleet.toml").write_text(FLEET)
    return tmp_path


def test_a_fleet_file_declares(folder: Path) -> None:
    fleet = cc.Fleet.load(folder)
    assert fleet.predict({"amount": [0.0, 1.0]}).to_dict(as_series=False) == {"app": [1, 2], "n": [1, 2]}
    first, second = fleet.models
    assert (first["target"], first["status"], first["weight"]) == ("fraud", "champion", 2)
    assert first["valid_from"] == datetime.date(2026, 3, 1)
    assert first["calibration"] == {"method": "platt", "slope": 1.0}
    assert (first["version"], first["file_version"]) == ("2026.03", "v4")
    assert second["target"] is None


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("target =", "targte =", "unknown key `targte`"),
        ('"fraud"', '"theft"', "`target`"),
        ("weight = 2", "weight = -1", "`weight`"),
        ("weight = 2", "weight = true", "`weight`"),
        ('"champion"', '"best"', "`status`"),
        ("2026-03-01", "'soon'", "`valid_from`"),
        ('["amount"]', "[1]", "`features`"),
        ('file = "models/m.txt"', "", "`file` is missing"),
        ("[[model]]", "[[models]]", "unknown key `models`"),
        ('"app"', '"app', "not TOML"),
    ],
)
def test_a_wrong_fleet_file_is_named(folder: Path, old: str, new: str, part: str) -> None:
    (folder / "fleet.toml").write_text(FLEET.replace(old, new, 1))
    with pytest.raises(cc.FormatError, match=r"fleet\.toml") as told:
        cc.Fleet.load(folder)
    assert part in str(told.value)


def test_a_model_is_silent_where_its_condition_does_not_hold(folder: Path) -> None:
    (folder / "fleet.toml").write_text(FLEET.replace('target = "fraud"', "applies_to = \"kind = 'person'\""))
    fleet = cc.Fleet.load(folder)
    name = fleet.models[0]["name"]
    assert fleet.models[0]["applies_to"] == "kind = 'person'"
    rows = pl.DataFrame(
        {feature["column"]: [0.0, 0.0, 0.0] * 50_000 for feature in fleet.features}
        | {"kind": ["person", "enterprise", None] * 50_000}
    )
    found = fleet.predict(rows, threads=2)[name]
    assert found[:3].is_null().to_list() == [False, True, True]
    assert found.is_null().to_list() == [False, True, True] * 50_000
    with pytest.raises(cc.ModelError, match=rf"`{name}`, `applies_to`.*`kind`"):
        fleet.predict(rows.drop("kind"))


def test_a_condition_that_is_none_is_named_with_its_model(folder: Path) -> None:
    (folder / "fleet.toml").write_text(FLEET.replace('target = "fraud"', 'applies_to = "kind ="'))
    with pytest.raises(cc.ModelError, match="`applies_to`: line 1"):
        cc.Fleet.load(folder)
