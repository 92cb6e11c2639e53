//! Sources of records: files and frames.

use std::sync::Arc;

use creditcore::batch::{self, Frame};
use creditcore_store::Options;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::gate;
use crate::parts::Parts;

/// A source of records: files on disk, or a frame in memory.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Source {
    pub(crate) inner: Arc<dyn batch::Source>,
}

#[pymethods]
impl Source {
    /// Opens Parquet, CSV or Arrow IPC files.
    #[staticmethod]
    #[pyo3(signature = (paths, *, encoding=None, delimiter=None))]
    fn files(
        py: Python<'_>,
        paths: Vec<String>,
        encoding: Option<String>,
        delimiter: Option<u8>,
    ) -> PyResult<Self> {
        let options = Options { encoding, delimiter, ..Options::default() };
        let files = gate::run(py, None, move |_| creditcore_store::open(&paths, &options))?;
        Ok(Self { inner: Arc::new(files) })
    }

    /// Takes a frame that speaks Arrow's C stream interface, without a copy.
    #[staticmethod]
    fn frame(frame: PyTable) -> Self {
        let (batches, schema) = frame.into_inner();
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        Self { inner: Arc::new(Frame::new(names, batches)) }
    }

    /// The names of the columns, in their order.
    fn column_names(&self) -> Vec<String> {
        self.inner.column_names().to_vec()
    }

    /// Reads columns (name and role: `number`, `key`) part by part, in order.
    fn parts(&self, py: Python<'_>, columns: Vec<(String, String)>) -> PyResult<Parts> {
        Parts::start(py, &self.inner, columns)
    }

    /// How many rows there are, where that is known without reading them.
    fn rows(&self) -> Option<u64> {
        self.inner.rows()
    }
}
