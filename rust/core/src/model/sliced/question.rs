//! What the nodes of trees ask, in one form: distinct questions about distinct columns.
//!
//! In: nodes. Out: for each node a [`Question`], the same one wherever the same is asked. Law 3: libraries and kinds of
//! missing values differ in what is missing and in where that goes, so both are settled here, once.

use super::super::engine::Bound;
use super::super::ensemble::{LIGHTGBM_ZERO, Library, Missing, Node, Test, Tree};

/// A column of a block, read in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Column {
    /// Numbers; zeros are missing too, where `zeros` says so.
    Numbers { slot: u32, zeros: bool },
    /// Categories, with the codes of a library.
    Categories { slot: u32, library: Library },
}

/// What sends a row to the right.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Question {
    /// A value above a cut.
    Above {
        column: Column,
        cut: Cut,
        /// Or a missing value.
        or_missing: bool,
    },
    /// A category within (or outside of) a set.
    Among { column: Column, members: Vec<u32>, members_left: bool, missing_left: bool },
}

/// A threshold that can be compared and sorted; zero has one form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut(pub(super) f64);

impl Cut {
    /// An integer in the order of the numbers.
    fn key(self) -> u64 {
        let bits = (self.0 + 0.0).to_bits();
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    }
}

impl PartialEq for Cut {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Cut {}

impl std::hash::Hash for Cut {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Cut {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cut {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// What a node of a model asks.
pub(super) fn question(model: &Bound, tree: &Tree, node: &Node) -> Question {
    let slot = model.slots[node.feature as usize];
    match node.test() {
        Test::Number { cut, missing, missing_left } => {
            let or_missing = match missing {
                // NaN is compared as zero.
                Missing::Nothing => cut < 0.0,
                Missing::Zero | Missing::Nan => !missing_left,
            };
            let column = Column::Numbers { slot, zeros: missing == Missing::Zero };
            Question::Above { column, cut: Cut(cut), or_missing }
        }
        Test::Category { first, count, members_left, missing_left } => Question::Among {
            column: Column::Categories { slot, library: model.ensemble.library },
            members: tree.members(first, count).to_vec(),
            members_left,
            missing_left,
        },
    }
}

/// Why a node's question cannot be put in this form.
pub(super) fn refusal(library: Library, node: &Node) -> Option<&'static str> {
    match node.test() {
        Test::Number { cut, .. } if cut.is_nan() => Some("a threshold is not a number"),
        // No such file is known; the zeros of `Library::narrow` would have to be those of XGBoost.
        Test::Number { missing: Missing::Zero, .. } if library != Library::LightGbm => {
            Some("zeros count as missing")
        }
        _ => None,
    }
}

/// Values of at most this magnitude are zero, where zeros are missing.
pub(super) const ZERO: f64 = LIGHTGBM_ZERO;
