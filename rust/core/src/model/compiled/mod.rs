//! A fleet as sections of bytes: what a compiled fleet file holds, without the file.
//!
//! In: models, or the sections of a file whose checksums hold. Out: sections, or models equal to those that were
//! written: every number to the bit (law 3). Nothing is taken on trust: links must make trees, numbers must lie where
//! they may, and memory follows the sections' own lengths. docs/formats/fleet.md says what stands where.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use decode::decode;
pub use encode::encode;

/// The sections, in the order in which a file has them.
pub const SECTIONS: [&str; 11] = [
    "models",
    "trees",
    "nodes.feature",
    "nodes.kind",
    "nodes.cut",
    "nodes.left",
    "nodes.right",
    "leaves.value",
    "leaves.id",
    "covers",
    "categories",
];

/// Sections by name.
pub type Sections<B> = BTreeMap<&'static str, B>;

/// The section `models`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    models: Vec<ListedModel>,
    /// What the writer wants to find again.
    declared: serde_json::Value,
}

/// A model without its trees. Doubles stand as texts, which read back to the bit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedModel {
    name: String,
    library: String,
    format: String,
    version: String,
    objective: String,
    link: Option<String>,
    base: Vec<String>,
    averaged: bool,
    /// So many consecutive trees are one of the library.
    copies: u32,
    /// What is done with the sums.
    finish: Option<ListedFinish>,
    real_names: bool,
    trees: u32,
    features: Vec<ListedFeature>,
    loose_categories: Vec<Vec<String>>,
    /// The columns of the features by name; none where they are taken by position.
    columns: Option<Vec<String>>,
    applies_to: Option<String>,
}

/// A scale and a bias for each output.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedFinish {
    scale: String,
    bias: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedFeature {
    name: String,
    categorical: bool,
    categories: Option<Vec<String>>,
    codes: Option<Vec<u32>>,
}
