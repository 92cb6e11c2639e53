//! Which column of a batch plays which role, and one row's part in the sums.

use arrow_array::{Array, ArrayRef, UInt32Array};

use super::column::{Column, Value};
use super::plan::{By, Measure, Plan};
use crate::batch::{Batch, Role, Wanted};
use crate::error::{Error, Place, Result};

/// The columns to ask a source for, and where each role finds its own.
pub(super) struct Roles {
    wanted: Vec<Wanted>,
    value: usize,
    denominator: Option<usize>,
    weight: Option<usize>,
    pub(super) kind: Option<usize>,
    pub(super) key: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) version: Option<usize>,
    pub(super) by: Vec<usize>,
}

impl Roles {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut ask = |name: &str, role: Role| {
            let column = Wanted { name: name.to_owned(), role };
            wanted.iter().position(|known| *known == column).unwrap_or_else(|| {
                wanted.push(column);
                wanted.len() - 1
            })
        };
        let (value, denominator) = match &plan.measure {
            Measure::Mean { score } | Measure::ShareAbove { score, .. } => (ask(score, Role::Number), None),
            Measure::Ratio { numerator, denominator } => {
                (ask(numerator, Role::Number), Some(ask(denominator, Role::Number)))
            }
        };
        let weight = plan.weight.as_deref().map(|name| ask(name, Role::Number));
        let kind = plan.kind_column.as_deref().map(|name| ask(name, Role::Key));
        let units = plan.units.as_ref();
        let key = units.map(|units| ask(&units.key, Role::Key));
        let time = units.map(|units| ask(&units.time, Role::Time));
        let version = units.and_then(|units| units.version.as_deref()).map(|name| ask(name, Role::Number));
        let by = plan
            .by
            .iter()
            .map(|by| match by {
                By::Region => ask(plan.region.as_deref().unwrap_or_default(), Role::Key),
                By::Column { name } => ask(name, Role::Key),
                By::Bands { name, .. } => ask(name, Role::Number),
            })
            .collect();
        Self { wanted, value, denominator, weight, kind, key, time, version, by }
    }

    pub(super) fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// The name of the column at a position that this type gave.
    pub(super) fn name(&self, position: usize) -> &str {
        &self.wanted[position].name
    }

    /// The columns of a batch that the sums are made of.
    pub(super) fn measured(&self, batch: &Batch) -> Result<Measured> {
        let column = |position: usize| {
            Column::new(self.name(position), &batch.columns[position], Place::file(&*batch.source))
        };
        Ok(Measured {
            value: column(self.value)?,
            denominator: self.denominator.map(column).transpose()?,
            weight: self.weight.map(column).transpose()?,
        })
    }
}

/// The columns that the sums are made of, for the rows of a batch or some of them.
pub(super) struct Measured {
    pub(super) value: Column,
    pub(super) denominator: Option<Column>,
    pub(super) weight: Option<Column>,
}

/// One row's values, all finite, weight and denominator not negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) value: Value,
    pub(super) denominator: Option<Value>,
    pub(super) weight: Value,
}

/// Why a row is left out.
pub(super) type Fault = &'static str;

impl Measured {
    /// The digits behind the points of value (a share's flags have none), denominator and weight.
    pub(super) fn decimals(&self, measure: &Measure) -> [i8; 3] {
        let of = |column: &Option<Column>| column.as_ref().map_or(0, |column| column.decimals);
        let flags = matches!(measure, Measure::ShareAbove { .. });
        [if flags { 0 } else { self.value.decimals }, of(&self.denominator), of(&self.weight)]
    }

    /// Values and weights that are narrow columns without nulls already, and need no grid.
    pub(super) fn narrow(&self, measure: &Measure, start: usize, length: usize) -> Option<(&[u16], &[u8])> {
        if !matches!(measure, Measure::Mean { .. }) || self.has_nulls() {
            return None;
        }
        self.value.as_u16(start, length).zip(self.weight.as_ref()?.as_u8(start, length))
    }

    pub(super) fn has_nulls(&self) -> bool {
        let of = |column: &Option<Column>| column.as_ref().is_some_and(Column::has_nulls);
        self.value.has_nulls() || of(&self.denominator) || of(&self.weight)
    }

    /// Whether no value of a row is null.
    pub(super) fn is_valid(&self, row: usize) -> bool {
        let of = |column: &Option<Column>| column.as_ref().is_none_or(|column| column.is_valid(row));
        self.value.is_valid(row) && of(&self.denominator) && of(&self.weight)
    }

    /// One row's values, or why it is left out.
    pub(super) fn row(
        &self,
        row: usize,
        measure: &Measure,
        place: &Batch,
    ) -> Result<std::result::Result<Row, Fault>> {
        let wide = |text: String| {
            Error::source(
                place.place(row),
                format!("the decimal {text} is too wide; up to 19 digits are allowed"),
            )
        };
        let checked = |column: &Column, faults: [Fault; 4]| -> Result<std::result::Result<Value, Fault>> {
            Ok(match column.value(row).map_err(wide)? {
                Value::Null => Err(faults[0]),
                Value::Nan => Err(faults[1]),
                Value::Infinite => Err(faults[2]),
                Value::Finite { negative: true, mantissa, .. } if mantissa > 0 && !faults[3].is_empty() => {
                    Err(faults[3])
                }
                value => Ok(value),
            })
        };
        let faults = match measure {
            Measure::Ratio { .. } => ["null_numerator", "nan_numerator", "infinite_numerator", ""],
            _ => ["null_score", "nan_score", "infinite_score", ""],
        };
        let value = match checked(&self.value, faults)? {
            Ok(value) => match measure {
                Measure::ShareAbove { cut, .. } => {
                    Value::flag(value.compare(*cut, self.value.decimals).is_gt())
                }
                _ => value,
            },
            Err(fault) => return Ok(Err(fault)),
        };
        let denominator = match &self.denominator {
            None => None,
            Some(column) => match checked(
                column,
                ["null_denominator", "nan_denominator", "infinite_denominator", "negative_denominator"],
            )? {
                Ok(value) => Some(value),
                Err(fault) => return Ok(Err(fault)),
            },
        };
        let weight = match &self.weight {
            None => Value::flag(true),
            Some(column) => {
                match checked(column, ["null_weight", "nan_weight", "infinite_weight", "negative_weight"])? {
                    Ok(value) => value,
                    Err(fault) => return Ok(Err(fault)),
                }
            }
        };
        Ok(Ok(Row { value, denominator, weight }))
    }

    /// The same columns for some of the rows.
    pub(super) fn take(&self, rows: &UInt32Array) -> Result<Self> {
        let column = |column: &Column| column.take(rows);
        Ok(Self {
            value: column(&self.value)?,
            denominator: self.denominator.as_ref().map(column).transpose()?,
            weight: self.weight.as_ref().map(column).transpose()?,
        })
    }
}

/// Some rows of an array.
pub(super) fn take_rows(array: &dyn Array, rows: &UInt32Array) -> Result<ArrayRef> {
    arrow_select::take::take(array, rows, None)
        .map_err(|error| Error::source(Place::default(), format!("rows cannot be selected: {error}")))
}
