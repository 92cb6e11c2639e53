//! Small segments that are written again as one.
//!
//! In: the newest segments and the rows of a delta. Out: how many of them the delta's file takes in, and the rows of
//! that file. A segment is taken in where it has no more rows than those behind it together, so sizes fall from one to
//! the next by half: there are few small ones, and a row is written again once for each doubling. None has more than
//! [`MOST`] rows afterwards, and one of what was made anew stays as it is, which bounds what a refresh writes. Rows stay
//! in their order, those that others took the place of among them, so numbers of rows and the index stay as they are
//! (law 1).

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, Field, Schema};
use creditcore::error::{Error, Place, Result};

use super::rows::Rows;
use super::segment::{DELETED, Segment};

/// Most rows of a segment that was merged.
const MOST: usize = 1 << 17;

/// How many of the newest segments a file of `rows` further rows takes in; none of the first `fixed` ones.
pub(super) fn taken_in(known: &Rows, fixed: usize, rows: usize) -> usize {
    let (mut all, mut taken) = (rows, 0);
    for segment in known.newest().take(known.segments().saturating_sub(fixed)) {
        if segment.told.is_some() || segment.rows() > all || all + segment.rows() > MOST {
            break;
        }
        all += segment.rows();
        taken += 1;
    }
    taken
}

/// The rows of the newest segments, the oldest first, and those of a delta behind them.
pub(super) fn merged(known: &Rows, taken: usize, delta: &RecordBatch) -> Result<RecordBatch> {
    let mut parts: Vec<Segment> = known.newest().take(taken).map(Segment::again).collect();
    parts.reverse();
    parts.push(Segment::of(delta.clone(), None));
    let deletes = |part: &Segment| part.batch.column_by_name(DELETED).cloned();
    let flags: Vec<Option<ArrayRef>> = parts.iter().map(deletes).collect();
    let sizes: Vec<usize> = parts.iter().map(Segment::rows).collect();
    let mut all = Rows::default();
    parts.into_iter().try_for_each(|part| all.push(part).map(|_| ()))?;
    let rows = all.gather(&(0..all.len() as u32).collect::<Vec<_>>(), None)?;
    if flags.iter().all(Option::is_none) {
        return Ok(rows);
    }
    let none = |rows: usize| Arc::new(BooleanArray::from(vec![false; rows])) as ArrayRef;
    let flags: Vec<ArrayRef> =
        flags.into_iter().zip(sizes).map(|(flags, rows)| flags.unwrap_or_else(|| none(rows))).collect();
    let flags = arrow_select::concat::concat(&flags.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let mut fields: Vec<Arc<Field>> = rows.schema().fields().to_vec();
    fields.push(Arc::new(Field::new(DELETED, arrow_schema::DataType::Boolean, false)));
    let mut columns = rows.columns().to_vec();
    columns.push(flags.map_err(|error| broken(&error))?);
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|error| broken(&error))
}

fn broken(error: &ArrowError) -> Error {
    Error::state(Place::default(), format!("segments cannot be merged: {error}; open the portfolio again"))
}
