//! From a column of a source to the values of a feature.
//!
//! In: an Arrow array of any type that can be read, and a [`Feature`]. Out: an array of the feature's type,
//! and counts. The steps of one value: codes that mean missing become null; codes with a meaning of their own
//! stay; the rest is turned into the feature's type, or refused with its row; then it is clipped. A row is
//! read alone (law 4).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, LargeStringArray};

use super::schema::{Feature, Kind};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::expr::{Column, NanMode, plain};

/// The most values of a category outside of the known ones that are counted each for itself.
const MOST_UNSEEN: usize = 1_000;

/// What happened to a feature's values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Nulls in the result: nulls of the source, codes that mean missing, NaN where the type has none.
    pub null: u64,
    /// Codes with a meaning of their own.
    pub special: u64,
    /// Values that took the nearer bound.
    pub clipped: u64,
    /// Values of a category outside of the known ones, and how often.
    pub unseen: BTreeMap<String, u64>,
    /// How often further ones, after the first thousand different values.
    pub unseen_more: u64,
    /// Rows in which the expression failed.
    pub faults: u64,
}

impl Counts {
    /// Adds another's counts.
    pub fn merge(&mut self, other: Self) {
        self.null += other.null;
        self.special += other.special;
        self.clipped += other.clipped;
        self.unseen_more += other.unseen_more;
        self.faults += other.faults;
        for (value, count) in other.unseen {
            self.count_unseen(value, count);
        }
    }

    fn count_unseen(&mut self, value: String, count: u64) {
        if self.unseen.len() < MOST_UNSEEN || self.unseen.contains_key(&value) {
            *self.unseen.entry(value).or_insert(0) += count;
        } else {
            self.unseen_more += count;
        }
    }
}

/// One value of a source.
enum Cell<'a> {
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(&'a str),
}

impl Cell<'_> {
    /// As an error names it.
    fn shown(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Text(text) => text.chars().take(60).collect(),
        }
    }
}

/// Turns a column into a feature.
///
/// # Errors
/// `Schema`: a column of a type that the feature cannot have, or a value that does not fit, with its row.
pub(super) fn read(feature: &Feature, array: &ArrayRef, batch: &Batch) -> Result<(ArrayRef, Counts)> {
    let array = plain(&feature.source, array)?;
    let column = Column::read(&array, NanMode::Sql);
    if matches!(column, Column::Date(_) | Column::Timestamp(_)) {
        let told = format!(
            "column `{}` is of type `{}`, feature `{}` of type `{}`; derive it, as in `derived: day - DATE '2026-01-01'`",
            feature.source,
            array.data_type(),
            feature.name,
            feature.kind.name()
        );
        return Err(Error::schema(batch.place(0), told));
    }
    let mut reader = Reader { feature, batch, counts: Counts::default() };
    let rows = 0..batch.rows;
    let array: ArrayRef = match feature.kind {
        Kind::Float64 => {
            let values: Vec<Option<f64>> =
                rows.map(|row| reader.value(&column, row, Reader::double)).collect::<Result<_>>()?;
            Arc::new(Float64Array::from(values))
        }
        Kind::Float32 => {
            let values: Vec<Option<f32>> =
                rows.map(|row| reader.value(&column, row, Reader::single)).collect::<Result<_>>()?;
            Arc::new(Float32Array::from(values))
        }
        Kind::Int64 => {
            let values: Vec<Option<i64>> =
                rows.map(|row| reader.value(&column, row, Reader::integer)).collect::<Result<_>>()?;
            Arc::new(Int64Array::from(values))
        }
        Kind::Boolean => {
            let values: Vec<Option<bool>> =
                rows.map(|row| reader.value(&column, row, Reader::boolean)).collect::<Result<_>>()?;
            Arc::new(BooleanArray::from(values))
        }
        Kind::Text | Kind::Category => {
            let values: Vec<Option<String>> =
                rows.map(|row| reader.value(&column, row, Reader::text)).collect::<Result<_>>()?;
            Arc::new(values.into_iter().collect::<LargeStringArray>())
        }
    };
    let mut counts = reader.counts;
    counts.null = array.null_count() as u64;
    Ok((array, counts))
}

struct Reader<'a> {
    feature: &'a Feature,
    batch: &'a Batch,
    counts: Counts,
}

impl Reader<'_> {
    /// The value of a row: null, or what `turn` makes of it; told whether its code keeps it from clipping.
    fn value<T>(
        &mut self,
        column: &Column<'_>,
        row: usize,
        turn: impl Fn(&mut Self, &Cell<'_>, bool) -> Option<T>,
    ) -> Result<Option<T>> {
        let cell = match column {
            Column::Boolean(values) => values[row].map(Cell::Boolean),
            Column::Integer(values) => values[row].map(Cell::Integer),
            Column::Double(values) => values[row].map(Cell::Double),
            Column::Text(values) => values[row].as_deref().map(Cell::Text),
            _ => None,
        };
        let Some(cell) = cell else { return Ok(None) };
        if has_code(&self.feature.missing, &cell, self.feature.kind) {
            return Ok(None);
        }
        let has_nan = matches!(self.feature.kind, Kind::Float64 | Kind::Float32);
        if matches!(cell, Cell::Double(value) if value.is_nan()) && !has_nan {
            return Ok(None);
        }
        let special = has_code(&self.feature.special, &cell, self.feature.kind);
        self.counts.special += u64::from(special);
        match turn(self, &cell, special) {
            Some(value) => Ok(Some(value)),
            None => Err(self.refusal(&cell, row)),
        }
    }

    fn refusal(&self, cell: &Cell<'_>, row: usize) -> Error {
        let Feature { name, source, kind, derived, .. } = self.feature;
        let what = if derived.is_some() { "`derived` gives" } else { "the value is" };
        let column = if derived.is_some() { String::new() } else { format!("column `{source}`, ") };
        let told = format!(
            "{column}feature `{name}` of type `{}`: {what} `{}`, which does not fit; correct it, name it as a `missing` code, or choose another type",
            kind.name(),
            cell.shown()
        );
        Error::schema(self.batch.place(row), told)
    }

    fn clipped(&mut self, value: f64, special: bool) -> f64 {
        let (low, high) = self.feature.clip;
        if special || value.is_nan() {
            return value;
        }
        let clipped = low.map_or(value, |low| if value < low { low } else { value });
        let clipped = high.map_or(clipped, |high| if clipped > high { high } else { clipped });
        self.counts.clipped += u64::from(clipped != value);
        clipped
    }

    fn double(&mut self, cell: &Cell<'_>, special: bool) -> Option<f64> {
        let value = match cell {
            Cell::Boolean(value) => f64::from(u8::from(*value)),
            Cell::Integer(value) => *value as f64,
            Cell::Double(value) => *value,
            Cell::Text(text) => text.trim().parse().ok()?,
        };
        Some(self.clipped(value, special))
    }

    fn single(&mut self, cell: &Cell<'_>, special: bool) -> Option<f32> {
        let value = self.double(cell, special)?;
        let single = value as f32;
        (single.is_finite() || !value.is_finite()).then_some(single)
    }

    fn integer(&mut self, cell: &Cell<'_>, special: bool) -> Option<i64> {
        let value = match cell {
            Cell::Boolean(value) => i64::from(*value),
            Cell::Integer(value) => *value,
            Cell::Double(value) => whole(*value)?,
            Cell::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| text.parse().ok().and_then(whole))?
            }
        };
        if special || self.feature.clip == (None, None) {
            return Some(value);
        }
        let bound = |bound: Option<f64>, up: bool| {
            bound.and_then(|bound| whole(if up { bound.ceil() } else { bound.floor() }))
        };
        let (low, high) = self.feature.clip;
        let clipped = value.max(bound(low, true).unwrap_or(i64::MIN));
        let clipped = clipped.min(bound(high, false).unwrap_or(i64::MAX));
        self.counts.clipped += u64::from(clipped != value);
        Some(clipped)
    }

    fn boolean(&mut self, cell: &Cell<'_>, _special: bool) -> Option<bool> {
        match cell {
            Cell::Boolean(value) => Some(*value),
            Cell::Integer(0) => Some(false),
            Cell::Integer(1) => Some(true),
            Cell::Double(value) if *value == 0.0 => Some(false),
            Cell::Double(value) if *value == 1.0 => Some(true),
            Cell::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn text(&mut self, cell: &Cell<'_>, special: bool) -> Option<String> {
        let text = as_text(cell)?;
        if let (Some(values), false) = (&self.feature.values, special)
            && !values.contains(&*text)
        {
            self.counts.count_unseen(text.clone().into_owned(), 1);
        }
        Some(text.into_owned())
    }
}

/// A whole double as an integer.
fn whole(value: f64) -> Option<i64> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    (value.trunc() == value && (-BEYOND..BEYOND).contains(&value)).then_some(value as i64)
}

/// Text and whole numbers as text; a double with digits behind the point has no one text.
fn as_text<'a>(cell: &Cell<'a>) -> Option<Cow<'a, str>> {
    match cell {
        Cell::Boolean(value) => Some(Cow::Owned(value.to_string())),
        Cell::Integer(value) => Some(Cow::Owned(value.to_string())),
        Cell::Double(value) => whole(*value).map(|value| Cow::Owned(value.to_string())),
        Cell::Text(text) => Some(Cow::Borrowed(text)),
    }
}

fn has_code(codes: &super::schema::Codes, cell: &Cell<'_>, kind: Kind) -> bool {
    match cell {
        Cell::Boolean(_) => false,
        Cell::Integer(value) => codes.has_number(*value as f64),
        Cell::Double(value) => codes.has_number(*value),
        Cell::Text(text) => {
            codes.texts.contains(*text)
                || (kind.is_number()
                    && !codes.numbers.is_empty()
                    && text.trim().parse().is_ok_and(|value: f64| codes.has_number(value)))
        }
    }
}
