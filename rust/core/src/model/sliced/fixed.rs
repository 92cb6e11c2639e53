//! Sums in integers: a unit for each output, and each leaf's integer.
//!
//! In: the trees of an output. Out: [`Units`] so fine that no sum overflows 32 bits. Let `S` be the sum of the largest
//! magnitudes of each tree and of the base. The unit is a power of two with `S / 2^30 < unit <= S / 2^29`; each of the
//! `T` trees and the base are rounded to half a unit, so a sum is off by at most `(T + 1) * S / 2^30`.

#[cfg(test)]
use super::super::ensemble::Ensemble;
use super::super::ensemble::Tree;

/// The unit of an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Units {
    pub(super) unit: f64,
    /// The base in units.
    pub(super) base: i32,
}

/// The bits of a sum's largest magnitude.
const SUM_BITS: i32 = 30;

impl Units {
    /// The unit for some trees that are added to a base; none where numbers are not finite or too large.
    pub(super) fn new<'a>(base: f64, trees: impl Iterator<Item = &'a Tree>) -> Option<Self> {
        let largest = |tree: &Tree| tree.values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let finite = |tree: &Tree| tree.values.iter().all(|value| value.is_finite());
        let (mut sum, mut all_finite) = (base.abs(), base.is_finite());
        for tree in trees {
            sum += largest(tree);
            all_finite &= finite(tree);
        }
        if !all_finite || sum >= 1e300 {
            return None;
        }
        // The sum is below 2^(exponent + 1); far below one, units stop where their inverse is still finite.
        let exponent = ((sum.to_bits() >> 52) as i32 - 1023).max(-900);
        let unit = f64::from_bits(((exponent + 1 - SUM_BITS + 1023) as u64) << 52);
        Some(Self { unit, base: round(base / unit) })
    }

    /// The integer of a value.
    pub(super) fn of(self, value: f64) -> i32 {
        round(value / self.unit)
    }
}

/// The nearest integer, ties to even: the same on every processor.
fn round(value: f64) -> i32 {
    value.round_ties_even() as i32
}

/// How far a sum in integers can be from the sum of the numbers themselves, for an output of a model.
#[cfg(test)]
pub(super) fn bound(ensemble: &Ensemble, output: u32) -> f64 {
    let trees = || ensemble.trees.iter().filter(|tree| tree.output == output);
    let largest = |tree: &Tree| tree.values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let sum = ensemble.base[output as usize].abs() + trees().map(largest).sum::<f64>();
    (trees().count() + 1) as f64 * sum / f64::from(1 << SUM_BITS)
}
