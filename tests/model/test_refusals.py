"""What is not a model, is damaged, or uses what is not supported: an error that names file, tree and field.

In: small whole files, changed in one place. Out: the error's class and what its text must say.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creditcore as cc

DATA = Path(__file__).parent / "data"
TEXT = (DATA / "small_lightgbm.txt").read_text()
TREE = json.loads((DATA / "small_xgboost.json").read_text())


def refused(tmp_path: Path, content: str | bytes, kind: type[Exception], *parts: str) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(kind) as told:
        cc.Fleet.load(file)
    for part in (str(file), *parts):
        assert part in str(told.value)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("refused_sklearn.model", ("pickle", "save_model", "ever loaded")),
        ("README.md", ("no known format",)),
    ],
)
def test_what_is_no_model_is_refused_with_the_way_to_convert(
    name: str, parts: tuple[str, ...], tmp_path: Path
) -> None:
    refused(tmp_path, (DATA / name).read_bytes(), cc.FormatError, *parts)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty"),
        (b"\x80\x04\x95abc", "pickle"),
        (b"x\x9cabc", "joblib"),
        (b"binf\0\0", "more bytes are needed"),
        (b"{L\0\0\0\0\0\0\0\x07learner", "0 are left"),
        (b"CBM1abc", "cut short"),
        (b"CBM1\x04\0\0\0\xff\xff\xff\x7f", "behind the end"),
        (b"<?xml version='1.0'?><PMML/>", "PMML"),
        (b'{"a": 1}', "no XGBoost model"),
        (b'{"learner": ' + b"[" * 100_000, "nested deeper"),
        (b'{"learner": {"a', "no end"),
        (gzip.compress(b"tree\n")[:-6], "damaged"),
        (b"tree\nversion=v9\n\xff\xfe", "UTF-8"),
        (b'{"learner": [' + b"{}," * 4_194_304 + b"{}]}", "more than 4194304 values"),
        (gzip.compress(b'{"learner": ' + b" " * 20_000_000), "more than 16777216 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bytes_of_other_kinds(content: bytes, part: str, tmp_path: Path) -> None:
    refused(tmp_path, content, cc.FormatError, part)


# What is changed in the LightGBM file, the error's class, what its text says.
LIGHTGBM: list[tuple[str, str, type[Exception], tuple[str, ...]]] = [
    ("version=v4", "version=v9", cc.ModelError, ("`v9`", "v4")),
    (
        "objective=multiclassova num_class:3 sigmoid:1",
        "objective=magic",
        cc.ModelError,
        ("`magic`", "margin_only"),
    ),
    ("num_class:3", "num_class:4", cc.ModelError, ("3 outputs",)),
    ("num_class=3\n", "num_class=2\n", cc.FormatError, ("`num_class`",)),
    ("num_class=3\n", "num_class=99999999999\n", cc.FormatError, ("`num_class`", "99999999999")),
    ("max_feature_idx=2", "max_feature_idx=3", cc.FormatError, ("`feature_names`",)),
    ("max_feature_idx=2", "max_feature_idx=2000000000", cc.FormatError, ("`max_feature_idx`",)),
    ("label_index=0\n", "label_index=0\nnovelty=1\n", cc.FormatError, ("`novelty`",)),
    ("feature_names=town size age", "feature_names=town town age", cc.FormatError, ("`town` twice",)),
    ("end of trees\n\nfeature_importances:", "", cc.FormatError, ("stands behind tree 6",)),
    ("Tree=5\n", "Tree=4\n", cc.FormatError, ("tree 5",)),
    ("is_linear=0", "is_linear=1", cc.FormatError, ("tree 0", "`leaf_const` is missing")),
    ("is_linear=0", "is_linear=2", cc.FormatError, ("tree 0", "`is_linear`", "`2`")),
    ("shrinkage=1", "novelty=1", cc.ModelError, ("tree 0", "`novelty`")),
]


@pytest.mark.parametrize(("old", "new", "kind", "parts"), LIGHTGBM, ids=lambda value: str(value)[:30])
def test_lightgbm(old: str, new: str, kind: type[Exception], parts: tuple[str, ...], tmp_path: Path) -> None:
    assert old in TEXT
    refused(tmp_path, TEXT.replace(old, new, 1), kind, *parts)


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("left_child", lambda row: "0" + row[row.index(" ") :], "itself"),
        ("left_child", lambda row: "900" + row[row.index(" ") :], "900"),
        ("right_child", lambda row: row + " 1", "more than"),
        ("split_feature", lambda row: "3" + row[1:], "`split_feature`"),
        ("leaf_value", lambda row: row[: row.rindex(" ")], "`leaf_value`"),
        ("leaf_value", lambda row: "x" + row, "`leaf_value`"),
        ("decision_type", lambda row: "98" + row[row.index(" ") :], "`decision_type`"),
        ("num_leaves", lambda row: "2000000000", "`num_leaves`"),
        ("num_leaves", lambda row: "0", "`num_leaves`"),
        ("cat_boundaries", lambda row: row.replace(" 1", " 7", 1), "`cat_"),
        ("threshold", lambda row: "77" + row[row.index(" ") :], "sets of categories"),
    ],
)
def test_lightgbm_trees(field: str, value: Callable[[str], str], part: str, tmp_path: Path) -> None:
    found = re.search(rf"(?<=\n{field}=)[^\n]*", TEXT)
    assert found is not None
    changed = TEXT[: found.start()] + value(found[0]) + TEXT[found.end() :]
    refused(tmp_path, changed, cc.FormatError, "tree 0", part)


def first_tree(told: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = told["learner"]["gradient_booster"]["model"]["trees"][0]
    return tree


def change(told: dict[str, Any], path: str, value: Any) -> None:
    """Set the field at a dotted path; `tree.` begins at the first tree."""
    *way, last = path.split(".")
    spot = told["learner"]
    if way and way[0] == "tree":
        spot, way = first_tree(told), way[1:]
    for name in way:
        spot = spot[name]
    spot[last] = value


# The path, its new value, the error's class, what its text says.
XGBOOST: list[tuple[str, Any, type[Exception], tuple[str, ...]]] = [
    ("gradient_booster.name", "gbmagic", cc.ModelError, ("`gbmagic`", "`gbtree`")),
    ("gradient_booster.name", "dart", cc.FormatError, ("`gbtree` is missing",)),
    ("gradient_booster.name", "gblinear", cc.FormatError, ("`weights` is missing",)),
    ("objective.name", "reg:magic", cc.ModelError, ("`reg:magic`", "margin_only")),
    ("learner_model_param.base_score", "[1,2]", cc.FormatError, ("`base_score`",)),
    ("learner_model_param.base_score", "nan", cc.FormatError, ("`base_score`",)),
    ("learner_model_param.num_class", "4000000000", cc.FormatError, ("`num_class`",)),
    ("learner_model_param.num_feature", "2", cc.FormatError, ("`feature_names`", "2")),
    ("feature_names", ["town", "town", "age"], cc.FormatError, ("`town` twice",)),
    ("gradient_booster.model.tree_info", [0, 1, 2, 3, 0, 1], cc.FormatError, ("tree 3", "`tree_info`")),
    ("gradient_booster.model.gbtree_model_param", {"num_trees": "7"}, cc.FormatError, ("`num_trees`",)),
    ("tree.tree_param.size_leaf_vector", "3", cc.ModelError, ("tree 0", "`size_leaf_vector`")),
    ("tree.tree_param.num_nodes", "4000000000", cc.FormatError, ("tree 0", "`num_nodes`")),
    ("tree.tree_param.num_nodes", "2", cc.FormatError, ("tree 0", "more than the 2")),
    ("tree.novelty", [1], cc.FormatError, ("tree 0", "`novelty`")),
    ("tree.id", 5, cc.FormatError, ("tree 0", "`id`")),
    ("tree.split_conditions", ["a"], cc.FormatError, ("tree 0", "`split_conditions`")),
]


@pytest.mark.parametrize(("path", "value", "kind", "parts"), XGBOOST, ids=lambda value: str(value)[:40])
def test_xgboost(
    path: str, value: Any, kind: type[Exception], parts: tuple[str, ...], tmp_path: Path
) -> None:
    told = json.loads(json.dumps(TREE))
    change(told, path, value)
    refused(tmp_path, json.dumps(told), kind, *parts)


@pytest.mark.parametrize(
    ("field", "spot", "value", "part"),
    [
        ("left_children", 0, 0, "itself"),
        ("left_children", 0, 2, "node 2 is the child of two"),
        ("right_children", 0, 900, "900"),
        ("right_children", 0, -5, "-5"),
        ("split_indices", 0, 3, "`split_indices`"),
        ("default_left", 0, 7, "`default_left`"),
        ("categories", 0, 16777216, "16777216"),
        ("categories_nodes", 0, 900, "`categories_nodes`"),
        ("categories_segments", 0, 900, "`categories_segments`"),
    ],
)
def test_xgboost_trees(field: str, spot: int, value: int, part: str, tmp_path: Path) -> None:
    told = json.loads(json.dumps(TREE))
    first_tree(told)[field][spot] = value
    refused(tmp_path, json.dumps(told), cc.FormatError, "tree 0", part)


@pytest.mark.parametrize("name", ["small_lightgbm.txt", "small_xgboost.json"])
def test_a_file_that_was_cut_short_is_refused_wherever_the_cut_is(name: str, tmp_path: Path) -> None:
    whole = (DATA / name).read_bytes().rstrip()
    end = whole.find(b"end of trees")
    end = len(whole) if end < 0 else end + len(b"end of trees")
    file = tmp_path / "m"
    for length in range(0, end, 7):
        file.write_bytes(whole[:length])
        with pytest.raises((cc.FormatError, cc.ModelError)):
            cc.Fleet.load(file)


def test_a_margin_can_be_asked_of_an_unknown_objective(tmp_path: Path) -> None:
    file = tmp_path / "m.txt"
    file.write_text(TEXT.replace("objective=multiclassova num_class:3 sigmoid:1", "objective=magic"))
    fleet = cc.Fleet.load(file, margin_only=True)
    rows = pl.DataFrame({"town": ["x"], "size": [0], "age": [30.0]})
    known = cc.Fleet.load({"m": DATA / "small_lightgbm.txt"})
    assert fleet.predict(rows).equals(known.predict(rows))
    with pytest.raises(cc.ModelError, match="`magic`"):
        fleet.predict(rows, output="probability")


def test_a_folder_names_its_bad_model(tmp_path: Path) -> None:
    for name in ("a", "b", "d"):
        (tmp_path / f"{name}.txt").write_text(TEXT)
    (tmp_path / "c.pkl").write_bytes((DATA / "refused_sklearn.model").read_bytes())
    with pytest.raises(cc.FormatError, match=r"c\.pkl.*pickle"):
        cc.Fleet.load(tmp_path)


def test_contributions_need_the_weights_of_the_nodes(tmp_path: Path) -> None:
    file = tmp_path / "m.txt"
    file.write_text(re.sub(r"internal_count=[^\n]*\n", "", TEXT))
    fleet = cc.Fleet.load(file)
    rows = {"town": ["x"], "size": [0], "age": [30.0]}
    assert fleet.predict(rows).height == 1
    with pytest.raises(cc.ModelError, match="internal_count"):
        fleet.contributions(rows)
