"""Compiled fleets: what was written is read to the bit; a damaged file is an error that names its section.

In: fleets of small and published models. Out: equal outputs, leaves, contributions and declarations; changed
bytes and cuts refused, without a crash.
"""

from __future__ import annotations

import datetime
import re
import resource
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creditcore as cc
from creditcore.fleet.compiled import told_of
from creditcore.fleet.declarations import FLEET_FILE
from tests.model.oracle import assert_same_bits
from tests.model.test_golden import DATA, SETS, model_file

DECLARED = """
[[model]]
name = "l"
file = "l.txt"
target = "fraud"
status = "champion"
version = "2026.03"
valid_from = 2026-03-01
weight = 1.5
calibration = "l.toml"
applies_to = "size > 1"

[[model]]
name = "x"
file = "x.json"
calibration = { kind = "platt", slope = 0.5, intercept = 0.1 }
mapping = { age = "years" }
"""
ROWS = pl.DataFrame(
    {
        "town": ["x", "z", None, "new"],
        "size": [0, 1, 2, 3],
        "age": [1.0, None, 2, 3],
        "years": [1.0, 2, None, 3],
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fleet")
    for name, file in (("l.txt", "small_lightgbm.txt"), ("x.json", "small_xgboost.json")):
        (made / name).write_bytes((DATA / file).read_bytes())
    (made / "l.toml").write_text('kind = "platt"\nslope = 2.0\nintercept = -0.25\n')
    (made / FLEET_FILE).write_text(DECLARED)
    return made


def same(left: cc.Fleet, right: cc.Fleet, rows: pl.DataFrame) -> None:
    for output in ("raw", "probability"):
        assert_same_bits(left.predict(rows, output), right.predict(rows, output), output)
    for name, leaves in right.leaves(rows).items():
        assert np.array_equal(left.leaves(rows)[name], leaves)
    assert left.models == right.models


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_published_models_keep_every_bit(folder: Path, tmp_path: Path) -> None:
    fleet = cc.Fleet.load({"m": model_file(folder)})
    fleet.compile(tmp_path / "m.ccf")
    found = cc.Fleet.load(tmp_path / "m.ccf")
    rows = pl.read_parquet(folder / "input.parquet")
    same(found, fleet, rows)
    for name, contributions in fleet.contributions(rows.head(5)).items():
        assert_same_bits(found.contributions(rows.head(5))[name], contributions, name)


def test_declarations_and_calibrations_are_kept(folder: Path, tmp_path: Path) -> None:
    fleet = cc.Fleet.load(folder)
    fleet.compile(tmp_path / "fleet")
    found = cc.Fleet.load(tmp_path / "fleet")
    told = found.models[0]
    assert (told["target"], told["weight"], told["valid_from"]) == ("fraud", 1.5, datetime.date(2026, 3, 1))
    assert told["calibration"] == {"kind": "platt", "slope": 2.0, "intercept": -0.25}
    assert fleet.models[0]["calibration"] == "l.toml"
    for output in ("raw", "probability"):
        assert found.predict(ROWS, output).equals(fleet.predict(ROWS, output))
    assert found.predict(ROWS)["l:0"].null_count() == 2
    assert found.features == fleet.features
    # A compiled fleet can be compiled again, to the same bytes.
    found.compile(tmp_path / "again.ccf")
    assert (tmp_path / "again.ccf").read_bytes() == (tmp_path / "fleet").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.ccf", "fleet"]


def test_what_a_compiled_fleet_does_not_take(folder: Path, tmp_path: Path) -> None:
    cc.Fleet.load(folder).compile(tmp_path / "f.ccf")
    with pytest.raises(cc.ArgumentError, match="is a compiled fleet"):
        cc.Fleet.load(tmp_path / "f.ccf", names={"l": ["a"]})
    with pytest.raises(cc.FormatError, match="compiled fleet; load it by itself"):
        cc.Fleet.load([tmp_path / "f.ccf"])
    with pytest.raises(cc.SourceError, match="cannot be written"):
        cc.Fleet.load(folder).compile(tmp_path / "none" / "f.ccf")
    (tmp_path / "text.ccf").write_text("tree\n")
    with pytest.raises(cc.FormatError, match=r"text.ccf`: section `header`: this is no compiled fleet"):
        cc.Fleet.load(tmp_path / "text.ccf")
    (tmp_path / "empty.ccf").write_text("")
    with pytest.raises(cc.FormatError, match="no compiled fleet"):
        cc.Fleet.load(tmp_path / "empty.ccf")
    assert len(cc.Fleet.load(tmp_path / "f.ccf", engine="golden", margin_only=True)) == 2


def test_every_changed_byte_and_every_cut_is_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "f.ccf"
    cc.Fleet.load(folder).compile(file)
    whole = file.read_bytes()
    random = np.random.default_rng(5)
    places = sorted({*range(700), *random.integers(0, len(whole), 2500).tolist()})
    pattern = re.compile(rf"^`{re.escape(str(file))}`: section `[a-z.]+`: ")
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(random.integers(8))
        file.write_bytes(flipped)
        with pytest.raises(cc.FormatError) as told:
            cc.Fleet.load(file, threads=1)
        assert pattern.match(str(told.value)), f"byte {place}: {told.value}"
    for length in {*range(0, 600, 7), *random.integers(0, len(whole), 500).tolist()}:
        file.write_bytes(whole[:length])
        with pytest.raises(cc.FormatError) as told:
            cc.Fleet.load(file, threads=1)
        assert pattern.match(str(told.value)), f"cut at {length}: {told.value}"
    file.write_bytes(whole + b"\0")
    with pytest.raises(cc.FormatError, match="bytes behind it"):
        cc.Fleet.load(file)


def test_a_writer_that_fails_leaves_the_old_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "f.ccf"
    fleet = cc.Fleet.load(folder)
    fleet.compile(file)
    before = file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        with pytest.raises(cc.SourceError, match="cannot be written"):
            fleet.subset(["x"]).compile(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["f.ccf"]


def test_declarations_of_other_models_are_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.ccf"
    fleet = cc.Fleet.load(folder)
    fleet._core.save(str(path), told_of(fleet._declarations[:1]))
    with pytest.raises(cc.FormatError, match=r"1 declarations are not of its 2 models"):
        cc.Fleet.load(path)
