"""Decisions of records in files, part by part.

Comes in: a policy, files. Goes out: a file with the records and their decisions, and counts.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.aggregation import Progress
from creditcore.errors import CreditcoreError, SchemaError, TacticError
from creditcore.sources import open_source

if TYPE_CHECKING:
    import polars as pl

    from creditcore.tactics.policy import Policy


def write(
    policy: Policy,
    source: Any,
    path: str | os.PathLike[str],
    keep: Sequence[str] | None,
    encoding: str | None,
    as_of: date | str | None,
    language: str,
    shadow: bool,
    threads: int | None,
    progress: Progress | None,
) -> dict[str, int]:
    """Decide the records of files into a file; `Policy.write` tells the rest."""
    from creditcore._frame import beside, joined_lists, source_parts, write_parts

    opened = open_source(source, encoding=encoding)
    names = opened.column_names()
    kept = list(names) if keep is None else list(keep)
    unknown = [name for name in kept if name not in names]
    if unknown:
        raise SchemaError(f"`keep` names `{unknown[0]}`, which is no column")
    policy.require(names)
    inputs = policy.roles(names)
    target = Path(path)
    counts = Counter[str]({"records": 0, "reject": 0, "review": 0, "pass": 0, "errors": 0})

    def decided() -> Iterable[pl.DataFrame]:
        for part, file, _first_row in source_parts(opened, [*inputs, *((name, "key") for name in kept)]):
            read, rest = part[:, : len(inputs)], part[:, len(inputs) :]
            read.columns, rest.columns = [name for name, _ in inputs], kept
            try:
                made = policy.decide(
                    _rows(read, part), as_of=as_of, language=language, shadow=shadow, threads=threads
                )
            except TacticError as error:
                # It has the place in the policy already.
                raise error from None
            except CreditcoreError as error:
                raise type(error)(re.sub(r"`frame`(?:, row \d+)?", f"`{file}`", str(error))) from error
            taken = sorted(set(kept) & set(made.columns))
            if taken:
                raise SchemaError(
                    f"the records have a column `{taken[0]}` already; rename it, or `keep` others"
                )
            counts.update({"records": len(part), "errors": int((made["errors"].list.len() > 0).sum())})
            counts.update(made["decision"].to_list())
            if progress is not None:
                progress(counts["records"])
            yield beside(rest, joined_lists(made) if target.suffix == ".csv" else made)

    write_parts(decided(), target)
    return dict(counts)


def _rows(read: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """Records of a policy that names no column: any one tells how many they are."""
    return read if read.width else part[:, :1]
