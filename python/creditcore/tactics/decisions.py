"""Decisions of records in files, part by part, and the trace of one of them.

Comes in: a policy, files. Goes out: a file with the records and their decisions, and counts; what every rule
says of the first record of which a condition holds.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditcore.aggregation import Progress
from creditcore.errors import ArgumentError, CreditcoreError, SchemaError, TacticError
from creditcore.expressions import evaluate
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
    from creditcore._frame import beside, source_parts, write_parts
    from creditcore.frames.lists import joined_lists

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


def trace(policy: Policy, record: Any) -> list[dict[str, Any]]:
    """Tell what every rule says of one record; `Policy.trace` tells the rest."""
    from creditcore._frame import to_frame

    if isinstance(record, Mapping):
        given = dict(record)
        source = policy._open({name: [value] for name, value in given.items()})
    else:
        rows = to_frame(record).to_dicts()
        if len(rows) != 1:
            raise ArgumentError(f"the frame has {len(rows)} records; a trace is of one")
        given, source = rows[0], policy._open(record)
    try:
        said = policy._core.trace(source)
    except TacticError as error:
        raise policy._placed(error, source) from None
    return [
        {
            **{key: rule[key] for key in ("id", "tactic", "when", "action", "mode")},
            "truth": truth,
            "hit": hit,
            "values": {name: given[name] for name in rule["columns"]},
            "errors": errors,
        }
        for rule, (_, truth, hit, errors) in zip(policy.rules, said, strict=True)
    ]


def trace_file(
    policy: Policy,
    source: Any,
    where: str,
    *,
    as_of: date | str | None = None,
    language: str = "en",
    encoding: str | None = None,
) -> dict[str, Any]:
    """Tell of the first record of files of which a condition holds what every rule says.

    Args:
        policy: the rules.
        source: Parquet, CSV (gzip too) or Arrow IPC files.
        where: a condition over the records; in CSV files columns that no rule reads as numbers are text.
        as_of, language: as in `Policy.decide`.
        encoding: of CSV text.

    Returns:
        `file`, `row` (from 1), the record's decision (`decision`, `rules`, `reasons`, `effect`, `errors`,
        `shadow`), and `trace`, what `Policy.trace` gives.

    Raises:
        ArgumentError: no record of which the condition holds; and as `Policy.decide`.
    """
    from creditcore._frame import source_parts

    opened = open_source(source, encoding=encoding)
    names = opened.column_names()
    policy.require(names)
    roles = {**dict.fromkeys(names, "key"), **dict(policy.roles(names))}
    for part, file, first_row in source_parts(opened, list(roles.items())):
        part.columns = list(roles)
        place = evaluate(where, part).fill_null(value=False).index_of(True)
        if place is not None:
            record = part[place].select(policy.columns or names[:1])
            decided = policy.decide(record, as_of=as_of, language=language, shadow=True).to_dicts()[0]
            told = {"file": file, "row": first_row + place + 1, **decided}
            return {**told, "trace": trace(policy, record)}
    raise ArgumentError(f"there is no record where `{where}`; ask for another one")


def _rows(read: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """Records of a policy that names no column: any one tells how many they are."""
    return read if read.width else part[:, :1]
