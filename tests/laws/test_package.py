"""The house's rules for the Python package and for the repository as a whole, each a test.

In: the files as they stand. Out: a failure lists every place that breaks the rule. That the scanners can
fail is shown in test_scanners.py.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from tests.laws import house, python

TEXT_SUFFIXES = {".rs", ".py", ".pyi", ".toml", ".md", ".lock", ".csv", ".yml", ""}
# Spelled in two halves so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|\b(?:to" r"do|un" r"implemented)!")
FOLDERS_OF_A_MACHINE = re.compile(r"(?<![\w.~$}])/(?:home|root|work|Users|mnt)/\w")
HOST_OF_AN_INDEX = re.compile(r"(?:^|\s)(?:--?\w[\w-]*-url|-i|-f|--find-links)\b|https?://", re.MULTILINE)


def package_findings(scan: str, *, but: tuple[str, ...] = (), only: str = "") -> list[str]:
    """What a scanner of `python` finds in the modules of the package."""
    return [
        f"{house.place(path)}: {hit}"
        for path in house.python_files()
        if (name := path.relative_to(house.PACKAGE).as_posix()).startswith(only) and not name.startswith(but)
        for hit in getattr(python, scan)(house.text_of(path))
    ]


def inner_imports(path: Path) -> set[str]:
    """The modules of the package that one of them loads: `_core`, `cli`, `rank`..."""
    parts = path.relative_to(house.PACKAGE).parent.parts
    names = python.imports(house.text_of(path), ".".join(["creditcore", *parts]))
    return {name.split(".")[1] for name in names if name.startswith("creditcore.")}


def repository_files() -> list[Path]:
    """Every text file that is, or may be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(command, cwd=house.ROOT, capture_output=True, text=True, check=True).stdout
    paths = [house.ROOT / name for name in told.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix in TEXT_SUFFIXES]


def test_only_one_module_turns_frames_into_arrays() -> None:
    assert package_findings("frame_work", but=house.FRAME_PLACES) == []


def test_nothing_is_pickled() -> None:
    assert package_findings("pickles") == []


def test_the_command_line_holds_no_logic() -> None:
    assert package_findings("arithmetic", only="cli") == []


def test_only_the_command_line_knows_the_command_line() -> None:
    found = [
        f"{house.place(path)}: `{name}`"
        for path in house.python_files()
        if "cli" not in path.relative_to(house.PACKAGE).parts and path.name not in ("cli.py", "__main__.py")
        for name in sorted(
            (inner_imports(path) & {"cli"}) | (python.tops(python.imports(house.text_of(path))) & {"click"})
        )
    ]
    assert found == []


def test_a_report_is_made_of_plain_records() -> None:
    found = [
        f"{house.place(path)}: `{name}`"
        for path in house.python_files()
        if path.relative_to(house.PACKAGE).parts[0] in ("report", "report.py")
        for name in sorted(inner_imports(path) & {"_core", "_frame"})
    ]
    assert found == []


def test_every_module_says_what_it_is() -> None:
    found = [
        house.place(path)
        for folder in (house.PACKAGE, house.ROOT / "tests", house.ROOT / "benches")
        for path in house.python_files(folder)
        if not python.has_docstring(house.text_of(path))
    ]
    assert found == []


def test_no_python_file_or_function_is_too_long() -> None:
    found = package_findings("long_functions")
    for folder in (house.PACKAGE, house.ROOT / "tests", house.ROOT / "benches"):
        for path in house.python_files(folder):
            lines = len(house.text_of(path).splitlines())
            if lines > house.LONGEST_FILE:
                found.append(f"{house.place(path)} has {lines} lines")
    assert found == []


def test_no_python_name_is_empty_of_meaning() -> None:
    found = [
        f"{house.place(path)}: `{name}`"
        for path in house.python_files()
        for name in [path.stem, *python.defined_names(house.text_of(path))]
        if house.forbidden_parts(name)
    ]
    assert found == []


def test_the_package_is_typed() -> None:
    assert (house.PACKAGE / "py.typed").exists()
    assert (house.PACKAGE / "_core.pyi").exists()


def test_the_stub_hides_nothing() -> None:
    """A module-wide `__getattr__` stands in for what the generator could not describe."""
    assert "def __getattr__" not in house.text_of(house.PACKAGE / "_core.pyi")


def test_nothing_is_left_for_later_and_no_machine_is_named() -> None:
    found = [
        f"{house.place(path)}: `{hit[0]}`"
        for path in repository_files()
        for pattern in (UNFINISHED, FOLDERS_OF_A_MACHINE)
        for hit in pattern.finditer(house.text_of(path))
        if path.name != "test_scanners.py"
    ]
    assert found == []


def test_the_lock_file_pins_every_package_and_names_no_index() -> None:
    lock = house.text_of(house.ROOT / "requirements.lock")
    assert HOST_OF_AN_INDEX.findall(lock) == []
    pins = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    assert [pin for pin in pins if not re.match(r"[a-z0-9.-]+==[^=\s]+( ; .+)?$", pin)] == []
    told = tomllib.loads(house.text_of(house.ROOT / "pyproject.toml"))
    wanted = [
        *told["project"]["dependencies"],
        *(name for group in told["dependency-groups"].values() for name in group),
    ]
    names = {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in wanted}
    assert names - {pin.split("==")[0] for pin in pins} == set()


def test_the_changelog_speaks_of_the_version() -> None:
    changelog = house.text_of(house.ROOT / "CHANGELOG.md")
    version = tomllib.loads(house.text_of(house.ROOT / "Cargo.toml"))["workspace"]["package"]["version"]
    section = re.search(rf"^## .*{re.escape(version)}.*?(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    assert section is not None, f"no section for version {version}"
    assert re.search(r"^\s*[-*] \S", section[0], re.MULTILINE), f"no entry for version {version}"
