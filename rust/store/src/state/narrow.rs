//! Columns as a segment keeps them: each in the narrowest type of its kind that holds its values.
//!
//! In: rows in the types of the state. Out: rows for a file, and back. Integers become shorter ones, doubles become
//! integers or 32-bit floats where that loses no bit, texts and decimals that repeat become dictionaries. What the type was stands
//! with the column (`kind`), so a state's values, hashes and sums know nothing of it (law 1): it is the bytes of a
//! record on the disk and in memory that become fewer.

use std::sync::Arc;

use arrow_array::builder::GenericByteDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Float64Type, Int64Type, LargeUtf8Type, UInt8Type, UInt16Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, RecordBatchOptions};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use creditcore::exec::in_order;

/// Where a column says which type it has in the state.
const KIND: &str = "kind";
/// Rows from which on a column of texts may get a dictionary, and how many of them are looked at first.
const DICTIONARY_ROWS: usize = 1 << 12;
/// Decimals that a dictionary has at most: each is looked for among those before.
const FEW: usize = 16;

/// The type that a column has in the state.
pub(super) fn kind_of(field: &Field) -> DataType {
    let told = field.metadata().get(KIND).and_then(|kind| kind.parse().ok());
    told.unwrap_or_else(|| field.data_type().clone())
}

/// Rows as a file keeps them.
pub(super) fn narrowed(batch: &RecordBatch, threads: usize) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let one = |at: usize| {
        let (field, column) = (&schema.fields()[at], batch.column(at));
        let made = match with_dictionary(column).or_else(|| few_decimals(column)) {
            Some(made) => Ok(made),
            None => match narrow_type(column) {
                Some(narrow) => cast(column, &narrow),
                None => return Ok(Ok((field.clone(), column.clone()))),
            },
        };
        let told = [(KIND.to_owned(), column.data_type().to_string())].into();
        Ok(made.map(|made| {
            let field = Field::new(field.name(), made.data_type().clone(), field.is_nullable());
            (Arc::new(field.with_metadata(told)), made)
        }))
    };
    let made = in_order(threads, batch.num_columns(), one);
    rebuilt(batch, made.map_err(|error| ArrowError::ComputeError(error.to_string()))?.into_iter())
}

/// Rows of a file in the types of the state.
pub(super) fn widened(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let one = |(field, column): (&Arc<Field>, &ArrayRef)| {
        let kind = kind_of(field);
        let column = if kind == *column.data_type() { column.clone() } else { cast(column, &kind)? };
        Ok((Arc::new(Field::new(field.name(), kind, field.is_nullable())), column))
    };
    rebuilt(batch, schema.fields().iter().zip(batch.columns()).map(one))
}

fn rebuilt(
    batch: &RecordBatch,
    columns: impl Iterator<Item = Result<(Arc<Field>, ArrayRef), ArrowError>>,
) -> Result<RecordBatch, ArrowError> {
    let (fields, columns): (Vec<Arc<Field>>, Vec<ArrayRef>) =
        columns.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// The narrowest type for the values of a column; none where it stays as it is.
fn narrow_type(column: &ArrayRef) -> Option<DataType> {
    if column.null_count() == column.len() {
        return None;
    }
    match column.data_type() {
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            let wide = |value: i64| Some(i128::from(value));
            integer_type(range(values.iter().flatten(), wide)?, 8)
        }
        DataType::UInt64 => {
            let values = column.as_primitive::<UInt64Type>();
            integer_type(range(values.iter().flatten(), |value| Some(i128::from(value)))?, 8)
        }
        DataType::Float64 => {
            let values = || column.as_primitive::<Float64Type>().iter().flatten();
            let short = || values().all(|value| f64::from(value as f32).to_bits() == value.to_bits());
            let whole = range(values(), whole).and_then(|range| integer_type(range, 8));
            match whole {
                // An integer of 32 bits is no shorter than a float.
                Some(DataType::UInt32 | DataType::Int32) | None if short() => Some(DataType::Float32),
                other => other,
            }
        }
        _ => None,
    }
}

/// A double as an integer; minus zero is none.
fn whole(value: f64) -> Option<i128> {
    let integer = value as i64;
    ((integer as f64).to_bits() == value.to_bits()).then_some(integer.into())
}

/// The smallest and the largest value, as integers; none where one is no integer.
fn range<T>(values: impl Iterator<Item = T>, wide: impl Fn(T) -> Option<i128>) -> Option<(i128, i128)> {
    let (mut least, mut most) = (i128::MAX, i128::MIN);
    for value in values {
        let value = wide(value)?;
        (least, most) = (least.min(value), most.max(value));
    }
    Some((least, most))
}

/// The narrowest type of integers between two, if it has fewer bytes than `bytes`.
fn integer_type((least, most): (i128, i128), bytes: usize) -> Option<DataType> {
    let fits = |low: i128, high: i128| low <= least && most <= high;
    let types = [
        (DataType::UInt8, 0, u8::MAX.into()),
        (DataType::Int8, i8::MIN.into(), i8::MAX.into()),
        (DataType::UInt16, 0, u16::MAX.into()),
        (DataType::Int16, i16::MIN.into(), i16::MAX.into()),
        (DataType::UInt32, 0, u32::MAX.into()),
        (DataType::Int32, i32::MIN.into(), i128::from(i32::MAX)),
    ];
    let found = types.into_iter().find(|&(_, low, high)| fits(low, high)).map(|(kind, ..)| kind);
    found.filter(|kind| kind.primitive_width().is_some_and(|width| width < bytes))
}

/// Texts with a dictionary, where they repeat so often that its numbers have two bytes at most.
fn with_dictionary(column: &ArrayRef) -> Option<ArrayRef> {
    let texts = column.as_string_opt::<i64>().filter(|texts| texts.len() >= DICTIONARY_ROWS)?;
    if texts.null_count() == texts.len() {
        return None;
    }
    let mut made = GenericByteDictionaryBuilder::<UInt16Type, LargeUtf8Type>::new();
    let (mut seen, mut known) = (0, 0);
    // The same text often stands in many rows behind each other: it is looked up once.
    let mut rows = texts.iter().peekable();
    while let Some(text) = rows.next() {
        let mut count = 1;
        while rows.next_if(|next| same(text, *next)).is_some() {
            count += 1;
        }
        let Some(text) = text else {
            made.append_nulls(count);
            continue;
        };
        let before = seen;
        seen += count;
        known = known.max(usize::from(made.append_n(text, count).ok()?) + 1);
        // Texts that are all different show it early.
        let early = before < DICTIONARY_ROWS && seen >= DICTIONARY_ROWS;
        if known > usize::from(u16::MAX) || early && known > DICTIONARY_ROWS / 4 {
            return None;
        }
    }
    let made = made.finish();
    if known > usize::from(u8::MAX) {
        return Some(Arc::new(made));
    }
    let short = DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::LargeUtf8));
    cast(&made, &short).ok()
}

/// Whether two texts are the same; most are short, and a call for each would cost more than comparing them.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one == other };
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    match (one.first_chunk::<8>(), other.first_chunk::<8>(), one.last_chunk::<8>(), other.last_chunk::<8>()) {
        (Some(first), Some(with), Some(last), Some(against)) if one.len() <= 16 => {
            first == with && last == against
        }
        (None, ..) => one.iter().zip(other).all(|(a, b)| a == b),
        _ => one == other,
    }
}

/// Decimals with a dictionary, where they are few: what models weigh is the same in almost every row.
fn few_decimals(column: &ArrayRef) -> Option<ArrayRef> {
    let decimals = column.as_primitive_opt::<Decimal128Type>()?;
    if decimals.null_count() == decimals.len() {
        return None;
    }
    let mut known: Vec<i128> = Vec::with_capacity(FEW);
    let mut numbers = Vec::with_capacity(decimals.len());
    for decimal in decimals {
        let Some(decimal) = decimal else {
            numbers.push(None);
            continue;
        };
        let at = known.iter().position(|&one| one == decimal).unwrap_or(known.len());
        if at == FEW {
            return None;
        }
        if at == known.len() {
            known.push(decimal);
        }
        numbers.push(Some(at as u8));
    }
    let known = PrimitiveArray::<Decimal128Type>::from(known).with_data_type(column.data_type().clone());
    let made = DictionaryArray::<UInt8Type>::try_new(numbers.into_iter().collect(), Arc::new(known));
    Some(Arc::new(made.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Decimal128Array, Float64Array, Int64Array, LargeStringArray, UInt64Array};

    fn kept(column: ArrayRef) -> DataType {
        let field = Field::new("x", column.data_type().clone(), true);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).expect("a batch");
        let narrow = narrowed(&batch, 2).expect("it can be narrowed");
        let back = widened(&narrow).expect("and widened");
        assert_eq!(back.column(0).to_data(), batch.column(0).to_data());
        assert_eq!(kind_of(narrow.schema().field(0)), *batch.column(0).data_type());
        narrow.column(0).data_type().clone()
    }

    #[test]
    fn integers_take_the_bytes_they_need() {
        let of = |values: Vec<Option<i64>>| kept(Arc::new(Int64Array::from(values)));
        assert_eq!(of(vec![Some(0), None, Some(255)]), DataType::UInt8);
        assert_eq!(of(vec![Some(-1), Some(127)]), DataType::Int8);
        assert_eq!(of(vec![Some(-1), Some(255)]), DataType::Int16);
        assert_eq!(of(vec![Some(65_536)]), DataType::UInt32);
        assert_eq!(of(vec![Some(i64::MIN), Some(i64::MAX)]), DataType::Int64);
        assert_eq!(of(vec![None, None]), DataType::Int64);
        assert_eq!(kept(Arc::new(UInt64Array::from(vec![u64::MAX]))), DataType::UInt64);
        assert_eq!(kept(Arc::new(UInt64Array::from(vec![7]))), DataType::UInt8);
    }

    #[test]
    fn doubles_lose_no_bit() {
        let of = |values: Vec<f64>| kept(Arc::new(Float64Array::from(values)));
        assert_eq!(of(vec![0.0, 9999.0]), DataType::UInt16);
        assert_eq!(of(vec![640.25, 9999.0]), DataType::Float32);
        assert_eq!(of(vec![70_000.0]), DataType::Float32);
        assert_eq!(of(vec![16_777_217.0]), DataType::UInt32);
        assert_eq!(of(vec![-0.0, 1.0]), DataType::Float32);
        assert_eq!(of(vec![0.1]), DataType::Float64);
        assert_eq!(of(vec![1e300]), DataType::Float64);
        assert_eq!(of(vec![f64::INFINITY, f64::from_bits(1)]), DataType::Float64);
        // A NaN that says something keeps saying it.
        assert_eq!(of(vec![f64::from_bits(0x7ff8_0000_0000_0001)]), DataType::Float64);
    }

    #[test]
    fn texts_that_repeat_become_a_dictionary() {
        let of = |text: &dyn Fn(usize) -> Option<String>, rows: usize| {
            kept(Arc::new((0..rows).map(text).collect::<LargeStringArray>()))
        };
        let dictionary = |numbers| DataType::Dictionary(Box::new(numbers), Box::new(DataType::LargeUtf8));
        let few = |row: usize| (!row.is_multiple_of(7)).then(|| format!("city {}", row % 100));
        assert_eq!(of(&few, 10_000), dictionary(DataType::UInt8));
        assert_eq!(of(&few, 100), DataType::LargeUtf8);
        assert_eq!(of(&|row| Some(format!("{}", row % 900)), 10_000), dictionary(DataType::UInt16));
        assert_eq!(of(&|row| Some(format!("{row}")), 10_000), DataType::LargeUtf8);
        assert_eq!(of(&|row| Some(format!("{}", row.saturating_sub(5_000))), 80_000), DataType::LargeUtf8);
    }

    #[test]
    fn few_decimals_become_a_dictionary() {
        let of = |values: Vec<Option<i128>>| {
            let decimals = Decimal128Array::from(values).with_precision_and_scale(38, 0);
            kept(Arc::new(decimals.expect("a type of decimals")))
        };
        let own = DataType::Decimal128(38, 0);
        let dictionary = DataType::Dictionary(Box::new(DataType::UInt8), Box::new(own.clone()));
        assert_eq!(of(vec![Some(1 << 90), None, Some(1 << 90), Some(-7)]), dictionary);
        assert_eq!(of((0..16).map(Some).collect()), dictionary);
        assert_eq!(of((0..17).map(Some).collect()), own);
        assert_eq!(of(vec![None, None]), own);
    }
}
