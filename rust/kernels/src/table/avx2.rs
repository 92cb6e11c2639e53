//! Two vectors of four lanes for each row: the weight's factors from a table, times powers of the value.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_blend_epi32, _mm256_load_si256, _mm256_mul_epu32, _mm256_set1_epi64x,
    _mm256_store_si256,
};

use super::{Factors, NarrowLine};

/// Adds rows to their groups' lines.
///
/// # Safety
/// The processor has AVX2, the slices are of one length, and every group has a line.
#[target_feature(enable = "avx2,bmi2")]
pub(super) unsafe fn narrow(
    lines: &mut [NarrowLine],
    factors: &[Factors; 256],
    groups: &[u16],
    x: &[u16],
    w: &[u8],
) {
    let one = _mm256_set1_epi64x(1);
    let lines = lines.as_mut_ptr();
    for ((&group, &x), &w) in groups.iter().zip(x).zip(w) {
        let value = _mm256_set1_epi64x(i64::from(x));
        // Lanes x x, x, x x, x and 1, 1, x, 1.
        let low = _mm256_blend_epi32::<0b0011_0011>(value, _mm256_mul_epu32(value, value));
        let high = _mm256_blend_epi32::<0b0011_0000>(one, value);
        let factor = (&raw const factors[usize::from(w)]).cast::<__m256i>();
        // SAFETY: the caller promises a line for every group; lines and factors are 64 aligned bytes.
        unsafe {
            let line = lines.add(usize::from(group)).cast::<__m256i>();
            let term = _mm256_mul_epu32(low, _mm256_load_si256(factor));
            _mm256_store_si256(line, _mm256_add_epi64(_mm256_load_si256(line), term));
            let (line, factor) = (line.add(1), factor.add(1));
            let term = _mm256_mul_epu32(high, _mm256_load_si256(factor));
            _mm256_store_si256(line, _mm256_add_epi64(_mm256_load_si256(line), term));
        }
    }
}
