//! CatBoost's files: the binary form (`.cbm`) and the JSON export.
//!
//! In: the bytes that `save_model` writes. Out: an [`Ensemble`]. Numbers are f32 and a test is `x > border`; values
//! of leaves are summed in f64 from zero in the order of the trees, then scaled, then the bias is added. Categories
//! are known by a hash of their text ([`hash`]); a test asks for one of them, or for a number that is computed from
//! several ([`ctr`]). Features made of texts and embeddings are refused by name.

mod binary;
pub(super) mod ctr;
mod flat;
pub(super) mod hash;
mod json;
mod objective;
mod trees;

use std::sync::Arc;

use super::ensemble::{Ensemble, Extra, Feature, Finish, Library, Tree};
use super::fault::Fault;
use super::formats::{MOST_FEATURES, Options};
use super::json::Json;
use ctr::{Computed, Counts, Formula, Part};
use trees::{Leaves, Split, Step};

pub(super) use binary::{read as read_binary, recognise as recognise_binary};
pub(super) use json::{read as read_json, recognise as recognise_json};

/// Features that a model may compute from categories.
const MOST_COMPUTED: usize = 1 << 14;

/// A number that a model may test.
struct Float {
    /// Its place among the numbers.
    index: i32,
    /// Its place among all features.
    flat: i32,
    name: String,
    borders: Vec<f32>,
    has_missing: bool,
    /// 0 as it is, 1 as minus infinity, 2 as infinity.
    treatment: u8,
}

/// A category that a model may test.
struct Category {
    /// Its place among the categories.
    index: i32,
    flat: i32,
    name: String,
}

/// The values of a category that a model asks for.
struct OneHot {
    index: i32,
    values: Vec<i32>,
}

/// The trees of a file.
enum Forest {
    /// For each tree the numbers of its tests.
    Symmetric { splits: Vec<Vec<usize>>, values: Vec<f64>, weights: Vec<f64> },
    /// For each tree its steps, with the numbers of their tests, and its leaves.
    Steps(Vec<Steps>),
}

/// A tree of steps.
struct Steps {
    /// The steps; `split` is found by the number beside it.
    steps: Vec<(Step, usize)>,
    values: Vec<f64>,
    weights: Vec<f64>,
}

/// A model as its file has it.
struct Model {
    floats: Vec<Float>,
    categories: Vec<Category>,
    one_hots: Vec<OneHot>,
    computed: Vec<Statistic>,
    /// The counts that they are computed from.
    counts: Vec<(Base, Arc<Counts>)>,
    outputs: usize,
    forest: Forest,
    scale: f64,
    bias: Vec<f64>,
    objective: String,
    version: String,
}

impl Model {
    fn assemble(self, format: &'static str, options: &Options) -> std::result::Result<Ensemble, Fault> {
        if options.best_iteration {
            let text = "`best_iteration` was asked for, but files of CatBoost hold the rounds that it kept";
            return Err(Fault::Unsupported(text.to_owned()));
        }
        let link = match objective::link(&self.objective, self.outputs) {
            Ok(link) => Some(link),
            Err(_) if options.margin_only => None,
            Err(text) => {
                let text = format!("{text}; `margin_only` reads the model for its raw output alone");
                return Err(Fault::Unsupported(text));
            }
        };
        let features = self.features()?;
        let stand_in = |(index, feature): (usize, &Feature)| feature.name == index.to_string();
        let real_names = !features.iter().enumerate().all(stand_in);
        let mut splits = self.splits()?;
        let computed = self.computed(features.len(), &mut splits)?;
        if self.bias.len() != self.outputs || !self.bias.iter().chain([&self.scale]).all(|x| x.is_finite()) {
            let text =
                format!("field `scale_and_bias` holds {} numbers for {}", self.bias.len(), self.outputs);
            return Err(Fault::Broken(text));
        }
        let plain = self.scale == 1.0 && self.bias.iter().all(|bias| *bias == 0.0);
        let finish = Finish { scale: self.scale, bias: self.bias };
        let extra =
            Extra { copies: self.outputs, finish: (!plain).then_some(finish), computed, ..Extra::default() };
        let mut ensemble = Ensemble {
            library: Library::CatBoost,
            format,
            version: self.version,
            objective: self.objective,
            features,
            real_names,
            trees: forest(&self.forest, &splits, self.outputs)?,
            base: vec![0.0; self.outputs],
            averaged: false,
            link,
            loose_categories: Vec::new(),
            extra,
        };
        ensemble.count_splits();
        Ok(ensemble)
    }

    /// The inputs in the library's order, numbers and categories among each other.
    fn features(&self) -> std::result::Result<Vec<Feature>, String> {
        let floats = self.floats.iter().map(|float| (float.flat, &float.name, None));
        let categories = self.categories.iter().map(|category| {
            let one_hot = self.one_hots.iter().find(|one| one.index == category.index);
            let values = one_hot.map_or_else(Vec::new, |one| one.values.clone());
            (category.flat, &category.name, Some(Arc::new(values)))
        });
        let mut found: Vec<_> = floats.chain(categories).collect();
        found.sort_by_key(|(flat, ..)| *flat);
        let last = found.last().map_or(-1, |(flat, ..)| *flat);
        let wanted = usize::try_from(i64::from(last) + 1).unwrap_or(0);
        if wanted > MOST_FEATURES || found.first().is_some_and(|(flat, ..)| *flat < 0) {
            return Err(format!("field `flat_feature_index` holds `{last}`"));
        }
        // Features of other kinds, which no tree tests, leave gaps.
        let gap = |index: usize| Feature { name: index.to_string(), ..Feature::default() };
        let mut features: Vec<Feature> = (0..wanted).map(gap).collect();
        for (flat, name, hashes) in &found {
            let feature = &mut features[*flat as usize];
            if !name.is_empty() {
                feature.name.clone_from(name);
            }
            feature.categorical = hashes.is_some();
            feature.hashes.clone_from(hashes);
        }
        if found.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err("field `flat_feature_index` holds one number twice".to_owned());
        }
        let mut seen = std::collections::HashSet::new();
        match features.iter().find(|feature| !seen.insert(&feature.name)) {
            Some(twice) => Err(format!("field `feature_id` holds `{}` twice", twice.name)),
            None => Ok(features),
        }
    }

    /// The tests by their numbers: every border of every number, then every value of every category.
    fn splits(&self) -> std::result::Result<Vec<Split>, String> {
        let mut splits = Vec::new();
        for float in &self.floats {
            if float.treatment > 2 {
                return Err(format!("field `nan_value_treatment` holds `{}`", float.treatment));
            }
            if !float.borders.windows(2).all(|pair| pair[0] < pair[1])
                || float.borders.iter().any(|x| x.is_nan())
            {
                return Err(format!("the borders of feature `{}` do not rise", float.name));
            }
            let missing_above = float.has_missing && float.treatment == 2;
            let feature = float.flat as u32;
            let above = |&border: &f32| Split::Above { feature, border, missing_above };
            splits.extend(float.borders.iter().map(above));
        }
        for one in &self.one_hots {
            let category = self.categories.iter().find(|category| category.index == one.index);
            let category = category
                .ok_or_else(|| format!("a test asks for category {}, which is not there", one.index))?;
            let mut seen = std::collections::HashSet::new();
            if !one.values.iter().all(|value| seen.insert(value)) {
                return Err(format!("category `{}` has one value twice", category.name));
            }
            let is = |code| Split::Is { feature: category.flat as u32, code };
            splits.extend((0..one.values.len() as u32).map(is));
        }
        Ok(splits)
    }
}

/// What a computed feature is computed from: the library's number of its kind, and places among the categories and
/// among the numbers of the file.
#[derive(Clone, Debug, Default, PartialEq)]
struct Base {
    kind: u8,
    /// By which list of borders the targets were cut; the JSON export does not tell.
    classifier: i32,
    categories: Vec<i32>,
    above: Vec<(i32, f32)>,
    is: Vec<(i32, i32)>,
}

/// A computed feature as its file has it.
struct Statistic {
    base: Base,
    formula: Formula,
    borders: Vec<f32>,
}

impl Model {
    /// The computed features, whose tests stand behind all others.
    fn computed(
        &self,
        own: usize,
        splits: &mut Vec<Split>,
    ) -> std::result::Result<Vec<Arc<Computed>>, String> {
        let most = self.computed.len().max(self.counts.len());
        if most > MOST_COMPUTED {
            return Err(format!("there are {most} computed features; at most {MOST_COMPUTED} are read"));
        }
        let mut found = Vec::with_capacity(self.computed.len());
        for statistic in &self.computed {
            let at = |text: String| format!("computed feature {}: {text}", found.len());
            if !statistic.borders.windows(2).all(|pair| pair[0] < pair[1]) {
                return Err(at("its borders do not rise".to_owned()));
            }
            let counts = self.counts.iter().find(|(base, _)| *base == statistic.base);
            let (_, counts) = counts.ok_or_else(|| at("the file holds no counts for it".to_owned()))?;
            let parts = self.parts(&statistic.base).map_err(at)?;
            let feature = (own + found.len()) as u32;
            let above = |&border: &f32| Split::Above { feature, border, missing_above: false };
            splits.extend(statistic.borders.iter().map(above));
            found.push(Arc::new(Computed::new(parts, counts.clone(), statistic.formula).map_err(at)?));
        }
        Ok(found)
    }

    fn parts(&self, base: &Base) -> std::result::Result<Vec<Part>, String> {
        let category = |index: i32| {
            let found = self.categories.iter().find(|category| category.index == index);
            found.map(|category| category.flat as u32).ok_or_else(|| format!("there is no category {index}"))
        };
        let mut parts = Vec::new();
        for &index in &base.categories {
            parts.push(Part::Category { feature: category(index)? });
        }
        for &(index, border) in &base.above {
            let float = self.floats.iter().find(|float| float.index == index);
            let float = float.ok_or_else(|| format!("there is no number {index}"))?;
            let missing_above = float.has_missing && float.treatment == 2;
            parts.push(Part::Above { feature: float.flat as u32, border, missing_above });
        }
        for &(index, hash) in &base.is {
            parts.push(Part::Is { feature: category(index)?, hash });
        }
        Ok(parts)
    }
}

/// The trees, each as often as there are outputs.
fn forest(forest: &Forest, splits: &[Split], outputs: usize) -> std::result::Result<Vec<Tree>, String> {
    let mut trees = Vec::new();
    let known = |number: &usize| {
        let found = splits.get(*number).copied();
        found.ok_or_else(|| format!("there is no test {number}; there are {}", splits.len()))
    };
    match forest {
        Forest::Symmetric { splits: tests, values, weights } => {
            let (mut values, mut weights) = (&values[..], &weights[..]);
            for (number, tests) in tests.iter().enumerate() {
                let at = |text: String| format!("tree {number}: {text}");
                let ends = 1usize.checked_shl(tests.len() as u32).unwrap_or(usize::MAX);
                let own = ends.checked_mul(outputs).filter(|own| *own <= values.len());
                let own = own.ok_or_else(|| at(format!("there are {} values left", values.len())))?;
                let (its, rest) = values.split_at(own);
                let (its_weights, rest_weights) = weights.split_at(ends.min(weights.len()));
                (values, weights) = (rest, rest_weights);
                let tests: Vec<Split> =
                    tests.iter().map(known).collect::<std::result::Result<_, _>>().map_err(at)?;
                let leaves = Leaves { values: its, weights: its_weights };
                trees.extend(trees::symmetric(&tests, &leaves, outputs).map_err(at)?);
            }
            if !values.is_empty() {
                return Err(format!("{} values of leaves belong to no tree", values.len()));
            }
        }
        Forest::Steps(list) => {
            for (number, tree) in list.iter().enumerate() {
                let at = |text: String| format!("tree {number}: {text}");
                let step = |(step, test): &(Step, usize)| -> std::result::Result<Step, String> {
                    let tests = step.left + step.right > 0;
                    Ok(Step { split: if tests { Some(known(test)?) } else { None }, ..*step })
                };
                let steps: Vec<Step> =
                    tree.steps.iter().map(step).collect::<std::result::Result<_, _>>().map_err(at)?;
                let leaves = Leaves { values: &tree.values, weights: &tree.weights };
                trees.extend(trees::of_steps(&steps, &leaves, outputs).map_err(at)?);
            }
        }
    }
    if trees.is_empty() {
        return Err("there are no trees".to_owned());
    }
    Ok(trees)
}

/// The objective that the parameters of the training name; empty where they name none.
fn objective_of(params: &Json<'_>) -> std::result::Result<String, String> {
    match params.field("loss_function").and_then(|loss| loss.field("type")) {
        Some(name) => Ok(name.plain("type")?.to_owned()),
        None => Ok(String::new()),
    }
}

/// The version in the library's note about itself.
fn version_of(note: &str) -> String {
    let (_, rest) = note.split_once("tags/v").unwrap_or(("", ""));
    rest.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect()
}
