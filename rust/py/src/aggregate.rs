//! Aggregates and rankings.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

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
    pub(crate) inner: core::Aggregate,
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

    /// Ranks one grouping; `levels` are published together with `level` by `rules` (JSON).
    #[pyo3(signature = (grouping, level, regions=None, *, min_n=1, rules=None, levels=Vec::new()))]
    #[expect(clippy::too_many_arguments, reason = "the keywords of a Python call")]
    fn rank(
        &self,
        py: Python<'_>,
        grouping: usize,
        level: &str,
        regions: Option<&Regions>,
        min_n: u64,
        rules: Option<&str>,
        levels: Vec<String>,
    ) -> PyResult<Ranking> {
        let regions = regions.map(|regions| regions.inner.clone());
        let rules: Option<rank::publish::Rules> =
            rules.map(serde_json::from_str).transpose().map_err(|error| {
                to_exception(py, &Error::argument(format!("the rules are not valid: {error}")))
            })?;
        let inner = gate::run(py, None, move |_| {
            let regions = regions.as_deref();
            let hide = |rules| rank::publish::suppress(&self.inner, grouping, &levels, regions, rules);
            let hidden = rules.as_ref().map(hide).transpose()?;
            rank::rank(&self.inner, grouping, level, regions, min_n, hidden.as_ref())
        })?;
        Ok(Ranking { inner, inference: OnceLock::new() })
    }
}

/// Ranked rows, with what was left out. An Arrow stream: any frame library takes it.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Ranking {
    inner: rank::Ranking,
    /// Made when the columns are first asked for.
    inference: OnceLock<rank::Inference>,
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

    /// The same rows, with intervals of another confidence, or from other draws.
    fn at(&self, py: Python<'_>, confidence: f64, draws: usize, seed: u64) -> PyResult<Self> {
        let sure = rank::Confidence { level: confidence, draws, seed };
        let threads = threads_or_default(None);
        let made = gate::run(py, None, |control| self.inner.inference(sure, threads, control))?;
        Ok(Self { inner: self.inner.clone(), inference: OnceLock::from(made) })
    }

    /// The same rows with other standard errors, in their order; a hidden row keeps none.
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn with_errors(&self, py: Python<'_>, errors: Vec<Option<f64>>) -> PyResult<Self> {
        let inner = self.inner.with_errors(&errors).map_err(|error| to_exception(py, &error))?;
        Ok(Self { inner, inference: OnceLock::new() })
    }

    /// For each row its best and worst place, each interval holding for its row alone.
    fn marginal_places(&self, py: Python<'_>) -> PyResult<Vec<Option<(u64, u64)>>> {
        let sure = self.inference(py)?.confidence;
        let threads = threads_or_default(None);
        gate::run(py, None, |control| self.inner.marginal_places(sure, threads, control))
    }

    /// The codes of the rows that a row cannot be told from, its own among them; none where that is not known.
    fn not_distinguishable(&self, py: Python<'_>, code: &str) -> PyResult<Option<Vec<&str>>> {
        let Some(row) = self.inner.rows.iter().position(|row| row.code == code) else {
            let text = format!("there is no row of code `{code}`; codes are texts");
            return Err(to_exception(py, &Error::argument(text)));
        };
        let same = self.inference(py)?.not_distinguishable(row);
        Ok(same.map(|rows| rows.into_iter().map(|row| self.inner.rows[row].code.as_str()).collect()))
    }

    /// How sure the intervals are, and from how many draws of which seed.
    fn confidence(&self, py: Python<'_>) -> PyResult<(f64, usize, u64)> {
        let sure = self.inference(py)?.confidence;
        Ok((sure.level, sure.draws, sure.seed))
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
        let rows = columns(&self.inner, self.inference(py)?);
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
        let rows = columns(&self.inner, self.inference(py)?);
        let field = Arc::new(Field::new_struct("", rows.fields().clone(), false));
        let stream = ArrayIterator::new(std::iter::once(Ok(Arc::new(rows) as ArrayRef)), field);
        Ok(to_stream_pycapsule(py, Box::new(stream), requested_schema)?)
    }
}

impl Ranking {
    /// What the rows say for sure: as was asked for, or with the default confidence.
    fn inference(&self, py: Python<'_>) -> PyResult<&rank::Inference> {
        if let Some(made) = self.inference.get() {
            return Ok(made);
        }
        let threads = threads_or_default(None);
        let made = gate::run(py, None, |control| {
            self.inner.inference(rank::Confidence::default(), threads, control)
        })?;
        Ok(self.inference.get_or_init(|| made))
    }
}

/// The lower ends of intervals.
fn low<T: Copy>(intervals: &[Option<(T, T)>]) -> Vec<Option<T>> {
    intervals.iter().map(|interval| interval.map(|(low, _)| low)).collect()
}

/// The upper ends of intervals.
fn high<T: Copy>(intervals: &[Option<(T, T)>]) -> Vec<Option<T>> {
    intervals.iter().map(|interval| interval.map(|(_, high)| high)).collect()
}

type Column = (String, DataType, ArrayRef);

fn floats(name: &str, values: Vec<Option<f64>>) -> Column {
    (name.to_owned(), DataType::Float64, Arc::new(Float64Array::from(values)))
}

fn integers(name: &str, values: Vec<Option<u64>>) -> Column {
    (name.to_owned(), DataType::UInt64, Arc::new(UInt64Array::from(values)))
}

/// The columns of a ranking's rows, in their published order.
fn columns(ranking: &rank::Ranking, sure: &rank::Inference) -> StructArray {
    let rows = &ranking.rows;
    let text = |name: &str, of: &dyn Fn(&rank::Row) -> Option<&str>| -> Column {
        let array: StringArray = rows.iter().map(of).collect();
        (name.to_owned(), DataType::Utf8, Arc::new(array))
    };
    let float = |name: &str, of: &dyn Fn(&rank::Row) -> Option<f64>| -> Column {
        floats(name, rows.iter().map(of).collect())
    };
    let integer = |name: &str, of: &dyn Fn(&rank::Row) -> Option<u64>| -> Column {
        integers(name, rows.iter().map(of).collect())
    };
    let suppressed: arrow_array::BooleanArray =
        rows.iter().map(|row| Some(row.suppressed.is_some())).collect();
    let mut all = vec![
        text("code", &|row| Some(&row.code)),
        text("name", &|row| Some(&row.name)),
        text("level", &|row| Some(&row.level)),
        text("parent", &|row| row.parent.as_deref()),
        integer("n", &|row| row.suppressed.is_none().then_some(row.estimate.n)),
        float("sum_weight", &|row| row.suppressed.is_none().then_some(row.estimate.sum_weight)),
        float("n_eff", &|row| row.estimate.n_eff),
        float("mean", &|row| row.estimate.mean),
        float("mean_plain", &|row| row.estimate.mean_plain),
        float("se", &|row| row.estimate.se),
        floats("ci_lo", low(&sure.mean)),
        floats("ci_hi", high(&sure.mean)),
        floats("eb_mean", sure.shrunk.clone()),
        float("diff_parent", &|row| row.difference_to_parent),
        integer("rank", &|row| row.rank),
        integer("rank_in_parent", &|row| row.rank_in_parent),
        integers("rank_lo", low(&sure.places)),
        integers("rank_hi", high(&sure.places)),
        integers("tier", sure.tier.clone()),
        ("suppressed".to_owned(), DataType::Boolean, Arc::new(suppressed) as ArrayRef),
        text("suppressed_why", &|row| row.suppressed.map(rank::publish::Reason::name)),
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
