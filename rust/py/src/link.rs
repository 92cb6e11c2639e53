//! Networks of shared identifiers.

use creditcore::Error;
use creditcore::exec::threads_or_default;
use creditcore::link::{self as core, HashKey, Met, Plan};
use pyo3::prelude::*;

use crate::error::to_exception;
use crate::gate;
use crate::source::Source;
use crate::table::Table;

fn plan_of(plan: &str) -> creditcore::Result<Plan> {
    serde_json::from_str(plan).map_err(|error| Error::argument(format!("the plan is not valid: {error}")))
}

fn key_of(secret: &[u8]) -> creditcore::Result<HashKey> {
    HashKey::of_secret(secret)
        .ok_or_else(|| Error::argument(format!("the hash key has {} bytes; give 16 or more", secret.len())))
}

/// The connected components of a source's people: `key`, `component`, and the placeholders met by type.
#[pyfunction]
#[pyo3(signature = (source, plan, hash_key, *, cap=None, threads=None, progress=None))]
pub(crate) fn components(
    py: Python<'_>,
    source: &Source,
    plan: &str,
    hash_key: &[u8],
    cap: Option<u32>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Table, Met)> {
    let plan = plan_of(plan).map_err(|error| to_exception(py, &error))?;
    let key = key_of(hash_key).map_err(|error| to_exception(py, &error))?;
    let (source, threads) = (source.inner.clone(), threads_or_default(threads));
    let found = gate::run(py, progress, move |control| {
        core::components(&*source, &plan, &key, cap, threads, control)
    })?;
    let columns = vec![("key".to_owned(), found.keys), ("component".to_owned(), found.components)];
    Ok((Table::new(columns), found.placeholders))
}
