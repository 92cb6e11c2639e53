//! FlatBuffers, as far as model files need them: tables, vectors, texts.
//!
//! In: bytes and a place in them. Out: fields by their number, each checked to lie within the bytes; nothing is
//! followed by itself, so nothing recurses on what a file chooses. The form is that of the FlatBuffers binary
//! format: offsets are relative, little end first, and a table points back to the list of its fields.

use crate::model::tokens::four;

/// Fields that a table may have: each table that names a list of them goes through all of it.
const MOST_FIELDS: usize = 256;

/// Some bytes of one buffer.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    place: usize,
    fields: &'a [u8],
}

fn word<const WIDTH: usize>(bytes: &[u8], place: usize) -> Result<[u8; WIDTH], String> {
    let part = place.checked_add(WIDTH).and_then(|end| bytes.get(place..end));
    part.and_then(|part| part.try_into().ok())
        .ok_or_else(|| format!("byte {place} lies behind the end of the buffer"))
}

fn offset(bytes: &[u8], place: usize) -> Result<usize, String> {
    let distance = u32::from_le_bytes(word(bytes, place)?) as usize;
    place.checked_add(distance).ok_or_else(|| format!("byte {place} points nowhere"))
}

impl<'a> Table<'a> {
    /// The root of a buffer.
    pub(super) fn root(bytes: &'a [u8], known: usize) -> Result<Self, String> {
        Self::at(bytes, offset(bytes, 0)?, known)
    }

    /// The table at a place; it may have as many fields as are known.
    fn at(bytes: &'a [u8], place: usize, known: usize) -> Result<Self, String> {
        let back = i64::from(i32::from_le_bytes(word(bytes, place)?));
        let list =
            usize::try_from(place as i64 - back).map_err(|_| format!("byte {place} points nowhere"))?;
        let length = usize::from(u16::from_le_bytes(word(bytes, list)?));
        let fields = list.checked_add(length).and_then(|end| bytes.get(list + 4..end)).unwrap_or(&[]);
        let few = (4..=MOST_FIELDS * 2 + 4).contains(&length);
        if !few || length % 2 != 0 || fields.len() + 4 != length {
            return Err(format!("byte {list} begins no list of fields"));
        }
        let unknown = fields.chunks_exact(2).skip(known).position(|field| field != [0, 0]);
        if let Some(number) = unknown {
            return Err(format!("field number {} of the table at byte {place} is unknown", number + known));
        }
        Ok(Self { bytes, place, fields })
    }

    /// Where a field stands; nowhere where it is left out.
    fn field(&self, number: usize) -> Option<usize> {
        let bytes = self.fields.get(number * 2..number * 2 + 2)?;
        let distance = u16::from_le_bytes([bytes[0], bytes[1]]);
        if distance == 0 { None } else { self.place.checked_add(usize::from(distance)) }
    }

    fn scalar<const WIDTH: usize>(&self, number: usize) -> Result<Option<[u8; WIDTH]>, String> {
        self.field(number).map(|place| word(self.bytes, place)).transpose()
    }

    pub(super) fn byte(&self, number: usize) -> Result<u8, String> {
        Ok(self.scalar::<1>(number)?.map_or(0, |[byte]| byte))
    }

    pub(super) fn whole(&self, number: usize, default: i32) -> Result<i32, String> {
        Ok(self.scalar(number)?.map_or(default, i32::from_le_bytes))
    }

    pub(super) fn single(&self, number: usize, default: f32) -> Result<f32, String> {
        Ok(self.scalar(number)?.map_or(default, f32::from_le_bytes))
    }

    pub(super) fn double(&self, number: usize, default: f64) -> Result<f64, String> {
        Ok(self.scalar(number)?.map_or(default, f64::from_le_bytes))
    }

    /// The bytes of a vector whose items have some bytes each; of one that is left out none.
    pub(super) fn vector(&self, number: usize, width: usize) -> Result<&'a [u8], String> {
        Ok(self.placed(number, width)?.1)
    }

    /// The first byte of a vector, and its bytes.
    fn placed(&self, number: usize, width: usize) -> Result<(usize, &'a [u8]), String> {
        let Some(field) = self.field(number) else { return Ok((0, &[])) };
        let place = offset(self.bytes, field)?;
        let count = u32::from_le_bytes(word(self.bytes, place)?) as usize;
        let part = count.checked_mul(width).and_then(|length| {
            let start = place + 4;
            Some((start, self.bytes.get(start..start.checked_add(length)?)?))
        });
        part.ok_or_else(|| format!("a vector of {count} items at byte {place} ends behind the buffer"))
    }

    pub(super) fn wholes(&self, number: usize) -> Result<Vec<i32>, String> {
        Ok(self.vector(number, 4)?.chunks_exact(4).map(|item| i32::from_le_bytes(four(item))).collect())
    }

    pub(super) fn singles(&self, number: usize) -> Result<Vec<f32>, String> {
        Ok(self.vector(number, 4)?.chunks_exact(4).map(|item| f32::from_le_bytes(four(item))).collect())
    }

    pub(super) fn doubles(&self, number: usize) -> Result<Vec<f64>, String> {
        let double = |item: &[u8]| {
            let (low, high) = (four(item), four(&item[4..]));
            let bits = u64::from(u32::from_le_bytes(low)) | u64::from(u32::from_le_bytes(high)) << 32;
            f64::from_bits(bits)
        };
        Ok(self.vector(number, 8)?.chunks_exact(8).map(double).collect())
    }

    /// A text; an empty one where it is left out.
    pub(super) fn text(&self, number: usize) -> Result<&'a str, String> {
        std::str::from_utf8(self.vector(number, 1)?).map_err(|_| "a text is not UTF-8".to_owned())
    }

    /// The texts of a vector of texts. Several may lie in the same bytes, but no more are read than the buffer has.
    pub(super) fn tables_of_texts(&self, number: usize) -> Result<Vec<&'a str>, String> {
        let (start, items) = self.placed(number, 4)?;
        let (mut texts, mut left) = (Vec::new(), self.bytes.len());
        for index in (0..items.len()).step_by(4) {
            let place = offset(self.bytes, start + index)?;
            let length = u32::from_le_bytes(word(self.bytes, place)?) as usize;
            left = left.checked_sub(length).ok_or_else(|| "texts share their bytes".to_owned())?;
            let text = self.bytes.get(place + 4..).and_then(|rest| rest.get(..length));
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            texts.push(text.ok_or_else(|| format!("byte {place} begins no text"))?);
        }
        Ok(texts)
    }

    pub(super) fn table(&self, number: usize, known: usize) -> Result<Option<Self>, String> {
        let place = self.field(number).map(|field| offset(self.bytes, field)).transpose()?;
        place.map(|place| Self::at(self.bytes, place, known)).transpose()
    }

    /// The tables of a vector of tables.
    pub(super) fn tables(&self, number: usize, known: usize) -> Result<Vec<Self>, String> {
        let (start, items) = self.placed(number, 4)?;
        let mut tables = Vec::with_capacity(items.len() / 4);
        for index in (0..items.len()).step_by(4) {
            let place = start + index;
            tables.push(Self::at(self.bytes, offset(self.bytes, place)?, known)?);
        }
        Ok(tables)
    }
}
