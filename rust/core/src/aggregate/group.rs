//! Rows to groups: a code for each row, from whatever type the column has.
//!
//! In: an array of codes, names or numbers. Out: a dense code for each row; codes from [`REFUSED`] on stand
//! for rows that belong to no group, and say why. Each distinct value is looked up once.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;
use creditcore_kernels::isa::Isa;
use creditcore_kernels::table;

use super::column::{Column, Value};
use crate::error::{Error, Place, Result};
use crate::region::{Regions, Resolution};

/// The first code that is no group; up to [`NAN`] each stands for one refused value.
pub(super) const REFUSED: u32 = 1 << 31;
/// The code of a value that is not a finite number.
pub(super) const NAN: u32 = u32::MAX - 1;
/// The code of a null.
pub(super) const NULL: u32 = u32::MAX;

/// Integers below this are looked up in a table instead of a hash map; it holds six-digit region codes.
const DIRECT: usize = 1 << 20;
/// A code for each integer below [`DIRECT`], and [`UNSEEN`] for all others.
type Direct = [u32; DIRECT + 1];
/// Integers below this may be their own codes: as many groups as a table pays for.
const MOST_OWN: usize = table::MOST_GROUPS;
/// Distinct refused values that are kept by name; what comes after is counted under [`OTHERS`].
const MOST_REFUSED: usize = 100_000;
/// Stands for refused values beyond those that are kept by name.
const OTHERS: &str = "(other values)";
/// Groups that one column may have.
const MOST_GROUPS: usize = 1 << 26;

/// A value that belongs to no group.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) text: String,
    pub(super) cause: Cause,
    pub(super) rows: u64,
}

/// Why a value belongs to no group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The region table does not know it.
    Unresolved,
    /// Several regions have that name.
    Ambiguous,
    /// It names a region above the finest level.
    AboveLeaf,
}

/// Gives each distinct value of a column its code.
pub(super) struct Grouper {
    name: String,
    /// With a region table a code is the number of a leaf region; without one the number of a distinct value.
    regions: Option<Arc<Regions>>,
    keys: Vec<String>,
    /// Integers below this are their own codes.
    own: usize,
    texts: HashMap<String, u32>,
    /// None until there is an integer.
    direct: Option<Box<Direct>>,
    integers: HashMap<i64, u32>,
    refused: Vec<Refused>,
    refused_codes: HashMap<String, u32>,
    /// The dictionary that was seen last, and its values' codes.
    dictionary: Option<(ArrayRef, Vec<u32>)>,
}

/// A place in the table of integers that was not looked up yet.
const UNSEEN: u32 = u32::MAX - 2;

impl Grouper {
    pub(super) fn new(name: &str, regions: Option<Arc<Regions>>) -> Self {
        let keys = regions.as_ref().map_or_else(Vec::new, |regions| {
            (0..regions.leaf_count() as u32).map(|leaf| regions.leaf(leaf).code.clone()).collect()
        });
        Self {
            name: name.to_owned(),
            regions,
            keys,
            own: 0,
            texts: HashMap::new(),
            direct: None,
            integers: HashMap::new(),
            refused: Vec::new(),
            refused_codes: HashMap::new(),
            dictionary: None,
        }
    }

    /// How many groups there are so far.
    pub(super) fn groups(&self) -> usize {
        self.keys.len()
    }

    /// The code of a text that was seen.
    pub(super) fn code_of(&self, text: &str) -> Option<u32> {
        self.texts.get(text).copied()
    }

    /// The text of a code: a group's, or a refused value's.
    pub(super) fn key(&self, code: u32) -> &str {
        match code {
            NULL | NAN => "",
            code if code >= REFUSED => &self.refused[(code - REFUSED) as usize].text,
            code => &self.keys[code as usize],
        }
    }

    /// The groups' codes as text, in the order of their numbers, and the refused values.
    pub(super) fn finish(self) -> (Vec<String>, Vec<Refused>) {
        (self.keys, self.refused)
    }

    /// Counts a row of a refused value.
    pub(super) fn refuse(&mut self, code: u32) {
        self.refused[(code - REFUSED) as usize].rows += 1;
    }

    /// Codes of a column of small integers without nulls: the values themselves, where those are the codes
    /// and no text was a group before. Integers that no row has become groups of no rows.
    pub(super) fn own_codes(&mut self, array: &ArrayRef, isa: Isa) -> Option<ScalarBuffer<u16>> {
        if self.regions.is_some() || array.null_count() > 0 {
            return None;
        }
        if let Some(array) = array.as_primitive_opt::<UInt16Type>() {
            let values = array.values();
            return self.owned(table::highest(isa, values).into()).then(|| values.clone());
        }
        match array.data_type() {
            DataType::Int8 => self.own_integers::<Int8Type>(array),
            DataType::Int16 => self.own_integers::<Int16Type>(array),
            DataType::Int32 => self.own_integers::<Int32Type>(array),
            DataType::Int64 => self.own_integers::<Int64Type>(array),
            DataType::UInt8 => self.own_integers::<UInt8Type>(array),
            DataType::UInt32 => self.own_integers::<UInt32Type>(array),
            DataType::UInt64 => self.own_integers::<UInt64Type>(array),
            _ => None,
        }
    }

    fn own_integers<T>(&mut self, array: &ArrayRef) -> Option<ScalarBuffer<u16>>
    where
        T: ArrowPrimitiveType,
        T::Native: Integer,
    {
        let values = array.as_primitive::<T>().values();
        let highest = values.iter().fold(0, |highest, value| value.place().max(highest));
        self.owned(highest).then(|| values.iter().map(|value| value.place() as u16).collect())
    }

    /// Whether integers up to this one are their own codes; makes them so where nothing else has a code.
    fn owned(&mut self, highest: usize) -> bool {
        if highest < self.own {
            return true;
        }
        if highest >= MOST_OWN || self.own != self.keys.len() {
            return false;
        }
        (self.own..=highest).for_each(|value| {
            self.text(&value.to_string());
        });
        self.own = self.keys.len();
        true
    }

    /// Appends a code for each row of `array`.
    pub(super) fn codes(&mut self, array: &ArrayRef, place: Place, codes: &mut Vec<u32>) -> Result<()> {
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            return self.dictionary_codes(array, dictionary, place, codes);
        }
        match array.data_type() {
            DataType::Int8 => self.integers::<Int8Type>(array, codes),
            DataType::Int16 => self.integers::<Int16Type>(array, codes),
            DataType::Int32 => self.integers::<Int32Type>(array, codes),
            DataType::Int64 => self.integers::<Int64Type>(array, codes),
            DataType::UInt8 => self.integers::<UInt8Type>(array, codes),
            DataType::UInt16 => self.integers::<UInt16Type>(array, codes),
            DataType::UInt32 => self.integers::<UInt32Type>(array, codes),
            DataType::UInt64 => self.integers::<UInt64Type>(array, codes),
            DataType::Float32 => {
                let values = array.as_primitive::<Float32Type>().iter();
                self.floats(values.map(|value| value.map(f64::from)), codes);
            }
            DataType::Float64 => self.floats(array.as_primitive::<Float64Type>().iter(), codes),
            DataType::Boolean => {
                let texts = array.as_boolean().iter();
                self.texts(texts.map(|flag| flag.map(|flag| if flag { "true" } else { "false" })), codes);
            }
            DataType::Utf8 => self.texts(array.as_string::<i32>().iter(), codes),
            DataType::LargeUtf8 => self.texts(array.as_string::<i64>().iter(), codes),
            DataType::Utf8View => self.texts(array.as_string_view().iter(), codes),
            other => {
                return Err(Error::schema(
                    place,
                    format!(
                        "column `{}` is of type {other}, which cannot be grouped by; text, an integer, a float or a Boolean is needed",
                        self.name
                    ),
                ));
            }
        }
        if self.keys.len() > MOST_GROUPS {
            let text = format!(
                "column `{}` has more than {MOST_GROUPS} distinct values; group by another",
                self.name
            );
            return Err(Error::schema(place, text));
        }
        Ok(())
    }

    fn dictionary_codes(
        &mut self,
        array: &ArrayRef,
        dictionary: &dyn arrow_array::array::AnyDictionaryArray,
        place: Place,
        codes: &mut Vec<u32>,
    ) -> Result<()> {
        let values = dictionary.values();
        let known = self.dictionary.as_ref().is_some_and(|(seen, _)| Arc::ptr_eq(seen, values));
        if !known {
            let mut of_values = Vec::with_capacity(values.len());
            self.codes(values, place, &mut of_values)?;
            self.dictionary = Some((values.clone(), of_values));
        }
        let Some((_, of_values)) = &self.dictionary else { return Ok(()) };
        let keys = dictionary.normalized_keys();
        codes.extend(keys.into_iter().enumerate().map(|(row, key)| {
            if array.is_null(row) { NULL } else { of_values.get(key).copied().unwrap_or(NULL) }
        }));
        Ok(())
    }

    fn integers<T>(&mut self, array: &ArrayRef, codes: &mut Vec<u32>)
    where
        T: ArrowPrimitiveType,
        T::Native: Integer,
    {
        let array = array.as_primitive::<T>();
        let start = codes.len();
        // The hot loop: no branch, and no bound to check.
        let direct = &**self.direct.get_or_insert_with(unseen);
        codes.extend(array.values().iter().map(|value| direct[value.place()]));
        let unseen = codes[start..].iter().fold(false, |any, &code| any | (code == UNSEEN));
        if unseen || array.null_count() > 0 {
            for (row, code) in codes[start..].iter_mut().enumerate() {
                if array.is_null(row) {
                    *code = NULL;
                } else if *code == UNSEEN {
                    *code = self.integer(array.value(row).wide());
                }
            }
        }
    }

    fn integer(&mut self, value: i128) -> u32 {
        let place = usize::try_from(value).map_or(DIRECT, |place| place.min(DIRECT));
        // A value that came up in this batch for the first time is in the table by its second row.
        if let Some(&code) = self.direct.as_ref().map(|direct| &direct[place]).filter(|&&code| code != UNSEEN)
        {
            return code;
        }
        let small = i64::try_from(value).ok();
        if let Some(code) = small.and_then(|value| self.integers.get(&value)) {
            return *code;
        }
        let code = self.text(&value.to_string());
        if place < DIRECT {
            self.direct.get_or_insert_with(unseen)[place] = code;
        } else if let Some(value) = small {
            self.integers.insert(value, code);
        }
        code
    }

    fn floats(&mut self, values: impl Iterator<Item = Option<f64>>, codes: &mut Vec<u32>) {
        for value in values {
            codes.push(match value {
                None => NULL,
                Some(value) if value.is_nan() => NAN,
                // A whole number is the same key as the integer (-0.0 as 0); pandas turns codes into floats.
                Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                    self.integer(i128::from(value as i64))
                }
                Some(value) => self.text(&value.to_string()),
            });
        }
    }

    fn texts<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, codes: &mut Vec<u32>) {
        for value in values {
            codes.push(value.map_or(NULL, |value| self.text(value)));
        }
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.texts.get(text) {
            return code;
        }
        let resolved = self.regions.as_ref().map(|regions| regions.resolve_text(text));
        let code = match resolved {
            None => {
                self.keys.push(text.to_owned());
                (self.keys.len() - 1) as u32
            }
            Some(Resolution::Leaf(leaf)) => leaf,
            Some(Resolution::AboveLeaf) => self.refused_code(text, Cause::AboveLeaf),
            Some(Resolution::Ambiguous(_)) => self.refused_code(text, Cause::Ambiguous),
            Some(Resolution::Unknown) => self.refused_code(text, Cause::Unresolved),
        };
        // Refused texts may be endless (free text in a region column): they are found again by the other map.
        if code < REFUSED || self.texts.len() < MOST_REFUSED {
            self.texts.insert(text.to_owned(), code);
        }
        code
    }

    fn refused_code(&mut self, text: &str, cause: Cause) -> u32 {
        let text = if self.refused.len() < MOST_REFUSED { text } else { OTHERS };
        let key = format!("{cause:?}{text}");
        if let Some(&code) = self.refused_codes.get(&key) {
            return code;
        }
        let code = REFUSED + self.refused.len() as u32;
        self.refused.push(Refused { text: text.to_owned(), cause, rows: 0 });
        self.refused_codes.insert(key, code);
        code
    }
}

/// A table without a code; made once a column and thread, four megabytes.
fn unseen() -> Box<Direct> {
    vec![UNSEEN; DIRECT + 1].try_into().unwrap_or_else(|_| unreachable!("the length is given"))
}

/// An integer of any width.
trait Integer: Copy {
    /// The place of its code among [`Direct`].
    fn place(self) -> usize;
    /// The same integer.
    fn wide(self) -> i128;
}

macro_rules! integers {
    ($($type:ty as $wide:ty),*) => {$(
        impl Integer for $type {
            #[inline(always)]
            fn place(self) -> usize {
                // A negative integer becomes a large one.
                (self as $wide as u64).min(DIRECT as u64) as usize
            }

            fn wide(self) -> i128 {
                self.into()
            }
        }
    )*};
}
integers!(u8 as u64, u16 as u64, u32 as u64, u64 as u64, i8 as i64, i16 as i64, i32 as i64, i64 as i64);

/// Appends the number of each row's band: below the first edge, then from each edge up.
pub(super) fn band_codes(column: &Column, edges: &[f64], codes: &mut Vec<u32>) {
    for row in 0..column.len() {
        codes.push(match column.value(row) {
            Ok(Value::Null) | Err(_) => NULL,
            Ok(Value::Nan | Value::Infinite) => NAN,
            Ok(value) => edges
                .partition_point(|&edge| value.compare(edge, column.decimals) != std::cmp::Ordering::Less)
                as u32,
        });
    }
}

/// The names of the bands, in their order.
pub(super) fn band_names(edges: &[f64]) -> Vec<String> {
    let mut names = vec![format!("<{}", edges[0])];
    names.extend(edges.windows(2).map(|pair| format!("[{}, {})", pair[0], pair[1])));
    names.push(format!(">={}", edges[edges.len() - 1]));
    names
}
