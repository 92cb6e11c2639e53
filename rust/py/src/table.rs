//! Columns on their way to Python: an Arrow stream that any frame library takes.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::Field;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

/// Some columns of one length.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Table {
    rows: StructArray,
}

impl Table {
    /// A table of named columns, one at least.
    pub(crate) fn new(columns: Vec<(String, ArrayRef)>) -> Self {
        let field = |(name, array): (String, ArrayRef)| {
            (Arc::new(Field::new(name, array.data_type().clone(), true)), array)
        };
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().map(field).unzip();
        Self { rows: StructArray::new(fields.into(), arrays, None) }
    }
}

#[pymethods]
impl Table {
    /// The columns, as an Arrow C stream.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let field = Arc::new(Field::new_struct("", self.rows.fields().clone(), false));
        let stream = ArrayIterator::new(std::iter::once(Ok(Arc::new(self.rows.clone()) as ArrayRef)), field);
        Ok(to_stream_pycapsule(py, Box::new(stream), requested_schema)?)
    }
}
