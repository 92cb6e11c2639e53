//! Two vectors of four lanes for each row; bytes of the row are shuffled into the factors of the lanes.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_load_si128, _mm256_add_epi64, _mm256_broadcastsi128_si256, _mm256_load_si256,
    _mm256_mul_epu32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_store_si256,
};

use super::ShortLine;

/// A byte of zero.
const O: i8 = -1;

/// Adds rows (w x, x, w, 1), all of 32 bits, to their groups' lines.
///
/// # Safety
/// The processor has AVX2, `rows` is aligned to 16 bytes with a row for each group, every group has a line.
#[rustfmt::skip]
#[target_feature(enable = "avx2,bmi2")]
pub(super) unsafe fn short(lines: &mut [ShortLine], groups: &[u16], rows: &[[u32; 4]]) {
    // l, h, l, h times p, p, x, x.
    let left = _mm256_setr_epi8(
        0, 1, O, O, O, O, O, O, 2, 3, O, O, O, O, O, O, 0, 1, O, O, O, O, O, O, 2, 3, O, O, O, O, O, O,
    );
    let right = _mm256_setr_epi8(
        0, 1, 2, 3, O, O, O, O, 0, 1, 2, 3, O, O, O, O, 4, 5, 6, 7, O, O, O, O, 4, 5, 6, 7, O, O, O, O,
    );
    // p, p, x, w times w, 1, 1, w, plus 0, 0, 2^48, 2^40 w.
    let upper_left = _mm256_setr_epi8(
        0, 1, 2, 3, O, O, O, O, 0, 1, 2, 3, O, O, O, O, 4, 5, 6, 7, O, O, O, O, 8, 9, O, O, O, O, O, O,
    );
    let upper_right = _mm256_setr_epi8(
        8, 9, O, O, O, O, O, O, 12, O, O, O, O, O, O, O, 12, O, O, O, O, O, O, O, 8, 9, O, O, O, O, O, O,
    );
    let plus = _mm256_setr_epi8(
        O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, 12, O, O, O, O, O, O, 8, 9, O,
    );
    let lines = lines.as_mut_ptr();
    for (&group, row) in groups.iter().zip(rows) {
        // SAFETY: a row is 16 aligned bytes, and a line, which the caller promises, 64.
        unsafe {
            let row = _mm256_broadcastsi128_si256(_mm_load_si128(row.as_ptr().cast::<__m128i>()));
            let line = lines.add(usize::from(group)).cast::<__m256i>();
            let term = _mm256_mul_epu32(_mm256_shuffle_epi8(row, left), _mm256_shuffle_epi8(row, right));
            _mm256_store_si256(line, _mm256_add_epi64(_mm256_load_si256(line), term));
            let line = line.add(1);
            let (left, right) = (_mm256_shuffle_epi8(row, upper_left), _mm256_shuffle_epi8(row, upper_right));
            let term = _mm256_add_epi64(_mm256_mul_epu32(left, right), _mm256_shuffle_epi8(row, plus));
            _mm256_store_si256(line, _mm256_add_epi64(_mm256_load_si256(line), term));
        }
    }
}
