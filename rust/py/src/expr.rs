//! Conditions of the tactics language.

use arrow_schema::{DataType, Field};
use creditcore::exec::threads_or_default;
use creditcore::expr::{Expression, NanMode, truths};
use pyo3::prelude::*;

use crate::error::to_exception;
use crate::gate;
use crate::source::Source;
use crate::table::Table;

/// Evaluates a condition over a source: the truths, and the faults as (row, line, column, what).
#[pyfunction]
#[pyo3(signature = (condition, source, *, nan="null", threads=None))]
#[expect(clippy::type_complexity, reason = "a pair of the two things that come back")]
pub(crate) fn evaluate(
    py: Python<'_>,
    condition: &str,
    source: &Source,
    nan: &str,
    threads: Option<usize>,
) -> PyResult<(Table, Vec<(u64, u64, u64, String)>)> {
    let nan = NanMode::named(nan).map_err(|error| to_exception(py, &error))?;
    let source = source.inner.clone();
    let threads = threads_or_default(threads);
    let found = gate::run(py, None, move |control| {
        truths(&Expression::parse(condition)?, &*source, nan, threads, control)
    })?;
    let table = Table::of_column("condition", Field::new("", DataType::Boolean, true), found.values)?;
    let fault = |fault: creditcore::expr::RowFault| {
        (fault.row, fault.span.line, fault.span.column, fault.failure.to_string())
    };
    Ok((table, found.faults.into_iter().map(fault).collect()))
}
