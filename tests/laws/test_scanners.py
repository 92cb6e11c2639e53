"""The guards can fail: each scanner finds what is wrong in a bad snippet, and nothing in a good one."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.laws import house, python, rust
from tests.laws.test_house import OUTSIDE_WORLD
from tests.laws.test_package import FOLDERS_OF_A_MACHINE, HOST_OF_AN_INDEX, UNFINISHED


def test_comments_and_literals_are_blanked_in_place() -> None:
    text = 'a // "x\nb /* unsafe\n */ c "un\\"safe" r#"un"safe"# \'{\' \'a str'
    assert rust.blanked(text).split() == ["a", "b", "c", "'a", "str"]
    assert rust.blanked(text).count("\n") == text.count("\n")
    assert len(rust.blanked(text)) == len(text)


def test_tests_are_left_out() -> None:
    code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\n#[cfg(test)]\nmod more;\nfn d() {}"
    assert [name for name, *_ in rust.functions(rust.without_tests(code))] == ["a", "d"]


@pytest.mark.parametrize("lines", [60, 61])
def test_a_long_rust_function_is_found(lines: int) -> None:
    text = (
        "trait T { fn none(&self); }\nfn f(a: [u8; 4]) -> u8 {\n"
        + "    g();\n" * (lines - 2)
        + "}\nfn g() {}\n"
    )
    assert rust.long_functions(text) == ([] if lines == 60 else ["line 2: `fn f` has 61 lines"])


def test_unsafe_is_found_as_code_only() -> None:
    assert rust.unsafe_lines('#![forbid(unsafe_code)]\n// unsafe\n"unsafe";\nunsafe { a() }') == [4]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fn f() {\n    unsafe { a() }\n}", [2]),
        ("fn f() {\n    // SAFETY: it holds.\n    unsafe { a() }\n}", []),
        ("fn f() {\n    // SAFETY: long,\n    // longer.\n    let x =\n        unsafe { a() };\n}", []),
        ("fn f() {\n    // SAFETY: of another.\n    b();\n    unsafe { a() }\n}", [4]),
        ("fn f() {\n    // SAFETY: far.\n    b(); // near\n    // nothing\n    unsafe { a() }\n}", [5]),
        ("unsafe impl Send for A {}", [1]),
        ("// SAFETY: only numbers.\nunsafe impl Send for A {}", []),
    ],
)
def test_unexplained_unsafe_is_found(text: str, found: list[int]) -> None:
    assert rust.unexplained_unsafe(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "use std::fs;",
        "std::env::var(a)",
        "use std::{fmt, env};",
        "Instant::now()",
        "println!(a)",
        "eprint!(a)",
    ],
)
def test_the_outside_world_is_found(text: str) -> None:
    assert rust.words(text, OUTSIDE_WORLD)
    assert not rust.words(f"#[cfg(test)]\nmod tests {{ {text} }}", OUTSIDE_WORLD)


def test_the_outside_world_is_not_seen_where_it_is_not() -> None:
    text = (
        "use std::fmt;\nuse std::sync::Mutex; // std::fs\nlet environment = 1; let instants = Profile::new();"
    )
    assert rust.words(text, OUTSIDE_WORLD) == []


@pytest.mark.parametrize(
    ("text", "module", "used"),
    [
        ("use crate::rank::A;", ("score",), {"rank"}),
        ("use crate::{rank::{A, b}, link, Error};", ("score",), {"rank", "link"}),
        ("super::rank::a()", ("score",), {"rank"}),
        ("super::sums::a()", ("score", "x"), set()),
        ("super::super::rank::a()", ("score", "x"), {"rank"}),
        ("use super::{rank, link};", ("score",), {"rank", "link"}),
        ("use crate::Error;\n// crate::rank\n", ("score",), set()),
        ("#[cfg(test)]\nmod tests { use crate::rank::A; }", ("score",), set()),
    ],
)
def test_used_modules_are_found(text: str, module: tuple[str, ...], used: set[str]) -> None:
    assert rust.used_modules(text, module) == used


def test_a_stage_that_looks_to_its_right_is_found() -> None:
    assert house.stage_breaches(("score",), {"error", "model", "score"}) == []
    assert house.stage_breaches(("score", "pdo"), {"rank"}) == ["`score` uses `rank`"]
    assert house.stage_breaches(("error",), {"rank"}) == ["`error` uses `rank`"]
    assert house.stage_breaches(("score",), {"stuff"}) == ["`stuff` has no place in the order"]
    assert house.stage_breaches(("stuff",), set()) == ["`stuff` has no place in the order"]


def test_where_a_file_stands_is_read_from_its_path() -> None:
    source = Path("src")
    assert house.module_of(source / "rank" / "mod.rs", source) == ("rank",)
    assert house.module_of(source / "rank" / "tie.rs", source) == ("rank", "tie")
    assert house.module_of(source / "error.rs", source) == ("error",)


@pytest.mark.parametrize(
    ("crate", "told"),
    [
        ("kernels", {"dependencies": {"libm": {}}}),
        ("core", {"dependencies": {"pyo3": {}}}),
        ("core", {"dependencies": {"creditcore-store": {}}}),
        ("core", {"dev-dependencies": {"pyo3": {}}}),
        ("core", {"target": {"cfg(unix)": {"dependencies": {"libc": {}}}}}),
        ("store", {"build-dependencies": {"cc": {}}}),
        ("py", {"dependencies": {"csv": {}}}),
    ],
)
def test_a_dependency_to_the_right_is_found(crate: str, told: dict[str, object]) -> None:
    assert len(house.crate_breaches(crate, told)) == 1


def test_a_class_that_is_not_frozen_is_found() -> None:
    assert rust.unfrozen_classes('#[pyclass]\nstruct A;\n#[pyclass(frozen, module = "m")]\nstruct B;') == [1]
    assert rust.unfrozen_classes('#[pyclass(name = "frozen")]\nstruct A;') == [1]


@pytest.mark.parametrize("name", ["row_info", "RowInfo", "utils", "TaskManager", "HTTPHelper", "misc2"])
def test_an_empty_word_is_found(name: str) -> None:
    assert house.forbidden_parts(name)
    assert name in rust.defined_names(f"let mut {name} = 1; struct A;")
    assert name in python.defined_names(f"def f({name}): pass")


@pytest.mark.parametrize("name", ["information", "inform", "futile", "managed", "processed"])
def test_a_word_with_a_meaning_is_not(name: str) -> None:
    assert not house.forbidden_parts(name)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("import polars as pl", 1),
        ("def f():\n    from numpy import array", 1),
        ("x.__arrow_c_stream__()", 1),
        ("self._core.__arrow_c_stream__()", 0),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import polars", 0),
        ("from ._frame import batches", 0),
    ],
)
def test_frame_work_is_found(text: str, count: int) -> None:
    assert len(python.frame_work(text)) == count


def test_imports_are_read_with_their_package() -> None:
    assert python.imports("from . import _core", "creditcore") == {"creditcore._core"}
    assert python.imports("from .._frame import a", "creditcore.cli") == {"creditcore._frame.a"}
    assert python.imports("from creditcore import cli\nimport os.path") == {"creditcore.cli", "os.path"}


@pytest.mark.parametrize(
    "text", ["import pickle", "from joblib import load", "f(allow_pickle=True)", "p.read_pickle(a)"]
)
def test_pickles_are_found(text: str) -> None:
    assert len(python.pickles(text)) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a / b", 1),
        ("sum(a)", 1),
        ("a -= 1", 1),
        ("time.monotonic() - start", 0),
        ("len(a) - 10", 0),
        ("n - 10", 1),
        ("a / 'b'", 0),
        ("a + b", 0),
        ("A | None", 0),
    ],
)
def test_arithmetic_is_found(text: str, count: int) -> None:
    assert len(python.arithmetic(text)) == count


@pytest.mark.parametrize("lines", [60, 61])
def test_a_long_python_function_is_found(lines: int) -> None:
    text = 'def f():\n    """Say.\n\n    More.\n    """\n' + "    g()\n" * lines
    assert python.long_functions(text) == ([] if lines == 60 else ["line 1: `f` has 61 lines"])


def test_a_module_without_a_docstring_is_found() -> None:
    assert not python.has_docstring("x = 1")
    assert python.has_docstring('"""What it is."""')


def test_words_of_the_unfinished_and_of_one_machine_are_found() -> None:
    assert all(UNFINISHED.search(text) for text in ("# TODO: x", "// FIXME", "todo!()", "unimplemented!()"))
    assert not UNFINISHED.search("mastodon, hackles")
    assert FOLDERS_OF_A_MACHINE.search("see /home/me/x")
    assert not FOLDERS_OF_A_MACHINE.search("rust/work/x, https://a.b/home/x")


def test_an_index_in_a_lock_file_is_found() -> None:
    lines = (
        "--index-url https://a.b/simple",
        "-i x",
        "--find-links wheels",
        textwrap.dedent("a @ https://a.b/c.whl"),
    )
    assert all(HOST_OF_AN_INDEX.search(line) for line in lines)
    assert not HOST_OF_AN_INDEX.search("pytest==9.2.0\n    # via\n    #   creditcore (pyproject.toml:dev)\n")
