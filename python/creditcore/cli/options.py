"""What options are made of: texts to values, and progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from creditcore.errors import ArgumentError


def names_of(text: str) -> list[str]:
    """Read names that are split at commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def numbers_of(option: str, text: str | None) -> list[float] | None:
    """Read numbers that are split at commas."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ArgumentError(f"`{option} {text}`: write numbers, split at commas") from error


def parse_bands(texts: Sequence[str]) -> dict[str, list[float]]:
    """Read `AGE=30,40,50`, once for each column."""
    bands = {}
    for text in texts:
        name, equals, edges = text.partition("=")
        try:
            bands[name] = [float(edge) for edge in edges.split(",")]
        except ValueError as error:
            raise ArgumentError(f"`--bands {text}`: write COLUMN=EDGE,EDGE,... with numbers") from error
        if not equals or not name:
            raise ArgumentError(f"`--bands {text}`: write COLUMN=EDGE,EDGE,... with numbers")
    return bands


def parse_ratio(text: str | None) -> tuple[str, str] | None:
    """Read `NUMERATOR/DENOMINATOR`."""
    if text is None:
        return None
    numerator, slash, denominator = text.partition("/")
    if not (numerator and slash and denominator):
        raise ArgumentError(f"`--ratio {text}`: write NUMERATOR/DENOMINATOR, two columns")
    return numerator, denominator


@contextmanager
def progress_to_stderr() -> Iterator[Callable[[int], None] | None]:
    """Show the number of records read on a terminal's standard error; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    start = time.monotonic()

    def report(rows: int) -> None:
        seconds = time.monotonic() - start
        print(f"\r{rows:,} records, {seconds:.1f} s", end="", file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
