"""Conditions made at random, each as SQL and, where polars has all of it, as an expression of polars.

In: a seeded generator. Out: pairs of text and expression over the columns of `FRAME`, which holds nulls, NaN,
infinities, odd texts, days and instants.

What the conditions leave out, and why:
- integers beyond 2^31 and their overflow: DuckDB and polars compare integers with doubles after rounding;
- division by a divisor that may be zero: a fault here, null, infinity or an error there (`test_sql_of_rules`
  compares the null);
- casts of text to numbers: which texts are numbers differs (`inf`, ` 12`, `1_000`);
- `%` of polars, which takes the divisor's sign; it is written out for polars;
- GREATEST, LEAST, ROUND and differences of dates are compared with DuckDB alone: polars skips NaN, rounds
  halves to even by default and has no count of borders;
- a NaN that arithmetic makes (inf - inf): null under `nan: "null"`, so arithmetic is compared under
  `nan: "sql"`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

DOUBLES = [None, 0.0, -0.0, 1.0, -1.5, 2.5, 1e300, math.nan, math.inf, -math.inf, 0.1, -7.25, 600.0]
WHOLE = [None, 0, 1, -1, 2, 7, -7, 600, 2**30, -(2**30), 3, 12, 5]
WORDS = [None, "", "a", "A", "b ", "ab", "a%b", "_", "信用", "Zürich", " x", "12", "it's"]
DAYS = [
    None,
    *(
        date(year, month, day)
        for year, month, day in [(1970, 1, 1), (1969, 12, 31), (2024, 2, 29), (2026, 1, 31)]
    ),
    *(date(year, 3, 1) for year in (1900, 2000, 2023, 2100)),
    date(1600, 2, 29),
    date(2026, 12, 31),
    date(2026, 1, 1),
    date(1, 1, 1),
]
INSTANTS = [
    None if day is None else datetime(max(day.year, 1600), day.month, day.day, 23, 59, 1) for day in DAYS
]


def _turned(values: Sequence[object], by: int) -> list[object]:
    return [*values[by:], *values[:by]] * 3


FRAME = pl.DataFrame(
    {
        "x": pl.Series(_turned(DOUBLES, 0), dtype=pl.Float64),
        "y": pl.Series(_turned(DOUBLES, 5), dtype=pl.Float64),
        "f": pl.Series(_turned(DOUBLES, 9), dtype=pl.Float32),
        "i": pl.Series(_turned(WHOLE, 2), dtype=pl.Int64),
        "j": pl.Series(_turned(WHOLE, 7), dtype=pl.Int32),
        "s": pl.Series(_turned(WORDS, 1), dtype=pl.String),
        "t": pl.Series(_turned(WORDS, 6), dtype=pl.String),
        "c": pl.Series(_turned(WORDS, 4), dtype=pl.Categorical),
        "b": pl.Series([True, False, None] * 13, dtype=pl.Boolean),
        "d": pl.Series(_turned(DAYS, 3), dtype=pl.Date),
        "e": pl.Series(_turned(DAYS, 8), dtype=pl.Date),
        "at": pl.Series(_turned(INSTANTS, 11), dtype=pl.Datetime("us")),
    }
).with_row_index()


class Part(NamedTuple):
    """A part of a condition; without an expression polars is not asked."""

    sql: str
    expression: pl.Expr | None


def constant(value: object) -> pl.Expr:
    """A literal as a column of full length."""
    return pl.when(pl.col("index") >= 0).then(pl.lit(value))


def joined(sql: str, parts: list[Part], make: object) -> Part:
    """A part made of parts."""
    expressions = [part.expression for part in parts]
    if make is None or any(expression is None for expression in expressions):
        return Part(sql, None)
    return Part(sql, make(*expressions))  # type: ignore[operator]


class Conditions:
    """Makes conditions, the same for the same seed; `plain` ones have no arithmetic."""

    def __init__(self, seed: int, *, plain: bool = False) -> None:
        self.random = random.Random(seed)
        self.plain = plain

    def pick(self, *values: str) -> str:
        return self.random.choice(values)

    def condition(self, depth: int = 3) -> Part:
        kind = self.random.random()
        if depth > 0 and kind < 0.4:
            parts = [self.condition(depth - 1) for _ in range(self.random.randint(2, 3))]
            word = self.pick("AND", "OR")
            make = pl.all_horizontal if word == "AND" else pl.any_horizontal
            return joined("(" + f" {word} ".join(part.sql for part in parts) + ")", parts, make)
        if depth > 0 and kind < 0.55:
            part = self.condition(depth - 1)
            return joined(f"(NOT {part.sql})", [part], lambda one: ~one)
        return self.leaf(depth)

    def leaf(self, depth: int) -> Part:
        made = self.random.choice(
            [
                self.compared,
                self.compared,
                self.compared,
                self.between,
                self.member,
                self.null,
                self.like,
                self.truth,
            ]
        )
        return made(depth)

    def truth(self, _: int) -> Part:
        if self.random.random() < 0.5:
            return Part("b", pl.col("b"))
        part = self.text(0)
        name, method = self.random.choice(
            [("STARTS_WITH", "starts_with"), ("ENDS_WITH", "ends_with"), ("CONTAINS", "contains")]
        )
        given = {"literal": True} if method == "contains" else {}
        return joined(f"{name}({part.sql}, 'a')", [part], lambda one: getattr(one.str, method)("a", **given))

    def compared(self, depth: int) -> Part:
        kind = self.pick("double", "integer", "text", "day", "mixed")
        if kind == "mixed":
            left, right = self.integer(depth), self.double(depth)
        else:
            of = {"double": self.double, "integer": self.integer, "text": self.text, "day": self.day}[kind]
            left, right = of(depth), of(depth)
        sign = self.pick("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
        methods = {
            "=": "eq",
            "<>": "ne",
            "<": "lt",
            "<=": "le",
            ">": "gt",
            ">=": "ge",
            "IS DISTINCT FROM": "ne_missing",
            "IS NOT DISTINCT FROM": "eq_missing",
        }

        def make(one: pl.Expr, other: pl.Expr) -> pl.Expr:
            made: pl.Expr = getattr(one.cast(pl.Float64) if kind == "mixed" else one, methods[sign])(other)
            return made

        return joined(f"({left.sql} {sign} {right.sql})", [left, right], make)

    def between(self, depth: int) -> Part:
        parts = [self.double(depth) for _ in range(3)]
        one, low, high = (part.sql for part in parts)
        if self.random.random() < 0.5:
            return joined(
                f"({one} BETWEEN {low} AND {high})",
                parts,
                lambda one, low, high: (one >= low) & (one <= high),
            )
        return joined(
            f"({one} NOT BETWEEN {low} AND {high})",
            parts,
            lambda one, low, high: ~((one >= low) & (one <= high)),
        )

    def member(self, depth: int) -> Part:
        word = self.pick("IN", "NOT IN")
        values: Sequence[object]
        if self.random.random() < 0.5:
            part = self.text(depth)
            values = self.random.sample(WORDS[1:], 3)
            listed = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
        else:
            part = self.integer(depth)
            values = self.random.sample(WHOLE[1:], 3)
            listed = ", ".join(map(str, values))

        def make(one: pl.Expr) -> pl.Expr:
            found = one.is_in(values)
            return found if word == "IN" else ~found

        return joined(f"({part.sql} {word} ({listed}))", [part], make)

    def null(self, depth: int) -> Part:
        part = self.random.choice([self.double, self.integer, self.text, self.day])(depth)
        if self.random.random() < 0.5:
            return joined(f"({part.sql} IS NULL)", [part], lambda one: one.is_null())
        return joined(f"({part.sql} IS NOT NULL)", [part], lambda one: one.is_not_null())

    def like(self, depth: int) -> Part:
        part = self.text(depth)
        pattern, regex = self.random.choice(
            [
                ("a%", "(?s)^a.*$"),
                ("%b%", "b"),
                ("_", "(?s)^.$"),
                ("%", ""),
                ("", "(?s)^$"),
                ("%_b", "(?s)^.*.b$"),
            ]
        )
        return joined(f"({part.sql} LIKE '{pattern}')", [part], lambda one: one.str.contains(regex))

    def double(self, depth: int) -> Part:
        if depth <= 0 or self.plain or self.random.random() < 0.6:
            name = self.pick("x", "y", "f", "0.5e0", "-3.25e0", "600e0", "0e0")
            if name in ("x", "y"):
                return Part(name, pl.col(name))
            return Part(name, pl.col("f").cast(pl.Float64) if name == "f" else constant(float(name)))
        one, other = self.double(depth - 1), self.double(depth - 1)
        kind = self.pick(
            "+", "-", "*", "ABS", "FLOOR", "CEIL", "CASE", "COALESCE", "GREATEST", "LEAST", "ROUND"
        )
        if kind in "+-*":
            makes = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
            return joined(f"({one.sql} {kind} {other.sql})", [one, other], makes[kind])
        if kind in ("ABS", "FLOOR", "CEIL"):
            return joined(f"{kind}({one.sql})", [one], lambda a: getattr(a, kind.lower())())
        if kind == "CASE":
            when = self.condition(depth - 1)
            sql = f"(CASE WHEN {when.sql} THEN {one.sql} ELSE {other.sql} END)"
            return joined(sql, [when, one, other], lambda w, a, b: pl.when(w).then(a).otherwise(b))
        if kind == "COALESCE":
            return joined(f"COALESCE({one.sql}, {other.sql})", [one, other], pl.coalesce)
        if kind == "ROUND":
            return Part(f"ROUND({one.sql}, {self.random.randint(-2, 2)})", None)
        return Part(f"{kind}({one.sql}, {other.sql})", None)

    def integer(self, depth: int) -> Part:
        if depth <= 0 or self.plain or self.random.random() < 0.6:
            name = self.pick("i", "j", "3", "-12", "0", "600")
            if name in "ij":
                return Part(name, pl.col(name).cast(pl.Int64))
            return Part(name, constant(int(name)).cast(pl.Int64))
        kind = self.pick(
            "+", "%", "LENGTH", "NULLIF", "YEAR", "MONTH", "DAY", "ISODOW", "QUARTER", "DATE_DIFF", "HOUR"
        )
        if kind == "+":
            one, other = self.integer(0), self.integer(0)
            return joined(f"({one.sql} + {other.sql})", [one, other], lambda a, b: a + b)
        if kind == "%":
            one = self.integer(0)
            rest = lambda a: a - (a.abs() // 7 * 7) * a.sign()  # noqa: E731
            return joined(f"({one.sql} % 7)", [one], rest)
        if kind == "LENGTH":
            text = self.text(depth - 1)
            return joined(f"LENGTH({text.sql})", [text], lambda a: a.str.len_chars().cast(pl.Int64))
        if kind == "NULLIF":
            one, other = self.integer(0), self.integer(0)
            return joined(
                f"NULLIF({one.sql}, {other.sql})",
                [one, other],
                lambda a, b: pl.when(a.eq_missing(b)).then(None).otherwise(a),
            )
        if kind == "HOUR":
            return Part("HOUR(at)", pl.col("at").dt.hour().cast(pl.Int64))
        day = self.day(depth - 1)
        if kind == "DATE_DIFF":
            unit = self.pick("year", "quarter", "month", "day", "hour")
            return Part(f"DATE_DIFF('{unit}', {day.sql}, {self.day(0).sql})", None)
        method = {"YEAR": "year", "MONTH": "month", "DAY": "day", "ISODOW": "weekday", "QUARTER": "quarter"}[
            kind
        ]
        return joined(f"{kind}({day.sql})", [day], lambda a: getattr(a.dt, method)().cast(pl.Int64))

    def text(self, depth: int) -> Part:
        if depth <= 0 or self.plain or self.random.random() < 0.6:
            name = self.pick("s", "t", "c", "'a'", "''", "'b '", "'信用'", "'it''s'")
            if name in "stc":
                return Part(name, pl.col(name).cast(pl.String))
            return Part(name, constant(name[1:-1].replace("''", "'")))
        one = self.text(depth - 1)
        kind = self.pick("||", "UPPER", "LOWER", "SUBSTRING", "LEFT", "RIGHT", "REPLACE", "TRIM")
        if kind == "||":
            other = self.text(depth - 1)
            return joined(f"({one.sql} || {other.sql})", [one, other], lambda a, b: a + b)
        if kind in ("UPPER", "LOWER"):
            method = "to_uppercase" if kind == "UPPER" else "to_lowercase"
            return joined(f"{kind}({one.sql})", [one], lambda a: getattr(a.str, method)())
        if kind == "SUBSTRING":
            start, count = self.random.randint(1, 3), self.random.randint(0, 3)
            return joined(
                f"SUBSTRING({one.sql}, {start}, {count})", [one], lambda a: a.str.slice(start - 1, count)
            )
        if kind == "REPLACE":
            return joined(
                f"REPLACE({one.sql}, 'a', 'zz')", [one], lambda a: a.str.replace_all("a", "zz", literal=True)
            )
        if kind == "TRIM":
            return joined(f"TRIM({one.sql})", [one], lambda a: a.str.strip_chars(" "))
        count = self.random.randint(0, 3)
        if kind == "LEFT":
            return joined(f"LEFT({one.sql}, {count})", [one], lambda a: a.str.head(count))
        return joined(f"RIGHT({one.sql}, {count})", [one], lambda a: a.str.tail(count))

    def day(self, depth: int) -> Part:
        if depth <= 0 or self.plain or self.random.random() < 0.6:
            name = self.pick("d", "e", "DATE '2026-01-31'", "DATE '1969-12-31'")
            if name in "de":
                return Part(name, pl.col(name))
            return Part(name, constant(date.fromisoformat(name[6:-1])))
        one = self.day(0)
        kind = self.pick("+", "ADD_MONTHS", "LAST_DAY", "DATE_TRUNC", "CAST")
        if kind == "+":
            days = self.random.randint(-400, 400)
            return joined(f"({one.sql} + ({days}))", [one], lambda a: a + pl.duration(days=days))
        if kind == "ADD_MONTHS":
            months = self.random.randint(-30, 30)
            return joined(f"ADD_MONTHS({one.sql}, {months})", [one], lambda a: a.dt.offset_by(f"{months}mo"))
        if kind == "LAST_DAY":
            return joined(f"LAST_DAY({one.sql})", [one], lambda a: a.dt.month_end())
        if kind == "CAST":
            return Part("CAST(at AS DATE)", pl.col("at").dt.date())
        unit, every = self.random.choice([("month", "1mo"), ("quarter", "1q"), ("year", "1y")])
        return joined(f"DATE_TRUNC('{unit}', {one.sql})", [one], lambda a: a.dt.truncate(every))
