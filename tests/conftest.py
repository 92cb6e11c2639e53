"""What a test may need from the machine.

In: the markers `spark` and `browser`, and the variable `CREDITCORE_REQUIRE` (names, split at commas).
Out: a marked test is skipped, with its reason, where a JDK or Chromium is missing; where the variable
names the need, it fails instead, so that a machine meant to run such tests cannot pass them by. Fixtures that
open pages in the browser or start Spark are made here, so that every folder has them. Several processes share
the tests, each of them whole files, and those that go by one costly fixture together.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pyspark.sql import SparkSession

    from tests.browser import Opener

OLDEST_JDK = 17
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing_jdk() -> str | None:
    """Why Spark cannot run here, or nothing."""
    java = shutil.which("java")
    if java is None:
        return f"no `java` on the path (a JDK of version {OLDEST_JDK} or newer is needed)"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < OLDEST_JDK:
        return f"`java` says {told.strip().splitlines()[:1]}, version {OLDEST_JDK} or newer is needed"
    return None


def missing_spark() -> str | None:
    """Why no test runs on Spark here, or nothing."""
    if importlib.util.find_spec("pyspark") is None:
        return missing_jdk() or "pyspark is not installed; `make test` installs it where there is a JDK"
    return missing_jdk()


def missing_browser() -> str | None:
    """Why no page can be opened here, or nothing."""
    if any(shutil.which(name) for name in BROWSERS):
        return None
    return f"none of {', '.join(f'`{name}`' for name in BROWSERS)} is on the path"


NEEDS: dict[str, Callable[[], str | None]] = {"spark": missing_spark, "browser": missing_browser}


TOGETHER = ("tests/demo/", "tests/report/")
"""Folders whose files share what takes long to make."""


def share(item: pytest.Item) -> str:
    """What a test runs together with, in one process."""
    if item.get_closest_marker("spark") is not None:
        return "spark"
    file = item.nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the shares of the processes of pytest-xdist."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(share(item)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test whose need is not met."""
    required = {name.strip() for name in os.environ.get("CREDITCORE_REQUIRE", "").split(",")}
    for name, missing in NEEDS.items():
        if item.get_closest_marker(name) is None:
            continue
        reason = missing()
        if reason is not None and name in required:
            pytest.fail(f"`CREDITCORE_REQUIRE` names `{name}`, but {reason}", pytrace=False)
        if reason is not None:
            pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once for all tests."""
    from tests import browser

    with browser.chromium() as started:
        yield started


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Opener]:
    """Opens a page of the disk, without a network; see `tests/browser.py`."""
    from tests import browser

    with browser.opener(chromium) as opens:
        yield opens


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A small Spark in one JVM, started once for all tests; those that use it carry the marker `spark`."""
    from tests.spark_session import spark_session

    with spark_session(tmp_path_factory.mktemp("spark")) as session:
        yield session
