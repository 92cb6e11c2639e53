"""Every example that a reader can copy runs.

In: README.md and docs/**/*.md. Of each file, in the order of its lines, every `python` block runs in one
namespace, and every line of a `console` or `sh` block that starts with `$ creditcore` runs as a command;
both in one empty folder per file, so that an example needs nothing but what the file says. Out: a failure
names the file and the line of the example.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")] if page.exists())
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One Python block, or one command."""

    line: int
    language: str
    text: str


def examples(page: str) -> list[Example]:
    """The examples of a page that can be run, in the order of their lines."""
    found = []
    for block in FENCE.finditer(page):
        language, text = block[1], block[2]
        line = page.count("\n", 0, block.start(2)) + 1
        if language == "python":
            found.append(Example(line, "python", text))
        elif language in ("console", "sh"):
            found += commands(text, line)
    return found


def commands(block: str, first_line: int) -> list[Example]:
    """The `$ creditcore` lines of a block, those that a backslash continues joined."""
    found = []
    lines = iter(enumerate(block.splitlines(), first_line))
    for number, line in lines:
        if not line.startswith("$ creditcore"):
            continue
        while line.endswith("\\"):
            line = line[:-1] + next(lines)[1]
        found.append(Example(number, "console", line.removeprefix("$ ")))
    return found


def run_example(example: Example, name: str, namespace: dict[str, Any]) -> None:
    """Run one example; a failing one raises, and names its place."""
    if example.language == "python":
        # Blank lines in front make the line numbers of a traceback those of the page.
        code = compile("\n" * (example.line - 1) + example.text, name, "exec")
        exec(code, namespace)
        return
    # The command under test is the one beside this interpreter, whatever else is on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.text],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name}:{example.line}: `{example.text}`\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for example in examples(page.read_text(encoding="utf-8")):
        run_example(example, str(page.relative_to(ROOT)), namespace)


def test_the_readme_has_examples() -> None:
    found = examples((ROOT / "README.md").read_text(encoding="utf-8"))
    assert any(example.language == "python" for example in found)


PAGE = """text
```python
x = 1
```
```console
$ creditcore --version
creditcore 0.1.0
$ creditcore rank \\
    --by city
$ ls
```
```toml
y = 2
```
"""


def test_examples_are_found_with_their_lines() -> None:
    assert examples(PAGE) == [
        Example(3, "python", "x = 1\n"),
        Example(6, "console", "creditcore --version"),
        Example(8, "console", "creditcore rank     --by city"),
    ]


def test_a_failing_example_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        run_example(Example(3, "python", "1 / 0\n"), "page.md", {})
    with pytest.raises(AssertionError, match=r"page.md:7: `creditcore_is_not_a_command`"):
        run_example(Example(7, "console", "creditcore_is_not_a_command"), "page.md", {})


def test_examples_of_a_page_share_their_names() -> None:
    namespace: dict[str, Any] = {}
    run_example(Example(1, "python", "x = 1\n"), "page.md", namespace)
    run_example(Example(5, "python", "assert x == 1\n"), "page.md", namespace)
