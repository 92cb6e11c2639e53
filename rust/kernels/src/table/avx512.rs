//! One vector of eight lanes for each row; products of up to 104 bits by the fused 52-bit multiplications.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_load_si128, _mm256_load_si256, _mm256_loadu_si256, _mm256_madd52hi_epu64,
    _mm256_store_si256, _mm512_broadcast_i32x4, _mm512_castsi256_si512, _mm512_castsi512_si256,
    _mm512_cvtepu32_epi64, _mm512_load_si512, _mm512_loadu_si512, _mm512_madd52lo_epu64, _mm512_mul_epu32,
    _mm512_permutex2var_epi64, _mm512_permutexvar_epi64, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_shuffle_epi8, _mm512_store_si512, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use super::{PairLine, ShortLine};

/// A byte of zero.
const O: u8 = 0x80;

/// The bytes of a row that are the lanes' factors: l, h, l, h, p, p, x + 2^48, w + 2^40 ... (p lies in the
/// bytes 0 to 3 and 10.)
#[rustfmt::skip]
const LEFT: [u8; 64] = [
    0, 1, O, O, O, O, O, O, 2, 3, 10, O, O, O, O, O, 0, 1, O, O, O, O, O, O, 2, 3, 10, O, O, O, O, O,
    0, 1, 2, 3, 10, O, O, O, 0, 1, 2, 3, 10, O, O, O, 4, 5, 6, 7, O, O, 12, O, 8, 9, O, O, O, 12, O, O,
];
/// ... times p, p, x, x, w, 1, 1, w.
#[rustfmt::skip]
const RIGHT: [u8; 64] = [
    0, 1, 2, 3, 10, O, O, O, 0, 1, 2, 3, 10, O, O, O, 4, 5, 6, 7, O, O, O, O, 4, 5, 6, 7, O, O, O, O,
    8, 9, O, O, O, O, O, O, 12, O, O, O, O, O, O, O, 12, O, O, O, O, O, O, O, 8, 9, O, O, O, O, O, O,
];

/// Adds the rows of a block to their groups' lines.
///
/// # Safety
/// The processor has AVX-512 F, BW, DQ, VL and IFMA, `rows` is aligned to 16 bytes with a row for each
/// group, and every group has a line.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,bmi2")]
pub(super) unsafe fn short(lines: &mut [ShortLine], groups: &[u16], rows: &[[u32; 4]]) {
    let lines = lines.as_mut_ptr();
    // SAFETY: both tables have 64 bytes.
    let (left, right) =
        unsafe { (_mm512_loadu_si512(LEFT.as_ptr().cast()), _mm512_loadu_si512(RIGHT.as_ptr().cast())) };
    for (&group, row) in groups.iter().zip(rows) {
        // SAFETY: a row is 16 aligned bytes, and a line, which the caller promises, 64.
        unsafe {
            let row = _mm512_broadcast_i32x4(_mm_load_si128(row.as_ptr().cast()));
            let line = lines.add(usize::from(group)).cast::<__m512i>();
            let (left, right) = (_mm512_shuffle_epi8(row, left), _mm512_shuffle_epi8(row, right));
            _mm512_store_si512(line, _mm512_madd52lo_epu64(_mm512_load_si512(line), left, right));
        }
    }
}

/// Eight rows as lines of four words: w x, w, x and 1, in the order 0, 2, 1, 3, 4, 6, 5, 7.
#[repr(C, align(64))]
struct Rows([[u64; 4]; 8]);

/// Where each of eight rows lies in [`Rows`].
const PLACE: [usize; 8] = [0, 2, 1, 3, 4, 6, 5, 7];

/// Adds rows to their groups' lines.
///
/// # Safety
/// The processor has AVX-512 F, BW, DQ, VL and IFMA, the slices are of one length, and every group has a line.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,bmi2")]
pub(super) unsafe fn pairs(lines: &mut [PairLine], groups: &[u16], x: &[i32], w: &[i32]) {
    let whole = groups.len() / 8 * 8;
    let mut rows = Rows([[0; 4]; 8]);
    for start in (0..whole).step_by(8) {
        // SAFETY: eight values lie at `start` in both slices, which have one length.
        unsafe { spread(&x[start..start + 8], &w[start..start + 8], &mut rows) };
        for (row, &group) in groups[start..start + 8].iter().enumerate() {
            // SAFETY: the caller promises a line for every group.
            unsafe { add_row(lines.as_mut_ptr().add(usize::from(group)), &rows.0[PLACE[row]]) };
        }
    }
    for row in whole..groups.len() {
        let (x, w) = (x[row] as u64, w[row] as u64);
        // SAFETY: as above.
        unsafe { add_row(lines.as_mut_ptr().add(usize::from(groups[row])), &[w * x, w, x, 1]) };
    }
}

/// Turns eight values and weights into eight rows of four words.
///
/// # Safety
/// As for [`pairs`], with slices of eight.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,bmi2")]
unsafe fn spread(x: &[i32], w: &[i32], rows: &mut Rows) {
    // SAFETY: the slices hold eight 32-bit words each.
    let (x, w) = unsafe {
        (_mm256_loadu_si256(x.as_ptr().cast::<__m256i>()), _mm256_loadu_si256(w.as_ptr().cast::<__m256i>()))
    };
    let (x, w, one) = (_mm512_cvtepu32_epi64(x), _mm512_cvtepu32_epi64(w), _mm512_set1_epi64(1));
    let product = _mm512_mul_epu32(x, w);
    let (even, odd) = (_mm512_unpacklo_epi64(product, w), _mm512_unpackhi_epi64(product, w));
    let (even_x, odd_x) = (_mm512_unpacklo_epi64(x, one), _mm512_unpackhi_epi64(x, one));
    let first = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    let second = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    let out = (&raw mut rows.0).cast::<__m512i>();
    // SAFETY: `rows` is four aligned vectors long.
    unsafe {
        _mm512_store_si512(out, _mm512_permutex2var_epi64(even, first, even_x));
        _mm512_store_si512(out.add(1), _mm512_permutex2var_epi64(odd, first, odd_x));
        _mm512_store_si512(out.add(2), _mm512_permutex2var_epi64(even, second, even_x));
        _mm512_store_si512(out.add(3), _mm512_permutex2var_epi64(odd, second, odd_x));
    }
}

/// Adds one row (w x, w, x, 1) to a line.
///
/// # Safety
/// As for [`pairs`]; `line` is valid.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,bmi2")]
unsafe fn add_row(line: *mut PairLine, row: &[u64; 4]) {
    // p p, p w, p x, w w, w x, w 1, x 1, 1 1 out of p, w, x, 1.
    let left = _mm512_set_epi64(3, 2, 1, 1, 1, 0, 0, 0);
    let right = _mm512_set_epi64(3, 3, 3, 2, 1, 2, 1, 0);
    // SAFETY: a row is four words; a line is two aligned vectors.
    unsafe {
        let row = _mm512_castsi256_si512(_mm256_loadu_si256(row.as_ptr().cast::<__m256i>()));
        let (left, right) = (_mm512_permutexvar_epi64(left, row), _mm512_permutexvar_epi64(right, row));
        let low = (&raw mut (*line).low).cast::<__m512i>();
        _mm512_store_si512(low, _mm512_madd52lo_epu64(_mm512_load_si512(low), left, right));
        // Only the first three products are wider than 52 bits.
        let high = (&raw mut (*line).high).cast::<__m256i>();
        let (left, right) = (_mm512_castsi512_si256(left), _mm512_castsi512_si256(right));
        _mm256_store_si256(high, _mm256_madd52hi_epu64(_mm256_load_si256(high), left, right));
    }
}
