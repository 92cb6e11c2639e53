//! Keys of records as 64-bit integers that are spread evenly.
//!
//! In: a column of integers or texts. Out: for each row its spread key. Of integers it is one to one; of texts a hash,
//! and two texts may share it: whoever finds a row by it compares the text.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::hash::TextHash;
use crate::error::{Error, Place, Result};
use crate::id::mixed;

/// What keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Signed integers of 64 bits.
    Integer,
    /// Unsigned integers of 64 bits.
    Unsigned,
    /// Texts.
    Text,
}

impl KeyKind {
    /// The kind of keys of a column of a type, if it can hold keys.
    pub fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::UInt64 => Some(Self::Unsigned),
            kind if kind.is_integer() => Some(Self::Integer),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Dictionary(_, values) => Self::of(values),
            _ => None,
        }
    }

    /// The type that keys of this kind are stored in.
    pub fn stored(self) -> DataType {
        match self {
            Self::Integer => DataType::Int64,
            Self::Unsigned => DataType::UInt64,
            Self::Text => DataType::LargeUtf8,
        }
    }
}

/// A column of keys, in the type that they are stored in, without nulls.
#[derive(Clone, Debug)]
pub struct Keys {
    kind: KeyKind,
    array: ArrayRef,
}

impl Keys {
    /// A view of `array`.
    ///
    /// # Errors
    /// An array of another type than keys are stored in.
    pub fn new(name: &str, array: ArrayRef) -> Result<Self> {
        match KeyKind::of(array.data_type()) {
            Some(kind) if kind.stored() == *array.data_type() => Ok(Self { kind, array }),
            _ => Err(Error::schema(
                Place::default(),
                format!(
                    "column `{name}` is of type {}; keys are 64-bit integers or texts",
                    array.data_type()
                ),
            )),
        }
    }

    /// The spread key of each row.
    pub fn spread(&self) -> Vec<u64> {
        match self.kind {
            KeyKind::Integer => {
                self.array.as_primitive::<Int64Type>().values().iter().map(|&key| mixed(key as u64)).collect()
            }
            KeyKind::Unsigned => {
                self.array.as_primitive::<UInt64Type>().values().iter().map(|&key| mixed(key)).collect()
            }
            KeyKind::Text => {
                let texts = self.array.as_string::<i64>();
                (0..texts.len()).map(|row| TextHash::of(texts.value(row).as_bytes())).collect()
            }
        }
    }

    /// Whether a spread key may stand for several keys.
    pub fn ambiguous(&self) -> bool {
        self.kind == KeyKind::Text
    }

    /// Whether two rows, whose spread keys are equal, have one key.
    pub fn same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        self.kind != KeyKind::Text
            || self.array.as_string::<i64>().value(row) == other.array.as_string::<i64>().value(other_row)
    }

    /// The order of two rows whose spread keys are equal: rows of one key stand together.
    pub fn order(&self, row: usize, other: usize) -> std::cmp::Ordering {
        if self.kind != KeyKind::Text {
            return std::cmp::Ordering::Equal;
        }
        let texts = self.array.as_string::<i64>();
        texts.value(row).cmp(texts.value(other))
    }

    /// The keys of some rows.
    ///
    /// # Errors
    /// A row that there is not.
    pub fn take(&self, rows: &[u32]) -> Result<Self> {
        let rows = arrow_array::UInt32Array::from(rows.to_vec());
        let array = arrow_select::take::take(&self.array, &rows, None)
            .map_err(|error| Error::source(Place::default(), format!("keys cannot be selected: {error}")))?;
        Ok(Self { kind: self.kind, array })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.array.is_empty()
    }
}
