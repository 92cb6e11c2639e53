"""A ranking as text and as an HTML table.

Comes in: a heading and rows as plain records. Goes out: text. What is averaged, by what weight and over whom
always stands above the figures; whatever comes out of data is escaped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Record = Mapping[str, Any]

COLUMNS = (
    ("rank", "rank"),
    ("rank_lo", "from"),
    ("rank_hi", "to"),
    ("code", "code"),
    ("name", "name"),
    ("n", "n"),
    ("mean", "mean"),
    ("se", "se"),
    ("mean_plain", "plain mean"),
    ("diff_parent", "vs parent"),
)
"""What a reader sees: the field of a record, and its heading."""


def heading(plan: Record, by: str, records: int, excluded: Mapping[str, int], min_n: int) -> str:
    """Say mean of what, weighted by what, over whom."""
    (kind, measure), *_ = plan["measure"].items()
    if kind == "mean":
        what = f"Mean of {measure['score']}"
    elif kind == "share_above":
        what = f"Share with {measure['score']} above {measure['cut']:g}"
    else:
        what = f"Ratio of {measure['numerator']} to {measure['denominator']}"
    weight = f"weighted by {plan['weight']}" if plan["weight"] else "each unit weighing the same"
    units = plan["units"]
    counted = (
        f"units are {units['key']} ({units['pick']} by {units['time']})" if units else "each record a unit"
    )
    left = sum(excluded.values())
    whom = f"over {records - left:,} of {records:,} records ({left:,} left out), {counted}"
    of_kind = f", kind {plan['kind']}" if plan["kind"] else ""
    least = f"; ranked from {min_n:,} units" if min_n > 1 else ""
    errors = f"; {plan['errors']}" if "errors" in plan else ""
    return f"{what} by {by}, {weight}, {whom}{of_kind}{least}{errors}"


def cell(field: str, value: Any) -> str:
    """Give one figure as a reader sees it; a null is a dash."""
    if value is None:
        return "-"
    if field == "n":
        return f"{value:,}"
    if isinstance(value, float):
        signed = "+" if field == "diff_parent" else ""
        return f"{value:{signed}.4g}" if abs(value) < 1 else f"{value:{signed},.2f}"
    return str(value)


def shown_columns(rows: Sequence[Record]) -> list[tuple[str, str]]:
    """Leave out columns that would say nothing: no parent, or names that only repeat the codes."""

    def says_something(field: str) -> bool:
        if field in ("diff_parent", "rank_lo", "rank_hi"):
            return any(row[field] is not None for row in rows)
        return field != "name" or any(row["name"] != row["code"] for row in rows)

    beside = [("coverage", "coverage")] if rows and "coverage" in rows[0] else []
    beside += [(field, field) for field in rows[0] if field.startswith(("q_", "share_"))] if rows else []
    return [*((field, title) for field, title in COLUMNS if says_something(field)), *beside]


def to_text(title: str, rows: Sequence[Record], most: int) -> str:
    """Give the first rows as an aligned plain-text table."""
    columns = shown_columns(rows)
    table = [[text for _, text in columns]]
    table += [[cell(field, row[field]) for field, _ in columns] for row in rows[:most]]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    lines = ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in table]
    more = [f"... and {len(rows) - most:,} more rows"] if len(rows) > most else []
    return "\n".join([title, *lines, *more])


def to_html(title: str, rows: Sequence[Record], most: int) -> str:
    """Give the first rows as an HTML table."""
    columns = shown_columns(rows)
    head = "".join(f"<th>{escape(text)}</th>" for _, text in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell(field, row[field]))}</td>" for field, _ in columns) + "</tr>"
        for row in rows[:most]
    )
    more = f"<p>and {len(rows) - most:,} more rows</p>" if len(rows) > most else ""
    return (
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{more}"
    )


def to_csv(rows: Sequence[Record], bom: bool = False) -> bytes:
    """Give the rows as CSV: UTF-8, a header, line feeds; a null is empty.

    Args:
        rows: records; columns are those of all of them, in the order in which they come.
        bom: begin with a byte order mark, for Excel.
    """
    text = io.StringIO(newline="")
    fields = list(dict.fromkeys(field for row in rows for field in row))
    writer = csv.DictWriter(text, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({field: _csv_value(value) for field, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8")


def _csv_value(value: Any) -> Any:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value
