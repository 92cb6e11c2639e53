//! Numbers to integers on a common grid, where they fit it exactly.
//!
//! A column of scores such as 612.25 is a column of small integers counted in units of a power of two.
//! These loops turn values into such integers and say whether every one of them is exactly representable
//! and at most [`LIMIT`]: a check, never a rounding. Values that are not finite fit no grid.

use crate::isa::multiversion;

/// The largest magnitude of a value on a grid: it has at most 26 significant bits, so a product of two has
/// at most 52 and the rounding to 26 bits that the sums behind a standard error allow is the identity on it.
pub const LIMIT: i32 = (1 << 26) - 1;

/// What a conversion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Whether every value lies on the grid and within the limit. Otherwise the output means nothing.
    pub exact: bool,
    /// The smallest value on the grid.
    pub low: i32,
    /// The largest value on the grid.
    pub high: i32,
}

impl Fit {
    /// Whether every value fits, and is at least 0 and at most `most`.
    pub fn within(self, most: i32) -> bool {
        self.exact && self.low >= 0 && self.high <= most
    }
}

fn finish(exact: bool, low: i32, high: i32) -> Fit {
    Fit { exact: exact && low >= -LIMIT && high <= LIMIT, low, high }
}

/// A type whose values can be put on a grid.
pub trait Number: Copy {
    /// The value times `2^exponent` as an integer, and whether that is exact and within an `i32`.
    fn to_grid(self, scale: f64) -> (i32, bool);
}

macro_rules! float {
    ($($type:ty),*) => {$(
        impl Number for $type {
            #[inline(always)]
            fn to_grid(self, scale: f64) -> (i32, bool) {
                const BOUND: $type = (1 << 27) as $type;
                let scaled = self * scale as $type;
                // Not `clamp`: these comparisons also send NaN to a bound, and compile to one instruction.
                let low = if scaled > -BOUND { scaled } else { -BOUND };
                let bounded = if low < BOUND { low } else { BOUND };
                // SAFETY: the value is between -2^27 and 2^27, so its integral part fits an i32.
                let integer: i32 = unsafe { bounded.to_int_unchecked() };
                (integer, integer as $type == scaled)
            }
        }
    )*};
}
float!(f32, f64);

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Number for $type {
            #[inline(always)]
            fn to_grid(self, _: f64) -> (i32, bool) {
                (self as i32, <$type>::try_from(self as i32) == Ok(self))
            }
        }
    )*};
}
integer!(u8, u16, u32, u64, i8, i16, i32, i64, i128);

#[inline(always)]
fn convert<T: Number>(values: &[T], scale: f64, grid: &mut [i32]) -> Fit {
    assert_eq!(values.len(), grid.len());
    let (mut exact, mut low, mut high) = (true, i32::MAX, i32::MIN);
    for (value, out) in values.iter().zip(grid) {
        let (integer, fits) = value.to_grid(scale);
        exact &= fits;
        low = low.min(integer);
        high = high.max(integer);
        *out = integer;
    }
    finish(exact, low, high)
}

#[inline(always)]
fn convert_f32(values: &[f32], scale: f64, grid: &mut [i32]) -> Fit {
    convert(values, scale, grid)
}

#[inline(always)]
fn convert_f64(values: &[f64], scale: f64, grid: &mut [i32]) -> Fit {
    convert(values, scale, grid)
}

multiversion! {
    /// [`to_grid`] for single precision; `scale` must be a power of two that an `f32` holds.
    fn grid_f32(values: &[f32], scale: f64, grid: &mut [i32]) -> Fit = convert_f32;
}
multiversion! {
    /// [`to_grid`] for double precision.
    fn grid_f64(values: &[f64], scale: f64, grid: &mut [i32]) -> Fit = convert_f64;
}

/// Puts floating-point values on the grid of units `2^-exponent`. An exponent below 0 fits nothing: scaling
/// down could lose a tiny value.
pub fn f32_to_grid(isa: crate::isa::Isa, values: &[f32], exponent: i32, grid: &mut [i32]) -> Fit {
    if !(0..=120).contains(&exponent) {
        return Fit { exact: false, low: 0, high: 0 };
    }
    grid_f32(isa, values, 2f64.powi(exponent), grid)
}

/// Puts floating-point values on the grid of units `2^-exponent`, as [`f32_to_grid`] does.
pub fn f64_to_grid(isa: crate::isa::Isa, values: &[f64], exponent: i32, grid: &mut [i32]) -> Fit {
    if !(0..=900).contains(&exponent) {
        return Fit { exact: false, low: 0, high: 0 };
    }
    grid_f64(isa, values, 2f64.powi(exponent), grid)
}

/// Puts integers on the grid of units 1.
pub fn integers_to_grid<T: Number>(values: &[T], grid: &mut [i32]) -> Fit {
    convert(values, 1.0, grid)
}

/// The coarsest grid of units 1 or finer on which every one of some values lies, as the exponent for
/// [`f64_to_grid`], if their magnitudes then stay within [`LIMIT`]. `None` for values that fit no grid.
pub fn coarsest(values: impl Iterator<Item = f64>) -> Option<i32> {
    let (mut lowest, mut highest) = (i32::MAX, i32::MIN);
    for value in values {
        if value == 0.0 {
            continue;
        }
        let (_, mantissa, exponent) = decode(value)?;
        let low = exponent + mantissa.trailing_zeros() as i32;
        lowest = lowest.min(low);
        highest = highest.max(exponent + 63 - mantissa.leading_zeros() as i32);
        if highest - lowest.min(0) >= 26 {
            return None;
        }
    }
    Some(if lowest == i32::MAX { 0 } else { -lowest.min(0) })
}

/// A finite double as (negative, mantissa, exponent): its magnitude is `mantissa * 2^exponent`.
#[inline]
pub fn decode(value: f64) -> Option<(bool, u64, i32)> {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52) & 0x7ff {
        0x7ff => None,
        0 => Some((value.is_sign_negative(), fraction, -1074)),
        biased => Some((value.is_sign_negative(), fraction | 1 << 52, biased as i32 - 1075)),
    }
}

/// A magnitude rounded to 26 significant bits, to the nearest, ties to even.
#[inline]
pub fn round_to_26(mantissa: u64, exponent: i32) -> (u64, i32) {
    let extra = 38u32.saturating_sub(mantissa.leading_zeros());
    if extra == 0 {
        return (mantissa, exponent);
    }
    let (kept, rest) = (mantissa >> extra, mantissa & ((1 << extra) - 1));
    let half = 1u64 << (extra - 1);
    let up = rest > half || (rest == half && kept & 1 == 1);
    (kept + u64::from(up), exponent + extra as i32)
}

#[cfg(test)]
mod tests;
