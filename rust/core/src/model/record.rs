//! Single records: values without a frame around them.
//!
//! In: the values of one record, by column. Out: the outputs of every model. A value is read as a column of its type
//! would be, so a record alone is what it is in its batch (law 4).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, NullArray, RecordBatch, StringArray,
    UInt64Array,
};
use arrow_schema::{Field, Schema};

use super::applies::applies;
use super::binding::{Inputs, Rows, Source};
use super::engine::{Block, Precision};
use super::ensemble::Library;
use super::fleet::{Fleet, Model};
use super::input::{NO_MISSING, NO_VALUES, Reading, at_least, decimal, hashed, without_code};
use super::outputs::{Output, split};
use crate::error::{Error, Place, Result};
use crate::exec::Control;

/// The most digits of a decimal, and of those behind its point.
const MOST_DIGITS: usize = 38;

/// A value of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// None.
    Missing,
    /// True or false.
    Flag(bool),
    /// A whole number of 64 bits, with a sign or without.
    Integer(i128),
    /// A double.
    Number(f64),
    /// A decimal as it is written: sign, digits, perhaps a point and digits.
    Decimal(&'a str),
    /// A text.
    Text(&'a str),
}

impl Value<'_> {
    /// The value that a model compares.
    pub(super) fn read(&self, reading: &Reading) -> std::result::Result<f64, String> {
        let library = match reading {
            Reading::Number(library) | Reading::Category { library, .. } => *library,
            Reading::Hashed(hashes) => return self.hashed(hashes.as_ref().map(|list| &list[..])),
        };
        match (self, reading) {
            (Self::Missing, _) => Ok(f64::NAN),
            (Self::Flag(flag), _) => Ok(f64::from(u8::from(*flag))),
            (Self::Integer(value), _) if library != Library::LightGbm => Ok(f64::from(wide(*value)? as f32)),
            (Self::Integer(value), _) => Ok(at_least(wide(*value)?)),
            (Self::Number(value), _) => Ok(library.narrow(*value)),
            (Self::Decimal(text), _) => {
                let (digits, scale) = digits(text)?;
                Ok(decimal(digits, scale, library))
            }
            (Self::Text(text), Reading::Category { values, .. }) => {
                let values = values.as_ref().ok_or(NO_VALUES)?;
                Ok(values.code(text).map_or(without_code(library), f64::from))
            }
            (Self::Text(text), Reading::Number(_) | Reading::Hashed(_)) => {
                Err(format!("holds the text `{text}`; a number, a flag or a decimal is needed"))
            }
        }
    }

    /// A category that is known by the hash of its text.
    fn hashed(&self, hashes: Option<&[i32]>) -> std::result::Result<f64, String> {
        match self {
            Self::Text(text) => Ok(hashed(text, hashes)),
            Self::Integer(value) => Ok(hashed(&wide(*value)?.to_string(), hashes)),
            Self::Missing => Err(NO_MISSING.to_owned()),
            _ => Err(format!(
                "holds {self:?}; CatBoost knows a category by its text: a text or an integer is needed"
            )),
        }
    }

    /// A column of this one value.
    fn column(&self) -> std::result::Result<ArrayRef, String> {
        Ok(match self {
            Self::Missing => Arc::new(NullArray::new(1)),
            Self::Flag(flag) => Arc::new(BooleanArray::from(vec![*flag])),
            Self::Integer(value) => match i64::try_from(*value) {
                Ok(value) => Arc::new(Int64Array::from(vec![value])),
                Err(_) => Arc::new(UInt64Array::from(vec![wide(*value)? as u64])),
            },
            Self::Number(value) => Arc::new(Float64Array::from(vec![*value])),
            Self::Decimal(text) => {
                let (digits, scale) = digits(text)?;
                let array = Decimal128Array::from(vec![digits]).with_precision_and_scale(38, scale);
                Arc::new(array.map_err(|error| format!("holds `{text}`: {error}"))?)
            }
            Self::Text(text) => Arc::new(StringArray::from(vec![*text])),
        })
    }
}

/// An integer that a column of 64 bits can hold.
fn wide(value: i128) -> std::result::Result<i128, String> {
    if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) {
        return Ok(value);
    }
    Err(format!("holds {value}; integers of 64 bits are read"))
}

/// A decimal as digits and how many of them stand behind the point.
fn digits(text: &str) -> std::result::Result<(i128, i8), String> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let number = format!("{whole}{rest}");
    let few = number.trim_start_matches('-').len() <= MOST_DIGITS;
    let plain = rest.bytes().all(|byte| byte.is_ascii_digit());
    match number.parse() {
        Ok(digits) if few && plain => Ok((digits, rest.len() as i8)),
        _ => Err(format!("holds `{text}`; decimals of up to {MOST_DIGITS} digits are read")),
    }
}

/// Where a fleet finds its inputs in a record.
pub(super) struct Record {
    /// The columns of inputs, then those that only conditions name.
    columns: Vec<String>,
    /// For each input its column.
    places: Vec<usize>,
    /// A model that takes its features by position.
    positional: Option<usize>,
    conditions: bool,
    /// Blocks of one row and rooms for outputs, kept between calls.
    spare: Mutex<Vec<(Block, Vec<f64>)>>,
}

impl Record {
    pub(super) fn new(models: &[Model], inputs: &Inputs) -> Self {
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut columns = Vec::new();
        let mut place = |name: &str| {
            *known.entry(name.to_owned()).or_insert_with(|| {
                columns.push(name.to_owned());
                columns.len() - 1
            })
        };
        let (mut places, mut positional) = (Vec::new(), None);
        for (source, model) in inputs.sources() {
            match source {
                Source::Column(name) => places.push(place(name)),
                // Nothing is read: what it is computed from stands before it.
                Source::Computed => places.push(0),
                Source::Position => positional = positional.or(Some(model)),
            }
        }
        let conditions = models.iter().filter_map(|model| model.applies_to.as_ref());
        conditions.flat_map(|condition| condition.columns()).for_each(|name| {
            place(name);
        });
        let conditions = models.iter().any(|model| model.applies_to.is_some());
        Self { columns, places, positional, conditions, spare: Mutex::default() }
    }
}

impl Fleet {
    /// The columns of which a single record needs values, in the order in which [`Fleet::predict_one`] takes them.
    ///
    /// # Errors
    /// A model that takes its features by position: a record has none.
    pub fn record_columns(&self) -> Result<&[String]> {
        match self.record.positional {
            None => Ok(&self.record.columns),
            Some(model) => {
                let name = &self.models[model].name;
                let text = format!(
                    "model `{name}` takes its features by position, which a record has not; name them (`names`)"
                );
                Err(Error::argument(text))
            }
        }
    }

    /// The outputs of every model for one record; none where a model does not apply.
    ///
    /// # Errors
    /// A value of a wrong type, a model without predictions, features by position.
    pub fn predict_one(&self, values: &[Value<'_>], output: Output) -> Result<Vec<Option<f64>>> {
        self.require(output)?;
        let record = &self.record;
        if values.len() != self.record_columns()?.len() {
            let text = format!("{} values were given; {} are needed", values.len(), record.columns.len());
            return Err(Error::argument(text));
        }
        let control = Control::default();
        let (mut block, mut room) =
            record.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        self.inputs.read_record(&self.models, values, &record.places, &mut block)?;
        let widths = self.widths();
        room.resize(widths.iter().sum(), 0.0);
        let chosen = self.engines.choose(1, Precision::Exact, 1, &control)?;
        let mut parts = split(&mut room, 1, &widths);
        self.evaluate(&chosen, &block, output, Precision::Exact, &control, &mut parts)?;
        let mut found: Vec<Option<f64>> = room.iter().copied().map(Some).collect();
        if record.conditions {
            self.withhold(values, &widths, &mut found, &control)?;
        }
        record.spare.lock().unwrap_or_else(PoisonError::into_inner).push((block, room));
        Ok(found)
    }

    /// Takes back the outputs of models that do not apply.
    fn withhold(
        &self,
        values: &[Value<'_>],
        widths: &[usize],
        found: &mut [Option<f64>],
        control: &Control,
    ) -> Result<()> {
        let names = &self.record.columns;
        let column = |(value, name): (&Value<'_>, &String)| {
            value.column().map_err(|text| Error::schema(Place::default(), format!("column `{name}` {text}")))
        };
        let columns = values.iter().zip(names).map(column).collect::<Result<Vec<ArrayRef>>>()?;
        let field = |(name, array): (&String, &ArrayRef)| Field::new(name, array.data_type().clone(), true);
        let schema = Schema::new(names.iter().zip(&columns).map(field).collect::<Vec<_>>());
        let batch = RecordBatch::try_new(Arc::new(schema), columns)
            .map_err(|error| Error::schema(Place::default(), format!("the record is no row: {error}")))?;
        let rows = Rows { names: names.clone(), batches: vec![batch], binned: None };
        let mut first = 0;
        for (applies, width) in applies(&self.models, &rows, 1, control)?.iter().zip(widths) {
            if applies.as_ref().is_some_and(|applies| applies.is_null(0)) {
                found[first..first + width].fill(None);
            }
            first += width;
        }
        Ok(())
    }
}
