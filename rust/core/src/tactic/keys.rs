//! Keys of a block of rows: integers in the order of the values.
//!
//! In: an array and a block of its rows. Out: keys of 8, 32 or 64 bits, a mask of the rows that are known, and
//! masks of the tests that are asked of them.
//! Types that are met every day are read as they are; any other is cast by the golden evaluator's own rules.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type,
};
use arrow_array::{Array, ArrayRef, DictionaryArray};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::DataType;
use creditcore_kernels::isa::Isa;
use creditcore_kernels::mask::{
    Mask, ROWS, WORDS, at_least_narrow, at_least_wide, double_keys, members, single_keys,
};

use super::engine::both;
use super::program::Column as Asked;
use super::range::{Space, Test, double_key, single_key};
use crate::error::Result;
use crate::expr::{Column, NanMode, plain};

/// The keys of a block.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    isa: Isa,
    nan: NanMode,
    small: Box<[u8; ROWS]>,
    narrow: Box<[i32; ROWS]>,
    wide: Box<[i64; ROWS]>,
    form: Form,
    /// For each bound of the column the rows whose key is not below it.
    at_least: Vec<Mask>,
    /// The rows whose value is known.
    pub(super) known: Mask,
}

/// Which keys there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Of columns with few keys.
    Small,
    Wide,
    Narrow,
    /// Narrow keys of 32-bit floats; bounds are those of doubles.
    Single,
}

impl Keys {
    /// Room for keys; `nan` says what a NaN is.
    pub(super) fn new(isa: Isa, nan: NanMode) -> Self {
        let (small, narrow, wide) = (Box::new([0; ROWS]), Box::new([0; ROWS]), Box::new([0; ROWS]));
        let (form, at_least, known) = (Form::Wide, Vec::new(), [0; WORDS]);
        Self { isa, nan, small, narrow, wide, form, at_least, known }
    }
}

/// A mask of the first rows of a block.
pub(super) fn first_rows(rows: usize) -> Mask {
    std::array::from_fn(|word| match rows.saturating_sub(word * 64) {
        0 => 0,
        left if left >= 64 => !0,
        left => (1 << left) - 1,
    })
}

/// A column of a batch, with the keys of its dictionary where it has one.
pub(super) struct Input<'a> {
    array: &'a ArrayRef,
    dictionary: Option<Vec<i32>>,
}

impl<'a> Input<'a> {
    /// Takes a column.
    pub(super) fn new(array: &'a ArrayRef, space: &Space) -> Self {
        let texts = array.as_any_dictionary_opt().filter(|found| is_text(found.values().data_type()));
        let dictionary = texts.and_then(|found| {
            let values = arrow_cast::cast(found.values(), &DataType::Utf8View).ok()?;
            let values = values.as_string_view();
            // A value of the dictionary that is null makes its rows null.
            (values.null_count() == 0)
                .then(|| values.iter().flatten().map(|text| space.text_key(text)).collect())
        });
        Self { array, dictionary }
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

impl Keys {
    /// Reads the keys of some rows of a column, `ROWS` at most.
    ///
    /// # Errors
    /// As [`plain`].
    pub(super) fn read(
        &mut self,
        name: &str,
        input: &Input<'_>,
        start: usize,
        rows: usize,
        space: &Space,
    ) -> Result<()> {
        let block = input.array.slice(start, rows);
        self.form = Form::Narrow;
        self.known = known(block.nulls(), rows);
        macro_rules! narrow {
            ($kind:ty) => {{
                let values = block.as_primitive::<$kind>().values();
                self.narrow.iter_mut().zip(values).for_each(|(key, value)| *key = i32::from(*value));
            }};
        }
        macro_rules! wide {
            ($kind:ty) => {{
                self.form = Form::Wide;
                let values = block.as_primitive::<$kind>().values();
                self.wide.iter_mut().zip(values).for_each(|(key, value)| *key = i64::from(*value));
            }};
        }
        match block.data_type() {
            DataType::Int8 => narrow!(Int8Type),
            DataType::Int16 => narrow!(Int16Type),
            DataType::Int32 => narrow!(Int32Type),
            DataType::UInt8 => narrow!(UInt8Type),
            DataType::UInt16 => narrow!(UInt16Type),
            DataType::Date32 => narrow!(Date32Type),
            DataType::UInt32 => wide!(UInt32Type),
            DataType::Int64 => wide!(Int64Type),
            DataType::Float32 => self.singles(block.as_primitive::<Float32Type>().values()),
            DataType::Float64 => self.doubles(block.as_primitive::<Float64Type>().values()),
            DataType::Boolean => {
                let values = block.as_boolean().values();
                self.few(values.iter().map(i32::from), space);
            }
            DataType::Utf8 => self.texts(block.as_string::<i32>().iter(), space),
            DataType::LargeUtf8 => self.texts(block.as_string::<i64>().iter(), space),
            DataType::Utf8View => self.texts(block.as_string_view().iter(), space),
            DataType::Dictionary(..) if input.dictionary.is_some() => {
                self.codes(&block, input.dictionary.as_deref().unwrap_or_default(), space);
            }
            _ => self.any(name, &block, space)?,
        }
        Ok(())
    }

    /// Asks every test of a column, whose keys were read, and puts its answer where it belongs among `masks`.
    pub(super) fn ask(&mut self, column: &Asked, all: &Mask, masks: &mut [Mask]) {
        let (bounds, isa) = (&column.bounds, self.isa);
        self.at_least.resize(self.at_least.len().max(bounds.len()), [0; WORDS]);
        let narrowed: Vec<i32>;
        match self.form {
            Form::Small => {}
            Form::Wide => at_least_wide(isa, &self.wide, bounds, &mut self.at_least),
            Form::Narrow => {
                let bound = |key: &i64| (*key).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
                narrowed = bounds.iter().map(bound).collect();
                at_least_narrow(isa, &self.narrow, &narrowed, &mut self.at_least);
                // No key reaches a bound beyond the narrow keys.
                let within = bounds.partition_point(|key| *key <= i32::MAX.into());
                self.at_least[within..bounds.len()].fill([0; WORDS]);
            }
            Form::Single => {
                narrowed = bounds.iter().map(|key| single_at_least(*key)).collect();
                at_least_narrow(isa, &self.narrow, &narrowed, &mut self.at_least);
            }
        }
        for (test, slot) in &column.tests {
            let mask = &mut masks[*slot as usize];
            match test {
                Test::Null => *mask = both(all, &self.known, |all, known| all & !known),
                Test::Among(set) => {
                    members(isa, &self.small, set, mask);
                    *mask = both(mask, &self.known, |mask, known| mask & known);
                }
                Test::Between(ranges) => *mask = self.between(ranges),
            }
        }
    }

    /// The known rows whose key lies between bounds.
    fn between(&self, ranges: &[(Option<usize>, Option<usize>)]) -> Mask {
        let (at_least, known) = (&self.at_least, &self.known);
        ranges.iter().fold([0; WORDS], |any, range| match *range {
            (None, None) => *known,
            (Some(low), None) => std::array::from_fn(|word| any[word] | at_least[low][word] & known[word]),
            (None, Some(high)) => std::array::from_fn(|word| any[word] | known[word] & !at_least[high][word]),
            (Some(low), Some(high)) => std::array::from_fn(|word| {
                any[word] | at_least[low][word] & known[word] & !at_least[high][word]
            }),
        })
    }

    fn singles(&mut self, values: &[f32]) {
        self.form = Form::Single;
        single_keys(self.isa, values, &mut self.narrow[..]);
        if self.nan == NanMode::Null {
            let mut missing = [0; WORDS];
            at_least_narrow(self.isa, &self.narrow, &[i32::MAX], std::slice::from_mut(&mut missing));
            self.forget(&missing);
        }
    }

    fn doubles(&mut self, values: &[f64]) {
        self.form = Form::Wide;
        double_keys(self.isa, values, &mut self.wide[..]);
        if self.nan == NanMode::Null {
            let mut missing = [0; WORDS];
            at_least_wide(self.isa, &self.wide, &[i64::MAX], std::slice::from_mut(&mut missing));
            self.forget(&missing);
        }
    }

    /// Makes rows unknown.
    fn forget(&mut self, rows: &Mask) {
        self.known.iter_mut().zip(rows).for_each(|(known, row)| *known &= !row);
    }

    /// Takes keys that fit a byte where there are few of them.
    fn few(&mut self, keys: impl Iterator<Item = i32>, space: &Space) {
        if space.is_small() {
            self.form = Form::Small;
            self.small.iter_mut().zip(keys).for_each(|(to, key)| *to = key as u8);
        } else {
            self.narrow.iter_mut().zip(keys).for_each(|(to, key)| *to = key);
        }
    }

    fn texts<'t>(&mut self, texts: impl Iterator<Item = Option<&'t str>>, space: &Space) {
        self.few(texts.map(|text| text.map_or(0, |text| space.text_key(text))), space);
    }

    fn codes(&mut self, block: &ArrayRef, keys: &[i32], space: &Space) {
        macro_rules! of {
            ($($kind:ty),*) => {$(
                if let Some(block) = block.as_any().downcast_ref::<DictionaryArray<$kind>>() {
                    // The code of a null may lie outside.
                    let codes = block.keys().values().iter();
                    let keys = codes.map(|code| keys.get(code.as_usize()).copied().unwrap_or_default());
                    return self.few(keys, space);
                }
            )*};
        }
        of!(Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type);
        of!(arrow_array::types::UInt64Type);
    }

    /// Any other type, by the golden evaluator's own reading.
    fn any(&mut self, name: &str, block: &ArrayRef, space: &Space) -> Result<()> {
        let array = plain(name, block)?;
        let column = Column::read(&array, self.nan);
        self.form = if space.is_small() { Form::Small } else { Form::Wide };
        self.known = first_rows(array.len());
        let texts =
            |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(|text| space.text_key(text));
        for row in 0..array.len() {
            let key = match &column {
                Column::Null(_) => None,
                Column::Boolean(values) => values[row].map(i64::from),
                Column::Integer(values) | Column::Timestamp(values) => values[row],
                Column::Double(values) => values[row].map(double_key),
                Column::Date(values) => values[row].map(i64::from),
                Column::Text(values) => texts(&values[row]).map(i64::from),
            };
            self.wide[row] = key.unwrap_or_default();
            self.small[row] = self.wide[row] as u8;
            self.known[row / 64] &= !(u64::from(key.is_none()) << (row % 64));
        }
        Ok(())
    }
}

/// The rows that are not null.
fn known(nulls: Option<&NullBuffer>, rows: usize) -> Mask {
    let Some(nulls) = nulls else { return first_rows(rows) };
    let mut mask = [0; WORDS];
    let chunks = nulls.inner().bit_chunks();
    let words = chunks.iter().chain(std::iter::once(chunks.remainder_bits()));
    mask.iter_mut().zip(words).for_each(|(word, bits)| *word = bits);
    mask
}

/// The double of a key.
fn double_of(key: i64) -> f64 {
    f64::from_bits((key ^ ((((key >> 63) as u64) >> 1) as i64)) as u64)
}

/// The key of the least 32-bit float that is not below the double of a key.
fn single_at_least(key: i64) -> i32 {
    if key == i64::MIN {
        return i32::MIN;
    }
    let value = double_of(key);
    if value.is_nan() {
        return i32::MAX;
    }
    let near = value as f32;
    single_key(near) + i32::from(f64::from(near) < value)
}
