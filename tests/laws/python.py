"""Reading Python well enough to keep the house's rules.

In: the text of one module. Out: lists of findings, empty where the rule is kept.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

LONGEST_FUNCTION = 60
FRAMES = {"numpy", "pandas", "pyarrow", "polars"}
PICKLES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
ARITHMETIC = (ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def run_time_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but what stands under `if TYPE_CHECKING:`, which never runs."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def imports(text: str, package: str = "creditcore") -> set[str]:
    """The dotted names of what a module loads when it runs, relative ones counted from `package`.

    `from a import b` gives `a.b`, as `b` may be a module.
    """
    found: set[str] = set()
    for node in run_time_nodes(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                kept = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*kept, base]) if base else ".".join(kept)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def tops(names: set[str]) -> set[str]:
    """The packages of dotted names."""
    return {name.split(".")[0] for name in names}


def frame_work(text: str) -> list[str]:
    """Imports of frame libraries, and uses of the Arrow protocol."""
    found = [f"imports `{name}`" for name in sorted(tops(imports(text)) & FRAMES)]
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("__arrow_c_"):
            continue
        # An object of the package may hand itself on: `self._core.__arrow_c_stream__(...)`.
        if not ast.unparse(node).startswith("self."):
            found.append(f"line {node.lineno}: `{node.attr}`")
    return found


def pickles(text: str) -> list[str]:
    """Imports of anything that runs code while it reads data, and leave to do so."""
    found = [f"imports `{name}`" for name in sorted(tops(imports(text)) & PICKLES)]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found.append(f"line {node.value.lineno}: `allow_pickle`")
        elif isinstance(node, ast.Attribute) and node.attr in ("read_pickle", "to_pickle"):
            found.append(f"line {node.lineno}: `{node.attr}`")
    return found


def is_path(node: ast.AST) -> bool:
    """Whether an operator joins a path: `folder / "name"`."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        return False
    right = node.right
    return isinstance(right, ast.JoinedStr) or (
        isinstance(right, ast.Constant) and isinstance(right.value, str)
    )


def arithmetic(text: str) -> list[str]:
    """Arithmetic: binary operators but `+` (which joins text and lists) and `|` (types), and sums.

    How long something took and how many rows are not shown are no figures of the data, so `time.monotonic()`
    and `len(...)` may be subtracted from.
    """
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.BinOp | ast.AugAssign | ast.Call):
            continue
        if isinstance(node, ast.Call):
            breaks = ast.unparse(node.func) in ("sum", "round")
        else:
            breaks = isinstance(node.op, ARITHMETIC) and not is_path(node)
            breaks = breaks and not ast.unparse(node).startswith(("time.monotonic() - ", "len("))
        if breaks:
            found.append(f"line {node.lineno}: `{ast.unparse(node)}`")
    return found


def functions(text: str) -> Iterator[Function]:
    """Every function of a module, nested ones and methods among them."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield node


def long_functions(text: str) -> list[str]:
    """Functions of more lines than are allowed.

    The signature, which declares, and the docstring, which is for the reader, are not counted.
    """
    found = []
    for function in functions(text):
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        length = (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1 if body else 0
        if length > LONGEST_FUNCTION:
            found.append(f"line {function.lineno}: `{function.name}` has {length} lines")
    return found


def defined_names(text: str) -> list[str]:
    """The names that a module defines: classes, functions, arguments, variables."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.arg):
            names.append(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
    return names


def has_docstring(text: str) -> bool:
    """Whether a module says what it is."""
    return ast.get_docstring(ast.parse(text)) is not None
