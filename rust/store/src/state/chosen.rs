//! The rows of a delta that are chosen.
//!
//! In: one claim after the other, beside what is known of its key. Out: the rows to append, those that delete last, the
//! records that are no longer, and counts.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::take::{take, take_record_batch};
use creditcore::error::Result;
use creditcore::refresh::Claim;

use super::changes::{Changes, Counts, broken};
use super::hashes::Hashes;
use super::layout::{Delta, Layout};
use super::segment::DELETED;

/// The row that a key led to before.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// Its place among the rows that were gathered.
    pub(super) at: u32,
    pub(super) claim: Claim,
    /// Whether the new row equals it, in what was made of it too.
    pub(super) equal: bool,
}

/// Rows that were chosen: of the delta, and of those stored.
#[derive(Default)]
pub(super) struct Chosen {
    records: Vec<(u32, u32)>,
    deletions: Vec<(u32, u32)>,
    gone: Vec<u32>,
    pub(super) counts: Counts,
}

impl Chosen {
    pub(super) fn choose(&mut self, row: u32, current: u32, mine: Claim, before: Option<Before>) {
        let live = before.as_ref().filter(|before| !before.claim.deletes).map(|before| before.at);
        if let Some(Before { claim: before, equal, .. }) = before {
            let alive = !mine.deletes && !before.deletes;
            let nothing = mine.deletes && before.deletes && mine.version == before.version;
            if (alive && equal) || nothing {
                self.counts.unchanged += 1;
                return;
            }
            let renewed = alive && mine.version == before.version && mine.hash == before.hash;
            if !renewed && !mine.replaces(&before) {
                self.counts.superseded += 1;
                return;
            }
        } else if mine.deletes && mine.version.is_none() {
            // Nothing to delete, and nothing that a later row would have to be told.
            self.counts.unchanged += 1;
            return;
        }
        let kept = if mine.deletes { &mut self.deletions } else { &mut self.records };
        kept.push((row, current));
        self.gone.extend(live);
        match (mine.deletes, live.is_some()) {
            (true, true) => self.counts.deleted += 1,
            (true, false) => self.counts.unchanged += 1,
            (false, true) => self.counts.updated += 1,
            (false, false) => self.counts.inserted += 1,
        }
    }

    pub(super) fn finish(
        self,
        delta: &Delta,
        spread: &[u64],
        stored: &RecordBatch,
        stored_hashes: &[u128],
        hashed: &Hashes,
        layout: &Layout,
    ) -> Result<Changes> {
        let mut hash = 0u128;
        for (row, _) in &self.records {
            hash = hash.wrapping_add(hashed.whole[*row as usize]);
        }
        for &at in &self.gone {
            hash = hash.wrapping_sub(stored_hashes[at as usize]);
        }
        let chosen = self.records.iter().chain(&self.deletions);
        let moves = chosen.clone().map(|&(row, current)| (spread[row as usize], current)).collect();
        let places: Vec<u32> = chosen.map(|&(row, _)| row).collect();
        let told = places.iter().map(|&row| hashed.lanes[row as usize]).collect();
        let rows = |chosen: &[(u32, u32)]| UInt32Array::from_iter_values(chosen.iter().map(|(row, _)| *row));
        let batch = if self.deletions.is_empty() && self.records.len() == delta.batch.num_rows() {
            delta.batch.clone()
        } else {
            let records =
                take_record_batch(&delta.batch, &rows(&self.records)).map_err(|error| broken(&error))?;
            with_deletions(records, &delta.batch, &rows(&self.deletions), layout)?
        };
        // Before the first segment there are no columns to take from; in what order rows go is of no matter.
        let old = if self.gone.is_empty() {
            stored.slice(0, 0)
        } else if self.gone.len() == stored.num_rows() {
            stored.clone()
        } else {
            take_record_batch(stored, &UInt32Array::from(self.gone)).map_err(|error| broken(&error))?
        };
        let (records, counts) = (self.records.len(), self.counts);
        Ok(Changes { batch, records, moves, old: vec![old], hash, counts, places, told })
    }
}

/// Records, and after them rows that delete: key and version, and nothing of what else they said.
pub(super) fn with_deletions(
    records: RecordBatch,
    delta: &RecordBatch,
    rows: &UInt32Array,
    layout: &Layout,
) -> Result<RecordBatch> {
    if rows.is_empty() {
        return Ok(records);
    }
    let blank = |(field, column): (&Arc<Field>, &ArrayRef)| {
        if *field.name() == layout.key || *field.name() == layout.version {
            take(column, rows, None)
        } else {
            Ok(arrow_array::new_null_array(field.data_type(), rows.len()))
        }
    };
    let schema = delta.schema();
    let columns: std::result::Result<Vec<ArrayRef>, _> =
        schema.fields().iter().zip(delta.columns()).map(blank).collect();
    let deletions = RecordBatch::try_new(schema.clone(), columns.map_err(|error| broken(&error))?)
        .map_err(|error| broken(&error))?;
    let whole = concat_batches(&schema, [&records, &deletions]).map_err(|error| broken(&error))?;
    let marks = (0..whole.num_rows()).map(|row| Some(row >= records.num_rows()));
    let mut fields: Vec<Arc<Field>> = schema.fields().to_vec();
    fields.push(Arc::new(Field::new(DELETED, DataType::Boolean, false)));
    let mut columns = whole.columns().to_vec();
    columns.push(Arc::new(marks.collect::<BooleanArray>()));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| broken(&error))
}
