//! CAST: the only way from one type to another that is not a widening.
//!
//! In: a column and a target that the check allowed. Out: a column of the target's type; a value that does
//! not fit is null and a fault of its row. Doubles become the nearest integer, halves away from zero; blanks
//! around text are not looked at; numbers become the shortest text that reads back the same.

use std::borrow::Cow;

use super::column::{Column, NanMode, midnight};
use super::compute::map;
use super::convert::{day, instant};
use super::evaluate::{Failure, Faults};
use super::node::Target;

/// Casts a column.
pub(crate) fn cast<'a>(
    value: &Column<'a>,
    target: Target,
    nan: NanMode,
    faults: &mut Faults<'_>,
) -> Column<'a> {
    match target {
        Target::Boolean => Column::Boolean(to_boolean(value, faults)),
        Target::Integer(bits) => Column::Integer(to_integer(value, bits, faults)),
        Target::Double => Column::Double(to_double(value, nan, faults)),
        Target::Real => {
            let values = to_double(value, nan, faults);
            Column::Double(map(&values, |_, value| Some(f64::from(value as f32))))
        }
        Target::Text => Column::Text(to_text(value)),
        Target::Date => Column::Date(to_date(value, faults)),
        Target::Timestamp => Column::Timestamp(to_timestamp(value, faults)),
    }
}

/// Reads every text, null where there is none; a text that is refused is a fault.
fn read<B>(
    values: &[Option<Cow<'_, str>>],
    faults: &mut Faults<'_>,
    read: impl Fn(&str) -> Result<B, Failure>,
) -> Vec<Option<B>> {
    let mut of = |row: usize, text: &Cow<'_, str>| match read(text.trim()) {
        Ok(value) => Some(value),
        Err(failure) => faults.null(row, failure),
    };
    values.iter().enumerate().map(|(row, text)| of(row, text.as_ref()?)).collect()
}

fn to_boolean(value: &Column<'_>, faults: &mut Faults<'_>) -> Vec<Option<bool>> {
    match value {
        Column::Boolean(values) => values.clone(),
        Column::Integer(values) => map(values, |_, value| Some(value != 0)),
        Column::Text(values) => read(values, faults, |text| match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Failure::BadCast),
        }),
        other => vec![None; other.len()],
    }
}

fn to_integer(value: &Column<'_>, bits: u32, faults: &mut Faults<'_>) -> Vec<Option<i64>> {
    let largest = i64::MAX >> (64 - bits);
    let fits = |value: i64| (-largest - 1..=largest).contains(&value).then_some(value);
    match value {
        Column::Boolean(values) => map(values, |_, value| Some(i64::from(value))),
        Column::Integer(values) => map(values, |row, value| faults.keep(row, fits(value), Failure::Overflow)),
        Column::Double(values) => {
            map(values, |row, value| faults.keep(row, whole(value).and_then(fits), Failure::Overflow))
        }
        Column::Text(values) => read(values, faults, |text| {
            let value = text.parse::<i64>().map_err(|_| Failure::BadCast)?;
            fits(value).ok_or(Failure::Overflow)
        }),
        other => vec![None; other.len()],
    }
}

/// The nearest integer of a double, halves away from zero.
fn whole(value: f64) -> Option<i64> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let rounded = value.round();
    (-BEYOND..BEYOND).contains(&rounded).then_some(rounded as i64)
}

fn to_double(value: &Column<'_>, nan: NanMode, faults: &mut Faults<'_>) -> Vec<Option<f64>> {
    match value {
        Column::Boolean(values) => map(values, |_, value| Some(f64::from(u8::from(value)))),
        Column::Integer(values) => map(values, |_, value| Some(value as f64)),
        Column::Double(values) => values.clone(),
        Column::Text(values) => {
            let parsed = read(values, faults, |text| text.parse::<f64>().map_err(|_| Failure::BadCast));
            map(&parsed, |_, value| nan.keep(value))
        }
        other => vec![None; other.len()],
    }
}

fn to_text<'a>(value: &Column<'a>) -> Vec<Option<Cow<'a, str>>> {
    match value {
        Column::Boolean(values) => map(values, |_, value| Some(Cow::Owned(value.to_string()))),
        Column::Integer(values) => map(values, |_, value| Some(Cow::Owned(value.to_string()))),
        Column::Double(values) => map(values, |_, value| Some(Cow::Owned(format!("{value:?}")))),
        Column::Text(values) => values.clone(),
        other => vec![None; other.len()],
    }
}

fn to_date(value: &Column<'_>, faults: &mut Faults<'_>) -> Vec<Option<i32>> {
    match value {
        Column::Date(values) => values.clone(),
        Column::Timestamp(values) => map(values, |row, value| {
            let day = value.div_euclid(midnight(1));
            faults.keep(row, i32::try_from(day).ok(), Failure::Overflow)
        }),
        Column::Text(values) => read(values, faults, |text| day(text).ok_or(Failure::BadCast)),
        other => vec![None; other.len()],
    }
}

fn to_timestamp(value: &Column<'_>, faults: &mut Faults<'_>) -> Vec<Option<i64>> {
    match value {
        Column::Date(values) => map(values, |_, value| Some(midnight(value))),
        Column::Timestamp(values) => values.clone(),
        Column::Text(values) => read(values, faults, |text| instant(text).ok_or(Failure::BadCast)),
        other => vec![None; other.len()],
    }
}
