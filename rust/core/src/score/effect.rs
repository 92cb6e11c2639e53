//! What a decision does to points: score, then cap, then clamp.
//!
//! In: the text of an effect (`score -20; cap 550`), points. Out: final points, and each step as a line of
//! its own, so that the lines add up (law 5). All in units of 1/64 points.

use super::scaling::{Scaling, to_units};
use crate::error::{Error, Result};

/// The greatest number in an effect, either way.
const MOST_POINTS: f64 = 1e9;

/// What the rules that fired do to a record's points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The sum of all `score`, in units.
    pub score: i64,
    /// The least of all `cap`, in units.
    pub cap: Option<i64>,
}

/// Final points, and how they came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// What `score` added.
    pub score: i64,
    /// What the cap took; zero or less.
    pub cap: i64,
    /// What the limits of the scaling added or took.
    pub clamp: i64,
    /// The final points.
    pub points: i64,
}

impl Effect {
    /// Reads the text of an effect: parts `score NUMBER` (added) and `cap NUMBER` (at most), split at `;`.
    ///
    /// # Errors
    /// `Argument`: a part that is neither, a number out of range.
    pub fn parse(text: &str) -> Result<Self> {
        let mut effect = Self::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (word, number) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
            let number = number.trim().parse::<f64>().ok().filter(|number| number.abs() <= MOST_POINTS);
            match (word, number) {
                ("score", Some(number)) => effect.score = effect.score.saturating_add(to_units(number)),
                ("cap", Some(number)) => {
                    let cap = to_units(number);
                    effect.cap = Some(effect.cap.map_or(cap, |known| known.min(cap)));
                }
                _ => {
                    let shown: String = part.chars().take(40).collect();
                    let text =
                        format!("`{shown}` is no effect; write `score -20`, `cap 550`, or both split by `;`");
                    return Err(Error::argument(text));
                }
            }
        }
        Ok(effect)
    }

    /// Applies the effect to points: score, then cap, then the limits of the scaling.
    pub fn apply(&self, points: i64, scaling: &Scaling) -> Steps {
        let scored = points.saturating_add(self.score);
        let capped = self.cap.map_or(scored, |cap| scored.min(cap));
        let clamped = scaling.clamp(capped);
        Steps { score: scored - points, cap: capped - scored, clamp: clamped - capped, points: clamped }
    }
}
