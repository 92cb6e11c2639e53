//! Fleets of models.

use std::sync::{Arc, OnceLock};

use arrow_array::{ArrayRef, Float64Array, Int32Array};
use creditcore::Error;
use creditcore::batch::find_column;
use creditcore::exec::{Control, threads_or_default};
use creditcore::model::{self as core, About, Layout, Output, Precision, Rows};
use creditcore_store::compiled;
use creditcore_store::models::{self, Declared};
use numpy::{PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::error::to_exception;
use crate::gate;
use crate::record::{RecordNames, predict_one};
use crate::table::Table;

/// What an engine says of a model.
type EngineOfModel = (String, &'static str, bool, Option<u64>, Option<u64>, bool, String);

/// Models that are evaluated together.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Fleet {
    inner: core::Fleet,
    engine: Option<String>,
    names: OnceLock<RecordNames>,
}

impl Fleet {
    fn new(models: Vec<core::Model>, engine: Option<String>) -> creditcore::Result<Self> {
        let inner = core::Fleet::new(models, engine.as_deref())?;
        Ok(Self { inner, engine, names: OnceLock::new() })
    }

    /// Runs `work` on some rows through the gate; on this thread where it ends before a thread would be ready.
    fn gated<T: Send>(
        &self,
        py: Python<'_>,
        (rows, fast): (usize, bool),
        progress: Option<&Bound<'_, PyAny>>,
        work: impl FnOnce(&Control) -> creditcore::Result<T> + Send,
    ) -> PyResult<T> {
        if self.inner.is_brief(rows, precision(fast)) {
            return gate::brief(py, || work(&Control::default()));
        }
        gate::run(py, progress, work)
    }
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
        gate::run(py, None, move |control| Self::new(models::load(&declared, threads, control)?, engine))
    }

    /// Reads a compiled fleet; gives it and what was declared when it was saved (JSON).
    #[staticmethod]
    #[pyo3(signature = (path, *, engine=None, threads=None))]
    fn open(
        py: Python<'_>,
        path: &str,
        engine: Option<String>,
        threads: Option<usize>,
    ) -> PyResult<(Self, String)> {
        let threads = threads_or_default(threads);
        gate::run(py, None, move |control| {
            let (models, declared) = compiled::load(path, threads, control)?;
            Ok((Self::new(models, engine)?, declared.to_string()))
        })
    }

    /// Writes a compiled fleet, with what is declared of it (JSON).
    fn save(&self, py: Python<'_>, path: &str, declared: &str) -> PyResult<()> {
        let declared = serde_json::from_str(declared).map_err(|error| {
            to_exception(py, &Error::argument(format!("the declarations are not valid: {error}")))
        })?;
        gate::run(py, None, |_| compiled::save(path, self.inner.models(), declared))
    }

    /// A fleet of some of the models, in the order given; ensembles are shared.
    fn subset(&self, py: Python<'_>, models: Vec<usize>) -> PyResult<Self> {
        gate::run(py, None, |_| {
            let taken = models.into_iter().filter_map(|model| self.inner.models().get(model)).cloned();
            Self::new(taken.collect(), self.engine.clone())
        })
    }

    /// A fleet of these models and those of another; ensembles are shared.
    fn joined(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        gate::run(py, None, |_| {
            Self::new([self.inner.models(), other.inner.models()].concat(), self.engine.clone())
        })
    }

    /// The outputs of every model for one record; dict to dict.
    fn predict_one<'py>(&self, record: &Bound<'py, PyAny>, transformed: bool) -> PyResult<Bound<'py, PyAny>> {
        let names = match self.names.get() {
            Some(names) => names,
            None => {
                let names = RecordNames::of(record.py(), &self.inner)?;
                self.names.get_or_init(|| names)
            }
        };
        Ok(predict_one(&self.inner, names, record.cast()?, output(transformed))?.into_any())
    }

    /// The names of the models, in order.
    fn model_names(&self) -> Vec<String> {
        self.inner.models().iter().map(|model| model.name.clone()).collect()
    }

    /// The names of the outputs, in order.
    fn output_names(&self) -> Vec<String> {
        self.inner.output_names()
    }

    /// The outputs of every model into an array of rows by outputs; NaN where a model does not apply.
    #[pyo3(signature = (frame, transformed, out, *, fast=false, threads=None, progress=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of `predict`, and where it writes")]
    fn predict_into(
        &self,
        py: Python<'_>,
        frame: PyTable,
        transformed: bool,
        out: &Bound<'_, PyArray2<f64>>,
        fast: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (rows, threads) = (rows(frame), threads_or_default(threads));
        let wanted = [rows.count(), self.inner.output_names().len()];
        let refused = |text: String| to_exception(py, &Error::argument(text));
        if out.shape() != wanted {
            return Err(refused(format!(
                "`out` is of shape {:?}; {wanted:?} (rows, outputs) is needed",
                out.shape()
            )));
        }
        let layout = if out.is_c_contiguous() { Layout::Rows } else { Layout::Columns };
        let mut array =
            out.try_readwrite().map_err(|error| refused(format!("`out` cannot be written: {error}")))?;
        let values =
            array.as_slice_mut().map_err(|error| refused(format!("`out` is not contiguous: {error}")))?;
        let kind = (output(transformed), precision(fast));
        let work =
            |control: &Control| self.inner.predict_into(&rows, kind, (layout, values), threads, control);
        self.gated(py, (rows.count(), fast), progress, work)
    }

    /// The outputs of every model; `transformed` by the library's own transform, `fast` where that may differ. Columns
    /// that have bins come as these, in the column that `binned` names.
    #[pyo3(signature = (frame, transformed, *, fast=false, threads=None, progress=None, binned=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of `predict`, and where bins stand")]
    fn predict(
        &self,
        py: Python<'_>,
        frame: PyTable,
        transformed: bool,
        fast: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
        binned: Option<(PyRef<'_, Bins>, String)>,
    ) -> PyResult<Table> {
        let (mut rows, threads) = (rows(frame), threads_or_default(threads));
        if let Some((bins, name)) = binned {
            let position = find_column(&rows.names, &name).map_err(|error| to_exception(py, &error))?;
            rows.binned = Some(core::Binned { bins: bins.inner.clone(), position });
        }
        let (output, precision) = (output(transformed), precision(fast));
        let work = |control: &Control| self.inner.predict(&rows, output, precision, threads, control);
        let columns = self.gated(py, (rows.count(), fast), progress, work)?;
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

    /// The bins of the columns that are read as numbers alone, some left out; None where there are none.
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn bins(&self, apart: Vec<String>) -> Option<Bins> {
        self.inner.bins(&apart).map(|bins| Bins { inner: Arc::new(bins) })
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

/// The bins of some columns of a fleet.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Bins {
    inner: Arc<core::Bins>,
}

#[pymethods]
impl Bins {
    /// The names of the columns.
    fn columns(&self) -> Vec<&str> {
        self.inner.columns()
    }

    /// The bins of some rows, a list for each in one column (`bins`).
    #[pyo3(signature = (frame, *, threads=None))]
    fn of(&self, py: Python<'_>, frame: PyTable, threads: Option<usize>) -> PyResult<Table> {
        let (rows, threads) = (rows(frame), threads_or_default(threads));
        let found = gate::run(py, None, |control| self.inner.of(&rows, threads, control))?;
        Ok(Table::new(vec![("bins".to_owned(), Arc::new(found) as ArrayRef)]))
    }

    /// Whether the first column of a frame holds bins of these columns and cuts, row by row.
    fn fits(&self, frame: PyTable) -> bool {
        let (batches, _) = frame.into_inner();
        batches.iter().all(|batch| batch.num_columns() > 0 && self.inner.fits(batch.column(0)))
    }
}

fn output(transformed: bool) -> Output {
    if transformed { Output::Prediction } else { Output::Raw }
}

fn precision(fast: bool) -> Precision {
    if fast { Precision::Fast } else { Precision::Exact }
}

fn rows(frame: PyTable) -> Rows {
    let (batches, schema) = frame.into_inner();
    let names = schema.fields().iter().map(|field| field.name().clone()).collect();
    Rows { names, batches, binned: None }
}

fn wrap(name: String, shape: Vec<usize>, values: ArrayRef) -> (String, Vec<usize>, Table) {
    (name, shape, Table::new(vec![("values".to_owned(), values)]))
}

/// The formats of model files that can be read.
#[pyfunction]
pub(crate) fn model_formats() -> Vec<&'static str> {
    core::FORMATS.iter().map(|format| format.name).collect()
}
