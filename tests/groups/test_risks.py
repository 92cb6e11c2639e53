"""What partners' scores say of a person: every column against sums over all pairs of people."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import creditcore as cc
from creditcore._core import Detection
from creditcore._frame import to_polars

TAU = 20.0
TYPES = {"card": "card", "device": "device"}
STRENGTHS = {"card": 3.0, "device": 2.0}
STRONG = 0.25
WINDOWS = (2, 7, 20, 60)


def records(people: int, seed: int, timed: bool) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    rows: dict[str, Any] = {"key": list(range(people)), "day": [None] * people}
    if timed:
        rows["day"] = [None if random.random() < 0.1 else int(day) for day in random.integers(0, 90, people)]
    for name in TYPES:
        shown = random.integers(0, people // 3, people)
        rows[name] = [f"{name}{value}" if random.random() < 0.8 else None for value in shown]
    return rows


def pairs_of(rows: dict[str, Any]) -> dict[tuple[int, int], dict[str, float]]:
    """For each ordered pair that shares something the weight by type."""
    shared: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    for name in TYPES:
        showing = defaultdict(list)
        for key, value in zip(rows["key"], rows[name], strict=True):
            if value is not None:
                showing[value].append(key)
        for people in showing.values():
            for one in people:
                for other in people:
                    if one != other:
                        shared[one, other][name] = STRENGTHS[name] / (len(people) - 1)
    return shared


def expected(rows: dict[str, Any], score: Any) -> list[dict[str, float]]:
    """The columns of everybody but the one of two hops, and the total of ties."""
    found: list[dict[str, float]] = [defaultdict(float) for _ in rows["key"]]

    def most(own: dict[str, float], name: str, value: float) -> None:
        own[name] = max(own[name], value)

    for (one, other), by_type in pairs_of(rows).items():
        own, theirs = found[one], score[other]
        ends = rows["day"][one], rows["day"][other]
        days = 0 if None in ends else abs(ends[0] - ends[1])
        fade = math.exp(-days / TAU)
        weight = sum(by_type.values())
        own["total"] += weight * fade
        own["risk"] += weight * fade * theirs
        own["risk_static"] += weight * theirs
        most(own, "risk_max", weight * fade * theirs)
        most(own, "score_max", theirs)
        if weight * fade >= STRONG:
            own["risk_ties"] += theirs
            most(own, "score_max_ties", theirs)
        if len(by_type) > 1:
            own["several_types"] += weight * fade
            own["risk_several_types"] += weight * fade * theirs
            own["scores_several_types"] += theirs
            own["scores_several_types_near"] += theirs * (days <= 20)
            most(own, "score_max_several_types", theirs)
        for window in WINDOWS:
            own[f"risk_{window}_days"] += theirs * (days <= window)
            own[f"risk_static_{window}_days"] += weight * theirs * (days <= window)
        for name, part in by_type.items():
            own[f"{name}_risk"] += part * fade * theirs
            own[f"{name}_scores_near"] += theirs * (days <= 10)
            most(own, f"{name}_risk_max", part * fade * theirs)
            most(own, f"{name}_risk_static_max", part * theirs)
    for own in found:
        own["risk_share"] = own["risk"] / max(own["total"], 1e-6)
    return found


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("alike", [True, False])
def test_columns_are_sums_over_pairs(timed: bool, alike: bool) -> None:
    rows = records(150, 7, timed)
    random = np.random.default_rng(8)
    score = np.ones(150) if alike else random.random(150)
    network = cc.Network.build(rows, "key", TYPES, "day" if timed else None, {"strengths": STRENGTHS})
    detection = Detection.of(network._core, TAU, False)
    found = to_polars(detection.risks(pa.array(score)))
    wanted = expected(rows, score)
    for name in found.columns:
        if name != "risk_two_hop":
            told = np.array([own[name] for own in wanted])
            np.testing.assert_allclose(found[name].to_numpy(), told, atol=2e-5, rtol=1e-5, err_msg=name)
    assert len(found.columns) == 21 + 4 * len(TYPES)
    weighed = np.zeros(150)
    for (one, other), by_type in pairs_of(rows).items():
        ends = rows["day"][one], rows["day"][other]
        days = 0 if None in ends else abs(ends[0] - ends[1])
        weighed[one] += sum(by_type.values()) * math.exp(-days / TAU) * wanted[other]["risk"]
    hops = [sum_ / max(own["total"], 1e-6) for sum_, own in zip(weighed, wanted, strict=True)]
    np.testing.assert_allclose(found["risk_two_hop"].to_numpy(), hops, atol=2e-5, rtol=1e-5)


def test_columns_hang_on_no_threads_and_no_order() -> None:
    rows = records(400, 9, True)
    score = pa.array(np.random.default_rng(1).random(400))
    order = np.random.default_rng(2).permutation(400)
    mixed = {name: [values[at] for at in order] for name, values in rows.items()}
    tables: list[pl.DataFrame] = []
    for told, threads in ((rows, 1), (rows, 4), (mixed, 2)):
        network = cc.Network.build(told, "key", TYPES, "day", {"strengths": STRENGTHS})
        tables.append(to_polars(Detection.of(network._core, TAU, False).risks(score, threads=threads)))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
