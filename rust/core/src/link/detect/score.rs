//! The score of a person without any label, and the cut of the filter.
//!
//! In: [`Egos`]. Out: for each person log(faded strength) + log(1 + triangles), and from it a figure between 0 and 1
//! that is 1/2 at the cut. The cut is learned once, as the score that a stated share of people reaches, and then
//! frozen (law 1).

use super::ego::{Egos, in_units};
use crate::Result;
use crate::exec::Control;

/// People between two looks at whether to stop.
const BLOCK: usize = 1 << 16;

/// So much is added to a strength before its logarithm.
const FLOOR: f64 = 1e-3;
/// How steeply the figure rises at the cut.
const SLOPE: f64 = 2.0;

/// The label-free score of each person.
///
/// # Errors
/// Only a request to stop.
pub fn label_free(egos: &Egos, control: &Control) -> Result<Vec<f64>> {
    let mut scores = Vec::with_capacity(egos.strength.len());
    for (strength, triangles) in egos.strength.chunks(BLOCK).zip(egos.triangles.chunks(BLOCK)) {
        control.check()?;
        let both = strength.iter().zip(triangles);
        scores.extend(both.map(|(&strength, &triangles)| plain_score(in_units(strength), triangles)));
    }
    Ok(scores)
}

/// The label-free score of a person with some faded strength and triangles.
pub fn plain_score(strength: f32, triangles: u32) -> f64 {
    libm::log(f64::from(strength) + FLOOR) + libm::log1p(f64::from(triangles))
}

/// Who has less than this much faded strength and no triangle passes no filter.
const LEAST_STRENGTH: f64 = 0.25;

/// A score that a share of people reaches, one at least: half way between the last who does and the first who does
/// not. Equals pass together. It is never below that of a person with a single strong tie.
///
/// # Errors
/// Only a request to stop.
pub fn cut_of(scores: &[f64], share: f64, control: &Control) -> Result<f64> {
    control.check()?;
    let mut sorted = scores.to_vec();
    let wanted = ((share * scores.len() as f64) as usize).clamp(1, scores.len().max(1));
    let least = libm::log(LEAST_STRENGTH);
    if sorted.is_empty() {
        return Ok(least);
    }
    let (_, &mut last, out) = sorted.select_nth_unstable_by(wanted - 1, |a, b| b.total_cmp(a));
    let out = out.iter().copied().filter(|&score| score < last).max_by(f64::total_cmp);
    Ok(out.map_or(last - 1.0, |out| f64::midpoint(last, out)).max(least))
}

/// A figure between 0 and 1 that rises with the score and is 1/2 at the cut.
pub fn suspicion(score: f64, cut: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-SLOPE * (score - cut)))
}

/// The figures of all.
///
/// # Errors
/// Only a request to stop.
pub fn suspicions(scores: &[f64], cut: f64, control: &Control) -> Result<Vec<f64>> {
    let mut figures = Vec::with_capacity(scores.len());
    for part in scores.chunks(BLOCK) {
        control.check()?;
        figures.extend(part.iter().map(|&score| suspicion(score, cut)));
    }
    Ok(figures)
}
