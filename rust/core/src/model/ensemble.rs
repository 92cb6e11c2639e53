//! The one form of a tree ensemble in memory, whatever file it came from.
//!
//! In: what a format's reader found. Out: an [`Ensemble`] of trees, from which every engine is built. Law 3: the form
//! keeps all that decides a leaf and a sum: the library's own cut, its missing values, its order of trees.

use std::collections::HashMap;
use std::sync::Arc;

pub use super::extra::{Computed, Extra, Finish, Line, Linear};
use super::link::Link;
pub use super::tree::{Missing, Node, Test, Tree};

/// The library whose arithmetic a model follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Library {
    /// LightGBM: values and sums in f64; values of at most 1e-35 are zero; a category is cut to an integer.
    LightGbm,
    /// XGBoost: values and sums in f32; the first summand is the base margin.
    XgBoost,
    /// CatBoost: values in f32, sums in f64.
    CatBoost,
}

/// Values up to this are zero to LightGBM: its constant is an f32.
pub const LIGHTGBM_ZERO: f64 = 1e-35f32 as f64;
/// Codes from here on are no category to XGBoost.
pub const XGBOOST_CODES: f64 = 16_777_216.0;

impl Library {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::LightGbm => "lightgbm",
            Self::XgBoost => "xgboost",
            Self::CatBoost => "catboost",
        }
    }

    /// The value that the library compares where it is given `value`. NaN stands for missing.
    pub fn narrow(self, value: f64) -> f64 {
        match self {
            Self::LightGbm if value.abs() <= LIGHTGBM_ZERO => 0.0,
            Self::LightGbm => value,
            Self::XgBoost | Self::CatBoost => f64::from(value as f32),
        }
    }

    /// The category that a value stands for; none where it stands for no category at all.
    pub fn code(self, value: f64) -> Option<u32> {
        match self {
            // The library casts to a C int: towards zero, and what does not fit becomes negative.
            Self::LightGbm => (value > -1.0 && value < 2_147_483_648.0).then_some(value as u32),
            Self::XgBoost | Self::CatBoost => (0.0..XGBOOST_CODES).contains(&value).then_some(value as u32),
        }
    }
}

/// The values of a categorical feature, in the order of their codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    texts: Vec<String>,
    codes: HashMap<String, u32>,
}

impl Categories {
    /// Values in the order of their codes.
    ///
    /// # Errors
    /// A value that is there twice.
    pub fn new(texts: Vec<String>) -> Result<Self, String> {
        let mut codes = HashMap::with_capacity(texts.len());
        for (code, text) in texts.iter().enumerate() {
            if codes.insert(text.clone(), code as u32).is_some() {
                return Err(format!("category `{text}` is there twice"));
            }
        }
        Ok(Self { texts, codes })
    }

    /// The code of a value.
    pub fn code(&self, text: &str) -> Option<u32> {
        self.codes.get(text).copied()
    }

    /// All values.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// An input of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feature {
    /// Its name in the file, or the library's stand-in (`Column_3`, `f3`).
    pub name: String,
    /// Whether the file marks it as categorical, or a test of it is.
    pub categorical: bool,
    /// The values that its codes stand for, where the file tells.
    pub categories: Option<Arc<Categories>>,
    /// The codes that the library saw in training, in increasing order, where the file tells.
    pub codes: Option<Arc<Vec<u32>>>,
    /// Of a category that is known by the hash of its text: the hashes of its codes.
    pub hashes: Option<Arc<Vec<i32>>>,
    /// How many nodes test it.
    pub splits: u64,
}

/// A model: features to one or more outputs, as sums over trees.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// Whose arithmetic.
    pub library: Library,
    /// The format of the file.
    pub format: &'static str,
    /// The version that the file names.
    pub version: String,
    /// The objective, as the file spells it; empty where there is none.
    pub objective: String,
    /// The inputs, in the file's order.
    pub features: Vec<Feature>,
    /// Whether the file gives the inputs names of their own.
    pub real_names: bool,
    /// The trees, in the order in which they are summed.
    pub trees: Vec<Tree>,
    /// The first summand of each output.
    pub base: Vec<f64>,
    /// Whether predictions divide the sums by the number of trees of an output (an averaged forest).
    pub averaged: bool,
    /// From sums to predictions; none where the objective is unknown and only margins were asked for.
    pub link: Option<Link>,
    /// Lists of category values that belong to some of the categorical features, but the file does not say to
    /// which.
    pub loose_categories: Vec<Arc<Categories>>,
    /// What a model has beside plain sums of trees.
    pub extra: Extra,
}

impl Ensemble {
    /// How many outputs.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// How many trees the library counts.
    pub fn own_trees(&self) -> usize {
        self.trees.len() / self.extra.copies
    }

    /// How many leaves, over all trees of the library.
    pub fn leaves(&self) -> usize {
        self.trees.iter().step_by(self.extra.copies).map(|tree| tree.values.len()).sum()
    }

    /// What the sums are divided by before the link.
    pub fn divisor(&self) -> f64 {
        if self.averaged { (self.trees.len() / self.outputs()) as f64 } else { 1.0 }
    }

    /// Counts the tests of each feature, and marks those with a categorical test.
    pub(super) fn count_splits(&mut self) {
        for node in self.trees.iter().flat_map(|tree| &tree.nodes) {
            let own = self.features.len();
            if let Some(feature) = self.features.get_mut(node.feature as usize) {
                feature.splits += 1;
                feature.categorical |= matches!(node.test(), Test::Category { .. });
            } else if let Some(computed) = self.extra.computed.get(node.feature as usize - own) {
                computed.sources().for_each(|(source, _)| self.features[source as usize].splits += 1);
            }
        }
        for (feature, _) in self.extra.lines.iter().flatten().flat_map(|line| &line.terms) {
            self.features[*feature as usize].splits += 1;
        }
    }
}
