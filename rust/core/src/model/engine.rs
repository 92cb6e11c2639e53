//! The engines: who can evaluate which models, and which is taken.
//!
//! In: the models of a fleet, and perhaps the name of the engine to take. Out: [`Choice`]s, each an engine built
//! for the models that it evaluates. An engine answers four questions: its name, what it supports, whom it is
//! better than, and how it is built. The list is static and can be read.

use std::sync::Arc;

use super::ensemble::Ensemble;
use super::golden::Golden;
use crate::error::{Error, Result};
use crate::exec::Control;

/// The inputs of some consecutive rows.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// How many rows.
    pub rows: usize,
    /// For each input of the fleet its values, NaN where missing.
    pub columns: Vec<Vec<f64>>,
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

/// An engine, built for some models.
pub trait Engine: Send + Sync {
    /// Writes the raw outputs of each of its models for a block, row by row: `outputs[model]` holds rows times
    /// the model's outputs.
    ///
    /// # Errors
    /// A request to stop.
    fn margins(&self, block: &Block, control: &Control, outputs: &mut [&mut [f64]]) -> Result<()>;
}

/// What an engine can do, told without building it.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Why it cannot evaluate a model; nothing where it can.
    pub refuses: fn(&Ensemble) -> Option<String>,
    /// The engines that it is preferred to.
    pub better_than: &'static [&'static str],
    /// Builds it for models that it does not refuse.
    pub build: fn(Vec<Bound>) -> Box<dyn Engine>,
}

/// Every engine.
pub static ENGINES: [Kind; 1] = [Kind {
    name: "golden",
    refuses: |_| None,
    better_than: &[],
    build: |models| Box::new(Golden::new(models)),
}];

/// Which engine evaluates a model, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The engine's name.
    pub engine: &'static str,
    /// Whether it is taken.
    pub chosen: bool,
    /// Why, or why not.
    pub reason: String,
}

/// What each engine says of a model; exactly one is chosen.
///
/// # Errors
/// A forced engine that there is not, or that refuses the model.
pub fn choose(model: &str, ensemble: &Ensemble, forced: Option<&str>) -> Result<Vec<Reason>> {
    if let Some(name) = forced
        && !ENGINES.iter().any(|kind| kind.name == name)
    {
        let known = ENGINES.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ");
        return Err(Error::argument(format!("there is no engine `{name}`; there are {known}")));
    }
    let able = |kind: &&Kind| (kind.refuses)(ensemble).is_none();
    let best =
        |kind: &&Kind| !ENGINES.iter().filter(able).any(|other| other.better_than.contains(&kind.name));
    let chosen = match forced {
        Some(name) => name,
        None => ENGINES.iter().filter(able).find(best).map_or("golden", |kind| kind.name),
    };
    let mut reasons = Vec::with_capacity(ENGINES.len());
    for kind in &ENGINES {
        let refusal = (kind.refuses)(ensemble);
        let taken = kind.name == chosen;
        if let (Some(why), true) = (&refusal, taken) {
            let text = format!("engine `{chosen}` cannot evaluate model `{model}`: {why}");
            return Err(Error::argument(text));
        }
        let reason = match (refusal, taken, forced) {
            (Some(why), ..) => why,
            (None, true, Some(_)) => "asked for".to_owned(),
            (None, true, None) => "the best that evaluates this model".to_owned(),
            (None, false, _) => format!("`{chosen}` is taken instead"),
        };
        reasons.push(Reason { engine: kind.name, chosen: taken, reason });
    }
    Ok(reasons)
}

/// An engine and the models that it evaluates, by their numbers in the fleet.
pub(super) struct Choice {
    pub(super) models: Vec<usize>,
    pub(super) engine: Box<dyn Engine>,
}

/// Builds each chosen engine once, for all of its models.
pub(super) fn build(models: &[Bound], reasons: &[Vec<Reason>]) -> Vec<Choice> {
    let mut choices = Vec::new();
    for kind in &ENGINES {
        let taken = |number: &usize| reasons[*number].iter().any(|r| r.chosen && r.engine == kind.name);
        let numbers: Vec<usize> = (0..models.len()).filter(taken).collect();
        if !numbers.is_empty() {
            let bound = numbers.iter().map(|&number| models[number].clone()).collect();
            choices.push(Choice { models: numbers, engine: (kind.build)(bound) });
        }
    }
    choices
}
