"""Ten thousand damaged model files: each is an error of ours, or a model that runs; never a panic, a hang or
a huge allocation.

In: small models of each format, and seeds. Out: as above, with the seed named.
"""

from __future__ import annotations

import random
import re
import resource
from pathlib import Path

import polars as pl
import pytest

import creditcore as cc
from tests.rounds import rounds

DATA = Path(__file__).parent / "data"
ROUNDS = rounds(100)
FILES_OF_A_ROUND = 50
NUMBERS = (
    "0",
    "-1",
    "1",
    "2147483647",
    "-2147483648",
    "4294967296",
    "99999999999",
    "1e308",
    "nan",
    "inf",
    "",
    "x",
)
ROWS = pl.DataFrame(
    {"town": ["x", "yy", None], "size": [10.0, float("nan"), -3.0], "age": [30.5, None, 1e300]}
)


def mutate(text: bytes, dice: random.Random) -> bytes:
    """One to three changes of the kinds that break readers."""
    for _ in range(dice.randint(1, 3)):
        here, there = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        there = min(there, here + dice.choice([1, 8, 200]))
        kind = dice.randrange(6)
        if kind == 0:
            text = text[:here] + bytes([dice.randrange(256)]) + text[here + 1 :]
        elif kind == 1:
            text = text[:here] + text[there:]
        elif kind == 2:
            text = text[:there] + text[here:there] * dice.randint(1, 3) + text[there:]
        elif kind == 3 and dice.random() < 0.2:
            text = text[:here]
        else:
            numbers = list(re.finditer(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text))
            if numbers:
                spot = dice.choice(numbers)
                fresh = dice.choice(NUMBERS).encode() if kind < 5 else dice.choice(numbers)[0]
                text = text[: spot.start()] + fresh + text[spot.end() :]
        text = text or b"tree\n"
    return text


@pytest.mark.parametrize("name", ["small_lightgbm.txt", "small_xgboost.json"])
def test_a_damaged_file_is_an_error_or_runs(name: str, tmp_path: Path) -> None:
    whole = (DATA / name).read_bytes()
    assert cc.Fleet.load(DATA / name).predict(ROWS).shape == (3, 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    file = tmp_path / "model"
    loaded = 0
    for round_number in range(ROUNDS):
        for number in range(FILES_OF_A_ROUND):
            seed = round_number * FILES_OF_A_ROUND + number
            file.write_bytes(mutate(whole, random.Random(seed)))
            try:
                fleet = cc.Fleet.load(file, margin_only=True, threads=1)
                loaded += 1
                fleet.predict(ROWS, threads=1)
                fleet.contributions(ROWS, threads=1)
            except cc.CreditcoreError:
                continue
    # Some damage goes unseen (a changed leaf value), most does not; both must have been tried.
    assert 0 < loaded < ROUNDS * FILES_OF_A_ROUND
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, f"{grown} KiB more than before"
