//! Numeric columns as they come: a view over one array's values, and what each value is exactly.
//!
//! In: an Arrow array of any numeric or Boolean type, or a dictionary of one. Out: values on a grid of small
//! integers where all of them fit it exactly (the fast path), or one by one as sign, mantissa and exponent.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_schema::DataType;
use creditcore_kernels::grid::{self, Fit};
use creditcore_kernels::isa::Isa;
use num_bigint::BigInt;

use super::roles::take_rows;
use crate::error::{Error, Place, Result};

/// A numeric column of one batch.
#[derive(Clone, Debug)]
pub(super) struct Column {
    array: ArrayRef,
    /// Digits behind the point of a decimal: the value is the integer divided by ten to that power.
    pub(super) decimals: i8,
    nulls: bool,
}

/// One value, exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Nan,
    Infinite,
    /// The magnitude is `mantissa * 2^exponent`.
    Finite {
        negative: bool,
        mantissa: u64,
        exponent: i32,
    },
}

impl Value {
    pub(super) fn float(value: f64) -> Self {
        match grid::decode(value) {
            Some((negative, mantissa, exponent)) => Self::Finite { negative, mantissa, exponent },
            None if value.is_nan() => Self::Nan,
            None => Self::Infinite,
        }
    }

    fn integer(value: i64) -> Self {
        Self::Finite { negative: value < 0, mantissa: value.unsigned_abs(), exponent: 0 }
    }

    /// An order of values that is total; of finite ones that of the numbers.
    pub(super) fn order(self, other: Self) -> Ordering {
        let (Some(mine), Some(theirs)) = (self.magnitude(), other.magnitude()) else {
            return self.magnitude().is_some().cmp(&other.magnitude().is_some());
        };
        match (mine.0, theirs.0) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => mine.1.cmp(&theirs.1),
            (true, true) => theirs.1.cmp(&mine.1),
        }
    }

    /// Whether the value is below zero, and its magnitude as (place of the highest bit, the bits from there).
    fn magnitude(self) -> Option<(bool, (i32, u64))> {
        match self {
            Self::Finite { mantissa: 0, .. } => Some((false, (i32::MIN, 0))),
            Self::Finite { negative, mantissa, exponent } => {
                let zeros = mantissa.leading_zeros();
                Some((negative, (exponent - zeros as i32, mantissa << zeros)))
            }
            _ => None,
        }
    }

    /// 1 or 0.
    pub(super) fn flag(flag: bool) -> Self {
        Self::integer(i64::from(flag))
    }

    /// Compares a finite value with a bound, exactly. A float is compared with the bound's own binary value;
    /// an integer or a decimal (divided by ten to the power `decimals`) with the bound as it is written.
    pub(super) fn compare(self, bound: f64, decimals: i8) -> Ordering {
        let Self::Finite { negative, mantissa, exponent } = self else { return Ordering::Equal };
        if decimals == 0 && mantissa < 1 << 53 {
            let magnitude = scale_by_two(mantissa as f64, exponent);
            let value = if negative { -magnitude } else { magnitude };
            return value.partial_cmp(&bound).unwrap_or(Ordering::Equal);
        }
        // Here the value is an integer: bring both sides to integers of the same power of ten.
        let value = BigInt::from(if negative { -i128::from(mantissa) } else { i128::from(mantissa) });
        let text = format!("{bound:e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let bound: BigInt = format!("{whole}{fraction}").parse().unwrap_or_default();
        let power = power.parse::<i32>().unwrap_or(0) - fraction.len() as i32 + i32::from(decimals);
        let ten = |power: i32| BigInt::from(10).pow(power.unsigned_abs());
        if power >= 0 { value.cmp(&(bound * ten(power))) } else { (value * ten(power)).cmp(&bound) }
    }
}

impl Column {
    /// A view of `array`, which must be numeric or Boolean.
    pub(super) fn new(name: &str, array: &ArrayRef, place: Place) -> Result<Self> {
        let array = unpack_dictionary(array)?;
        let decimals = match array.data_type() {
            DataType::Decimal128(_, scale) => *scale,
            DataType::Boolean => 0,
            kind if kind.is_integer() || matches!(kind, DataType::Float32 | DataType::Float64) => 0,
            other => {
                return Err(Error::schema(
                    place,
                    format!(
                        "column `{name}` is of type {other}; a number (integer, float, decimal) or a Boolean is needed"
                    ),
                ));
            }
        };
        let nulls = array.null_count() > 0;
        Ok(Self { array, decimals, nulls })
    }

    pub(super) fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether any value is null.
    pub(super) fn has_nulls(&self) -> bool {
        self.nulls
    }

    /// Whether a row's value is not null.
    pub(super) fn is_valid(&self, row: usize) -> bool {
        self.array.is_valid(row)
    }

    /// Rows of a column that is `UInt16`.
    pub(super) fn as_u16(&self, start: usize, length: usize) -> Option<&[u16]> {
        self.array.as_primitive_opt::<UInt16Type>().map(|a| &a.values()[start..start + length])
    }

    /// Rows of a column that is `UInt8`.
    pub(super) fn as_u8(&self, start: usize, length: usize) -> Option<&[u8]> {
        self.array.as_primitive_opt::<UInt8Type>().map(|a| &a.values()[start..start + length])
    }

    /// Puts rows `start..start + out.len()` on the grid `2^-exponent`; nulls may fit or not.
    pub(super) fn to_grid(&self, isa: Isa, exponent: i32, start: usize, out: &mut [i32]) -> Fit {
        fn slice<T: ArrowPrimitiveType>(array: &ArrayRef, start: usize, length: usize) -> &[T::Native] {
            &array.as_primitive::<T>().values()[start..start + length]
        }
        let (a, n) = (&self.array, out.len());
        match a.data_type() {
            DataType::Float32 => grid::f32_to_grid(isa, slice::<Float32Type>(a, start, n), exponent, out),
            DataType::Float64 => grid::f64_to_grid(isa, slice::<Float64Type>(a, start, n), exponent, out),
            // Integers have the grid of units 1 and no other.
            _ if exponent != 0 => Fit { exact: false, low: 0, high: 0 },
            DataType::UInt8 => grid::integers_to_grid(slice::<UInt8Type>(a, start, n), out),
            DataType::UInt16 => grid::integers_to_grid(slice::<UInt16Type>(a, start, n), out),
            DataType::UInt32 => grid::integers_to_grid(slice::<UInt32Type>(a, start, n), out),
            DataType::UInt64 => grid::integers_to_grid(slice::<UInt64Type>(a, start, n), out),
            DataType::Int8 => grid::integers_to_grid(slice::<Int8Type>(a, start, n), out),
            DataType::Int16 => grid::integers_to_grid(slice::<Int16Type>(a, start, n), out),
            DataType::Int32 => grid::integers_to_grid(slice::<Int32Type>(a, start, n), out),
            DataType::Int64 => grid::integers_to_grid(slice::<Int64Type>(a, start, n), out),
            DataType::Decimal128(..) => grid::integers_to_grid(slice::<Decimal128Type>(a, start, n), out),
            _ => {
                let flags = a.as_boolean().values();
                let bits: Vec<u8> = (start..start + n).map(|row| u8::from(flags.value(row))).collect();
                grid::integers_to_grid(&bits, out)
            }
        }
    }

    /// Rows of a floating-point column as doubles (none of another column).
    pub(super) fn doubles(&self, start: usize, length: usize) -> impl Iterator<Item = f64> {
        let singles =
            self.array.as_primitive_opt::<Float32Type>().map(|a| &a.values()[start..start + length]);
        let doubles =
            self.array.as_primitive_opt::<Float64Type>().map(|a| &a.values()[start..start + length]);
        let singles = singles.into_iter().flatten().map(|&value| f64::from(value));
        singles.chain(doubles.into_iter().flatten().copied())
    }

    /// Takes rows `start..start + out.len()` as doubles, and says whether that changes no value.
    pub(super) fn to_doubles(&self, start: usize, out: &mut [f64]) -> bool {
        let (a, n) = (&self.array, out.len());
        match a.data_type() {
            DataType::Float64 => {
                out.copy_from_slice(&a.as_primitive::<Float64Type>().values()[start..start + n]);
                true
            }
            DataType::Float32 => widen::<Float32Type>(a, start, out, |v| (v.into(), true)),
            DataType::UInt8 => widen::<UInt8Type>(a, start, out, |v| (v.into(), true)),
            DataType::UInt16 => widen::<UInt16Type>(a, start, out, |v| (v.into(), true)),
            DataType::UInt32 => widen::<UInt32Type>(a, start, out, |v| (v.into(), true)),
            DataType::Int8 => widen::<Int8Type>(a, start, out, |v| (v.into(), true)),
            DataType::Int16 => widen::<Int16Type>(a, start, out, |v| (v.into(), true)),
            DataType::Int32 => widen::<Int32Type>(a, start, out, |v| (v.into(), true)),
            DataType::UInt64 => widen::<UInt64Type>(a, start, out, |v| (v as f64, v <= WHOLE)),
            DataType::Int64 => widen::<Int64Type>(a, start, out, |v| (v as f64, v.unsigned_abs() <= WHOLE)),
            DataType::Decimal128(..) => {
                widen::<Decimal128Type>(a, start, out, |v| (v as f64, v.unsigned_abs() <= WHOLE.into()))
            }
            _ => false,
        }
    }

    /// One row of an integer column, where it fits.
    pub(super) fn integer(&self, row: usize) -> Option<i64> {
        match self.value(row) {
            Ok(Value::Finite { negative, mantissa, exponent: 0 }) => {
                let magnitude = i64::try_from(mantissa).ok()?;
                Some(if negative { -magnitude } else { magnitude })
            }
            // A whole number in a floating-point column (untyped text is read as one).
            Ok(Value::Finite { negative, mantissa, exponent }) if (-52..=0).contains(&exponent) => {
                let shift = exponent.unsigned_abs();
                let magnitude = i64::try_from(mantissa >> shift).ok()?;
                (mantissa.trailing_zeros() >= shift).then_some(if negative { -magnitude } else { magnitude })
            }
            _ => None,
        }
    }

    /// The same column for some of the rows.
    pub(super) fn take(&self, rows: &UInt32Array) -> Result<Self> {
        let array = take_rows(&self.array, rows)?;
        let nulls = array.null_count() > 0;
        Ok(Self { array, nulls, decimals: self.decimals })
    }

    /// Whether the column is of a floating-point type, which can lie on finer grids than units of 1.
    pub(super) fn is_float(&self) -> bool {
        matches!(self.array.data_type(), DataType::Float32 | DataType::Float64)
    }

    /// One row's value. `Err` holds the text of a decimal that is too wide.
    pub(super) fn value(&self, row: usize) -> std::result::Result<Value, String> {
        let a = &self.array;
        if self.nulls && a.is_null(row) {
            return Ok(Value::Null);
        }
        Ok(match a.data_type() {
            DataType::Float32 => Value::float(f64::from(a.as_primitive::<Float32Type>().value(row))),
            DataType::Float64 => Value::float(a.as_primitive::<Float64Type>().value(row)),
            DataType::UInt8 => Value::integer(a.as_primitive::<UInt8Type>().value(row).into()),
            DataType::UInt16 => Value::integer(a.as_primitive::<UInt16Type>().value(row).into()),
            DataType::UInt32 => Value::integer(a.as_primitive::<UInt32Type>().value(row).into()),
            DataType::UInt64 => Value::Finite {
                negative: false,
                mantissa: a.as_primitive::<UInt64Type>().value(row),
                exponent: 0,
            },
            DataType::Int8 => Value::integer(a.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => Value::integer(a.as_primitive::<Int16Type>().value(row).into()),
            DataType::Int32 => Value::integer(a.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Value::integer(a.as_primitive::<Int64Type>().value(row)),
            DataType::Decimal128(..) => {
                let value = a.as_primitive::<Decimal128Type>().value(row);
                match u64::try_from(value.unsigned_abs()) {
                    Ok(mantissa) => Value::Finite { negative: value < 0, mantissa, exponent: 0 },
                    Err(_) => return Err(format!("{value}e-{}", self.decimals)),
                }
            }
            _ => Value::integer(i64::from(a.as_boolean().value(row))),
        })
    }
}

/// Integers up to this magnitude are doubles.
const WHOLE: u64 = 1 << 53;

/// Rows as doubles; `convert` gives a value as one, and says whether it is the same.
fn widen<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    start: usize,
    out: &mut [f64],
    convert: impl Fn(T::Native) -> (f64, bool),
) -> bool {
    let values = &array.as_primitive::<T>().values()[start..start + out.len()];
    values.iter().zip(out).fold(true, |all, (&value, out)| {
        let (double, same) = convert(value);
        *out = double;
        all & same
    })
}

/// The array that a dictionary stands for; any other array as it is.
fn unpack_dictionary(array: &ArrayRef) -> Result<ArrayRef> {
    let Some(dictionary) = array.as_any_dictionary_opt() else { return Ok(array.clone()) };
    arrow_select::take::take(dictionary.values(), dictionary.keys(), None)
        .map_err(|error| Error::source(Place::default(), format!("a dictionary cannot be read: {error}")))
}

/// `value * 2^exponent`, in two steps so that neither power overflows.
fn scale_by_two(value: f64, exponent: i32) -> f64 {
    value * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2)
}
