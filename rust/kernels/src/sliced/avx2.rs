//! The AVX2 form: planes in words of 256 bits, codes by unpacking and swaps within words, values from memory.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_load_si256, _mm256_or_si256, _mm256_set1_epi64x, _mm256_slli_epi64,
    _mm256_srli_epi64, _mm256_store_si256, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16,
    _mm256_unpackhi_epi32, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32,
    _mm256_xor_si256,
};

use super::ROWS;
use super::planes::Planes;
use super::program::{Segment, Tree};
use super::run::{Kernel, Rows, Value, Workspace, interpret, places};
use super::scalar::add_plain;
use super::word::{PLANE_BYTES, Word};

/// The AVX2 form.
struct Avx2;

impl Word for __m256i {
    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe { _mm256_load_si256(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: promised by the caller.
        unsafe { _mm256_store_si256(at.cast(), self) }
    }

    #[inline(always)]
    unsafe fn choose(test: Self, right: Self, left: Self) -> Self {
        // SAFETY: the processor has AVX2, by promise of the caller.
        unsafe { _mm256_xor_si256(left, _mm256_and_si256(test, _mm256_xor_si256(left, right))) }
    }

    #[inline(always)]
    unsafe fn join(a: Self, b: Self, c: Self) -> Self {
        // SAFETY: the processor has AVX2, by promise of the caller.
        unsafe { _mm256_or_si256(a, _mm256_and_si256(b, c)) }
    }
}

/// Runs a segment.
///
/// # Safety
/// The planes that it names exist, and the processor has AVX2, FMA and BMI2.
#[target_feature(enable = "avx2,fma,bmi2")]
pub(super) unsafe fn run(
    segment: &Segment,
    planes: &mut Planes,
    workspace: &mut Workspace,
    out: &mut Rows<'_>,
) {
    // SAFETY: promised by the caller.
    unsafe { interpret::<Avx2>(segment, planes, workspace, out) }
}

/// The place of each row among the codes: half a line is 32 bytes, and unpacking leaves the bytes of each half of a
/// register, two by two, in eight registers.
const PLACES: [u16; ROWS] = places({
    let mut places = [0; 512];
    let mut row = 0;
    while row < 512 {
        let (half, lane, register, rest) = (row / 256, row % 256 / 128, row % 128 / 16, row % 16);
        places[row] = (half * 256 + register * 32 + lane * 16 + rest) as u16;
        row += 1;
    }
    places
});

impl Kernel for Avx2 {
    type Word = __m256i;
    const WIDE: [u16; ROWS] = PLACES;
    const NARROW: [u16; ROWS] = PLACES;

    #[inline(always)]
    unsafe fn codes(planes: *const u8, code: &[u16; 8], out: *mut u8) {
        for half in 0..PLANE_BYTES / 32 {
            // SAFETY: the planes are there, and `out` has room for eight rows for each byte of a plane.
            unsafe {
                let plane = code.map(|plane| {
                    _mm256_load_si256(planes.add(usize::from(plane) * PLANE_BYTES + half * 32).cast())
                });
                let out = out.add(half * 256).cast::<__m256i>();
                for (number, bytes) in interleave(plane).into_iter().enumerate() {
                    _mm256_store_si256(out.add(number), transpose(bytes));
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn add<V: Value>(trees: &[Tree], tables: [*const u8; 2], codes: *const u8, sums: *mut V) {
        // SAFETY: promised by the caller; this form has no tables in lanes.
        unsafe { add_plain(trees, tables, codes, sums) }
    }
}

/// Gathers byte `j` of eight registers in one word, for each `j`.
#[inline(always)]
unsafe fn interleave(p: [__m256i; 8]) -> [__m256i; 8] {
    // SAFETY: the processor has AVX2, by promise of the caller.
    unsafe {
        let half = |ab: __m256i, cd: __m256i, ef: __m256i, gh: __m256i| {
            let (low, low_2) = (_mm256_unpacklo_epi16(ab, cd), _mm256_unpackhi_epi16(ab, cd));
            let (high, high_2) = (_mm256_unpacklo_epi16(ef, gh), _mm256_unpackhi_epi16(ef, gh));
            [
                _mm256_unpacklo_epi32(low, high),
                _mm256_unpackhi_epi32(low, high),
                _mm256_unpacklo_epi32(low_2, high_2),
                _mm256_unpackhi_epi32(low_2, high_2),
            ]
        };
        let low = |a: usize| _mm256_unpacklo_epi8(p[a], p[a + 1]);
        let high = |a: usize| _mm256_unpackhi_epi8(p[a], p[a + 1]);
        let [a, b, c, d] = half(low(0), low(2), low(4), low(6));
        let [e, f, g, h] = half(high(0), high(2), high(4), high(6));
        [a, b, c, d, e, f, g, h]
    }
}

/// Turns the eight by eight bits of each word on their diagonal, in three rounds of swaps.
#[inline(always)]
unsafe fn transpose(mut words: __m256i) -> __m256i {
    macro_rules! swap {
        ($distance:literal, $mask:literal) => {
            let mask = _mm256_set1_epi64x($mask);
            let moved = _mm256_xor_si256(words, _mm256_srli_epi64::<$distance>(words));
            let moved = _mm256_and_si256(moved, mask);
            words = _mm256_xor_si256(_mm256_xor_si256(words, moved), _mm256_slli_epi64::<$distance>(moved));
        };
    }
    // SAFETY: the processor has AVX2, by promise of the caller.
    unsafe {
        swap!(7, 0x00aa_00aa_00aa_00aa);
        swap!(14, 0x0000_cccc_0000_cccc);
        swap!(28, 0x0000_0000_f0f0_f0f0);
    }
    words
}
