//! The largest weight of a unit in each group: exact, and joined by taking the larger.
//!
//! In: the weights of units as they are added. Out: a [`Magnitude`] for each group. A maximum merges in any
//! order (law 2), but what it was before a unit came cannot be told from it: where a retraction takes away
//! a unit as large as the largest, the group's is unknown from then on, and only a new count can tell it.

use std::collections::BTreeMap;

use creditcore_kernels::exact::Exact;
use creditcore_kernels::grid;
use num_bigint::BigInt;
use serde::{Deserialize, Serialize};

use super::column::Value;
use super::estimate::Binary;

/// A number that is not negative, exactly; ordered as numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Magnitude {
    /// The place of the highest bit, counted from one below the lowest of 128.
    top: i32,
    /// The bits from there on.
    high: u64,
    low: u64,
}

impl Default for Magnitude {
    fn default() -> Self {
        Self { top: i32::MIN, high: 0, low: 0 }
    }
}

impl Magnitude {
    /// `mantissa * 2^exponent`.
    pub fn new(mantissa: u128, exponent: i32) -> Self {
        if mantissa == 0 {
            return Self::default();
        }
        let zeros = mantissa.leading_zeros();
        let bits = mantissa << zeros;
        Self { top: exponent - zeros as i32, high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// A finite double that is not negative.
    pub(super) fn of_double(value: f64) -> Self {
        grid::decode(value)
            .map_or_else(Self::default, |(_, mantissa, exponent)| Self::new(mantissa.into(), exponent))
    }

    /// A value, or the product of two, that is finite and not negative.
    pub(super) fn of_product(value: Value, factor: Option<Value>) -> Self {
        let parts = |value: Value| match value {
            Value::Finite { mantissa, exponent, .. } => (u128::from(mantissa), exponent),
            _ => (0, 0),
        };
        let (mantissa, exponent) = parts(value);
        let (factor, scale) = factor.map_or((1, 0), parts);
        Self::new(mantissa * factor, exponent + scale)
    }

    /// Whether this is more than `millionths` of a sum.
    pub fn exceeds(self, millionths: u32, sum: &Exact) -> bool {
        if self.top == i32::MIN {
            return false;
        }
        let bits = u128::from(self.high) << 64 | u128::from(self.low);
        let mine = Binary { integer: BigInt::from(bits) * 1_000_000, exponent: i64::from(self.top) };
        let part = Binary { integer: BigInt::from(millionths), exponent: 0 }.times(&Binary::of(sum));
        mine.plus(&part.negated()).integer > BigInt::ZERO
    }
}

/// The largest weight by group; `None` where a retraction left it unknown.
pub type Largest = BTreeMap<String, Option<Magnitude>>;

/// Adds the largest weights of another part.
pub(super) fn merge(mine: &mut Largest, other: &Largest) {
    for (key, theirs) in other {
        let of_both = match mine.get(key) {
            None => *theirs,
            Some(mine) => mine.zip(*theirs).map(|(mine, theirs)| mine.max(theirs)),
        };
        mine.insert(key.clone(), of_both);
    }
}

/// What is left to say of a group when units of another part are taken away; `None` where they were never
/// in it.
pub(super) fn retract(mine: Option<Magnitude>, theirs: Option<Magnitude>) -> Option<Option<Magnitude>> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) if theirs > mine => None,
        (Some(mine), Some(theirs)) if theirs < mine => Some(Some(mine)),
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_are_ordered_as_their_numbers() {
        let numbers = [0.0, 5e-324, 1e-300, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 1e17, f64::MAX];
        for pair in numbers.windows(2) {
            assert!(Magnitude::of_double(pair[0]) < Magnitude::of_double(pair[1]), "{pair:?}");
        }
        assert_eq!(Magnitude::new(6, 0), Magnitude::new(3, 1));
        assert_eq!(Magnitude::new(6, 0), Magnitude::of_double(6.0));
    }

    #[test]
    fn a_share_is_compared_exactly() {
        let sum = Exact::from_scaled(10, 0);
        assert!(!Magnitude::new(1, 0).exceeds(100_000, &sum), "a tenth is not more than a tenth");
        assert!(Magnitude::of_double(1.0 + f64::EPSILON).exceeds(100_000, &sum));
        assert!(!Magnitude::default().exceeds(100_000, &Exact::zero()));
    }

    #[test]
    fn what_was_as_large_as_the_largest_leaves_it_unknown() {
        let [one, two] = [1u128, 2].map(|number| Some(Magnitude::new(number, 0)));
        assert_eq!(retract(two, one), Some(two));
        assert_eq!(retract(two, two), Some(None));
        assert_eq!(retract(one, two), None);
        assert_eq!(retract(None, one), Some(None));
    }
}
