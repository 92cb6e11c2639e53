//! The gate of every long call: the interpreter is released, Ctrl-C is answered, errors are mapped.
//!
//! The work runs on a thread of its own while the calling thread looks for signals every 50 ms and reports
//! progress at most ten times a second. The only place that detaches from the interpreter.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use creditcore::exec::Control;
use pyo3::prelude::*;

use crate::error::to_exception;

/// How often signals are looked for; an interrupt is answered within twice that.
const TICK: Duration = Duration::from_millis(50);
/// Ticks between two reports of progress.
const TICKS_PER_REPORT: u32 = 2;

/// Runs a short piece of work without the interpreter, on the calling thread.
pub(crate) fn brief<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> creditcore::Result<T> + Send,
) -> PyResult<T> {
    py.detach(work).map_err(|error| to_exception(py, &error))
}

/// Runs `work` without the interpreter. `progress` is called with the rows done so far.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Control) -> creditcore::Result<T> + Send,
) -> PyResult<T> {
    let control = Control::default();
    let mut stopped: Option<PyErr> = None;
    let outcome = std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        // A receiver is not `Sync`, which borrowing it while detached asks for.
        let receiver = Mutex::new(receiver);
        let finished = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK);
        let shared = &control;
        let worker = scope.spawn(move || {
            let outcome = work(shared);
            // The receiver hangs up only after this.
            let _ = sender.send(());
            outcome
        });
        let mut ticks = 0;
        while let Err(RecvTimeoutError::Timeout) = py.detach(finished) {
            ticks += 1;
            let looked = py.check_signals().and_then(|()| match progress {
                Some(report) if ticks % TICKS_PER_REPORT == 0 => report.call1((control.done(),)).map(drop),
                _ => Ok(()),
            });
            if let Err(error) = looked {
                control.cancel();
                stopped.get_or_insert(error);
            }
        }
        py.detach(|| worker.join())
    });
    if let Some(error) = stopped {
        return Err(error);
    }
    match outcome {
        Ok(result) => result.map_err(|error| to_exception(py, &error)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
