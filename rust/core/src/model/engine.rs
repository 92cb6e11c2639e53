//! The engines: who can evaluate which models, for how many rows, and which is taken.
//!
//! In: models, bound to the columns of blocks. Out: raw outputs, the same whichever engine gives them (law 2). An
//! engine says what it is called, what it refuses, for which sizes of a batch it is the best, and how it is built.
//! The list is static and can be read; [`super::choice`] chooses from it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::bins::Bins;
use super::ensemble::Ensemble;
use super::golden::Golden;
use super::packed::{self, Packed};
use super::sliced::{self, Sliced};
use crate::error::Result;
use crate::exec::Control;

/// The inputs of some consecutive rows.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// How many rows.
    pub rows: usize,
    /// For each input of the fleet that did not come as bins its values, NaN where missing.
    pub columns: Vec<Vec<f64>>,
    /// Where inputs came as bins: which, ...
    pub bins: Option<Arc<Bins>>,
    /// ... and for each such input those of its values.
    pub codes: Vec<Vec<u16>>,
}

impl Block {
    /// The values that stand for the bins of an input; none where it came as values.
    fn of_bins(&self, slot: usize) -> Option<&[f64]> {
        self.bins.as_ref()?.values(slot)
    }

    /// The values of an input in some rows, NaN where missing.
    pub fn values(&self, slot: usize, rows: Range<usize>) -> Cow<'_, [f64]> {
        match self.of_bins(slot) {
            Some(values) => self.codes[slot][rows].iter().map(|&code| values[usize::from(code)]).collect(),
            None => Cow::Borrowed(&self.columns[slot][rows]),
        }
    }

    /// The value of an input in a row, NaN where missing.
    pub fn value(&self, slot: usize, row: usize) -> f64 {
        match self.of_bins(slot) {
            Some(values) => values[usize::from(self.codes[slot][row])],
            None => self.columns[slot][row],
        }
    }
}

/// A model, and where in a [`Block`] each of its features stands.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The model.
    pub ensemble: Arc<Ensemble>,
    /// For each feature the number of its column; [`UNUSED`] where no node tests it.
    pub slots: Vec<u32>,
}

/// Stands for a feature that no node tests.
pub const UNUSED: u32 = u32::MAX;

/// How exact raw outputs must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// The training library's own bits.
    #[default]
    Exact,
    /// The library's own leaves; sums may differ in their last digits. An engine without such sums gives exact ones.
    Fast,
}

/// An engine, built for some models.
pub trait Engine: Send + Sync {
    /// Writes the raw outputs of each of its models for a block of any number of rows, row by row:
    /// `outputs[model]` holds rows times the model's outputs; it is empty for a model that is not asked for.
    ///
    /// # Errors
    /// A request to stop.
    fn margins(
        &self,
        block: &Block,
        precision: Precision,
        control: &Control,
        outputs: &mut [&mut [f64]],
    ) -> Result<()>;
}

/// Builds an engine for some models on a number of threads.
pub type Build = fn(Vec<Bound>, usize, &Control) -> Result<Box<dyn Engine>>;

/// What an engine can do, told without building it.
#[derive(Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it is, for whoever asks why it was taken.
    pub what: &'static str,
    /// Why it cannot evaluate a model; nothing where it can.
    pub refuses: fn(&Ensemble) -> Option<String>,
    /// Whether [`Precision::Fast`] is another computation than [`Precision::Exact`].
    pub fast: bool,
    /// From how many rows of a call on it is the best; up to where the next one's begins.
    pub best_from: u64,
    /// How many rows it must have been wanted for before it pays to build it, where nobody asked to prepare it.
    pub build_from: u64,
    /// Rows of the blocks that it likes.
    pub block_rows: usize,
    /// Builds it for models that it does not refuse.
    pub build: Build,
}

/// Every engine, the one that evaluates everything first. No two are the best from the same number of rows on.
pub static ENGINES: [Kind; 3] = [
    Kind {
        name: "golden",
        what: "slow and readable; every other engine must equal it",
        refuses: |_| None,
        fast: false,
        best_from: 0,
        build_from: 0,
        block_rows: 1024,
        build: |models, _, _| Ok(Box::new(Golden::new(models))),
    },
    Kind {
        name: "packed",
        what: "for single records and small batches",
        refuses: packed::refuses,
        fast: false,
        best_from: 1,
        build_from: 16,
        block_rows: 1024,
        build: |models, threads, control| Ok(Box::new(Packed::new(&models, threads, control)?)),
    },
    Kind {
        name: "sliced",
        what: "many rows at a time, a bit of each in one register",
        refuses: sliced::refuses,
        fast: true,
        best_from: 64,
        build_from: 4096,
        block_rows: sliced::BLOCK_ROWS,
        build: |models, threads, control| Ok(Box::new(Sliced::new(&models, threads, control)?)),
    },
];
