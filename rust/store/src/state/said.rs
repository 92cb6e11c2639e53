//! What a row says, in 32 bytes beside it: of what is made of a record anew no more is needed.
//!
//! In: rows, the hashes of what they say. Out: a column of the state's own (`_said`): what those hashes are made of, and
//! the half of the fingerprint that stands still. Both are functions of the row's other columns, so digests leave it out,
//! and a row that an older version wrote without it is read as a whole (law 1).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use creditcore::error::{Error, Place, Result};
use creditcore::refresh::{Half, Halves};

use super::changes::Changes;
use super::hashes::Hashes;
use super::layout::Layout;
use super::lookup::Known;

/// The column of what rows say.
pub(super) const SAID: &str = "_said";
/// The column of bins: what some models can tell of what a row says, which is known where these models are.
pub(super) const BINS: &str = "_bins";
/// Bytes of a row's hash, and of that with its half of a fingerprint.
const HASH: usize = 16;
const WIDTH: usize = 32;

impl Layout {
    /// The columns of fingerprints, where what a row says is kept beside it.
    pub(super) fn halves(&self) -> Option<Halves> {
        let told = self.inputs.clone();
        told.map(|(standing, moving)| Halves::new(standing, moving))
    }

    /// The columns that a change needs of a row whose `_said` is there: what is made (bins are no part of a hash), and what
    /// is summed.
    pub(super) fn lean(&self) -> Vec<String> {
        let mut names = vec![self.key.clone(), self.version.clone(), SAID.to_owned()];
        let kinds = self
            .one_kind
            .iter()
            .flat_map(|one| std::iter::once(&one.column).chain(one.among.iter().map(|(column, _)| column)));
        for name in self.made.iter().chain(&self.summed).chain(kinds) {
            if !names.contains(name) && name != BINS {
                names.push(name.clone());
            }
        }
        names
    }
}

impl Layout {
    /// The columns that lie beside each other: what records near a change are read for, first what stands still.
    pub(super) fn together(&self) -> Vec<String> {
        if self.near.is_empty() {
            return Vec::new();
        }
        let mut names = self.lean();
        names.extend(self.near.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        let moves = |name: &String| self.made.contains(name) && !self.still.contains(name);
        names.sort_by_key(moves);
        names
    }
}

/// What rows say, where it is known of each of them.
pub(super) struct Said<'a>(&'a FixedSizeBinaryArray);

impl<'a> Said<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Option<Self> {
        let column = batch.column_by_name(SAID)?.as_fixed_size_binary_opt()?;
        (column.null_count() == 0 && column.value_length() == WIDTH as i32).then_some(Self(column))
    }

    /// What the hashes are made of.
    pub(super) fn lanes(&self) -> Vec<[u64; 2]> {
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
        self.0.iter().flatten().map(|bytes| [word(&bytes[..8]), word(&bytes[8..HASH])]).collect()
    }

    /// The halves of the fingerprints.
    pub(super) fn halves(&self) -> Vec<Half> {
        self.0.iter().flatten().filter_map(|bytes| bytes[HASH..].first_chunk().copied()).collect()
    }
}

/// Puts beside rows what they say; the first ones are records, of which `lanes` are known, the others delete.
fn with_said(
    batch: &RecordBatch,
    lanes: &[[u64; 2]],
    halves: &Halves,
    threads: usize,
) -> Result<RecordBatch> {
    let known = halves.still(&batch.slice(0, lanes.len()), threads)?;
    let one = |(lanes, half): (&[u64; 2], Half)| {
        let mut bytes = [0u8; WIDTH];
        bytes[..8].copy_from_slice(&lanes[0].to_le_bytes());
        bytes[8..HASH].copy_from_slice(&lanes[1].to_le_bytes());
        bytes[HASH..].copy_from_slice(&half);
        Some(bytes)
    };
    let said = lanes.iter().zip(known).map(one).chain((lanes.len()..batch.num_rows()).map(|_| None));
    let column = FixedSizeBinaryArray::try_from_sparse_iter_with_size(said, WIDTH as i32);
    let column = column.map_err(|error| broken(&error))?;
    with_column(batch, SAID, Arc::new(column))
}

/// A batch with a column, which takes the place of one of its name.
pub(super) fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> Result<RecordBatch> {
    let field = Arc::new(Field::new(name, column.data_type().clone(), true));
    let mut fields: Vec<Arc<Field>> = batch.schema().fields().to_vec();
    let mut columns = batch.columns().to_vec();
    match fields.iter().position(|known| known.name() == name) {
        Some(at) => (fields[at], columns[at]) = (field, column),
        None => {
            fields.push(field);
            columns.push(column);
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|error| broken(&error))
}

/// Records that are written anew, with what they say where an older version did not write it.
pub(super) fn completed(batch: RecordBatch, layout: &Layout, threads: usize) -> Result<RecordBatch> {
    let Some(halves) = layout.halves().filter(|_| Said::of(&batch).is_none()) else { return Ok(batch) };
    let lanes = Hashes::of(&batch, &layout.made, threads)?.lanes;
    with_said(&batch, &lanes, &halves, threads)
}

impl Changes {
    /// The same, with what the rows say beside them.
    pub(super) fn with_said(mut self, layout: &Layout, threads: usize) -> Result<Self> {
        if let Some(halves) = layout.halves().filter(|_| self.batch.num_rows() > 0) {
            self.batch = with_said(&self.batch, &self.told[..self.records], &halves, threads)?;
        }
        Ok(self)
    }
}

impl Known<'_> {
    /// Rows by number, as [`gather`](Self::gather) gives them, with their hashes; where it is known what each says, only
    /// the columns that a change needs.
    pub(super) fn stored(
        &self,
        numbers: &[u32],
        keys: &ArrayRef,
        asking: &[u32],
    ) -> Result<(RecordBatch, Hashes)> {
        let Self { layout, threads, .. } = *self;
        if self.rows.schema().is_some_and(|schema| schema.field_with_name(SAID).is_ok()) {
            let lean = self.rows.gather_shared(numbers, Some(&layout.lean()), threads)?;
            let lanes = Said::of(&lean).map(|said| said.lanes());
            if let Some(lanes) = lanes {
                let hashes = Hashes::of_said(&lean, &lanes, &layout.made, threads)?;
                return Ok((lean, hashes));
            }
        }
        let whole = self.gather(numbers, keys, asking)?;
        let hashes = Hashes::of(&whole, &layout.made, threads)?;
        Ok((whole, hashes))
    }
}

fn broken(error: &arrow_schema::ArrowError) -> Error {
    Error::state(Place::default(), format!("what rows say cannot be kept: {error}; open the portfolio again"))
}
