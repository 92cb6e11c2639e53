//! A sum of middling numbers without allocation or carries: sixteen digits of 32 bits, each in 64.
//!
//! A number touches at most five digits, and what a digit holds beyond 32 bits is carried when the sum
//! is moved to an [`Exact`] (Radford Neal, "Fast exact summation using small and large superaccumulators",
//! 2015). A number outside of the window is refused and goes to an [`Exact`] instead.

use super::Exact;

/// Digits of a window.
const DIGITS: usize = 16;
/// Bits of a digit.
const BITS: i32 = 32;
/// The exponent of the lowest digit's unit.
const LOW: i32 = -256;
/// Digits that a number of 128 bits can touch.
const SPAN: usize = 5;
/// Numbers that a window holds before it must be moved: each adds less than 2^32 to a digit.
pub(crate) const MOST_NUMBERS: u64 = 1 << 30;

/// An exact sum of at most 2^30 numbers, each a multiple of 2^-256 and below 2^95.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
pub struct Window {
    digits: [i64; DIGITS],
}

impl Window {
    /// Adds `value * 2^exponent`, or takes it away where `negative`; says whether the number fits. The
    /// caller counts the numbers, and moves the sum before there are more than 2^30.
    #[inline(always)]
    #[must_use]
    pub fn add(&mut self, negative: bool, value: u128, exponent: i32) -> bool {
        let place = exponent - LOW;
        let first = (place >> 5) as usize;
        let Some(digits) = self.digits.get_mut(first..first.wrapping_add(SPAN)).filter(|_| place >= 0) else {
            return value == 0;
        };
        let shift = place & (BITS - 1);
        let (low, top) = (value << shift, (value >> (127 - shift)) >> 1);
        let sign = -i64::from(negative);
        let parts = [low as u32, (low >> 32) as u32, (low >> 64) as u32, (low >> 96) as u32, top as u32];
        for (digit, part) in digits.iter_mut().zip(parts) {
            *digit += (i64::from(part) ^ sign) - sign;
        }
        true
    }

    /// [`add`](Self::add) for a value of 64 bits.
    #[inline(always)]
    #[must_use]
    pub fn add_short(&mut self, negative: bool, value: u64, exponent: i32) -> bool {
        let place = exponent - LOW;
        let first = (place >> 5) as usize;
        let Some(digits) = self.digits.get_mut(first..first.wrapping_add(3)).filter(|_| place >= 0) else {
            return value == 0;
        };
        let low = u128::from(value) << (place & (BITS - 1));
        let sign = -i64::from(negative);
        for (digit, part) in digits.iter_mut().zip([low as u32, (low >> 32) as u32, (low >> 64) as u32]) {
            *digit += (i64::from(part) ^ sign) - sign;
        }
        true
    }

    /// Moves the sum to an [`Exact`] and starts again from zero.
    pub fn move_to(&mut self, sum: &mut Exact) {
        for (place, digit) in std::mem::take(&mut self.digits).into_iter().enumerate() {
            sum.add_scaled(digit.into(), LOW + BITS * place as i32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::tests::Random;
    use crate::sized;

    #[test]
    fn windows_equal_exact_sums_and_refuse_what_they_cannot_hold() {
        let mut random = Random(31);
        let (mut held, mut refused) = (0, 0);
        for _ in 0..sized(200, 10) {
            let (mut window, mut exact) = (Window::default(), Exact::zero());
            for _ in 0..100 {
                let value =
                    (u128::from(random.next()) << 64 | u128::from(random.next())) >> random.below(128);
                let exponent = random.below(420) as i32 - 300;
                let negative = random.below(2) == 1;
                let fits = match u64::try_from(value) {
                    Ok(short) if random.below(2) == 1 => window.add_short(negative, short, exponent),
                    _ => window.add(negative, value, exponent),
                };
                if fits {
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
        assert!(held > sized(1000, 50) && refused > sized(1000, 50));
    }

    #[test]
    fn digits_hold_as_many_numbers_as_promised() {
        let most = u128::from(MOST_NUMBERS) * u128::from(u32::MAX);
        assert!(most < i64::MAX as u128);
    }
}
