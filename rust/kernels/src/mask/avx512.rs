//! Eight wide or sixteen narrow keys at a time; a comparison gives the bits.

use std::arch::x86_64::{
    _mm512_cmpge_epi32_mask, _mm512_cmpge_epi64_mask, _mm512_loadu_si512, _mm512_mask_cmple_epi32_mask,
    _mm512_mask_cmple_epi64_mask, _mm512_set1_epi32, _mm512_set1_epi64,
};

use super::{Mask, ROWS};

/// Marks the rows whose key lies within bounds.
///
/// # Safety
/// The processor has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn within_wide(keys: &[i64; ROWS], low: i64, high: i64, mask: &mut Mask) {
    let (low, high) = (_mm512_set1_epi64(low), _mm512_set1_epi64(high));
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        *word = 0;
        for (step, eight) in keys.chunks_exact(8).enumerate() {
            // SAFETY: `eight` holds eight keys.
            let eight = unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) };
            let above = _mm512_cmpge_epi64_mask(eight, low);
            *word |= u64::from(_mm512_mask_cmple_epi64_mask(above, eight, high)) << (8 * step);
        }
    }
}

/// Marks the rows whose key lies within bounds.
///
/// # Safety
/// The processor has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn within_narrow(keys: &[i32; ROWS], low: i32, high: i32, mask: &mut Mask) {
    let (low, high) = (_mm512_set1_epi32(low), _mm512_set1_epi32(high));
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        *word = 0;
        for (step, sixteen) in keys.chunks_exact(16).enumerate() {
            // SAFETY: `sixteen` holds sixteen keys.
            let sixteen = unsafe { _mm512_loadu_si512(sixteen.as_ptr().cast()) };
            let above = _mm512_cmpge_epi32_mask(sixteen, low);
            *word |= u64::from(_mm512_mask_cmple_epi32_mask(above, sixteen, high)) << (16 * step);
        }
    }
}
