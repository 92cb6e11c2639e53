//! A file of a portfolio's rows, read by itself.

use std::path::PathBuf;

use creditcore_store::state;
use pyo3::prelude::*;

use crate::gate;
use crate::table::Table;

/// A file of rows of a portfolio's state.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct SegmentFile {
    inner: state::SegmentFile,
}

#[pymethods]
impl SegmentFile {
    /// Maps a file.
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self { inner: gate::brief(py, move || state::SegmentFile::open(&path))? })
    }

    /// How many rows there are.
    fn rows(&self) -> usize {
        self.inner.rows()
    }

    /// The names of the columns, those of the state's own among them.
    fn names(&self) -> Vec<String> {
        self.inner.names()
    }

    /// Rows behind each other in some columns, in the types of the state.
    fn part(&self, py: Python<'_>, columns: Vec<String>, start: usize, rows: usize) -> PyResult<Table> {
        let end = self.inner.rows().min(start.saturating_add(rows));
        let chosen: Vec<u32> = (start..end).map(|row| row as u32).collect();
        self.picked(py, columns, chosen)
    }

    /// Some rows in some columns, in the types of the state.
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn picked(&self, py: Python<'_>, columns: Vec<String>, rows: Vec<u32>) -> PyResult<Table> {
        let batch = gate::run(py, None, |_| self.inner.rows_of(&rows, &columns))?;
        Ok(Table { schema: batch.schema(), batches: vec![batch] })
    }
}
