//! Bit masks of rows: which values lie within bounds, and which rows several masks share.
//!
//! In: blocks of [`ROWS`] integer keys, bounds. Out: masks, one bit for each row. A predicate of a rule is a
//! range of keys, a rule is an intersection of masks; both are a few instructions for 64 rows.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

#[cfg(test)]
mod tests;

use crate::isa::{Isa, multiversion};

/// Rows of a block: its keys stay in the first cache while every predicate of their column is asked.
pub const ROWS: usize = 2048;
/// Words of a mask.
pub const WORDS: usize = ROWS / 64;

/// One bit for each row of a block; row 0 is the lowest bit of the first word.
pub type Mask = [u64; WORDS];

/// Marks the rows whose key is at least `low` and at most `high`.
pub fn within_wide(isa: Isa, keys: &[i64; ROWS], low: i64, high: i64, mask: &mut Mask) {
    match isa {
        // SAFETY: an `Isa` is used only after `available` found its features on this processor.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.available() => unsafe { avx512::within_wide(keys, low, high, mask) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.available() => unsafe { avx2::within_wide(keys, low, high, mask) },
        _ => scalar::within(keys, low, high, mask),
    }
}

/// [`within_wide`] for keys of 32 bits.
pub fn within_narrow(isa: Isa, keys: &[i32; ROWS], low: i32, high: i32, mask: &mut Mask) {
    match isa {
        // SAFETY: an `Isa` is used only after `available` found its features on this processor.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.available() => unsafe { avx512::within_narrow(keys, low, high, mask) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.available() => unsafe { avx2::within_narrow(keys, low, high, mask) },
        _ => scalar::within(keys, low, high, mask),
    }
}

#[inline(always)]
fn shared(masks: &[Mask], which: &[u32], start: &Mask, out: &mut Mask) -> bool {
    let mut rows = *start;
    for &one in which {
        let mask = &masks[one as usize];
        for (word, other) in rows.iter_mut().zip(mask) {
            *word &= other;
        }
    }
    *out = rows;
    rows.iter().fold(0, |all, word| all | word) != 0
}

multiversion! {
    /// The rows of `start` that every one of some masks has, and whether there is any.
    pub fn intersect(masks: &[Mask], which: &[u32], start: &Mask, out: &mut Mask) -> bool = shared;
}

#[inline(always)]
fn keys_of_doubles(values: &[f64], keys: &mut [i64]) {
    for (key, &value) in keys.iter_mut().zip(values) {
        let bits = (value + 0.0).to_bits() as i64;
        let ordered = bits ^ ((((bits >> 63) as u64) >> 1) as i64);
        *key = if value.is_nan() { i64::MAX } else { ordered };
    }
}

#[inline(always)]
fn keys_of_singles(values: &[f32], keys: &mut [i32]) {
    for (key, &value) in keys.iter_mut().zip(values) {
        let bits = (value + 0.0).to_bits() as i32;
        let ordered = bits ^ ((((bits >> 31) as u32) >> 1) as i32);
        *key = if value.is_nan() { i32::MAX } else { ordered };
    }
}

multiversion! {
    /// Keys of doubles: their order is that of the numbers, -0.0 equals 0.0, NaN is the greatest.
    pub fn double_keys(values: &[f64], keys: &mut [i64]) = keys_of_doubles;
}
multiversion! {
    /// [`double_keys`] for single precision.
    pub fn single_keys(values: &[f32], keys: &mut [i32]) = keys_of_singles;
}

/// Calls a function with the number of every marked row, in order.
#[inline]
pub fn each_row(mask: &Mask, mut row: impl FnMut(usize)) {
    for (place, &word) in mask.iter().enumerate() {
        let mut rest = word;
        while rest != 0 {
            row(place * 64 + rest.trailing_zeros() as usize);
            rest &= rest - 1;
        }
    }
}

/// How many rows are marked.
#[inline]
pub fn count(mask: &Mask) -> u64 {
    mask.iter().map(|word| u64::from(word.count_ones())).sum()
}
