//! The keys of people: 64-bit integers or text, in the order of their values.
//!
//! In: an array of keys. Out: [`Keys`], which compare integers as integers and text as bytes, find a key, and
//! become an array of the type that came in. Law 2: a person's number is the rank of the key, so it depends
//! on no row order.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, LargeStringArray, UInt64Array};
use arrow_schema::DataType;

use crate::error::{Error, Place, Result};

/// Keys of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Signed integers of any width.
    Signed(Vec<i64>),
    /// Unsigned integers of any width.
    Unsigned(Vec<u64>),
    /// Text.
    Text(Texts),
}

/// One key, to be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// An integer; it fits signed and unsigned keys alike.
    Integer(i128),
    /// A text.
    Text(String),
}

/// Texts one after the other: 8 bytes each and their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl Texts {
    /// How many texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends a text.
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u64);
    }

    /// The bytes of a text.
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[start..self.ends[index] as usize]
    }
}

impl Keys {
    /// How many keys.
    pub fn len(&self) -> usize {
        match self {
            Self::Signed(keys) => keys.len(),
            Self::Unsigned(keys) => keys.len(),
            Self::Text(keys) => keys.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        match self {
            Self::Signed(keys) => keys.reserve_exact(more),
            Self::Unsigned(keys) => keys.reserve_exact(more),
            Self::Text(keys) => keys.ends.reserve_exact(more),
        }
    }

    /// No keys, of the type that a column's keys have.
    ///
    /// # Errors
    /// A column that is neither of integers nor of text.
    pub fn of_type(kind: &DataType, name: &str, place: Place) -> Result<Self> {
        match kind {
            DataType::Dictionary(_, value) => Self::of_type(value, name, place),
            kind if kind.is_signed_integer() => Ok(Self::Signed(Vec::new())),
            kind if kind.is_unsigned_integer() => Ok(Self::Unsigned(Vec::new())),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Self::Text(Texts::default())),
            other => Err(Error::schema(
                place,
                format!("key column `{name}` is of type {other}; keys are 64-bit integers or text"),
            )),
        }
    }

    /// Appends the keys of an array.
    ///
    /// # Errors
    /// An array of another type, or a null, told with its row (from 0) in the array.
    pub fn extend(&mut self, array: &ArrayRef) -> std::result::Result<(), KeyFault> {
        if let Some(row) = (array.null_count() > 0).then(|| (0..array.len()).find(|&row| array.is_null(row)))
        {
            return Err(KeyFault::Null(row.unwrap_or(0)));
        }
        let cast = |kind: &DataType| arrow_cast::cast(array, kind).map_err(|_| KeyFault::Type);
        match self {
            Self::Signed(keys) => {
                let array = cast(&DataType::Int64)?;
                refuse_nulls(&array)?;
                keys.extend_from_slice(array.as_primitive::<Int64Type>().values());
            }
            Self::Unsigned(keys) => {
                let array = cast(&DataType::UInt64)?;
                refuse_nulls(&array)?;
                keys.extend_from_slice(array.as_primitive::<UInt64Type>().values());
            }
            Self::Text(keys) => {
                let array = cast(&DataType::LargeUtf8)?;
                array.as_string::<i64>().iter().flatten().for_each(|text| keys.push(text.as_bytes()));
            }
        }
        Ok(())
    }

    /// Compares two of the keys: integers as integers, text as bytes.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Signed(keys) => keys[a].cmp(&keys[b]),
            Self::Unsigned(keys) => keys[a].cmp(&keys[b]),
            Self::Text(keys) => keys.get(a).cmp(keys.get(b)),
        }
    }

    /// Whether each key is greater than the one before.
    pub fn ascend(&self) -> bool {
        (1..self.len()).all(|at| self.compare(at - 1, at).is_lt())
    }

    /// Appends all keys of others of the same type.
    pub fn append(&mut self, other: &Self) {
        match (self, other) {
            (Self::Signed(mine), Self::Signed(theirs)) => mine.extend_from_slice(theirs),
            (Self::Unsigned(mine), Self::Unsigned(theirs)) => mine.extend_from_slice(theirs),
            (mine, theirs) => (0..theirs.len()).for_each(|at| mine.push_from(theirs, at)),
        }
    }

    /// Signed keys; none where they are of another type.
    pub(super) fn signed(&self) -> &[i64] {
        if let Self::Signed(keys) = self { keys } else { &[] }
    }

    /// Unsigned keys; none where they are of another type.
    pub(super) fn unsigned(&self) -> &[u64] {
        if let Self::Unsigned(keys) = self { keys } else { &[] }
    }

    /// The bytes of a text; none of a number.
    pub(super) fn bytes_of(&self, number: usize) -> &[u8] {
        if let Self::Text(keys) = self { keys.get(number) } else { &[] }
    }

    /// The numbers of the keys in the order of their values; equal keys in the order of their numbers.
    pub fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        let ascending = (1..self.len()).all(|at| self.compare(at - 1, at) != Ordering::Greater);
        if !ascending {
            order.sort_unstable_by(|&a, &b| self.compare(a as usize, b as usize).then(a.cmp(&b)));
        }
        order
    }

    /// Some of the keys, by number.
    #[must_use]
    pub fn take(&self, numbers: impl Iterator<Item = usize>) -> Self {
        match self {
            Self::Signed(keys) => Self::Signed(numbers.map(|number| keys[number]).collect()),
            Self::Unsigned(keys) => Self::Unsigned(numbers.map(|number| keys[number]).collect()),
            Self::Text(keys) => {
                let mut taken = Texts::default();
                numbers.for_each(|number| taken.push(keys.get(number)));
                Self::Text(taken)
            }
        }
    }

    /// Whether keys of both can stand beside each other.
    pub fn same_type(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Appends one key of others of the same type.
    pub fn push_from(&mut self, other: &Self, number: usize) {
        match (self, other) {
            (Self::Signed(mine), Self::Signed(theirs)) => mine.push(theirs[number]),
            (Self::Unsigned(mine), Self::Unsigned(theirs)) => mine.push(theirs[number]),
            (Self::Text(mine), Self::Text(theirs)) => mine.push(theirs.get(number)),
            _ => {}
        }
    }

    /// Compares a key with one of others; types in the order signed, unsigned, text.
    pub fn compare_with(&self, number: usize, other: &Self, with: usize) -> Ordering {
        match (self, other) {
            (Self::Signed(mine), Self::Signed(theirs)) => mine[number].cmp(&theirs[with]),
            (Self::Unsigned(mine), Self::Unsigned(theirs)) => mine[number].cmp(&theirs[with]),
            (Self::Text(mine), Self::Text(theirs)) => mine.get(number).cmp(theirs.get(with)),
            _ => self.rank_of_type().cmp(&other.rank_of_type()),
        }
    }

    fn rank_of_type(&self) -> u8 {
        match self {
            Self::Signed(_) => 0,
            Self::Unsigned(_) => 1,
            Self::Text(_) => 2,
        }
    }

    /// Where a key stands among ascending keys.
    pub fn find(&self, key: &Key) -> Option<u32> {
        let found = match (self, key) {
            (Self::Signed(keys), &Key::Integer(key)) => keys.binary_search(&i64::try_from(key).ok()?).ok(),
            (Self::Unsigned(keys), &Key::Integer(key)) => keys.binary_search(&u64::try_from(key).ok()?).ok(),
            (Self::Text(keys), Key::Text(key)) => {
                let (mut low, mut high) = (0, keys.len());
                while low < high {
                    let middle = low + (high - low) / 2;
                    if keys.get(middle) < key.as_bytes() { low = middle + 1 } else { high = middle }
                }
                (low < keys.len() && keys.get(low) == key.as_bytes()).then_some(low)
            }
            _ => None,
        };
        found.map(|place| place as u32)
    }

    /// A key as text, for an error or a report.
    pub fn text(&self, number: usize) -> String {
        match self {
            Self::Signed(keys) => keys[number].to_string(),
            Self::Unsigned(keys) => keys[number].to_string(),
            Self::Text(keys) => String::from_utf8_lossy(keys.get(number)).into_owned(),
        }
    }

    /// All keys as an array: Int64, UInt64 or LargeUtf8.
    pub fn into_array(self) -> ArrayRef {
        match self {
            Self::Signed(keys) => Arc::new(Int64Array::from(keys)),
            Self::Unsigned(keys) => Arc::new(UInt64Array::from(keys)),
            Self::Text(_) => self.array_of(0..self.len() as u32),
        }
    }

    /// The keys of some people as an array: Int64, UInt64 or LargeUtf8.
    pub fn array_of(&self, people: impl ExactSizeIterator<Item = u32>) -> ArrayRef {
        match self {
            Self::Signed(keys) => Arc::new(Int64Array::from_iter_values(people.map(|at| keys[at as usize]))),
            Self::Unsigned(keys) => {
                Arc::new(UInt64Array::from_iter_values(people.map(|at| keys[at as usize])))
            }
            Self::Text(keys) => {
                let text = |at: u32| String::from_utf8_lossy(keys.get(at as usize));
                Arc::new(LargeStringArray::from_iter_values(people.map(text)))
            }
        }
    }
}

fn refuse_nulls(array: &ArrayRef) -> std::result::Result<(), KeyFault> {
    if array.null_count() > 0 { Err(KeyFault::Type) } else { Ok(()) }
}

/// Why keys were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// The key of a row is null.
    Null(usize),
    /// The array is of another type than the keys so far.
    Type,
}
