"""YAML files, read strictly: what stands in them counts once, and nothing in them runs.

Comes in: a path. Goes out: plain dicts, lists, texts, numbers. YAML itself takes the last of two equal keys
and lets a short file grow without bound by references; both are refused here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from creditcore.errors import SchemaError

LARGEST_FILE = 16 << 20
"""The most bytes of a file."""
DEEPEST = 50
"""The most levels of lists and mappings inside each other."""


class _StrictLoader(yaml.SafeLoader):
    """Plain data only: no doubled keys, no references, not too deep."""

    _depth = 0

    def _here(self) -> yaml.Mark:
        """Where the value that comes next begins."""
        mark: yaml.Mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        return mark

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            told = "references (`*name`) are refused; write the value out"
            raise yaml.composer.ComposerError(None, None, told, self._here())
        self._depth += 1
        if self._depth > DEEPEST:
            at = self._here()
            raise yaml.composer.ComposerError(None, None, f"more than {DEEPEST} levels", at)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            text = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if text is None:
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
            if text in seen:
                told = f"key `{key.value}` is there more than once"
                raise yaml.constructor.ConstructorError(None, None, told, key.start_mark)
            seen.add(text)
        return super().construct_mapping(node, deep)


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """Read a YAML file.

    Raises:
        SchemaError: a file that is not there, too large or no YAML, with the line.
    """
    return read_placed_yaml(path)[0]


class Places:
    """Where the values of a YAML file stand, by their paths (`/tactics/0/rules/2/when`); immutable."""

    def __init__(self, text: str, node: yaml.Node | None) -> None:
        """Note the place of every value below a node of a text."""
        self._text = text
        self._nodes: dict[str, yaml.Node] = {}
        open_nodes = [("", node)] if node is not None else []
        while open_nodes:
            path, found = open_nodes.pop()
            self._nodes[path] = found
            if isinstance(found, yaml.MappingNode):
                open_nodes += [(f"{path}/{key.value}", value) for key, value in found.value]
            elif isinstance(found, yaml.SequenceNode):
                open_nodes += [(f"{path}/{place}", value) for place, value in enumerate(found.value)]

    def find(self, path: str, span: tuple[int, int] | None = None) -> tuple[int, int]:
        """Give line and column in the file, both from 1, of a value or of a place in its text.

        A path that is not there has the place of the nearest one above it.
        """
        while path and path not in self._nodes:
            path = path.rpartition("/")[0]
        node = self._nodes.get(path)
        if node is None:
            return 1, 1
        at = node.start_mark.index
        if span is not None and isinstance(node, yaml.ScalarNode):
            at = self._inside(node, span)
        line = self._text.count("\n", 0, at) + 1
        return line, at - (self._text.rfind("\n", 0, at) + 1) + 1

    def line(self, number: int) -> str:
        """Give a line of the file, from 1."""
        lines = self._text.splitlines()
        return lines[number - 1] if number <= len(lines) else ""

    def _inside(self, node: yaml.ScalarNode, span: tuple[int, int]) -> int:
        """Where a place of a value's text stands in the file: quotes and folds are walked through."""
        value: str = node.value
        lines = value.split("\n")
        target = sum(len(line) + 1 for line in lines[: span[0] - 1]) + span[1] - 1
        at: int = node.start_mark.index
        if node.style in ("|", ">"):
            at = self._text.find("\n", at) + 1
        for character in value[:target]:
            if character.isspace():
                continue
            found = self._text.find(character, at, node.end_mark.index)
            at = found + 1 if found >= 0 else at
        if target < len(value) and not value[target].isspace():
            found = self._text.find(value[target], at, node.end_mark.index)
            at = found if found >= 0 else at
        return at


def read_placed_yaml(path: str | os.PathLike[str]) -> tuple[Any, Places]:
    """Read a YAML file, and where its values stand.

    Raises:
        SchemaError: a file that is not there, too large or no YAML, with the line.
    """
    place = os.fspath(path)
    try:
        size = Path(path).stat().st_size
        if size > LARGEST_FILE:
            raise SchemaError(f"`{place}`: {size} bytes; at most {LARGEST_FILE} are read")
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SchemaError(f"`{place}`: cannot be read: {told}") from error
    try:
        loader = _StrictLoader(text)
    except yaml.YAMLError as error:
        raise _fault(place, text, error) from error
    try:
        node = loader.get_single_node()
        return (None if node is None else loader.construct_document(node)), Places(text, node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _fault(place, text, error) from error
    finally:
        loader.dispose()


class DocumentError(SchemaError):
    """A text that is no YAML: `text` says why, `line` and `column` where, from 1; `shown` is that line."""

    def __init__(self, place: str, text: str, line: int, column: int, shown: str) -> None:
        """Say what is wrong with a file, and where."""
        super().__init__(f"`{place}`, line {line}, column {column}: {text}{shown}")
        self.text, self.line, self.column, self.shown = text, line, column, shown


def with_caret(line: str, column: int) -> str:
    """Give a line of a file, cut to what is near a column (from 1), with a caret below that column."""
    start = max(0, column - 60)
    return f"\n    {line[start : start + 100]}\n    {' ' * (column - 1 - start)}^"


def _fault(place: str, text: str, error: Exception) -> DocumentError:
    """What the parser says, in the house's words, with the place that it means."""
    mark = getattr(error, "problem_mark", None)
    position = getattr(error, "position", None)
    if mark is not None:
        line, column = mark.line + 1, mark.column + 1
    else:
        # A character that YAML does not allow has its place in the text only.
        before = text[:position] if isinstance(position, int) else ""
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    if isinstance(error, RecursionError):
        told = "its lists and mappings stand too deep inside each other"
    else:
        told = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).splitlines()[0]
    lines = text.splitlines()
    shown = with_caret(lines[line - 1], column) if line <= len(lines) and lines[line - 1].strip() else ""
    return DocumentError(place, f"not a YAML file: {told}", line, column, shown)
