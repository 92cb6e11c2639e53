//! Fleets of models.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array};
use creditcore::Error;
use creditcore::exec::threads_or_default;
use creditcore::model::{self as core, About, Output, Precision, Rows};
use creditcore_store::models::{self, Declared};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::error::to_exception;
use crate::gate;
use crate::table::Table;

/// What an engine says of a model.
type EngineOfModel = (String, &'static str, bool, Option<u64>, Option<u64>, bool, String);

/// Models that are evaluated together.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Fleet {
    inner: core::Fleet,
}

#[pymethods]
impl Fleet {
    /// Reads models from their files by their declarations (JSON).
    #[staticmethod]
    #[pyo3(signature = (declarations, *, engine=None, threads=None))]
    fn load(
        py: Python<'_>,
        declarations: &str,
        engine: Option<String>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let declared: Vec<Declared> = serde_json::from_str(declarations).map_err(|error| {
            to_exception(py, &Error::argument(format!("the declarations are not valid: {error}")))
        })?;
        let threads = threads_or_default(threads);
        let inner = gate::run(py, None, move |control| {
            core::Fleet::new(models::load(&declared, threads, control)?, engine.as_deref())
        })?;
        Ok(Self { inner })
    }

    /// The outputs of every model; `transformed` by the library's own transform, `fast` where that may differ.
    #[pyo3(signature = (frame, transformed, *, fast=false, threads=None, progress=None))]
    fn predict(
        &self,
        py: Python<'_>,
        frame: PyTable,
        transformed: bool,
        fast: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        let (rows, threads) = (rows(frame), threads_or_default(threads));
        let output = if transformed { Output::Prediction } else { Output::Raw };
        let precision = if fast { Precision::Fast } else { Precision::Exact };
        let columns = gate::run(py, progress, |control| {
            self.inner.predict(&rows, output, precision, threads, control)
        })?;
        let named = |column: core::Column| {
            let array = Float64Array::new(column.values.into(), column.applies);
            (column.name, Arc::new(array) as ArrayRef)
        };
        let columns = columns.into_iter().map(named).collect();
        Ok(Table::new(columns))
    }

    /// For every model its name, the lengths behind the rows, and the leaf numbers in one column, row by row.
    #[pyo3(signature = (frame, *, threads=None, progress=None))]
    fn leaves(
        &self,
        py: Python<'_>,
        frame: PyTable,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(String, Vec<usize>, Table)>> {
        let (rows, threads) = (rows(frame), threads_or_default(threads));
        let found = gate::run(py, progress, |control| self.inner.leaves(&rows, threads, control))?;
        let flat = |values: Vec<i32>| Arc::new(Int32Array::from(values)) as ArrayRef;
        Ok(found.into_iter().map(|matrix| wrap(matrix.name, matrix.shape, flat(matrix.values))).collect())
    }

    /// For every model its name, the lengths behind the rows, and the contributions in one column, row by row.
    #[pyo3(signature = (frame, *, threads=None, progress=None))]
    fn contributions(
        &self,
        py: Python<'_>,
        frame: PyTable,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(String, Vec<usize>, Table)>> {
        let (rows, threads) = (rows(frame), threads_or_default(threads));
        let found = gate::run(py, progress, |control| self.inner.contributions(&rows, threads, control))?;
        let flat = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
        Ok(found.into_iter().map(|matrix| wrap(matrix.name, matrix.shape, flat(matrix.values))).collect())
    }

    /// Category values that models do not know: model, feature, value, rows.
    fn unseen(&self, py: Python<'_>, frame: PyTable) -> PyResult<Vec<(String, String, String, u64)>> {
        let rows = rows(frame);
        gate::run(py, None, |control| self.inner.unseen(&rows, control))
    }

    /// What there is to know about every model, as JSON.
    fn about(&self, py: Python<'_>) -> PyResult<String> {
        let about: Vec<About> = self.inner.models().iter().map(About::of).collect();
        serde_json::to_string(&about)
            .map_err(|error| to_exception(py, &Error::argument(format!("no JSON form: {error}"))))
    }

    /// For every model what each engine says: model, engine, whether it is taken for a call of `rows` rows (or of
    /// any number), from how many rows to how many, whether it is built, why.
    #[pyo3(signature = (rows=None))]
    fn engines(&self, rows: Option<u64>) -> Vec<EngineOfModel> {
        let told = self.inner.engines(rows);
        let of_model = |(model, reasons): (&core::Model, Vec<core::Reason>)| {
            let row = |reason: core::Reason| {
                let (first, last) = reason.rows.unzip();
                let name = model.name.clone();
                (name, reason.engine, reason.chosen, first, last.flatten(), reason.built, reason.reason)
            };
            reasons.into_iter().map(row).collect::<Vec<_>>()
        };
        self.inner.models().iter().zip(told).flat_map(of_model).collect()
    }

    /// Builds the engines that are the best for calls of `rows` rows, or of any number.
    #[pyo3(signature = (rows=None, *, threads=None))]
    fn prepare(&self, py: Python<'_>, rows: Option<u64>, threads: Option<usize>) -> PyResult<()> {
        let threads = threads_or_default(threads);
        gate::run(py, None, |control| self.inner.prepare(rows, threads, control))
    }

    /// For each feature of a model values that try its decisions: on its cuts, beside them, and odd ones.
    fn probes(&self, model: usize) -> Vec<Vec<f64>> {
        self.inner.models().get(model).map(|model| core::probes(&model.ensemble)).unwrap_or_default()
    }
}

fn rows(frame: PyTable) -> Rows {
    let (batches, schema) = frame.into_inner();
    Rows { names: schema.fields().iter().map(|field| field.name().clone()).collect(), batches }
}

fn wrap(name: String, shape: Vec<usize>, values: ArrayRef) -> (String, Vec<usize>, Table) {
    (name, shape, Table::new(vec![("values".to_owned(), values)]))
}

/// The formats of model files that can be read.
#[pyfunction]
pub(crate) fn model_formats() -> Vec<&'static str> {
    core::FORMATS.iter().map(|format| format.name).collect()
}
