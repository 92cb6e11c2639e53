//! Versions of a network: each is immutable to whoever holds it, and the newest changes in place.
//!
//! In: a [`Network`], or records, and deltas. Out: [`Version`]s. An update takes the live network out of the version
//! before it and leaves there what undoes the delta (Baker: *Shallow binding makes functional arrays fast*, 1991), so in
//! a loop an update costs what the delta touches. A version that was left is still as it was: asked for, it copies the
//! newest one and undoes what came between. Law 1: each equals the network built of its records, to the last byte.
//!
//! Memory: the live network while versions change; a [`Network`] beside it from when the version is asked for
//! something as a whole until it is dropped; and for each version that was left and is still held, the records that
//! changed since.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow_array::ArrayRef;
use arrow_buffer::ScalarBuffer;

use super::detect::{Detection, Renewed, Weights, array, width};
use super::key::Keys;
use super::live::{Applied, Live, Undo};
use super::network::Network;
use super::plan::{Plan, Settled};
use super::read::read;
use super::settings::Settings;
use super::update::{Changes, Delta};
use super::values::Met;
use crate::batch::Source;
use crate::error::{Error, Result};
use crate::exec::Control;
use crate::id::HashKey;

/// One version of a network.
#[derive(Debug)]
pub struct Version {
    base: Arc<Base>,
    placeholders: Met,
    whole: OnceLock<Arc<Network>>,
    state: Mutex<State>,
}

/// What all versions have in common.
#[derive(Debug)]
struct Base {
    plan: Plan,
    settled: Settled,
    fingerprint: u64,
}

/// A network that changes, and the features that are kept of it.
#[derive(Clone, Debug)]
struct Changing {
    live: Live,
    features: Option<Renewed>,
}

#[derive(Debug)]
enum State {
    /// Nothing changed yet: all that there is stands in `whole`.
    Still,
    /// The newest version.
    Newest(Box<Changing>),
    /// A later version has the live network; this leads back from it.
    Left(Arc<Version>, Arc<Undo>),
}

/// What an update does beside the delta.
#[derive(Clone, Copy, Debug, Default)]
pub struct Update<'a> {
    /// Records whose latest row is earlier are removed.
    pub expire_before: Option<u32>,
    /// Days in which ties fade: asks for the features that changed.
    pub features: Option<f64>,
    /// The features that are kept, by their places in [`names`](super::detect::names); all of them if this is `None`.
    pub only: Option<&'a [usize]>,
    /// Days in which ties fade: asks for the features, as known at each record's own time, of those of whom they may
    /// be others than before.
    pub then: Option<f64>,
}

/// What an update changed.
#[derive(Debug)]
pub struct Updated {
    /// The records.
    pub changes: Changes,
    /// Features as of now that are others than before, where they were asked for.
    pub renewals: Option<Renewals>,
    /// Features as known at each record's own time that may be others, where they were asked for.
    pub then: Option<Renewals>,
}

/// The features that an update changed: keys, ascending, and their rows.
pub type Renewals = (ArrayRef, Vec<ArrayRef>);

impl Version {
    /// The first version.
    pub fn new(network: Network) -> Arc<Self> {
        let (plan, settled) = (network.plan.clone(), network.settled.clone());
        let base = Base { plan, settled, fingerprint: network.fingerprint };
        let whole = OnceLock::new();
        let placeholders = network.placeholders.clone();
        let _ = whole.set(Arc::new(network));
        Arc::new(Self { base: Arc::new(base), placeholders, whole, state: Mutex::new(State::Still) })
    }

    /// The first version of a network that is to change: records are taken up as they are read. What it is as a whole
    /// is made when that is asked for.
    ///
    /// # Errors
    /// A plan that does not fit the source, a refused value, a request to stop, more links than find room.
    pub fn changing(
        source: &dyn Source,
        plan: Plan,
        key: &HashKey,
        threads: usize,
        control: &Control,
    ) -> Result<Arc<Self>> {
        let (settled, fingerprint) = (plan.settle()?, key.fingerprint());
        let (records, placeholders) = read(source, &plan, &settled, key, threads, control)?;
        let live = Live::new(&records, &settled, fingerprint, threads, control)?;
        let base = Arc::new(Base { plan, settled, fingerprint });
        let state = Mutex::new(State::Newest(Box::new(Changing { live, features: None })));
        Ok(Arc::new(Self { base, placeholders, whole: OnceLock::new(), state }))
    }

    /// The plan, its configuration complete: caps and strengths of every type.
    pub fn plan(&self) -> Plan {
        self.base.plan.complete(&self.base.settled)
    }

    /// Types, caps, strengths and roles.
    pub fn settings(&self) -> &Settings {
        &self.base.settled.settings
    }

    /// How many people and how many links of all identifiers there are, where this is known without making the
    /// network as a whole.
    pub fn counts(&self) -> Option<(usize, usize)> {
        if let Some(whole) = self.whole.get() {
            return Some((whole.records.people(), whole.records.len()));
        }
        match &*self.state() {
            State::Newest(changing) => Some(changing.live.counts()),
            State::Still | State::Left(..) => None,
        }
    }

    /// The places of all features.
    fn features(&self) -> std::ops::Range<usize> {
        0..width(self.base.settled.settings.types.len())
    }

    /// Placeholders met while the rows of this version were read, by type, with how often.
    pub fn placeholders(&self) -> &Met {
        &self.placeholders
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network as a whole; made when it is first asked for, and kept.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn whole(&self, threads: usize, control: &Control) -> Result<Arc<Network>> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole.clone());
        }
        let mut state = self.state();
        // Another thread may have made it while this one waited.
        if let Some(whole) = self.whole.get() {
            return Ok(whole.clone());
        }
        let was_left = matches!(*state, State::Left(..));
        let changing = self.taken(&mut state, threads, control)?;
        let records = changing.live.records(threads)?;
        let (base, met) = (&self.base, self.placeholders.clone());
        let made = Network::of_records(base.plan.clone(), base.fingerprint, records, met, threads, control);
        if made.is_err() || !was_left {
            *state = State::Newest(changing);
        }
        let made = Arc::new(made?);
        Ok(self.whole.get_or_init(|| made).clone())
    }

    /// Takes the live network of this version out of its state, which is left still; one that a later version has
    /// is copied and led back.
    fn taken(&self, state: &mut State, threads: usize, control: &Control) -> Result<Box<Changing>> {
        let none = |live| Box::new(Changing { live, features: None });
        match std::mem::replace(state, State::Still) {
            State::Newest(changing) => Ok(changing),
            State::Still => {
                let whole = self.whole.get().ok_or_else(|| Error::argument("the network has no records"))?;
                let Base { settled, fingerprint, .. } = &*self.base;
                Live::new(&whole.records, settled, *fingerprint, threads, control).map(none)
            }
            State::Left(later, undo) => match self.led_back(&later, &undo, threads, control) {
                Ok(live) => Ok(none(live)),
                Err(error) => {
                    *state = State::Left(later, undo);
                    Err(error)
                }
            },
        }
    }

    /// The live network of a version that was left: from the nearest later one that can be read.
    fn led_back(
        &self,
        later: &Arc<Self>,
        undo: &Arc<Undo>,
        threads: usize,
        control: &Control,
    ) -> Result<Live> {
        let (mut at, mut undos) = (later.clone(), vec![undo.clone()]);
        let mut live = loop {
            let next = match &*at.state() {
                State::Newest(changing) => break changing.live.clone(),
                State::Left(later, undo) => {
                    undos.push(undo.clone());
                    later.clone()
                }
                State::Still => {
                    let whole = at.whole.get().ok_or_else(|| Error::argument("the network is gone"))?;
                    let Base { settled, fingerprint, .. } = &*self.base;
                    break Live::new(&whole.records, settled, *fingerprint, threads, control)?;
                }
            };
            at = next;
        };
        for undo in undos.iter().rev() {
            control.check()?;
            live.apply(&undo.records, &undo.deleted, None, 1)?;
        }
        Ok(live)
    }

    /// The version after a delta, which records changed, and, where they were asked for, the features that changed.
    ///
    /// The first update of a network takes its records up, and the first that asks for features computes all of
    /// them; every other costs what the delta touches. After an error the network is as it was.
    ///
    /// # Errors
    /// Another hash key than the network's, a delta that does not fit the plan, or a request to stop.
    pub fn update(
        &self,
        delta: Option<&dyn Source>,
        update: Update<'_>,
        key: &HashKey,
        threads: usize,
        control: &Control,
    ) -> Result<(Arc<Self>, Updated)> {
        if delta.is_some() && key.fingerprint() != self.base.fingerprint {
            return Err(Error::argument(
                "the network was made with another hash key, so the delta's identifiers would meet none of its own; \
                 set `CREDITCORE_HASH_KEY` or `key_file` to the key that it was made with",
            ));
        }
        if let Some(tau) = update.features {
            Weights::new(&self.base.settled.settings, tau)?;
        }
        let mut state = self.state();
        let mut changing = self.taken(&mut state, threads, control)?;
        let done = self.change(&mut changing, delta, update, key, threads, control);
        match done {
            Ok((met, undo, updated)) => {
                let after = Arc::new(Self {
                    base: self.base.clone(),
                    placeholders: met,
                    whole: OnceLock::new(),
                    state: Mutex::new(State::Newest(changing)),
                });
                *state = State::Left(after.clone(), Arc::new(undo));
                Ok((after, updated))
            }
            Err(error) => {
                *state = State::Newest(changing);
                Err(error)
            }
        }
    }

    /// Changes a live network; after an error it is as it was.
    fn change(
        &self,
        changing: &mut Changing,
        delta: Option<&dyn Source>,
        update: Update<'_>,
        key: &HashKey,
        threads: usize,
        control: &Control,
    ) -> Result<(Met, Undo, Updated)> {
        let Changing { live, features } = changing;
        let settled = &self.base.settled;
        if let Some(tau) = update.features {
            let all: Vec<usize> = self.features().collect();
            let wanted = update.only.unwrap_or(&all);
            if features.as_ref().is_none_or(|known| !known.keeps(tau, wanted.iter().copied())) {
                let asked = (tau, wanted.to_vec());
                *features = Some(Renewed::new(live, &settled.settings, asked, threads, control)?);
            }
        }
        let keys: Keys = live.no_keys();
        let delta = match delta {
            Some(delta) => {
                let plan = (&self.base.plan, settled);
                Delta::read(delta, plan, (&keys, live.is_empty()), key, threads, control)?
            }
            None => Delta::none(&keys),
        };
        let Applied { changes, undo, dirty, gone } =
            live.apply(&delta.given, &delta.deleted, update.expire_before, threads)?;
        let mut renewed = || -> Result<(Option<Renewals>, Option<Renewals>)> {
            let then = update.then.map(|tau| self.seen_then(live, &delta, &undo, tau, threads, control));
            let Some(known) = features else { return Ok((None, then.transpose()?)) };
            known.note(&dirty, &gone, live.numbers());
            if update.features.is_none() {
                return Ok((None, then.transpose()?));
            }
            known.renew(live, threads, control)?;
            let mut changed = known.tell(live);
            let keys = live.sort(&mut changed, threads)?;
            let columns = known.columns(&changed, threads, control)?.iter().map(array).collect();
            let renewals = (keys.array_of(0..keys.len() as u32), columns);
            Ok((Some(renewals), then.transpose()?))
        };
        match renewed() {
            Ok((renewals, then)) => Ok((delta.met, undo, Updated { changes, renewals, then })),
            Err(error) => {
                *features = None;
                live.apply(&undo.records, &undo.deleted, None, threads)?;
                Err(error)
            }
        }
    }

    /// Features as known at the own time, of whoever sees what a delta changed.
    fn seen_then(
        &self,
        live: &Live,
        delta: &Delta,
        undo: &Undo,
        tau: f64,
        threads: usize,
        control: &Control,
    ) -> Result<Renewals> {
        let Base { plan, settled, fingerprint } = &*self.base;
        let then = live.then(&delta.given, &undo.records, &settled.settings, threads)?;
        let part =
            Network::of_records(plan.clone(), *fingerprint, then.records, Met::new(), threads, control)?;
        let egos = Detection::new(&part, tau, true, threads, control)?.egos;
        let seen = |column: &ScalarBuffer<f32>| {
            let seen: Vec<f32> = then.people.iter().map(|&person| column[person as usize]).collect();
            array(&seen.into())
        };
        let columns = egos.columns.iter().map(seen).collect();
        Ok((part.keys_of(then.people.iter().copied()), columns))
    }

    /// What ties weigh and the features of everybody as of now: those that are kept, where they are of this decay.
    ///
    /// # Errors
    /// A decay that is not above 0, too many types, a request to stop.
    pub fn detection(&self, tau: f64, at: bool, threads: usize, control: &Control) -> Result<Detection> {
        if let State::Newest(changing) = &mut *self.state()
            && let Some(known) = &mut changing.features
            && !at
            && known.keeps(tau, self.features())
        {
            if !known.is_new()
                && let Err(error) = known.renew(&changing.live, threads, control)
            {
                changing.features = None;
                return Err(error);
            }
            let weights = Weights::new(&self.base.settled.settings, tau)?;
            return Ok(Detection {
                weights,
                egos: known.egos(&changing.live.sorted(threads)?, threads, control)?,
            });
        }
        Detection::new(&*self.whole(threads, control)?, tau, at, threads, control)
    }
}

impl Drop for Version {
    /// A long chain of versions is dropped one after the other, not one inside the other.
    fn drop(&mut self) {
        let mut state = std::mem::replace(&mut *self.state(), State::Still);
        while let State::Left(later, _) = state {
            let Some(later) = Arc::into_inner(later) else { break };
            state = std::mem::replace(&mut *later.state(), State::Still);
        }
    }
}
