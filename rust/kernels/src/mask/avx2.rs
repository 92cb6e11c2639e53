//! Four wide keys, eight narrow ones or thirty-two bytes at a time; signs of comparisons become bits.

use std::arch::x86_64::{
    _mm256_and_si256, _mm256_blendv_epi8, _mm256_castsi256_pd, _mm256_castsi256_ps, _mm256_cmpeq_epi8,
    _mm256_cmpgt_epi32, _mm256_cmpgt_epi64, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_pd,
    _mm256_movemask_ps, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16,
};

use super::{Mask, ROWS, Set};

/// Marks for each bound the rows whose key is not below it.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn at_least_wide(keys: &[i64; ROWS], bounds: &[i64], masks: &mut [Mask]) {
    for (&bound, mask) in bounds.iter().zip(masks) {
        let bound = _mm256_set1_epi64x(bound);
        for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
            let mut below = 0;
            for (step, four) in keys.chunks_exact(4).enumerate() {
                // SAFETY: `four` holds four keys.
                let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
                let signs = _mm256_castsi256_pd(_mm256_cmpgt_epi64(bound, four));
                below |= (_mm256_movemask_pd(signs) as u64) << (4 * step);
            }
            *word = !below;
        }
    }
}

/// Marks for each bound the rows whose key is not below it.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn at_least_narrow(keys: &[i32; ROWS], bounds: &[i32], masks: &mut [Mask]) {
    for (&bound, mask) in bounds.iter().zip(masks) {
        let bound = _mm256_set1_epi32(bound);
        for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
            let mut below = 0;
            for (step, eight) in keys.chunks_exact(8).enumerate() {
                // SAFETY: `eight` holds eight keys.
                let eight = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
                let signs = _mm256_castsi256_ps(_mm256_cmpgt_epi32(bound, eight));
                below |= (_mm256_movemask_ps(signs) as u64) << (8 * step);
            }
            *word = !below;
        }
    }
}

/// Marks the rows whose key is in a set.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn members(keys: &[u8; ROWS], set: &Set, mask: &mut Mask) {
    let [below, above, bits] = super::tables(set);
    // SAFETY: each table holds 64 bytes.
    let [below, above, bits] =
        [&below, &above, &bits].map(|table| unsafe { _mm256_loadu_si256(table.as_ptr().cast()) });
    let digit = _mm256_set1_epi8(0x0f);
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        let mut outside = 0;
        for (step, keys) in keys.chunks_exact(32).enumerate() {
            // SAFETY: `keys` holds 32 keys.
            let keys = unsafe { _mm256_loadu_si256(keys.as_ptr().cast()) };
            let low = _mm256_and_si256(keys, digit);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(keys), digit);
            let rows =
                _mm256_blendv_epi8(_mm256_shuffle_epi8(below, low), _mm256_shuffle_epi8(above, low), keys);
            let found = _mm256_and_si256(rows, _mm256_shuffle_epi8(bits, high));
            let none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(found, _mm256_setzero_si256()));
            outside |= u64::from(none as u32) << (32 * step);
        }
        *word = !outside;
    }
}
