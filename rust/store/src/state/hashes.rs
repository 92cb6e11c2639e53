//! Hashes of rows: of what they say, and of that with what was made of it.
//!
//! In: rows, the names of columns that are made. Out: two numbers for each row. The first one settles which row of a key
//! counts, the second whether anything changed and the digest (law 1).

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use creditcore::error::Result;
use creditcore::exec::in_order;
use creditcore::refresh::RecordHashes;

use super::lookup::STRETCH;
use super::segment::DELETED;

/// The hashes of each row.
pub(super) struct Hashes {
    /// Of what the row says.
    pub(super) told: Vec<u128>,
    /// Of that and what was made of it.
    pub(super) whole: Vec<u128>,
}

impl Hashes {
    /// The hashes of rows, of which some columns are made.
    pub(super) fn of(batch: &RecordBatch, made: &[String], threads: usize) -> Result<Self> {
        let parts = in_order(threads, batch.num_rows().div_ceil(STRETCH), |task| {
            let start = task * STRETCH;
            Self::of_stretch(&batch.slice(start, STRETCH.min(batch.num_rows() - start)), made)
        })?;
        let (told, whole): (Vec<_>, Vec<_>) = parts.into_iter().map(|part| (part.told, part.whole)).unzip();
        Ok(Self { told: told.concat(), whole: whole.concat() })
    }

    fn of_stretch(batch: &RecordBatch, made: &[String]) -> Result<Self> {
        let mut hashes = RecordHashes::new(batch.num_rows());
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let (told, made): (Vec<_>, Vec<_>) = columns
            .filter(|(field, _)| field.name() != DELETED && *field.data_type() != DataType::Null)
            .partition(|(field, _)| !made.contains(field.name()));
        told.into_iter().try_for_each(|(field, column)| hashes.add(field.name(), column))?;
        if made.is_empty() {
            let told = hashes.finish();
            return Ok(Self { whole: told.clone(), told });
        }
        let told = hashes.clone().finish();
        made.into_iter().try_for_each(|(field, column)| hashes.add(field.name(), column))?;
        Ok(Self { told, whole: hashes.finish() })
    }
}

/// The hash of each row, of all that it holds.
pub(super) fn hashes(batch: &RecordBatch, threads: usize) -> Result<Vec<u128>> {
    Hashes::of(batch, &[], threads).map(|hashes| hashes.whole)
}
