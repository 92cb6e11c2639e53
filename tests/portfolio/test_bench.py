"""`creditcore bench refresh`, at a size of no meaning."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from creditcore.cli.app import app

ARGUMENTS = ["bench", "refresh", "--records", "3000", "--delta", "100", "--refreshes", "3", "--json"]


def test_the_figures_and_the_limit(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*ARGUMENTS, "--folder", str(tmp_path), "--fail-over", "0.001ms"])
    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)
    assert told["equal"]
    assert {"read", "find", "aggregate", "write", "commit", "apply", "rank", "total"} == set(told["stages"])
    again = CliRunner().invoke(app, [*ARGUMENTS, "--folder", str(tmp_path), "--fail-over", "600s"])
    assert again.exit_code == 0
    assert json.loads(again.stdout)["records"] > told["records"]
    assert CliRunner().invoke(app, [*ARGUMENTS, "--fail-over", "soon"]).exit_code == 2
