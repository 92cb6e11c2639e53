//! Which engine evaluates which models of a call.
//!
//! In: the models of a fleet, perhaps the name of the engine to take, and for each call its number of rows. Out:
//! engines, each with the models that it evaluates, and reasons. An engine is built once, when it first pays; while
//! one call builds it, others are answered by the next best. Since engines equal each other, no result depends on
//! which of them was ready (law 2).

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use super::engine::{Bound, Engine, Kind};
use crate::error::{Error, Result};
use crate::exec::Control;

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

    /// The engines for a call of some rows, the best one that is ready for each model; builds what pays.
    ///
    /// # Errors
    /// A request to stop.
    pub(super) fn choose(&self, rows: u64, threads: usize, control: &Control) -> Result<Vec<Chosen<'_>>> {
        let mut open = vec![true; self.bound.len()];
        let mut chosen = Vec::new();
        for number in self.by_preference(rows) {
            let slot = &self.slots[number];
            let asked: Vec<bool> = slot.models.iter().map(|&model| open[model]).collect();
            if !asked.contains(&true) || !self.pays(slot, rows) {
                continue;
            }
            let waits = self.forced.is_some() || slot.kind.build_from == 0;
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
            let Some(_lock) = lock(&slot.building, waits) else { return Ok(None) };
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

fn lock(mutex: &Mutex<()>, waits: bool) -> Option<MutexGuard<'_, ()>> {
    if waits {
        return Some(mutex.lock().unwrap_or_else(PoisonError::into_inner));
    }
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn position(kinds: &[Kind], name: &str) -> Result<usize> {
    kinds.iter().position(|kind| kind.name == name).ok_or_else(|| {
        let known = kinds.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ");
        Error::argument(format!("there is no engine `{name}`; there are {known}"))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::ensemble::{Ensemble, Leaf, Library, Tree};
    use super::super::golden::Golden;
    use super::*;

    fn none(_: &Ensemble) -> Option<String> {
        None
    }

    /// Models whose version is not empty are refused.
    fn picky(ensemble: &Ensemble) -> Option<String> {
        (!ensemble.version.is_empty()).then(|| "a version".to_owned())
    }

    const fn kind(
        name: &'static str,
        refuses: fn(&Ensemble) -> Option<String>,
        best_from: u64,
        build_from: u64,
    ) -> Kind {
        let build = |models, _, control: &Control| {
            control.check()?;
            Ok(Box::new(Golden::new(models)) as Box<dyn Engine>)
        };
        Kind { name, what: name, refuses, fast: false, best_from, build_from, block_rows: 64, build }
    }

    static KINDS: [Kind; 3] =
        [kind("any", none, 0, 0), kind("few", none, 1, 0), kind("many", picky, 100, 1000)];

    fn model(version: &str) -> Bound {
        let leaf = Leaf { value: 1.0, id: 0, cover: 1.0 };
        let ensemble = Ensemble {
            library: Library::LightGbm,
            format: "test",
            version: version.to_owned(),
            objective: String::new(),
            features: Vec::new(),
            real_names: true,
            trees: vec![Tree::new(Vec::new(), vec![leaf], Vec::new(), 0).expect("a tree")],
            base: vec![0.0],
            averaged: false,
            link: None,
            loose_categories: Vec::new(),
            extra: Default::default(),
        };
        Bound { ensemble: Arc::new(ensemble), slots: Vec::new() }
    }

    fn engines(forced: Option<&str>) -> Result<Engines> {
        Engines::new(&KINDS, &["a", "b"], vec![model(""), model("2")], forced)
    }

    /// The engine that each of the two models is asked of.
    fn taken(engines: &Engines, rows: u64) -> Vec<&'static str> {
        let chosen = engines.choose(rows, 1, &Control::default()).expect("a choice");
        let of = |model| {
            let asks = |chosen: &&Chosen<'_>| {
                chosen.models.iter().zip(&chosen.asked).any(|(&known, &asked)| known == model && asked)
            };
            let found: Vec<&str> = chosen.iter().filter(asks).map(|chosen| chosen.kind.name).collect();
            assert_eq!(found.len(), 1);
            found[0]
        };
        vec![of(0), of(1)]
    }

    #[test]
    fn an_engine_is_taken_by_size_once_it_pays() {
        let engines = engines(None).expect("engines");
        assert_eq!(taken(&engines, 0), ["any", "any"]);
        assert_eq!(taken(&engines, 1), ["few", "few"]);
        // 450 and 450 rows wanted it; with 100 more it pays.
        assert_eq!(taken(&engines, 450), ["few", "few"]);
        assert_eq!(taken(&engines, 450), ["few", "few"]);
        let told = engines.reasons(0, Some(90));
        assert!(told[1].chosen && !told[2].built);
        assert!(engines.reasons(0, Some(99)).iter().all(|told| told.chosen == (told.engine == "few")));
        assert_eq!(taken(&engines, 100), ["many", "few"]);
        assert_eq!(taken(&engines, 100), ["many", "few"]);
        assert_eq!(taken(&engines, 99), ["few", "few"]);
        assert_eq!(engines.reasons(0, None)[2].rows, Some((100, None)));
        assert_eq!(engines.reasons(0, None)[1].rows, Some((1, Some(99))));
        assert_eq!(engines.reasons(1, None)[1].rows, Some((1, None)));
        assert_eq!(engines.reasons(1, None)[2].reason, "a version");
    }

    #[test]
    fn preparing_builds_what_a_size_wants() {
        let engines = engines(None).expect("engines");
        engines.prepare(Some(5), 1, &Control::default()).expect("built");
        assert_eq!(
            engines.reasons(0, None).iter().map(|told| told.built).collect::<Vec<_>>(),
            [false, true, false]
        );
        engines.prepare(None, 1, &Control::default()).expect("built");
        assert_eq!(taken(&engines, 100), ["many", "few"]);
        let stopped = Control::default();
        stopped.cancel();
        let engines = self::engines(None).expect("engines");
        assert_eq!(engines.prepare(None, 1, &stopped), Err(Error::Cancelled));
        assert_eq!(taken(&engines, 1000), ["many", "few"]);
    }

    #[test]
    fn while_one_call_builds_an_engine_others_take_the_next() {
        let engines = engines(None).expect("engines");
        let building = engines.slots[2].building.lock().expect("free");
        assert_eq!(taken(&engines, 5000), ["few", "few"]);
        drop(building);
        assert_eq!(taken(&engines, 5000), ["many", "few"]);
    }

    #[test]
    fn a_forced_engine_is_taken_at_any_size_or_refused() {
        let few = engines(Some("few")).expect("engines");
        assert_eq!(taken(&few, 0), ["few", "few"]);
        assert_eq!(taken(&few, 1 << 40), ["few", "few"]);
        assert_eq!(few.reasons(0, None)[1].rows, Some((1, None)));
        assert!(engines(Some("many")).is_err_and(|told| told.to_string().contains("model `b`: a version")));
        assert!(engines(Some("none")).is_err_and(|told| told.to_string().contains("`any`, `few`, `many`")));
    }
}
