//! Which rows of a delta count, before anything is made of them.
//!
//! In: a delta without the columns that are made. Out: the rows that come or go, in the types of the state, and what
//! became of the others. Nothing of the state changes. What a network takes in, and what is scored, are these rows
//! alone (law 1: a row that came late leaves no trace).

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use creditcore::batch::Source;
use creditcore::error::{Error, Place, Result};
use creditcore::exec::Control;

use super::changes::{Counts, resolve};
use super::layout::{Delta, Layout};
use super::lookup::Known;
use super::portfolio::State;

/// The column of sifted rows that says which row of the delta each is.
const ROW: &str = "_row";

impl State {
    /// Finds the rows of a delta that count: columns as they are kept, `_row` (the place in the delta), and, where
    /// some delete, `_deleted`; those come last.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn sift(&self, source: &dyn Source, control: &Control) -> Result<(Counts, RecordBatch)> {
        let Layout { columns, made, .. } = &self.layout;
        let told = columns.iter().filter(|(name, _)| !made.contains(name)).cloned().collect();
        let layout = Layout { columns: told, one_kind: None, ..self.layout.clone() };
        let schema = self.rows.schema().cloned();
        let mut found = None;
        let take = |delta: Delta, layout: &Layout| {
            found = Some(resolve(&delta, Known { layout, ..self.known() })?);
            Ok(())
        };
        layout.read(source, usize::MAX, control, take, || schema.clone())?;
        let Some(changes) = found else {
            return Ok((Counts::default(), RecordBatch::new_empty(Arc::new(Schema::empty()))));
        };
        let schema = changes.batch.schema();
        let row = Arc::new(Field::new(ROW, DataType::UInt32, false));
        let fields: Vec<Arc<Field>> = schema.fields().iter().cloned().chain([row]).collect();
        let mut columns: Vec<ArrayRef> = changes.batch.columns().to_vec();
        columns.push(Arc::new(UInt32Array::from(changes.places)));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|error| Error::state(Place::default(), format!("rows cannot be sifted: {error}")))?;
        Ok((changes.counts, batch))
    }
}
