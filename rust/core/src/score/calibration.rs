//! Calibration: from a blend's log-odds to a probability that means what it says.
//!
//! In: log-odds. Out: a probability, and its log-odds. Both kinds are monotone (law 5): Platt's line has a
//! rising slope, isotonic steps never fall. What was learned stands in the configuration as plain numbers.

use serde::{Deserialize, Serialize};

use super::logodds::{BOUND, logit, sigmoid};
use crate::error::{Error, Result};

/// The most points of an isotonic calibration.
const MOST_POINTS: usize = 1_000_000;

/// A monotone map of log-odds to probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Calibration {
    /// Log-odds become slope x log-odds + intercept.
    Platt {
        /// Above zero.
        slope: f64,
        /// The log-odds at log-odds of zero.
        intercept: f64,
    },
    /// Straight lines between points; flat outside of them.
    Isotonic {
        /// Log-odds, strictly rising.
        log_odds: Vec<f64>,
        /// The probability at each, never falling.
        probability: Vec<f64>,
    },
}

impl Calibration {
    /// Checks what was read from a file or an argument.
    ///
    /// # Errors
    /// `Argument`: numbers that are not finite, a slope that does not rise, points out of order.
    pub fn checked(self) -> Result<Self> {
        let fault = |text: &str| Err(Error::argument(format!("the calibration {text}")));
        match &self {
            Self::Platt { slope, intercept } => {
                if !(slope.is_finite() && intercept.is_finite() && *slope > 0.0) {
                    let text = format!(
                        "has slope `{slope}` and intercept `{intercept}`; both are finite, the slope above zero"
                    );
                    return fault(&text);
                }
            }
            Self::Isotonic { log_odds, probability } => {
                if log_odds.len() != probability.len() || log_odds.is_empty() || log_odds.len() > MOST_POINTS
                {
                    return fault("has not as many log-odds as probabilities, at least one of each");
                }
                let finite = log_odds.iter().all(|value| value.is_finite());
                if !finite || log_odds.windows(2).any(|pair| pair[0] >= pair[1]) {
                    return fault("has log-odds that are not finite and strictly rising");
                }
                let within = probability.iter().all(|value| (0.0..=1.0).contains(value));
                if !within || probability.windows(2).any(|pair| pair[0] > pair[1]) {
                    return fault("has probabilities that are not from 0 to 1 and never falling");
                }
            }
        }
        Ok(self)
    }

    /// The calibrated probability, and its log-odds.
    pub fn apply(&self, log_odds: f64) -> (f64, f64) {
        match self {
            Self::Platt { slope, intercept } => {
                let log_odds = (slope * log_odds + intercept).clamp(-BOUND, BOUND);
                (sigmoid(log_odds), log_odds)
            }
            Self::Isotonic { log_odds: xs, probability: ys } => {
                let probability = interpolate(xs, ys, log_odds);
                (probability, logit(probability))
            }
        }
    }
}

/// The height at `x` of straight lines between points; never outside of the two that it lies between.
fn interpolate(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let after = xs.partition_point(|&known| known <= x);
    if after == 0 {
        return ys[0];
    }
    if after == xs.len() {
        return ys[after - 1];
    }
    let (low, high) = (ys[after - 1], ys[after]);
    let share = (x - xs[after - 1]) / (xs[after] - xs[after - 1]);
    (low + (high - low) * share).min(high)
}
