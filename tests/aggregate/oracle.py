"""The slow twin of aggregation: exact rationals from the standard library, rounded once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction


def round_to_26(value: float) -> Fraction:
    """Round to 26 significant bits, to nearest even, as the sums behind a standard error may."""
    if value == 0:
        return Fraction(0)
    mantissa, exponent = math.frexp(value)
    return Fraction(round(Fraction(mantissa) * 2**26)) * Fraction(2) ** (exponent - 26)


def root(value: Fraction) -> float:
    """The nearest double to a square root: an integer root with 80 bits to spare decides every rounding."""
    if value <= 0:
        return 0.0
    shift = 2 * max(0, 80 + value.denominator.bit_length() - value.numerator.bit_length() // 2)
    scaled = math.isqrt((value.numerator << shift) // value.denominator)
    # The root is irrational or exact in its first bits: a half unit of the last of 80 more bits is enough.
    exact = Fraction(scaled, 1) / Fraction(2) ** (shift // 2)
    if exact * exact != value:
        exact += Fraction(1, 2) / Fraction(2) ** (shift // 2)
    return float(exact)


def figures(
    rows: Iterable[tuple[float, float]],
) -> tuple[int, float, float | None, float | None, float | None]:
    """n, sum of weights, weighted mean, plain mean and standard error of (value, weight) rows."""
    pairs = list(rows)
    n = len(pairs)
    x, w = [Fraction(x) for x, _ in pairs], [Fraction(w) for _, w in pairs]
    total = sum(w, Fraction(0))
    plain = float(sum(x, Fraction(0)) / n) if n else None
    if total == 0:
        return n, 0.0, None, plain, None
    mean = sum((a * b for a, b in zip(x, w, strict=True)), Fraction(0)) / total
    if n == 1:
        return n, float(total), float(mean), plain, None
    rx, rw = [round_to_26(x) for x, _ in pairs], [round_to_26(w) for _, w in pairs]
    ww = sum((b * b for b in rw), Fraction(0))
    wwx = sum((b * b * a for a, b in zip(rx, rw, strict=True)), Fraction(0))
    wwxx = sum((b * b * a * a for a, b in zip(rx, rw, strict=True)), Fraction(0))
    variance = Fraction(n, n - 1) * (wwxx - 2 * mean * wwx + mean * mean * ww) / total**2
    return n, float(total), float(mean), plain, root(variance)
