"""Every crate that is built into the module has a licence that lets it be.

In: what cargo says of the locked dependencies. Out: a failure lists crates and their licences.
"""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.laws import house

ALLOWED = {
    *(
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
    ),
    *("ISC", "MIT", "MIT-0", "MPL-2.0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "Zlib"),
}


def is_allowed(expression: str) -> bool:
    """Whether a licence expression can be met: of an OR one side, of an AND both."""
    # The old spelling of OR in cargo manifests.
    tokens = re.findall(r"\(|\)|\bAND\b|\bOR\b|[\w.+-]+(?: WITH [\w.-]+)?", expression.replace("/", " OR "))

    def either() -> bool:
        met = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            # Read to the end before joining: `or` would stop reading at the first side that is met.
            other = both()
            met = met or other
        return met

    def both() -> bool:
        met = single()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            other = single()
            met = met and other
        return met

    def single() -> bool:
        token = tokens.pop(0) if tokens else ""
        if token != "(":
            return token in ALLOWED
        met = either()
        return bool(tokens) and tokens.pop(0) == ")" and met

    return either() and not tokens


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", True),
        ("(MIT OR Apache-2.0) AND GPL-2.0", False),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", True),
        ("MIT/Apache-2.0", True),
        ("AGPL-3.0", False),
        ("", False),
    ],
)
def test_an_expression_is_read_as_written(expression: str, *, allowed: bool) -> None:
    assert is_allowed(expression) == allowed


def test_every_crate_has_an_allowed_licence() -> None:
    host = re.search(r"^host: (\S+)", run("rustc", "-vV"), re.MULTILINE)
    assert host is not None
    told = json.loads(
        run("cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={host[1]}")
    )
    refused = {
        f"{package['name']} {package['version']}: {package['license']}"
        for package in told["packages"]
        if not is_allowed(package["license"] or "")
    }
    assert len(told["packages"]) > len(house.ALLOWED)
    assert refused == set()


def run(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, cwd=house.ROOT, capture_output=True, text=True, check=True).stdout
