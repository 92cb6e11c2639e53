"""Quality gates: what is looked at before a delta is written.

Comes in: a delta, a configuration with `[gates]`, the baseline that was learned. Goes out: a `Verdict`:
findings, the rows to take and the rows put aside beside their reasons. Nothing is written here, and nothing
is learned but by `Baseline.of`, which `creditcore fit` calls; docs/formats/config.md tells every gate.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from creditcore.errors import DeltaRefused, FormatError, SourceError
from creditcore.gates.rules import GATES, LEVELS, Asked, Finding, column_of

if TYPE_CHECKING:
    import polars as pl

    from creditcore.config.config import Config

VERSION = 1


@dataclass(frozen=True)
class Verdict:
    """What the gates say of a delta.

    Attributes:
        outcome: `accept`, `warn`, `quarantine` or `refuse`: the gravest of the findings.
        findings: in the order of the gates.
        accepted: the rows to write, in their order.
        quarantined: the rows put aside, with the gates in a list column `gates`.
    """

    outcome: str
    findings: tuple[Finding, ...]
    accepted: pl.DataFrame = field(repr=False)
    quarantined: pl.DataFrame = field(repr=False)

    def require(self) -> Self:
        """Give the verdict itself, or raise where it refuses.

        Raises:
            DeltaRefused: a gate of the level `refuse` found something; its `findings` are all findings.
        """
        if self.outcome == "refuse":
            told = "; ".join(one.text for one in self.findings if one.level == "refuse")
            error = DeltaRefused(
                f"the delta is refused, nothing was written: {told}; mend it, or move the gate"
            )
            error.findings = [one.to_dict() for one in self.findings]
            raise error
        return self


@dataclass(frozen=True)
class Baseline:
    """What columns looked like where the gates were fitted; frozen.

    >>> from creditcore.gates.gates import Baseline
    >>> baseline = Baseline.of({"city": ["a", "b", "a"], "n": [1.0, None, 3.0]}, ["city", "n"])
    >>> baseline.columns["city"]["categories"], baseline.columns["n"]["nulls"]
    ({'a': 2, 'b': 1}, 1)
    """

    rows: int
    columns: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, frame: Any, columns: list[str], categories: frozenset[str] = frozenset()) -> Self:
        """Learn a baseline of records.

        Args:
            frame: the records.
            columns: those that are watched; columns that are neither numbers, text nor flags are left out.
            categories: columns of numbers that are compared by value.

        Raises:
            SchemaError: a column that is not there.
        """
        from creditcore._frame import to_frame
        from creditcore.frames import profile

        rows = to_frame(frame)
        told = {}
        for name in columns:
            found = profile.profile(column_of(rows, name), category=name in categories)
            if found is not None:
                told[name] = found
        return cls(len(rows), told)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a baseline's file.

        Raises:
            SourceError: a file that cannot be read; FormatError: one of another form.
        """
        place = os.fspath(path)
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))
            if told["version"] != VERSION:
                raise FormatError(f"`{place}`: a baseline of version {told['version']}; {VERSION} is read")
            return cls(told["rows"], told["columns"])
        except OSError as error:
            raise SourceError(f"`{place}`: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"`{place}`: not a baseline; `creditcore fit` writes one") from error

    def to_json(self) -> str:
        """Give the baseline as text; equal baselines have equal texts."""
        return json.dumps({"version": VERSION, "rows": self.rows, "columns": self.columns}, indent=1) + "\n"


def watched(config: Config) -> list[str]:
    """Give the columns that the gates of a configuration look at."""
    if config.gates is not None and config.gates.columns is not None:
        return list(config.gates.columns)
    found = [config.columns.region, config.columns.kind, *config.grouping_columns, *config.columns.keep]
    if config.weights is not None:
        found.append(config.weights.column)
    if config.fleet is None:
        found.append(config.score.column)
    else:
        from creditcore.pipeline.pipeline import Pipeline

        found += [name for name in Pipeline.of(config).sources if not name.startswith("net_")]
    return list(dict.fromkeys(name for name in found if name is not None))


def judge(
    delta: Any,
    config: Config,
    as_of: date | None = None,
    *,
    baseline: Baseline | None = None,
) -> Verdict:
    """Ask every gate of a configuration about a delta; nothing is changed by it.

    Args:
        delta: the rows, with `op` and `version` where there are such.
        config: its `[gates]` says which gates there are; without it everything is accepted.
        as_of: the instant that the state will speak of; needed for `freshness`.
        baseline: in place of the file that the configuration names.

    Returns:
        The verdict. It is the same for the same rows in any order, up to the order of its rows.

    Raises:
        SchemaError: a watched column, the key or the event time is not there, or of another type.
        ArgumentError: no `as_of` where one is needed.
    """
    from creditcore._frame import to_frame
    from creditcore.frames import profile

    rows = to_frame(delta)
    gates = config.gates
    if gates is None:
        return Verdict("accept", (), rows, rows.clear())
    if baseline is None:
        baseline = Baseline(0, {}) if gates.baseline is None else Baseline.load(config.path(gates.baseline))
    live = profile.live(rows)
    asked = Asked(rows, live, gates, baseline, config, as_of)
    found = [one for gate in GATES if getattr(gates, gate) is not None for one in GATES[gate](asked)]
    masks = [
        (finding.gate, profile.every(rows) if mask is None else mask)
        for finding, mask in found
        if finding.level == "quarantine"
    ]
    aside = profile.any_of((mask for _, mask in masks), len(rows))
    levels = [LEVELS.index(finding.level) for finding, _ in found]
    outcome = "accept" if not found else LEVELS[max(levels)]
    quarantined = profile.with_reasons(rows, masks) if masks else rows.clear()
    return Verdict(outcome, tuple(finding for finding, _ in found), rows.filter(~aside), quarantined)
