//! Decisions and hits counted, without a row for each record.
//!
//! In: a policy and a source. Out: how many records have each decision, how many each rule hits, how many rules
//! failed. Memory: masks of one block for each thread, whatever the number of records.

use creditcore_kernels::mask::{Mask, count};

use super::engine::{Engine, Sink};
use super::golden::Trouble;
use super::policy::Policy;
use super::records::Programs;
use crate::batch::Source;
use crate::error::Result;
use crate::exec::{Control, parallel};

/// What became of the records of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there are.
    pub records: u64,
    /// How many are rejected.
    pub reject: u64,
    /// How many a person looks at.
    pub review: u64,
    /// For each rule, live or shadow, how many it hits.
    pub hits: Vec<u64>,
    /// For each rule how often it failed.
    pub errors: Vec<u64>,
}

impl Tally {
    fn of(rules: usize) -> Self {
        Self { hits: vec![0; rules], errors: vec![0; rules], ..Self::default() }
    }

    fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.reject += other.reject;
        self.review += other.review;
        self.hits.iter_mut().zip(&other.hits).for_each(|(all, one)| *all += one);
        self.errors.iter_mut().zip(&other.errors).for_each(|(all, one)| *all += one);
    }
}

impl Sink for Tally {
    fn hit(&mut self, rule: usize, _: bool, _: bool, _: &Mask, count: u32) {
        self.hits[rule] += u64::from(count);
    }

    fn trouble(&mut self, _: usize, rule: usize, _: Trouble) {
        self.errors[rule] += 1;
    }

    fn decided(&mut self, rejected: &Mask, reviewed: &Mask, rows: usize) {
        let only: Mask = std::array::from_fn(|word| reviewed[word] & !rejected[word]);
        self.records += rows as u64;
        self.reject += count(rejected);
        self.review += count(&only);
    }
}

impl Policy {
    /// Counts the decisions of a source and the hits of every rule.
    ///
    /// # Errors
    /// As [`Self::decide`].
    pub fn tally(
        &self,
        source: &dyn Source,
        day: Option<i32>,
        threads: usize,
        control: &Control,
    ) -> Result<Tally> {
        self.check_day(day)?;
        let wanted = self.wanted(source.column_names())?;
        let names = self.columns();
        let programs = Programs::default();
        let make = || Ok((Engine::new(self, &names, day)?, Tally::of(self.rules.len())));
        let work = |(engine, tally): &mut (Engine<'_>, Tally), task: usize| {
            source.read(task, &wanted, control, &mut |batch| {
                let columns = self.wall_times(names.iter().copied(), &batch.columns)?;
                let program = programs.of(self, &names, &columns)?;
                engine.run(&program, &columns, batch.rows, tally)
            })
        };
        let mut all = Tally::of(self.rules.len());
        let parts = parallel(threads, source.tasks(), make, work)?;
        parts.iter().for_each(|(_, tally)| all.merge(tally));
        Ok(all)
    }
}
