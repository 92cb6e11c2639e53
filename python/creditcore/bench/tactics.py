"""Rules over records in memory against other engines: `creditcore bench tactics`.

Comes in: numbers of records, rules and distinct predicates. Goes out: for each engine the median seconds on
the clock, and the least of the processors' (which others on the machine do not lengthen), for the same
rules on the same columns. The hits of every rule are counted and compared before anything is timed. A rule
joins three predicates by AND and hits about one record in a hundred. zen-engine takes records as objects: it
is given a batch of a few thousand, and its time is told for one million at that pace.
"""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

import creditcore as cc
from creditcore.errors import ArgumentError

RIVALS = ("decide", "categories", "polars", "polars-streaming", "duckdb", "zen")
"""`decide` and `categories` are creditcore too: they write ids and reasons, where the others count."""
FEW = 2_000
"""Records that zen-engine is given."""
HIT = 0.01 ** (1 / 3)
"""The share of records of which a predicate holds: three together make one in a hundred."""
KINDS = {"d": ("double", 16), "f": ("float", 12), "i": ("int", 8), "t": ("text", 4)}
CODES = 50


def columns(records: int) -> dict[str, Any]:
    """Forty columns: doubles, floats, integers, and texts of fifty values."""
    import polars as pl

    rng = np.random.default_rng(1)
    data: dict[str, Any] = {}
    for name, (kind, count) in KINDS.items():
        for place in range(count):
            if kind == "text":
                codes = pl.Series(rng.integers(0, CODES, records, dtype=np.uint8))
                names = pl.Series([f"v{code:02}" for code in range(CODES)])
                data[f"{name}{place}"] = names.gather(codes).cast(pl.Categorical)
            elif kind == "int":
                data[f"{name}{place}"] = rng.integers(0, 1_000_000, records, dtype=np.int32)
            else:
                dtype = np.float32 if kind == "float" else np.float64
                data[f"{name}{place}"] = rng.random(records, dtype=dtype)
    return data


def predicates(distinct: int) -> list[tuple[str, str, Any]]:
    """Distinct predicates in turn over the columns: name, operator, value."""
    rng = np.random.default_rng(2)
    names = [f"{name}{place}" for name, (_, count) in KINDS.items() for place in range(count)]
    made: list[tuple[str, str, Any]] = []
    for number in range(distinct):
        name = names[number % len(names)]
        share = float(HIT + rng.uniform(-0.05, 0.05))
        if name.startswith("t"):
            values = rng.choice(CODES, round(HIT * CODES), replace=False)
            made.append((name, "in", sorted(f"v{value:02}" for value in values)))
        elif name.startswith("i"):
            made.append((name, "<", int(share * 1_000_000)))
        elif rng.random() < 0.5:
            made.append((name, "<", round(share, 6)))
        else:
            made.append((name, ">", round(1 - share, 6)))
    return made


def rules(count: int, distinct: int) -> list[list[tuple[str, str, Any]]]:
    """Rules of three predicates on three columns."""
    rng = np.random.default_rng(3)
    known = predicates(distinct)
    made: list[list[tuple[str, str, Any]]] = []
    while len(made) < count:
        three = [known[place] for place in rng.choice(distinct, 3, replace=False)]
        if len({name for name, *_ in three}) == 3:
            made.append(three)
    return made


def to_sql(predicate: tuple[str, str, Any]) -> str:
    """A predicate as SQL, doubles as doubles."""
    name, operator, value = predicate
    if operator == "in":
        return f"{name} IN ({', '.join(repr(one) for one in value)})"
    return f"{name} {operator} {value:e}" if isinstance(value, float) else f"{name} {operator} {value}"


def policy(made: list[list[tuple[str, str, Any]]]) -> cc.Policy:
    """The rules as a policy of flags."""
    told = [
        {"id": f"r{place}", "when": " AND ".join(map(to_sql, rule)), "action": "flag", "on_null": "no_hit"}
        for place, rule in enumerate(made)
    ]
    return cc.Policy({"tactics": [{"id": "all", "rules": told}]})


def engines(
    data: dict[str, Any], made: Any, threads: int, names: set[str]
) -> dict[str, Callable[[], list[int]]]:
    """Give a function for each engine; it answers with the hits of each rule."""
    import polars as pl

    frame = pl.DataFrame(data)
    ours = policy(made)
    found: dict[str, Callable[[], list[int]]] = {
        "creditcore": lambda: list(ours.tally(frame, threads=threads)["hits"].values())
    }

    def decided(categories: bool) -> list[int]:
        rows = ours.decide(frame, categories=categories, threads=threads)
        return rows.select(pl.col("rules").list.len().sum()).to_series().to_list()

    if "decide" in names:
        found["creditcore.decide"] = lambda: decided(False)
    if "categories" in names:
        found["creditcore.categories"] = lambda: decided(True)

    def expression(predicate: tuple[str, str, Any]) -> pl.Expr:
        name, operator, value = predicate
        column = pl.col(name)
        if name.startswith("f"):
            column = column.cast(pl.Float64)
        if operator == "in":
            return pl.col(name).is_in(value)
        made: pl.Expr = column < value if operator == "<" else column > value
        return made

    query = frame.lazy().select(
        (expression(a) & expression(b) & expression(c)).sum().alias(f"r{place}")
        for place, (a, b, c) in enumerate(made)
    )
    if "polars" in names:
        found["polars"] = lambda: list(query.collect().row(0))
    if "polars-streaming" in names:
        found["polars-streaming"] = lambda: list(query.collect(engine="streaming").row(0))
    if "duckdb" in names and find_spec("duckdb"):
        import duckdb

        connection = duckdb.connect()
        connection.execute(f"SET threads = {threads}")
        arrow = frame.to_arrow()
        connection.register("arrow", arrow)
        connection.execute("CREATE TABLE t AS SELECT * FROM arrow")
        counted = ", ".join(f"count(*) FILTER (WHERE {' AND '.join(map(to_sql, rule))})" for rule in made)
        found["duckdb"] = lambda: list(connection.execute(f"SELECT {counted} FROM t").fetchall()[0])
    return found


def zen(data: dict[str, Any], made: Any, records: int) -> float:
    """Seconds of zen-engine for so many records in one batch, all rules in one expression node."""
    import polars as pl
    import zen

    def text(predicate: tuple[str, str, Any]) -> str:
        name, operator, value = predicate
        return f"{name} in {json.dumps(value)}" if operator == "in" else f"{name} {operator} {value}"

    expressions = [
        {"id": f"e{place}", "key": f"r{place}", "value": " and ".join(map(text, rule))}
        for place, rule in enumerate(made)
    ]
    graph = {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
            {
                "id": "rules",
                "type": "expressionNode",
                "name": "rules",
                "content": {"expressions": expressions},
                "position": {"x": 1, "y": 0},
            },
            {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 2, "y": 0}},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "rules", "type": "edge"},
            {"id": "b", "sourceId": "rules", "targetId": "out", "type": "edge"},
        ],
    }
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"rules": graph}}})
    frame = pl.DataFrame({name: values[:records] for name, values in data.items()})
    rows = frame.with_columns(pl.col(pl.Categorical).cast(pl.String)).to_dicts()
    asked: Any = [{"key": "rules", "context": row} for row in rows]
    start = time.perf_counter()
    answers = engine.evaluate_batch(asked)
    seconds = time.perf_counter() - start
    found = [sum(one["data"]["result"][f"r{place}"] for one in answers) for place in range(len(made))]
    expected = list(policy(made).tally(frame)["hits"].values())
    # It reads 32-bit floats through decimals, so a record at a bound may fall on its other side.
    if sum(abs(one - other) for one, other in zip(found, expected, strict=True)) > len(made) // 100:
        raise RuntimeError("zen-engine finds other hits")
    return seconds


def chosen(told: str | None) -> set[str]:
    """Give the rivals of a text, split at commas; all of them where nothing is said, none for `none`.

    Raises:
        ArgumentError: another name.
    """
    asked = {*RIVALS} if told is None else {*told.split(",")} - {"none"}
    if strange := sorted(asked - {*RIVALS}):
        raise ArgumentError(f"`--rivals {strange[0]}`: allowed are {', '.join(RIVALS)}, none")
    return asked


def compare(
    records: int, count: int, distinct: int, threads: int, runs: int, rivals: set[str]
) -> Iterator[str]:
    """Compare the answers, then time the engines in turn; gives lines to print.

    Args:
        records: how many.
        count: of rules.
        distinct: of predicates.
        threads: of each engine.
        runs: timed runs of each engine.
        rivals: of `RIVALS`; those that are not installed are left out.

    Raises:
        RuntimeError: an engine finds other hits.
    """
    data, made = columns(records), rules(count, distinct)
    found = engines(data, made, threads, rivals)
    hits = found["creditcore"]()
    for name, run in found.items():
        counts = run()
        # What writes ids is asked for the number of all hits alone.
        if counts != ([sum(hits)] if name.startswith("creditcore.") else hits):
            raise RuntimeError(f"{name} finds other hits")
    yield f"{sum(hits):,} hits, the same for {', '.join(found)}"
    seconds: dict[str, list[float]] = {name: [] for name in found}
    used_seconds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(runs):
        for name, run in found.items():
            start, used = time.perf_counter(), time.process_time()
            run()
            seconds[name].append(time.perf_counter() - start)
            used_seconds[name].append(time.process_time() - used)
    ours, least = statistics.median(seconds["creditcore"]), min(used_seconds["creditcore"])
    yield f"{'engine':<22}{'median s':>10}{'x ours':>8}{'processor s':>13}{'x ours':>8}"
    for name, times in seconds.items():
        wall, used = statistics.median(times), min(used_seconds[name])
        yield f"{name:<22}{wall:>10.3f}{wall / ours:>8.1f}{used:>13.3f}{used / least:>8.1f}"
    if "zen" in rivals and find_spec("zen"):
        few = min(FEW, records)
        pace = zen(data, made, few) / few * 1_000_000
        yield f"{'zen-engine':<22}{pace:>10.1f} s for a million records"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    yield f"peak memory of the process {peak:.1f} GiB"
