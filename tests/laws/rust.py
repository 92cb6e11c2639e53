"""Reading Rust well enough to keep the house's rules.

In: the text of one file. Out: lists of findings, empty where the rule is kept. No parser: comments and
literals are blanked first, then braces are counted; the snippets in test_scanners.py hold what this must
see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

LONGEST_FUNCTION = 60

# Ordered alternatives: whichever starts first at a position wins, so a quote inside a comment is no string.
SILENT = re.compile(
    r"""
      (?P<line>//[^\n]*)
    | (?P<block>/\*.*?\*/)
    | (?P<raw>\bb?r(?P<hashes>\#*)".*?"(?P=hashes))
    | (?P<string>"(?:\\.|[^"\\])*")
    | (?P<char>'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])')
    """,
    re.VERBOSE | re.DOTALL,
)


def blanked(text: str) -> str:
    """The text with comments and literals turned to blanks, every line where it was."""
    return SILENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def closing_brace(code: str, opening: int) -> int:
    """Where the brace that opens at `opening` closes; the end of the text if it does not."""
    depth = 0
    for found in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return found.start()
    return len(code)


def without_tests(code: str) -> str:
    """Blanked code with the modules and functions under `#[cfg(test)]` blanked too."""
    while found := re.search(r"#\[cfg\(test\)\][^{;]*[{;]", code):
        end = closing_brace(code, found.end() - 1) if found[0].endswith("{") else found.end() - 1
        code = code[: found.start()] + re.sub(r"[^\n]", " ", code[found.start() : end + 1]) + code[end + 1 :]
    return code


def is_test_file(path: Path) -> bool:
    """Whether a file holds tests only."""
    return path.name == "tests.rs" or "tests" in path.parts or "benches" in path.parts


def line_of(text: str, position: int) -> int:
    """The number of the line of a position, from 1."""
    return text.count("\n", 0, position) + 1


def functions(code: str) -> Iterator[tuple[str, int, int]]:
    """Name, first line and number of lines of every function with a body, of blanked code."""
    for found in re.finditer(r"\bfn\s+(\w+)", code):
        # The signature's own `;` inside an array type stands in brackets, so brackets are skipped over.
        head = re.compile(r"\[[^\[\]{}]*\]|[{;]")
        stop = next((hit for hit in head.finditer(code, found.end()) if hit[0] in "{;"), None)
        if stop is None or stop[0] == ";":
            continue
        first = line_of(code, found.start())
        yield found[1], first, line_of(code, closing_brace(code, stop.start())) - first + 1


def long_functions(text: str) -> list[str]:
    """Functions, tests apart, of more lines than are allowed."""
    code = without_tests(blanked(text))
    return [
        f"line {first}: `fn {name}` has {length} lines"
        for name, first, length in functions(code)
        if length > LONGEST_FUNCTION
    ]


def unsafe_lines(text: str) -> list[int]:
    """The lines that hold the word `unsafe` as code (lints such as `forbid(unsafe_code)` are other words)."""
    code = blanked(text)
    return [line_of(code, found.start()) for found in re.finditer(r"\bunsafe\b", code)]


def unexplained_unsafe(text: str) -> list[int]:
    """The lines of `unsafe` blocks and impls with no `SAFETY:` comment on their statement."""
    code, lines = blanked(text), text.splitlines()
    missing = []
    for found in re.finditer(r"\bunsafe\s*(\{|impl\b)", code):
        number = line_of(code, found.start())
        if not any("SAFETY:" in line for line in statement_and_comments(lines, code.splitlines(), number)):
            missing.append(number)
    return missing


def statement_and_comments(lines: list[str], code: list[str], number: int) -> list[str]:
    """The lines from the comments above a statement down to its line `number` (from 1)."""
    first = number - 1
    while first > 0:
        above, above_code = lines[first - 1].strip(), code[first - 1].strip()
        is_comment = above.startswith("//")
        ends_another = not above or above_code.endswith((";", "{", "}"))
        # A comment that was reached belongs to the statement; code above the comment does not.
        if not is_comment and (ends_another or lines[first].strip().startswith("//")):
            break
        first -= 1
    return lines[first:number]


def words(text: str, pattern: str) -> list[str]:
    """Where code, tests apart, matches a pattern: the line and what was found."""
    code = without_tests(blanked(text))
    return [f"line {line_of(code, hit.start())}: `{hit[0]}`" for hit in re.finditer(pattern, code)]


def unfrozen_classes(text: str) -> list[int]:
    """The lines of `#[pyclass]` attributes that do not say `frozen`."""
    code = blanked(text)
    return [
        line_of(code, found.start())
        for found in re.finditer(r"#\[pyclass\b([^\]]*)\]", code)
        if not re.search(r"\bfrozen\b", found[1])
    ]


def defined_names(text: str) -> list[str]:
    """The names that a file defines."""
    keywords = r"\b(?:fn|struct|enum|union|trait|mod|type|const|static|let|let\s+mut|macro_rules!)"
    return re.findall(keywords + r"\s+(?!mut\b)(\w+)", blanked(text))


def used_modules(text: str, module: tuple[str, ...]) -> set[str]:
    """The modules at the crate's root that a file names, tests apart; `module` is where the file stands.

    `crate::rank::X`, `crate::{rank::X, link}` and, from the right depth, `super::super::rank::X` all name
    `rank`. Names in capitals are re-exports of the root.
    """
    code = without_tests(blanked(text))
    root = r"\bcrate::|(?<!::)\b" + "super::" * len(module) + r"(?!super::)" if module else r"\bcrate::"
    used: set[str] = set()
    for found in re.finditer(root, code):
        if code.startswith("{", found.end()):
            group = code[found.end() + 1 : closing_brace(code, found.end())]
            used.update(group_heads(group))
        elif name := re.compile(r"\w+").match(code, found.end()):
            used.add(name[0])
    return {name for name in used if name[0].islower()} - {"self", "super"}


def group_heads(group: str) -> list[str]:
    """The first names in a braced `use` group: `a::{b, c}, d` gives `a`, `d`."""
    while (flat := re.sub(r"\{[^{}]*\}", "", group)) != group:
        group = flat
    return [head[1] for part in group.split(",") if (head := re.match(r"\s*(\w+)", part))]
