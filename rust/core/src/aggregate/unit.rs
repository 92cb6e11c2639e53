//! One record for each unit, out of several.
//!
//! In: every admissible record with its unit, time and version. Out: one record a unit, chosen by what the
//! records are, never by where they stood: ties of time go to the higher version, then to the greater
//! (value, weight, groups).

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use creditcore_kernels::exact::Exact;

use super::column::{Column, Value};
use super::estimate::rounded_mean;
use super::plan::Pick;
use super::roles::{Roles, Row};
use crate::batch::Batch;
use crate::error::{Error, Place, Result};

/// A record of a unit.
pub(super) struct UnitRow {
    /// The unit's code.
    pub(super) key: u32,
    /// Nanoseconds, or whatever integers the column counts in.
    pub(super) time: i64,
    pub(super) version: i64,
    pub(super) values: Row,
}

/// Records of units, waiting for the last one; about 130 bytes each.
pub(super) struct UnitRows {
    pick: Pick,
    groupings: usize,
    /// Whether there is a column of weights; without one each unit weighs 1, however many records it has.
    weighted: bool,
    rows: Vec<UnitRow>,
    codes: Vec<u32>,
}

/// What units have become.
pub(super) struct Picked {
    pub(super) rows: Vec<Row>,
    /// For each row its code in each grouping.
    pub(super) codes: Vec<u32>,
    /// How many records are not rows of their own, and why.
    pub(super) left: u64,
    pub(super) cause: &'static str,
}

impl UnitRows {
    pub(super) fn new(pick: Pick, groupings: usize, weighted: bool) -> Self {
        Self { pick, groupings, weighted, rows: Vec::new(), codes: Vec::new() }
    }

    pub(super) fn push(&mut self, row: UnitRow, codes: impl Iterator<Item = u32>) {
        self.rows.push(row);
        self.codes.extend(codes);
    }

    fn codes_of(&self, index: usize) -> &[u32] {
        &self.codes[index * self.groupings..(index + 1) * self.groupings]
    }

    /// Makes one record of each unit's. `name` gives the text of a grouping's code.
    pub(super) fn settle<'a>(&self, name: impl Fn(usize, u32) -> &'a str) -> Picked {
        let by_groups = |a: usize, b: usize| {
            let texts =
                |index: usize| self.codes_of(index).iter().enumerate().map(|(by, &code)| name(by, code));
            texts(a).cmp(texts(b))
        };
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            let (left, right) = (&self.rows[a], &self.rows[b]);
            (left.key, left.time).cmp(&(right.key, right.time)).then_with(|| match self.pick {
                // The first record is looked for at the front, but ties still go to the greater.
                Pick::First => right.tie_break(left).then_with(|| by_groups(b, a)),
                _ => left.tie_break(right).then_with(|| by_groups(a, b)),
            })
        });
        let mut picked = Picked { rows: Vec::new(), codes: Vec::new(), left: 0, cause: "superseded" };
        for unit in order.chunk_by(|&a, &b| self.rows[a].key == self.rows[b].key) {
            let (first, last) = (unit[0], unit[unit.len() - 1]);
            let (place, values) = match self.pick {
                Pick::First => (first, self.rows[first].values),
                Pick::Latest => (last, self.rows[last].values),
                Pick::Mean => (last, self.joined(unit, unit.len() as u64)),
                Pick::Sum => (last, self.joined(unit, 1)),
            };
            picked.rows.push(values);
            picked.codes.extend_from_slice(self.codes_of(place));
            picked.left += unit.len() as u64 - 1;
        }
        if matches!(self.pick, Pick::Mean | Pick::Sum) {
            picked.cause = "merged_into_unit";
        }
        picked
    }

    /// The sum of some records' values over `count`, each rounded once to a double.
    fn joined(&self, unit: &[usize], count: u64) -> Row {
        let join = |of: &dyn Fn(&Row) -> Value| {
            let mut sum = Exact::zero();
            for &index in unit {
                if let Value::Finite { negative, mantissa, exponent } = of(&self.rows[index].values) {
                    sum.add_product(negative, mantissa.into(), exponent);
                }
            }
            Value::float(rounded_mean(&sum, count))
        };
        Row {
            value: join(&|row| row.value),
            denominator: self.rows[unit[0]]
                .values
                .denominator
                .map(|_| join(&|row| row.denominator.unwrap_or(Value::Null))),
            weight: if self.weighted { join(&|row| row.weight) } else { Value::flag(true) },
        }
    }
}

impl UnitRow {
    fn tie_break(&self, other: &Self) -> Ordering {
        let part =
            |row: &Self| (row.values.value, row.values.weight, row.values.denominator.unwrap_or(Value::Null));
        let (a, b) = (part(self), part(other));
        self.version
            .cmp(&other.version)
            .then_with(|| a.0.order(b.0))
            .then_with(|| a.1.order(b.1))
            .then_with(|| a.2.order(b.2))
    }
}

/// The times of a batch's rows: instants in nanoseconds, or integers as they are.
pub(super) fn times(array: Option<&ArrayRef>, roles: &Roles, batch: &Batch) -> Result<Vec<Option<i64>>> {
    let (Some(array), Some(position)) = (array, roles.time) else { return Ok(vec![None; batch.rows]) };
    let name = roles.name(position);
    let target = match array.data_type() {
        kind if kind.is_integer() => DataType::Int64,
        _ => DataType::Timestamp(TimeUnit::Nanosecond, None),
    };
    let options = arrow_cast::CastOptions { safe: true, ..Default::default() };
    let cast = arrow_cast::cast_with_options(array, &target, &options).map_err(|_| {
        Error::schema(
            Place::file(&*batch.source),
            format!(
                "column `{name}` is of type {}; a time, a date, ISO 8601 text or an integer is needed",
                array.data_type()
            ),
        )
    })?;
    if let Some(row) = (0..batch.rows).find(|&row| cast.is_null(row) && !array.is_null(row)) {
        return Err(Error::source(
            batch.place(row),
            format!("column `{name}` holds `{}`; an ISO 8601 time is needed", text_of(array, row)),
        ));
    }
    Ok(match target {
        DataType::Int64 => cast.as_primitive::<Int64Type>().iter().collect(),
        _ => cast.as_primitive::<TimestampNanosecondType>().iter().collect(),
    })
}

/// The versions of a batch's rows: 0 without a column of them.
pub(super) fn versions(array: Option<&ArrayRef>, roles: &Roles, batch: &Batch) -> Result<Vec<i64>> {
    let (Some(array), Some(position)) = (array, roles.version) else { return Ok(Vec::new()) };
    let name = roles.name(position);
    let column = Column::new(name, array, Place::file(&*batch.source))?;
    (0..batch.rows)
        .map(|row| match column.value(row) {
            Ok(Value::Null) => Ok(i64::MIN),
            Ok(Value::Finite { .. }) if column.integer(row).is_some() => Ok(column.integer(row).unwrap_or(0)),
            _ => Err(Error::source(
                batch.place(row),
                format!("column `{name}` holds a version that is no integer"),
            )),
        })
        .collect()
}

fn text_of(array: &ArrayRef, row: usize) -> String {
    arrow_cast::display::array_value_to_string(array, row).unwrap_or_default()
}
