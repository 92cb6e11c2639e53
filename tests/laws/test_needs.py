"""The needs of marked tests: skipped where they are not met, failed where they are required.

In: tests/conftest.py beside one marked test, on an empty path. Out: what pytest says of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


def run_marked_test(folder: Path, marker: str, required: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    spark\n    browser\n")
    (folder / "test_it.py").write_text(
        f"import pytest\n\n@pytest.mark.{marker}\ndef test_it():\n    assert True\n"
    )
    environment = {**os.environ, "PATH": str(folder), "CREDITCORE_REQUIRE": required}
    command = [sys.executable, "-m", "pytest", "-rsf", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.parametrize("marker", ["spark", "browser"])
def test_an_unmet_need_skips_with_its_reason(tmp_path: Path, marker: str) -> None:
    done = run_marked_test(tmp_path, marker, required="")
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "on the path" in done.stdout


@pytest.mark.parametrize("marker", ["spark", "browser"])
def test_an_unmet_need_that_is_required_fails(tmp_path: Path, marker: str) -> None:
    done = run_marked_test(tmp_path, marker, required="spark, browser")
    assert done.returncode == 1, done.stdout
    assert f"names `{marker}`" in done.stdout


def test_a_need_that_is_met_runs(tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    done = run_marked_test(tmp_path, "browser", required="browser")
    assert "1 passed" in done.stdout
