"""Jobs of their own process: the command line on a cluster, a packed environment, a stream that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

import creditcore as cc
from tests.line import case
from tests.spark.test_job import same_tables
from tests.spark.test_sink import CONFIG, put, wanted
from tests.spark_cluster import ROOT, environment, executors, home
from tests.spark_session import settings

pytestmark = [pytest.mark.spark, pytest.mark.cluster]

PACKED = (
    *("annotated_types", "click", "markdown_it", "mdurl", "numpy", "numpy.libs", "polars", "pyarrow"),
    *("pydantic", "pydantic_core", "pygments", "rich", "typing_inspection", "yaml"),
)
JOB = "from creditcore.cli import main\n\nmain()\n"
STREAM = """
import os, signal, sys
from pathlib import Path
import creditcore.spark as cs
from tests.spark.test_sink import stream
from tests.spark_session import spark_session

folder, until = Path(sys.argv[1]), sys.argv[2]
with cs.portfolio_sink(folder / "state", as_of="latest") as sink:
    def takes(frame, batch):
        sink(frame, batch)
        if str(batch) == until:
            os.kill(os.getpid(), signal.SIGKILL)
    with spark_session(folder, "local[1]") as spark:
        stream(spark, folder, takes)
"""


def options(folder: Path) -> list[str]:
    told = {**settings(folder), **executors()}
    return [part for name, value in told.items() for part in ("--conf", f"{name}={value}")]


def records(folder: Path) -> tuple[str, str]:
    """A configuration and its records, and what the local engine makes of them, in `here`."""
    place = case.write(folder / "case", network=True)
    case.records(200).write_parquet(folder / "records.parquet")
    files = (str(place), str(folder / "records.parquet"))
    command = [sys.executable, "-m", "creditcore", "run", *files, "--as-of", "2026-03-10"]
    subprocess.run([*command, "-o", str(folder / "here")], check=True, capture_output=True)
    return files


def done(command: list[str], told: dict[str, str]) -> str:
    made = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-3000:]
    return made.stdout


def test_the_verb_runs_on_a_cluster(tmp_path: Path, master: str) -> None:
    files = records(tmp_path)
    command = [sys.executable, "-m", "creditcore", "run", "--engine", "spark", "--master", master, *files]
    more = ["--as-of", "2026-03-10", "--json", "-o", str(tmp_path / "there"), *options(tmp_path)]
    told = json.loads(done([*command, *more], environment(tmp_path)))
    same_tables(tmp_path / "here", tmp_path / "there")
    assert told["population"]["records"] == 200


def test_a_packed_environment_goes_along(tmp_path: Path, master: str) -> None:
    """Executors have nothing but what the archive brings."""
    files = records(tmp_path)
    venv.EnvBuilder(symlinks=False).create(tmp_path / "pack")
    site = next(tmp_path.glob("pack/lib/python*/site-packages"))
    here = Path(cc.__file__).parent
    for name in PACKED:
        (site / name).symlink_to(here_or_installed(name))
    for more in here_or_installed("polars").parent.glob("_polars_runtime*"):
        (site / more.name).symlink_to(more)
    (site / "typing_extensions.py").symlink_to(here_or_installed("typing_extensions.py"))
    (site / "creditcore").symlink_to(here)
    # Spark unpacks a plain `.tar` without permissions, so that nothing in it can be run.
    pack = tmp_path / "pack.tar.gz"
    with tarfile.open(pack, "w:gz", dereference=True, compresslevel=0) as archive:
        for part in (tmp_path / "pack").iterdir():
            if not part.is_symlink():  # `lib64` is `lib`
                archive.add(part, part.name)
    (tmp_path / "job.py").write_text(JOB)
    told = environment(tmp_path)
    told |= {"PYSPARK_PYTHON": "./environment/bin/python", "PYSPARK_DRIVER_PYTHON": sys.executable}
    archive_of = ["--archives", f"{pack}#environment"]
    command = [str(home() / "bin" / "spark-submit"), "--master", master, *archive_of, *options(tmp_path)]
    run = [str(tmp_path / "job.py"), "run", "--engine", "spark", *files, "--as-of", "2026-03-10"]
    done([*command, *run, "-o", str(tmp_path / "there")], told)
    same_tables(tmp_path / "here", tmp_path / "there")


def here_or_installed(name: str) -> Path:
    import numpy

    found = Path(numpy.__file__).parents[1] / name
    assert found.exists(), found
    return found


def test_a_stream_that_is_killed_between_two_commits_goes_on(tmp_path: Path) -> None:
    cc.Portfolio.create(tmp_path / "state", CONFIG).close()
    put(tmp_path, range(3))
    command = [sys.executable, "-c", STREAM, str(tmp_path)]
    told = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([*command, "1"], env=told, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
    assert not (tmp_path / "checkpoint" / "commits" / "1").exists()
    with cc.Portfolio.open(tmp_path / "state", "read") as portfolio:
        assert portfolio.version == 2
    done([*command, "none"], told)
    assert (tmp_path / "checkpoint" / "commits" / "2").exists()
    with cc.Portfolio.open(tmp_path / "state", "read") as portfolio:
        assert portfolio.version == 3
        assert portfolio.digest() == wanted(tmp_path)
