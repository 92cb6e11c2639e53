//! The one form of a tree ensemble in memory, whatever file it came from.
//!
//! In: what a format's reader found. Out: an [`Ensemble`] whose trees are proven to be trees (each node and leaf
//! hangs below exactly one other, so following links ends), from which every engine is built. Law 3: the form
//! keeps all that decides a leaf and a sum: the library's own cut, its missing values, its order of trees.

use std::collections::HashMap;
use std::sync::Arc;

use creditcore_kernels::room::fitted;

pub use super::extra::{Computed, Extra, Finish, Line, Linear};
use super::link::Link;

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

/// What counts as missing at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Missing {
    /// Nothing: NaN is compared as zero.
    Nothing,
    /// Zero, and NaN, which is taken for zero.
    Zero,
    /// NaN.
    Nan,
}

/// The test of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test {
    /// Left where the value is at most `cut`.
    Number {
        /// A threshold `x < t` of f32 values stands here as the next f32 below it.
        cut: f64,
        /// What is missing.
        missing: Missing,
        /// Where missing values go.
        missing_left: bool,
    },
    /// By membership in a set of categories: `count` entries of [`Tree::categories`] from `first` on.
    Category {
        /// The first entry.
        first: u32,
        /// How many entries, in increasing order.
        count: u32,
        /// Members go left (LightGBM), or all others do (XGBoost).
        members_left: bool,
        /// Where missing values go.
        missing_left: bool,
    },
}

/// A node with two children.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The position of the feature in [`Ensemble::features`].
    pub feature: u32,
    /// What is asked.
    pub test: Test,
    /// Left child: a node, or, below zero, the leaf `!left`.
    pub left: i32,
    /// Right child.
    pub right: i32,
    /// The node's number in the library's own numbering.
    pub id: i32,
    /// Training rows (LightGBM) or the sum of their hessians (XGBoost) that came here.
    pub cover: f64,
}

/// An end of the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaf {
    /// What it adds to the sum.
    pub value: f64,
    /// Its number in the library's own numbering.
    pub id: i32,
    /// Like [`Node::cover`].
    pub cover: f64,
}

/// A tree: a single leaf, or nodes of which the first is the root.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Nodes with children.
    pub nodes: Vec<Node>,
    /// Leaves.
    pub leaves: Vec<Leaf>,
    /// The sets of the categorical tests, one after the other.
    pub categories: Vec<u32>,
    /// The longest way from the root, in tests.
    pub depth: usize,
    /// To which output it adds.
    pub output: u32,
}

impl Tree {
    /// A tree, once its links are proven to make one.
    ///
    /// # Errors
    /// A child that is not there, is reached twice (a cycle among them) or never; the text names it.
    pub fn new(
        nodes: Vec<Node>,
        leaves: Vec<Leaf>,
        categories: Vec<u32>,
        output: u32,
    ) -> Result<Self, String> {
        let depth = match depth_in_order(&nodes, leaves.len()) {
            Some(depth) => depth,
            None => depth_of(&nodes, &leaves)?,
        };
        let (nodes, leaves, categories) = (fitted(nodes), fitted(leaves), fitted(categories));
        Ok(Self { nodes, leaves, categories, depth, output })
    }

    /// The set of a categorical test.
    pub fn members(&self, first: u32, count: u32) -> &[u32] {
        &self.categories[first as usize..][..count as usize]
    }
}

/// The length of the longest way, where every node stands before its children, as libraries write them: then a link
/// leads to what no earlier link led to, and all is reached once as many links as children have been followed. None
/// where it is otherwise, which [`depth_of`] looks into.
fn depth_in_order(nodes: &[Node], leaves: usize) -> Option<usize> {
    let count = nodes.len();
    if leaves != count + 1 || count == 0 {
        return None;
    }
    // For each node and then for each leaf how far below the root it hangs; 0 where no link has led there.
    let mut below = vec![0u32; count + leaves];
    let mut deepest = 0;
    for (at, node) in nodes.iter().enumerate() {
        let depth = below[at] + 1;
        deepest = deepest.max(depth);
        for child in [node.left, node.right] {
            let place = if child < 0 { count + !child as usize } else { child as usize };
            let below = below.get_mut(place).filter(|below| **below == 0 && place > at)?;
            if child >= 0 && place >= count {
                return None;
            }
            *below = depth;
        }
    }
    Some(deepest as usize)
}

/// Follows every link once, and gives the length of the longest way.
fn depth_of(nodes: &[Node], leaves: &[Leaf]) -> Result<usize, String> {
    if nodes.is_empty() {
        return if leaves.len() == 1 { Ok(0) } else { Err(format!("no nodes but {} leaves", leaves.len())) };
    }
    let (mut seen_nodes, mut seen_leaves) = (vec![false; nodes.len()], vec![false; leaves.len()]);
    let mut deepest = 0;
    let mut open = vec![(0i32, 0usize)];
    while let Some((child, depth)) = open.pop() {
        deepest = deepest.max(depth);
        let (seen, index, what) = match usize::try_from(child) {
            Ok(node) => (&mut seen_nodes, node, "node"),
            Err(_) => (&mut seen_leaves, !child as usize, "leaf"),
        };
        match seen.get_mut(index) {
            None => return Err(format!("a child is {what} {index}, which is not there")),
            Some(true) => return Err(format!("{what} {index} is the child of two nodes, or of itself")),
            Some(seen) => *seen = true,
        }
        if child >= 0 {
            open.extend([(nodes[index].left, depth + 1), (nodes[index].right, depth + 1)]);
        }
    }
    for (seen, what) in [(&seen_nodes, "node"), (&seen_leaves, "leaf")] {
        if let Some(index) = seen.iter().position(|seen| !seen) {
            return Err(format!("{what} {index} is no node's child"));
        }
    }
    Ok(deepest)
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
        self.trees.iter().step_by(self.extra.copies).map(|tree| tree.leaves.len()).sum()
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
                feature.categorical |= matches!(node.test, Test::Category { .. });
            } else if let Some(computed) = self.extra.computed.get(node.feature as usize - own) {
                computed.sources().for_each(|(source, _)| self.features[source as usize].splits += 1);
            }
        }
        for (feature, _) in self.extra.lines.iter().flatten().flat_map(|line| &line.terms) {
            self.features[*feature as usize].splits += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node((left, right): (i32, i32)) -> Node {
        let test = Test::Number { cut: 0.0, missing: Missing::Nan, missing_left: true };
        Node { feature: 0, test, left, right, id: 0, cover: 0.0 }
    }

    /// A tree that grows by splitting a leaf after the other, as libraries write them.
    fn grown(splits: &[usize]) -> Vec<(i32, i32)> {
        let mut links = vec![(!0, !1)];
        for (&split, leaves) in splits.iter().zip(2i32..) {
            let (leaf, fresh) = (!((split % leaves as usize) as i32), links.len() as i32);
            for (left, right) in &mut links {
                [left, right].into_iter().filter(|link| **link == leaf).for_each(|link| *link = fresh);
            }
            links.push((leaf, !leaves));
        }
        links
    }

    proptest! {
        /// One pass and following every link agree, on trees and on what one changed link makes of them.
        #[test]
        fn one_pass_proves_what_following_proves(
            splits in prop::collection::vec(0usize..40, 0..20),
            changed in prop::option::of((0usize..20, -22i32..22)),
        ) {
            let mut links = grown(&splits);
            if let Some((place, link)) = changed {
                let count = links.len();
                links[place % count].0 = link;
            }
            let nodes: Vec<Node> = links.into_iter().map(node).collect();
            let leaves = vec![Leaf { value: 0.0, id: 0, cover: 0.0 }; nodes.len() + 1];
            let followed = depth_of(&nodes, &leaves);
            match depth_in_order(&nodes, leaves.len()) {
                Some(depth) => prop_assert_eq!(followed, Ok(depth)),
                None => prop_assert!(changed.is_some(), "a tree in order is not seen as one"),
            }
        }
    }
}
