//! Values as ranks among the cuts of a fleet, and categories as small codes.
//!
//! In: models bound to the columns of blocks, and blocks. Out: for each row a code for each view: a column, and what
//! its nodes take for missing and where they send it. `value <= cut` is `rank(value) <= rank(cut)`, so a test of
//! ranks is the test itself; what is missing has the code 0, below every rank, or the one above every rank.

use std::collections::HashMap;

use creditcore_kernels::forest::{Ask, ZERO_VIEW};
use creditcore_kernels::room::fitted;

use super::super::engine::{Block, Bound};
use super::super::ensemble::{Library, Missing, Node, Test, Tree};

/// Ways of taking a column: missing is nothing; zero, left or right; NaN, left or right; and categories.
pub(super) const TAKES: usize = 6;
/// The code of what is missing and goes right.
const ABOVE: u32 = u32::MAX;
/// The code of a NaN on a categorical column, and of what is no category that a set holds.
const NO_CATEGORY: u32 = 0;
const NAN_CATEGORY: u32 = 1;
/// The code of the category 0.
const FIRST_CATEGORY: u32 = 2;

/// How nodes take a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Take {
    const ALL: [Self; TAKES] = [
        Self::Plain,
        Self::Zero { left: false },
        Self::Zero { left: true },
        Self::Nan { left: false },
        Self::Nan { left: true },
        Self::Category,
    ];

    fn of(node: &Node) -> Self {
        match node.test() {
            Test::Number { missing: Missing::Nothing, .. } => Self::Plain,
            Test::Number { missing: Missing::Zero, missing_left, .. } => Self::Zero { left: missing_left },
            Test::Number { missing: Missing::Nan, missing_left, .. } => Self::Nan { left: missing_left },
            Test::Category { .. } => Self::Category,
        }
    }

    /// Its place in [`Self::ALL`].
    fn index(self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Zero { left } => 1 + usize::from(left),
            Self::Nan { left } => 3 + usize::from(left),
            Self::Category => 5,
        }
    }
}

/// A column, and the library that reads it.
type Key = (u32, Library);

/// What a column is to a library, with the views of it.
struct Column {
    slot: u32,
    library: Library,
    /// Every cut of every model, in increasing order.
    cuts: Vec<f64>,
    /// How many of them are in order, each once.
    sorted: usize,
    /// The highest category in a set.
    highest: u32,
    /// For each way of taking it its view; [`ZERO_VIEW`] where no node takes it so.
    views: [u16; TAKES],
}

/// What a fleet may fill.
pub(super) struct Room {
    pub(super) views: usize,
    /// Words of all sets of categories.
    pub(super) words: usize,
}

/// The views of a fleet.
pub(super) struct Codes {
    columns: Vec<Column>,
    views: usize,
}

/// Stands for a feature that no node tests.
const NO_COLUMN: usize = usize::MAX;

impl Codes {
    /// The views that the nodes of models take; and for each model the column of each of its features, or nothing
    /// where there was no room for its views or its sets.
    pub(super) fn of(bound: &[Bound], room: &Room) -> (Self, Vec<Option<Vec<usize>>>) {
        let mut made = Self { columns: Vec::new(), views: usize::from(ZERO_VIEW) + 1 };
        let mut known: HashMap<Key, usize> = HashMap::new();
        let mut places = Vec::with_capacity(bound.len());
        for model in bound {
            let takes = takes(model);
            let fresh = takes.iter().zip(&model.slots).map(|(takes, slot)| {
                let column = known.get(&(*slot, model.ensemble.library)).map(|&place| &made.columns[place]);
                let is_new = |take: &usize| {
                    takes >> take & 1 == 1 && column.is_none_or(|column| column.views[*take] == ZERO_VIEW)
                };
                (0..TAKES).filter(is_new).count()
            });
            let fits = made.views + fresh.sum::<usize>() <= room.views;
            places.push(fits.then(|| made.admit(model, &takes, &mut known)));
        }
        for column in &mut made.columns {
            column.sort();
            column.cuts = fitted(std::mem::take(&mut column.cuts));
        }
        made.bound_sets(bound, room.words, &mut places);
        (made, places)
    }

    /// Takes the places of models whose sets would be too much beside those of the models before them: a set is as
    /// long as the highest category of its column, in whichever model that stands.
    fn bound_sets(&self, bound: &[Bound], mut left: usize, places: &mut [Option<Vec<usize>>]) {
        for (model, place) in bound.iter().zip(places) {
            let Some(columns) = place else { continue };
            let nodes = model.ensemble.trees.iter().flat_map(|tree| &tree.nodes);
            let words: usize = nodes
                .filter(|node| matches!(node.test(), Test::Category { .. }))
                .map(|node| set_words(self.columns[columns[node.feature as usize]].highest))
                .sum();
            match left.checked_sub(words) {
                Some(rest) => left = rest,
                None => *place = None,
            }
        }
    }

    /// Takes the views and cuts of a model; gives the column of each of its features.
    fn admit(&mut self, model: &Bound, takes: &[u8], known: &mut HashMap<Key, usize>) -> Vec<usize> {
        let library = model.ensemble.library;
        let mut places = vec![NO_COLUMN; takes.len()];
        for ((place, &takes), &slot) in places.iter_mut().zip(takes).zip(&model.slots) {
            if takes == 0 {
                continue;
            }
            *place = *known.entry((slot, library)).or_insert(self.columns.len());
            if *place == self.columns.len() {
                let views = [ZERO_VIEW; TAKES];
                let cuts = Vec::new();
                self.columns.push(Column { slot, library, cuts, sorted: 0, highest: 0, views });
            }
            for (take, view) in self.columns[*place].views.iter_mut().enumerate() {
                if takes >> take & 1 == 1 && *view == ZERO_VIEW {
                    *view = self.views as u16;
                    self.views += 1;
                }
            }
        }
        for tree in &model.ensemble.trees {
            for node in &tree.nodes {
                let column = &mut self.columns[places[node.feature as usize]];
                match node.test() {
                    Test::Number { cut, .. } if !cut.is_nan() => column.cuts.push(cut),
                    Test::Number { .. } => {}
                    Test::Category { first, count, .. } => {
                        let highest = tree.members(first, count).last().copied().unwrap_or(0);
                        column.highest = column.highest.max(highest);
                    }
                }
            }
        }
        // Most cuts of a model are there several times.
        self.columns.iter_mut().filter(|column| column.cuts.len() > 2 * column.sorted).for_each(Column::sort);
        places
    }

    /// How many codes a row has.
    pub(super) fn views(&self) -> usize {
        self.views
    }

    /// The view that a node looks at, and what it asks there; `places` are the columns of the model's features.
    pub(super) fn test(&self, places: &[usize], tree: &Tree, node: &Node) -> (u16, Ask) {
        let column = &self.columns[places[node.feature as usize]];
        let view = column.views[Take::of(node).index()];
        let ask = match node.test() {
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
            let values = block.values(column.slot as usize, start..start + rows);
            if column.views[..Take::Category.index()].iter().any(|&view| view != ZERO_VIEW) {
                ranks.clear();
                ranks.extend(values.iter().map(|&value| rank(&column.cuts, zero_of_nan(value))));
            }
            for (take, &view) in
                Take::ALL.into_iter().zip(&column.views).filter(|(_, view)| **view != ZERO_VIEW)
            {
                let out = codes.chunks_exact_mut(self.views).map(|row| &mut row[usize::from(view)]);
                column.codes(take, &values, ranks, out);
            }
        }
    }
}

impl Column {
    /// Brings the cuts into order, each once.
    fn sort(&mut self) {
        self.cuts.sort_unstable_by(f64::total_cmp);
        self.cuts.dedup_by(|a, b| a == b);
        self.sorted = self.cuts.len();
    }

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

/// For each feature of a model the ways in which its nodes take it, as bits.
fn takes(model: &Bound) -> Vec<u8> {
    let mut takes = vec![0u8; model.slots.len()];
    for node in model.ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
        takes[node.feature as usize] |= 1 << Take::of(node).index();
    }
    takes
}

fn zero_of_nan(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

/// One more than the number of cuts below a value; no value is NaN.
fn rank(cuts: &[f64], value: f64) -> u32 {
    cuts.partition_point(|&cut| cut < value) as u32 + 1
}

/// How many words a set of codes fills.
fn set_words(highest: u32) -> usize {
    (highest + FIRST_CATEGORY + 1).div_ceil(64) as usize
}

/// The bits of the codes that a test sends to the left.
fn set(members: &[u32], highest: u32, members_left: bool, missing_left: bool) -> Vec<u64> {
    let mut words = vec![0u64; set_words(highest)];
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
