//! The state of a portfolio.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use creditcore::Error;
use creditcore::exec::threads_or_default;
use creditcore_store::state::{Counts, Lock, Manifest, State as Inner};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::aggregate::Aggregate;
use crate::error::to_exception;
use crate::gate;
use crate::region::Regions;
use crate::source::Source;
use crate::table::Table;

/// The records of a portfolio, their index and their sums.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct State {
    inner: Mutex<Inner>,
}

/// A count by name, as JSON.
fn told(counts: Counts) -> serde_json::Value {
    let Counts { inserted, updated, deleted, unchanged, superseded } = counts;
    json!({
        "inserted": inserted, "updated": updated, "deleted": deleted,
        "unchanged": unchanged, "superseded": superseded,
    })
}

#[pymethods]
impl State {
    /// Opens a state by its manifest (JSON).
    #[staticmethod]
    #[pyo3(signature = (folder, manifest, regions=None, *, threads=None, verify=true))]
    fn open(
        py: Python<'_>,
        folder: PathBuf,
        manifest: &str,
        regions: Option<&Regions>,
        threads: Option<usize>,
        verify: bool,
    ) -> PyResult<Self> {
        let manifest: Manifest = serde_json::from_str(manifest).map_err(|error| {
            to_exception(py, &Error::argument(format!("the manifest is not valid: {error}")))
        })?;
        let regions = regions.map(|regions| regions.inner.clone());
        let threads = threads_or_default(threads);
        let inner = gate::run(py, None, move |control| {
            Inner::open(&folder, manifest, regions, threads, verify, control)
        })?;
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// Finds out what a delta changes, and gives counts and seconds by stage (JSON).
    fn stage(&self, py: Python<'_>, delta: &Source) -> PyResult<String> {
        let source = delta.inner.clone();
        let (counts, stages) = gate::run(py, None, |control| self.locked().stage(&*source, control))?;
        Ok(json!({ "counts": told(counts), "stages": stages }).to_string())
    }

    /// Gives counts (JSON) and the rows of a delta that count, in the types of the state, with `_row` and `_deleted`.
    fn sift(&self, py: Python<'_>, delta: &Source) -> PyResult<(String, Table)> {
        let source = delta.inner.clone();
        let (counts, batch) = gate::run(py, None, |control| self.locked().sift(&*source, control))?;
        Ok((told(counts).to_string(), Table { schema: batch.schema(), batches: vec![batch] }))
    }

    /// Writes what is staged; gives the segment (JSON), or none where nothing changes.
    fn write(&self, py: Python<'_>, file: &str) -> PyResult<Option<String>> {
        let named = gate::brief(py, || self.locked().write(file))?;
        Ok(named.map(|named| json!(named).to_string()))
    }

    /// Puts what was written into memory.
    fn apply(&self, py: Python<'_>) -> PyResult<()> {
        gate::brief(py, || self.locked().apply())
    }

    /// Forgets what is staged.
    fn discard(&self, py: Python<'_>) -> PyResult<()> {
        gate::brief(py, || {
            self.locked().discard();
            Ok(())
        })
    }

    /// Takes in a source of any size; gives the segments written and the counts (JSON).
    #[pyo3(signature = (source, first_number, *, progress=None))]
    fn ingest(
        &self,
        py: Python<'_>,
        source: &Source,
        first_number: u64,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let source = source.inner.clone();
        let (segments, counts) =
            gate::run(py, progress, |control| self.locked().ingest(&*source, first_number, control))?;
        Ok(json!({ "segments": segments, "counts": told(counts) }).to_string())
    }

    /// Writes what is in memory; gives the checkpoint (JSON).
    fn checkpoint(&self, py: Python<'_>, number: u64) -> PyResult<String> {
        let made = gate::run(py, None, |_| self.locked().checkpoint(number))?;
        Ok(json!(made).to_string())
    }

    /// Writes the records alone; gives segments and checkpoint (JSON).
    fn compact(&self, py: Python<'_>, first_number: u64) -> PyResult<String> {
        let (segments, checkpoint) =
            gate::run(py, None, |control| self.locked().compact(first_number, control))?;
        Ok(json!({ "segments": segments, "checkpoint": checkpoint }).to_string())
    }

    /// The records of the keys of a source.
    fn find(&self, py: Python<'_>, keys: &Source) -> PyResult<Table> {
        let source = keys.inner.clone();
        let batch = gate::run(py, None, |control| self.locked().find(&*source, control))?;
        Ok(Table { schema: batch.schema(), batches: vec![batch] })
    }

    /// All records, or some of their columns.
    #[pyo3(signature = (columns=None))]
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn scan(&self, py: Python<'_>, columns: Option<Vec<String>>) -> PyResult<Table> {
        let batches = gate::run(py, None, |control| {
            let mut batches = Vec::new();
            self.locked().scan(columns.as_deref(), |batch| {
                control.check()?;
                batches.push(batch);
                Ok(())
            })?;
            Ok(batches)
        })?;
        let schema =
            batches.first().map_or_else(|| arrow_schema::Schema::empty().into(), |batch| batch.schema());
        Ok(Table { schema, batches })
    }

    /// The exact sums of all records.
    fn sums(&self, py: Python<'_>) -> PyResult<Aggregate> {
        Ok(Aggregate { inner: gate::brief(py, || Ok(self.locked().sums().clone()))? })
    }

    /// How many records and rows there are, and bytes of the index beside its file.
    fn sizes(&self, py: Python<'_>) -> PyResult<(u64, u64, usize)> {
        gate::brief(py, || {
            let state = self.locked();
            Ok((state.records(), state.rows(), state.own_bytes()))
        })
    }

    /// What stands for the state after what is staged: the sum of the records' hashes, the bytes of the sums, and
    /// how many records there are.
    fn fingerprint<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64)> {
        let (hash, sums, records) = gate::brief(py, || {
            let state = self.locked();
            let (hash, sums, records) = state.after();
            Ok((hash, sums.to_bytes(), records))
        })?;
        Ok((PyBytes::new(py, &hash.to_le_bytes()), PyBytes::new(py, &sums), records))
    }
}

impl State {
    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write to a folder, until it is given back.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct FolderLock {
    held: Mutex<Option<Lock>>,
}

#[pymethods]
impl FolderLock {
    /// Takes it.
    #[new]
    fn new(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        let lock = gate::brief(py, move || Lock::take(&folder))?;
        Ok(Self { held: Mutex::new(Some(lock)) })
    }

    /// Gives it back.
    fn release(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
