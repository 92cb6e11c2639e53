//! Fingerprints in two halves: of what stands still in a record, and of that with what moves.
//!
//! In: rows, names of columns. Out: for each row 16 bytes over the columns that stand still, which can be kept beside
//! it; and its fingerprint, for which those and the others are enough. What the log of decisions keeps and a replay
//! compares, so neither changes: a half is SHA-256 over names and values as [`fingerprints`](super::fingerprints) has
//! them, but a null is its kind alone, a text stands for its own SHA-256, and the half of what stands still counts as
//! a text of no name in front of what moves.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray, LargeStringArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::OffsetBuffer;
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema};
use sha2::{Digest, Sha256};

use super::prints::{Column, TEXT_BYTES, hashed, hexadecimal};
use crate::batch::{Role, Source, Wanted};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, in_order};

/// What such a fingerprint begins with.
const MARK: &[u8] = b"2:";
/// Rows that a thread takes at a time.
const STRETCH: usize = 1 << 13;

/// The first half of a hash.
pub type Half = [u8; TEXT_BYTES];

/// The columns of a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halves {
    standing: Vec<String>,
    moving: Vec<String>,
}

impl Halves {
    /// Columns by name, in any order.
    pub fn new(mut standing: Vec<String>, mut moving: Vec<String>) -> Self {
        standing.sort();
        moving.sort();
        Self { standing, moving }
    }

    /// The half of each row over what stands still; a column that is not there is of nulls.
    ///
    /// # Errors
    /// A column of a type that has no text.
    pub fn still(&self, batch: &RecordBatch, threads: usize) -> Result<Vec<Half>> {
        let columns = self.standing.iter().map(|name| column(name, batch)).collect::<Result<Vec<_>>>()?;
        halves(&columns, batch.num_rows(), &self.standing.join("\0"), threads)
    }

    /// The fingerprint of each row, of which the half that stands still is known.
    ///
    /// # Errors
    /// A column of a type that has no text.
    pub fn whole(&self, still: &[Half], batch: &RecordBatch, threads: usize) -> Result<LargeStringArray> {
        let lengths = OffsetBuffer::from_lengths(std::iter::repeat_n(TEXT_BYTES, still.len()));
        let still = LargeBinaryArray::new(lengths, still.concat().into(), None);
        let moving = self.moving.iter().map(|name| column(name, batch));
        let columns = std::iter::once(Ok(Column::Text(Arc::new(still) as ArrayRef))).chain(moving);
        let names: Vec<&str> = std::iter::once("").chain(self.moving.iter().map(String::as_str)).collect();
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let texts = per_stretch(&columns, batch.num_rows(), &names.join("\0"), threads, |made, hash| {
            made.extend_from_slice(MARK);
            made.extend(hexadecimal(&hash));
        })?;
        let width = MARK.len() + 2 * TEXT_BYTES;
        let lengths = OffsetBuffer::from_lengths(std::iter::repeat_n(width, batch.num_rows()));
        LargeStringArray::try_new(lengths, texts.into(), None)
            .map_err(|error| Error::schema(Place::default(), error.to_string()))
    }

    /// Gives the fingerprints of rows, part by part.
    ///
    /// # Errors
    /// A column of a type that has no text; whatever reading gives.
    pub fn of(
        &self,
        source: &dyn Source,
        threads: usize,
        control: &Control,
    ) -> Result<Vec<LargeStringArray>> {
        let known = source.column_names();
        let there = self.standing.iter().chain(&self.moving).filter(|name| known.contains(name));
        let wanted: Vec<Wanted> = there.map(|name| Wanted { name: name.clone(), role: Role::Key }).collect();
        let mut made = Vec::new();
        for task in 0..source.tasks() {
            source.read(task, &wanted, control, &mut |batch| {
                let fields = wanted.iter().zip(&batch.columns);
                let fields =
                    fields.map(|(one, column)| Field::new(&one.name, column.data_type().clone(), true));
                let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
                let options = RecordBatchOptions::new().with_row_count(Some(batch.rows));
                let rows = RecordBatch::try_new_with_options(schema, batch.columns.clone(), &options)
                    .map_err(|error| Error::schema(Place::default(), error.to_string()))?;
                made.push(self.whole(&self.still(&rows, threads)?, &rows, threads)?);
                Ok(())
            })?;
        }
        Ok(made)
    }
}

fn halves(columns: &[Column], rows: usize, names: &str, threads: usize) -> Result<Vec<Half>> {
    per_stretch(columns, rows, names, threads, |made, hash| made.push(half(&hash)))
}

/// What becomes of the hash of each row, in their order.
fn per_stretch<T: Clone + Send>(
    columns: &[Column],
    rows: usize,
    names: &str,
    threads: usize,
    take: impl Fn(&mut Vec<T>, [u8; 32]) + Sync,
) -> Result<Vec<T>> {
    let start = Sha256::new().chain_update(names);
    let parts = in_order(threads, rows.div_ceil(STRETCH), |task| {
        let range = task * STRETCH..rows.min((task + 1) * STRETCH);
        let mut made = Vec::new();
        hashed(columns, range, &start, true, |hash| take(&mut made, hash));
        Ok(made)
    })?;
    Ok(parts.concat())
}

fn half(hash: &[u8; 32]) -> Half {
    std::array::from_fn(|at| hash[at])
}

/// A column of a batch; texts, and what only its text tells, by their hashes.
fn column(name: &str, batch: &RecordBatch) -> Result<Column> {
    let Some(column) = batch.column_by_name(name) else { return Ok(Column::Untyped) };
    let kind = column.data_type();
    let number = kind.is_integer() || kind.is_floating() || kind.is_temporal();
    if number || matches!(kind, DataType::Null | DataType::Boolean) {
        return Column::of(name, column);
    }
    let texts = cast(column, &DataType::LargeUtf8).map_err(|error| {
        Error::schema(Place::default(), format!("column `{name}` has no fingerprint: {error}"))
    })?;
    let hash = |text: &str| half(&Sha256::digest(text).into());
    let hashes: LargeBinaryArray = texts.as_string::<i64>().iter().map(|text| text.map(hash)).collect();
    Ok(Column::Text(Arc::new(hashes)))
}
