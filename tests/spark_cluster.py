"""A cluster on one machine: a standalone master, two workers with a processor each, Spark Connect.

Out: processes with little memory, quiet, ended with the block; executors of this interpreter.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.spark_session import settings

ROOT = Path(__file__).parents[1]
WORKERS = 2
SECONDS = 800
"""How long a process of the cluster may take to answer, and may be silent before it is taken for dead: a busy
machine holds up all of them for minutes. One that is killed is missed at once, by its connections."""


def home() -> Path:
    """Where pyspark keeps its scripts."""
    import pyspark

    return Path(pyspark.__file__).parent


def environment(folder: Path) -> dict[str, str]:
    """The environment of the cluster's processes."""
    settings(folder)
    quiet = f"-Dlog4j2.configurationFile={folder.as_uri()}/log4j2.properties"
    told = {
        "SPARK_HOME": str(home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_DAEMON_JAVA_OPTS": f"-XX:+UseSerialGC -Dspark.worker.timeout={SECONDS} {quiet}",
        "PYSPARK_PYTHON": sys.executable,
    }
    return {**os.environ, **told}


def executor() -> int:
    """The process of the executor that a task runs on: the parent of what started Python."""
    with open(f"/proc/{os.getppid()}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def answers(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process listens."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, f"the process ended with {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"nobody listens to port {port} after {SECONDS} seconds")


@contextmanager
def running(folder: Path, *command: str, memory: str = "256m") -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in a group of its own, with all that it starts; it is ended with the block."""
    log = (folder / f"{command[1].split('.')[-1]}-{time.monotonic_ns()}.log").open("wb")
    program = [str(home() / "bin" / command[0]), *command[1:]]
    told = environment(folder) | {"SPARK_DAEMON_MEMORY": memory}
    process = subprocess.Popen(program, env=told, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
        log.close()


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Give the URL of a standalone master with its workers."""
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    place = "org.apache.spark.deploy"
    with ExitStack() as stack:
        listens = ("--host", "127.0.0.1", "--webui-port", "0")
        master = running(folder, "spark-class", f"{place}.master.Master", *listens, "--port", str(port))
        answers(port, stack.enter_context(master))
        for number in range(WORKERS):
            work = folder / f"worker-{number}"
            more = ("--cores", "1", "--memory", "1g", "--work-dir", str(work), url)
            stack.enter_context(running(folder, "spark-class", f"{place}.worker.Worker", *listens, *more))
        yield url


def executors() -> dict[str, str]:
    """What an application of the cluster is set to beside the settings of the tests."""
    return {
        "spark.executor.memory": "512m",
        "spark.executor.cores": "1",
        "spark.cores.max": str(WORKERS),
        "spark.executorEnv.PYTHONPATH": str(ROOT),
        "spark.executor.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": f"{SECONDS}s",
        "spark.network.timeout": f"{SECONDS}s",
        "spark.python.authenticate.socketTimeout": f"{SECONDS}s",
        "spark.task.maxFailures": "3",
    }


@contextmanager
def connect(folder: Path, master: str) -> Iterator[str]:
    """Give the address of a Spark Connect server that works on a master."""
    port = free_port()
    told = {**settings(folder), **executors(), "spark.connect.grpc.binding.port": str(port)}
    options = [part for name, value in told.items() for part in ("--conf", f"{name}={value}")]
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    command = ("spark-submit", "--class", server, "--master", master, *options)
    with running(folder, *command, memory="1g") as process:
        answers(port, process)
        yield f"sc://127.0.0.1:{port}"
