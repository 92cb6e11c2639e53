//! A segment: rows in one Arrow file of one record batch, uncompressed, mapped.
//!
//! In: a batch, or a path. Out: a file, or a batch that borrows from the file. It has the rows of one delta, or of some
//! that followed each other. Of a delta the rows that delete have nothing but key and version, stand last, and are
//! marked in a column of their own. Where what is made of many records is another, and nothing else, a segment of its own
//! has keys and these columns alone, and says which rows have the others.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_buffer::Buffer;
use arrow_cast::cast;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_ipc::{MetadataVersion, root_as_footer};
use arrow_schema::{DataType, Field};
use arrow_select::take::take;
use creditcore::Result;
use serde::{Deserialize, Serialize};

use super::disk::{check, fault, unreadable, write_file};
use super::manifest::Named;
use super::narrow::{kind_of, narrowed, widened};
use super::packed::{Packed, Slot, TOGETHER, packed};
use super::said::{SAID, with_column};
use super::unpacked::Unpacked;
use crate::guard;
use crate::map::buffer;

/// The column that marks rows that delete.
pub(super) const DELETED: &str = "_deleted";
/// The column of a segment of what was made anew: the row that has each row's other columns.
pub(super) const TOLD: &str = "_told";
/// Where buffers begin, so that they can be used where they are.
const ALIGNMENT: usize = 64;

/// The length of a file and the CRC-32 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Bytes.
    pub bytes: u64,
    /// CRC-32.
    pub crc: u32,
}

/// Rows of a file, in the types in which it keeps them.
pub(super) struct Segment {
    pub(super) batch: RecordBatch,
    /// The file's name.
    pub(super) file: String,
    /// The rows of each delta in it.
    pub(super) parts: Vec<u64>,
    /// Where it has only what is made: for each row the number of the one with the other columns.
    pub(super) told: Option<UInt32Array>,
    /// Columns that lie beside each other.
    pub(super) packed: Option<Packed>,
}

impl Segment {
    /// Rows that are in no file, with columns that lie beside each other, if there are any.
    pub(super) fn of(batch: RecordBatch, packed: Option<Packed>) -> Self {
        Self { batch, file: String::new(), parts: Vec::new(), told: None, packed }
    }

    /// The same rows, of no file.
    pub(super) fn again(&self) -> Self {
        Self::of(self.batch.clone(), self.packed.clone())
    }

    /// Writes rows; the columns of some names lie beside each other.
    pub(super) fn write(
        path: &Path,
        batch: &RecordBatch,
        together: &[String],
        threads: usize,
    ) -> Result<FileSum> {
        let batch = narrowed(batch, threads).and_then(|batch| packed(batch, together, threads));
        let batch = batch.map_err(|error| fault(path, error.to_string()))?;
        write_file(path, |file| {
            let other = std::io::Error::other::<arrow_schema::ArrowError>;
            let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5).map_err(other)?;
            let buffered = std::io::BufWriter::with_capacity(1 << 20, file);
            let mut writer =
                FileWriter::try_new_with_options(buffered, &batch.schema(), options).map_err(io_error)?;
            writer.write(&batch).map_err(io_error)?;
            let buffered = writer.into_inner().map_err(io_error)?;
            buffered.into_inner().map_err(std::io::IntoInnerError::into_error).map(|_| ())
        })
    }

    /// Maps a file; its checksum is compared where `verify` says so.
    pub(super) fn open(folder: &Path, named: &Named, verify: bool) -> Result<Self> {
        let path = &folder.join(&named.file);
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        check(path, &file, named.sum, verify.then_some(1))?;
        let (batch, packed) = read(path, &file)?;
        let (found, rows, parts) = (batch.num_rows() as u64, named.rows, named.deltas());
        if found != rows || parts.iter().try_fold(0u64, |all, &part| all.checked_add(part)) != Some(rows) {
            let text = format!("the file has {found} rows where it had {rows}; restore it from a backup");
            return Err(fault(path, text));
        }
        let told = batch.column_by_name(TOLD).map(|told| cast(told, &DataType::UInt32)).transpose();
        let told = told.map_err(|error| fault(path, format!("column `{TOLD}` holds no rows: {error}")))?;
        let told = told.map(|told| told.as_primitive::<UInt32Type>().clone());
        Ok(Self { batch, file: named.file.clone(), parts, told, packed })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The columns with the types that they have in the state, in the order in which they came.
    pub(super) fn fields(&self) -> Vec<Field> {
        let schema = self.batch.schema();
        let plain = schema.fields().iter().filter(|field| field.name() != TOGETHER);
        let mut fields: Vec<Field> =
            plain.map(|field| Field::new(field.name(), kind_of(field), true)).collect();
        let mut slots: Vec<&Slot> = self.packed.iter().flat_map(Packed::slots).collect();
        slots.sort_by_key(|slot| slot.place);
        for slot in slots {
            fields.insert(slot.place.min(fields.len()), Field::new(&slot.name, slot.kind.clone(), true));
        }
        fields
    }

    /// Whether there is a column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.packs(name) || self.batch.column_by_name(name).is_some()
    }

    /// Whether there is a column that lies beside others.
    pub(super) fn packs(&self, name: &str) -> bool {
        self.packed.as_ref().is_some_and(|packed| packed.slot(name).is_some())
    }

    /// Some rows, in some of the columns, in the types of the state.
    pub(super) fn rows_of(&self, rows: &[u32], wanted: &dyn Fn(&str) -> bool) -> Result<RecordBatch> {
        let broken = |error| fault(Path::new(&self.file), format!("its columns cannot be read: {error}"));
        let schema = self.batch.schema();
        let plain: Vec<usize> = (0..self.batch.num_columns())
            .filter(|&at| wanted(schema.field(at).name()) && schema.field(at).name() != TOGETHER)
            .collect();
        let first = rows.first().copied().unwrap_or_default();
        let behind = rows.iter().zip(first..).all(|(&row, at)| row == at);
        let numbers = UInt32Array::from(if behind { Vec::new() } else { rows.to_vec() });
        let column = |&at: &usize| match behind {
            true => Ok(self.batch.column(at).slice(first as usize, rows.len())),
            false => take(self.batch.column(at), &numbers, None),
        };
        let columns = plain.iter().map(column).collect::<std::result::Result<_, _>>().map_err(broken)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let chosen = schema
            .project(&plain)
            .and_then(|schema| RecordBatch::try_new_with_options(Arc::new(schema), columns, &options));
        let plain = chosen.and_then(|batch| widened(&batch)).map_err(broken)?;
        let Some(packed) = &self.packed else { return Ok(plain) };
        let places: Vec<(usize, usize)> = rows.iter().map(|&row| (0, row as usize)).collect();
        let fetched = Unpacked::fetch(&[Some(packed)], &places, None, wanted, 1)?;
        packed.slots().iter().filter(|slot| wanted(&slot.name)).try_fold(plain, |batch, slot| {
            with_column(&batch, &slot.name, fetched.column(&slot.name, &slot.kind).map_err(broken)?)
        })
    }

    /// The rows of each delta in the types of the state, and how many of them are records; where it is known what every
    /// record says, only the columns of some names.
    pub(super) fn deltas(&self, lean: &[String]) -> Result<Vec<(RecordBatch, usize)>> {
        let deleted = self.batch.column_by_name(DELETED).map_or(0, |flags| flags.as_boolean().true_count());
        let all: Vec<u32> = (0..self.rows() as u32).collect();
        let told = self.rows_of(&all, &|name| name == SAID)?;
        let said = told.column_by_name(SAID).is_some_and(|said| said.null_count() == deleted);
        let wanted = |name: &str| !said || name == DELETED || lean.iter().any(|one| one == name);
        let whole = self.rows_of(&all, &wanted)?;
        let mut start = 0;
        let one = |&rows: &u64| {
            let batch = whole.slice(start, rows as usize);
            start += rows as usize;
            let records = batch.column_by_name(DELETED).map_or(batch.num_rows(), first_set);
            (batch, records)
        };
        Ok(self.parts.iter().map(one).collect())
    }
}

/// A segment's file, read by itself.
pub struct SegmentFile(Segment);

impl SegmentFile {
    /// Maps a file.
    ///
    /// # Errors
    /// `State`: a file that cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let (batch, packed) = read(path, &file)?;
        Ok(Self(Segment { file: path.display().to_string(), ..Segment::of(batch, packed) }))
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.0.rows()
    }

    /// The names of the columns, those of the state's own among them.
    pub fn names(&self) -> Vec<String> {
        self.0.fields().into_iter().map(|field| field.name().clone()).collect()
    }

    /// Some rows in some of the columns, in the types of the state.
    ///
    /// # Errors
    /// `State`: a row that there is not, columns that cannot be read.
    pub fn rows_of(&self, rows: &[u32], columns: &[String]) -> Result<RecordBatch> {
        if let Some(row) = rows.iter().find(|&&row| row as usize >= self.rows()) {
            let text = format!("there is no row {row} among its {}; restore it from a backup", self.rows());
            return Err(fault(Path::new(&self.0.file), text));
        }
        self.0.rows_of(rows, &|name| columns.iter().any(|one| one == name))
    }
}

/// The rows of a file, and those columns of them that lie beside each other.
fn read(path: &Path, file: &File) -> Result<(RecordBatch, Option<Packed>)> {
    let bytes = buffer(file).map_err(|error| unreadable(path, &error))?;
    let read = guard::decode(|| decode(&bytes)).and_then(|batch| Ok((Packed::of(&batch)?, batch)));
    let (packed, batch) = read.map_err(|text| {
        fault(
            path,
            format!("the file is damaged: {text}; restore it from a backup, or run `creditcore doctor`"),
        )
    })?;
    Ok((batch, packed))
}

/// The first marked row.
fn first_set(flags: &ArrayRef) -> usize {
    flags.as_boolean().values().set_indices().next().unwrap_or(flags.len())
}

/// The system's own error, where there is one inside: it says what can be done.
fn io_error(error: arrow_schema::ArrowError) -> std::io::Error {
    match error {
        arrow_schema::ArrowError::IoError(_, inner) => inner,
        other => std::io::Error::other(other),
    }
}

fn decode(bytes: &Buffer) -> std::result::Result<RecordBatch, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let tail = bytes.len().checked_sub(10).ok_or("it has no footer")?;
    let length: [u8; 10] = bytes[tail..].try_into().map_err(|_| "it has no footer")?;
    let length = read_footer_length(length).map_err(|error| text(&error))?;
    let start = tail.checked_sub(length).ok_or("its footer is longer than itself")?;
    let footer = root_as_footer(&bytes[start..tail]).map_err(|error| text(&error))?;
    let schema = footer.schema().ok_or("its footer has no schema")?;
    let schema = Arc::new(fb_to_schema(schema));
    let blocks = footer.recordBatches().ok_or("its footer names no rows")?;
    if blocks.len() != 1 {
        return Err(format!("it has {} record batches; one is expected", blocks.len()));
    }
    let block = blocks.get(0);
    let mut decoder = FileDecoder::new(schema, footer.version());
    let within = |block: &arrow_ipc::Block| {
        let (offset, head) = (block.offset() as usize, block.metaDataLength() as usize);
        let length = head.saturating_add(block.bodyLength() as usize);
        let inside = offset.checked_add(length).is_some_and(|end| end <= bytes.len());
        inside.then(|| bytes.slice_with_length(offset, length)).ok_or("its rows go beyond its end")
    };
    for block in footer.dictionaries().into_iter().flatten() {
        decoder.read_dictionary(block, &within(block)?).map_err(|error| text(&error))?;
    }
    let batch = decoder.read_record_batch(block, &within(block)?);
    batch.map_err(|error| text(&error))?.ok_or_else(|| "it holds no rows".to_owned())
}
