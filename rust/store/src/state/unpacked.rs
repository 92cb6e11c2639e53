//! Rows of packed columns, put together by their places, and columns of them in the types of the state.
//!
//! In: for each segment its packed columns, if it has any, and for each row its segment and its place in that. Out: columns,
//! each of which is read out of bytes that lie beside each other by then: every row was fetched once, for all of its columns.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray, Float64Array, Int64Array,
    UInt16Array, UInt32Array, UInt64Array, make_array, new_empty_array, new_null_array,
};
use arrow_buffer::{Buffer, MutableBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};
use creditcore::exec::in_order;

use crate::map;

use super::packed::{Kept, Packed, Slot, width_of};

/// Rows that a thread fetches at a time.
const SHARE: usize = 1 << 13;

/// Reads the numbers of a stretch, which may be kept in some types, as those of another type.
macro_rules! read {
    ($column:ident, $stretch:ident, $slot:ident, $out:ident, $to:ty: $($kind:ident $from:ty),*) => {
        match $slot.bytes {
            $(DataType::$kind => $column.each($stretch, $slot, |to, bytes| {
                $out[to] = <$from>::from_le_bytes(bytes) as $to;
            }),)*
            _ => return Err(beyond($slot, "no such numbers")),
        }
    };
}

/// Rows of packed columns.
pub(super) struct Unpacked<'a> {
    stretches: Vec<Stretch<'a>>,
    /// Where each row goes to, if not to its own place.
    goes: Option<Vec<u32>>,
    rows: usize,
}

/// Rows of one segment behind each other.
struct Stretch<'a> {
    packed: Option<&'a Packed>,
    rows: Range<usize>,
    /// Of each row the bytes from `skip` on.
    bytes: Cow<'a, [u8]>,
    stride: usize,
    skip: usize,
}

/// Asks the system for packed rows that are fetched soon.
pub(super) fn ask_for(packed: &[Option<&Packed>], places: &[(usize, usize)]) {
    map::ask_for_all(places.iter().map(|&(segment, row)| {
        packed[segment].map_or(&[][..], |packed| {
            let (bytes, stride) = packed.bytes();
            &bytes[row * stride..][..stride]
        })
    }));
}

impl<'a> Unpacked<'a> {
    /// Fetches rows, as far as the columns that are `wanted` need them; `back` says for each row which place is its own.
    /// Threads share the rows.
    pub(super) fn fetch(
        packed: &[Option<&'a Packed>],
        places: &[(usize, usize)],
        back: Option<&UInt32Array>,
        wanted: &dyn Fn(&str) -> bool,
        threads: usize,
    ) -> creditcore::Result<Self> {
        let ranges: Vec<Range<usize>> = packed.iter().map(|packed| needed(*packed, wanted)).collect();
        let fetched = in_order(threads, places.len().div_ceil(SHARE), |task| {
            let mut start = task * SHARE;
            let places = &places[start..places.len().min(start + SHARE)];
            let stretch = |places: &[(usize, usize)]| {
                let rows = start..start + places.len();
                start = rows.end;
                Stretch::fetch(packed[places[0].0], places, rows, &ranges[places[0].0])
            };
            Ok(places.chunk_by(|a, b| a.0 == b.0).map(stretch).collect::<Vec<_>>())
        })?;
        let stretches = fetched.into_iter().flatten().collect();
        let goes = back.map(|back| {
            let mut goes = vec![0; back.len()];
            back.values().iter().zip(0..).for_each(|(&place, row)| goes[place as usize] = row);
            goes
        });
        Ok(Self { stretches, goes, rows: places.len() })
    }

    /// A column; null in rows of segments that do not have it.
    pub(super) fn column(&self, name: &str, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        let slots: Vec<Option<&Slot>> = self
            .stretches
            .iter()
            .map(|stretch| stretch.packed.and_then(|packed| packed.slot(name)))
            .collect();
        if let Some(slot) = slots.iter().flatten().find(|slot| slot.kind != *kind) {
            let text = format!("`{name}` is of type {} in one file and {kind} in another", slot.kind);
            return Err(ArrowError::SchemaError(text));
        }
        let read = Column { rows: self, slots };
        match kind {
            DataType::Int64 => read.integers(),
            DataType::UInt64 => read.unsigned(),
            DataType::Float64 => read.doubles(),
            DataType::Boolean => Ok(read.flags()),
            DataType::LargeUtf8 => read.texts(),
            kind => read.others(kind),
        }
    }

    fn to(&self, row: usize) -> usize {
        self.goes.as_ref().map_or(row, |goes| goes[row] as usize)
    }
}

/// The bytes of a row that some columns need.
fn needed(packed: Option<&Packed>, wanted: &dyn Fn(&str) -> bool) -> Range<usize> {
    let slots = packed.iter().flat_map(|packed| packed.slots()).filter(|slot| wanted(&slot.name));
    let (mut first, mut end) = (usize::MAX, 0);
    for slot in slots {
        first = first.min(slot.null.map_or(slot.at, |bit| slot.at.min(bit / 8)));
        end = end.max(slot.at + slot.width).max(slot.null.map_or(0, |bit| bit / 8 + 1));
    }
    first.min(end)..end
}

impl<'a> Stretch<'a> {
    fn fetch(
        packed: Option<&'a Packed>,
        places: &[(usize, usize)],
        rows: Range<usize>,
        range: &Range<usize>,
    ) -> Self {
        let Some(packed) = packed else {
            return Self { packed: None, rows, bytes: Cow::Borrowed(&[]), stride: 1, skip: 0 };
        };
        let (bytes, stride) = packed.bytes();
        let first = places[0].1;
        // Rows that lie behind each other are read where they are.
        if places.iter().zip(first..).all(|(&(_, row), at)| row == at) {
            let bytes = Cow::Borrowed(&bytes[first * stride..(first + places.len()) * stride]);
            return Self { packed: Some(packed), rows, bytes, stride, skip: 0 };
        }
        let mut fetched = Vec::with_capacity(range.len() * places.len());
        for &(_, row) in places {
            fetched.extend_from_slice(&bytes[row * stride..][range.clone()]);
        }
        Self { packed: Some(packed), rows, bytes: fetched.into(), stride: range.len(), skip: range.start }
    }
}

/// A column of fetched rows: for each stretch its slot, if it has one.
struct Column<'a> {
    rows: &'a Unpacked<'a>,
    slots: Vec<Option<&'a Slot>>,
}

impl<'a> Column<'a> {
    /// The stretches that have values, with their slots.
    fn filled(&self) -> impl Iterator<Item = (&'a Stretch<'a>, &'a Slot)> {
        let filled = self.rows.stretches.iter().zip(&self.slots);
        filled.filter_map(|(stretch, slot)| {
            slot.filter(|slot| slot.kept != Kept::Blank).map(|slot| (stretch, slot))
        })
    }

    /// Hands on the bytes of each value of a stretch, and where it goes to.
    fn each<const WIDTH: usize>(
        &self,
        stretch: &Stretch<'_>,
        slot: &Slot,
        mut put: impl FnMut(usize, [u8; WIDTH]),
    ) {
        let at = slot.at - stretch.skip;
        for (row, bytes) in stretch.rows.clone().zip(stretch.bytes.chunks_exact(stretch.stride)) {
            let mut value = [0; WIDTH];
            value.copy_from_slice(&bytes[at..at + WIDTH]);
            put(self.rows.to(row), value);
        }
    }

    /// Which rows have a value; none where all have one.
    fn nulls(&self) -> Option<NullBuffer> {
        let full =
            |slot: &Option<&Slot>| slot.is_some_and(|slot| slot.kept != Kept::Blank && slot.null.is_none());
        if self.slots.iter().all(full) {
            return None;
        }
        let mut there = vec![false; self.rows.rows];
        for (stretch, slot) in self.filled() {
            let Some(bit) = slot.null else {
                stretch.rows.clone().for_each(|row| there[self.rows.to(row)] = true);
                continue;
            };
            let byte = Slot { at: bit / 8, ..slot.clone() };
            self.each::<1>(stretch, &byte, |to, [byte]| there[to] = byte >> (bit % 8) & 1 == 0);
        }
        Some(there.into()).filter(|nulls: &NullBuffer| nulls.null_count() > 0)
    }

    fn integers(&self) -> Result<ArrayRef, ArrowError> {
        let mut out = vec![0i64; self.rows.rows];
        for (stretch, slot) in self.filled() {
            read!(self, stretch, slot, out, i64: Int8 i8, UInt8 u8, Int16 i16, UInt16 u16, Int32 i32, UInt32 u32, Int64 i64);
        }
        Ok(Arc::new(Int64Array::new(out.into(), self.nulls())))
    }

    fn unsigned(&self) -> Result<ArrayRef, ArrowError> {
        let mut out = vec![0u64; self.rows.rows];
        for (stretch, slot) in self.filled() {
            read!(self, stretch, slot, out, u64: UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64);
        }
        Ok(Arc::new(UInt64Array::new(out.into(), self.nulls())))
    }

    fn doubles(&self) -> Result<ArrayRef, ArrowError> {
        let mut out = vec![0f64; self.rows.rows];
        for (stretch, slot) in self.filled() {
            read!(self, stretch, slot, out, f64: Int8 i8, UInt8 u8, Int16 i16, UInt16 u16, Int32 i32, UInt32 u32,
                Float32 f32, Float64 f64);
        }
        Ok(Arc::new(Float64Array::new(out.into(), self.nulls())))
    }

    fn flags(&self) -> ArrayRef {
        let mut out = vec![false; self.rows.rows];
        for (stretch, slot) in self.filled() {
            self.each::<1>(stretch, slot, |to, [byte]| out[to] = byte != 0);
        }
        Arc::new(BooleanArray::new(out.into(), self.nulls()))
    }

    /// Numbers of values of dictionaries, 0 where there is none.
    fn codes(&self, stretch: &Stretch<'_>, slot: &Slot, values: usize) -> Result<Vec<u16>, ArrowError> {
        let mut codes = vec![0u16; stretch.rows.len()];
        let mut place = 0;
        let mut next = |code: u16| {
            codes[place] = code;
            place += 1;
        };
        match slot.width {
            1 => self.each::<1>(stretch, slot, |_, [code]| next(code.into())),
            _ => self.each(stretch, slot, |_, bytes| next(u16::from_le_bytes(bytes))),
        }
        match codes.iter().find(|&&code| usize::from(code) >= values && (code > 0 || slot.null.is_none())) {
            Some(code) => Err(beyond(slot, &format!("value {code} of {values}"))),
            None => Ok(codes),
        }
    }

    fn texts(&self) -> Result<ArrayRef, ArrowError> {
        let mut found: Vec<Option<&str>> = vec![None; self.rows.rows];
        for (stretch, slot) in self.filled() {
            let Kept::Texts(texts) = &slot.kept else { return Err(beyond(slot, "no texts")) };
            let codes = self.codes(stretch, slot, texts.len())?;
            for (row, code) in stretch.rows.clone().zip(codes) {
                found[self.rows.to(row)] = texts.get(usize::from(code)).map(String::as_str);
            }
        }
        let nulls = self.nulls();
        let mut made = LargeStringBuilder::with_capacity(found.len(), found.len() * 8);
        for (row, text) in found.into_iter().enumerate() {
            made.append_option(text.filter(|_| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))));
        }
        Ok(Arc::new(made.finish()))
    }

    /// Copies the values of a stretch; of a width that is known it is a load and a store.
    fn copied<const WIDTH: usize>(&self, stretch: &Stretch<'_>, slot: &Slot, out: &mut [u8]) {
        let out = out.as_chunks_mut::<WIDTH>().0;
        self.each(stretch, slot, |to, value| out[to] = value);
    }

    /// Values whose bytes are those of the type, and decimals.
    fn others(&self, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        let width = self.filled().map(|(_, slot)| width_of(&slot.kind)).next().flatten();
        let Some(width) = width else { return Ok(new_null_array(kind, self.rows.rows)) };
        let mut out = MutableBuffer::from_len_zeroed(self.rows.rows * width);
        for (stretch, slot) in self.filled() {
            if let Kept::Decimals(decimals) = &slot.kept {
                let codes = self.codes(stretch, slot, decimals.len())?;
                for (row, code) in stretch.rows.clone().zip(codes) {
                    let decimal = decimals.get(usize::from(code)).copied().unwrap_or_default();
                    out[self.rows.to(row) * width..][..width].copy_from_slice(&decimal.to_le_bytes());
                }
                continue;
            }
            match width {
                4 => self.copied::<4>(stretch, slot, &mut out),
                8 => self.copied::<8>(stretch, slot, &mut out),
                16 => self.copied::<16>(stretch, slot, &mut out),
                32 => self.copied::<32>(stretch, slot, &mut out),
                width => {
                    let at = slot.at - stretch.skip;
                    let rows = stretch.rows.clone().zip(stretch.bytes.chunks_exact(stretch.stride));
                    rows.for_each(|(row, bytes)| {
                        out[self.rows.to(row) * width..][..width].copy_from_slice(&bytes[at..at + width]);
                    });
                }
            }
        }
        let (bytes, nulls) = (Buffer::from(out), self.nulls());
        match kind {
            DataType::FixedSizeBinary(width) => {
                Ok(Arc::new(FixedSizeBinaryArray::try_new(*width, bytes, nulls)?))
            }
            DataType::FixedSizeList(of, size) => {
                let items = Arc::new(UInt16Array::new(ScalarBuffer::from(bytes), None));
                Ok(Arc::new(FixedSizeListArray::try_new(of.clone(), *size, items, nulls)?))
            }
            kind => {
                let data = new_empty_array(kind).to_data().into_builder();
                data.len(self.rows.rows).buffers(vec![bytes]).nulls(nulls).build().map(make_array)
            }
        }
    }
}

/// Bytes that are not what their slot says.
fn beyond(slot: &Slot, what: &str) -> ArrowError {
    ArrowError::SchemaError(format!("`{}` holds {what}", slot.name))
}
