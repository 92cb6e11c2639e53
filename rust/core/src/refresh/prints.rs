//! Fingerprints of what decisions went by: for each row SHA-256 over some columns, by name.
//!
//! In: rows, names of columns. Out: the first 128 bits of each row's hash, as hexadecimal digits. What
//! the log of decisions keeps and a replay compares, so it never changes: after the names, in their order, stands
//! for each column a byte for the kind of the value and the value itself; of a column without a type the byte alone.

use std::ops::Range;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, LargeStringArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use sha2::{Digest, Sha256};

use crate::batch::{Role, Source, Wanted};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, in_order};

/// What a value is; a null is zero.
const INTEGER: u8 = 1;
const FLOAT: u8 = 2;
const TEXT: u8 = 3;
/// Bytes that stand for a text.
pub(super) const TEXT_BYTES: usize = 16;
/// Rows whose bytes are made at a time: those of a hundred columns stay in the second cache.
const BLOCK: usize = 1 << 7;
/// Doubles from here on are no 64-bit integers.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

/// Gives the fingerprints of rows, part by part, over the columns of some names; one that is not there is of nulls.
///
/// Integers, flags and doubles that are whole count by their value, other doubles by their bits (each NaN is one),
/// times by what their columns count. Texts come as columns of 16 bytes, which are taken as they are.
///
/// # Errors
/// A column of another type, or a value of another length; whatever reading gives.
pub fn fingerprints(
    source: &dyn Source,
    mut names: Vec<String>,
    threads: usize,
    control: &Control,
) -> Result<Vec<LargeStringArray>> {
    names.sort();
    let start = Sha256::new().chain_update(names.join("\0"));
    let known = source.column_names();
    let there = names.iter().filter(|name| known.contains(name));
    let wanted: Vec<Wanted> = there.map(|name| Wanted { name: name.clone(), role: Role::Key }).collect();
    in_order(threads, source.tasks(), |task| {
        let mut made = LargeStringBuilder::new();
        source.read(task, &wanted, control, &mut |batch| {
            let mut given = wanted.iter().zip(&batch.columns).peekable();
            let of = |name: &String| match given.next_if(|(known, _)| known.name == *name) {
                Some((_, column)) => Column::of(name, column),
                None => Ok(Column::Untyped),
            };
            let columns = names.iter().map(of).collect::<Result<Vec<_>>>()?;
            append(&columns, batch.rows, &start, &mut made);
            Ok(())
        })?;
        Ok(made.finish())
    })
}

/// Appends the fingerprints of rows.
fn append(columns: &[Column], rows: usize, start: &Sha256, made: &mut LargeStringBuilder) {
    // The digits are ASCII.
    hashed(columns, 0..rows, start, false, |hash| {
        made.append_value(std::str::from_utf8(&hexadecimal(&hash)).unwrap_or_default());
    });
}

/// Gives the hash of each of some rows, behind what `start` has taken in; `short` says that a null is its kind alone.
pub(super) fn hashed(
    columns: &[Column],
    rows: Range<usize>,
    start: &Sha256,
    short: bool,
    mut take: impl FnMut([u8; 32]),
) {
    let width: usize = columns.iter().map(Column::width).sum::<usize>().max(1);
    let mut bytes = Vec::new();
    for first in rows.clone().step_by(BLOCK) {
        let range = first..rows.end.min(first + BLOCK);
        bytes.clear();
        bytes.resize(width * range.len(), 0u8);
        let mut ends = vec![0usize; range.len()];
        for column in columns {
            column.write(range.clone(), bytes.chunks_exact_mut(width).zip(&mut ends), short);
        }
        for (row, end) in bytes.chunks_exact(width).zip(ends) {
            take(start.clone().chain_update(&row[..end]).finalize().into());
        }
    }
}

/// The first 16 bytes in hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |at: usize| DIGITS[usize::from(bytes[at / 2] >> (4 * (1 - at % 2)) & 15)];
    std::array::from_fn(digit)
}

/// A column in one of the forms that are told apart.
pub(super) enum Column {
    Untyped,
    Signed(ArrayRef),
    Unsigned(ArrayRef),
    Double(ArrayRef),
    Text(ArrayRef),
}

impl Column {
    pub(super) fn of(name: &str, column: &ArrayRef) -> Result<Self> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::schema(Place::default(), format!("column `{name}` has no fingerprint: {error}"))
        };
        let brought = |kind| cast(column, &kind).map_err(|error| unreadable(&error));
        match column.data_type() {
            DataType::Null => Ok(Self::Untyped),
            DataType::UInt64 => Ok(Self::Unsigned(column.clone())),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                Ok(Self::Double(brought(DataType::Float64)?))
            }
            // Days, and times of short units, count in 32 bits.
            DataType::Time32(_) | DataType::Date32 => {
                let narrow = cast(column, &DataType::Int32).map_err(|error| unreadable(&error))?;
                Ok(Self::Signed(cast(&narrow, &DataType::Int64).map_err(|error| unreadable(&error))?))
            }
            kind if kind.is_integer() || kind.is_temporal() || *kind == DataType::Boolean => {
                Ok(Self::Signed(brought(DataType::Int64)?))
            }
            DataType::Binary | DataType::BinaryView | DataType::LargeBinary => {
                let texts = brought(DataType::LargeBinary)?;
                match texts.as_binary::<i64>().iter().flatten().find(|value| value.len() != TEXT_BYTES) {
                    Some(value) => Err(unreadable(&format!("a text stands for {} bytes", value.len()))),
                    None => Ok(Self::Text(texts)),
                }
            }
            other => Err(unreadable(other)),
        }
    }

    /// Bytes that each row has of it.
    fn width(&self) -> usize {
        match self {
            Self::Untyped => 1,
            Self::Text(_) => 1 + TEXT_BYTES,
            Self::Signed(_) | Self::Unsigned(_) | Self::Double(_) => 1 + 8,
        }
    }

    /// Writes the values of some rows behind what stands in their lines, which are zeros beyond.
    fn write<'a>(
        &self,
        rows: Range<usize>,
        lines: impl Iterator<Item = (&'a mut [u8], &'a mut usize)>,
        short: bool,
    ) {
        let all = rows.zip(lines);
        match self {
            Self::Untyped => all.for_each(|(_, (_, end))| *end += 1),
            Self::Signed(column) => {
                let values = column.as_primitive::<Int64Type>();
                let value = |row| (INTEGER, values.value(row).to_le_bytes());
                all.for_each(|(row, line)| put(line, short, values.is_valid(row).then(|| value(row))));
            }
            Self::Unsigned(column) => {
                let values = column.as_primitive::<UInt64Type>();
                let value = |row| (INTEGER, values.value(row).to_le_bytes());
                all.for_each(|(row, line)| put(line, short, values.is_valid(row).then(|| value(row))));
            }
            Self::Double(column) => {
                let values = column.as_primitive::<Float64Type>();
                let value = |row| of_double(values.value(row));
                all.for_each(|(row, line)| put(line, short, values.is_valid(row).then(|| value(row))));
            }
            Self::Text(column) => {
                let values = column.as_binary::<i64>();
                let value = |row| values.value(row).first_chunk::<TEXT_BYTES>().map(|value| (TEXT, *value));
                all.for_each(|(row, line)| {
                    put(line, short, values.is_valid(row).then(|| value(row)).flatten());
                });
            }
        }
    }
}

/// Puts a value, its kind in front, at the end of a line.
fn put<const N: usize>(line: (&mut [u8], &mut usize), short: bool, value: Option<(u8, [u8; N])>) {
    let (line, end) = line;
    match value {
        Some((kind, bytes)) => {
            line[*end] = kind;
            line[*end + 1..*end + 1 + N].copy_from_slice(&bytes);
            *end += 1 + N;
        }
        None => *end += if short { 1 } else { 1 + N },
    }
}

/// The kind and the word of a double.
fn of_double(value: f64) -> (u8, [u8; 8]) {
    let whole = value as i64;
    let negative_zero = value == 0.0 && value.is_sign_negative();
    if whole as f64 == value && value.abs() < BEYOND && !negative_zero {
        return (INTEGER, whole.to_le_bytes());
    }
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    (FLOAT, bits.to_le_bytes())
}
