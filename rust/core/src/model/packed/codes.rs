//! Values as ranks among the cuts of a fleet, and categories as small codes.
//!
//! In: models bound to the columns of blocks, and blocks. Out: for each row a code for each view: a column, and what
//! its nodes take for missing and where they send it. `value <= cut` is `rank(value) <= rank(cut)`, so a test of
//! ranks is the test itself; what is missing has the code 0, below every rank, or the one above every rank.

use std::collections::{HashMap, HashSet};

use creditcore_kernels::forest::{Ask, ZERO_VIEW};

use super::super::engine::{Block, Bound};
use super::super::ensemble::{Library, Missing, Node, Test, Tree};

/// Views that one feature of one model can have: missing is nothing; zero, left or right; NaN, left or right;
/// and categories.
pub(super) const MOST_OF_FEATURE: usize = 6;
/// The code of what is missing and goes right.
const ABOVE: u32 = u32::MAX;
/// The code of a NaN on a categorical column, and of what is no category that a set holds.
const NO_CATEGORY: u32 = 0;
const NAN_CATEGORY: u32 = 1;
/// The code of the category 0.
const FIRST_CATEGORY: u32 = 2;

/// How nodes take a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Take {
    /// NaN is compared as zero.
    Plain,
    /// Zero and NaN are missing.
    Zero { left: bool },
    /// NaN is missing.
    Nan { left: bool },
    /// Its categories.
    Category,
}

/// A column, and the library that reads it.
type Key = (u32, Library);

/// What a column is to a library, with the views of it.
struct Column {
    slot: u32,
    library: Library,
    /// Every cut of every model, in increasing order.
    cuts: Vec<f64>,
    /// The highest category in a set.
    highest: u32,
    views: Vec<(Take, u16)>,
}

/// The views of a fleet.
pub(super) struct Codes {
    columns: Vec<Column>,
    places: HashMap<Key, usize>,
    views: usize,
}

impl Codes {
    /// The views that the nodes of models take, of at most `most` in all; and for each model whether its views
    /// are among them.
    pub(super) fn of(bound: &[Bound], most: usize) -> (Self, Vec<bool>) {
        let mut made =
            Self { columns: Vec::new(), places: HashMap::new(), views: usize::from(ZERO_VIEW) + 1 };
        let mut known: HashSet<(Key, Take)> = HashSet::new();
        let mut admitted = Vec::with_capacity(bound.len());
        for model in bound {
            let nodes = || model.ensemble.trees.iter().flat_map(|tree| &tree.nodes);
            let its: HashSet<(Key, Take)> = nodes().map(|node| (key(model, node), take(node))).collect();
            let fits = usize::from(ZERO_VIEW) + 1 + known.union(&its).count() <= most;
            admitted.push(fits);
            if fits {
                known.extend(its);
                for tree in &model.ensemble.trees {
                    tree.nodes.iter().for_each(|node| made.meet(model, tree, node));
                }
            }
        }
        for column in &mut made.columns {
            column.cuts.sort_unstable_by(f64::total_cmp);
            column.cuts.dedup_by(|a, b| a == b);
        }
        (made, admitted)
    }

    /// How many codes a row has.
    pub(super) fn views(&self) -> usize {
        self.views
    }

    fn meet(&mut self, model: &Bound, tree: &Tree, node: &Node) {
        let key = key(model, node);
        let (columns, views) = (&mut self.columns, &mut self.views);
        let place = *self.places.entry(key).or_insert_with(|| {
            let (cuts, views) = (Vec::new(), Vec::new());
            columns.push(Column { slot: key.0, library: key.1, cuts, highest: 0, views });
            columns.len() - 1
        });
        let column = &mut columns[place];
        match node.test {
            Test::Number { cut, .. } if !cut.is_nan() => column.cuts.push(cut),
            Test::Number { .. } => {}
            Test::Category { first, count, .. } => {
                let highest = tree.members(first, count).last().copied().unwrap_or(0);
                column.highest = column.highest.max(highest);
            }
        }
        let take = take(node);
        if !column.views.iter().any(|(known, _)| *known == take) {
            column.views.push((take, *views as u16));
            *views += 1;
        }
    }

    /// The view that a node looks at, and what it asks there.
    pub(super) fn test(&self, model: &Bound, tree: &Tree, node: &Node) -> (u16, Ask) {
        let key = key(model, node);
        let column = &self.columns[self.places[&key]];
        let take = take(node);
        let view = column.views.iter().find(|(known, _)| *known == take).map_or(ZERO_VIEW, |(_, view)| *view);
        let ask = match node.test {
            // No value is at most NaN: only what is missing and goes left does.
            Test::Number { cut, .. } if cut.is_nan() => Ask::AtMost(0),
            Test::Number { cut, .. } => Ask::AtMost(rank(&column.cuts, cut)),
            Test::Category { first, count, members_left, missing_left } => {
                let members = tree.members(first, count);
                Ask::Within(set(members, column.highest, members_left, missing_left))
            }
        };
        (view, ask)
    }

    /// The codes of some rows of a block, row by row.
    pub(super) fn read(
        &self,
        block: &Block,
        start: usize,
        rows: usize,
        ranks: &mut Vec<u32>,
        codes: &mut Vec<u32>,
    ) {
        codes.clear();
        codes.resize(rows * self.views, 0);
        for column in &self.columns {
            let values = &block.columns[column.slot as usize][start..start + rows];
            if column.views.iter().any(|(take, _)| *take != Take::Category) {
                ranks.clear();
                ranks.extend(values.iter().map(|&value| rank(&column.cuts, zero_of_nan(value))));
            }
            for &(take, view) in &column.views {
                let out = codes.chunks_exact_mut(self.views).map(|row| &mut row[usize::from(view)]);
                column.codes(take, values, ranks, out);
            }
        }
    }
}

impl Column {
    /// The codes of one view.
    fn codes<'a>(&self, take: Take, values: &[f64], ranks: &[u32], out: impl Iterator<Item = &'a mut u32>) {
        let missing = |left: bool| if left { 0 } else { ABOVE };
        let values = values.iter().zip(out);
        match take {
            Take::Plain => values.zip(ranks).for_each(|((_, out), &rank)| *out = rank),
            Take::Nan { left } => values.zip(ranks).for_each(|((value, out), &rank)| {
                *out = if value.is_nan() { missing(left) } else { rank };
            }),
            Take::Zero { left } => values.zip(ranks).for_each(|((&value, out), &rank)| {
                let is_missing = value.is_nan() || self.library.narrow(value) == 0.0;
                *out = if is_missing { missing(left) } else { rank };
            }),
            Take::Category => {
                let of = |value: f64| match self.library.code(value) {
                    _ if value.is_nan() => NAN_CATEGORY,
                    Some(code) if code <= self.highest => code + FIRST_CATEGORY,
                    _ => NO_CATEGORY,
                };
                values.for_each(|(&value, out)| *out = of(value));
            }
        }
    }
}

fn key(model: &Bound, node: &Node) -> Key {
    (model.slots[node.feature as usize], model.ensemble.library)
}

fn take(node: &Node) -> Take {
    match node.test {
        Test::Number { missing: Missing::Nothing, .. } => Take::Plain,
        Test::Number { missing: Missing::Zero, missing_left, .. } => Take::Zero { left: missing_left },
        Test::Number { missing: Missing::Nan, missing_left, .. } => Take::Nan { left: missing_left },
        Test::Category { .. } => Take::Category,
    }
}

fn zero_of_nan(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

/// One more than the number of cuts below a value; no value is NaN.
fn rank(cuts: &[f64], value: f64) -> u32 {
    cuts.partition_point(|&cut| cut < value) as u32 + 1
}

/// The bits of the codes that a test sends to the left.
fn set(members: &[u32], highest: u32, members_left: bool, missing_left: bool) -> Vec<u64> {
    let codes = highest + FIRST_CATEGORY + 1;
    let mut words = vec![0u64; codes.div_ceil(64) as usize];
    let mut mark = |code: u32| words[code as usize / 64] |= 1 << (code % 64);
    if members_left {
        members.iter().for_each(|member| mark(member + FIRST_CATEGORY));
    } else {
        mark(NO_CATEGORY);
        let others = (0..=highest).filter(|code| members.binary_search(code).is_err());
        others.for_each(|code| mark(code + FIRST_CATEGORY));
    }
    if missing_left {
        mark(NAN_CATEGORY);
    }
    words
}
