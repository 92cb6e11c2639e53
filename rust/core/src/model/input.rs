//! A column of a frame as the values that a library compares.
//!
//! In: an Arrow array and how a model reads it. Out: one f64 for each row, NaN for null and for missing. Law 3:
//! nothing passes through a rounded number where that could change a leaf. LightGBM compares doubles, so integers
//! and decimals beyond 53 bits go to the double above them, which lies on the same side of every threshold;
//! XGBoost casts to f32, so each type goes there in one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use num_bigint::BigInt;

use super::catboost::hash;
use super::ensemble::{Categories, Library};

/// How a model reads a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading {
    /// As numbers.
    Number(Library),
    /// As categories: text and dictionaries by value, numbers as the library's own codes.
    Category {
        /// Whose codes.
        library: Library,
        /// The values behind the codes, where the model knows them.
        values: Option<Arc<Categories>>,
        /// The codes that the model knows.
        codes: Option<Arc<Vec<u32>>>,
    },
    /// As categories that CatBoost knows by the hash of their text: its place in a list, or the hash itself.
    Hashed(Option<Arc<Vec<i32>>>),
}

/// Category values that a model does not know, and in how many rows.
pub(super) type Unseen = BTreeMap<String, u64>;
/// Distinct unseen values that are told apart; further ones are counted under [`OTHERS`].
const MOST_UNSEEN: usize = 1000;
/// Where further unseen values are counted.
pub(super) const OTHERS: &str = "(others)";

/// Why texts cannot be read where the model does not know its categories.
pub(super) const NO_VALUES: &str = "holds texts, but the model's file does not say which code each category has; \
                                    give the library's own codes as numbers, or declare `categories`";

/// What a category without a code is: pandas, in front of LightGBM, makes it missing; to XGBoost it is in no set.
pub(super) fn without_code(library: Library) -> f64 {
    if library == Library::LightGbm { f64::NAN } else { -1.0 }
}

/// The text of a category that is a number: whole numbers have no point.
pub(super) fn category_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 9e15 { format!("{number:.0}") } else { format!("{number}") }
}

/// Reads the values of `array` as `reading` says; appends them to `out`.
///
/// # Errors
/// A type that the reading does not allow; the text says which are.
pub(super) fn read(
    array: &ArrayRef,
    reading: &Reading,
    out: &mut Vec<f64>,
    unseen: Option<&mut Unseen>,
) -> Result<(), String> {
    match reading {
        Reading::Number(library) => numbers(array, *library, out),
        Reading::Hashed(hashes) => by_hash(array, hashes.as_ref().map(|list| &list[..]), out),
        Reading::Category { library, values, codes } => {
            let by_value =
                is_text(array.data_type()) || matches!(array.data_type(), DataType::Dictionary(..));
            if !by_value {
                let start = out.len();
                numbers(array, *library, out)?;
                if let (Some(codes), Some(unseen)) = (codes, unseen) {
                    count_unseen_codes(&out[start..], *library, codes, unseen);
                }
                return Ok(());
            }
            let values = values.as_ref().ok_or(NO_VALUES)?;
            by_values(array, *library, values, out, unseen)
        }
    }
}

/// Why a category that is missing cannot be read.
pub(super) const NO_MISSING: &str =
    "holds a null; CatBoost has no missing categories: give the text that stood for it in training";

/// The hash of a category's text, or its place in a list; -1 where it is not in it. The list holds the categories that
/// the model asks for, not all that it knows, so none is called unseen.
pub(super) fn hashed(text: &str, hashes: Option<&[i32]>) -> f64 {
    let hash = hash::category(text.as_bytes()) as i32;
    match hashes {
        None => f64::from(hash),
        Some(hashes) => hashes.iter().position(|known| *known == hash).map_or(-1.0, |code| code as f64),
    }
}

/// The hashes of a column of texts or whole numbers, or their places in a list.
fn by_hash(array: &ArrayRef, hashes: Option<&[i32]>, out: &mut Vec<f64>) -> Result<(), String> {
    let plain = match array.data_type() {
        DataType::Dictionary(_, kind) => cast(array, kind)?,
        _ => array.clone(),
    };
    if !is_text(plain.data_type()) && !plain.data_type().is_integer() {
        return Err(format!(
            "is of type {}; CatBoost knows a category by its text: texts or integers are needed",
            plain.data_type()
        ));
    }
    if plain.null_count() > 0 {
        return Err(NO_MISSING.to_owned());
    }
    let texts = cast(&plain, &DataType::Utf8)?;
    out.extend(texts.as_string::<i32>().iter().flatten().map(|text| hashed(text, hashes)));
    Ok(())
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn count_unseen_codes(values: &[f64], library: Library, codes: &[u32], unseen: &mut Unseen) {
    for &value in values.iter().filter(|value| !value.is_nan()) {
        if library.code(value).is_none_or(|code| codes.binary_search(&code).is_err()) {
            count(unseen, &category_text(value));
        }
    }
}

fn count(unseen: &mut Unseen, text: &str) {
    if let Some(rows) = unseen.get_mut(text) {
        *rows += 1;
    } else {
        let key = if unseen.len() < MOST_UNSEEN { text } else { OTHERS };
        *unseen.entry(key.to_owned()).or_insert(0) += 1;
    }
}

/// The codes of a column of texts, or of a dictionary of texts or numbers.
fn by_values(
    array: &ArrayRef,
    library: Library,
    values: &Categories,
    out: &mut Vec<f64>,
    mut unseen: Option<&mut Unseen>,
) -> Result<(), String> {
    let none = without_code(library);
    let mut push = |text: Option<&str>| {
        let Some(text) = text else { return out.push(f64::NAN) };
        match values.code(text) {
            Some(code) => out.push(f64::from(code)),
            None => {
                out.push(none);
                if let Some(unseen) = &mut unseen {
                    count(unseen, text);
                }
            }
        }
    };
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(push),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(push),
        DataType::Utf8View => array.as_string_view().iter().for_each(push),
        DataType::Dictionary(_, kind) => {
            // The rows' own values alone: a dictionary may be far longer than a block.
            let plain = cast(array, kind)?;
            if is_text(kind) {
                return by_values(&plain, library, values, out, unseen);
            }
            texts(&plain)?.iter().for_each(|text| push(text.as_deref()));
        }
        other => return Err(format!("is of type {other}; text or a dictionary is needed")),
    }
    Ok(())
}

/// Numbers and flags as the texts of categories.
fn texts(array: &ArrayRef) -> Result<Vec<Option<String>>, String> {
    if *array.data_type() == DataType::Boolean {
        return Ok(array.as_boolean().iter().map(|flag| flag.map(|flag| flag.to_string())).collect());
    }
    let mut values = Vec::with_capacity(array.len());
    numbers(array, Library::LightGbm, &mut values)?;
    Ok(values.into_iter().map(|value| (!value.is_nan()).then(|| category_text(value))).collect())
}

/// The values of a numeric or Boolean column, or of a dictionary of one.
fn numbers(array: &ArrayRef, library: Library, out: &mut Vec<f64>) -> Result<(), String> {
    let single = library != Library::LightGbm;
    match array.data_type() {
        DataType::Null => out.resize(out.len() + array.len(), f64::NAN),
        DataType::Boolean => {
            let flags = array.as_boolean().iter();
            out.extend(flags.map(|flag| flag.map_or(f64::NAN, |flag| f64::from(u8::from(flag)))));
        }
        DataType::Float64 => push::<Float64Type>(array, out, |value| library.narrow(value)),
        DataType::Float32 => push::<Float32Type>(array, out, |value| library.narrow(f64::from(value))),
        DataType::Int8 => push::<Int8Type>(array, out, f64::from),
        DataType::Int16 => push::<Int16Type>(array, out, f64::from),
        DataType::Int32 => push::<Int32Type>(array, out, |value| library.narrow(f64::from(value))),
        DataType::UInt8 => push::<UInt8Type>(array, out, f64::from),
        DataType::UInt16 => push::<UInt16Type>(array, out, f64::from),
        DataType::UInt32 => push::<UInt32Type>(array, out, |value| library.narrow(f64::from(value))),
        DataType::Int64 if single => push::<Int64Type>(array, out, |value| f64::from(value as f32)),
        DataType::Int64 => push::<Int64Type>(array, out, |value| at_least(i128::from(value))),
        DataType::UInt64 if single => push::<UInt64Type>(array, out, |value| f64::from(value as f32)),
        DataType::UInt64 => push::<UInt64Type>(array, out, |value| at_least(i128::from(value))),
        DataType::Decimal128(_, scale) => {
            let scale = *scale;
            push::<Decimal128Type>(array, out, |digits| decimal(digits, scale, library));
        }
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
            let wide = DataType::Decimal128(38, *scale);
            return numbers(&cast(array, &wide)?, library, out);
        }
        DataType::Float16 => return numbers(&cast(array, &DataType::Float32)?, library, out),
        DataType::Dictionary(_, values) => return numbers(&cast(array, values)?, library, out),
        other => {
            return Err(format!(
                "is of type {other}; a number, a flag or a decimal is needed (categories: text or a dictionary \
                 where the model has a categorical input)"
            ));
        }
    }
    Ok(())
}

fn cast(array: &ArrayRef, kind: &DataType) -> Result<ArrayRef, String> {
    arrow_cast::cast(array, kind).map_err(|error| format!("cannot be read as {kind}: {error}"))
}

fn push<T: ArrowPrimitiveType>(array: &ArrayRef, out: &mut Vec<f64>, of: impl Fn(T::Native) -> f64) {
    let array = array.as_primitive::<T>();
    if array.null_count() == 0 {
        out.extend(array.values().iter().map(|&value| of(value)));
    } else {
        out.extend(array.iter().map(|value| value.map_or(f64::NAN, &of)));
    }
}

/// The smallest double that is not below an integer of at most 65 bits.
pub(super) fn at_least(value: i128) -> f64 {
    let near = value as f64;
    if (near as i128) < value { near.next_up() } else { near }
}

/// A decimal as the library compares it.
pub(super) fn decimal(digits: i128, scale: i8, library: Library) -> f64 {
    if library != Library::LightGbm {
        let text = format!("{digits}e{}", -i32::from(scale));
        return f64::from(text.parse::<f32>().unwrap_or(f32::NAN));
    }
    let value = if digits.unsigned_abs() < 1 << 53 && (0..=22).contains(&scale) {
        // One correctly rounded division; the fused product shows to which side it was rounded.
        let (digits, power) = (digits as f64, 10f64.powi(i32::from(scale)));
        let near = digits / power;
        if (-near).mul_add(power, digits) > 0.0 { near.next_up() } else { near }
    } else {
        let near: f64 = format!("{digits}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN);
        if is_below(near, digits, scale) { near.next_up() } else { near }
    };
    library.narrow(value)
}

/// Whether a double lies below a decimal, exactly.
fn is_below(value: f64, digits: i128, scale: i8) -> bool {
    let bits = value.abs().to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let (mantissa, power) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let mut left = BigInt::from(mantissa);
    if value < 0.0 {
        left = -left;
    }
    let mut right = BigInt::from(digits);
    // value = left * 2^power, decimal = right / 10^scale: bring both to integers.
    let ten = BigInt::from(10).pow(u32::from(scale.unsigned_abs()));
    if scale >= 0 {
        left *= ten;
    } else {
        right *= ten;
    }
    if power >= 0 {
        left <<= power as u32;
    } else {
        right <<= power.unsigned_abs();
    }
    left < right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_integer_keeps_its_side_of_every_double() {
        let wide = (1i128 << 53) + 1;
        assert_eq!(at_least(wide), 9_007_199_254_740_994.0);
        assert_eq!(at_least(-wide), -9_007_199_254_740_992.0);
        assert_eq!(at_least(1 << 53), 9_007_199_254_740_992.0);
        assert_eq!(at_least(i128::from(u64::MAX)), 18_446_744_073_709_551_616.0);
    }

    #[test]
    fn a_decimal_keeps_its_side_of_every_double() {
        // 0.3 lies above the double nearest to it, 0.1 below.
        assert_eq!(decimal(3, 1, Library::LightGbm), 0.3f64.next_up());
        assert_eq!(decimal(1, 1, Library::LightGbm), 0.1);
        assert_eq!(decimal(25, 2, Library::LightGbm), 0.25);
        assert_eq!(decimal(-3, 1, Library::LightGbm), -0.3);
        assert_eq!(decimal(3, 1, Library::XgBoost), f64::from(0.3f32));
        let long = 300_000_000_000_000_000_000_000i128;
        assert_eq!(decimal(long, 24, Library::LightGbm), 0.3f64.next_up());
        assert_eq!(decimal(long + 10_000_000, 24, Library::LightGbm), 0.3f64.next_up());
        assert_eq!(decimal(12, -2, Library::LightGbm), 1200.0);
    }

    #[test]
    fn categories_that_are_numbers_have_one_text() {
        assert_eq!(category_text(10.0), "10");
        assert_eq!(category_text(-0.5), "-0.5");
    }

    #[test]
    fn unseen_values_are_bounded() {
        let mut unseen = Unseen::new();
        for value in 0..3000 {
            count(&mut unseen, &value.to_string());
        }
        assert_eq!(unseen.len(), MOST_UNSEEN + 1);
        assert_eq!(unseen[OTHERS], 2000);
    }
}
