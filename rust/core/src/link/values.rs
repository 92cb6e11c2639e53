//! Identifiers out of columns: integers, text, dictionaries, and lists of these.
//!
//! In: an array and how its type is read. Out: for each value that is no placeholder the row and the hash;
//! placeholders are counted. Nulls and NaN are no values. A number in a floating-point column must be whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::hash::{TypeHash, order};
use super::normalise::Normaliser;
use super::placeholder::Placeholders;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::id::HashKey;

/// Doubles up to this are told apart as integers.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;
/// Depth of lists in lists.
const DEEPEST: u32 = 4;
/// The name under which nulls are counted.
const NULL: &str = "null";

/// Placeholders met, by type and value, with the rows that showed them.
pub type Met = BTreeMap<String, BTreeMap<String, u64>>;

/// Reads the values of one type.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    name: String,
    normaliser: Normaliser,
    hash: TypeHash,
    placeholders: Arc<Placeholders>,
    met: BTreeMap<String, u64>,
    noughts: u64,
    /// Whether the hashes outlive the process; only then is an order asked for.
    kept: bool,
}

/// A value that links.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linking {
    pub(super) hash: u64,
    /// See [`Entry::order`](super::Entry::order).
    pub(super) order: u64,
}

impl Reader {
    /// A reader of the type `name`. `kept` says whether the hashes outlive the process.
    pub(super) fn new(
        name: &str,
        normaliser: Normaliser,
        key: &HashKey,
        kept: bool,
        placeholders: Arc<Placeholders>,
    ) -> Self {
        let hash = if kept { TypeHash::new(key, name) } else { TypeHash::fast(key, name) };
        Self { name: name.to_owned(), normaliser, hash, placeholders, met: BTreeMap::new(), noughts: 0, kept }
    }

    /// The type's name, and the placeholders met with how often.
    pub(super) fn finish(mut self) -> (String, BTreeMap<String, u64>) {
        if self.noughts > 0 {
            *self.met.entry("0".to_owned()).or_default() += self.noughts;
        }
        (self.name, self.met)
    }

    fn meet(&mut self, text: &str) {
        match self.met.get_mut(text) {
            Some(count) => *count += 1,
            None => {
                self.met.insert(text.to_owned(), 1);
            }
        }
    }

    /// The hash of an integer, unless it is a placeholder.
    #[inline(always)]
    pub(super) fn integer(&mut self, integer: u64) -> Option<Linking> {
        match self.normaliser.integer(integer) {
            Some(0) => {
                self.noughts += 1;
                None
            }
            Some(normal) if self.placeholders.has_integer(normal) => {
                self.meet(&normal.to_string());
                None
            }
            Some(normal) => Some(Linking { hash: self.hash.integer(normal), order: normal }),
            None => self.text(&integer.to_string()),
        }
    }

    /// The hash of a text, unless it is a placeholder.
    pub(super) fn text(&mut self, text: &str) -> Option<Linking> {
        let plain = self.normaliser.plain(text);
        if self.placeholders.has_text(&plain) {
            self.meet(plain.trim());
            return None;
        }
        let normal = self.normaliser.formed(plain);
        if !matches!(self.normaliser, Normaliser::Exact | Normaliser::Text)
            && self.placeholders.has_text(&normal)
        {
            self.meet(&normal);
            return None;
        }
        let order = if self.kept { order(&normal) } else { 0 };
        Some(Linking { hash: self.hash.text(&normal), order })
    }

    /// Hands the values of a batch's column to `take`, with the rows that show them.
    ///
    /// # Errors
    /// A column of another type, or a number that is not whole.
    pub(super) fn values<F: FnMut(u32, Linking)>(
        &mut self,
        column: &str,
        array: &ArrayRef,
        batch: &Batch,
        take: &mut F,
    ) -> Result<()> {
        let rows = Rows::Plain;
        self.any(&Place { column, batch }, array, &rows, DEEPEST, take)
    }

    fn any<F: FnMut(u32, Linking)>(
        &mut self,
        place: &Place<'_>,
        array: &ArrayRef,
        rows: &Rows<'_>,
        depth: u32,
        take: &mut F,
    ) -> Result<()> {
        if array.logical_null_count() > 0 {
            *self.met.entry(NULL.to_owned()).or_default() += array.logical_null_count() as u64;
        }
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            return self.dictionary(place, dictionary, rows, take);
        }
        match array.data_type() {
            DataType::Null => Ok(()),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) if depth > 0 => {
                self.lists(place, array, rows, depth, take)
            }
            kind if kind.is_integer() => self.integers(place, array, rows, take),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                self.floats(place, array, rows, take)
            }
            DataType::Utf8 => self.texts(array.as_string::<i32>().iter(), rows, take),
            DataType::LargeUtf8 => self.texts(array.as_string::<i64>().iter(), rows, take),
            DataType::Utf8View => self.texts(array.as_string_view().iter(), rows, take),
            _ => Err(place.refused(array.data_type())),
        }
    }

    fn texts<'a, F: FnMut(u32, Linking)>(
        &mut self,
        values: impl Iterator<Item = Option<&'a str>>,
        rows: &Rows<'_>,
        take: &mut F,
    ) -> Result<()> {
        for (at, text) in values.enumerate() {
            if let Some(linking) = text.and_then(|text| self.text(text)) {
                take(rows.row(at), linking);
            }
        }
        Ok(())
    }

    fn integers<F: FnMut(u32, Linking)>(
        &mut self,
        place: &Place<'_>,
        array: &ArrayRef,
        rows: &Rows<'_>,
        take: &mut F,
    ) -> Result<()> {
        let signed = array.data_type().is_signed_integer();
        let wide = if signed { DataType::Int64 } else { DataType::UInt64 };
        let cast = arrow_cast::cast(array, &wide).map_err(|_| place.refused(array.data_type()))?;
        let nulls = cast.nulls();
        let valid = |at: usize| nulls.is_none_or(|nulls| nulls.is_valid(at));
        if signed {
            let values = cast.as_primitive::<Int64Type>().values();
            for at in (0..values.len()).filter(|&at| valid(at)) {
                let found = match u64::try_from(values[at]) {
                    Ok(integer) => self.integer(integer),
                    // Minus one stands for nothing; other negative numbers are text.
                    Err(_) if values[at] == -1 => {
                        self.meet("-1");
                        None
                    }
                    Err(_) => self.text(&values[at].to_string()),
                };
                found.into_iter().for_each(|linking| take(rows.row(at), linking));
            }
        } else {
            let values = cast.as_primitive::<UInt64Type>().values();
            for at in (0..values.len()).filter(|&at| valid(at)) {
                if let Some(linking) = self.integer(values[at]) {
                    take(rows.row(at), linking);
                }
            }
        }
        Ok(())
    }

    fn floats<F: FnMut(u32, Linking)>(
        &mut self,
        place: &Place<'_>,
        array: &ArrayRef,
        rows: &Rows<'_>,
        take: &mut F,
    ) -> Result<()> {
        let cast =
            arrow_cast::cast(array, &DataType::Float64).map_err(|_| place.refused(array.data_type()))?;
        for (at, value) in cast.as_primitive::<Float64Type>().iter().enumerate() {
            let Some(value) = value.filter(|value| !value.is_nan()) else { continue };
            if value.trunc() != value || !(0.0..MOST_WHOLE).contains(&value) {
                return Err(place.fault(
                    rows.row(at) as usize,
                    &format!("`{value}`; an identifier is text or a whole number below 2^53"),
                ));
            }
            if let Some(linking) = self.integer(value as u64) {
                take(rows.row(at), linking);
            }
        }
        Ok(())
    }

    /// The values that a dictionary stands for, row by row.
    fn dictionary<F: FnMut(u32, Linking)>(
        &mut self,
        place: &Place<'_>,
        dictionary: &dyn arrow_array::array::AnyDictionaryArray,
        rows: &Rows<'_>,
        take: &mut F,
    ) -> Result<()> {
        let values = dictionary.values();
        let plain = arrow_cast::cast(dictionary, values.data_type())
            .map_err(|_| place.refused(values.data_type()))?;
        // Nulls were counted by the caller.
        let counted = self.met.get(NULL).copied();
        self.any(place, &plain, rows, 0, take)?;
        match counted {
            Some(count) => self.met.insert(NULL.to_owned(), count),
            None => self.met.remove(NULL),
        };
        Ok(())
    }

    fn lists<F: FnMut(u32, Linking)>(
        &mut self,
        place: &Place<'_>,
        array: &ArrayRef,
        rows: &Rows<'_>,
        depth: u32,
        take: &mut F,
    ) -> Result<()> {
        let large = match array.data_type() {
            DataType::LargeList(_) => array.clone(),
            DataType::List(field) | DataType::FixedSizeList(field, _) => {
                arrow_cast::cast(array, &DataType::LargeList(field.clone()))
                    .map_err(|_| place.refused(array.data_type()))?
            }
            _ => return Err(place.refused(array.data_type())),
        };
        let list = large.as_list::<i64>();
        let mut owners = Vec::new();
        let mut parts = Vec::new();
        for at in (0..list.len()).filter(|&at| list.is_valid(at)) {
            let (start, end) = (list.offsets()[at] as usize, list.offsets()[at + 1] as usize);
            owners.extend(std::iter::repeat_n(rows.row(at), end - start));
            parts.push(start..end);
        }
        // Values of null lists, which nothing points at, are left out.
        let whole = parts.windows(2).all(|pair| pair[0].end == pair[1].start);
        if whole {
            let start = parts.first().map_or(0, |first| first.start);
            let values = list.values().slice(start, owners.len());
            return self.any(place, &values, &Rows::Listed(&owners), depth - 1, take);
        }
        let mut done = 0;
        for part in parts {
            let owners = &owners[done..done + part.len()];
            done += part.len();
            let values = list.values().slice(part.start, part.len());
            self.any(place, &values, &Rows::Listed(owners), depth - 1, take)?;
        }
        Ok(())
    }
}

/// Which row of the batch a value belongs to.
enum Rows<'a> {
    /// The value's own place.
    Plain,
    /// Its list's.
    Listed(&'a [u32]),
}

impl Rows<'_> {
    #[inline(always)]
    fn row(&self, at: usize) -> u32 {
        match self {
            Self::Plain => at as u32,
            Self::Listed(rows) => rows[at],
        }
    }
}

/// A column of a batch, for an error's text.
struct Place<'a> {
    column: &'a str,
    batch: &'a Batch,
}

impl Place<'_> {
    fn refused(&self, kind: &DataType) -> Error {
        Error::schema(
            crate::error::Place::file(&*self.batch.source),
            format!(
                "column `{}` is of type {kind}; identifiers are text, integers, or lists of these",
                self.column
            ),
        )
    }

    fn fault(&self, row: usize, what: &str) -> Error {
        Error::source(self.batch.place(row), format!("column `{}` holds {what}", self.column))
    }
}
