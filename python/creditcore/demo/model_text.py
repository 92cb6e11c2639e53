"""LightGBM's text of a model, without what only training needs.

Comes in: the text that `Booster.model_to_string()` gives. Goes out: a text that LightGBM reads to the same
model: the same leaves, outputs and contributions, to the bit. Gains, weights, inner values, importances and
parameters go; counts stay, as contributions need them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from creditcore.errors import FormatError

DROPPED = ("split_gain", "leaf_weight", "internal_weight", "internal_value")
_END = "end of trees"


def stripped(text: str, categories: Mapping[str, Sequence[str]]) -> str:
    """Give the text without what only training needs.

    Args:
        text: a model of LightGBM 4, in its text form.
        categories: for each categorical feature of the model, its classes in the order of their codes;
            written where LightGBM's Python package writes those of a data frame, so that classes match by
            value.

    Raises:
        FormatError: the text is no model of LightGBM.
    """
    head, trees = _parts(text)
    trees = [_without(tree, DROPPED) for tree in trees]
    # Where each tree starts follows from these sizes, in bytes.
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    head = re.sub(r"^tree_sizes=.*$", f"tree_sizes={sizes}", head, flags=re.MULTILINE)
    names = _value(head, "feature_names").split(" ")
    classes = [list(categories[name]) for name in names if name in categories]
    return (
        f"{head}{''.join(trees)}{_END}\n\npandas_categorical:{json.dumps(classes, separators=(',', ':'))}\n"
    )


def tree_shapes(text: str) -> list[int]:
    """Give the number of leaves of each tree.

    Raises:
        FormatError: the text is no model of LightGBM.
    """
    return [int(_value(tree, "num_leaves")) for tree in _parts(text)[1]]


def feature_names(text: str) -> list[str]:
    """Give the names of the features that a model was trained with.

    Raises:
        FormatError: the text is no model of LightGBM.
    """
    return _value(_parts(text)[0], "feature_names").split(" ")


def _parts(text: str) -> tuple[str, list[str]]:
    """The head of a model and its trees, each with the blank lines that end it."""
    body, end, _ = text.partition(_END)
    starts = [found.start() for found in re.finditer(r"^Tree=\d+$", body, re.MULTILINE)]
    if not end or not starts or not text.startswith("tree\n"):
        raise FormatError("the text is no model of LightGBM: no `tree`, `Tree=` or `end of trees` line")
    ends = [*starts[1:], len(body)]
    return body[: starts[0]], [body[start:stop] for start, stop in zip(starts, ends, strict=True)]


def _value(part: str, name: str) -> str:
    """The value of a `name=value` line."""
    found = re.search(rf"^{name}=(.*)$", part, re.MULTILINE)
    if found is None:
        raise FormatError(f"the text is no model of LightGBM: no line `{name}=`")
    return found[1]


def _without(tree: str, names: Sequence[str]) -> str:
    """A tree without some of its lines."""
    return "".join(line for line in tree.splitlines(keepends=True) if line.partition("=")[0] not in names)
