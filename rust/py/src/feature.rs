//! Schemas: the inputs of models.

use std::sync::Arc;

use creditcore::exec::threads_or_default;
use creditcore::feature;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::to_exception;
use crate::gate;
use crate::source::Source;
use crate::table::Table;

/// Names, sources, types and codes of features.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Schema {
    inner: Arc<feature::Schema>,
}

#[pymethods]
impl Schema {
    /// Reads a schema from JSON; `place` names it in errors.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str, place: &str) -> PyResult<Self> {
        let inner = feature::Schema::from_json(text, place).map_err(|error| to_exception(py, &error))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The columns that a source must have.
    fn sources(&self) -> Vec<String> {
        self.inner.sources().into_iter().map(str::to_owned).collect()
    }

    /// Computes the features of a source.
    #[pyo3(signature = (source, keep, *, threads=None, progress=None))]
    fn apply(
        &self,
        py: Python<'_>,
        source: &Source,
        keep: Vec<String>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Applied> {
        let (schema, source) = (self.inner.clone(), source.inner.clone());
        let threads = threads_or_default(threads);
        let inner = gate::run(py, progress, move |control| schema.apply(&*source, &keep, threads, control))?;
        Ok(Applied { schema: self.inner.clone(), inner })
    }
}

/// Features, and what happened to their values.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Applied {
    schema: Arc<feature::Schema>,
    inner: feature::Applied,
}

#[pymethods]
impl Applied {
    /// The columns.
    fn table(&self) -> Table {
        Table { schema: self.inner.schema.clone(), batches: self.inner.batches.clone() }
    }

    /// How many rows.
    fn rows(&self) -> u64 {
        self.inner.rows
    }

    /// For each feature its counts, as plain records.
    #[pyo3(signature = () -> "list[dict[str, object]]")]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let features = self.schema.features.iter().zip(&self.inner.counts);
        let record = |(feature, counts): (&feature::Feature, &feature::Counts)| {
            let record = PyDict::new(py);
            record.set_item("feature", &feature.name)?;
            record.set_item("null", counts.null)?;
            record.set_item("special", counts.special)?;
            record.set_item("clipped", counts.clipped)?;
            record.set_item("faults", counts.faults)?;
            record.set_item("unseen", counts.unseen.clone())?;
            record.set_item("unseen_more", counts.unseen_more)?;
            Ok(record)
        };
        features.map(record).collect()
    }

    /// The first faults: row, feature, line and column of its expression, what.
    fn faults(&self) -> Vec<(u64, String, u64, u64, String)> {
        let fault = |fault: &feature::FeatureFault| {
            let name = self.schema.features[fault.feature].name.clone();
            (fault.row, name, fault.span.line, fault.span.column, fault.failure.to_string())
        };
        self.inner.faults.iter().map(fault).collect()
    }
}
