//! A policy over history, with what became of the records.
//!
//! In: a policy, records with a label (1 bad, 0 good, null not known yet), perhaps amounts, periods, a live
//! policy. Out: counts and sums by rule and outcome, all of them integers, so order and threads change nothing
//! (law 2). Rates, intervals and bounds are made of them elsewhere.

use std::collections::BTreeMap;

use creditcore_kernels::mask::{Mask, WORDS, count, each_row};

use super::engine::{Engine, Sink, both};
use super::golden::Trouble;
use super::policy::{Action, Policy};
use super::program::Program;

/// Rules whose overlaps are counted pair by pair.
pub const MOST_OVERLAPS: usize = 200;
/// Amounts are counted in units of 2^-20.
pub const AMOUNT_UNITS: f64 = 1_048_576.0;

/// Records and amounts by outcome: bad, good, not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// How many records.
    pub records: [u64; 3],
    /// Their amounts, in units of 2^-20.
    pub amounts: [i128; 3],
}

impl Outcomes {
    fn merge(&mut self, other: &Self) {
        for outcome in 0..3 {
            self.records[outcome] += other.records[outcome];
            self.amounts[outcome] += other.amounts[outcome];
        }
    }
}

/// What a rule did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Records that it hits when it is asked alone.
    pub hits: Outcomes,
    /// Those that no other live rule hits.
    pub exclusive: Outcomes,
    /// Those that no rule before it sends to a review or rejects.
    pub added: Outcomes,
    /// Those that it hits in the run, where a reject ends it.
    pub run: u64,
    /// How often it failed in the run.
    pub errors: u64,
    /// By period.
    pub periods: BTreeMap<u32, [u64; 3]>,
}

/// What a policy did to history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtest {
    /// All records.
    pub all: Outcomes,
    /// All records by period.
    pub periods: BTreeMap<u32, [u64; 3]>,
    /// By decision: pass, review, reject.
    pub decisions: [Outcomes; 3],
    /// By decision of the live policy, then of this one.
    pub swaps: [[Outcomes; 3]; 3],
    /// By rule.
    pub rules: Vec<RuleCounts>,
    /// Records that two rules both hit, by their positions, the lower first.
    pub overlaps: BTreeMap<(u32, u32), u64>,
}

/// Outcomes of a block's rows.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Where the outcome is bad, good, not known.
    pub(super) outcome: [Mask; 3],
    /// Amounts by row, in units; empty without.
    pub(super) amounts: Vec<i64>,
    /// Periods by row; empty without.
    pub(super) periods: Vec<u32>,
    /// The live policy's reviews and rejects.
    pub(super) live: Option<[Mask; 2]>,
}

/// Counts a batch, whose outcomes are set block by block.
pub(super) struct Counter<'p> {
    policy: &'p Policy,
    pub(super) made: Backtest,
    /// The facts of the blocks of the batch, in their order.
    pub(super) facts: Vec<Facts>,
    next: usize,
    hits: Vec<Mask>,
}

impl<'p> Counter<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        let rules = vec![RuleCounts::default(); policy.rules.len()];
        let made = Backtest { rules, ..Backtest::default() };
        Self { policy, made, facts: Vec::new(), next: 0, hits: Vec::new() }
    }

    pub(super) fn start(&mut self, facts: Vec<Facts>) {
        (self.facts, self.next) = (facts, 0);
    }
}

/// Adds the rows of a mask.
fn add(to: &mut Outcomes, rows: &Mask, facts: &Facts) {
    for (outcome, mask) in facts.outcome.iter().enumerate() {
        let rows = both(rows, mask, |a, b| a & b);
        to.records[outcome] += count(&rows);
        if !facts.amounts.is_empty() {
            each_row(&rows, |row| to.amounts[outcome] += i128::from(facts.amounts[row]));
        }
    }
}

fn add_periods(to: &mut BTreeMap<u32, [u64; 3]>, rows: &Mask, facts: &Facts) {
    if facts.periods.is_empty() {
        return;
    }
    for (outcome, mask) in facts.outcome.iter().enumerate() {
        each_row(&both(rows, mask, |a, b| a & b), |row| {
            to.entry(facts.periods[row]).or_default()[outcome] += 1;
        });
    }
}

impl Sink for Counter<'_> {
    fn block(&mut self, engine: &Engine<'_>, program: &Program, all: &Mask) {
        let facts = &self.facts[self.next];
        add(&mut self.made.all, all, facts);
        add_periods(&mut self.made.periods, all, facts);
        self.hits.clear();
        let (mut once, mut twice, mut caught) = ([0; WORDS], [0; WORDS], [0; WORDS]);
        for (position, rule) in self.policy.rules.iter().enumerate() {
            let hit = engine.alone(program, position, all);
            if !rule.shadow {
                twice = both(&twice, &both(&once, &hit, |a, b| a & b), |a, b| a | b);
                once = both(&once, &hit, |a, b| a | b);
            }
            let counts = &mut self.made.rules[position];
            add(&mut counts.hits, &hit, facts);
            add_periods(&mut counts.periods, &hit, facts);
            if matches!(rule.action, Action::Reject | Action::Review) {
                add(&mut counts.added, &both(&hit, &caught, |hit, caught| hit & !caught), facts);
                if !rule.shadow {
                    caught = both(&caught, &hit, |a, b| a | b);
                }
            }
            self.hits.push(hit);
        }
        for (position, rule) in self.policy.rules.iter().enumerate() {
            let only = both(&self.hits[position], &twice, |hit, twice| hit & !twice);
            let only = if rule.shadow { both(&only, &once, |only, once| only & !once) } else { only };
            add(&mut self.made.rules[position].exclusive, &only, facts);
        }
        let few = self.hits.len().min(MOST_OVERLAPS);
        for (one, first) in self.hits[..few].iter().enumerate() {
            for (other, second) in self.hits[..few].iter().enumerate().skip(one + 1) {
                let shared = count(&both(first, second, |a, b| a & b));
                if shared > 0 {
                    *self.made.overlaps.entry((one as u32, other as u32)).or_default() += shared;
                }
            }
        }
    }

    fn hit(&mut self, rule: usize, _: bool, _: bool, _: &Mask, count: u32) {
        self.made.rules[rule].run += u64::from(count);
    }

    fn trouble(&mut self, _: usize, rule: usize, _: Trouble) {
        self.made.rules[rule].errors += 1;
    }

    fn decided(&mut self, rejected: &Mask, reviewed: &Mask, rows: usize) {
        let facts = &self.facts[self.next];
        let all = super::keys::first_rows(rows);
        let here = by_decision(&all, reviewed, rejected);
        for (decision, mask) in here.iter().enumerate() {
            add(&mut self.made.decisions[decision], mask, facts);
        }
        if let Some([reviewed, rejected]) = &facts.live {
            for (old, before) in by_decision(&all, reviewed, rejected).iter().enumerate() {
                for (new, after) in here.iter().enumerate() {
                    add(&mut self.made.swaps[old][new], &both(before, after, |a, b| a & b), facts);
                }
            }
        }
        self.next += 1;
    }
}

/// The rows that pass, are looked at and are rejected.
fn by_decision(all: &Mask, reviewed: &Mask, rejected: &Mask) -> [Mask; 3] {
    let reviewed = both(reviewed, rejected, |reviewed, rejected| reviewed & !rejected);
    let pass = both(&both(all, &reviewed, |a, b| a & !b), rejected, |a, b| a & !b);
    [pass, reviewed, *rejected]
}

impl Backtest {
    /// Adds what another thread counted.
    pub(super) fn merge(&mut self, other: Self) {
        self.all.merge(&other.all);
        merge_periods(&mut self.periods, &other.periods);
        self.decisions.iter_mut().zip(&other.decisions).for_each(|(to, from)| to.merge(from));
        self.swaps
            .iter_mut()
            .flatten()
            .zip(other.swaps.iter().flatten())
            .for_each(|(to, from)| to.merge(from));
        for (to, from) in self.rules.iter_mut().zip(&other.rules) {
            to.hits.merge(&from.hits);
            to.exclusive.merge(&from.exclusive);
            to.added.merge(&from.added);
            to.run += from.run;
            to.errors += from.errors;
            merge_periods(&mut to.periods, &from.periods);
        }
        for (pair, shared) in other.overlaps {
            *self.overlaps.entry(pair).or_default() += shared;
        }
    }
}

fn merge_periods(to: &mut BTreeMap<u32, [u64; 3]>, from: &BTreeMap<u32, [u64; 3]>) {
    for (period, counts) in from {
        let to = to.entry(*period).or_default();
        to.iter_mut().zip(counts).for_each(|(to, from)| *to += from);
    }
}
