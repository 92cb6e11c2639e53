//! What there is to know about a model, as plain records.
//!
//! In: a model. Out: an [`About`], which a report prints or writes as JSON. Nothing here decides anything.

use std::collections::BTreeSet;

use serde::Serialize;

use super::binding::Columns;
use super::ensemble::{Ensemble, Feature, Library, Missing, Test};
use super::fleet::Model;

/// A model.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Its name in the fleet.
    pub name: String,
    /// The format of its file.
    pub format: &'static str,
    /// The library that it follows.
    pub library: &'static str,
    /// The version that the file names.
    pub version: String,
    /// The objective, as the file spells it.
    pub objective: String,
    /// Whether its predictions are probabilities.
    pub probability: bool,
    /// How many outputs.
    pub outputs: usize,
    /// How many trees.
    pub trees: usize,
    /// How many leaves, over all trees.
    pub leaves: usize,
    /// The longest way from a root to a leaf, in tests.
    pub depth: usize,
    /// The first summand of each output.
    pub base: Vec<f64>,
    /// Whether the sums are averaged over the trees.
    pub averaged: bool,
    /// How many features are computed from categories before trees test them.
    pub computed: usize,
    /// Whether the file names its features.
    pub real_names: bool,
    /// Lists of category values that the file stores without saying which features they belong to.
    pub loose_categories: Vec<Vec<String>>,
    /// The features, in the file's order.
    pub features: Vec<AboutFeature>,
}

/// A feature of a model.
#[derive(Clone, Debug, Serialize)]
pub struct AboutFeature {
    /// Its name in the file.
    pub name: String,
    /// The column that it is read from; none where it is read by position.
    pub column: Option<String>,
    /// How many nodes test it. It is not needed where there are none.
    pub splits: u64,
    /// Whether it is categorical.
    pub categorical: bool,
    /// The category values that the file tells, in the order of their codes.
    pub categories: Option<Vec<String>>,
    /// What its nodes take for missing: `nothing` (NaN is zero), `zero`, `nan`.
    pub missing: Vec<&'static str>,
}

impl About {
    /// What there is to know about a model.
    pub fn of(model: &Model) -> Self {
        let ensemble = &*model.ensemble;
        Self {
            name: model.name.clone(),
            format: ensemble.format,
            library: ensemble.library.name(),
            version: ensemble.version.clone(),
            objective: ensemble.objective.clone(),
            probability: ensemble.link.is_some_and(super::Link::is_probability),
            outputs: ensemble.outputs(),
            trees: ensemble.own_trees(),
            leaves: ensemble.leaves(),
            depth: ensemble.trees.iter().map(|tree| tree.depth).max().unwrap_or(0),
            base: ensemble.base.clone(),
            averaged: ensemble.averaged,
            computed: ensemble.extra.computed.len(),
            real_names: ensemble.real_names,
            loose_categories: ensemble.loose_categories.iter().map(|list| list.texts().to_vec()).collect(),
            features: features(ensemble, &model.columns),
        }
    }
}

fn features(ensemble: &Ensemble, columns: &Columns) -> Vec<AboutFeature> {
    let mut missing = vec![BTreeSet::new(); ensemble.features.len()];
    for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
        let Some(missing) = missing.get_mut(node.feature as usize) else { continue };
        missing.insert(match node.test() {
            Test::Number { missing: Missing::Nothing, .. } => "nothing",
            Test::Number { missing: Missing::Zero, .. } => "zero",
            Test::Number { missing: Missing::Nan, .. } | Test::Category { .. } => "nan",
        });
    }
    let feature = |(index, feature): (usize, &Feature)| AboutFeature {
        name: feature.name.clone(),
        column: match columns {
            Columns::Names(names) => names.get(index).cloned(),
            Columns::Positions => None,
        },
        splits: feature.splits,
        categorical: feature.categorical,
        categories: feature.categories.as_ref().map(|values| values.texts().to_vec()),
        missing: missing[index].iter().copied().collect(),
    };
    ensemble.features.iter().enumerate().map(feature).collect()
}

/// Values that try a model's decisions: for each tested feature its cuts and their neighbours one step to either
/// side in the library's own precision, zeros of both signs, the smallest numbers, infinities, NaN, and codes
/// around each set of categories, negative and fractional ones among them.
pub fn probes(ensemble: &Ensemble) -> Vec<Vec<f64>> {
    let mut probes = vec![Vec::new(); ensemble.features.len()];
    for tree in &ensemble.trees {
        for node in &tree.nodes {
            let Some(probes) = probes.get_mut(node.feature as usize) else { continue };
            match node.test() {
                Test::Number { cut, .. } if ensemble.library != Library::LightGbm => {
                    let cut = cut as f32;
                    probes.extend([cut, cut.next_up(), cut.next_down()].map(f64::from));
                }
                Test::Number { cut, .. } => probes.extend([cut, cut.next_up(), cut.next_down()]),
                Test::Category { first, count, .. } => {
                    let codes = tree.members(first, count).iter().map(|&code| f64::from(code));
                    probes.extend(codes.flat_map(|code| [code, code + 1.0, code + 0.5]));
                }
            }
        }
    }
    let odd = [0.0, -0.0, 5e-324, -5e-324, 1e-35, -1e-35, -0.5, -1.0, 3e9, f64::INFINITY, f64::NEG_INFINITY];
    for (probes, feature) in probes.iter_mut().zip(&ensemble.features) {
        if feature.splits > 0 {
            probes.extend(odd);
        }
        probes.retain(|value| !value.is_nan());
        probes.sort_unstable_by(f64::total_cmp);
        probes.dedup_by_key(|value| value.to_bits());
        probes.extend((feature.splits > 0).then_some(f64::NAN));
    }
    probes
}
