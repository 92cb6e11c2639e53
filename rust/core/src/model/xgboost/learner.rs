//! A model of XGBoost, whatever the form of its file, on its way to an ensemble.
//!
//! In: what a reader of a form found. Out: an [`Ensemble`] with the objective's link, its base scores as margins in
//! f32, and no more trees than were asked for.

use super::Fault;
use super::objective::{Margin, links};
use crate::model::ensemble::{Ensemble, Extra, Feature, Library, Linear, Tree};
use crate::model::formats::Options;

/// What a model adds up.
pub(super) enum Booster {
    /// Trees; each `copies` consecutive ones are one tree of the library, which holds vectors, and each `layer` trees
    /// of the library are one round of the training.
    Trees { trees: Vec<Tree>, copies: usize, layer: usize },
    /// A weight for each feature and output, and last the biases.
    Linear(Vec<f32>),
}

/// A model as its file has it.
pub(super) struct Learner {
    /// Major and minor version of the writer.
    pub(super) version: (u32, u32),
    pub(super) objective: String,
    pub(super) base: Vec<f32>,
    /// The first versions wrote the margin of the base score in its place.
    pub(super) base_is_margin: bool,
    pub(super) best_iteration: Option<usize>,
    pub(super) outputs: usize,
    pub(super) features: Vec<Feature>,
    pub(super) real_names: bool,
    pub(super) booster: Booster,
}

impl Learner {
    /// The model in its form for engines.
    pub(super) fn assemble(self, format: &'static str, options: &Options) -> Result<Ensemble, Fault> {
        let (link, margin) = match links(&self.objective, self.outputs, self.version, self.base_is_margin) {
            Ok((link, margin)) => (Some(link), margin),
            Err(_) if options.margin_only => (None, Margin::Same),
            Err(text) => {
                let text = format!(
                    "{text}; `margin_only` reads the model for its raw output alone, and takes its \
                     base score for a margin"
                );
                return Err(Fault::Unsupported(text));
            }
        };
        let margin = if self.base_is_margin { Margin::Same } else { margin };
        let base = self.base.into_iter().map(|base| margin.of(base).map(f64::from));
        let mut ensemble = Ensemble {
            library: Library::XgBoost,
            format,
            version: format!("{}.{}", self.version.0, self.version.1),
            objective: self.objective,
            real_names: self.real_names,
            trees: Vec::new(),
            features: self.features,
            base: base.collect::<Result<_, _>>()?,
            averaged: false,
            link,
            loose_categories: Vec::new(),
            extra: Extra::default(),
        };
        match self.booster {
            Booster::Linear(weights) => {
                if options.best_iteration {
                    return Err(unknown_best("a linear model has no trees"));
                }
                // Its own list holds one for each output, but the library adds the first one to all of them.
                let first = ensemble.base[0];
                ensemble.base.fill(first);
                let linear = Linear::new(weights, ensemble.features.len(), self.outputs)?;
                // The library reads every feature, whatever its weight.
                ensemble.features.iter_mut().for_each(|feature| feature.splits = 1);
                ensemble.extra.linear = Some(linear);
            }
            Booster::Trees { mut trees, copies, layer } => {
                if options.best_iteration {
                    let best = self.best_iteration.ok_or_else(|| {
                        unknown_best("the file has no attribute `best_iteration`; train with early stopping")
                    })?;
                    let kept = best.saturating_add(1).saturating_mul(layer).saturating_mul(copies);
                    trees.truncate(kept);
                }
                ensemble.trees = trees;
                ensemble.extra.copies = copies;
                ensemble.count_splits();
            }
        }
        Ok(ensemble)
    }
}

fn unknown_best(why: &str) -> Fault {
    Fault::Unsupported(format!("`best_iteration` was asked for, but {why}"))
}
