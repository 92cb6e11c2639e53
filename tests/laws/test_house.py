"""The house's rules for Rust, each a test.

In: the files as they stand. Out: a failure lists every place that breaks the rule. That the scanners can
fail is shown in test_scanners.py.
"""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.laws import house, rust

CORE_SOURCE = house.RUST / "core" / "src"
OUTSIDE_WORLD = (
    r"\bstd::(?:fs|env|net|process|os)\b"
    r"|\bstd::\{[^}]*\b(?:fs|env|net|process|os)\b"
    r"|\b(?:SystemTime|Instant|File|OpenOptions|stdout|stderr|stdin)\b"
    r"|\be?print(?:ln)?!"
)


def test_every_crate_has_its_rule() -> None:
    members = tomllib.loads(house.text_of(house.ROOT / "Cargo.toml"))["workspace"]["members"]
    assert sorted(members) == sorted(f"rust/{crate}" for crate in house.ALLOWED)


@pytest.mark.parametrize("crate", house.ALLOWED)
def test_crates_depend_only_to_the_left(crate: str) -> None:
    assert house.crate_breaches(crate, house.manifest(crate)) == []


@pytest.mark.parametrize("crate", house.ALLOWED)
def test_every_crate_takes_the_lints_and_versions_of_the_workspace(crate: str) -> None:
    told = house.manifest(crate)
    assert told["lints"] == {"workspace": True}
    assert told["package"]["version"] == {"workspace": True}
    for name, wanted in told.get("dependencies", {}).items():
        assert isinstance(wanted, dict), f"`{name}` must take the workspace's version"
        assert wanted.get("workspace"), f"`{name}` must take the workspace's version"


def test_the_build_assumes_no_cpu_and_panics_unwind() -> None:
    """A kernel is chosen at run time, and a panic becomes an exception instead of the interpreter's end."""
    assert not list(house.ROOT.glob(".cargo/config*"))
    told = tomllib.loads(house.text_of(house.ROOT / "Cargo.toml"))
    panics = {profile.get("panic", "unwind") for profile in told.get("profile", {}).values()}
    assert panics == {"unwind"}


def test_unsafe_stands_only_where_it_may() -> None:
    found = [
        f"{house.place(path)}:{line}"
        for path in house.rust_files()
        if not path.relative_to(house.RUST).as_posix().startswith(house.UNSAFE_PLACES)
        for line in rust.unsafe_lines(house.text_of(path))
    ]
    assert found == []


def test_every_unsafe_block_says_why_it_is_sound() -> None:
    found = [
        f"{house.place(path)}:{line}"
        for path in house.rust_files()
        for line in rust.unexplained_unsafe(house.text_of(path))
    ]
    assert found == []


def test_core_forbids_unsafe_code() -> None:
    assert "#![forbid(unsafe_code)]" in house.text_of(CORE_SOURCE / "lib.rs")


def test_core_knows_no_files_clock_environment_or_terminal() -> None:
    found = [
        f"{house.place(path)}: {hit}"
        for path in house.rust_files("core/src")
        for hit in rust.words(house.text_of(path), OUTSIDE_WORLD)
    ]
    assert found == []


def test_a_stage_uses_only_what_stands_before_it() -> None:
    found = []
    for path in house.rust_files("core/src"):
        module = house.module_of(path, CORE_SOURCE)
        if module == ("lib",) or rust.is_test_file(path):
            continue
        used = rust.used_modules(house.text_of(path), module)
        found += [f"{house.place(path)}: {breach}" for breach in house.stage_breaches(module, used)]
    assert found == []


def test_only_the_binding_knows_the_interpreter() -> None:
    found = [
        house.place(path)
        for crate in ("kernels", "core", "store")
        for path in house.rust_files(crate)
        if re.search(r"\bpyo3\b", rust.blanked(house.text_of(path)))
    ]
    assert found == []


def test_the_binding_holds_no_arithmetic() -> None:
    found = [
        f"{house.place(path)}: {hit}"
        for path in house.rust_files("py")
        if path.name != "gate.rs"  # it counts the ticks between two reports
        for hit in rust.words(house.text_of(path), r"[-+*/]=|\.(?:sum|product|fold)(?:::<[^>]*>)?\(")
    ]
    assert found == []


def test_every_class_of_the_binding_is_frozen() -> None:
    found = [
        f"{house.place(path)}:{line}"
        for path in house.rust_files("py")
        for line in rust.unfrozen_classes(house.text_of(path))
    ]
    assert found == []


def test_only_the_gate_lets_the_interpreter_go() -> None:
    holders = {
        path.name
        for path in house.rust_files("py")
        if rust.words(house.text_of(path), r"\b(?:detach|allow_threads|check_signals)\b")
    }
    assert holders == {"gate.rs"}


def test_no_rust_file_or_function_is_too_long() -> None:
    found = []
    for path in house.rust_files():
        text = house.text_of(path)
        if len(text.splitlines()) > house.LONGEST_FILE:
            found.append(f"{house.place(path)} has {len(text.splitlines())} lines")
        if not rust.is_test_file(path):
            found += [f"{house.place(path)}, {hit}" for hit in rust.long_functions(text)]
    assert found == []


def test_every_rust_file_opens_with_what_it_is() -> None:
    found = [
        house.place(path)
        for path in house.rust_files()
        if not rust.is_test_file(path) and not house.text_of(path).startswith("//!")
    ]
    assert found == []


def test_no_rust_name_is_empty_of_meaning() -> None:
    found = [
        f"{house.place(path)}: `{name}`"
        for path in house.rust_files()
        for name in [path.stem, *rust.defined_names(house.text_of(path))]
        if house.forbidden_parts(name)
    ]
    assert found == []
