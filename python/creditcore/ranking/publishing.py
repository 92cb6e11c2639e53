"""Rules of disclosure: from what a publisher says to what the core keeps.

Comes in: `"default"`, a dict, or the path of a TOML file. Goes out: `PublishRules`. What they do stands in
docs/publishing.md.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from creditcore.errors import ArgumentError, FormatError, SourceError

Publish = str | os.PathLike[str] | Mapping[str, Any]
"""`"default"`, the path of a TOML file, or a dict of rules."""


@dataclass(frozen=True)
class PublishRules:
    """When a cell of a ranking may be shown, and when it is ranked.

    >>> PublishRules().dominance
    0.1
    """

    min_ranked: int = 1000
    """Units from which a row is ranked."""
    min_shown: int = 50
    """Units from which its figures are shown."""
    dominance: float | None = 0.1
    """The share of a row's weight that one unit may have; None for any."""
    protection: int | None = None
    """The least width of the interval that a hidden row's units can be narrowed to; None for half of
    `min_shown`, at most `min_shown` - 2."""
    round_counts: int | None = None
    """Counts are rounded to multiples of this; None for none."""

    @property
    def width(self) -> int:
        """The least width of the interval that a hidden row's units can be narrowed to."""
        if self.protection is not None:
            return self.protection
        return max(0, min(self.min_shown // 2, self.min_shown - 2))

    def as_record(self) -> dict[str, Any]:
        """Give the rules as plain values."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"protection": self.width}

    def as_json(self) -> str:
        """Give the rules as the core reads them: the share in millionths."""
        share = None if self.dominance is None else round(self.dominance * 1_000_000)
        return json.dumps(self.as_record() | {"dominance": share})


def load(publish: Publish | PublishRules | None) -> PublishRules | None:
    """Read rules.

    Args:
        publish: None for none, `"default"`, a dict, or the path of a TOML file whose table `[publish]`, or
            else whose top, holds them.

    Raises:
        SourceError: a file that cannot be read.
        FormatError: a file that is no TOML, or an unknown rule or a value of a wrong type in it.
        ArgumentError: the same in a dict.
    """
    if publish is None or isinstance(publish, PublishRules):
        return publish
    if publish == "default":
        return PublishRules()
    if isinstance(publish, Mapping):
        return _checked(publish, "`publish`", ArgumentError)
    try:
        told = read_toml(publish)
    except SourceError as error:
        raise SourceError(
            f"`publish` is `{publish}`, neither `default` nor a file that can be read: {error}"
        ) from error
    return _checked(told.get("publish", told), f"`{publish}`", FormatError)


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        SourceError: a file that cannot be read.
        FormatError: a file that is no TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"`{path}` cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FormatError(f"`{path}`: this is no TOML file: {error}") from error


def _checked(told: Any, place: str, fault: type[ArgumentError] | type[FormatError]) -> PublishRules:
    known = {field.name for field in fields(PublishRules)}
    if not isinstance(told, Mapping):
        raise fault(f"{place}: the rules are `{told!r}`; a table of {', '.join(sorted(known))} is needed")
    for name, value in told.items():
        if name not in known:
            raise fault(f"{place}: unknown rule `{name}`; known are {', '.join(sorted(known))}")
        if name == "dominance":
            if value is None or (
                isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
            ):
                continue
            raise fault(f"{place}: `dominance` is `{value!r}`; a share above 0 and at most 1 is needed (0.1)")
        optional = name in ("protection", "round_counts")
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (optional and value is None) and not (whole and 0 <= value < 2**53):
            raise fault(f"{place}: `{name}` is `{value!r}`; a whole number is needed")
    return PublishRules(**told)
