//! A sum of middling numbers without allocation: 384 bits of fixed point in two's complement.
//!
//! Most products of four doubles of everyday size fit it; one that does not is refused and goes to an
//! [`Exact`] instead. Arithmetic is modulo 2^384, so intermediate carries out of the top are right.

use super::{Exact, add_with_carry};

/// Limbs of a window.
const LIMBS: usize = 6;
/// The index of the lowest limb: a window counts in units of 2^-256.
const LOW: i32 = -4;
/// Bits above the largest admissible number, so that 2^32 of them cannot overflow.
const HEADROOM: i32 = 33;

/// An exact sum of numbers between 2^-256 and 2^95.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    limbs: [u64; LIMBS],
}

impl Window {
    /// Adds `value * 2^exponent`, or takes it away where `negative`; says whether the number fits.
    #[inline]
    #[must_use]
    pub fn add(&mut self, negative: bool, value: u128, exponent: i32) -> bool {
        let place = exponent - 64 * LOW;
        let top = place + 128 - value.leading_zeros() as i32;
        if place < 0 || top > 64 * LIMBS as i32 - HEADROOM {
            return value == 0;
        }
        let (limb, shift) = ((place / 64) as usize, place % 64);
        let low = value << shift;
        let high = if shift == 0 { 0 } else { (value >> (128 - shift)) as u64 };
        let sign = if negative { u64::MAX } else { 0 };
        // Two's complement of a negative number: the inverted limbs, and 1 carried in at the bottom.
        let mut carry = negative;
        let (parts, above) = self.limbs[limb..].split_at_mut(3.min(LIMBS - limb));
        for (here, part) in parts.iter_mut().zip([low as u64, (low >> 64) as u64, high]) {
            (*here, carry) = add_with_carry(*here, part ^ sign, carry);
        }
        for here in above {
            // The sign's ones and a carry cancel; so do a positive number's zeros without one.
            if carry == negative {
                break;
            }
            (*here, carry) = add_with_carry(*here, sign, carry);
        }
        true
    }

    /// Moves the sum to an [`Exact`] and starts again from zero.
    pub fn move_to(&mut self, sum: &mut Exact) {
        sum.add_limbs(&std::mem::take(&mut self.limbs), LOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::tests::Random;

    #[test]
    fn windows_equal_exact_sums_and_refuse_what_they_cannot_hold() {
        let mut random = Random(31);
        let (mut held, mut refused) = (0, 0);
        for _ in 0..200 {
            let (mut window, mut exact) = (Window::default(), Exact::zero());
            for _ in 0..100 {
                let value =
                    (u128::from(random.next()) << 64 | u128::from(random.next())) >> random.below(128);
                let exponent = random.below(420) as i32 - 300;
                let negative = random.below(2) == 1;
                if window.add(negative, value, exponent) {
                    exact.add_product(negative, value, exponent);
                    held += 1;
                } else {
                    refused += 1;
                }
            }
            let mut moved = Exact::from_scaled(-7, 3);
            exact.add_scaled(-7, 3);
            window.move_to(&mut moved);
            assert_eq!(moved, exact);
            window.move_to(&mut moved);
            assert_eq!(moved, exact, "an emptied window is zero");
        }
        assert!(held > 1000 && refused > 1000);
    }
}
