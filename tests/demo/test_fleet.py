"""The packaged fleet: what it holds, what it was told, and that nothing else is ever unpacked."""

from __future__ import annotations

import datetime
import hashlib
import io
import itertools
import json
import lzma
import re
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from creditcore.demo.feature_table import FEATURES
from creditcore.demo.features import CATEGORICAL, NAMES
from creditcore.demo.fleet import ARCHIVE, LARGEST_ARCHIVE, manifest, pack, unpack
from creditcore.demo.fleet_plan import LEAVES, VALID_FROM, Plan, plans
from creditcore.demo.model_text import feature_names, stripped, tree_shapes
from creditcore.demo.network_columns import NETWORK
from creditcore.demo.rings import DAYS
from creditcore.demo.world import FIRST_DAY, LATEST_KNOWN_DAYS
from creditcore.errors import FormatError, SourceError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(tmp_path_factory.mktemp("fleet") / "new")


def text_of(folder: Path, plan: Plan) -> str:
    return (folder / f"{plan.name}.txt").read_text(encoding="utf-8")


def test_the_fleet_has_200_fraud_models_and_3_credit_models(folder: Path) -> None:
    planned = plans()
    assert [plan.target for plan in planned] == ["fraud"] * 200 + ["default"] * 3
    assert len({plan.name for plan in planned}) == 203
    assert {path.name for path in folder.iterdir()} == {f"{plan.name}.txt" for plan in planned} | {
        "fleet.toml",
        "blend.toml",
    }
    for plan in planned[:200]:
        assert tree_shapes(text_of(folder, plan)) == [LEAVES] * 40
    assert ARCHIVE.stat().st_size <= LARGEST_ARCHIVE == 6_000_000


def test_no_two_models_are_planned_alike() -> None:
    seen = {(plan.focus, plan.segment, plan.features) for plan in plans()}
    assert len(seen) == 203
    assert all(12 <= len(plan.features) < 84 for plan in plans())


def test_models_see_their_plans_features_and_no_place(folder: Path) -> None:
    for plan in plans():
        names = feature_names(text_of(folder, plan))
        assert names == list(plan.features)
        assert set(names) <= {*NAMES, *NETWORK}
        # A phone or a card that is shared is counted, never told.
        parts = {part for name in set(names) - set(NETWORK) for part in name.split("_")}
        assert not parts & {"city", "province", "region", "adcode", "address", "ip", "lon", "lat", "phone"}


def test_fraud_models_see_what_was_shared_when_the_application_was_made() -> None:
    seeing = [plan for plan in plans() if set(plan.features) & set(NETWORK)]
    assert len(seeing) == 125
    assert {plan.target for plan in seeing} == {"fraud"}
    assert {name for plan in seeing for name in plan.features if name.startswith("net_")} == set(NETWORK)
    assert all(name.startswith("net_at_") for name in NETWORK)


def test_credit_models_see_nothing_that_fraud_moves() -> None:
    moved = {f.name for f in FEATURES if set(f.weights) & {"device", "tempo", "identity", "flows"}}
    for plan in plans():
        if plan.target == "default":
            assert not set(plan.features) & moved


def test_counts_are_kept_and_gains_are_not(folder: Path) -> None:
    for plan in plans():
        text = text_of(folder, plan)
        assert text.count("\nleaf_count=") == text.count("\ninternal_count=") == plan.trees
        assert not re.search(r"^(split_gain|leaf_weight|internal_weight|internal_value)=", text, re.MULTILINE)
        assert "feature_importances" not in text
        sizes = [int(size) for size in re.search(r"^tree_sizes=(.*)$", text, re.MULTILINE)[1].split()]  # type: ignore[index]
        assert sum(sizes) == text.index("end of trees") - text.index("Tree=0")


def test_classes_are_written_with_the_model(folder: Path) -> None:
    for plan in plans():
        text = text_of(folder, plan)
        # A class that no tree could split on would be `none` here, and its place in the list below unclear.
        kinds = re.search(r"^feature_infos=(.*)$", text, re.MULTILINE)[1].split(" ")  # type: ignore[index]
        assert "none" not in kinds
        told = json.loads(text.rpartition("pandas_categorical:")[2])
        assert told == [list(CATEGORICAL[name]) for name in plan.features if name in CATEGORICAL]


def test_declarations_say_what_the_plans_say(folder: Path) -> None:
    told = tomllib.loads((folder / "fleet.toml").read_text(encoding="utf-8"))
    assert set(told) == {"model"}
    for declared, plan in zip(told["model"], plans(), strict=True):
        assert declared["name"] == plan.name
        assert (folder / declared["file"]).is_file()
        assert declared["target"] == plan.target
        assert declared.get("applies_to") == plan.applies_to
        assert declared["weight"] == plan.weight > 0
        assert declared["status"] == "champion"
        assert declared["valid_from"] == datetime.date.fromisoformat(VALID_FROM)


def test_calibrations_rise(folder: Path) -> None:
    told = tomllib.loads((folder / "blend.toml").read_text(encoding="utf-8"))["calibration"]
    assert set(told) == {"fraud", "credit"}
    assert told["credit"]["kind"] == "platt"
    assert 0.8 < told["credit"]["slope"] < 1.25
    assert abs(told["credit"]["intercept"]) < 0.5
    assert told["fraud"]["kind"] == "isotonic"
    for name in ("log_odds", "probability"):
        values = told["fraud"][name]
        assert len(values) > 10
        assert all(low < high for low, high in itertools.pairwise(values))
    assert 0.0 < told["fraud"]["probability"][0] < 0.001
    assert 0.3 < told["fraud"]["probability"][-1] <= 1.0


def test_the_fleet_was_trained_on_another_seed_and_earlier_months() -> None:
    told = manifest()
    world = told["world"]
    assert world["seed"] not in range(1_000)
    assert world["name"] == "null"
    first = datetime.date.fromisoformat(world["first_day"])
    assert first + datetime.timedelta(days=DAYS + LATEST_KNOWN_DAYS) <= FIRST_DAY
    assert FIRST_DAY.isoformat() == VALID_FROM
    assert set(told["versions"]) == {"python", "numpy", "polars", "lightgbm"}
    assert set(told["probes"]) == {plan.name for plan in plans()}


SMALL = {"a.txt": b"first", "b.toml": b"second"}


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        pack(
            dict(reversed(SMALL.items())) if name == "two" else SMALL,
            {},
            tmp_path / name,
            tmp_path / f"{name}.json",
        )
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    folder = unpack(tmp_path / "out", tmp_path / "one", tmp_path / "one.json")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == SMALL


def archive_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A compressed archive of any members."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return lzma.compress(held.getvalue())


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """A member of an archive."""
    made = tarfile.TarInfo(name)
    made.type = kind
    made.linkname = target
    return made


def listed(data: bytes, files: dict[str, Any]) -> str:
    """A manifest that vouches for an archive."""
    return json.dumps({"sha256": hashlib.sha256(data).hexdigest(), "files": files})


def entry(content: bytes) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def refusal(tmp_path: Path, data: bytes, told: str) -> str:
    """Why an archive is refused; nothing is written."""
    (tmp_path / "fleet.tar.xz").write_bytes(data)
    (tmp_path / "fleet.json").write_text(told, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        unpack(tmp_path / "deep" / "out", tmp_path / "fleet.tar.xz", tmp_path / "fleet.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fleet.json", "fleet.tar.xz"]
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "/tmp/out.txt", "a/b.txt", "A.txt", "a.pkl", "a.txt\n", "", "..", "x" * 70 + ".txt"],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    data = archive_of((member("a.txt"), b"x"))
    assert "names have small letters" in refusal(tmp_path, data, listed(data, {name: entry(b"x")}))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: archive_of((member("../a.txt"), b"x")), "holds `../a.txt`"),
        (lambda: archive_of((member("a.txt"), b"x"), (member("a.txt"), b"x")), "holds `a.txt`"),
        (lambda: archive_of((member("a.txt", tarfile.SYMTYPE, "/etc/passwd"), b"")), "holds `a.txt`"),
        (lambda: archive_of((member("a.txt", tarfile.LNKTYPE, "b.txt"), b"")), "holds `a.txt`"),
        (lambda: archive_of((member("a.txt"), b"xx")), "`a.txt` has 2 bytes, its manifest says 1"),
        (lambda: archive_of((member("a.txt"), b"y")), "`a.txt` is not the file of its manifest"),
        (lambda: archive_of(), "lacks `a.txt`"),
        (lambda: b"no archive", "is no archive of a fleet"),
        (lambda: archive_of((member("a.txt"), b"x"))[:40], "is no archive of a fleet"),
        (lambda: b"", "is no archive of a fleet"),
    ],
)
def test_an_archive_that_is_not_its_manifests_is_refused(
    tmp_path: Path, made: Callable[[], bytes], told: str
) -> None:
    data = made()
    assert told in refusal(tmp_path, data, listed(data, {"a.txt": entry(b"x")}))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("", "is no manifest"),
        ("[1, 2]", "is no manifest"),
        ("[" * 100_000, "is no manifest"),
        ('{"files": {}}', "no `files` and `sha256`"),
        ('{"sha256": "", "files": {}}', "another sha256"),
        ('{"sha256": "", "files": {"a.txt": 3}}', "`a.txt` needs `bytes`"),
        ('{"sha256": "", "files": {"a.txt": {"bytes": -1, "sha256": ""}}}', "`a.txt` needs `bytes`"),
        ('{"sha256": "", "files": {"a.txt": {"bytes": 1e30, "sha256": ""}}}', "`a.txt` needs `bytes`"),
        ('{"sha256": "", "files": {"a.txt": {"bytes": 99999999, "sha256": ""}}}', "`a.txt` needs `bytes`"),
        (json.dumps({"sha256": "", "files": {f"a{n}.txt": 0 for n in range(1_001)}}), "lists 1001 files"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, told: str, why: str) -> None:
    assert why in refusal(tmp_path, b"any", told)


def test_large_and_missing_files_are_refused(tmp_path: Path) -> None:
    assert "is larger than" in refusal(tmp_path, b"0" * (LARGEST_ARCHIVE + 1), listed(b"", {}))
    with pytest.raises(SourceError, match="cannot be read"):
        unpack(tmp_path, tmp_path / "none.tar.xz")
    noise = b"".join(hashlib.sha512(n.to_bytes(4, "big")).digest() for n in range(100_000))
    with pytest.raises(FormatError, match="the wheel holds"):
        pack({"a.txt": noise}, {}, tmp_path / "x", tmp_path / "y")


@pytest.mark.parametrize(
    "text", ["", "tree\n", "not a model\nTree=0\nend of trees\n", "tree\nTree=0\nnum_leaves=3\n"]
)
def test_a_text_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="no model of LightGBM"):
        stripped(text, {})
    with pytest.raises(FormatError, match="no model of LightGBM"):
        tree_shapes(text)
