//! Arithmetic and functions of numbers.
//!
//! In: columns of numbers (and days). Out: the column of results, with faults of single rows. Integers are
//! exact or a fault; `/` is a division of doubles; halves are rounded away from zero; EXP, LN and POWER
//! come from `libm`, so they are the same on every machine.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use super::check::unified;
use super::column::{Column, NanMode};
use super::compare::order;
use super::evaluate::{Failure, Faults};
use super::node::{Function, Operator, Type};

/// One operator, for every row.
pub(crate) fn arithmetic<'a>(
    operator: Operator,
    left: &Column<'_>,
    right: &Column<'_>,
    nan: NanMode,
    faults: &mut Faults<'_>,
) -> Column<'a> {
    let rows = left.len();
    match (left, right) {
        (Column::Null(_), other) | (other, Column::Null(_)) => {
            let kind = if operator == Operator::Divide { Type::Double } else { other.kind() };
            Column::nulls(kind, rows)
        }
        (Column::Integer(left), Column::Integer(right)) if operator != Operator::Divide => {
            Column::Integer(each(left, right, |row, a, b| integers(operator, a, b, row, faults)))
        }
        (Column::Date(left), Column::Date(right)) => {
            Column::Integer(each(left, right, |_, a, b| Some(i64::from(a) - i64::from(b))))
        }
        (Column::Date(left), Column::Integer(right)) => Column::Date(each(left, right, |row, day, days| {
            let days = if operator == Operator::Add { Some(days) } else { days.checked_neg() };
            let sum = days.and_then(|days| i64::from(day).checked_add(days));
            faults.keep(row, sum.and_then(|sum| i32::try_from(sum).ok()), Failure::Overflow)
        })),
        _ => Column::Double(
            (0..rows)
                .map(|row| doubles(operator, double(left, row)?, double(right, row)?, nan, row, faults))
                .collect(),
        ),
    }
}

/// Applies a function where both values are there.
fn each<A: Copy, B: Copy, C>(
    left: &[Option<A>],
    right: &[Option<B>],
    mut function: impl FnMut(usize, A, B) -> Option<C>,
) -> Vec<Option<C>> {
    let rows = left.iter().zip(right).enumerate();
    rows.map(|(row, (a, b))| function(row, (*a)?, (*b)?)).collect()
}

/// The number of a row as a double.
fn double(column: &Column<'_>, row: usize) -> Option<f64> {
    match column {
        Column::Integer(values) => values[row].map(|value| value as f64),
        Column::Double(values) => values[row],
        _ => None,
    }
}

fn integers(operator: Operator, a: i64, b: i64, row: usize, faults: &mut Faults<'_>) -> Option<i64> {
    let value = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide | Operator::Modulo if b == 0 => return faults.null(row, Failure::DivisionByZero),
        // The smallest integer modulo -1 is 0, which the processor's own division does not give.
        Operator::Divide | Operator::Modulo => Some(a.wrapping_rem(b)),
    };
    faults.keep(row, value, Failure::Overflow)
}

fn doubles(
    operator: Operator,
    a: f64,
    b: f64,
    nan: NanMode,
    row: usize,
    faults: &mut Faults<'_>,
) -> Option<f64> {
    let value = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide | Operator::Modulo if b == 0.0 => {
            return faults.null(row, Failure::DivisionByZero);
        }
        Operator::Divide => a / b,
        Operator::Modulo => a % b,
    };
    nan.keep(value)
}

/// The number with the other sign.
pub(crate) fn negate<'a>(value: &Column<'_>, faults: &mut Faults<'_>) -> Column<'a> {
    match value {
        Column::Integer(values) => Column::Integer(map(values, |row, value| {
            faults.keep(row, value.checked_neg(), Failure::Overflow)
        })),
        Column::Double(values) => Column::Double(map(values, |_, value| Some(-value))),
        other => Column::Null(other.len()),
    }
}

/// Applies a function where the value is there.
pub(crate) fn map<A: Copy, B>(
    values: &[Option<A>],
    mut function: impl FnMut(usize, A) -> Option<B>,
) -> Vec<Option<B>> {
    values.iter().enumerate().map(|(row, value)| function(row, (*value)?)).collect()
}

/// A function of one number.
pub(crate) fn numeric<'a>(
    function: Function,
    value: &Column<'_>,
    nan: NanMode,
    faults: &mut Faults<'_>,
) -> Column<'a> {
    if let Column::Integer(values) = value {
        match function {
            Function::Abs => {
                return Column::Integer(map(values, |row, value| {
                    faults.keep(row, value.checked_abs(), Failure::Overflow)
                }));
            }
            Function::Ceil | Function::Floor => return Column::Integer(values.clone()),
            _ => {}
        }
    }
    if let Column::Null(rows) = value {
        let kind = if matches!(function, Function::Abs | Function::Ceil | Function::Floor) {
            Type::Null
        } else {
            Type::Double
        };
        return Column::nulls(kind, *rows);
    }
    let rows = 0..value.len();
    Column::Double(rows.map(|row| of_double(function, double(value, row)?, nan, row, faults)).collect())
}

fn of_double(
    function: Function,
    value: f64,
    nan: NanMode,
    row: usize,
    faults: &mut Faults<'_>,
) -> Option<f64> {
    let result = match function {
        Function::Abs => value.abs(),
        Function::Ceil => value.ceil(),
        Function::Floor => value.floor(),
        Function::Exp => libm::exp(value),
        Function::Ln if value <= 0.0 => return faults.null(row, Failure::NoValue),
        Function::Ln => libm::log(value),
        _ if value < 0.0 => return faults.null(row, Failure::NoValue),
        _ => libm::sqrt(value),
    };
    nan.keep(result)
}

/// POWER; a root of a negative number and zero to a negative power have no value.
pub(crate) fn power<'a>(
    base: &Column<'_>,
    exponent: &Column<'_>,
    nan: NanMode,
    faults: &mut Faults<'_>,
) -> Column<'a> {
    let of = |row| {
        let (base, exponent) = (double(base, row)?, double(exponent, row)?);
        let result = libm::pow(base, exponent);
        let no_value =
            (result.is_nan() && !base.is_nan() && !exponent.is_nan()) || (base == 0.0 && exponent < 0.0);
        if no_value { faults.null(row, Failure::NoValue) } else { nan.keep(result) }
    };
    Column::Double((0..base.len()).map(of).collect())
}

/// ROUND: halves away from zero. Of a double to places behind the point: `round(x * 10^n) / 10^n`.
pub(crate) fn round<'a>(value: &Column<'_>, places: i64, faults: &mut Faults<'_>) -> Column<'a> {
    match value {
        Column::Integer(values) => Column::Integer(map(values, |row, value| {
            if places >= 0 {
                return Some(value);
            }
            let unit = 10i128.pow(places.unsigned_abs() as u32);
            let (value, half) = (i128::from(value), unit / 2);
            let rounded = (value.abs() + half) / unit * unit * value.signum();
            faults.keep(row, i64::try_from(rounded).ok(), Failure::Overflow)
        })),
        Column::Double(values) => Column::Double(map(values, |_, value| Some(round_double(value, places)))),
        other => Column::Null(other.len()),
    }
}

fn round_double(value: f64, places: i64) -> f64 {
    let power = 10i64.pow(places.unsigned_abs() as u32) as f64;
    let rounded = match places.cmp(&0) {
        Ordering::Equal => value.round(),
        Ordering::Greater => (value * power).round() / power,
        Ordering::Less => (value / power).round() * power,
    };
    // A product beyond the range: the value has no digits behind the point.
    if rounded.is_finite() { rounded } else { value }
}

/// GREATEST or LEAST: nulls are left out.
pub(crate) fn extreme<'a>(values: &[Arc<Column<'a>>], greatest: bool) -> Column<'a> {
    let kind = values.iter().fold(Type::Null, |kind, value| unified(kind, value.kind()).unwrap_or(kind));
    let rows = values.first().map_or(0, |value| value.len());
    let mut result = Column::nulls(kind, rows);
    for value in values {
        let value = (**value).clone().widened(kind);
        for row in 0..rows {
            let better = match order(&value, row, &result, row) {
                Some(order) => order == if greatest { Ordering::Greater } else { Ordering::Less },
                None => result.is_null(row),
            };
            if better {
                result.take(row, &value);
            }
        }
    }
    result
}

/// `||`.
pub(crate) fn join<'a>(left: &Column<'_>, right: &Column<'_>) -> Column<'a> {
    let (Column::Text(left), Column::Text(right)) = (left, right) else {
        return Column::Text(vec![None; left.len()]);
    };
    let rows = left.iter().zip(right);
    Column::Text(rows.map(|(a, b)| Some(Cow::Owned(format!("{}{}", a.as_ref()?, b.as_ref()?)))).collect())
}
