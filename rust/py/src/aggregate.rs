//! Aggregates and rankings.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{ArrayRef, Float64Array, StringArray, StructArray, UInt64Array};
use arrow_schema::{DataType, Field};
use creditcore::aggregate as core;
use creditcore::exec::threads_or_default;
use creditcore::{Error, rank};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList};
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

use crate::error::to_exception;
use crate::gate;
use crate::region::Regions;
use crate::source::Source;

/// Exact sums of every grouping of a plan.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Aggregate {
    inner: core::Aggregate,
}

/// Aggregates a source by a plan (JSON).
#[pyfunction]
#[pyo3(signature = (source, plan, regions=None, *, threads=None, progress=None))]
pub(crate) fn aggregate(
    py: Python<'_>,
    source: &Source,
    plan: &str,
    regions: Option<&Regions>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Aggregate> {
    let plan: core::Plan = serde_json::from_str(plan)
        .map_err(|error| to_exception(py, &Error::argument(format!("the plan is not valid: {error}"))))?;
    let (source, regions) = (source.inner.clone(), regions.map(|regions| regions.inner.clone()));
    let threads = threads_or_default(threads);
    let inner = gate::run(py, progress, move |control| {
        core::aggregate(&*source, &plan, regions.as_ref(), threads, control)
    })?;
    Ok(Aggregate { inner })
}

#[pymethods]
impl Aggregate {
    /// The sums of both.
    fn merged(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        let mut inner = self.inner.clone();
        inner.merge(&other.inner).map_err(|error| to_exception(py, &error))?;
        Ok(Self { inner })
    }

    /// The sums without the other's.
    fn retracted(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        let mut inner = self.inner.clone();
        inner.retract(&other.inner).map_err(|error| to_exception(py, &error))?;
        Ok(Self { inner })
    }

    /// The byte form: equal sums have equal bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.to_bytes())
    }

    /// Reads the byte form.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let inner = core::Aggregate::from_bytes(data).map_err(|error| to_exception(py, &error))?;
        Ok(Self { inner })
    }

    /// The plan, as JSON.
    fn plan(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(&self.inner.plan).map_err(|error| {
            to_exception(py, &Error::argument(format!("the plan has no JSON form: {error}")))
        })
    }

    /// Ranks one grouping.
    #[pyo3(signature = (grouping, level, regions=None, *, min_n=1))]
    fn rank(
        &self,
        py: Python<'_>,
        grouping: usize,
        level: &str,
        regions: Option<&Regions>,
        min_n: u64,
    ) -> PyResult<Ranking> {
        let regions = regions.map(|regions| regions.inner.clone());
        let inner =
            gate::run(py, None, |_| rank::rank(&self.inner, grouping, level, regions.as_deref(), min_n))?;
        Ok(Ranking { inner })
    }
}

/// Ranked rows, with what was left out. An Arrow stream: any frame library takes it.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Ranking {
    inner: rank::Ranking,
}

#[pymethods]
impl Ranking {
    /// What the ranking is by.
    fn by(&self) -> &str {
        &self.inner.by
    }

    /// Rows of the source.
    fn records(&self) -> u64 {
        self.inner.records
    }

    /// Counts of rows left out, by cause.
    fn excluded(&self) -> BTreeMap<String, u64> {
        self.inner.excluded.clone()
    }

    /// Values that are no region: value, cause, rows; the most frequent first.
    fn unresolved(&self) -> Vec<(String, String, u64)> {
        self.inner.unresolved.clone()
    }

    /// Regions without any record: code and name.
    fn without_data(&self) -> Vec<(String, String)> {
        self.inner.without_data.clone()
    }

    /// The rows' columns as plain lists, for tables and text; frames take the Arrow stream instead.
    #[pyo3(signature = () -> "dict[str, list[object]]")]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = columns(&self.inner);
        let lists = PyDict::new(py);
        for (field, array) in rows.fields().iter().zip(rows.columns()) {
            let list = match field.data_type() {
                DataType::Utf8 => PyList::new(py, array.as_string::<i32>().iter())?,
                DataType::UInt64 => PyList::new(py, array.as_primitive::<UInt64Type>().iter())?,
                DataType::Boolean => PyList::new(py, array.as_boolean().iter())?,
                _ => PyList::new(py, array.as_primitive::<Float64Type>().iter())?,
            };
            lists.set_item(field.name(), list)?;
        }
        Ok(lists)
    }

    /// The rows, as an Arrow C stream.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let rows = columns(&self.inner);
        let field = Arc::new(Field::new_struct("", rows.fields().clone(), false));
        let stream = ArrayIterator::new(std::iter::once(Ok(Arc::new(rows) as ArrayRef)), field);
        Ok(to_stream_pycapsule(py, Box::new(stream), requested_schema)?)
    }
}

/// The columns of a ranking's rows, in their published order.
fn columns(ranking: &rank::Ranking) -> StructArray {
    type Column = (String, DataType, ArrayRef);
    let rows = &ranking.rows;
    let text = |name: &str, of: &dyn Fn(&rank::Row) -> Option<&str>| -> Column {
        let array: StringArray = rows.iter().map(of).collect();
        (name.to_owned(), DataType::Utf8, Arc::new(array))
    };
    let float = |name: &str, of: &dyn Fn(&rank::Row) -> Option<f64>| -> Column {
        let array: Float64Array = rows.iter().map(of).collect();
        (name.to_owned(), DataType::Float64, Arc::new(array))
    };
    let integer = |name: &str, of: &dyn Fn(&rank::Row) -> Option<u64>| -> Column {
        let array: UInt64Array = rows.iter().map(of).collect();
        (name.to_owned(), DataType::UInt64, Arc::new(array))
    };
    let suppressed: arrow_array::BooleanArray = rows.iter().map(|_| Some(false)).collect();
    let mut all = vec![
        text("code", &|row| Some(&row.code)),
        text("name", &|row| Some(&row.name)),
        text("level", &|row| Some(&row.level)),
        text("parent", &|row| row.parent.as_deref()),
        integer("n", &|row| Some(row.estimate.n)),
        float("sum_weight", &|row| Some(row.estimate.sum_weight)),
        float("mean", &|row| row.estimate.mean),
        float("mean_plain", &|row| row.estimate.mean_plain),
        float("se", &|row| row.estimate.se),
        float("diff_parent", &|row| row.difference_to_parent),
        integer("rank", &|row| row.rank),
        integer("rank_in_parent", &|row| row.rank_in_parent),
        ("suppressed".to_owned(), DataType::Boolean, Arc::new(suppressed) as ArrayRef),
    ];
    for (index, name) in ranking.other_names.iter().enumerate() {
        all.push(text(name, &|row| Some(row.other_names[index].as_str()).filter(|name| !name.is_empty())));
    }
    let field = |(name, kind, array): Column| (Arc::new(Field::new(name, kind, true)), array);
    StructArray::from(all.into_iter().map(field).collect::<Vec<_>>())
}

/// The instruction set that the kernels use.
#[pyfunction]
pub(crate) fn instruction_set(py: Python<'_>) -> PyResult<String> {
    creditcore::exec::instruction_set().map_err(|error| to_exception(py, &error))
}
