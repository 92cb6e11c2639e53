"""What the house is: its files, its crates, who may use whom.

In: the repository. Out: paths and tables that the guards read. A new crate, stage or dependency is written
here first, where a reviewer sees it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RUST = ROOT / "rust"
PACKAGE = ROOT / "python" / "creditcore"

# For each crate: which of the workspace's crates it may use, and which others.
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "kernels": (set(), set()),
    "core": (
        {"creditcore-kernels"},
        {
            "arrow-array",
            "arrow-buffer",
            "arrow-cast",
            "arrow-schema",
            "arrow-select",
            "libm",
            "num-bigint",
            "serde",
            "serde_json",
            "sha2",
            "sqlparser",
            "thiserror",
            "unicode-normalization",
        },
    ),
    "store": (
        {"creditcore", "creditcore-kernels"},
        {
            *(
                "arrow-array",
                "arrow-buffer",
                "arrow-cast",
                "arrow-ipc",
                "arrow-schema",
                "arrow-select",
                "parquet",
            ),
            *("csv", "encoding_rs", "flate2", "glob", "libc", "memmap2", "serde", "serde_json", "thiserror"),
        },
    ),
    "py": (
        {"creditcore", "creditcore-store"},
        {
            *("arrow-array", "arrow-schema", "arrow-select"),
            *("mimalloc", "numpy", "pyo3", "pyo3-arrow", "serde_json"),
        },
    ),
}
# What only tests and benchmarks of a crate may use.
ALLOWED_DEV = {"proptest", "criterion", "tempfile", "parquet", "arrow-ipc", "flate2"}

# The order of the stages in rust/core: each may use the ground floor and the stages before it.
GROUND_FLOOR = ("error", "exec", "batch", "expr", "region", "id")
STAGES = ("link", "feature", "model", "tactic", "score", "aggregate", "rank", "refresh")

# The only places that may hold `unsafe`, relative to rust/.
UNSAFE_PLACES = ("kernels/", "store/src/map.rs")

# The only modules of the Python package that know a frame library (Spark hands batches of pyarrow); the demo
# and the benchmark make records from nothing.
FRAME_PLACES = (
    *("_frame.py", "frames/"),
    *("linking/group_trees.py", "linking/nested.py"),
    *("spark/batches.py", "spark/risks.py", "spark/shards.py", "demo/", "bench/"),
)

FORBIDDEN_WORDS = {"manager", "helper", "helpers", "processor", "util", "utils", "info", "misc"}

LONGEST_FILE = 400


def manifest(crate: str) -> dict[str, Any]:
    """The manifest of a crate."""
    return tomllib.loads((RUST / crate / "Cargo.toml").read_text(encoding="utf-8"))


def rust_files(crate: str = "") -> Iterator[Path]:
    """Every Rust file, or those of one crate."""
    return (path for path in sorted((RUST / crate).rglob("*.rs")) if "target" not in path.parts)


def python_files(folder: Path = PACKAGE) -> Iterator[Path]:
    """Every Python file below a folder."""
    return iter(sorted(folder.rglob("*.py")))


def text_of(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def place(path: Path) -> str:
    """A path as a finding names it."""
    return path.relative_to(ROOT).as_posix()


def word_parts(name: str) -> set[str]:
    """The words of a name: `RowInfo_cache2` gives row, info, cache."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def forbidden_parts(name: str) -> set[str]:
    """The words of a name that say nothing."""
    return word_parts(name) & FORBIDDEN_WORDS


def crate_breaches(crate: str, told: dict[str, Any]) -> list[str]:
    """The dependencies of a manifest that its crate may not have."""
    inner, outer = ALLOWED[crate]
    breaches = []
    for table, allowed in (
        ("dependencies", inner | outer),
        ("build-dependencies", set()),
        ("dev-dependencies", inner | outer | ALLOWED_DEV),
    ):
        sections = [told, *told.get("target", {}).values()]
        names = {name for section in sections for name in section.get(table, {})}
        breaches += [f"{crate}: {table} `{name}`" for name in sorted(names - allowed)]
    return breaches


def stage_breaches(module: tuple[str, ...], used: set[str]) -> list[str]:
    """The modules that one in rust/core uses and may not: those of its right, and those without a place."""
    here = module[0] if module else ""
    known = (*GROUND_FLOOR, *STAGES)
    breaches = [f"`{name}` has no place in the order" for name in sorted(used) if name not in known]
    if here in GROUND_FLOOR:
        allowed = set(GROUND_FLOOR)
    elif here in STAGES:
        allowed = {*GROUND_FLOOR, *STAGES[: STAGES.index(here) + 1]}
    else:
        return [*breaches, f"`{here}` has no place in the order"]
    return breaches + [f"`{here}` uses `{name}`" for name in sorted(used & set(known) - allowed)]


def module_of(path: Path, source: Path) -> tuple[str, ...]:
    """The module that a file is: aggregate/mod.rs is ("aggregate",), aggregate/sums.rs two names."""
    parts = path.relative_to(source).with_suffix("").parts
    return parts[:-1] if parts[-1] == "mod" else parts
