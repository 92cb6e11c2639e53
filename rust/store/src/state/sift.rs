//! Which rows of a delta count, before anything is made of them.
//!
//! In: a delta without the columns that are made. Out: the rows that come or go, in the types of the state, and what
//! became of the others. Nothing of the state changes. What a network takes in, and what is scored, are these rows
//! alone (law 1: a row that came late leaves no trace). What was found out is kept until the same rows come to be staged,
//! with what was made of them: their keys need not be looked up, nor what they replace be read, a second time.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use creditcore::batch::Source;
use creditcore::error::{Error, Place, Result};
use creditcore::exec::Control;
use creditcore::refresh::Keys;

use super::changes::{Changes, Counts, resolve};
use super::chosen::with_deletions;
use super::hashes::Hashes;
use super::layout::{Delta, Layout};
use super::lookup::Known;
use super::portfolio::State;

/// The column of sifted rows that says which row of the delta each is.
const ROW: &str = "_row";
/// Rows that are compared with what was sifted, as they come to be staged.
const FIRST: usize = 256;

impl State {
    /// Finds the rows of a delta that count: columns as they are kept, `_row` (the place in the delta), and, where
    /// some delete, `_deleted`; those come last.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn sift(&mut self, source: &dyn Source, control: &Control) -> Result<(Counts, RecordBatch)> {
        let Layout { columns, made, .. } = &self.layout;
        let told = columns.iter().filter(|(name, _)| !made.contains(name)).cloned().collect();
        let layout = Layout { columns: told, one_kind: None, inputs: None, ..self.layout.clone() };
        let schema = self.rows.schema().cloned();
        let mut found = None;
        let take = |delta: Delta, layout: &Layout| {
            found = Some(resolve(&delta, Known { layout, ..self.known() })?);
            Ok(())
        };
        layout.read(source, usize::MAX, control, take, || schema.clone())?;
        let Some(mut changes) = found else {
            return Ok((Counts::default(), RecordBatch::new_empty(Arc::new(Schema::empty()))));
        };
        let rows = std::mem::replace(&mut changes.batch, RecordBatch::new_empty(Arc::new(Schema::empty())));
        let row = Arc::new(Field::new(ROW, DataType::UInt32, false));
        let fields: Vec<Arc<Field>> = rows.schema().fields().iter().cloned().chain([row]).collect();
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns.push(Arc::new(UInt32Array::from(std::mem::take(&mut changes.places))));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|error| Error::state(Place::default(), format!("rows cannot be sifted: {error}")))?;
        let counts = changes.counts;
        self.sifted = Some(changes);
        Ok((counts, batch))
    }
}

/// What a delta of sifted rows, in the order in which they were given, changes, with what was made of them; nothing where it
/// has other keys, columns or types than those.
pub(super) fn resolved(sifted: Changes, delta: &Delta, known: Known<'_>) -> Result<Option<Changes>> {
    let Known { layout, threads, .. } = known;
    let (rows, records) = (delta.batch.num_rows(), sifted.records);
    let last = delta.deletes.iter().enumerate().all(|(row, &deletes)| deletes == (row >= records));
    if rows != sifted.moves.len() || !last {
        return Ok(None);
    }
    let spread = Keys::new(&layout.key, delta.batch.column(0).clone())?.spread();
    let same = spread.iter().zip(&sifted.moves).all(|(key, (known, _))| key == known);
    // Who stages the same keys in other columns, or types, does so in the first rows too.
    let first = &sifted.told[..records.min(FIRST)];
    if !same || Hashes::of(&delta.batch.slice(0, first.len()), &layout.made, threads)?.lanes != first {
        return Ok(None);
    }
    let hashed =
        Hashes::of_said(&delta.batch.slice(0, records), &sifted.told[..records], &layout.made, threads)?;
    // The difference was told without what is made of the rows that come.
    let sum = |hashes: &[u128]| hashes.iter().fold(0u128, |sum, &hash| sum.wrapping_add(hash));
    let come = sum(&hashed.whole).wrapping_sub(sum(&hashed.told));
    let batch = if records == rows {
        delta.batch.clone()
    } else {
        let deleting = UInt32Array::from_iter_values(records as u32..rows as u32);
        with_deletions(delta.batch.slice(0, records), &delta.batch, &deleting, layout)?
    };
    let changes = Changes { batch, hash: sifted.hash.wrapping_add(come), ..sifted };
    changes.with_said(layout, threads).map(Some)
}
