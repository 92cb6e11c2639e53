//! Sixty-four rows at a time: eight or four registers of keys, whose comparisons are joined to one word.

use std::arch::x86_64::{
    __mmask8, __mmask16, _mm512_and_si512, _mm512_cmpge_epi32_mask, _mm512_cmpge_epi64_mask, _mm512_kunpackb,
    _mm512_kunpackd, _mm512_kunpackw, _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_movepi8_mask,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_shuffle_epi8, _mm512_srli_epi16,
    _mm512_test_epi8_mask,
};

use super::{Mask, ROWS, Set};

/// Marks for each bound the rows whose key is not below it.
///
/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn at_least_wide(keys: &[i64; ROWS], bounds: &[i64], masks: &mut [Mask]) {
    for (word, keys) in keys.chunks_exact(64).enumerate() {
        // SAFETY: each of the eight loads reads eight of the 64 keys.
        let eights: [_; 8] =
            std::array::from_fn(|step| unsafe { _mm512_loadu_si512(keys[8 * step..].as_ptr().cast()) });
        for (&bound, mask) in bounds.iter().zip(&mut *masks) {
            let bound = _mm512_set1_epi64(bound);
            let bits: [__mmask8; 8] =
                std::array::from_fn(|step| _mm512_cmpge_epi64_mask(eights[step], bound));
            let sixteen = |pair: usize| {
                _mm512_kunpackb(__mmask16::from(bits[2 * pair + 1]), __mmask16::from(bits[2 * pair]))
            };
            let low = _mm512_kunpackw(sixteen(1).into(), sixteen(0).into());
            let high = _mm512_kunpackw(sixteen(3).into(), sixteen(2).into());
            mask[word] = _mm512_kunpackd(high.into(), low.into());
        }
    }
}

/// Marks for each bound the rows whose key is not below it.
///
/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn at_least_narrow(keys: &[i32; ROWS], bounds: &[i32], masks: &mut [Mask]) {
    for (word, keys) in keys.chunks_exact(64).enumerate() {
        // SAFETY: each of the four loads reads sixteen of the 64 keys.
        let sixteens: [_; 4] =
            std::array::from_fn(|step| unsafe { _mm512_loadu_si512(keys[16 * step..].as_ptr().cast()) });
        for (&bound, mask) in bounds.iter().zip(&mut *masks) {
            let bound = _mm512_set1_epi32(bound);
            let bits: [__mmask16; 4] =
                std::array::from_fn(|step| _mm512_cmpge_epi32_mask(sixteens[step], bound));
            let low = _mm512_kunpackw(bits[1].into(), bits[0].into());
            let high = _mm512_kunpackw(bits[3].into(), bits[2].into());
            mask[word] = _mm512_kunpackd(high.into(), low.into());
        }
    }
}

/// Marks the rows whose key is in a set.
///
/// # Safety
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn members(keys: &[u8; ROWS], set: &Set, mask: &mut Mask) {
    let [below, above, bits] = super::tables(set);
    // SAFETY: each table holds 64 bytes.
    let [below, above, bits] =
        [&below, &above, &bits].map(|table| unsafe { _mm512_loadu_si512(table.as_ptr().cast()) });
    let digit = _mm512_set1_epi8(0x0f);
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        // SAFETY: `keys` holds 64 keys.
        let keys = unsafe { _mm512_loadu_si512(keys.as_ptr().cast()) };
        let low = _mm512_and_si512(keys, digit);
        let high = _mm512_and_si512(_mm512_srli_epi16::<4>(keys), digit);
        let rows = _mm512_mask_blend_epi8(
            _mm512_movepi8_mask(keys),
            _mm512_shuffle_epi8(below, low),
            _mm512_shuffle_epi8(above, low),
        );
        *word = _mm512_test_epi8_mask(rows, _mm512_shuffle_epi8(bits, high));
    }
}
