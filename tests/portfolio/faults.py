"""A portfolio under faults: run as a program, with `faults.c` loaded before the system's library.

In: a folder, how many runs, a seed, and which faults. Each run continues in the same folder: a child of this
process makes versions, tells each one that was acknowledged, and meets a fault; then another child opens the
folder without faults and must find all of it. Out: a line of JSON for each run. What a version does depends
on its number alone, so the digest of each is known from a folder where nothing happened.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import hashlib
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import creditcore as cc

CONFIG: Any = {
    "columns": {"key": "id", "region": "adcode"},
    "score": {"column": "points"},
    "rankings": [{"by": "city"}],
}
MODES = {"kill": 1, "torn": 2, "full": 3}
VERSIONS = 12
"""Versions that a child makes before it ends by itself."""


def linked_step(portfolio: cc.Portfolio) -> None:
    """Make the next version of a portfolio whose records are linked, and go on a day now and then."""
    from tests.portfolio.moving import records

    number = portfolio.version + 1
    draw = random.Random(number)
    today = dt.date(2026, 3, 9) + dt.timedelta(days=number // 5)
    if number % 9 in (4, 8):
        (portfolio.checkpoint if number % 9 == 4 else portfolio.compact)()
    elif number % 5 == 0:
        portfolio.refresh(None, today)
    elif number % 6 == 1:
        keys = draw.sample(range(60), 5)
        portfolio.refresh({"id": keys, "v": [number] * 5, "op": ["delete"] * 5}, today)
    else:
        rows = records(12, number, first=draw.randrange(50), version=number)
        (portfolio.ingest if number % 7 == 1 else portfolio.refresh)(rows, today)


def step(portfolio: cc.Portfolio) -> None:
    """Make the next version: its number says what it is."""
    if portfolio.config.network is not None:
        linked_step(portfolio)
        return
    number = portfolio.version + 1
    draw = random.Random(number)
    if number % 9 in (4, 8):
        (portfolio.checkpoint if number % 9 == 4 else portfolio.compact)()
        return
    keys = draw.sample(range(60), 12)
    delta = {
        "id": keys,
        "adcode": [draw.choice(["310100", "330400"]) for _ in keys],
        "points": [draw.uniform(300, 900) for _ in keys],
        "op": [draw.choice(["upsert", "upsert", "delete"]) for _ in keys],
    }
    if number % 7 == 1:
        portfolio.ingest(delta)
    else:
        portfolio.refresh(delta)


def decide(portfolio: cc.Portfolio) -> None:
    """Make the next version of a portfolio of models and rules, with reviews and days."""
    from tests.line import case

    number = portfolio.version + 1
    day = dt.date(2026, 3, 1) + dt.timedelta(number)
    if number % 9 == 8:
        portfolio.compact()
        return
    rows = case.records(12, number, first=number % 40, version=number)
    if number % 7 == 1:
        portfolio.ingest(rows)
        return
    told = {"key": number % 50, "time": day, "from": None, "to": "review", "reason": f"seen {number}"}
    portfolio.refresh(rows, day, reviews=[{**told, "expires": day + dt.timedelta(5)}])


def whole(portfolio: cc.Portfolio) -> list[Any]:
    """The version, and a digest of the state and of the log."""
    log = portfolio.decisions().drop("segment").write_csv()
    return [portfolio.version, hashlib.sha256(f"{portfolio.digest()} {log}".encode()).hexdigest()]


def forked(work: Callable[[Callable[[Any], None]], None]) -> tuple[list[Any], int]:
    """Run work in a child; give what it told, and how it ended."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)

        def tell(told: Any) -> None:
            os.write(writes, json.dumps(told).encode() + b"\n")

        try:
            work(tell)
            os._exit(0)
        except BaseException as error:
            os.write(writes, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode() + b"\n")
            os._exit(1)
    os.close(writes)
    with os.fdopen(reads, "rb") as told:
        lines = [json.loads(line) for line in told]
    return lines, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Run; arguments: folder, runs, seed, mode; `points` to go through all points one by one, `decided` for a
    portfolio with rules, `linked` for one with a network.
    """
    folder, runs, seed, mode = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    every, decided = "points" in sys.argv[5:], "decided" in sys.argv[5:]
    step_on = decide if decided else step
    config: Any = folder / "case" / "creditcore.toml" if decided else CONFIG
    if "linked" in sys.argv[5:]:
        from tests.portfolio.moving import config_of

        (folder / "config").mkdir()
        config = config_of(folder / "config", network={"window_days": 6}, window=8, rules=True)
    faults, state, draw = ctypes.CDLL(None), folder / "state", random.Random(seed)

    def written(_: Callable[[Any], None]) -> None:
        # Frames are of the children alone: what has threads cannot be forked.
        from tests.line import case

        case.write(folder / "case")

    def unharmed(tell: Callable[[Any], None]) -> None:
        with cc.Portfolio.create(folder / "unharmed", config) as portfolio:
            tell(whole(portfolio))
            for _ in range(runs * VERSIONS if runs < 40 else 40 * VERSIONS):
                step_on(portfolio)
                tell(whole(portfolio))

    if decided:
        forked(written)
    wanted = dict(forked(unharmed)[0])
    forked(lambda tell: cc.Portfolio.create(state, config).close())
    acknowledged = 0
    for run in range(runs):
        point = run + 1 if every else draw.randrange(1, 260)

        def harmed(tell: Callable[[Any], None], point: int = point) -> None:
            faults.arm(MODES[mode], ctypes.c_long(point), os.fsencode(state))
            with cc.Portfolio.open(state, "write") as portfolio:
                for _ in range(VERSIONS):
                    if mode == "full":
                        try:
                            step_on(portfolio)
                        except cc.StateError as error:
                            tell({"full": str(error)})
                            # Room again: the same portfolio goes on.
                            faults.arm(0, ctypes.c_long(0), os.fsencode(state))
                            step_on(portfolio)
                    else:
                        step_on(portfolio)
                    tell(whole(portfolio))

        told, code = forked(harmed)
        made = [one for one in told if isinstance(one, list)]
        acknowledged = max([acknowledged, *(one[0] for one in made)])

        def found(tell: Callable[[Any], None]) -> None:
            with cc.Portfolio.open(state, "write") as portfolio:
                tell(whole(portfolio))

        after = forked(found)[0][0]
        shown = {"run": run, "point": point, "code": code, "acknowledged": acknowledged, "after": after}
        shown["right"] = all(wanted[version] == digest for version, digest in made)
        shown["known"] = isinstance(after, list) and wanted.get(after[0]) == after[1]
        shown["told"] = [one for one in told if isinstance(one, dict)]
        print(json.dumps(shown), flush=True)
        if isinstance(after, list):
            acknowledged = after[0]
            if after[0] + 2 * VERSIONS > max(wanted):
                shutil.rmtree(state)
                forked(lambda tell: cc.Portfolio.create(state, config).close())
                acknowledged = 0


if __name__ == "__main__":
    main()
