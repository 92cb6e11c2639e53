//! Four wide or eight narrow keys at a time; signs of comparisons become bits.

use std::arch::x86_64::{
    _mm256_castsi256_pd, _mm256_castsi256_ps, _mm256_cmpgt_epi32, _mm256_cmpgt_epi64, _mm256_loadu_si256,
    _mm256_movemask_pd, _mm256_movemask_ps, _mm256_or_si256, _mm256_set1_epi32, _mm256_set1_epi64x,
};

use super::{Mask, ROWS};

/// Marks the rows whose key lies within bounds.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn within_wide(keys: &[i64; ROWS], low: i64, high: i64, mask: &mut Mask) {
    let (low, high) = (_mm256_set1_epi64x(low), _mm256_set1_epi64x(high));
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        let mut outside = 0;
        for (step, four) in keys.chunks_exact(4).enumerate() {
            // SAFETY: `four` holds four keys.
            let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
            let out = _mm256_or_si256(_mm256_cmpgt_epi64(low, four), _mm256_cmpgt_epi64(four, high));
            outside |= (_mm256_movemask_pd(_mm256_castsi256_pd(out)) as u64) << (4 * step);
        }
        *word = !outside;
    }
}

/// Marks the rows whose key lies within bounds.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn within_narrow(keys: &[i32; ROWS], low: i32, high: i32, mask: &mut Mask) {
    let (low, high) = (_mm256_set1_epi32(low), _mm256_set1_epi32(high));
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        let mut outside = 0;
        for (step, eight) in keys.chunks_exact(8).enumerate() {
            // SAFETY: `eight` holds eight keys.
            let eight = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
            let out = _mm256_or_si256(_mm256_cmpgt_epi32(low, eight), _mm256_cmpgt_epi32(eight, high));
            outside |= (_mm256_movemask_ps(_mm256_castsi256_ps(out)) as u64) << (8 * step);
        }
        *word = !outside;
    }
}
