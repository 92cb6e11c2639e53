"""Work beside the caller: its result, its faults, and that nothing goes on behind a caller's back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import creditcore as cc
from creditcore.portfolio.meanwhile import ahead, meanwhile
from tests.line import case


def test_a_result_and_a_fault_come_to_who_asks() -> None:
    nothing: dict[str, int] = {}
    with meanwhile() as begin:
        first = begin(lambda _: threading.get_ident())
        # What comes later may ask for what came before.
        second = begin(lambda _: (first(), threading.get_ident()))
        third = begin(lambda _: nothing["no"])
        assert first() != threading.get_ident()
        assert second() == (first(), first())
        with pytest.raises(KeyError, match="no"):
            third()


def test_a_caller_that_fails_stops_the_work_and_waits_for_it() -> None:
    ended, begun = threading.Event(), threading.Event()

    def work(report: Callable[[int], None]) -> None:
        begun.set()
        try:
            for turn in range(10_000):
                report(turn)
                time.sleep(0.001)
        finally:
            ended.set()

    def caller() -> None:
        with meanwhile() as begin:
            begin(work)
            begun.wait(5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        caller()
    assert ended.is_set()


@pytest.mark.parametrize("fails", ["segment", "log"])
def test_a_refresh_whose_files_are_refused_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    case.write(tmp_path / "case")
    state = tmp_path / "state"
    with cc.Portfolio.create(state, tmp_path / "case" / "creditcore.toml") as portfolio:
        portfolio.refresh(case.records(12, 1), "2026-03-01")
        before, digest = {file.name for file in state.iterdir()}, portfolio.digest()
        number = max(int(name.split("-")[1].split(".")[0]) for name in before if name.startswith("segment-"))
        with monkeypatch.context() as patch:
            if fails == "log":

                def refused(*_: Any) -> Any:
                    raise cc.StateError("the disk does not take it")

                patch.setattr("creditcore.portfolio.decision_log._write_log", refused)
            else:
                # A file of that name is there: it cannot be made new.
                for later in range(number + 1, number + 9):
                    (state / f"segment-{later:010}.arrow").touch()
            with pytest.raises(cc.StateError):
                portfolio.refresh(case.records(12, 2, version=2), "2026-03-02")
        assert {file.name for file in state.iterdir()} == before
        assert portfolio.digest() == digest
        portfolio.refresh(case.records(12, 2, version=2), "2026-03-02")
        assert len(portfolio.decisions()) == 24


@pytest.mark.parametrize("workers", [1, 3])
def test_the_next_ones_are_worked_out_while_the_caller_goes_on(workers: int) -> None:
    begun, seen = threading.Event(), []

    def work(item: int) -> int:
        if item == workers:
            begun.set()
        else:
            # Later ones end first, and come out in their order.
            time.sleep(0.01 * (4 - item))
        return item * item

    for made in ahead(work, range(4), workers):
        # So many more are begun though nobody has asked for them.
        assert begun.wait(30)
        seen.append(made)
    assert seen == [0, 1, 4, 9]
    assert list(ahead(work, [], workers)) == []
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda item: 1 // item, [1, 0, 1], workers))


def test_who_stops_asking_leaves_nothing_under_way() -> None:
    done: list[int] = []

    def work(item: int) -> int:
        time.sleep(0.01)
        done.append(item)
        return item

    asked = ahead(work, range(100), 2)
    assert next(asked) == 0
    asked.close()
    ended = len(done)
    time.sleep(0.05)
    assert len(done) == ended <= 4
