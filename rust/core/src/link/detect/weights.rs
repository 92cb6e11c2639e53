//! What a tie between two people weighs.
//!
//! In: the strength of each type, or its rarities by how many people show an identifier, days. Out: integers in units
//! of 2^-20, so that sums depend neither on the order of identifiers nor on threads (laws 2 and 7).

use crate::link::{BANDS, Graph, NO_TIME, Settings, TypeSettings, band};
use crate::{Error, Result};

/// A weight of one.
pub const UNIT: u64 = 1 << 20;
/// The most types that detection tells apart.
pub const MOST_DETECTED_TYPES: usize = 64;
/// A decay of one.
const WHOLE: u64 = 1 << 24;
/// A type says no more than this.
const MOST_STRENGTH: f64 = 64.0;
/// Days after which nothing is left, whatever the decay.
const MOST_DAYS: usize = 4_096;

/// Ties from this weight on are strong, where strengths are declared by type.
const STRONG_DECLARED: u64 = UNIT / 4;
/// The same where they were learned by numbers of people.
const STRONG_LEARNED: u64 = UNIT / 2;

/// The strength of each type in units, by bands of people, and the decay of each number of days.
#[derive(Clone, Debug)]
pub struct Weights {
    strengths: Vec<[u64; BANDS]>,
    decay: Vec<u64>,
    /// Ties from this weight on are strong; triangles and hops are counted among them.
    pub strong: u64,
    /// Whether rarities were learned.
    pub learned: bool,
}

impl Weights {
    /// Weights that fade by 1/e in `tau` days, with the strengths of a network's types.
    ///
    /// # Errors
    /// More types than are told apart, or a `tau` that is not above 0.
    pub fn new(settings: &Settings, tau: f64) -> Result<Self> {
        let types = &settings.types;
        if types.len() > MOST_DETECTED_TYPES {
            let told = format!("there are {} types of identifiers", types.len());
            return Err(Error::argument(format!(
                "{told}; groups are found among {MOST_DETECTED_TYPES} at most"
            )));
        }
        if tau.is_nan() || tau <= 0.0 {
            return Err(Error::argument(format!("`tau` is `{tau}`; it is a number of days above 0")));
        }
        let faded = |days: usize| (libm::exp(-(days as f64) / tau) * WHOLE as f64).round() as u64;
        let units = |strength: f64| (strength.clamp(0.0, MOST_STRENGTH) * UNIT as f64).round() as u64;
        let of_band = |kind: &TypeSettings, at: usize| {
            let last = kind.rarities.len().saturating_sub(1);
            units(kind.rarities.get(at.min(last)).copied().unwrap_or(kind.strength))
        };
        let learned = types.iter().any(|kind| !kind.rarities.is_empty());
        Ok(Self {
            learned,
            strong: if learned { STRONG_LEARNED } else { STRONG_DECLARED },
            strengths: types.iter().map(|kind| std::array::from_fn(|at| of_band(kind, at))).collect(),
            decay: (0..MOST_DAYS).map(faded).take_while(|&decay| decay > 0).collect(),
        })
    }

    /// What sharing an identifier of `degree` people says of two of them.
    pub fn of(&self, kind: usize, degree: u32) -> u64 {
        self.strengths[kind][band(degree)] / u64::from(degree.max(2) - 1)
    }

    /// A weight after so many days.
    pub fn faded(&self, weight: u64, days: u32) -> u64 {
        self.decay.get(days as usize).map_or(0, |decay| (weight * decay) >> 24)
    }
}

/// Whole days between two people's times; 0 where one is unknown.
pub fn days_apart(graph: &impl Graph, one: u32, other: u32) -> u32 {
    let (a, b) = (graph.time(one), graph.time(other));
    if a == NO_TIME || b == NO_TIME { 0 } else { (a / crate::link::DAY).abs_diff(b / crate::link::DAY) }
}
