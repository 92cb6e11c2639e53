//! A hash of a record: 128 bits over its columns, by name.
//!
//! In: columns. Out: for each row a number; the sum of all records' numbers stands for the set of them, whatever order
//! they came in, and a record can be taken out of it again. A null adds nothing, so a column of nulls and a column that
//! is not there are the same. Made for telling states apart, not against someone who forges records.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::error::{Error, Place, Result};
use crate::id::mixed;

/// The bits of every NaN.
const NAN: u64 = 0x7ff8_0000_0000_0000;
/// What sets the two halves apart.
const LANES: [u64; 2] = [0x2d35_8dcc_aa6c_78a5, 0x8bb8_4b93_962e_acc9];
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Both halves of a product, joined.
#[inline(always)]
fn folded(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

/// The hash of a text.
#[derive(Clone, Copy, Debug)]
pub struct TextHash;

impl TextHash {
    /// 64 bits that are the same on every machine.
    pub fn of(bytes: &[u8]) -> u64 {
        text(bytes, LANES[0])
    }
}

fn text(bytes: &[u8], seed: u64) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(ODD);
    for word in words {
        hash = folded(hash ^ u64::from_le_bytes(*word), seed | 1).wrapping_add(ODD) ^ hash.rotate_left(29);
    }
    let tail = rest.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
    mixed(folded(hash ^ tail, seed | 1).wrapping_add(hash))
}

/// Hashes of the rows of a batch, column by column.
#[derive(Clone, Debug)]
pub struct RecordHashes {
    lanes: Vec<[u64; 2]>,
}

impl RecordHashes {
    /// Hashes of so many rows, of no column yet.
    pub fn new(rows: usize) -> Self {
        Self { lanes: vec![[0; 2]; rows] }
    }

    /// Hashes that have taken in columns already.
    pub fn of_lanes(lanes: Vec<[u64; 2]>) -> Self {
        Self { lanes }
    }

    /// What has been taken in of each row: further columns are added to it.
    pub fn lanes(&self) -> &[[u64; 2]] {
        &self.lanes
    }

    /// Takes in a column; the order of columns changes nothing.
    ///
    /// # Errors
    /// A type that has no text form.
    pub fn add(&mut self, name: &str, array: &ArrayRef) -> Result<()> {
        let seeds = LANES.map(|lane| text(name.as_bytes(), lane));
        match array.data_type() {
            DataType::Int8 => self.words::<Int8Type>(seeds, array, |value| value as i64 as u64),
            DataType::Int16 => self.words::<Int16Type>(seeds, array, |value| value as i64 as u64),
            DataType::Int32 => self.words::<Int32Type>(seeds, array, |value| value as i64 as u64),
            DataType::Int64 => self.words::<Int64Type>(seeds, array, |value| value as u64),
            DataType::UInt8 => self.words::<UInt8Type>(seeds, array, u64::from),
            DataType::UInt16 => self.words::<UInt16Type>(seeds, array, u64::from),
            DataType::UInt32 => self.words::<UInt32Type>(seeds, array, u64::from),
            DataType::UInt64 => self.words::<UInt64Type>(seeds, array, |value| value),
            DataType::Float32 => self.words::<Float32Type>(seeds, array, |value| bits(value.into())),
            DataType::Float64 => self.words::<Float64Type>(seeds, array, bits),
            DataType::Decimal128(..) => {
                self.words::<Decimal128Type>(seeds, array, |value| {
                    value as u64 ^ mixed((value >> 64) as u64 ^ (value >> 127) as u64)
                });
            }
            DataType::Boolean => {
                let flags = array.as_boolean();
                self.each(array, |row, lanes| of_word(lanes, seeds, u64::from(flags.value(row))));
            }
            DataType::LargeUtf8 => {
                let texts = array.as_string::<i64>();
                self.each(array, |row, lanes| of_text(lanes, seeds, texts.value(row)));
            }
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                self.each(array, |row, lanes| of_text(lanes, seeds, texts.value(row)));
            }
            _ => return self.by_text(seeds, name, array),
        }
        Ok(())
    }

    /// Any other type by what its values look like.
    fn by_text(&mut self, seeds: [u64; 2], name: &str, array: &ArrayRef) -> Result<()> {
        let options = arrow_cast::display::FormatOptions::default();
        let unreadable = |_| {
            let kind = array.data_type();
            Error::schema(
                Place::default(),
                format!("column `{name}` is of type {kind}, which cannot be kept"),
            )
        };
        let shown = arrow_cast::display::ArrayFormatter::try_new(array, &options).map_err(unreadable)?;
        self.each(array, |row, lanes| of_text(lanes, seeds, &shown.value(row).to_string()));
        Ok(())
    }

    fn words<T: ArrowPrimitiveType>(
        &mut self,
        seeds: [u64; 2],
        array: &ArrayRef,
        word: impl Fn(T::Native) -> u64,
    ) {
        let values = array.as_primitive::<T>().values();
        if array.null_count() == 0 {
            for (lanes, &value) in self.lanes.iter_mut().zip(values.iter()) {
                of_word(lanes, seeds, word(value));
            }
        } else {
            self.each(array, |row, lanes| of_word(lanes, seeds, word(values[row])));
        }
    }

    fn each(&mut self, array: &ArrayRef, mut take: impl FnMut(usize, &mut [u64; 2])) {
        for (row, lanes) in self.lanes.iter_mut().enumerate() {
            if array.is_valid(row) {
                take(row, lanes);
            }
        }
    }

    /// The hash of each row.
    pub fn finish(self) -> Vec<u128> {
        let whole = |[a, b]: [u64; 2]| {
            let (first, second) = (mixed(a ^ LANES[0]), mixed(b ^ LANES[1]));
            u128::from(folded(first, LANES[1]) ^ first) | u128::from(folded(second, LANES[0]) ^ second) << 64
        };
        self.lanes.into_iter().map(whole).collect()
    }
}

fn bits(value: f64) -> u64 {
    if value.is_nan() { NAN } else { value.to_bits() }
}

#[inline(always)]
fn of_word(lanes: &mut [u64; 2], seeds: [u64; 2], word: u64) {
    for (lane, seed) in lanes.iter_mut().zip(seeds) {
        let spread = (word ^ seed).wrapping_mul(ODD);
        *lane = lane.wrapping_add(folded(spread ^ (spread >> 32), seed | 1) ^ spread);
    }
}

fn of_text(lanes: &mut [u64; 2], seeds: [u64; 2], value: &str) {
    for (lane, seed) in lanes.iter_mut().zip(seeds) {
        *lane = lane.wrapping_add(text(value.as_bytes(), seed));
    }
}
