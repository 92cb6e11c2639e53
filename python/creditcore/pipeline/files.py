"""Records in files through a pipeline, part by part.

Comes in: a pipeline, files. Goes out: parts of scores with their place, or one file with all of them, which
is there as a whole or not at all. A fault inside a part is told with the file and the row in it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from creditcore.aggregation import Progress
from creditcore.errors import CreditcoreError, SchemaError
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore._core import Source
    from creditcore.pipeline.pipeline import Pipeline


class Written(NamedTuple):
    """What `Pipeline.write` wrote."""

    records: int
    without: dict[str, int]
    """Records that have no such probability: no model of its blend had an output."""
    decisions: dict[str, int]
    """Records of each decision, where there are rules."""


class Options(NamedTuple):
    """How records are scored; what `Pipeline.score` takes beside them."""

    output: str | None = None
    precision: str = "exact"
    as_of: date | str | None = None
    threads: int | None = None


def write(
    pipeline: Pipeline,
    source: Any,
    path: str | os.PathLike[str],
    options: Options,
    keep: Sequence[str] | None,
    text: Sequence[str],
    encoding: str | None,
    progress: Progress | None,
) -> Written:
    """Score the records of files into a file; `Pipeline.write` tells the rest."""
    from creditcore._frame import beside, write_parts
    from creditcore.frames.lists import joined_lists
    from creditcore.frames.text import TEXT_ENDINGS, TextColumns

    opened = open_source(source, encoding=encoding)
    columns = opened.column_names()
    kept = list(columns) if keep is None else _known(keep, columns)
    inputs, texts, target = pipeline.inputs_of(columns), TextColumns(tuple(text)), Path(path)
    shape: dict[str, Any] = {}
    done = 0
    without, decisions = Counter[str](), Counter[str]()

    def scored() -> Iterable[pl.DataFrame]:
        nonlocal done
        for rest, made, file, first_row in parts(pipeline, opened, inputs, kept, options):
            if file.endswith(TEXT_ENDINGS):
                rest = texts.typed(rest, file, first_row)
            _same_types(shape, rest, file)
            taken = sorted(set(kept) & set(made.columns))
            if taken:
                raise SchemaError(
                    f"the records have a column `{taken[0]}` already; rename it, or `keep` others"
                )
            done += len(made)
            without.update({name: made[name].null_count() for name in ("fraud_p", "pd") if name in made})
            decisions.update(made["decision"].to_list() if "decision" in made else ())
            if progress is not None:
                progress(done)
            yield beside(rest, joined_lists(made) if target.suffix == ".csv" else made)

    write_parts(scored(), target)
    return Written(done, dict(without), dict(sorted(decisions.items())))


def parts(
    pipeline: Pipeline,
    opened: Source,
    inputs: list[tuple[str, str]],
    kept: Sequence[str],
    options: Options,
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, str, int]]:
    """Give parts of a source: the columns kept, the scores, the file and the first row in it."""
    from creditcore._frame import source_parts

    for part, file, first_row in source_parts(opened, [*inputs, *((name, "key") for name in kept)]):
        read, rest = part[:, : len(inputs)], part[:, len(inputs) :]
        read.columns, rest.columns = [name for name, _ in inputs], list(kept)
        try:
            made = pipeline.score(
                read, options.output, options.precision, as_of=options.as_of, threads=options.threads
            )
        except CreditcoreError as error:
            raise type(error)(_placed(str(error), file, first_row)) from error
        yield rest, made, file, first_row


def _placed(text: str, file: str, first_row: int) -> str:
    """Say of an error in a part of a file where in the file it is."""
    found = re.match(r"`frame`(?:, row (\d+))?", text)
    if found is None:
        return text
    row = "" if found[1] is None else f", row {first_row + int(found[1])}"
    return f"`{file}`{row}{text[found.end() :]}"


def _same_types(known: dict[str, Any], part: pl.DataFrame, file: str) -> None:
    """Refuse a column whose type is not that of the parts before."""
    for name, kind in part.schema.items():
        if known.setdefault(name, kind) != kind:
            raise SchemaError(
                f"`{file}`: column `{name}` is of type {kind}, in the files before it of type {known[name]}; "
                "score the files apart, or `keep` others"
            )


def _known(wanted: Sequence[str], columns: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in columns:
            listed = ", ".join(f"`{column}`" for column in columns[:12])
            raise SchemaError(f"`keep` names `{name}`, which is no column (columns: {listed} ...)")
    return list(wanted)
