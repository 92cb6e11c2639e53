//! A program for some trees of one model: tests, multiplexers and tables, checked once.
//!
//! In: [`SegmentParts`], as a compiler of trees makes them. Out: a [`Segment`] that can run without further checks.

use std::ops::Range;

use super::MOST_BITS;
use super::form::Form;
use super::planes::ONES;
use super::sets::SetTests;
use super::tables::{At, Kind, Tables};
use crate::room::fitted;

/// How the values of a run are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// In doubles.
    F64,
    /// In single precision; values and starts are such numbers.
    F32,
}

/// How the values of a run are added where speed matters more than the last digits: in 32-bit integers of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed {
    /// What an integer is worth in the output, a power of two.
    pub unit: f64,
    /// The first summand, where a run starts from a base.
    pub base: i32,
}

/// The first summand of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// The same for every row.
    Base(f64),
    /// What an earlier run left in the output.
    Output,
}

/// Trees that are added to one output, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The output.
    pub output: usize,
    /// The trees.
    pub trees: Range<usize>,
    /// How they are added.
    pub sums: Sums,
    /// How they are added where integers are asked for; as [`sums`](Self::sums) says, where there are none. No sum
    /// of the trees' integers may overflow.
    pub fixed: Option<Fixed>,
    /// To what they are added.
    pub start: Start,
}

/// A tree as a network of multiplexers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeParts {
    /// For each multiplexer the planes of the test, of the left side, of the right side, and the one it writes.
    pub muxes: Vec<[u16; 4]>,
    /// The planes of the bits of the code, lowest first.
    pub code: Vec<u16>,
    /// The leaf of each code.
    pub leaf_of_code: Vec<u16>,
    /// The value of each leaf.
    pub values: Vec<f64>,
    /// The integer of each leaf; empty where the run has none.
    pub fixed: Vec<i32>,
}

/// What a segment is made of.
#[derive(Clone, Debug, Default)]
pub struct SegmentParts {
    /// Tests of two digits, `a | b & c`.
    pub pairs: Vec<[u16; 3]>,
    /// Tests of three digits, `a | b & (c | d & e)`.
    pub triples: Vec<[u16; 5]>,
    /// Tests by sets.
    pub sets: Vec<SetTests>,
    /// The plane of the first test: pairs first, then triples, then sets.
    pub first_test: u16,
    /// The trees, in the order of the runs.
    pub trees: Vec<TreeParts>,
    /// The sums.
    pub runs: Vec<Run>,
}

/// A tree of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tree {
    /// The end of its multiplexers in those of the segment.
    pub(super) muxes_end: u32,
    /// How its values are found.
    pub(super) kind: Kind,
    /// The lines where its tables begin.
    pub(super) at: At,
    /// The planes of its code; what is not needed is [`ZEROS`](super::ZEROS).
    pub(super) code: [u16; MOST_BITS],
}

/// A program for some trees of one model.
#[derive(Debug)]
pub struct Segment {
    pub(super) form: Form,
    pub(super) pairs: Vec<[u16; 3]>,
    pub(super) triples: Vec<[u16; 5]>,
    pub(super) sets: Vec<SetTests>,
    pub(super) first_test: u16,
    pub(super) muxes: Vec<[u16; 4]>,
    pub(super) trees: Vec<Tree>,
    pub(super) tables: Tables,
    pub(super) runs: Vec<Run>,
    /// The planes that must be there.
    pub(super) planes: usize,
    /// The columns of categories that must be there.
    pub(super) columns: usize,
    /// The outputs that must be there.
    pub(super) outputs: usize,
}

impl Segment {
    /// Checks a program and lays out its tables.
    ///
    /// # Panics
    /// If the parts contradict each other: a plane of a constant is written, a code has too many bits or no leaf, a
    /// run has no trees of its own; or if this processor lacks the form's instructions.
    pub fn new(form: Form, parts: SegmentParts) -> Self {
        assert!(form.available(), "{form} is not there");
        let tests = parts.pairs.len() + parts.triples.len();
        let set_tests: usize = parts.sets.iter().map(|tests| tests.count as usize).sum();
        let end_of_tests = usize::from(parts.first_test) + tests + set_tests;
        assert!(parts.first_test > ONES && end_of_tests <= 1 << 16, "tests have no planes");
        assert!(parts.sets.iter().all(|tests| tests.count <= 64), "more than 64 tests at once");
        let mut highest = end_of_tests - 1;
        let mut see = |planes: &[u16]| {
            highest = planes.iter().fold(highest, |highest, &plane| highest.max(plane.into()));
        };
        parts.pairs.iter().for_each(|test| see(test));
        parts.triples.iter().for_each(|test| see(test));
        let mut muxes = Vec::with_capacity(parts.trees.iter().map(|tree| tree.muxes.len()).sum());
        let (mut trees, mut tables) = (Vec::with_capacity(parts.trees.len()), Tables::default());
        let mut next = 0;
        for run in &parts.runs {
            assert!(run.trees.start == next && run.trees.end >= next, "runs do not follow each other");
            next = run.trees.end;
            for tree in &parts.trees[run.trees.clone()] {
                tree.muxes.iter().for_each(|mux| see(mux));
                see(&tree.code);
                assert!(tree.muxes.iter().all(|mux| mux[3] > ONES), "a constant is written");
                muxes.extend_from_slice(&tree.muxes);
                let (kind, at) = tables.add(form, run, tree);
                let mut code = [0; MOST_BITS];
                code[..tree.code.len()].copy_from_slice(&tree.code);
                trees.push(Tree { muxes_end: muxes.len() as u32, kind, at, code });
            }
        }
        assert!(next == parts.trees.len(), "trees without a run");
        Self {
            form,
            pairs: fitted(parts.pairs),
            triples: fitted(parts.triples),
            first_test: parts.first_test,
            muxes,
            trees,
            tables: tables.fitted(),
            planes: highest + 1,
            columns: parts.sets.iter().map(|tests| tests.column as usize + 1).max().unwrap_or(0),
            outputs: parts.runs.iter().map(|run| run.output + 1).max().unwrap_or(0),
            sets: parts.sets,
            runs: parts.runs,
        }
    }

    /// How many multiplexers a step runs, and how many tests it makes.
    pub fn work(&self) -> (usize, usize) {
        let sets: usize = self.sets.iter().map(|tests| tests.count as usize).sum();
        (self.muxes.len(), self.pairs.len() + self.triples.len() + sets)
    }

    /// The planes that must be there.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Bytes of the program.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.pairs[..])
            + size_of_val(&self.triples[..])
            + size_of_val(&self.muxes[..])
            + size_of_val(&self.trees[..])
            + self.tables.bytes()
            + self.sets.iter().map(|tests| size_of_val(&tests.right[..])).sum::<usize>()
    }
}
