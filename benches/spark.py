"""Spark beside the local engine, from one worker to two, and components beside a loop of DataFrames.

    python benches/spark.py sums --records 20000000
    python benches/spark.py fleet --demo FOLDER_OF_THE_DEMO
    python benches/spark.py components --people 100000

Comes in: a case and its size. Goes out: seconds of each engine, the first pass and the best of the others,
after answers were compared to the byte; for components also rounds and shuffled bytes. Masters are `local[2]`
(one JVM) and `local-cluster[W,1,1024]` (W workers of one processor and 1 GiB). Each has a process of its own;
a pass begins at the files and ends with the answer on the driver, and starting Spark is not in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

import creditcore as cc

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from creditcore.pipeline.pipeline import Pipeline

MASTERS = ("local", "local[2]", "local-cluster[1,1,1024]", "local-cluster[2,1,1024]")
FILES = 16
"""Files of records, so that there is something to share out."""
CITIES = ("310100", "330400", "440300", "110100", "500100", "120100")
BY = ["city", "province"]
MODEL = Path(__file__).parents[1] / "tests" / "model" / "data" / "small_lightgbm.txt"
"""Six trees over a town, a size and an age: so few that Spark's share is all that counts."""
SCORED = "points:0"
FIGURES = ("group_id", "size", "score", "strength", "closure", "shared")
ALIKE = {"loop": "components"}
"""What must give the same answer as another."""
Answer = Callable[[], str]


def records(folder: Path, rows: int) -> None:
    """Narrow records: points in 1/64 in every second file, doubles of any size in the others."""
    each = rows // FILES
    for number in range(FILES):
        rng = np.random.default_rng(number)
        points = rng.normal(600.0, 40.0, each)
        columns = {
            "key": np.arange(number * each, (number + 1) * each),
            "adcode": np.array(CITIES)[rng.integers(0, len(CITIES), each)],
            "points_model": np.round(points * 64) / 64 if number % 2 else points,
            "exposure": rng.integers(1, 1_000_000, each) / 100,
            "town": rng.integers(0, 4, each),
            "size": rng.integers(0, 4, each),
            "age": rng.uniform(18.0, 80.0, each),
        }
        pl.DataFrame(columns).write_parquet(folder / f"{number:02}.parquet")


def parts(frame: pl.DataFrame, folder: Path) -> None:
    """The rows of a frame, dealt to files."""
    for number in range(FILES):
        frame[number::FILES].write_parquet(folder / f"{number:02}.parquet")


def digest(data: bytes) -> str:
    """What tells two answers apart."""
    return hashlib.sha256(data).hexdigest()


def of_sums(sums: cc.Aggregate) -> str:
    """The digest of sums and of the rankings that they make."""
    ranked = b"".join(sums.rank(name).to_polars().write_csv().encode() for name in BY)
    return digest(sums.to_bytes() + ranked)


def of_groups(rings: pl.DataFrame, people: pl.DataFrame) -> str:
    """The digest of groups and of everybody's score."""
    return digest((of_frame(rings.select(FIGURES), "group_id") + of_frame(people)).encode())


def of_frame(frame: pl.DataFrame, by: str = "key") -> str:
    """The digest of rows in the order of their keys."""
    return digest(frame.sort(by).write_csv().encode())


def pipeline(demo: str) -> Pipeline:
    """The demo's models, without its rules."""
    from creditcore.pipeline.pipeline import Pipeline

    return Pipeline.load(Path(demo) / "models")


def here(case: str, folder: Path, demo: str) -> dict[str, Answer]:
    """What the local engine does, by name."""
    files = sorted(folder.glob("*.parquet"))
    if case == "sums":

        def points() -> str:
            rows = pl.read_parquet(files)
            made = cc.Fleet.load({"points": MODEL}).predict(rows, threads=2).hstack(rows.select("adcode"))
            return of_sums(cc.aggregate(made, BY, SCORED, threads=2))

        return {
            "sums": lambda: of_sums(cc.aggregate(files, BY, weight="exposure", threads=2)),
            "scores": points,
        }
    if case == "fleet":
        known = pipeline(demo)

        def scored() -> str:
            rows = pl.read_parquet(files)
            points = known.score(rows, threads=2).select("points_model").hstack(rows.select("adcode"))
            return digest(cc.aggregate(points, BY, threads=2).to_bytes())

        return {"fleet": scored}
    from creditcore.bench.credit_graph import COLUMNS

    def groups(labels: str | None = None) -> str:
        found = cc.find_groups(files, "key", COLUMNS, "day", labels, threads=2)
        return of_groups(found.all(), found.people())

    return {
        "components": lambda: of_frame(cc.components(files, "key", COLUMNS, threads=2)),
        "groups": groups,
        "labels": lambda: groups("fraud"),
    }


def there(case: str, folder: Path, demo: str, spark: SparkSession) -> dict[str, Answer]:
    """What Spark does, by name."""
    import creditcore.spark as cs

    rows = spark.read.parquet(str(folder))
    if case == "sums":

        def points() -> str:
            made = cs.score(rows, cc.Fleet.load({"points": MODEL}), "raw").select("adcode", f"`{SCORED}`")
            return of_sums(cs.aggregate(made, BY, SCORED))

        return {
            "sums": lambda: of_sums(cs.aggregate(rows, BY, weight="exposure")),
            "scores": points,
        }
    if case == "fleet":
        scored = cs.score(rows, pipeline(demo)).select("adcode", "points_model")
        return {"fleet": lambda: digest(cs.aggregate(scored, BY).to_bytes())}
    from creditcore.bench.credit_graph import COLUMNS

    def ours() -> str:
        return of_frame(pl.DataFrame(cs.components(rows, "key", COLUMNS).toArrow()))

    def groups(labels: str | None = None) -> str:
        found = cs.find_groups(rows, "key", COLUMNS, "day", labels)
        rings, people = (pl.DataFrame(one.toArrow()) for one in (found.all(), found.people()))
        found.release()
        return of_groups(rings, people)

    return {
        "components": ours,
        "loop": lambda: of_frame(loop(rows, COLUMNS)),
        "groups": groups,
        "labels": lambda: groups("fraud"),
    }


def loop(rows: DataFrame, columns: dict[str, list[str]]) -> pl.DataFrame:
    """Components as one writes them with DataFrames: the least label of each identifier, until all stay."""
    from pyspark.sql import functions as f

    # 0 is a placeholder, which links nobody.
    values = [
        f.when(f.col(name) != 0, f.concat(f.lit(f"{kind}:"), f.col(name).cast("string")))
        for kind, names in columns.items()
        for name in names
    ]
    links = rows.select("key", f.explode(f.array_compact(f.array(*values))).alias("identifier"))
    links = links.distinct().persist()
    labels = rows.select("key", f.col("key").alias("component")).localCheckpoint()
    rounds = 0
    while True:
        rounds += 1
        least = links.join(labels, "key").groupBy("identifier").agg(f.min("component").alias("component"))
        mine = links.join(least, "identifier").groupBy("key").agg(f.min("component").alias("mine"))
        met = labels.join(mine, "key", "left")
        step = met.select("key", f.least("component", f.coalesce("mine", "component")).alias("component"))
        # Labels of labels: chains halve with each round.
        jump = step.select(f.col("key").alias("component"), f.col("component").alias("further"))
        after = step.join(jump, "component").select("key", f.col("further").alias("component"))
        after = after.localCheckpoint()
        changed = after.join(labels.withColumnRenamed("component", "before"), "key")
        if changed.where("component <> before").limit(1).count() == 0:
            break
        labels = after
    links.unpersist()
    print(json.dumps({"rounds": rounds}), file=sys.stderr)
    return pl.DataFrame(labels.toArrow())


def shuffled(spark: Any) -> int:
    """Bytes that executors have written for shuffles so far."""
    store = spark.sparkContext._jsc.sc().statusStore()
    found = store.executorList(False)
    return sum(found.apply(place).totalShuffleWrite() for place in range(found.size()))


def session(master: str, folder: Path) -> SparkSession:
    """A quiet session of a master."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from pyspark.sql import SparkSession as Sessions

    from tests.spark_session import settings

    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    told = {**settings(folder), "spark.executor.memory": "1g", "spark.sql.shuffle.partitions": "8"}
    told.pop("spark.sql.autoBroadcastJoinThreshold")
    told["spark.driver.extraJavaOptions"] = told["spark.driver.extraJavaOptions"].replace(
        "-XX:TieredStopAtLevel=1", ""
    )
    builder = Sessions.builder.master(master).appName("bench")
    for name, value in told.items():
        builder = builder.config(name, value)
    made: SparkSession = builder.getOrCreate()
    return made


def measured(options: argparse.Namespace) -> None:
    """Run one master's passes, and print each answer as a line of JSON."""
    folder = Path(options.folder)
    if options.one == "local":
        for name, run in here(options.case, folder, options.demo).items():
            if options.only not in ("", name):
                continue
            print(json.dumps(passes(name, run, options.runs, lambda: 0)), flush=True)
        return
    with tempfile.TemporaryDirectory() as scratch:
        spark = session(options.one, Path(scratch))
        for name, run in there(options.case, folder, options.demo, spark).items():
            if options.only not in ("", name):
                continue
            runs = 1 if name == "loop" else options.runs
            print(json.dumps(passes(name, run, runs, lambda: shuffled(spark))), flush=True)
        spark.stop()


def passes(name: str, run: Answer, runs: int, count: Callable[[], int]) -> dict[str, Any]:
    """Run something so many times; gives seconds, the answer, and what was shuffled by one pass."""
    seconds, answers, before = [], set(), count()
    for _ in range(runs):
        start = time.perf_counter()
        answers.add(run())
        seconds.append(time.perf_counter() - start)
    assert len(answers) == 1
    return {"name": name, "seconds": seconds, "answer": answers.pop(), "bytes": (count() - before) // runs}


def main() -> None:
    """Make the records, run each master in a process of its own, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("case", choices=("sums", "fleet", "components"))
    parser.add_argument("--records", type=int, default=20_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--demo", default="creditcore-demo")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--masters", default=" ".join(MASTERS))
    parser.add_argument("--only", default="", help="of a case's answers this one")
    parser.add_argument("--folder", help="of records that are there, or are made and stay")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measured(options)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.folder or scratch)
        folder.mkdir(exist_ok=True)
        if not list(folder.glob("*.parquet")):
            made_for(options, folder)
        wanted: dict[str, str] = {}
        for master in options.masters.split():
            told = [
                f"--demo={options.demo}",
                f"--runs={options.runs}",
                f"--only={options.only}",
                f"--folder={folder}",
                f"--one={master}",
            ]
            command = [sys.executable, __file__, options.case, *told]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                for line in process.stdout or ():
                    if line.startswith("{"):
                        compare(json.loads(line), master, wanted)


def compare(one: dict[str, Any], master: str, wanted: dict[str, str]) -> None:
    """Hold an answer against those before it, and print what it took."""
    name = ALIKE.get(one["name"], one["name"])
    assert wanted.setdefault(name, one["answer"]) == one["answer"], f"{master}: another answer"
    first, *more = one["seconds"]
    best = f", best of the others {min(more):.2f} s" if more else ""
    shuffle = f", {one['bytes'] / 1e6:.1f} MB shuffled" if one["bytes"] else ""
    print(f"{master:<26}{one['name']:<12}first {first:.2f} s{best}{shuffle}", flush=True)


def made_for(options: argparse.Namespace, folder: Path) -> None:
    """Make the records of a case."""
    if options.case == "sums":
        records(folder, options.records)
    elif options.case == "fleet":
        parts(pl.read_parquet(Path(options.demo) / "records.parquet"), folder)
    else:
        from creditcore.bench.credit_graph import draw_graph

        graph = draw_graph(options.people, seed=1)
        parts(graph.frame().with_columns(fraud=pl.Series(graph.ring >= 0)), folder)


if __name__ == "__main__":
    main()
