//! Which planes stand for what: the thermometers of every column, and the operands of a question.
//!
//! In: the cuts of each column, over all models that share planes. Out: a number for each plane, and for each question
//! the planes that answer it ([`Operands`]).

use std::collections::HashMap;

use creditcore_kernels::sliced::{Codes, Form, MOST_KEYS, Numbers, ONES, Thermometers, ZEROS};

use super::question::{Column, Cut, Question, ZERO};

/// Columns with at most so many cuts have a plane for each cut: a question is then a plane that is there already.
const MOST_SINGLE: usize = 96;
/// Ranks of at most so many cuts have two digits.
const MOST_PAIRED: usize = 1024;

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    /// By a plane that is there.
    Plane(u16),
    /// By `a | b & c`.
    Pair([u16; 3]),
    /// By `a | b & (c | d & e)`.
    Triple([u16; 5]),
    /// By looking up the positions of a column of categories.
    Set(u32),
}

/// A column of numbers.
pub(super) struct NumberColumn {
    pub(super) slot: u32,
    pub(super) numbers: Numbers,
    cuts: Vec<Cut>,
    at: Thermometers,
}

/// A column of categories.
pub(super) struct CategoryColumn {
    pub(super) column: Column,
    pub(super) codes: Codes,
}

/// The columns of some models, and their planes.
pub(super) struct Layout {
    pub(super) numbers: Vec<NumberColumn>,
    pub(super) categories: Vec<CategoryColumn>,
    by_column: HashMap<Column, usize>,
    /// The first plane that no column uses.
    pub(super) end: u16,
}

/// What is asked about a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The cuts, in increasing order.
    pub(super) cuts: Vec<Cut>,
    /// Whether some question sends missing values to the right.
    pub(super) or_missing: bool,
    /// The codes of sets, in increasing order.
    pub(super) codes: Vec<u32>,
}

impl Layout {
    /// Gives every column its planes, from the third on. None if there are not so many, or a column has too many cuts.
    pub(super) fn new(form: Form, asked: Vec<(Column, Asked)>, most_planes: usize) -> Option<Self> {
        let (mut numbers, mut categories, mut by_column) = (Vec::new(), Vec::new(), HashMap::new());
        let mut next = usize::from(ONES) + 1;
        for (column, asked) in asked {
            let Column::Numbers { slot, zeros } = column else {
                by_column.insert(column, categories.len());
                categories.push(CategoryColumn { column, codes: Codes::new(asked.codes) });
                continue;
            };
            if asked.cuts.len() > MOST_KEYS {
                return None;
            }
            let at = thermometers(asked.cuts.len(), asked.or_missing, &mut next, most_planes)?;
            let values: Vec<f64> = asked.cuts.iter().map(|cut| cut.0).collect();
            let kernel = Numbers::new(form, &values, zeros.then_some(ZERO), at);
            by_column.insert(column, numbers.len());
            numbers.push(NumberColumn { slot, numbers: kernel, cuts: asked.cuts, at });
        }
        Some(Self { numbers, categories, by_column, end: next as u16 })
    }

    /// Gives back what only questions need: none is asked from here on.
    pub(super) fn seal(&mut self) {
        self.numbers.iter_mut().for_each(|column| column.cuts = Vec::new());
    }

    /// How a question is answered.
    pub(super) fn operands(&self, question: &Question) -> Operands {
        match question {
            Question::Among { column, .. } => Operands::Set(self.by_column[column] as u32),
            Question::Above { column, cut, or_missing } => {
                self.numbers[self.by_column[column]].operands(*cut, *or_missing)
            }
        }
    }

    /// The codes of a column of categories.
    pub(super) fn codes(&self, column: u32) -> &Codes {
        &self.categories[column as usize].codes
    }
}

/// Takes planes for the thermometers of a column; none if there are not so many.
fn thermometers(cuts: usize, or_missing: bool, next: &mut usize, most: usize) -> Option<Thermometers> {
    let digits = usize::BITS - cuts.leading_zeros();
    let (low_bits, middle_bits) = match cuts {
        0..=MOST_SINGLE => (0, 0),
        _ if cuts <= MOST_PAIRED => (digits / 2, 0),
        // Three digits of nearly the same length; the highest, which has planes with the missing values too, least.
        _ => (digits.div_ceil(3), (digits - digits.div_ceil(3)).div_ceil(2)),
    };
    let mut at = Thermometers { low_bits, middle_bits, ..Thermometers::default() };
    let high = at.high_planes(cuts);
    let mut take = |planes: usize| {
        let first = *next;
        *next += planes;
        (*next <= most).then_some(first as u16)
    };
    at.missing = take(1)?;
    at.low = take(at.low_planes())?;
    at.middle = take(at.middle_planes())?;
    at.high = take(high)?;
    at.high_or_missing = if or_missing { Some(take(high)?) } else { None };
    Some(at)
}

impl NumberColumn {
    /// How `value > cut` is answered: the rank of the value is at least that of the cut, digit by digit.
    fn operands(&self, cut: Cut, or_missing: bool) -> Operands {
        let at = &self.at;
        let rank = self.cuts.partition_point(|&other| other < cut) + 1;
        let low = rank & at.low_planes();
        let middle = rank >> at.low_bits & at.middle_planes();
        let high = rank >> (at.low_bits + at.middle_bits);
        let middle_least = |least| plane(at.middle, at.middle_planes(), least, ZEROS);
        let low_least = |least| plane(at.low, at.low_planes(), least, ZEROS);
        // Only the planes of values that are above for certain may let missing values in.
        let above = self.high_least(high + 1, or_missing);
        let equal = self.high_least(high, false);
        match (middle, low) {
            (0, 0) => Operands::Plane(self.high_least(high, or_missing)),
            (_, 0) => Operands::Pair([above, equal, middle_least(middle)]),
            _ if at.middle_bits == 0 => Operands::Pair([above, equal, low_least(low)]),
            _ => Operands::Triple([
                above,
                equal,
                middle_least(middle + 1),
                middle_least(middle),
                low_least(low),
            ]),
        }
    }

    /// The plane that says that the highest digit is at least `least`, or that the value is missing.
    fn high_least(&self, least: usize, or_missing: bool) -> u16 {
        let planes = self.at.high_planes(self.cuts.len());
        match self.at.high_or_missing {
            Some(first) if or_missing => plane(first, planes, least, self.at.missing),
            _ => plane(self.at.high, planes, least, ZEROS),
        }
    }
}

/// The plane of a thermometer that says that its digit is at least `least`; `beyond` where no digit is.
fn plane(first: u16, planes: usize, least: usize, beyond: u16) -> u16 {
    match least {
        0 => ONES,
        least if least > planes => beyond,
        least => first + least as u16 - 1,
    }
}
