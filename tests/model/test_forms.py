"""Files of every form: what their writers said of them, and what becomes of damaged ones.

In: small models that many versions of the libraries wrote (`versions.json`), with rows, leaves, raw outputs
and predictions. Out: the same leaves and bits; damage is an error of ours, or a model that runs.
"""

from __future__ import annotations

import gzip
import json
import random
import resource
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from tests.model.oracle import assert_same_bits, assert_same_leaves, engines_of

FORMS = Path(__file__).parent / "data" / "forms"
MODELS = sorted(FORMS.glob("*.gz"))
DAMAGED = ("xgboost_0.90_dart", "xgboost_1.2.1_linear", "xgboost_3.2.0_vectors", "catboost", "lightgbm")
MUTATIONS = 400


def parts(model: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows, and the writer's answers."""
    told = pl.read_parquet(model.with_suffix(".parquet"))
    answers = [name for name in told.columns if ":" in name]
    return told.drop(answers), told.select(answers)


def test_every_file_has_its_writer() -> None:
    versions = json.loads((FORMS / "versions.json").read_text())
    assert sorted(versions) == sorted(model.stem for model in MODELS)
    assert len(MODELS) == 17


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_every_bit_is_the_writer_s(model: Path) -> None:
    rows, answers = parts(model)
    fleet = cc.Fleet.load({"m": model})
    raw = answers.select(pl.col("^raw:.*$"))
    assert_same_bits(fleet.predict(rows), raw, "raw")
    if "linear" not in model.stem:
        for engine, forced in engines_of(model):
            assert_same_bits(forced.predict(rows), raw, f"raw, {engine}")
    ours = fleet.predict(rows, output="probability").to_numpy()
    theirs = answers.select(pl.col("^prediction:.*$")).to_numpy()
    if model.stem.startswith("catboost"):
        # Its own exponential is no function of the C library.
        assert np.allclose(ours, theirs, rtol=1e-14, atol=0)
    else:
        assert_same_bits(ours, theirs, "predictions")
    leaves = answers.select(pl.col("^leaf:.*$"))
    if leaves.width:
        assert_same_leaves(fleet.leaves(rows)["m"], leaves.to_numpy(), "leaves")
    else:
        with pytest.raises(cc.ModelError, match="is linear"):
            fleet.leaves(rows)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_a_row_alone_is_the_row_among_others(model: Path) -> None:
    rows, _ = parts(model)
    fleet = cc.Fleet.load([model])
    whole = fleet.predict(rows)
    assert_same_bits(fleet.predict(rows[17]), whole[17], "alone")
    assert_same_bits(fleet.predict(rows[::-1]), whole[::-1], "turned around")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_a_file_that_was_cut_short_is_refused(model: Path, tmp_path: Path) -> None:
    whole = gzip.decompress(model.read_bytes())
    end = whole.find(b"end of trees") if model.stem.startswith("lightgbm") else len(whole.rstrip())
    file = tmp_path / "m"
    for length in [*range(0, end, max(1, end // 150)), end - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises((cc.FormatError, cc.ModelError)):
            cc.Fleet.load(file)


def damaged(whole: bytes, dice: random.Random) -> bytes:
    """One to three changes: bytes, words of extreme numbers, parts left out or repeated."""
    content = bytearray(whole)
    for _ in range(dice.randint(1, 3)):
        here = dice.randrange(len(content))
        kind = dice.randrange(5)
        if kind == 0:
            content[here] = dice.randrange(256)
        elif kind == 1:
            extreme = dice.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0x01000000])
            content[here : here + 4] = extreme.to_bytes(4, dice.choice(["little", "big"]))
        elif kind == 2:
            del content[here : here + dice.choice([1, 4, 20])]
        elif kind == 3:
            content[here:here] = content[here : here + dice.choice([1, 4, 200])]
        else:
            content[here] ^= 1 << dice.randrange(8)
        content = content or bytearray(b"x")
    return bytes(content)


@pytest.mark.parametrize(
    "model", [model for model in MODELS if model.stem.startswith(DAMAGED)], ids=lambda model: model.stem
)
def test_a_damaged_file_is_an_error_or_runs(model: Path, tmp_path: Path) -> None:
    whole = gzip.decompress(model.read_bytes())
    rows = parts(model)[0][:5]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    file = tmp_path / "model"
    loaded = 0
    for seed in range(MUTATIONS):
        file.write_bytes(damaged(whole, random.Random(seed)))
        try:
            fleet = cc.Fleet.load(file, margin_only=True, threads=1)
            loaded += 1
            fleet.predict(rows, threads=1)
            fleet.contributions(rows, threads=1)
        except cc.CreditcoreError:
            continue
    assert 0 < loaded < MUTATIONS
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, f"{grown} KiB more than before"


def test_best_rounds_are_kept_where_the_file_tells_them(tmp_path: Path) -> None:
    """The old files carry the attribute `best_iteration`, 2."""
    for name, trees in (
        ("0.90_dart", 3),
        ("1.0.2_softprob", 9),
        ("2.0.3_forest", 9),
        ("1.7.6_dart_softprob", 9),
    ):
        fleet = cc.Fleet.load(FORMS / f"xgboost_{name}.model.gz", best_iteration=True)
        assert fleet.models[0]["trees"] == trees
    for name, part in (("3.2.0_dart.ubj", "no attribute"), ("3.2.0_linear.ubj", "has no trees")):
        with pytest.raises(cc.ModelError, match=part):
            cc.Fleet.load(FORMS / f"xgboost_{name}.gz", best_iteration=True)


def test_what_a_form_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    told = json.loads(gzip.decompress((FORMS / "catboost_1.2.10_classes.json.gz").read_bytes()))
    file = tmp_path / "m.json"
    for path, value, kind, part in (
        (("model_info", "params", "loss_function", "type"), "Magic", cc.ModelError, "`Magic`"),
        (("features_info", "novelty"), [1], cc.ModelError, "`novelty`"),
        (("features_info", "text_features"), [{"feature_index": 0}], cc.ModelError, "`text_features`"),
        (("scale_and_bias",), [1, [0, 0]], cc.FormatError, "belong to no tree"),
        (("oblivious_trees", 0, "splits", 0, "split_index"), 900, cc.FormatError, "`900`"),
        (("oblivious_trees", 0, "leaf_values"), [1, 2], cc.FormatError, "values left"),
        (("features_info", "float_features", 0, "borders"), [2, 1], cc.FormatError, "split_index"),
    ):
        changed = json.loads(json.dumps(told))
        spot = changed
        for step in path[:-1]:
            spot = spot[step]
        spot[path[-1]] = value
        file.write_text(json.dumps(changed))
        with pytest.raises(kind, match=part):
            cc.Fleet.load(file)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_every_form_can_be_inspected(model: Path) -> None:
    from creditcore.pipeline.pipeline import described
    from creditcore.report.models import feature_table, list_table, summary

    told = described([model])
    assert any(str(told[0]["format"]) in line for line in summary(told[0]))
    assert feature_table(told[0])[1]
    assert list_table(told)[1]
