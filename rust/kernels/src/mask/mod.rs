//! Bit masks of rows: which values lie within bounds, and which rows several masks share.
//!
//! In: blocks of [`ROWS`] integer keys, bounds. Out: masks, one bit for each row. A predicate of a rule is
//! made of comparisons of keys with bounds, or a set of keys; a rule is an intersection of masks; all of them are a
//! few instructions for 64 rows.

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

/// A set of bytes, one bit for each.
pub type Set = [u64; 4];

/// Marks for each bound the rows whose key is not below it; there is a mask for each bound.
pub fn at_least_wide(isa: Isa, keys: &[i64; ROWS], bounds: &[i64], masks: &mut [Mask]) {
    match isa {
        // SAFETY: an `Isa` is used only after `available` found its features on this processor.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.available() => unsafe { avx512::at_least_wide(keys, bounds, masks) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.available() => unsafe { avx2::at_least_wide(keys, bounds, masks) },
        _ => scalar::at_least(keys, bounds, masks),
    }
}

/// [`at_least_wide`] for keys of 32 bits.
pub fn at_least_narrow(isa: Isa, keys: &[i32; ROWS], bounds: &[i32], masks: &mut [Mask]) {
    match isa {
        // SAFETY: an `Isa` is used only after `available` found its features on this processor.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.available() => unsafe { avx512::at_least_narrow(keys, bounds, masks) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.available() => unsafe { avx2::at_least_narrow(keys, bounds, masks) },
        _ => scalar::at_least(keys, bounds, masks),
    }
}

/// Marks the rows whose key is in a set.
pub fn members(isa: Isa, keys: &[u8; ROWS], set: &Set, mask: &mut Mask) {
    match isa {
        // SAFETY: an `Isa` is used only after `available` found its features on this processor.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.available() => unsafe { avx512::members(keys, set, mask) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.available() => unsafe { avx2::members(keys, set, mask) },
        _ => scalar::members(keys, set, mask),
    }
}

/// A set as tables of a shuffle, repeated for each lane of 16 bytes: by the low digit of a key a byte whose bits
/// are its high digits, of keys below 128 and of those above; and by the high digit its bit.
#[cfg(target_arch = "x86_64")]
fn tables(set: &Set) -> [[u8; 64]; 3] {
    let has = |key: usize| (set[key / 64] >> (key % 64) & 1) as u8;
    let half = |first: usize| {
        std::array::from_fn(|place| {
            (0..8).fold(0, |byte, digit| byte | has(first + 16 * digit + place % 16) << digit)
        })
    };
    [half(0), half(128), std::array::from_fn(|place| 1 << (place % 8))]
}

#[inline(always)]
fn shared(masks: &[Mask], which: &[u32], start: &Mask) -> Mask {
    let mut rows = *start;
    for &one in which {
        let mask = &masks[one as usize];
        for (word, other) in rows.iter_mut().zip(mask) {
            *word &= other;
        }
    }
    rows
}

#[inline(always)]
fn shared_once(masks: &[Mask], which: &[u32], start: &Mask, out: &mut Mask) -> bool {
    *out = shared(masks, which, start);
    out.iter().fold(0, |all, word| all | word) != 0
}

multiversion! {
    /// The rows of `start` that every one of some masks has, and whether there is any.
    pub fn intersect(masks: &[Mask], which: &[u32], start: &Mask, out: &mut Mask) -> bool = shared_once;
}

#[inline(always)]
fn shared_each(
    masks: &[Mask],
    which: &[u32],
    ends: &[u32],
    start: &Mask,
    out: &mut [Mask],
    counts: &mut [u32],
) {
    let mut first = ends[0] as usize;
    for ((&end, out), many) in ends[1..].iter().zip(out).zip(counts) {
        *out = shared(masks, &which[first..end as usize], start);
        *many = count(out) as u32;
        first = end as usize;
    }
}

multiversion! {
    /// [`intersect`] for several lists of masks, each from one of `ends` to the next, and how many rows each has.
    pub fn intersect_each(
        masks: &[Mask],
        which: &[u32],
        ends: &[u32],
        start: &Mask,
        out: &mut [Mask],
        counts: &mut [u32],
    ) = shared_each;
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
#[inline(always)]
pub fn count(mask: &Mask) -> u64 {
    mask.iter().map(|word| u64::from(word.count_ones())).sum()
}
