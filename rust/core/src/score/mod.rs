//! Scores: from the outputs of models to probabilities and points.
//!
//! In: one column for each model, a [`Blend`], a [`Scaling`], effects of decisions. Out: `fraud_p`, `pd`,
//! `points_model`, `points_final`; reasons whose points add up to the score (law 5); calibrations; and the
//! figures that say how well a score parts good from bad.

mod blend;
mod calibration;
mod counts;
mod effect;
mod explained;
mod fit;
mod logodds;
mod metrics;
mod reasons;
mod records;
mod scaling;
mod sums;

#[cfg(test)]
mod tests;

pub use blend::{Blend, OnNull, Part, Target};
pub use calibration::Calibration;
pub use counts::{Entry, ScoreCounts, Scores};
pub use effect::{Effect, Steps};
pub use explained::explain_records;
pub use fit::{isotonic, platt};
pub use logodds::{BOUND, LogOddsSum, MOST_MODELS, UNITS, fixed, fixed_weight, logit, sigmoid};
pub use metrics::{EMPTY_SHARE, psi};
pub use reasons::{Explained, Kind as PartKind, Line, Shares, explain};
pub use records::{Output, calibrate, columns, score};
pub use scaling::{POINT_UNITS, Scaling, to_points, to_units};
pub use sums::{STILL, still};
