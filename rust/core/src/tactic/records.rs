//! Deciding the records of a source.
//!
//! In: a policy, a source, the day. Out: a row for each record, in their order: decision, rules, reasons,
//! effect, errors. A record is decided alone (law 4); neither threads nor batches change a row (law 2).

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

use std::sync::{Arc, Mutex, PoisonError};

use super::decided::{Decided, Language, to_batch};
use super::engine::Engine;
use super::golden::{Verdict, verdict};
use super::lists::Lists;
use super::policy::{Policy, Rule};
use super::program::Program;
use crate::batch::{Role, Source, Wanted};
use crate::error::{Error, Result};
use crate::exec::{Control, parallel};

/// What is asked for beside the decisions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The day of the decisions, in days since 1970; needed where rules are in force on some days only.
    pub day: Option<i32>,
    /// The language of the reasons.
    pub language: Language,
    /// Whether the shadow rules that hit are told.
    pub shadow: bool,
    /// Whether one record is decided after the other, by the golden engine.
    pub golden: bool,
    /// Whether ids and reasons of rules are categories: four bytes a hit instead of sixteen.
    pub categories: bool,
}

impl Policy {
    /// The columns that are read of a source.
    ///
    /// # Errors
    /// `Tactic`: a rule names a column that is not there.
    pub fn wanted(&self, names: &[String]) -> Result<Vec<Wanted>> {
        for rule in &self.rules {
            rule.when.require(names).map_err(|error| rule_fault(&rule.id, error))?;
        }
        Ok(self.roles())
    }

    /// The columns that rules name, as they are read.
    pub fn roles(&self) -> Vec<Wanted> {
        let numbers = self.number_columns();
        let role = |name: &str| if numbers.contains(name) { Role::Number } else { Role::Key };
        let wanted = |name: &str| Wanted { name: name.to_owned(), role: role(name) };
        self.columns().into_iter().map(wanted).collect()
    }

    /// Decides every record of a source.
    ///
    /// Memory: the result, and the columns of a batch for each thread.
    ///
    /// # Errors
    /// `Argument`: rules with days and no day; `Tactic`: a column that is not there, types that do not fit, with
    /// the rule; what the source gives back.
    pub fn decide(
        &self,
        source: &dyn Source,
        options: Options,
        threads: usize,
        control: &Control,
    ) -> Result<Vec<RecordBatch>> {
        self.check_day(options.day)?;
        let wanted = self.wanted(source.column_names())?;
        let names = self.columns();
        let programs = Programs::default();
        let make = || Ok((Engine::new(self, &names, options.day)?, Vec::new()));
        let work = |(engine, done): &mut (Engine<'_>, Vec<(usize, Vec<RecordBatch>)>), task: usize| {
            let mut batches = Vec::new();
            source.read(task, &wanted, control, &mut |batch| {
                let columns = self.wall_times(names.iter().copied(), &batch.columns)?;
                let decided = if options.golden {
                    self.decide_rows(&names, &columns, batch.rows, options)?
                } else {
                    let program = programs.of(self, &names, &columns)?;
                    let mut lists = Lists::default();
                    engine.run(&program, &columns, batch.rows, &mut lists)?;
                    lists.finish()
                };
                batches.push(to_batch(self, &decided, options)?);
                Ok(())
            })?;
            done.push((task, batches));
            Ok(())
        };
        let mut done: Vec<(usize, Vec<RecordBatch>)> =
            parallel(threads, source.tasks(), make, work)?.into_iter().flat_map(|(_, done)| done).collect();
        done.sort_by_key(|(task, _)| *task);
        Ok(done.into_iter().flat_map(|(_, batches)| batches).collect())
    }

    /// What every rule says of the first record of a source, whatever the others do.
    ///
    /// # Errors
    /// As [`Self::decide`], and `Argument` for a source without records.
    pub fn verdicts(&self, source: &dyn Source, control: &Control) -> Result<Vec<Verdict>> {
        let wanted = self.wanted(source.column_names())?;
        let mut found: Option<Vec<Verdict>> = None;
        for task in 0..source.tasks() {
            source.read(task, &wanted, control, &mut |batch| {
                if found.is_some() || batch.rows == 0 {
                    return Ok(());
                }
                let one: Vec<ArrayRef> = batch.columns.iter().map(|array| array.slice(0, 1)).collect();
                let one = self.wall_times(wanted.iter().map(|column| column.name.as_str()), &one)?;
                let one: Vec<(&str, &ArrayRef)> =
                    wanted.iter().map(|column| column.name.as_str()).zip(&one).collect();
                let say =
                    |rule: &Rule| verdict(rule, &one, self.nan).map_err(|error| rule_fault(&rule.id, error));
                found = Some(self.rules.iter().map(say).collect::<Result<_>>()?);
                Ok(())
            })?;
        }
        found.ok_or_else(|| Error::argument("there is no record to look at"))
    }

    pub(super) fn check_day(&self, day: Option<i32>) -> Result<()> {
        if day.is_none() && self.has_days() {
            let told = "rules are in force on some days only; say `as_of`, the day of the decisions";
            return Err(Error::argument(told));
        }
        Ok(())
    }

    /// One record after the other.
    fn decide_rows(
        &self,
        names: &[&str],
        columns: &[ArrayRef],
        rows: usize,
        options: Options,
    ) -> Result<Decided> {
        let columns: Vec<(&str, &ArrayRef)> = names.iter().copied().zip(columns).collect();
        let mut decided = Decided::default();
        for row in 0..rows {
            let one: Vec<ArrayRef> = columns.iter().map(|(_, array)| array.slice(row, 1)).collect();
            let one: Vec<(&str, &ArrayRef)> = columns.iter().map(|(name, _)| *name).zip(&one).collect();
            decided.push(self.decide_row(&one, options.day)?);
        }
        Ok(decided)
    }
}

/// The programs of a policy, by the types of its columns; files may differ in them.
#[derive(Default)]
pub(super) struct Programs(Mutex<Vec<Arc<Program>>>);

impl Programs {
    /// The program for columns of these types.
    ///
    /// # Errors
    /// As [`Program::new`].
    pub(super) fn of(&self, policy: &Policy, names: &[&str], columns: &[ArrayRef]) -> Result<Arc<Program>> {
        let types: Vec<DataType> = columns.iter().map(|array| array.data_type().clone()).collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = known.iter().find(|program| program.types == types) {
            return Ok(program.clone());
        }
        let program = Arc::new(Program::new(policy, names, types)?);
        known.push(program.clone());
        Ok(program)
    }
}

/// An error inside a rule's condition, with the rule.
pub(super) fn rule_fault(id: &str, error: Error) -> Error {
    match error {
        Error::Tactic { line, column, text, hint, .. } => Error::Tactic {
            line,
            column,
            text: format!("rule `{id}`: {text}"),
            hint,
            rule: Some(id.to_owned()),
        },
        other => other,
    }
}
