"""The cluster, started once for all tests that need it; its applications run one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a standalone master with two workers."""
    from tests.spark_cluster import cluster

    with cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url


@pytest.fixture(scope="module")
def clustered(master: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on both workers."""
    from tests.spark_cluster import executors
    from tests.spark_session import spark_session

    told = {name.replace(".", "__"): value for name, value in executors().items()}
    with spark_session(tmp_path_factory.mktemp("driver"), master, **told) as session:
        yield session


@pytest.fixture(scope="module")
def connected(master: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session of Spark Connect on both workers."""
    from pyspark.sql import SparkSession as Sessions

    from tests.spark_cluster import connect

    with connect(tmp_path_factory.mktemp("connect"), master) as address:
        session = Sessions.builder.remote(address).getOrCreate()
        try:
            yield session
        finally:
            session.stop()
            # Spark leaves it behind, and would take every later session for one of Spark Connect.
            os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


@pytest.fixture
def once(tmp_path: Path) -> Path:
    """A file that is made by whoever comes first."""
    return tmp_path / "once"
