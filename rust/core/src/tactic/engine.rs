//! The mask engine: a policy over blocks of rows.
//!
//! In: a [`Program`], the columns of a batch. Out: to a [`Sink`] the rows that each rule hits, what went wrong,
//! and the decisions. Every result equals the golden engine's: masks hold the truths, and where a part of a
//! condition failed in a row that its rule looks at, the golden evaluator is asked what failed.

use std::ops::Range;

use arrow_array::{Array, ArrayRef};
use creditcore_kernels::isa::Isa;
use creditcore_kernels::mask::{Mask, ROWS, WORDS, count, each_row, intersect, intersect_each};

use super::golden::{Trouble, verdict};
use super::keys::{Input, Keys, first_rows};
use super::policy::{Action, HitPolicy, OnNull, Policy};
use super::program::{Op, Part, Program};
use super::records::rule_fault;
use crate::error::{Error, Result};

/// Rules that are asked together: their hits fit the first cache.
const TOGETHER: usize = 32;

/// Takes what the engine finds, block by block.
pub(super) trait Sink {
    /// A block begins, whose masks the engine has; `all` marks its rows.
    fn block(&mut self, _engine: &Engine<'_>, _program: &Program, _all: &Mask) {}
    /// A rule hits rows, so many; `unknown` where its condition is, and it asks for a look instead of its own
    /// action.
    fn hit(&mut self, rule: usize, shadow: bool, unknown: bool, rows: &Mask, count: u32);
    /// Something went wrong in a row while a rule looked at it.
    fn trouble(&mut self, row: usize, rule: usize, trouble: Trouble);
    /// The decisions of a block of so many rows.
    fn decided(&mut self, rejected: &Mask, reviewed: &Mask, rows: usize);
}

/// What a thread needs to run programs: masks and keys, made once.
pub(super) struct Engine<'a> {
    policy: &'a Policy,
    names: &'a [&'a str],
    day: Option<i32>,
    isa: Isa,
    masks: Vec<Mask>,
    known: Vec<Mask>,
    failed: Vec<Mask>,
    keys: Keys,
}

/// What the rules of a block have decided so far.
struct Block<'b> {
    columns: &'b [ArrayRef],
    start: usize,
    rejected: Mask,
    reviewed: Mask,
    /// Rows that the rules of the tactic still look at.
    open: Mask,
    /// Rows that a row of the table has fitted.
    fitted: Mask,
}

impl<'a> Engine<'a> {
    /// An engine for columns that are read in the order of `names`.
    ///
    /// # Errors
    /// `Argument`: an instruction set is forced that the processor lacks.
    pub(super) fn new(policy: &'a Policy, names: &'a [&'a str], day: Option<i32>) -> Result<Self> {
        let isa = Isa::active().map_err(Error::argument)?;
        let (masks, known, failed) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { policy, names, day, isa, masks, known, failed, keys: Keys::new(isa, policy.nan) })
    }

    /// Decides the rows of a batch.
    ///
    /// # Errors
    /// A column that cannot be read.
    pub(super) fn run(
        &mut self,
        program: &Program,
        columns: &[ArrayRef],
        rows: usize,
        sink: &mut impl Sink,
    ) -> Result<()> {
        self.masks.resize(program.slots, [0; WORDS]);
        self.known.resize(self.names.len(), [0; WORDS]);
        self.failed.resize(program.parts.len(), [0; WORDS]);
        let inputs: Vec<Input<'_>> =
            program.columns.iter().map(|column| Input::new(&columns[column.place], &column.space)).collect();
        for start in (0..rows).step_by(ROWS) {
            let length = ROWS.min(rows - start);
            self.fill(program, &inputs, columns, start, length)?;
            sink.block(self, program, &first_rows(length));
            let (rejected, reviewed) = self.rules(program, columns, start, length, sink)?;
            sink.decided(&rejected, &reviewed, length);
        }
        Ok(())
    }

    /// The masks of every predicate and of what is made of them.
    fn fill(
        &mut self,
        program: &Program,
        inputs: &[Input<'_>],
        columns: &[ArrayRef],
        start: usize,
        rows: usize,
    ) -> Result<()> {
        let all = first_rows(rows);
        for (column, input) in program.columns.iter().zip(inputs) {
            let name = self.names[column.place];
            self.keys.read(name, input, start, rows, &column.space)?;
            self.known[column.place] = self.keys.known;
            self.keys.ask(column, &all, &mut self.masks);
        }
        if !program.parts.is_empty() {
            let arrays: Vec<ArrayRef> = columns.iter().map(|array| array.slice(start, rows)).collect();
            let named: Vec<(&str, &ArrayRef)> = self.names.iter().copied().zip(&arrays).collect();
            for (place, part) in program.parts.iter().enumerate() {
                self.part(place, part, &named, rows)?;
            }
        }
        for (slot, op) in &program.ops {
            self.masks[*slot as usize] = match op {
                Op::And(slots) => {
                    let mut mask = [0; WORDS];
                    intersect(self.isa, &self.masks, slots, &all, &mut mask);
                    mask
                }
                Op::Or(slots) => slots
                    .iter()
                    .fold([0; WORDS], |any, slot| both(&any, &self.masks[*slot as usize], |a, b| a | b)),
                Op::Not { column, slot } => {
                    both(&self.known[*column as usize], &self.masks[*slot as usize], |known, truth| {
                        known & !truth
                    })
                }
            };
        }
        Ok(())
    }

    /// A part that has no ranges.
    fn part(&mut self, place: usize, part: &Part, columns: &[(&str, &ArrayRef)], rows: usize) -> Result<()> {
        let (values, faults) = part.expression.holds(columns, rows, self.policy.nan)?;
        let (mut truth, mut falsity, mut failed) = ([0; WORDS], [0; WORDS], [0; WORDS]);
        for row in 0..rows {
            let (known, value) = (!values.is_null(row), values.value(row));
            truth[row / 64] |= u64::from(known && value) << (row % 64);
            falsity[row / 64] |= u64::from(known && !value) << (row % 64);
        }
        faults.iter().for_each(|fault| failed[fault.row / 64] |= 1 << (fault.row % 64));
        self.masks[part.truth as usize] = truth;
        self.masks[part.falsity as usize] = falsity;
        self.failed[place] = failed;
        Ok(())
    }

    /// The rules in file order; rejected and reviewed rows.
    fn rules(
        &self,
        program: &Program,
        columns: &[ArrayRef],
        start: usize,
        rows: usize,
        sink: &mut impl Sink,
    ) -> Result<(Mask, Mask)> {
        let none = [0; WORDS];
        let (rejected, reviewed) = (none, none);
        let mut block = Block { columns, start, rejected, reviewed, open: none, fitted: none };
        let all = first_rows(rows);
        for tactic in &self.policy.tactics {
            block.open = both(&all, &block.rejected, |all, rejected| all & !rejected);
            block.fitted = none;
            let mut next = tactic.rules.start;
            while next < tactic.rules.end {
                let quiet = (next..tactic.rules.end.min(next + TOGETHER))
                    .take_while(|rule| self.is_quiet(program, *rule, tactic.table));
                let end = next + quiet.count();
                if end > next {
                    self.quiet(program, next..end, &mut block, sink);
                    next = end;
                    continue;
                }
                if self.policy.rules[next].is_in_force(self.day) {
                    self.rule(program, next, tactic.table, &mut block, sink)?;
                }
                next += 1;
            }
        }
        Ok((block.rejected, block.reviewed))
    }

    /// Whether a rule only hits or does not: it keeps no other rule from a row, and nothing can go wrong in it.
    fn is_quiet(&self, program: &Program, position: usize, table: Option<HitPolicy>) -> bool {
        let (rule, masks) = (&self.policy.rules[position], &program.rules[position]);
        let ends = matches!(rule.action, Action::Reject | Action::Pass)
            || matches!(table, Some(HitPolicy::First | HitPolicy::Unique));
        let plain = masks.falsity.is_none() && masks.parts.is_empty();
        plain && (rule.shadow || !ends) && rule.is_in_force(self.day)
    }

    /// Quiet rules, all of which look at the same rows.
    fn quiet(&self, program: &Program, rules: Range<usize>, block: &mut Block<'_>, sink: &mut impl Sink) {
        let (mut hits, mut counts) = ([[0; WORDS]; TOGETHER], [0; TOGETHER]);
        let ends = &program.ends[rules.start..=rules.end];
        intersect_each(self.isa, &self.masks, &program.truths, ends, &block.open, &mut hits, &mut counts);
        for ((position, hit), count) in rules.zip(&hits).zip(counts) {
            if count == 0 {
                continue;
            }
            let rule = &self.policy.rules[position];
            sink.hit(position, rule.shadow, false, hit, count);
            if !rule.shadow && rule.action == Action::Review {
                block.reviewed = both(&block.reviewed, hit, |a, b| a | b);
            }
        }
    }

    /// The rows of a block that a rule hits when it is asked alone.
    pub(super) fn alone(&self, program: &Program, position: usize, all: &Mask) -> Mask {
        let (rule, masks) = (&self.policy.rules[position], &program.rules[position]);
        if !rule.is_in_force(self.day) {
            return [0; WORDS];
        }
        if let (Some(falsity), OnNull::Hit | OnNull::Review) = (masks.falsity, rule.on_null) {
            return both(all, &self.masks[falsity as usize], |all, falsity| all & !falsity);
        }
        let mut truth = [0; WORDS];
        intersect(self.isa, &self.masks, program.truth(position), all, &mut truth);
        truth
    }

    fn rule(
        &self,
        program: &Program,
        position: usize,
        table: Option<HitPolicy>,
        block: &mut Block<'_>,
        sink: &mut impl Sink,
    ) -> Result<()> {
        let (rule, masks) = (&self.policy.rules[position], &program.rules[position]);
        let mut truth = [0; WORDS];
        let mut hits = intersect(self.isa, &self.masks, program.truth(position), &block.open, &mut truth);
        let mut unknown = [0; WORDS];
        if let Some(falsity) = masks.falsity {
            let said = both(&truth, &self.masks[falsity as usize], |truth, falsity| truth | falsity);
            unknown = both(&block.open, &said, |open, said| open & !said);
            hits |= is_any(&unknown);
        }
        if !masks.parts.is_empty() {
            let failed = (masks.parts.iter())
                .fold([0; WORDS], |any, part| both(&any, &self.failed[*part as usize], |a, b| a | b));
            let failed = both(&failed, &block.open, |failed, open| failed & open);
            if is_any(&failed) {
                self.troubles(position, &failed, block, sink)?;
            }
        }
        if !hits {
            return Ok(());
        }
        match rule.on_null {
            OnNull::NoHit => {}
            OnNull::Error => {
                each_row(&unknown, |row| sink.trouble(block.start + row, position, Trouble::Unknown));
                unknown = [0; WORDS];
            }
            OnNull::Hit => {
                truth = both(&truth, &unknown, |a, b| a | b);
                unknown = [0; WORDS];
            }
            OnNull::Review => {}
        }
        if table == Some(HitPolicy::Unique) && !rule.shadow {
            let second =
                both(&both(&truth, &unknown, |a, b| a | b), &block.fitted, |hit, fitted| hit & fitted);
            each_row(&second, |row| sink.trouble(block.start + row, position, Trouble::Second));
            truth = both(&truth, &second, |hit, second| hit & !second);
            unknown = both(&unknown, &second, |hit, second| hit & !second);
        }
        for (mask, by_null) in [(truth, false), (unknown, true)] {
            if is_any(&mask) {
                sink.hit(position, rule.shadow, by_null, &mask, count(&mask) as u32);
                if !rule.shadow {
                    block.apply(if by_null { Action::Review } else { rule.action }, &mask, table);
                }
            }
        }
        Ok(())
    }

    /// What failed in rows that a rule looks at, by the golden evaluator.
    fn troubles(
        &self,
        position: usize,
        failed: &Mask,
        block: &Block<'_>,
        sink: &mut impl Sink,
    ) -> Result<()> {
        let rule = &self.policy.rules[position];
        let mut rows = Vec::new();
        each_row(failed, |row| rows.push(block.start + row));
        for row in rows {
            let one: Vec<ArrayRef> = block.columns.iter().map(|array| array.slice(row, 1)).collect();
            let one: Vec<(&str, &ArrayRef)> = self.names.iter().copied().zip(&one).collect();
            let said = verdict(rule, &one, self.policy.nan).map_err(|error| rule_fault(&rule.id, error))?;
            // That the condition is unknown is told with the rule's hits.
            let faults = said.troubles.into_iter().filter(|trouble| *trouble != Trouble::Unknown);
            faults.for_each(|trouble| sink.trouble(row, position, trouble));
        }
        Ok(())
    }
}

impl Block<'_> {
    fn apply(&mut self, action: Action, hit: &Mask, table: Option<HitPolicy>) {
        self.fitted = both(&self.fitted, hit, |a, b| a | b);
        match action {
            Action::Reject => self.rejected = both(&self.rejected, hit, |a, b| a | b),
            Action::Review => self.reviewed = both(&self.reviewed, hit, |a, b| a | b),
            Action::Pass | Action::Flag | Action::Score(_) | Action::Cap(_) => {}
        }
        let ends = matches!(action, Action::Reject | Action::Pass) || table == Some(HitPolicy::First);
        if ends {
            self.open = both(&self.open, hit, |open, hit| open & !hit);
        }
    }
}

/// A mask of two, word by word.
#[inline(always)]
pub(super) fn both(left: &Mask, right: &Mask, of: impl Fn(u64, u64) -> u64) -> Mask {
    std::array::from_fn(|word| of(left[word], right[word]))
}

fn is_any(mask: &Mask) -> bool {
    mask.iter().any(|word| *word != 0)
}
