//! The state of a portfolio.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field};
use creditcore::exec::threads_or_default;
use creditcore::{Error, refresh};
use creditcore_store::state::{self, Counts, Lock, Manifest, Named, State as Inner};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::PyTable;
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
    inner: RwLock<Inner>,
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
        Ok(Self { inner: RwLock::new(inner) })
    }

    /// Finds out what a delta changes, and what was renewed; gives counts and seconds by stage (JSON).
    #[pyo3(signature = (delta=None))]
    fn stage(&self, py: Python<'_>, delta: Option<&Source>) -> PyResult<String> {
        let source = delta.map(|delta| delta.inner.clone());
        let (counts, stages) =
            gate::run(py, None, |control| self.changed().stage(source.as_deref(), control))?;
        Ok(json!({ "counts": told(counts), "stages": stages }).to_string())
    }

    /// Gives counts (JSON) and the rows of a delta that count, in the types of the state, with `_row` and `_deleted`.
    fn sift(&self, py: Python<'_>, delta: &Source) -> PyResult<(String, Table)> {
        let source = delta.inner.clone();
        let (counts, batch) = gate::run(py, None, |control| self.changed().sift(&*source, control))?;
        Ok((told(counts).to_string(), Table { schema: batch.schema(), batches: vec![batch] }))
    }

    /// Writes what is staged to one file, or two; gives the segments (JSON), none where nothing changes.
    fn write(&self, py: Python<'_>, file: &str, second: &str) -> PyResult<String> {
        let named = gate::brief(py, || self.read().write(file, second))?;
        Ok(json!(named).to_string())
    }

    /// Puts what was written into memory.
    fn apply(&self, py: Python<'_>) -> PyResult<()> {
        gate::brief(py, || self.changed().apply())
    }

    /// Finds the records of the keys of a source.
    fn look_up(&self, py: Python<'_>, keys: &Source) -> PyResult<Found> {
        let source = keys.inner.clone();
        Ok(Found { inner: gate::run(py, None, |control| self.read().look_up(&*source, control))? })
    }

    /// Gathers some of the records that were found, in all columns, or in some of them and in those that a change needs.
    /// Several may be gathered at once.
    #[pyo3(signature = (found, start, rows, columns=None, *, threads=None))]
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn part(
        &self,
        py: Python<'_>,
        found: &Found,
        start: usize,
        rows: usize,
        columns: Option<Vec<String>>,
        threads: Option<usize>,
    ) -> PyResult<Part> {
        let gather = |_: &_| self.read().part(&found.inner, start, rows, columns.as_deref(), threads);
        Ok(Part { inner: gate::run(py, None, gather)? })
    }

    /// Notes what is made of some records of a part now: `_at` says which of them a row is of.
    fn renew(&self, py: Python<'_>, part: &Part, made: &Source) -> PyResult<()> {
        let source = made.inner.clone();
        gate::run(py, None, |control| self.read().renew(&part.inner, &*source, control))
    }

    /// The records that are staged for both files, in some of their columns; where it is known what they say, with the
    /// fingerprints of their inputs (`_inputs`).
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn staged(&self, py: Python<'_>, columns: Vec<String>) -> PyResult<[Vec<Table>; 2]> {
        let files = gate::brief(py, || self.read().staged(&columns))?;
        let table = |batch: RecordBatch| Table { schema: batch.schema(), batches: vec![batch] };
        Ok(files.map(|parts| parts.into_iter().map(table).collect()))
    }

    /// Forgets what is staged.
    fn discard(&self, py: Python<'_>) -> PyResult<()> {
        gate::brief(py, || {
            self.changed().discard();
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
            gate::run(py, progress, |control| self.changed().ingest(&*source, first_number, control))?;
        Ok(json!({ "segments": segments, "counts": told(counts) }).to_string())
    }

    /// Writes what is in memory; gives the checkpoint (JSON).
    fn checkpoint(&self, py: Python<'_>, number: u64) -> PyResult<String> {
        let made = gate::run(py, None, |_| self.changed().checkpoint(number))?;
        Ok(json!(made).to_string())
    }

    /// Has the index ready to be written everywhere, and what records near a change are read for mapped.
    fn make_ready(&self, py: Python<'_>) -> PyResult<()> {
        gate::brief(py, || self.changed().make_ready())
    }

    /// Writes the records alone; gives segments and checkpoint (JSON).
    fn compact(&self, py: Python<'_>, first_number: u64) -> PyResult<String> {
        let (segments, checkpoint) =
            gate::run(py, None, |control| self.changed().compact(first_number, control))?;
        Ok(json!({ "segments": segments, "checkpoint": checkpoint }).to_string())
    }

    /// The rows that others took the place of, or `every` row that was a record once.
    #[pyo3(signature = (*, every=false))]
    fn replaced(&self, py: Python<'_>, every: bool) -> PyResult<Replaced> {
        Ok(Replaced { inner: gate::run(py, None, |control| self.read().replaced(every, control))? })
    }

    /// Some of the rows that others took the place of, those to be kept as a whole or those that `moved`, in some columns;
    /// with the fingerprints of their inputs (`_inputs`) where these have two halves.
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn replaced_rows(
        &self,
        py: Python<'_>,
        replaced: &Replaced,
        moved: bool,
        start: usize,
        rows: usize,
        columns: Vec<String>,
    ) -> PyResult<Table> {
        let all = if moved { &replaced.inner.moved } else { &replaced.inner.whole };
        let chosen = all.get(start..all.len().min(start.saturating_add(rows))).unwrap_or_default();
        let batch = gate::run(py, None, |_| self.read().replaced_rows(chosen, &columns))?;
        Ok(Table { schema: batch.schema(), batches: vec![batch] })
    }

    /// The records of the keys of a source, or some of their columns.
    #[pyo3(signature = (keys, columns=None))]
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn find(&self, py: Python<'_>, keys: &Source, columns: Option<Vec<String>>) -> PyResult<Table> {
        let source = keys.inner.clone();
        let batch = gate::run(py, None, |control| self.read().find(&*source, columns.as_deref(), control))?;
        Ok(Table { schema: batch.schema(), batches: vec![batch] })
    }

    /// All records, or some of their columns.
    #[pyo3(signature = (columns=None))]
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn scan(&self, py: Python<'_>, columns: Option<Vec<String>>) -> PyResult<Table> {
        let batches = gate::run(py, None, |control| {
            let mut batches = Vec::new();
            self.read().scan(columns.as_deref(), |batch| {
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
        Ok(Aggregate { inner: gate::brief(py, || Ok(self.read().sums().clone()))? })
    }

    /// How many records and rows there are, and bytes of the index beside its file.
    fn sizes(&self, py: Python<'_>) -> PyResult<(u64, u64, usize)> {
        gate::brief(py, || {
            let state = self.read();
            Ok((state.records(), state.rows(), state.own_bytes()))
        })
    }

    /// What stands for the state after what is staged: the sum of the records' hashes, the bytes of the sums, and
    /// how many records there are.
    fn fingerprint<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64)> {
        let (hash, sums, records) = gate::brief(py, || {
            let state = self.read();
            let (hash, sums, records) = state.after();
            Ok((hash, sums.to_bytes(), records))
        })?;
        Ok((PyBytes::new(py, &hash.to_le_bytes()), PyBytes::new(py, &sums), records))
    }
}

impl State {
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows that others took the place of.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Replaced {
    inner: state::Replaced,
}

#[pymethods]
impl Replaced {
    /// How many are to be kept as a whole, and of how many only what moves.
    fn sizes(&self) -> (usize, usize) {
        (self.inner.whole.len(), self.inner.moved.len())
    }
}

/// Records that were found, in the order of their rows.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Found {
    inner: state::Found,
}

#[pymethods]
impl Found {
    /// For each record the place of its key among those asked for (`asked`).
    fn asked(&self) -> Table {
        let places = UInt32Array::from(self.inner.asked());
        Table::new(vec![("asked".to_owned(), Arc::new(places) as ArrayRef)])
    }
}

/// Some records with all that the state keeps of them.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Part {
    inner: state::Part,
}

#[pymethods]
impl Part {
    /// The records.
    fn records(&self) -> Table {
        let batch = self.inner.batch().clone();
        Table { schema: batch.schema(), batches: vec![batch] }
    }
}

/// Fingerprints in two halves, of columns that stand still and of those that move; texts come as they are.
#[pyfunction]
#[pyo3(signature = (source, standing, moving, *, threads=None))]
pub(crate) fn fingerprint_halves(
    py: Python<'_>,
    source: &Source,
    standing: Vec<String>,
    moving: Vec<String>,
    threads: Option<usize>,
) -> PyResult<Table> {
    let (source, threads) = (source.inner.clone(), threads_or_default(threads));
    let halves = refresh::Halves::new(standing, moving);
    let prints = gate::run(py, None, move |control| halves.of(&*source, threads, control))?;
    Table::of_column("inputs", Field::new("", DataType::LargeUtf8, false), prints)
}

/// Fingerprints of columns (`inputs`): for each row SHA-256 over the columns of some names, 128 bits in hexadecimal
/// digits; texts come as columns of 16 bytes, and a column that is not there is one of nulls.
#[pyfunction]
#[pyo3(signature = (source, names, *, threads=None))]
pub(crate) fn fingerprints(
    py: Python<'_>,
    source: &Source,
    names: Vec<String>,
    threads: Option<usize>,
) -> PyResult<Table> {
    let (source, threads) = (source.inner.clone(), threads_or_default(threads));
    let prints =
        gate::run(py, None, move |control| refresh::fingerprints(&*source, names, threads, control))?;
    Table::of_column("inputs", Field::new("", DataType::LargeUtf8, false), prints)
}

/// Compares files (JSON) of a folder with their lengths and, where `contents` says so, their checksums.
#[pyfunction]
#[pyo3(signature = (folder, files, *, contents))]
pub(crate) fn check_files(py: Python<'_>, folder: PathBuf, files: &str, contents: bool) -> PyResult<()> {
    let files: Vec<Named> = serde_json::from_str(files).map_err(|error| {
        to_exception(py, &Error::argument(format!("the list of files is not valid: {error}")))
    })?;
    gate::run(py, None, move |control| {
        state::check_files(&folder, &files, contents, threads_or_default(None), control)
    })
}

/// Writes rows of a log of decisions to a new file; gives its length and checksum. Columns of `plain` get no dictionary.
#[pyfunction]
#[pyo3(signature = (frame, path, plain, *, threads=None))]
#[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
pub(crate) fn write_log(
    py: Python<'_>,
    frame: PyTable,
    path: PathBuf,
    plain: Vec<String>,
    threads: Option<usize>,
) -> PyResult<(u64, u32)> {
    let (batches, schema) = frame.into_inner();
    gate::run(py, None, |_| state::write_log(&path, &schema, &batches, &plain, threads_or_default(threads)))
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
