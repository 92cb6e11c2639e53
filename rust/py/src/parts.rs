//! A source part by part: for whoever makes a row of output for each row of input.
//!
//! In: a source and columns with their roles. Out: an iterator of tables, each with its file and the number of its
//! first row. One part is read ahead on a thread of its own, which ends with the iterator.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_array::ArrayRef;
use creditcore::batch::{Batch, Role, Source, Wanted, find_column};
use creditcore::error::{Error, Place, Result};
use creditcore::exec::Control;
use pyo3::prelude::*;

use crate::error::to_exception;
use crate::gate;
use crate::table::Table;

/// Parts that wait to be taken.
const AHEAD: usize = 1;
/// How often a stop is looked for while a part is waited for.
const TICK: Duration = Duration::from_millis(20);

/// A batch, or the end.
type Sent = Result<Option<Batch>>;

/// The parts of a source.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Parts {
    parts: Mutex<Receiver<Sent>>,
}

impl Parts {
    /// Starts to read; columns are told by name and role (`number`, `key`).
    pub(crate) fn start(
        py: Python<'_>,
        source: &Arc<dyn Source>,
        columns: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let wanted = wanted(&**source, columns).map_err(|error| to_exception(py, &error))?;
        let (sender, receiver) = sync_channel(AHEAD);
        let source = source.clone();
        std::thread::spawn(move || send_all(&*source, &wanted, &sender));
        Ok(Self { parts: Mutex::new(receiver) })
    }
}

fn wanted(source: &dyn Source, columns: Vec<(String, String)>) -> Result<Vec<Wanted>> {
    let column = |(name, role): (String, String)| {
        find_column(source.column_names(), &name)?;
        match &*role {
            "number" => Ok(Wanted { name, role: Role::Number }),
            "key" => Ok(Wanted { name, role: Role::Key }),
            other => Err(Error::argument(format!("`{other}` is no role; allowed are `number` and `key`"))),
        }
    };
    columns.into_iter().map(column).collect()
}

fn send_all(source: &dyn Source, wanted: &[Wanted], sender: &SyncSender<Sent>) {
    let control = Control::default();
    // Nobody takes parts any more: the iterator is gone.
    let send = |sent: Sent| sender.send(sent).map_err(|_| Error::Cancelled);
    let read = |task| source.read(task, wanted, &control, &mut |batch| send(Ok(Some(batch.clone()))));
    let _ = match (0..source.tasks()).try_for_each(read) {
        Ok(()) => send(Ok(None)),
        Err(error) => send(Err(error)),
    };
}

#[pymethods]
impl Parts {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// The next part: its columns under their places (`0`, `1`, ...), its file, the number of its first row from 0.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<(Table, String, u64)>> {
        let next = |control: &Control| loop {
            control.check()?;
            match self.parts.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK) {
                Ok(sent) => return sent,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::source(
                        Place::default(),
                        "the source was read to its end, or reading broke off",
                    ));
                }
            }
        };
        let Some(batch) = gate::run(py, None, next)? else { return Ok(None) };
        let place = |(place, array): (usize, ArrayRef)| (place.to_string(), array);
        let table = Table::new(batch.columns.into_iter().enumerate().map(place).collect());
        Ok(Some((table, batch.source.to_string(), batch.first_row)))
    }
}
