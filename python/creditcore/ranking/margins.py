"""Margin tables: how many people there are, by region or any column, and what weighs records to them.

Comes in: `"census"`, paths, dicts. Goes out: `Margin`s; factors by raking. Law kept: cells are taken in one
order, so nothing depends on that of records.

Source: Deming and Stephan, *On a Least Squares Adjustment of a Sampled Frequency Table When the Expected
Marginal Totals Are Known*, Annals of Mathematical Statistics 11 (1940); one margin is post-stratification
(Holt and Smith, JRSS A 142, 1979).
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from creditcore import regions as region_tables
from creditcore.errors import ArgumentError, FormatError, SourceError

Margins = str | os.PathLike[str] | Mapping[Any, Any] | Sequence[Any]
"""`"census"`, the path of a table, a dict of populations by column, or several of these."""
CENSUS = "population_2020"
REST = 1e-10
"""How near the sums of raked weights come to every margin, as a share of it."""
MOST_ROUNDS = 1_000
TOTALS = 0.01
"""The share by which totals of margins may differ: they are of the same people."""


@dataclass(frozen=True)
class Margin:
    """The population by one column, or by several together."""

    columns: tuple[str, ...]
    population: dict[tuple[str, ...], int]

    @property
    def named(self) -> str:
        """What it is by, in words."""
        return " and ".join(self.columns)


def load(margins: Margins, regions: str | os.PathLike[str] | None) -> list[Margin]:
    """Read margins.

    Args:
        margins: `"census"` (the packaged table's cities, 2020), the path of a CSV file whose last column is
            `population` and whose others are columns or region levels (`code`: the finest level), a dict
            such as `{"sex": {"f": 48, "m": 52}}` (several columns together: a tuple of names, tuples of
            values), or a sequence of these.
        regions: the region table.

    Raises:
        SourceError, FormatError: a table that cannot be read, or is none.
        ArgumentError: margins that are none, or two by the same.
    """
    several = margins if isinstance(margins, Sequence) and not isinstance(margins, str) else [margins]
    found: list[Margin] = []
    for told in several:
        if isinstance(told, Mapping):
            found += [_of_dict(columns, population) for columns, population in told.items()]
        elif told == "census":
            found.append(_census(regions))
        else:
            found.append(read_margin(told, regions))
    if not found:
        raise ArgumentError("`margins` is empty; give `census`, a table, or a dict of populations")
    named = [margin.columns for margin in found]
    if len(set(named)) < len(named):
        raise ArgumentError(f"two margins are by `{found[-1].named}`; give one of them")
    return found


def _census(regions: str | os.PathLike[str] | None) -> Margin:
    if regions != "china":
        raise ArgumentError("`census` is of the packaged region table; give a margin table of your own")
    told = region_tables.attributes("china")
    cities: dict[tuple[str, ...], int] = {}
    cities |= {(row["code"],): int(row[CENSUS]) for row in told if row["level"] == "city" and row[CENSUS]}
    return Margin(("city",), cities)


def _of_dict(columns: Any, population: Any) -> Margin:
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    if not isinstance(population, Mapping) or not population:
        raise ArgumentError(f"the margin `{' and '.join(names)}` is no table; give populations by value")
    made = {}
    for value, people in population.items():
        values = tuple(str(part) for part in (value if isinstance(value, tuple) else (value,)))
        if len(values) != len(names):
            raise ArgumentError(f"`{value}` has {len(values)} values; the margin is by {len(names)} columns")
        if not isinstance(people, int) or isinstance(people, bool) or people <= 0:
            raise ArgumentError(
                f"the population of `{value}` is `{people!r}`; a whole number above zero is needed"
            )
        made[values] = people
    return Margin(names, made)


def read_margin(path: str | os.PathLike[str], regions: str | os.PathLike[str] | None = "china") -> Margin:
    """Read a margin table: a CSV file whose last column is `population`.

    Raises:
        SourceError: a file that cannot be read.
        FormatError: another header, values twice, or a population that is no whole number above zero.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SourceError(f"`{path}` cannot be read: {told}") from error
    header, *lines = list(csv.reader(text.splitlines())) or [[]]
    *columns, last = header or [""]
    if last != "population" or not columns or len(set(columns)) < len(columns):
        raise FormatError(
            f"`{path}`, line 1: the header is `{','.join(header)}`; columns or region levels (`code` for the "
            "finest) and then `population` are needed"
        )
    table = region_tables.load(regions)
    names = tuple(table.levels()[-1] if name == "code" and table is not None else name for name in columns)
    found: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(lines, 2):
        if not row:
            continue
        if len(row) != len(header):
            raise FormatError(f"`{path}`, line {number}: {len(row)} cells; {len(header)} are needed")
        *values, population = row
        key, listed = tuple(values), ", ".join(f"{n} `{v}`" for n, v in zip(columns, values, strict=True))
        if key in found:
            raise FormatError(f"`{path}`, line {number}: {listed} is there twice; keep one line of it")
        if not (population.isascii() and population.isdigit() and int(population) > 0):
            told = f"the population of {listed} is `{population}`; a whole number above zero is needed"
            raise FormatError(f"`{path}`, line {number}: {told}")
        found[key] = int(population)
    if not found:
        raise FormatError(f"`{path}`: there is no line below the header")
    return Margin(names, found)


def factors(
    margins: Sequence[Margin],
    cells: Sequence[Mapping[str, str | None]],
    weights: Sequence[Fraction],
    units: Sequence[int],
) -> list[float]:
    """Give for each cell what its weights are multiplied by, so that they add up to every margin.

    One margin: N / W, the nearest double of the exact fraction. Several: factors are adjusted to one margin
    after the other until all sums are within `REST` of theirs; the total is that of the first margin over its
    values that have units, of which the others are shares.

    Args:
        margins: at least one.
        cells: values by column.
        weights: the sum of weights of each cell.
        units: how many each cell has.

    Raises:
        ArgumentError: a margin that does not cover the cells, totals of different people, or margins
            that no weights meet.
    """
    keys = [[tuple(cell[name] for name in margin.columns) for cell in cells] for margin in margins]
    for margin, known in zip(margins, keys, strict=True):
        _check_covered(margin, known, weights, units)
    _check_totals(margins)
    if len(margins) == 1:
        sums: dict[Any, Fraction] = {}
        for key, weight in zip(keys[0], weights, strict=True):
            sums[key] = sums.get(key, Fraction(0)) + weight
        people = [margins[0].population[key] for key in keys[0]]  # type: ignore[index]
        return [float(n / sums[key]) for n, key in zip(people, keys[0], strict=True)]
    return _raked(margins, keys, [float(weight) for weight in weights])


def _check_covered(
    margin: Margin, keys: Sequence[tuple[str | None, ...]], weights: Sequence[Fraction], units: Sequence[int]
) -> None:
    missing: dict[str, int] = {}
    sums: dict[Any, Fraction] = {}
    for key, weight, n in zip(keys, weights, units, strict=True):
        sums[key] = sums.get(key, Fraction(0)) + weight
        if key not in margin.population:
            name = ", ".join("null" if part is None else part for part in key)
            missing[name] = missing.get(name, 0) + n
    if missing:
        listed = ", ".join(f"`{name}` ({n:,} units)" for name, n in list(missing.items())[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise ArgumentError(
            f"the margin by `{margin.named}` does not cover the records: no population for {listed}{more}; "
            "add them, or leave their records out"
        )
    empty = next((key for key, weight in sums.items() if weight == 0), None)
    if empty is not None:
        name = ", ".join(str(part) for part in empty)
        raise ArgumentError(f"the units of `{name}` have no weight that its population could be given to")


def _check_totals(margins: Sequence[Margin]) -> None:
    first, *others = [(margin, sum(margin.population.values())) for margin in margins]
    for margin, total in others:
        if abs(total - first[1]) > TOTALS * first[1]:
            raise ArgumentError(
                f"the margin by `{margin.named}` adds up to {total:,}, the one by `{first[0].named}` to "
                f"{first[1]:,}; margins of the same people are needed, within {TOTALS:.0%}"
            )


def _raked(
    margins: Sequence[Margin], keys: Sequence[Sequence[tuple[str | None, ...]]], weights: Sequence[float]
) -> list[float]:
    wanted: list[dict[Any, float]] = []
    first: dict[Any, int] = dict(margins[0].population)
    whole = float(sum(first[key] for key in dict.fromkeys(keys[0])))
    for margin, known in zip(margins, keys, strict=True):
        there = {key: margin.population[key] for key in dict.fromkeys(known)}  # type: ignore[index]
        total = sum(there.values())
        wanted.append({key: people / total * whole for key, people in there.items()})
    found = [1.0] * len(weights)
    worst: tuple[float, str, Any] = (math.inf, "", None)
    for _ in range(MOST_ROUNDS):
        worst = (0.0, "", None)
        for margin, known, targets in zip(margins, keys, wanted, strict=True):
            parts: dict[Any, list[float]] = {key: [] for key in targets}
            for key, factor, weight in zip(known, found, weights, strict=True):
                parts[key].append(factor * weight)
            ratio = {key: target / math.fsum(parts[key]) for key, target in targets.items()}
            off = max(ratio, key=lambda key: abs(ratio[key] - 1))
            worst = max(worst, (abs(ratio[off] - 1), margin.named, off), key=lambda told: told[0])
            found = [factor * ratio[key] for factor, key in zip(found, known, strict=True)]
        if worst[0] <= REST:
            return found
    value = ", ".join(str(part) for part in worst[2])
    raise ArgumentError(
        f"no weights meet all margins: after {MOST_ROUNDS:,} rounds `{worst[1]}` {value} is still off by "
        f"{worst[0]:.2g}; some combinations of values have no units: join values of a margin"
    )
