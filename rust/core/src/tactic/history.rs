//! Reading history for a backtest.
//!
//! In: a source, the names of its label, amount and period, a condition of maturity, a live policy. Out: a
//! [`Backtest`]. A record whose label is null, or that is not mature, has no known outcome: it is counted apart
//! and never as good.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use arrow_array::ArrayRef;
use creditcore_kernels::mask::Mask;

use super::backtest::{Backtest, Counter};
use super::engine::{Engine, Sink};
use super::golden::Trouble;
use super::outcomes::{Per, Reading, Words};
use super::policy::Policy;
use super::records::Programs;
use crate::batch::{Role, Source, Wanted, find_column};
use crate::error::{Error, Result};
use crate::exec::{Control, parallel};
use crate::expr::Expression;

/// The most periods.
const MOST_PERIODS: usize = 1_000;

/// What a backtest reads beside the policy's columns.
#[derive(Debug, Default)]
pub struct History {
    /// The column of outcomes: 1 or true is bad, 0 or false good, null not known.
    pub label: String,
    /// The values of that column that are bad and good, where it has words of its own.
    pub words: Option<Words>,
    /// A column of amounts.
    pub amount: Option<String>,
    /// A column of periods: text, whole numbers, or days, which count by month.
    pub period: Option<String>,
    /// By what days count.
    pub per: Option<Per>,
    /// Where outcomes count; elsewhere they are not known yet.
    pub mature: Option<Expression>,
    /// The live policy.
    pub against: Option<Policy>,
    /// The day of the decisions.
    pub day: Option<i32>,
}

/// The periods by their texts.
#[derive(Default)]
pub(super) struct Periods(Mutex<HashMap<String, u32>>);

impl Periods {
    pub(super) fn of_all(&self, texts: &[String]) -> Result<Vec<u32>> {
        texts.iter().map(|text| self.of(text.clone())).collect()
    }

    fn of(&self, text: String) -> Result<u32> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = known.len() as u32;
        if known.len() >= MOST_PERIODS && !known.contains_key(&text) {
            return Err(Error::argument(format!(
                "there are more than {MOST_PERIODS} periods; take a coarser one, or count days by month \
                 (`per=\"month\"`, `--per month`)"
            )));
        }
        Ok(*known.entry(text).or_insert(next))
    }
}

/// Collects the decisions of the live policy.
#[derive(Default)]
struct Live(Vec<[Mask; 2]>);

impl Sink for Live {
    fn hit(&mut self, _: usize, _: bool, _: bool, _: &Mask, _: u32) {}

    fn trouble(&mut self, _: usize, _: usize, _: Trouble) {}

    fn decided(&mut self, rejected: &Mask, reviewed: &Mask, _: usize) {
        self.0.push([*reviewed, *rejected]);
    }
}

/// Where in a batch the columns of a backtest stand.
pub(super) struct Places {
    wanted: Vec<Wanted>,
    policy: Vec<usize>,
    live: Vec<usize>,
    pub(super) label: usize,
    pub(super) amount: Option<usize>,
    pub(super) period: Option<usize>,
    pub(super) mature: Vec<usize>,
}

impl Places {
    fn new(policy: &Policy, history: &History, names: &[String]) -> Result<Self> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut place = |name: &str, role: Role| {
            wanted.iter().position(|known| known.name == name).unwrap_or_else(|| {
                wanted.push(Wanted { name: name.to_owned(), role });
                wanted.len() - 1
            })
        };
        let of = |asked: Vec<Wanted>, place: &mut dyn FnMut(&str, Role) -> usize| {
            asked.iter().map(|column| place(&column.name, column.role)).collect::<Vec<usize>>()
        };
        let own = of(policy.wanted(names)?, &mut place);
        let live = match &history.against {
            Some(live) => of(live.wanted(names)?, &mut place),
            None => Vec::new(),
        };
        let mut named = |name: &String, role: Role| find_column(names, name).map(|_| place(name, role));
        // As it is written: words, truths and numbers are told apart where outcomes are read.
        let label = named(&history.label, Role::Key)?;
        let amount = history.amount.as_ref().map(|name| named(name, Role::Number)).transpose()?;
        let period = history.period.as_ref().map(|name| named(name, Role::Key)).transpose()?;
        let mut mature = Vec::new();
        if let Some(condition) = &history.mature {
            condition.require(names)?;
            mature = condition.columns().into_iter().map(|name| place(name, Role::Key)).collect();
        }
        Ok(Self { wanted, policy: own, live, label, amount, period, mature })
    }
}

pub(super) fn taken(columns: &[ArrayRef], places: &[usize]) -> Vec<ArrayRef> {
    places.iter().map(|place| columns[*place].clone()).collect()
}

impl Policy {
    /// Runs the policy over history.
    ///
    /// Memory: the counts, and the masks of a batch for each thread.
    ///
    /// # Errors
    /// As [`Self::decide`]; `Argument`: a label other than 0 and 1, an amount that is not finite, too many
    /// periods, with the row.
    pub fn backtest(
        &self,
        source: &dyn Source,
        history: &History,
        threads: usize,
        control: &Control,
    ) -> Result<(Backtest, Vec<String>)> {
        self.check_day(history.day)?;
        let places = Places::new(self, history, source.column_names())?;
        let (names, periods) = (self.columns(), Periods::default());
        let empty = Policy { tactics: Vec::new(), rules: Vec::new(), ..self.clone() };
        let live = history.against.as_ref().unwrap_or(&empty);
        live.check_day(history.day)?;
        let live_names = live.columns();
        let (programs, live_programs) = (Programs::default(), Programs::default());
        let make = || {
            let engine = Engine::new(self, &names, history.day)?;
            Ok((engine, Engine::new(live, &live_names, history.day)?, Counter::new(self)))
        };
        let work = |(engine, other, counter): &mut (Engine<'_>, Engine<'_>, Counter<'_>), task: usize| {
            source.read(task, &places.wanted, control, &mut |batch| {
                let mut decisions = Live::default();
                if history.against.is_some() {
                    let columns = taken(&batch.columns, &places.live);
                    let columns = live.wall_times(live_names.iter().copied(), &columns)?;
                    let program = live_programs.of(live, &live_names, &columns)?;
                    other.run(&program, &columns, batch.rows, &mut decisions)?;
                }
                counter.start(
                    Reading { policy: self, history, places: &places, batch }
                        .facts(&decisions.0, &periods)?,
                );
                let columns = taken(&batch.columns, &places.policy);
                let columns = self.wall_times(names.iter().copied(), &columns)?;
                let program = programs.of(self, &names, &columns)?;
                engine.run(&program, &columns, batch.rows, counter)
            })
        };
        let mut all = Counter::new(self).made;
        for (_, _, counter) in parallel(threads, source.tasks(), make, work)? {
            all.merge(counter.made);
        }
        let known = periods.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut texts = vec![String::new(); known.len()];
        known.into_iter().for_each(|(text, place)| texts[place as usize] = text);
        Ok((all, texts))
    }
}
