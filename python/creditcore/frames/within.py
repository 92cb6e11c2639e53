"""Exact sums of records by group and by a key within it (a cluster, a score), as frames.

Comes in: records as frames. Goes out: whole numbers and what one of them is worth. Law kept: sums are exact,
so the order of records changes no digit. Doubles are cut into parts of 48 bits, whose products are summed in
128; a column that mixes very large and very small numbers has more parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl

from creditcore.errors import ArgumentError

LIMB = 48
MOST_BITS = 124
Pairs = Sequence[tuple[str, str]]
"""Groups and what they are part of."""
_KEYS = ["group", "key"]


@dataclass(frozen=True)
class Within:
    """Sums for each key within one group: records, weights (in `w_unit`), weight times value (`wx_unit`)."""

    keys: list[Any]
    n: list[int]
    w: list[int]
    wx: list[int]
    w_unit: Fraction
    wx_unit: Fraction

    @property
    def mean(self) -> Fraction | None:
        """The weighted mean of the group; None without weight."""
        weight = sum(self.w)
        return Fraction(sum(self.wx), weight) * self.wx_unit / self.w_unit if weight > 0 else None

    @property
    def clustered_error(self) -> float | None:
        """sqrt(C/(C-1) * sum over the C keys of (sum of w (x - m))^2) / sum(w); None for one key."""
        weight, value, clusters = sum(self.w), sum(self.wx), len(self.keys)
        if weight <= 0 or clusters < 2:
            return None
        squares = sum((x * weight - value * w) ** 2 for w, x in zip(self.w, self.wx, strict=True))
        scale = (self.wx_unit / (self.w_unit * weight * weight)) ** 2
        return math.sqrt(squares * scale * Fraction(clusters, clusters - 1))


class Cells:
    """Exact sums by group and key; groups can be joined."""

    def __init__(self, rows: pl.DataFrame) -> None:
        """Sum records.

        Args:
            rows: without nulls: `group`, `x`, `w`; `key` (the value as a double without it); for ratios `d`,
                of which w d is the weight.
        """
        if "key" not in rows.columns:
            rows = rows.with_columns(key=pl.col("x").cast(pl.Float64) + 0.0)
        x, w = _Limbs(rows["x"]), _Limbs(rows["w"])
        d = _Limbs(rows["d"]) if "d" in rows.columns else None
        self._w_unit = w.unit if d is None else w.unit * d.unit
        self._wx_unit = w.unit * x.unit
        weights = w.parts if d is None else w.times(d)
        columns = [pl.Series("n", np.ones(len(rows), np.int64))]
        for name, parts in (("w", weights), ("wx", w.times(x))):
            columns += [part.cast(pl.Int128).alias(f"{name} {shift}") for shift, part in parts.items()]
        self._frame = _summed(rows.select(_KEYS).with_columns(columns))

    def by(self, pairs: Pairs | None = None) -> dict[str, Within]:
        """Give the sums of each group, or of what groups are part of, in the order of their codes."""
        frame = self._frame
        if pairs is not None:
            schema = {"group": pl.String, "code": pl.String}
            joined = frame.join(pl.DataFrame(list(pairs), schema=schema, orient="row"), on="group")
            frame = _summed(joined.drop("group").rename({"code": "group"}))
        parts = {str(group): part for (group,), part in frame.partition_by("group", as_dict=True).items()}
        return {
            group: Within(
                part["key"].to_list(),
                part["n"].to_list(),
                _joined(part, "w"),
                _joined(part, "wx"),
                self._w_unit,
                self._wx_unit,
            )
            for group, part in sorted(parts.items())
        }


class _Limbs:
    """Numbers as whole ones of `unit`: the sum of each part, shifted to the left by its key."""

    def __init__(self, column: pl.Series) -> None:
        self.unit = Fraction(1)
        if column.dtype.is_integer() or column.dtype.is_decimal():
            if column.dtype.is_decimal():
                self.unit = Fraction(1, 10 ** (getattr(column.dtype, "scale", 0) or 0))
                column = column.to_physical()
            self.parts = {0: column.cast(pl.Int128)}
            return
        values = column.cast(pl.Float64).to_numpy()
        mantissa, exponent = np.frexp(values)
        bits = (mantissa * 2.0**53).astype(np.int64)
        known = bits != 0
        if not known.any():
            self.parts = {0: pl.Series(bits)}
            return
        # The last bit that is set, as a power of two.
        last = exponent[known] - 53 + np.frexp((bits & -bits)[known].astype(np.float64))[1] - 1
        least = int(last.min())
        self.unit = Fraction(2) ** least
        length = int(exponent[known].max()) - least
        rest, self.parts = values, {}
        for shift in reversed(range(0, length, LIMB)):
            part = np.trunc(np.ldexp(rest, -least - shift))
            rest = rest - np.ldexp(part, least + shift)
            self.parts[shift] = pl.Series(part.astype(np.int64))

    def times(self, other: _Limbs) -> dict[int, pl.Series]:
        """Give the product as parts, whose sums over any number of rows stay within 127 bits."""
        found: dict[int, pl.Series] = {}
        for shift, part in self.parts.items():
            for beyond, factor in other.parts.items():
                if _bits(part) + _bits(factor) + len(part).bit_length() > MOST_BITS:
                    raise ArgumentError("the numbers are too long for exact sums; give them as doubles")
                product = part.cast(pl.Int128) * factor.cast(pl.Int128)
                known = found.get(shift + beyond)
                found[shift + beyond] = product if known is None else known + product
        return found


def _bits(column: pl.Series) -> int:
    ends = (column.min(), column.max())
    return max((abs(end).bit_length() for end in ends if isinstance(end, int)), default=0)


def _joined(part: pl.DataFrame, name: str) -> list[int]:
    """Give the sums of parts as whole numbers."""
    columns = [
        (int(column.split(" ")[1]), column) for column in part.columns if column.startswith(f"{name} ")
    ]
    if len(columns) == 1:
        return part[columns[0][1]].to_list()
    shifts = [shift for shift, _ in columns]
    rows = part.select(column for _, column in columns).iter_rows()
    return [sum(value << shift for value, shift in zip(row, shifts, strict=True)) for row in rows]


def _summed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.group_by(_KEYS).agg(pl.exclude(_KEYS).sum())


def usable(
    parts: Iterable[tuple[pl.DataFrame, str, int]],
    names: Sequence[str],
    members: Callable[[list[str]], list[tuple[str, str]]] | None,
) -> pl.DataFrame:
    """Give the records that count: a group, a key and a finite score, a weight from zero.

    Args:
        parts: of the source, their columns in the order of `names`.
        names: of `group`, `x` and, where there are such, `key` and `w` (1 without it).
        members: the groups of values, where `group` is to be looked up.
    """
    frames = [part.rename(dict(zip(part.columns, names, strict=True))) for part, _, _ in parts]
    kinds = {name: pl.String if name in _KEYS else pl.Float64 for name in names}
    rows = pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame(schema=kinds)
    if "w" not in names:
        rows = rows.with_columns(w=pl.lit(1, pl.Int64))
    rows = rows.with_columns(pl.col(*(name for name in _KEYS if name in names)).cast(pl.String)).drop_nulls()
    finite = [pl.col(name).is_finite() for name in ("x", "w") if rows.schema[name].is_float()]
    rows = rows.filter(*finite, pl.col("w") >= 0)
    if members is None:
        return rows
    schema = {"group": pl.String, "code": pl.String}
    found = pl.DataFrame(members(rows["group"].unique().to_list()), schema=schema, orient="row")
    return rows.join(found, on="group").drop("group").rename({"code": "group"})
