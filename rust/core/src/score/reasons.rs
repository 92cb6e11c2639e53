//! Why a score is what it is: parts that add up to the points, and the adverse ones among them.
//!
//! In: the contributions of features to each credit model's log-odds (exact path-dependent SHAP), the blend,
//! the scaling, and the points that were given. Out: for each record its parts in units of 1/64 points: a
//! base, one for each feature summed over the blend, what calibration moved, what effects, cap and clamp did,
//! and what rounding left. They add up to the points exactly (law 5); contributions that do not belong to
//! the points are refused. Ties among reasons go by the feature's name.

use std::collections::BTreeMap;

use super::blend::{OnNull, Part};
use super::calibration::Calibration;
use super::effect::Effect;
use super::logodds::sigmoid;
use super::scaling::{Scaling, to_points, to_units};
use crate::error::{Error, Result};

/// How far contributions may miss a model's log-odds: sums of 32-bit floats are exact to about this.
const SLACK: f64 = 1e-4;

/// What a part of a score is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The points of an average record.
    Base,
    /// A feature.
    Feature,
    /// What an isotonic calibration moved.
    Calibration,
    /// What rounding left.
    Rounding,
    /// What a decision added.
    Effect,
    /// What a decision's cap took.
    Cap,
    /// What the limits of the final points did.
    Clamp,
}

impl Kind {
    /// As a result writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Feature => "feature",
            Self::Calibration => "calibration",
            Self::Rounding => "rounding",
            Self::Effect => "effect",
            Self::Cap => "cap",
            Self::Clamp => "clamp",
        }
    }
}

/// A part of a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// The feature, for one.
    pub feature: Option<String>,
    /// In units of 1/64 points.
    pub units: i64,
}

/// The contributions of one model for one record, in log-odds.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares<'a> {
    /// The names of the features.
    pub features: &'a [String],
    /// One number for each feature, then the base.
    pub values: Vec<f64>,
}

/// The parts of a record's score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Base, features by name, calibration, rounding, effect, cap, clamp; those that are zero are left out.
    pub lines: Vec<Line>,
}

impl Explained {
    /// At most `most` features that took points, those that took most first; ties by name.
    pub fn adverse(&self, most: usize) -> Vec<&Line> {
        let mut adverse: Vec<&Line> =
            self.lines.iter().filter(|line| line.kind == Kind::Feature && line.units < 0).collect();
        adverse.sort_by(|a, b| a.units.cmp(&b.units).then_with(|| a.feature.cmp(&b.feature)));
        adverse.truncate(most);
        adverse
    }

    /// The sum of all parts: the final points.
    pub fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.units).sum()
    }
}

/// Explains a record's points. `models` has one entry for each model of the blend, in its order; none where
/// the model had no output. The last of the parts adds up to `points_model` before `effect`, and to the
/// final points after it.
///
/// # Errors
/// `Argument`: contributions that do not add up to the points, a model without output where the blend
/// refuses them, no model at all.
pub fn explain(
    part: &Part,
    on_null: OnNull,
    models: &[Option<Shares<'_>>],
    scaling: &Scaling,
    points_model: f64,
    effect: &Effect,
) -> Result<Explained> {
    let (base, shares) = blended(part, on_null, models)?;
    let (slope, intercept) = match &part.calibration {
        Some(Calibration::Platt { slope, intercept }) => (*slope, *intercept),
        _ => (1.0, 0.0),
    };
    let model_units = to_units(points_model);
    let base_units = scaling.points(slope * base + intercept);
    let mut lines = vec![Line { kind: Kind::Base, feature: None, units: base_units }];
    let log_odds: f64 = base + shares.values().sum::<f64>();
    for (feature, share) in shares {
        let units = to_units(-scaling.factor() * slope * share);
        lines.push(Line { kind: Kind::Feature, feature: Some(feature.to_owned()), units });
    }
    if let Some(calibration @ Calibration::Isotonic { .. }) = &part.calibration {
        let units = scaling.points(calibration.apply(log_odds).1) - scaling.points(log_odds);
        lines.push(Line { kind: Kind::Calibration, feature: None, units });
    }
    let sum: i64 = lines.iter().map(|line| line.units).sum();
    let rounding = model_units - sum;
    // Each part is rounded once, by half a unit at most.
    let allowed = lines.len() as f64 / 2.0 + 2.0 + to_units(scaling.factor() * slope * SLACK) as f64;
    // So far out a probability holds its log-odds only coarsely, and log-odds meet their bounds.
    let bounded = sigmoid(log_odds) < 1e-12 || sigmoid(log_odds) > 1.0 - 1e-12;
    if rounding.unsigned_abs() as f64 > allowed && !bounded {
        let (sum, points) = (to_points(sum), to_points(model_units));
        let text = format!(
            "the contributions add up to {sum} points, the score has {points}; give the contributions of the same models, rows and blend"
        );
        return Err(Error::argument(text));
    }
    lines.push(Line { kind: Kind::Rounding, feature: None, units: rounding });
    let steps = effect.apply(model_units, scaling);
    for (kind, units) in [(Kind::Effect, steps.score), (Kind::Cap, steps.cap), (Kind::Clamp, steps.clamp)] {
        lines.push(Line { kind, feature: None, units });
    }
    lines.retain(|line| line.units != 0 || line.kind == Kind::Base);
    Ok(Explained { lines })
}

/// The weighted mean of the models' bases, and of their contributions by feature.
fn blended<'a>(
    part: &Part,
    on_null: OnNull,
    models: &'a [Option<Shares<'_>>],
) -> Result<(f64, BTreeMap<&'a str, f64>)> {
    let mut present: Vec<(&str, f64, &Shares<'_>)> = Vec::new();
    for ((name, weight), shares) in part.models.iter().zip(models) {
        match shares {
            Some(shares) => present.push((name, *weight as f64, shares)),
            None if on_null == OnNull::Refuse => {
                let text = format!("model `{name}` has no contributions and the blend refuses nulls");
                return Err(Error::argument(text));
            }
            None => {}
        }
    }
    if on_null == OnNull::Fallback {
        present.truncate(1);
    }
    let all: f64 = present.iter().map(|(_, weight, _)| weight).sum();
    if all == 0.0 {
        return Err(Error::argument("no model has contributions; a score that is null has no reasons"));
    }
    let mut base = 0.0;
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, weight, shares) in present {
        if shares.values.len() != shares.features.len() + 1 {
            let text = format!(
                "model `{name}` has {} contributions for {} features; there is one for each and the base",
                shares.values.len(),
                shares.features.len()
            );
            return Err(Error::argument(text));
        }
        for (feature, value) in shares.features.iter().zip(&shares.values) {
            *sums.entry(feature).or_insert(0.0) += weight / all * value;
        }
        base += weight / all * shares.values[shares.features.len()];
    }
    Ok((base, sums))
}
