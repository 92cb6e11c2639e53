//! Log-odds of bad: from probabilities and back, and exact weighted sums of them.
//!
//! In: probabilities or raw outputs of models. Out: integers in units of 2^-48, bounded to 64 either way (a
//! probability of 0 or 1 has no log-odds; 64 stands for 1.6e-28), and sums of weight times log-odds in 128
//! bits. Such a sum is exact, so one model's part is taken out or replaced without a trace (law 1), and no
//! order of the models changes a bit (law 2). Logarithm and exponential are those of `libm`.

use crate::error::{Error, Result};

/// Units in one: log-odds are integers of 1 / 2^48.
pub const UNITS: f64 = (1u64 << 48) as f64;
/// The greatest log-odds; the least is its negative.
pub const BOUND: f64 = 64.0;
/// Units in a weight of one: weights are integers of 1 / 2^40.
const WEIGHT_UNITS: f64 = (1u64 << 40) as f64;
/// The least and the greatest weight.
const WEIGHTS: std::ops::RangeInclusive<f64> = 1e-6..=1e6;
/// The most models of one blend: with the bounds above no sum leaves 128 bits.
pub const MOST_MODELS: usize = 4_096;

/// Log-odds within the bounds, in units.
pub fn fixed(log_odds: f64) -> i64 {
    (log_odds.clamp(-BOUND, BOUND) * UNITS).round() as i64
}

/// The log-odds of a probability, bounded; 0 and 1 give the bounds.
pub fn logit(probability: f64) -> f64 {
    if probability <= 0.0 {
        return -BOUND;
    }
    if probability >= 1.0 {
        return BOUND;
    }
    (libm::log(probability) - libm::log1p(-probability)).clamp(-BOUND, BOUND)
}

/// The probability of log-odds.
pub fn sigmoid(log_odds: f64) -> f64 {
    if log_odds >= 0.0 {
        1.0 / (1.0 + libm::exp(-log_odds))
    } else {
        let odds = libm::exp(log_odds);
        odds / (1.0 + odds)
    }
}

/// A model's weight as an integer.
///
/// # Errors
/// `Argument`: a weight that is not from 1e-6 to 1e6.
pub fn fixed_weight(model: &str, weight: f64) -> Result<i64> {
    if WEIGHTS.contains(&weight) {
        return Ok((weight * WEIGHT_UNITS).round() as i64);
    }
    let text = format!("model `{model}` has the weight `{weight}`; weights are numbers from 1e-6 to 1e6");
    Err(Error::argument(text))
}

/// An exact sum of weighted log-odds, and of the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogOddsSum {
    weighted: i128,
    weight: i128,
}

impl LogOddsSum {
    /// The sum of parts that [`parts`](Self::parts) gave.
    pub fn of_parts(weighted: i128, weight: i128) -> Self {
        Self { weighted, weight }
    }

    /// The weighted sum of the log-odds, and the sum of the weights, in units.
    pub fn parts(self) -> (i128, i128) {
        (self.weighted, self.weight)
    }

    /// Adds one model: its weight and its log-odds, both in units.
    pub fn add(&mut self, weight: i64, log_odds: i64) {
        self.weighted += i128::from(weight) * i128::from(log_odds);
        self.weight += i128::from(weight);
    }

    /// Takes one model out that was added before.
    pub fn remove(&mut self, weight: i64, log_odds: i64) {
        self.weighted -= i128::from(weight) * i128::from(log_odds);
        self.weight -= i128::from(weight);
    }

    /// Whether no model was added.
    pub fn is_empty(&self) -> bool {
        self.weight == 0
    }

    /// The weighted mean of the log-odds; none without models.
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.weighted as f64 / self.weight as f64 / UNITS)
    }
}
