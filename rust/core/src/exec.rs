//! Running work on several threads, with a way to stop it and a way to see how far it is.
//!
//! In: a number of tasks and a function for one of them. Out: each thread's state, or the error of the
//! lowest failed task, so that which error is reported does not depend on the threads (law 2).

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// Shared by a caller who waits and the threads that work: a request to stop, and the progress made.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    done: AtomicU64,
}

impl Control {
    /// Asks the work to stop at its next check.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// `Err(Cancelled)` once the caller asked for a stop. Checked at least once per batch.
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Adds rows to the progress.
    pub fn advance(&self, rows: u64) {
        self.done.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows done so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// The number of threads to use: what was asked for, or one per processor that this process may use.
pub fn threads_or_default(asked: Option<usize>) -> usize {
    asked
        .filter(|&threads| threads > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get))
}

/// The name of the instruction set that the kernels use.
///
/// # Errors
/// `CREDITCORE_ISA` names none, or one that this processor lacks.
pub fn instruction_set() -> Result<String> {
    creditcore_kernels::isa::Isa::active().map(|isa| isa.to_string()).map_err(Error::argument)
}

/// Runs `tasks` tasks on up to `threads` threads. Each thread makes one state and takes the next open
/// task until none is left; the states come back in no particular order.
///
/// # Errors
/// The error of the lowest failed task. After a failure no task above it is started.
pub fn parallel<S: Send>(
    threads: usize,
    tasks: usize,
    make: impl Fn() -> Result<S> + Sync,
    work: impl Fn(&mut S, usize) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let record = |task: usize, error: Error| {
        let mut first = failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if first.as_ref().is_none_or(|(earlier, _)| task < *earlier) {
            *first = Some((task, error));
        }
        next.store(tasks, Ordering::Relaxed);
    };
    let run = || -> Option<S> {
        let mut state = match make() {
            Ok(state) => state,
            Err(error) => {
                record(0, error);
                return None;
            }
        };
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                return Some(state);
            }
            if let Err(error) = work(&mut state, task) {
                record(task, error);
                return None;
            }
        }
    };
    let threads = threads.clamp(1, tasks.max(1));
    let states: Vec<Option<S>> = if threads == 1 {
        vec![run()]
    } else {
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            handles
                .into_iter()
                .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    };
    match failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(states.into_iter().flatten().collect()),
    }
}

/// What each of `tasks` tasks gives, in their order, whichever of up to `threads` threads did it.
///
/// # Errors
/// As [`parallel`].
pub fn in_order<T: Send>(
    threads: usize,
    tasks: usize,
    work: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let keep = |made: &mut Vec<(usize, T)>, task: usize| {
        made.push((task, work(task)?));
        Ok(())
    };
    let mut made: Vec<(usize, T)> =
        parallel(threads, tasks, || Ok(Vec::new()), keep)?.into_iter().flatten().collect();
    made.sort_unstable_by_key(|(task, _)| *task);
    Ok(made.into_iter().map(|(_, made)| made).collect())
}

/// Items in order, made of `count` things: each thread makes those of a stretch and sorts them, and the sorted
/// stretches are merged. Equal items must be the same, so that threads change nothing (law 2).
///
/// # Errors
/// As [`parallel`].
pub fn sorted<T: Ord + Copy + Send>(
    threads: usize,
    count: usize,
    make: impl Fn(Range<usize>) -> Vec<T> + Sync,
) -> Result<Vec<T>> {
    /// Two for each thread, so that one which is held up leaves work to others.
    const SHARES: usize = 2;
    let most = count.div_ceil(SHARES * threads.max(1)).max(1 << 14);
    let stretches = in_order(threads, count.div_ceil(most), |task| {
        let mut items = make(task * most..count.min((task + 1) * most));
        items.sort_unstable();
        Ok(items)
    })?;
    let mut items = stretches.concat();
    // The stable sort looks for what is in order already, and merges that.
    items.sort();
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        let states = parallel(
            3,
            100,
            || Ok(Vec::new()),
            |seen, task| {
                seen.push(task);
                Ok(())
            },
        )
        .expect("no task fails");
        let mut seen: Vec<usize> = states.into_iter().flatten().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn what_tasks_give_stands_in_their_order() {
        for threads in 1..4 {
            let made = in_order(threads, 100, |task| Ok(task * task)).expect("no task fails");
            assert_eq!(made, (0..100).map(|task| task * task).collect::<Vec<_>>());
        }
    }

    #[test]
    fn stretches_come_out_in_order() {
        let item = |at: usize| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (threads, count) in [(1, 0), (1, 40_000), (2, 1), (2, 100_000), (3, 100_001)] {
            let made = sorted(threads, count, |range| range.map(item).collect()).expect("no task fails");
            let mut all: Vec<usize> = (0..count).map(item).collect();
            all.sort_unstable();
            assert_eq!(made, all);
        }
    }

    #[test]
    fn the_lowest_error_is_reported() {
        for threads in 1..4 {
            let error = parallel(
                threads,
                10,
                || Ok(()),
                |(), task| {
                    if task >= 2 { Err(Error::argument(format!("task {task}"))) } else { Ok(()) }
                },
            )
            .expect_err("tasks fail");
            assert_eq!(error, Error::argument("task 2"));
        }
    }

    #[test]
    fn a_cancelled_control_says_so() {
        let control = Control::default();
        assert!(control.check().is_ok());
        control.cancel();
        assert_eq!(control.check(), Err(Error::Cancelled));
    }
}
