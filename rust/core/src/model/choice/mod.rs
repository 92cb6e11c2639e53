//! Which engine evaluates which models of a call.
//!
//! In: the models of a fleet, perhaps the name of the engine to take, and for each call its number of rows. Out:
//! engines, each with the models that it evaluates, and reasons. An engine is built once, when it first pays; while
//! one call builds it, others are answered by the next best. Since engines equal each other, no result depends on
//! which of them was ready (law 2).

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::Duration;

use super::engine::{Bound, Engine, Kind, Precision};
use crate::error::{Error, Result};
use crate::exec::Control;

/// Between two looks whether an engine that another call builds is there.
const WAIT: Duration = Duration::from_millis(2);

/// What an engine says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The engine's name.
    pub engine: &'static str,
    /// Whether it is taken: for the rows that were asked about, or for any number.
    pub chosen: bool,
    /// From how many rows of a call to how many it is taken (no end: any number), once it is built.
    pub rows: Option<(u64, Option<u64>)>,
    /// Whether it is built.
    pub built: bool,
    /// Why, or why not.
    pub reason: String,
}

/// An engine and the models that it can evaluate.
struct Slot {
    kind: &'static Kind,
    /// By their numbers in the fleet, in increasing order.
    models: Vec<usize>,
    engine: OnceLock<Box<dyn Engine>>,
    building: Mutex<()>,
    /// Rows that it was the best for and not built.
    wanted: AtomicU64,
}

/// The engines of a fleet.
pub(super) struct Engines {
    bound: Vec<Bound>,
    /// One for each engine that there is.
    slots: Vec<Slot>,
    /// For each model and engine why the engine cannot evaluate it.
    refusals: Vec<Vec<Option<String>>>,
    forced: Option<usize>,
}

/// An engine, the models of its outputs, and for each whether it is asked for here.
pub(super) struct Chosen<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) kind: &'static Kind,
    pub(super) models: &'a [usize],
    pub(super) asked: Vec<bool>,
}

impl Engines {
    /// The engines of models, out of `kinds`; `forced` names the one that evaluates all.
    ///
    /// # Errors
    /// A forced engine that there is not, or that refuses a model.
    pub(super) fn new(
        kinds: &'static [Kind],
        names: &[&str],
        bound: Vec<Bound>,
        forced: Option<&str>,
    ) -> Result<Self> {
        let forced = forced.map(|name| position(kinds, name)).transpose()?;
        let of_model = |model: &Bound| kinds.iter().map(|kind| (kind.refuses)(&model.ensemble)).collect();
        let refusals: Vec<Vec<Option<String>>> = bound.iter().map(of_model).collect();
        if let Some(engine) = forced {
            for (name, refusals) in names.iter().zip(&refusals) {
                if let Some(why) = &refusals[engine] {
                    let engine = kinds[engine].name;
                    let text = format!("engine `{engine}` cannot evaluate model `{name}`: {why}");
                    return Err(Error::argument(text));
                }
            }
        }
        let slot = |(engine, kind): (usize, &'static Kind)| Slot {
            kind,
            models: (0..bound.len()).filter(|&model| refusals[model][engine].is_none()).collect(),
            engine: OnceLock::new(),
            building: Mutex::new(()),
            wanted: AtomicU64::new(0),
        };
        let slots = kinds.iter().enumerate().map(slot).collect();
        Ok(Self { bound, slots, refusals, forced })
    }

    /// The models, bound to the columns of blocks.
    pub(super) fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// The engines for a call of some rows, the best one that is ready for each model; builds what pays. Fast
    /// sums come from the engines that have them, whatever the rows and whatever is built: other engines give
    /// other bits, and a row's bits must not depend on the rows or calls beside it.
    ///
    /// # Errors
    /// A request to stop.
    pub(super) fn choose(
        &self,
        rows: u64,
        precision: Precision,
        threads: usize,
        control: &Control,
    ) -> Result<Vec<Chosen<'_>>> {
        let mut open = vec![true; self.bound.len()];
        let mut chosen = Vec::new();
        let fast = |number: &usize| precision == Precision::Fast && self.slots[*number].kind.fast;
        let mut order = self.by_preference(if precision == Precision::Fast { u64::MAX } else { rows });
        order.sort_by_key(|number| !fast(number));
        for number in order {
            let slot = &self.slots[number];
            let asked: Vec<bool> = slot.models.iter().map(|&model| open[model]).collect();
            let needed = fast(&number);
            if !asked.contains(&true) || !(needed || self.pays(slot, rows)) {
                continue;
            }
            let waits = needed || self.forced.is_some() || slot.kind.build_from == 0;
            let Some(engine) = self.ready(slot, waits, threads, control)? else { continue };
            slot.models.iter().for_each(|&model| open[model] = false);
            chosen.push(Chosen { engine, kind: slot.kind, models: &slot.models, asked });
        }
        Ok(chosen)
    }

    /// Builds the engines that are the best for calls of `rows` rows, or of any number.
    ///
    /// # Errors
    /// A request to stop.
    pub(super) fn prepare(&self, rows: Option<u64>, threads: usize, control: &Control) -> Result<()> {
        for (number, slot) in self.slots.iter().enumerate() {
            let wanted = |&model: &usize| match rows {
                Some(rows) => self.best(model, rows) == number,
                None => self.range(model, number).is_some(),
            };
            if slot.models.iter().any(wanted) {
                self.ready(slot, true, threads, control)?;
            }
        }
        Ok(())
    }

    /// Whether a call of some rows finds the best engine of every model built.
    pub(super) fn are_built(&self, rows: u64, precision: Precision) -> bool {
        for number in self.by_preference(if precision == Precision::Fast { u64::MAX } else { rows }) {
            let slot = &self.slots[number];
            if !slot.models.is_empty() && slot.engine.get().is_none() {
                return false;
            }
            if slot.models.len() == self.bound.len() {
                break;
            }
        }
        true
    }

    /// What each engine says of a model, for calls of `rows` rows or of any number; for a number exactly one is
    /// chosen: the one that such a call would now be answered by.
    pub(super) fn reasons(&self, model: usize, rows: Option<u64>) -> Vec<Reason> {
        let taken = rows.map(|rows| {
            let able = |&number: &usize| self.refusals[model][number].is_none();
            let ready = |&number: &usize| self.is_ready(&self.slots[number], rows);
            self.by_preference(rows).into_iter().filter(able).find(ready).unwrap_or(0)
        });
        let of_slot = |(number, slot): (usize, &Slot)| {
            let range = self.range(model, number);
            let chosen = taken.map_or(range.is_some(), |taken| taken == number);
            Reason {
                engine: slot.kind.name,
                chosen,
                rows: range,
                built: slot.engine.get().is_some(),
                reason: self.reason(model, number, rows, chosen),
            }
        };
        self.slots.iter().enumerate().map(of_slot).collect()
    }

    fn reason(&self, model: usize, number: usize, rows: Option<u64>, chosen: bool) -> String {
        let slot = &self.slots[number];
        if let Some(why) = &self.refusals[model][number] {
            return why.clone();
        }
        if let Some(forced) = self.forced {
            let name = self.slots[forced].kind.name;
            return if forced == number { "asked for".to_owned() } else { format!("`{name}` was asked for") };
        }
        let Some((first, last)) = self.range(model, number) else {
            return format!("{}; another is better at any size", slot.kind.what);
        };
        let range = match last {
            Some(last) => format!("the best for {first} to {last} rows"),
            None if first <= 1 => "the best at any size".to_owned(),
            None => format!("the best from {first} rows on"),
        };
        let unready = rows.is_some_and(|rows| !chosen && self.best(model, rows) == number);
        let from = slot.kind.build_from;
        let later = if unready {
            format!("; built once {from} rows wanted it, or by `prepare`")
        } else {
            String::new()
        };
        format!("{}: {range}{later}", slot.kind.what)
    }

    /// The engines that may evaluate a call of some rows, the best first.
    fn by_preference(&self, rows: u64) -> Vec<usize> {
        if let Some(forced) = self.forced {
            return vec![forced];
        }
        let from = |number: &usize| self.slots[*number].kind.best_from;
        let mut fit: Vec<usize> = (0..self.slots.len()).filter(|number| from(number) <= rows).collect();
        fit.sort_unstable_by_key(|number| Reverse(from(number)));
        fit
    }

    /// The best engine of a model for a call of some rows, built or not.
    fn best(&self, model: usize, rows: u64) -> usize {
        let able = |&number: &usize| self.refusals[model][number].is_none();
        self.by_preference(rows).into_iter().find(able).unwrap_or(0)
    }

    /// The numbers of rows for which an engine is the best for a model.
    fn range(&self, model: usize, number: usize) -> Option<(u64, Option<u64>)> {
        let first = if self.forced.is_some() { 1 } else { self.slots[number].kind.best_from.max(1) };
        if self.best(model, first) != number {
            return None;
        }
        let starts = self.slots.iter().map(|slot| slot.kind.best_from).filter(|&start| start > first);
        let next = starts.filter(|&start| self.best(model, start) != number).min();
        Some((first, next.map(|next| next - 1)))
    }

    /// Whether an engine is built, or it pays to build it for some more rows.
    fn is_ready(&self, slot: &Slot, rows: u64) -> bool {
        let wanted = slot.wanted.load(Ordering::Relaxed).saturating_add(rows);
        self.forced.is_some() || slot.engine.get().is_some() || wanted >= slot.kind.build_from
    }

    /// The same, and remembers that it was wanted.
    fn pays(&self, slot: &Slot, rows: u64) -> bool {
        let ready = self.is_ready(slot, rows);
        if !ready {
            slot.wanted.fetch_add(rows, Ordering::Relaxed);
        }
        ready
    }

    /// An engine, built if need be; none where another call is building it and this one does not wait.
    fn ready<'a>(
        &self,
        slot: &'a Slot,
        waits: bool,
        threads: usize,
        control: &Control,
    ) -> Result<Option<&'a dyn Engine>> {
        if slot.engine.get().is_none() {
            let Some(_lock) = lock(&slot.building, waits, control)? else { return Ok(None) };
            // Another call may have built it while this one waited.
            if slot.engine.get().is_none() {
                let bound = slot.models.iter().map(|&model| self.bound[model].clone()).collect();
                let engine = (slot.kind.build)(bound, threads, control)?;
                slot.engine.get_or_init(|| engine);
            }
        }
        Ok(slot.engine.get().map(|engine| &**engine))
    }
}

/// The lock, or nothing where another call holds it and this one does not wait for it.
fn lock<'a>(mutex: &'a Mutex<()>, waits: bool, control: &Control) -> Result<Option<MutexGuard<'a, ()>>> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Ok(Some(guard)),
            Err(TryLockError::Poisoned(error)) => return Ok(Some(error.into_inner())),
            Err(TryLockError::WouldBlock) if !waits => return Ok(None),
            Err(TryLockError::WouldBlock) => {
                // A mutex that is waited for cannot be told to stop.
                control.check()?;
                std::thread::sleep(WAIT);
            }
        }
    }
}

fn position(kinds: &[Kind], name: &str) -> Result<usize> {
    kinds.iter().position(|kind| kind.name == name).ok_or_else(|| {
        let known = kinds.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ");
        Error::argument(format!("there is no engine `{name}`; there are {known}"))
    })
}
