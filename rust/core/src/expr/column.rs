//! Columns of values while an expression is evaluated, and their way from and to Arrow.
//!
//! In: Arrow arrays of a frame. Out: columns of the six types of the language, and Arrow arrays again.
//! Integers stay integers, 32-bit floats are widened exactly, decimals become the nearest double, text may
//! be dictionary-encoded. With `NanMode::Null` a NaN is null from here on.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, LargeStringArray, NullArray,
    TimestampMicrosecondArray,
};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};

use super::node::Type;
use crate::error::{Error, Place, Result};

/// What a NaN is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanMode {
    /// A value that is missing, as in the frames that models are trained on.
    #[default]
    Null,
    /// A number that equals itself and is greater than every other, as in SQL.
    Sql,
}

impl NanMode {
    /// The mode by its name.
    ///
    /// # Errors
    /// A name other than `null` and `sql`.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "null" => Ok(Self::Null),
            "sql" => Ok(Self::Sql),
            other => Err(Error::argument(format!("`nan` is `{other}`; it is `null` or `sql`"))),
        }
    }

    /// A double as this mode sees it.
    pub(crate) fn keep(self, value: f64) -> Option<f64> {
        (self == Self::Sql || !value.is_nan()).then_some(value)
    }
}

/// Values of one type, `None` for null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column<'a> {
    /// So many nulls.
    Null(usize),
    Boolean(Vec<Option<bool>>),
    Integer(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Text(Vec<Option<Cow<'a, str>>>),
    Date(Vec<Option<i32>>),
    Timestamp(Vec<Option<i64>>),
}

/// The type that a column of this Arrow type has; none for one that the language cannot read.
pub(crate) fn type_of(kind: &DataType) -> Option<Type> {
    Some(match kind {
        DataType::Null => Type::Null,
        DataType::Boolean => Type::Boolean,
        kind if kind.is_integer() => Type::Integer,
        kind if kind.is_floating() => Type::Double,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => Type::Double,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Type::Text,
        DataType::Dictionary(_, values) => return type_of(values),
        DataType::Date32 => Type::Date,
        DataType::Timestamp(..) => Type::Timestamp,
        _ => return None,
    })
}

/// An Arrow array in the form that [`Column::read`] borrows from.
///
/// # Errors
/// `Schema`: a type that the language cannot read; an integer beyond 64 signed bits.
pub(crate) fn plain(name: &str, array: &ArrayRef) -> Result<ArrayRef> {
    let refused = |told: String| Error::schema(Place::default(), format!("column `{name}` {told}"));
    let kind = array.data_type();
    let wanted = match type_of(kind) {
        None => {
            let told = format!(
                "is of type `{kind}`, which cannot be read here; cast it to a number, text, a date or a Boolean"
            );
            return Err(refused(told));
        }
        Some(Type::Null) => return Ok(array.clone()),
        Some(Type::Boolean) => DataType::Boolean,
        Some(Type::Integer) => DataType::Int64,
        Some(Type::Double) if matches!(kind, DataType::Decimal128(..)) => return Ok(array.clone()),
        Some(Type::Double) if kind.is_floating() => DataType::Float64,
        Some(Type::Double) => DataType::Decimal128(38, decimals(kind)),
        Some(Type::Text) => DataType::LargeUtf8,
        Some(Type::Date) => DataType::Date32,
        Some(Type::Timestamp) => DataType::Timestamp(TimeUnit::Microsecond, None),
    };
    let largest = matches!(kind, DataType::UInt64)
        .then(|| array.as_primitive::<UInt64Type>().iter().flatten().find(|&value| value > i64::MAX as u64));
    if let Some(Some(value)) = largest {
        return Err(refused(format!("holds `{value}`; integers are at most {}", i64::MAX)));
    }
    cast(array, &wanted).map_err(|error| refused(format!("cannot be read: {error}")))
}

fn decimals(kind: &DataType) -> i8 {
    match kind {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            *scale
        }
        _ => 0,
    }
}

impl<'a> Column<'a> {
    /// Reads an array that [`plain`] made.
    pub(crate) fn read(array: &'a ArrayRef, nan: NanMode) -> Self {
        match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean().iter().collect()),
            DataType::Int64 => Self::Integer(array.as_primitive::<Int64Type>().iter().collect()),
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>().iter();
                Self::Double(values.map(|value| value.and_then(|value| nan.keep(value))).collect())
            }
            DataType::Decimal128(_, scale) => {
                let values = array.as_primitive::<Decimal128Type>().iter();
                Self::Double(values.map(|value| value.map(|value| decimal(value, *scale))).collect())
            }
            DataType::LargeUtf8 => {
                let values = array.as_string::<i64>().iter();
                Self::Text(values.map(|value| value.map(Cow::Borrowed)).collect())
            }
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>().iter().collect()),
            DataType::Timestamp(..) => {
                Self::Timestamp(array.as_primitive::<TimestampMicrosecondType>().iter().collect())
            }
            _ => Self::Null(array.len()),
        }
    }

    /// The values as an Arrow array.
    pub(crate) fn to_arrow(&self) -> ArrayRef {
        match self {
            Self::Null(rows) => Arc::new(NullArray::new(*rows)),
            Self::Boolean(values) => Arc::new(BooleanArray::from(values.clone())),
            Self::Integer(values) => Arc::new(Int64Array::from(values.clone())),
            Self::Double(values) => Arc::new(Float64Array::from(values.clone())),
            Self::Text(values) => {
                Arc::new(values.iter().map(|value| value.as_deref()).collect::<LargeStringArray>())
            }
            Self::Date(values) => Arc::new(Date32Array::from(values.clone())),
            Self::Timestamp(values) => Arc::new(TimestampMicrosecondArray::from(values.clone())),
        }
    }

    /// How many values.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Null(rows) => *rows,
            Self::Boolean(values) => values.len(),
            Self::Integer(values) | Self::Timestamp(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Date(values) => values.len(),
        }
    }

    /// The type of the values.
    pub(crate) fn kind(&self) -> Type {
        match self {
            Self::Null(_) => Type::Null,
            Self::Boolean(_) => Type::Boolean,
            Self::Integer(_) => Type::Integer,
            Self::Double(_) => Type::Double,
            Self::Text(_) => Type::Text,
            Self::Date(_) => Type::Date,
            Self::Timestamp(_) => Type::Timestamp,
        }
    }

    /// Whether the value of a row is null.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null(_) => true,
            Self::Boolean(values) => values[row].is_none(),
            Self::Integer(values) | Self::Timestamp(values) => values[row].is_none(),
            Self::Double(values) => values[row].is_none(),
            Self::Text(values) => values[row].is_none(),
            Self::Date(values) => values[row].is_none(),
        }
    }

    /// So many nulls of a type.
    pub(crate) fn nulls(kind: Type, rows: usize) -> Self {
        match kind {
            Type::Null => Self::Null(rows),
            Type::Boolean => Self::Boolean(vec![None; rows]),
            Type::Integer => Self::Integer(vec![None; rows]),
            Type::Double => Self::Double(vec![None; rows]),
            Type::Text => Self::Text(vec![None; rows]),
            Type::Date => Self::Date(vec![None; rows]),
            Type::Timestamp => Self::Timestamp(vec![None; rows]),
        }
    }

    /// The values as those of a type that this one fits: null any, integers as doubles, days as instants.
    pub(crate) fn widened(self, kind: Type) -> Self {
        match (self, kind) {
            (Self::Null(rows), kind) => Self::nulls(kind, rows),
            (Self::Integer(values), Type::Double) => {
                Self::Double(values.into_iter().map(|value| value.map(|value| value as f64)).collect())
            }
            (Self::Date(values), Type::Timestamp) => {
                Self::Timestamp(values.into_iter().map(|value| value.map(midnight)).collect())
            }
            (column, _) => column,
        }
    }

    /// Takes the value of a row from another column of the same type.
    pub(crate) fn take(&mut self, row: usize, from: &Self) {
        match (self, from) {
            (Self::Boolean(to), Self::Boolean(from)) => to[row] = from[row],
            (Self::Integer(to), Self::Integer(from)) => to[row] = from[row],
            (Self::Double(to), Self::Double(from)) => to[row] = from[row],
            (Self::Text(to), Self::Text(from)) => to[row].clone_from(&from[row]),
            (Self::Date(to), Self::Date(from)) => to[row] = from[row],
            (Self::Timestamp(to), Self::Timestamp(from)) => to[row] = from[row],
            _ => {}
        }
    }
}

/// The first instant of a day.
pub(crate) fn midnight(day: i32) -> i64 {
    i64::from(day).saturating_mul(86_400_000_000)
}

/// The double nearest to `value` / 10^`scale`.
pub(crate) fn decimal(value: i128, scale: i8) -> f64 {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    let power = usize::try_from(scale).ok().and_then(|scale| POWERS.get(scale));
    if let (true, Some(power)) = (value.unsigned_abs() < 1 << 53, power) {
        // Both are exact as doubles, so the division rounds once.
        return value as f64 / power;
    }
    format!("{value}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN)
}
