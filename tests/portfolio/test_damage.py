"""Bytes that were changed or cut off, in every kind of file: an error that names it, or the old state."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

import creditcore as cc
from tests.portfolio.oracle import CONFIG, frame
from tests.portfolio.test_portfolio import drawn

KINDS = ["catalog.sqlite", "segment-0000000001", "segment-0000000004", "index-", "sums-"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("damage") / "state"
    with cc.Portfolio.create(folder, CONFIG) as portfolio:
        portfolio.ingest(frame(drawn(list(range(300)), 1)))
        portfolio.refresh(frame(drawn(list(range(250, 350)), 2)))
        return folder, portfolio.digest()


def damaged(whole: Path, folder: Path, kind: str, turn: int) -> Path:
    """A copy with one byte of one file changed, or its end cut off."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    draw = random.Random(turn)
    (file,) = (file for file in folder.iterdir() if file.name.startswith(kind) and "journal" not in file.name)
    content = bytearray(file.read_bytes())
    at = draw.randrange(len(content))
    if turn % 4 == 0:
        file.write_bytes(content[:at])
    else:
        content[at] ^= 1 << draw.randrange(8)
        file.write_bytes(content)
    return file


def fault_of(folder: Path, digest: str) -> str | None:
    """What opening says; None where the state is as it was."""
    try:
        with cc.Portfolio.open(folder) as portfolio:
            assert portfolio.digest() == digest
    except cc.StateError as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_found_and_told(whole: tuple[Path, str], tmp_path: Path, kind: str) -> None:
    state, digest = whole
    told = 0
    for turn in range(40):
        file = damaged(state, tmp_path / "copy", kind, turn)
        text = fault_of(tmp_path / "copy", digest)
        if text is None:
            # SQLite has bytes that mean nothing.
            assert kind == "catalog.sqlite", f"{file}, turn {turn}"
            continue
        assert str(file) in text, turn
        assert any(word in text for word in ("restore", "doctor", "form")), text
        told += 1
    assert told >= 10


@pytest.mark.parametrize("kind", ["index-", "sums-"])
def test_the_doctor_makes_index_and_sums_again(whole: tuple[Path, str], tmp_path: Path, kind: str) -> None:
    state, digest = whole
    for turn in range(8):
        damaged(state, tmp_path / "copy", kind, turn)
        (finding,) = cc.Portfolio.doctor(tmp_path / "copy")
        assert finding.repaired
        assert cc.Portfolio.doctor(tmp_path / "copy") == []
        with cc.Portfolio.open(tmp_path / "copy") as portfolio:
            assert portfolio.digest() == digest
            portfolio.refresh(frame(drawn([1], 3)))


def test_the_doctor_says_what_it_cannot_make(whole: tuple[Path, str], tmp_path: Path) -> None:
    state, _ = whole
    damaged(state, tmp_path / "copy", "segment-0000000001", 1)
    findings = cc.Portfolio.doctor(tmp_path / "copy")
    assert not any(finding.repaired for finding in findings)
    assert "segment-0000000001" in findings[-1].text
    assert "backup" in findings[-1].text


def test_a_file_that_is_gone_is_told(whole: tuple[Path, str], tmp_path: Path) -> None:
    for kind in KINDS[1:]:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(whole[0], tmp_path / "copy")
        (file,) = (file for file in (tmp_path / "copy").iterdir() if file.name.startswith(kind))
        file.unlink()
        with pytest.raises(cc.StateError, match=file.name):
            cc.Portfolio.open(tmp_path / "copy")
