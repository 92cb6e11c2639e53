//! All rows of a state, by number.
//!
//! In: segments in the order in which they were written, and numbers of rows. Out: those rows, gathered. A row's number
//! is its place in that order, so it never changes until the segments are written anew.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::interleave::interleave;
use creditcore::error::{Error, Place, Result};

use super::segment::{DELETED, Segment};

/// Rows that a state can have: the highest bit of a number says that the row deletes.
pub(super) const MOST_ROWS: u64 = (1 << 31) - 1;

#[derive(Default)]
pub(super) struct Rows {
    segments: Vec<Segment>,
    /// The number of each segment's first row.
    starts: Vec<u32>,
    rows: u64,
    schema: Option<SchemaRef>,
}

impl Rows {
    /// How many rows there are, those that no key leads to among them.
    pub(super) fn len(&self) -> u64 {
        self.rows
    }

    /// The columns with their types, of all segments; none before the first.
    pub(super) fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Adds a segment and gives the number of its first row.
    pub(super) fn push(&mut self, segment: Segment) -> Result<u32> {
        let rows = self.rows + segment.batch.num_rows() as u64;
        self.room(segment.batch.num_rows())?;
        let first = self.rows as u32;
        self.schema = Some(joined(self.schema.as_ref(), &segment.batch.schema()));
        self.starts.push(first);
        self.segments.push(segment);
        self.rows = rows;
        Ok(first)
    }

    /// Whether so many rows can be added.
    pub(super) fn room(&self, rows: usize) -> Result<()> {
        if self.rows + rows as u64 <= MOST_ROWS {
            return Ok(());
        }
        let text =
            format!("the state would have more than {MOST_ROWS} rows, old ones included; compact it first");
        Err(Error::state(Place::default(), text))
    }

    /// The segments of rows, and their places there.
    fn locate(&self, rows: &[u32]) -> Result<Vec<(usize, usize)>> {
        let place = |&row: &u32| {
            if u64::from(row) >= self.rows {
                let text = format!(
                    "the index leads to row {row} of {}: it is damaged; run `creditcore doctor`, which makes it again",
                    self.rows
                );
                return Err(Error::state(Place::default(), text));
            }
            let segment = self.starts.partition_point(|&start| start <= row) - 1;
            Ok((segment, (row - self.starts[segment]) as usize))
        };
        rows.iter().map(place).collect()
    }

    /// Some rows, in the columns of all segments.
    pub(super) fn gather(&self, rows: &[u32]) -> Result<RecordBatch> {
        self.gather_some(rows, None)
    }

    /// Some rows, in some of the columns; those that there are not are left out.
    pub(super) fn gather_some(&self, rows: &[u32], names: Option<&[String]>) -> Result<RecordBatch> {
        let Some(schema) = &self.schema else { return Ok(RecordBatch::new_empty(Arc::new(Schema::empty()))) };
        let schema = match names {
            None => schema.clone(),
            Some(names) => {
                let fields = names.iter().filter_map(|name| schema.field_with_name(name).ok());
                Arc::new(Schema::new(fields.cloned().collect::<Vec<Field>>()))
            }
        };
        let places = self.locate(rows)?;
        let columns =
            schema.fields().iter().map(|field| self.column(field, &places)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(schema, columns, &options).map_err(|error| broken(&error))
    }

    /// One column of some rows.
    pub(super) fn column_of(&self, name: &str, rows: &[u32]) -> Result<Option<ArrayRef>> {
        let field = self.schema.as_ref().and_then(|schema| schema.field_with_name(name).ok());
        let Some(field) = field else { return Ok(None) };
        let places = self.locate(rows)?;
        self.column(field, &places).map(Some)
    }

    fn column(&self, field: &Field, places: &[(usize, usize)]) -> Result<ArrayRef> {
        if places.is_empty() || *field.data_type() == DataType::Null {
            return Ok(new_null_array(field.data_type(), places.len()));
        }
        let null = new_null_array(field.data_type(), 1);
        // A column of nulls alone has no type yet.
        let filled = |segment: usize| {
            let column = self.segments[segment].batch.column_by_name(field.name());
            column.filter(|column| *column.data_type() != DataType::Null)
        };
        let arrays: Vec<&dyn Array> =
            (0..self.segments.len()).map(|segment| filled(segment).unwrap_or(&null).as_ref()).collect();
        let missing = |segment: usize| filled(segment).is_none();
        if !(0..self.segments.len()).any(missing) {
            return interleave(&arrays, places).map_err(|error| broken(&error));
        }
        // A segment without the column stands for nulls: one is enough.
        let gaps: Vec<bool> = (0..self.segments.len()).map(missing).collect();
        let place = |&(segment, row): &(usize, usize)| (segment, if gaps[segment] { 0 } else { row });
        let places: Vec<(usize, usize)> = places.iter().map(place).collect();
        interleave(&arrays, &places).map_err(|error| broken(&error))
    }

    /// How many segments there are.
    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }
}

/// The columns of two schemas, marks of deletion left out.
fn joined(known: Option<&SchemaRef>, more: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = known.map_or_else(Vec::new, |known| known.fields().to_vec());
    for field in more.fields().iter().filter(|field| field.name() != DELETED) {
        let made = Arc::new(field.as_ref().clone().with_nullable(true));
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            Some(known) if *known.data_type() == DataType::Null => *known = made,
            Some(_) => {}
            None => fields.push(made),
        }
    }
    Arc::new(Schema::new(fields))
}

fn broken(error: &arrow_schema::ArrowError) -> Error {
    Error::state(Place::default(), format!("rows cannot be gathered: {error}; open the portfolio again"))
}
