//! Columns on their way to Python: an Arrow stream that any frame library takes.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{Field, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

/// Rows of one schema; an Arrow stream.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Table {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
}

#[pymethods]
impl Table {
    /// The rows, as an Arrow C stream.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let field = Arc::new(Field::new_struct("", self.schema.fields().clone(), false));
        let batches: Vec<ArrayRef> =
            self.batches.iter().map(|batch| Arc::new(StructArray::from(batch.clone())) as ArrayRef).collect();
        let stream = ArrayIterator::new(batches.into_iter().map(Ok), field);
        Ok(to_stream_pycapsule(py, Box::new(stream), requested_schema)?)
    }
}

impl Table {
    /// A table of named columns of one length, one at least.
    pub(crate) fn new(columns: Vec<(String, ArrayRef)>) -> Self {
        let field = |(name, array): (String, ArrayRef)| {
            (Arc::new(Field::new(name, array.data_type().clone(), true)), array)
        };
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().map(field).unzip();
        let rows = StructArray::new(fields.into(), arrays, None);
        Self { schema: Arc::new(Schema::new(rows.fields().clone())), batches: vec![rows.into()] }
    }

    /// A table of one column in several parts.
    pub(crate) fn of_column<A: Array + 'static>(name: &str, field: Field, parts: Vec<A>) -> PyResult<Self> {
        let schema: SchemaRef = Arc::new(Schema::new(vec![field.with_name(name)]));
        let batch = |part: A| RecordBatch::try_new(schema.clone(), vec![Arc::new(part) as ArrayRef]);
        let batches = parts.into_iter().map(batch).collect::<Result<_, _>>();
        let batches =
            batches.map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()))?;
        Ok(Self { schema, batches })
    }
}
