"""Starting up costs nothing that the call at hand does not need.

In: a fresh interpreter. Out: which of the heavy packages it loaded. A timing would depend on the machine;
what is loaded does not.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import creditcore

HEAVY = ("numpy", "polars", "pandas", "pyarrow", "pydantic", "rich", "click")


def loaded_after(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter holds after `code`, which may end with SystemExit."""
    program = (
        "import sys\n"
        "try:\n"
        f"    {code}\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print(); print(*[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_import_loads_nothing_heavy() -> None:
    assert loaded_after("import creditcore") == set()


def test_version_loads_nothing_heavy() -> None:
    code = "sys.argv = ['creditcore', '--version']; from creditcore.cli import main; sys.exit(main())"
    assert loaded_after(code) == set()


def test_the_probe_sees_what_is_loaded() -> None:
    assert "numpy" in loaded_after("import numpy")


def test_the_command_prints_the_version_of_the_package() -> None:
    command = Path(sys.executable).parent / "creditcore"
    told = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    assert creditcore.__version__ in told
