//! How suspect a group is.
//!
//! In: the figures of a [`Found`] group. Out: a score between 0 and 1, a logistic function of them. The coefficients
//! were fitted once on made-up graphs (`benches/rings.py`), rounded, and say only how groups differ in shape; they
//! know no type and no time. Logarithms are those of libm, the same on every platform (law 2).

use super::groups::Found;
use super::weights::UNIT;

/// What people's scores are: those of a model part rings from others, and the shape of a group adds less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The label-free score.
    LabelFree,
    /// A model's probabilities.
    Model,
}

/// So much is added to weights and shares before their logarithms.
const FLOOR: f64 = 1e-3;
/// The same of shares of which few have none.
const SHARE_FLOOR: f64 = 0.02;

/// How suspect a group is. `learned` says that ties weigh by learned rarities.
pub fn ring_score(found: &Found, basis: Basis, learned: bool) -> f64 {
    let log_odds = match basis {
        Basis::LabelFree if learned => of_rarities(found),
        Basis::LabelFree => LABEL_FREE.of(found),
        Basis::Model => MODEL.of(found),
    };
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// The log of a weight by member, its ties counted from both ends.
fn by_member(weight: u64, found: &Found) -> f64 {
    libm::log(2.0 * weight as f64 / UNIT as f64 / found.members.len() as f64 + FLOOR)
}

/// The log-odds of the label-free score under learned rarities. Fitted on graphs of three timings, so that no figure
/// tells more than it does where nobody's time is known; who stands out of a whole network counts by log-odds, since
/// figures between 0 and 1 hardly part those far above the cut.
fn of_rarities(found: &Found) -> f64 {
    let size = libm::log(found.members.len() as f64);
    let closed = (found.closure + SHARE_FLOOR) / (1.0 - found.closure + SHARE_FLOOR);
    -17.8
        + 0.6 * size
        + 1.3 * by_member(found.inside, found)
        + 1.9 * by_member(found.inside_static, found)
        + 0.5 * found.mean_log_odds
        - 1.2 * found.strong_pairs
        + 0.8 * libm::log(found.several_types + SHARE_FLOOR)
        - 1.1 * size * found.several_types
        + 2.3 * libm::log(closed)
        + 5.5 * found.exclusivity_static
}

/// The coefficients of the other scores.
struct Coefficients {
    base: f64,
    size: f64,
    strength: f64,
    mean: f64,
    diversity: f64,
    several_types: f64,
    exclusivity: f64,
}

impl Coefficients {
    fn of(&self, found: &Found) -> f64 {
        let mean = found.mean_score.clamp(FLOOR, 1.0 - FLOOR);
        self.base
            + self.size * libm::log(found.members.len() as f64)
            + self.strength * by_member(found.inside, found)
            + self.mean * libm::log(mean / (1.0 - mean))
            + self.diversity * found.diversity
            + self.several_types * found.several_types
            + self.exclusivity * found.exclusivity_static
    }
}

/// Of the label-free score under declared strengths.
const LABEL_FREE: Coefficients = Coefficients {
    base: -8.1,
    size: 0.3,
    strength: -0.4,
    mean: 0.5,
    diversity: 0.9,
    several_types: 3.3,
    exclusivity: 6.9,
};
/// Of a model's probabilities, fitted on groups of graphs that the model had not seen.
const MODEL: Coefficients = Coefficients {
    base: -4.1,
    size: 0.1,
    strength: -0.5,
    mean: 0.25,
    diversity: 2.5,
    several_types: 0.5,
    exclusivity: 3.8,
};
