//! Scores, calibrations, reasons, and figures of separation.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::Float64Array;
use arrow_schema::{DataType, Field};
use creditcore::Error;
use creditcore::batch;
use creditcore::exec::threads_or_default;
use creditcore::score::{self as core, Blend, Calibration, Output, Scaling, Scores};
use pyo3::prelude::*;

use crate::error::to_exception;
use crate::gate;
use crate::source::Source;
use crate::table::Table;

/// PDO, base odds, base points, least and greatest final points.
type Scale = (f64, f64, f64, Option<f64>, Option<f64>);

fn scaling(scale: Scale) -> creditcore::Result<Scaling> {
    let (pdo, base_odds, base_points, low, high) = scale;
    Scaling::new(pdo, base_odds, base_points, low, high)
}

/// Checks a scaling.
#[pyfunction]
pub(crate) fn check_scaling(py: Python<'_>, scale: Scale) -> PyResult<()> {
    scaling(scale).map(drop).map_err(|error| to_exception(py, &error))
}

/// Checks a blend (JSON).
#[pyfunction]
pub(crate) fn check_blend(py: Python<'_>, blend: &str) -> PyResult<()> {
    Blend::from_json(blend).map(drop).map_err(|error| to_exception(py, &error))
}

/// Scores predictions: `fraud_p`, `pd`, `points_model`, `points_final`.
#[pyfunction]
#[pyo3(signature = (predictions, blend, scale, decisions=None, *, output="probability", still=false, threads=None, progress=None))]
#[expect(clippy::too_many_arguments, reason = "the arguments of one call of the Python package")]
pub(crate) fn score(
    py: Python<'_>,
    predictions: &Source,
    blend: &str,
    scale: Scale,
    decisions: Option<&Source>,
    output: &str,
    still: bool,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Table> {
    let (source, decisions) = (predictions.inner.clone(), decisions.map(|decisions| decisions.inner.clone()));
    let threads = threads_or_default(threads);
    let (schema, batches) = gate::run(py, progress, move |control| {
        let (blend, scaling, output) = (Blend::from_json(blend)?, scaling(scale)?, Output::named(output)?);
        let batches =
            core::score(&*source, &blend, &scaling, decisions.as_deref(), (output, still), threads, control)?;
        Ok((core::columns(), batches))
    })?;
    Ok(Table { schema, batches })
}

/// The sums of log-odds of the models that predictions have columns of: `still_fraud`, `still_fraud_weight`,
/// `still_credit`, `still_credit_weight`.
#[pyfunction]
#[pyo3(signature = (predictions, blend, *, output="probability", threads=None))]
pub(crate) fn still_sums(
    py: Python<'_>,
    predictions: &Source,
    blend: &str,
    output: &str,
    threads: Option<usize>,
) -> PyResult<Table> {
    let (source, threads) = (predictions.inner.clone(), threads_or_default(threads));
    let batches = gate::run(py, None, move |control| {
        core::still(&*source, &Blend::from_json(blend)?, Output::named(output)?, threads, control)
    })?;
    let schema = batches.first().map_or_else(|| arrow_schema::Schema::empty().into(), |batch| batch.schema());
    Ok(Table { schema, batches })
}

/// Explains scores: the parts of each, and its adverse reasons.
#[pyfunction]
#[pyo3(signature = (contributions, scores, blend, scale, decisions=None, *, most=4))]
pub(crate) fn explain(
    py: Python<'_>,
    contributions: Vec<PyRef<'_, Source>>,
    scores: &Source,
    blend: &str,
    scale: Scale,
    decisions: Option<&Source>,
    most: usize,
) -> PyResult<(Table, Table)> {
    let models: Vec<Arc<dyn batch::Source>> =
        contributions.into_iter().map(|source| source.inner.clone()).collect();
    let (scores, decisions) = (scores.inner.clone(), decisions.map(|decisions| decisions.inner.clone()));
    let (parts, reasons) = gate::run(py, None, move |control| {
        let (blend, scaling) = (Blend::from_json(blend)?, scaling(scale)?);
        core::explain_records(&models, &*scores, decisions.as_deref(), &blend, &scaling, most, control)
    })?;
    let table = |batch: arrow_array::RecordBatch| Table { schema: batch.schema(), batches: vec![batch] };
    Ok((table(parts), table(reasons)))
}

fn scores_of(output: &str) -> creditcore::Result<Scores> {
    Ok(match Output::named(output)? {
        Output::Probability => Scores::Probability,
        Output::Raw => Scores::LogOdds,
    })
}

/// Learns a calibration (`platt` or `isotonic`) from `score` and `outcome`; gives it as JSON, and the counts
/// of records left out.
#[pyfunction]
#[pyo3(signature = (kind, records, *, output="probability", threads=None))]
pub(crate) fn fit_calibration(
    py: Python<'_>,
    kind: &str,
    records: &Source,
    output: &str,
    threads: Option<usize>,
) -> PyResult<(String, BTreeMap<String, u64>)> {
    let (source, threads) = (records.inner.clone(), threads_or_default(threads));
    let (made, excluded) = gate::run(py, None, move |control| {
        let counts = core::ScoreCounts::of(&*source, scores_of(output)?, threads, control)?;
        let made = match kind {
            "platt" => core::platt(&counts.entries)?,
            _ => core::isotonic(&counts.entries)?,
        };
        Ok((made, counts.excluded))
    })?;
    Ok((to_json(py, &made)?, excluded))
}

fn to_json(py: Python<'_>, calibration: &Calibration) -> PyResult<String> {
    serde_json::to_string(calibration).map_err(|error| {
        to_exception(py, &Error::argument(format!("the calibration has no JSON form: {error}")))
    })
}

/// Checks a calibration (JSON).
#[pyfunction]
pub(crate) fn check_calibration(py: Python<'_>, calibration: &str) -> PyResult<String> {
    let read: Calibration = serde_json::from_str(calibration)
        .map_err(|error| to_exception(py, &Error::argument(format!("not a calibration: {error}"))))?;
    let checked = read.checked().map_err(|error| to_exception(py, &error))?;
    to_json(py, &checked)
}

/// Applies a calibration (JSON) to the column `score`.
#[pyfunction]
#[pyo3(signature = (calibration, records, *, output="probability"))]
pub(crate) fn calibrate(
    py: Python<'_>,
    calibration: &str,
    records: &Source,
    output: &str,
) -> PyResult<Table> {
    let source = records.inner.clone();
    let parts: Vec<Float64Array> = gate::run(py, None, move |control| {
        let calibration: Calibration = serde_json::from_str(calibration)
            .map_err(|error| Error::argument(format!("not a calibration: {error}")))?;
        core::calibrate(&calibration.checked()?, &*source, Output::named(output)?, control)
    })?;
    Table::of_column("probability", Field::new("", DataType::Float64, true), parts)
}

/// Goods and bads by score.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct ScoreCounts {
    inner: core::ScoreCounts,
}

#[pymethods]
impl ScoreCounts {
    /// Counts records with the columns `score`, `outcome` and `weight`, the last two of which may be absent.
    #[staticmethod]
    #[pyo3(signature = (records, *, threads=None))]
    fn of(py: Python<'_>, records: &Source, threads: Option<usize>) -> PyResult<Self> {
        let (source, threads) = (records.inner.clone(), threads_or_default(threads));
        let inner = gate::run(py, None, move |control| {
            core::ScoreCounts::of(&*source, Scores::AsGiven, threads, control)
        })?;
        Ok(Self { inner })
    }

    /// The counts of both.
    fn merged(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        let mut inner = self.inner.clone();
        inner.merge(other.inner.clone());
        let inner = inner.checked().map_err(|error| to_exception(py, &error))?;
        Ok(Self { inner })
    }

    /// Records that are counted.
    fn used(&self) -> u64 {
        self.inner.used
    }

    /// Records that are not, by cause.
    fn excluded(&self) -> BTreeMap<String, u64> {
        self.inner.excluded.clone()
    }

    /// How many different scores there are.
    fn distinct(&self) -> usize {
        self.inner.entries.len()
    }

    /// The area under the ROC curve.
    fn auc(&self, py: Python<'_>) -> PyResult<f64> {
        self.inner.auc().map_err(|error| to_exception(py, &error))
    }

    /// 2 AUC - 1.
    fn gini(&self, py: Python<'_>) -> PyResult<f64> {
        self.inner.gini().map_err(|error| to_exception(py, &error))
    }

    /// The greatest distance of the two distribution functions.
    fn ks(&self, py: Python<'_>) -> PyResult<f64> {
        self.inner.ks().map_err(|error| to_exception(py, &error))
    }

    /// Upper edges of bins of equal shares.
    fn quantiles(&self, py: Python<'_>, bins: usize) -> PyResult<Vec<f64>> {
        self.inner.quantiles(bins).map_err(|error| to_exception(py, &error))
    }

    /// The population stability index against these records, over bins with the given upper edges.
    #[pyo3(signature = (actual, edges))]
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn psi(&self, py: Python<'_>, actual: &Self, edges: Vec<f64>) -> PyResult<f64> {
        core::psi(&self.inner, &actual.inner, &edges).map_err(|error| to_exception(py, &error))
    }
}
