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

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            told = "references (`*name`) are refused; write the value out"
            raise yaml.composer.ComposerError(None, None, told, self.get_mark())
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"more than {DEEPEST} levels", self.get_mark())
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
    place = os.fspath(path)
    try:
        size = Path(path).stat().st_size
        if size > LARGEST_FILE:
            raise SchemaError(f"`{place}`: {size} bytes; at most {LARGEST_FILE} are read")
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SchemaError(f"`{place}`: cannot be read: {told}") from error
    loader = _StrictLoader(text)
    try:
        return loader.get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SchemaError(f"`{place}`{_line(error)}: not a YAML file: {_problem(error)}") from error
    finally:
        loader.dispose()


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f", line {mark.line + 1}"


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]
