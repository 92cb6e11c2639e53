//! Batches of columns, and what every source of them can do.
//!
//! A source is cut into tasks that can be read independently (a file, a row group, a range of rows); a
//! task hands its rows on in batches, in order. No stage may depend on where the cuts are (law 2).

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};

use crate::error::{Error, Place, Result, list_names, nearest};
use crate::exec::Control;

/// What a column is read for: untyped sources (CSV) parse by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A number: an untyped source gives `Float64`, a typed one its own numeric or Boolean type.
    Number,
    /// A code, a name or a key: an untyped source gives `Utf8`, a typed one its own type.
    Key,
    /// An instant: an untyped source gives `Utf8`, a typed one its own type.
    Time,
}

/// A column that a stage asks a source for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name in the source.
    pub name: String,
    /// What it is read for.
    pub role: Role,
}

/// Some consecutive rows of a source: one array per wanted column, in the order they were asked for.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The arrays, all of length `rows`. Strings may be dictionary-encoded.
    pub columns: Vec<ArrayRef>,
    /// How many rows.
    pub rows: usize,
    /// The source as the user named it (a file's path, or `frame`).
    pub source: Arc<str>,
    /// The number of the first row in that source, from 0, a header not counted.
    pub first_row: u64,
    /// Where rows were left out: for each row that stays its number among those that were read together.
    pub kept: Option<Arc<[u32]>>,
}

impl Batch {
    /// The place of row `row` (from 0) of this batch, for an error's text.
    pub fn place(&self, row: usize) -> Place {
        let row = self.kept.as_ref().map_or(row as u64, |kept| kept[row].into());
        Place::row(&*self.source, self.first_row + row + 1)
    }

    /// The batch of some of the rows, whose columns are given.
    #[must_use]
    pub fn only(&self, rows: &[u32], columns: Vec<ArrayRef>) -> Self {
        let number = |&row: &u32| self.kept.as_ref().map_or(row, |kept| kept[row as usize]);
        let kept = Some(rows.iter().map(number).collect());
        Self { columns, rows: rows.len(), source: self.source.clone(), first_row: self.first_row, kept }
    }
}

/// Takes the batches of a task, in order.
pub type Sink<'a> = dyn FnMut(&Batch) -> Result<()> + 'a;

/// A source of records. Immutable, and safe to read from many threads at once.
pub trait Source: Send + Sync {
    /// The names of all columns, in their order.
    fn column_names(&self) -> &[String];

    /// Into how many independent tasks the source is cut.
    fn tasks(&self) -> usize;

    /// How many rows there are, where that is known without reading them.
    fn rows(&self) -> Option<u64>;

    /// Reads one task: hands every row, in order, to `sink`, in batches of at most some 65,536 rows, and
    /// checks `control` before each. Only the wanted columns are decoded.
    ///
    /// # Errors
    /// A file that cannot be read or decoded, a value that does not parse, a request to stop, or whatever
    /// `sink` gives back.
    fn read(&self, task: usize, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()>;
}

/// The position of `name` among a source's columns.
///
/// # Errors
/// No column, or more than one, has that name.
pub fn find_column(names: &[String], name: &str) -> Result<usize> {
    let mut found = names.iter().enumerate().filter(|(_, known)| *known == name);
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(Error::schema(
            Place::default(),
            format!("column `{name}` is there more than once; give each column a name of its own"),
        )),
        (None, _) => {
            let hint = nearest(name, names.iter().map(String::as_str))
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            Err(Error::schema(
                Place::default(),
                format!(
                    "no column `{name}`{hint} (columns: {})",
                    list_names(names.iter().map(String::as_str), 12)
                ),
            ))
        }
    }
}

/// Rows of one task of a [`Frame`].
const FRAME_TASK_ROWS: usize = 1 << 15;
/// Rows of one batch of a [`Frame`].
const FRAME_BATCH_ROWS: usize = 1 << 14;

/// Data in memory: record batches of one schema, shared, never copied.
#[derive(Debug)]
pub struct Frame {
    names: Vec<String>,
    batches: Vec<RecordBatch>,
    /// For each task: which batch, its first row there, how many rows, its first row in the frame.
    tasks: Vec<(usize, usize, usize, u64)>,
    rows: u64,
}

impl Frame {
    /// A frame over batches that share the names of their columns.
    pub fn new(names: Vec<String>, batches: Vec<RecordBatch>) -> Self {
        let mut tasks = Vec::new();
        let mut rows = 0u64;
        for (index, batch) in batches.iter().enumerate() {
            for start in (0..batch.num_rows()).step_by(FRAME_TASK_ROWS) {
                let length = FRAME_TASK_ROWS.min(batch.num_rows() - start);
                tasks.push((index, start, length, rows + start as u64));
            }
            rows += batch.num_rows() as u64;
        }
        Self { names, batches, tasks, rows }
    }
}

impl Source for Frame {
    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn tasks(&self) -> usize {
        self.tasks.len()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn read(&self, task: usize, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        let (batch, start, length, first_row) = self.tasks[task];
        let positions: Vec<usize> =
            wanted.iter().map(|column| find_column(&self.names, &column.name)).collect::<Result<_>>()?;
        let source: Arc<str> = Arc::from("frame");
        for offset in (0..length).step_by(FRAME_BATCH_ROWS) {
            control.check()?;
            let rows = FRAME_BATCH_ROWS.min(length - offset);
            let columns = positions
                .iter()
                .map(|&position| self.batches[batch].column(position).slice(start + offset, rows))
                .collect();
            sink(&Batch {
                columns,
                rows,
                source: source.clone(),
                first_row: first_row + offset as u64,
                kept: None,
            })?;
            control.advance(rows as u64);
        }
        Ok(())
    }
}
