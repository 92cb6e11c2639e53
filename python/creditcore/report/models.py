"""Models as tables of text.

Comes in: plain records of models, and of a verification. Goes out: rows of cells, and sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from creditcore.errors import ArgumentError

Rows = list[list[str]]
_DECLARED = ("target", "status", "weight", "version", "valid_from")
MOST_CATEGORIES = 6


def list_table(models: Sequence[dict[str, Any]]) -> tuple[list[str], Rows]:
    """Titles and rows of a list of models."""
    titles = ["model", "library", "objective", "outputs", "trees", "leaves", "depth", "features"]
    declared = [key for key in _DECLARED if any(m[key] is not None for m in models)]
    rows = []
    for model in models:
        used = [feature for feature in model["features"] if feature["splits"]]
        row = [model["name"], f"{model['library']} {model['file_version']}", model["objective"] or "none"]
        row += [f"{model[key]:,}" for key in ("outputs", "trees", "leaves", "depth")]
        row.append(f"{len(used):,} of {len(model['features']):,}")
        rows.append(row + ["" if model[key] is None else str(model[key]) for key in declared])
    return titles + declared, rows


def feature_table(model: dict[str, Any]) -> tuple[list[str], Rows]:
    """Titles and rows of the features that a model tests, the most tested first."""
    rows = []
    for feature in sorted(model["features"], key=lambda feature: -feature["splits"]):
        if feature["splits"]:
            column = feature["column"] or "by position"
            kind = "category" if feature["categorical"] else "number"
            row = [feature["name"], column, f"{feature['splits']:,}", kind]
            rows.append([*row, ", ".join(feature["missing"]), categories(feature["categories"])])
    return ["feature", "column", "tests", "kind", "missing is", "categories"], rows


def categories(values: Sequence[str] | None) -> str:
    """The first categories of a feature, and how many more there are."""
    if values is None:
        return ""
    more = f" and {len(values) - MOST_CATEGORIES:,} more" if len(values) > MOST_CATEGORIES else ""
    return ", ".join(values[:MOST_CATEGORIES]) + more


def summary(model: dict[str, Any]) -> list[str]:
    """Sentences about a model."""
    base = ", ".join(f"{value:.9g}" for value in model["base"][:5])
    unused = [feature["name"] for feature in model["features"] if not feature["splits"]]
    lines = [
        f"{model['name']}: {model['format']}, version {model['file_version'] or 'unknown'}, {model['file']}",
        f"  objective {model['objective'] or 'none'}; outputs {model['outputs']:,}; base {base}"
        + ("; averaged over its trees" if model["averaged"] else ""),
        f"  {model['trees']:,} trees, {model['leaves']:,} leaves, {model['depth']:,} levels at most",
    ]
    if model["computed"]:
        lines.append(f"  {model['computed']:,} features are computed from categories (CTR)")
    for mark in ("sensitive", "geographic"):
        if model[mark]:
            lines.append(f"  {mark} inputs, as schema.yaml marks them: {', '.join(model[mark])}")
    if not model["real_names"]:
        lines.append("  the file does not name its features: give `names`, or allow `by_position`")
    for values in model["loose_categories"]:
        lines.append(f"  categories of a feature that the file does not name: {categories(values)}")
    if unused:
        more = f" and {len(unused) - 8:,} more" if len(unused) > 8 else ""
        lines.append(f"  never tested, so not needed: {', '.join(unused[:8])}{more}")
    told = ("target", "applies_to", "version", "status", "valid_from", "weight", "calibration")
    declared = [f"{key} {model[key]}" for key in told if model[key] is not None]
    if declared:
        lines.append(f"  declared: {'; '.join(declared)}")
    return lines


def picked(models: Sequence[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Give the models of some names, in their own order; all of them where no name is given.

    Raises:
        ArgumentError: a name that no model has.
    """
    known = [model["name"] for model in models]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(known[:10])}"
            raise ArgumentError(f"`{name}` is no model of these{hint}")
    return [model for model in models if not names or model["name"] in names]


def short_line(model: dict[str, Any]) -> str:
    """One line about a model."""
    used = sum(1 for feature in model["features"] if feature["splits"])
    declared = [f"{key} {model[key]}" for key in ("target", "status") if model[key] is not None]
    if model["applies_to"] is not None:
        declared.append(f"where {model['applies_to']}")
    return (
        f"{model['name']}: {model['library']} {model['file_version'] or ''}, {model['objective'] or 'none'}, "
        f"{model['trees']:,} trees, {model['leaves']:,} leaves, {used:,} of {len(model['features']):,} "
        f"features{'; ' if declared else ''}{', '.join(declared)}"
    )


def verdict_of_all(found: Sequence[dict[str, Any]]) -> str:
    """A sentence about the verification of several models."""
    wrong = [one["model"] for one in found if one["worst"] is not None]
    trees = sum(one["trees"] for one in found)
    told = f"{len(wrong):,} differ: {', '.join(wrong[:5])}" if wrong else "none differs"
    return f"{len(found):,} models, {trees:,} trees: {told}"


def verdict(found: dict[str, Any]) -> list[str]:
    """Sentences about a verification."""
    library = f"{found['library']} {found['library_version']}"
    rows = f"{found['rows']:,} records and {found['probes']:,} probes of thresholds and their neighbours"
    counted = f"{found['wrong_leaves']:,} leaves and {found['wrong_scores']:,} raw outputs"
    lines = [f"{found['model']} against {library}: {rows}, {found['trees']:,} trees; {counted} differ"]
    worst = found["worst"]
    if worst is not None:
        where = f"record {worst['row']:,}"
        if worst["probe"] is not None:
            where = f"a probe of `{worst['probe'][0]}` at {worst['probe'][1]!r}"
        lines.append(f"  worst: {where}: {worst['ours']} here, {worst['theirs']} there")
        lines.append(f"  other leaves in trees: {worst['trees'][:10]}")
        lines.append(f"  values: {worst['values']}")
    return lines
