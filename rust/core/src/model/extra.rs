//! What a model has beside plain sums of trees.
//!
//! In: what a format's reader found. Out: an [`Extra`], empty for most models. An engine that sums trees alone asks
//! [`Extra::refusal`]; what happens after the sums ([`Finish`]) and to the numbers of leaves ([`Extra::copies`]) is
//! the fleet's matter, whatever the engine.

use std::sync::Arc;

pub use super::catboost::ctr::Computed;

/// What a model has beside plain sums of trees.
#[derive(Clone, Debug, PartialEq)]
pub struct Extra {
    /// So many consecutive trees, one for each output, are one tree of the library, whose leaves hold vectors.
    pub copies: usize,
    /// What is done with the sums.
    pub finish: Option<Finish>,
    /// A linear model, which has no trees.
    pub linear: Option<Linear>,
    /// For each tree the functions in its leaves; empty where no tree has any.
    pub lines: Vec<Vec<Line>>,
    /// Features that are computed from others before any tree is walked. They are counted behind the model's own
    /// features: in tests of nodes, and in [`Bound::slots`](super::engine::Bound::slots).
    pub computed: Vec<Arc<Computed>>,
}

impl Default for Extra {
    fn default() -> Self {
        Self { copies: 1, finish: None, linear: None, lines: Vec::new(), computed: Vec::new() }
    }
}

impl Extra {
    /// Why an engine that sums the values of leaves cannot evaluate the model; nothing where it can.
    pub fn refusal(&self) -> Option<String> {
        if self.linear.is_some() {
            return Some("it is linear and has no trees".to_owned());
        }
        if !self.lines.is_empty() {
            return Some("its leaves hold linear functions".to_owned());
        }
        None
    }

    /// The function in a leaf, where there is one.
    pub(super) fn line(&self, tree: usize, leaf: usize) -> Option<&Line> {
        self.lines.get(tree)?.get(leaf)
    }
}

/// What becomes of the sums of each row: CatBoost's scale and bias, in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Finish {
    /// The sums are multiplied by it ...
    pub scale: f64,
    /// ... and this is added to each output.
    pub bias: Vec<f64>,
}

impl Finish {
    /// Turns sums into raw outputs, row by row.
    pub(super) fn apply(&self, sums: &mut [f64]) {
        for row in sums.chunks_mut(self.bias.len().max(1)) {
            row.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum = *sum * self.scale + bias);
        }
    }
}

/// A linear function in a leaf, in f64: the constant first, then the products in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// The first summand.
    pub constant: f64,
    /// Features and their coefficients.
    pub terms: Vec<(u32, f64)>,
}

impl Line {
    /// The value for a row; none where a value is missing, and the leaf's own value stands.
    pub(super) fn value(&self, value: impl Fn(u32) -> f64) -> Option<f64> {
        let mut sum = self.constant;
        for &(feature, coefficient) in &self.terms {
            let value = value(feature);
            if value.is_nan() {
                return None;
            }
            sum += coefficient * value;
        }
        Some(sum)
    }
}

/// A linear model of XGBoost, in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// For each feature a weight for each output, and last the biases.
    weights: Vec<f32>,
    outputs: usize,
}

impl Linear {
    /// A linear model of so many features and outputs.
    ///
    /// # Errors
    /// Another number of weights.
    pub fn new(weights: Vec<f32>, features: usize, outputs: usize) -> Result<Self, String> {
        let wanted = (features + 1) * outputs;
        if weights.len() == wanted {
            return Ok(Self { weights, outputs });
        }
        Err(format!(
            "field `weights` holds {} numbers; {features} features and {outputs} outputs need {wanted}",
            weights.len()
        ))
    }

    fn features(&self) -> usize {
        self.weights.len() / self.outputs - 1
    }

    /// The bias of an output.
    fn bias(&self, output: usize) -> f32 {
        self.weights[self.features() * self.outputs + output]
    }

    /// The output of a row: bias, then base, then the products of what is not missing in the features' order.
    pub(super) fn value(&self, output: usize, base: f64, value: impl Fn(u32) -> f64) -> f64 {
        let mut sum = self.bias(output) + base as f32;
        for (feature, weights) in self.weights.chunks_exact(self.outputs).take(self.features()).enumerate() {
            let value = value(feature as u32) as f32;
            if !value.is_nan() {
                sum += value * weights[output];
            }
        }
        f64::from(sum)
    }

    /// What each feature contributes to an output, and last bias and base.
    pub(super) fn contributions(
        &self,
        output: usize,
        base: f64,
        value: impl Fn(u32) -> f64,
        out: &mut [f64],
    ) {
        let features = self.features();
        for (feature, out) in out.iter_mut().enumerate().take(features) {
            let value = value(feature as u32) as f32;
            let product =
                if value.is_nan() { 0.0 } else { value * self.weights[feature * self.outputs + output] };
            *out = f64::from(product);
        }
        out[features] = f64::from(self.bias(output) + base as f32);
    }
}
