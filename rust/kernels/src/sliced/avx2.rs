//! The AVX2 form: planes in words of 256 bits, codes by unpacking and swaps within words, values byte by byte
//! from tables of 16 bytes.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_load_si128, _mm256_add_epi32, _mm256_add_pd, _mm256_add_ps, _mm256_adds_epu8,
    _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castpd_si256, _mm256_castps_si256,
    _mm256_castsi256_pd, _mm256_castsi256_ps, _mm256_load_si256, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi64, _mm256_srli_epi64,
    _mm256_store_si256, _mm256_sub_epi8, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpackhi_epi32,
    _mm256_unpacklo_epi8, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_xor_si256,
};

use super::ROWS;
use super::planes::Planes;
use super::program::{Segment, Tree};
use super::run::{CODE_BYTES, Kernel, Rows, Sum, Value, Workspace, interpret, places};
use super::scalar::{deep_leaf, values_of};
use super::tables::Kind;
use super::word::{LINE_BYTES, PLANE_BYTES, Word};

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

/// The place of each row's code: half a line is 32 bytes, and unpacking leaves the bytes of each half of a register, two by
/// two, in eight registers.
const CODES: [u16; ROWS] = places({
    let mut places = [0; 512];
    let mut row = 0;
    while row < 512 {
        let (half, lane, register, rest) = (row / 256, row % 256 / 128, row % 128 / 16, row % 16);
        places[row] = (half * 256 + register * 32 + lane * 16 + rest) as u16;
        row += 1;
    }
    places
});

/// The place of a code's sum of 32 bits, after bytes of values were unpacked to words: four codes of each half of a
/// register stand in one register.
const fn narrow(code: u16) -> u16 {
    let (lane, rest) = (code % 32 / 16, code % 16);
    code / 32 * 32 + rest / 4 * 8 + lane * 4 + rest % 4
}

/// The place of a code's sum of 64 bits: two codes of each half of a register stand in one register.
const fn wide(code: u16) -> u16 {
    let (lane, rest) = (code % 32 / 16, code % 16);
    code / 32 * 32 + rest / 2 * 4 + lane * 2 + rest % 2
}

/// The place of each row's sum.
const fn sums_of(are_wide: bool) -> [u16; ROWS] {
    let mut places = [0; ROWS];
    let mut row = 0;
    while row < ROWS {
        places[row] = if are_wide { wide(CODES[row]) } else { narrow(CODES[row]) };
        row += 1;
    }
    places
}

/// For each place of a sum among 32 the code that belongs there.
const fn codes_of(are_wide: bool) -> [u8; 32] {
    let mut codes = [0; 32];
    let mut code = 0;
    while code < 32 {
        let place = if are_wide { wide(code) } else { narrow(code) };
        codes[place as usize] = code as u8;
        code += 1;
    }
    codes
}

static WIDE_CODES: [u8; 32] = codes_of(true);
static NARROW_CODES: [u8; 32] = codes_of(false);

impl Kernel for Avx2 {
    type Word = __m256i;
    const WIDE: [u16; ROWS] = sums_of(true);
    const NARROW: [u16; ROWS] = sums_of(false);

    #[inline(always)]
    unsafe fn codes<const N: usize>(planes: *const u8, code: &[u16; 8], out: *mut u8) {
        for half in 0..N * LINE_BYTES / 32 {
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
    unsafe fn add<V: Value>(
        trees: &[Tree],
        tables: [*const u8; 2],
        codes: *const u8,
        sums: *mut V,
        rows: usize,
    ) {
        for start in (0..rows).step_by(32) {
            // SAFETY: promised by the caller.
            unsafe {
                let out = sums.add(start).cast::<__m256i>();
                let mut sum = [_mm256_setzero_si256(); 8];
                for (register, sum) in sum[..size_of::<V>()].iter_mut().enumerate() {
                    *sum = _mm256_load_si256(out.add(register));
                }
                for (number, tree) in trees.iter().enumerate() {
                    let codes = codes.add(number * CODE_BYTES + start);
                    let values = values_of::<V>(tree, tables);
                    if tree.kind == Kind::Bytes {
                        add_found::<V>(&mut sum, values.cast(), _mm256_load_si256(codes.cast()));
                    } else {
                        let leaves = tables[0].add(tree.at.leaves as usize * 64).cast();
                        add_stored::<V>(&mut sum, tree.kind, leaves, values, codes);
                    }
                }
                for (register, sum) in sum[..size_of::<V>()].iter().enumerate() {
                    _mm256_store_si256(out.add(register), *sum);
                }
            }
        }
    }
}

/// Adds the values of 32 codes, looked up byte by byte.
///
/// # Safety
/// The table is there, and the processor has AVX2.
#[inline(always)]
unsafe fn add_found<V: Value>(sum: &mut [__m256i; 8], table: *const __m128i, codes: __m256i) {
    // SAFETY: promised by the caller.
    unsafe {
        // A look-up gives zero where the highest bit of its code is set: for the first half of the table where the code is 16
        // or more, for the second half where it is less.
        let first = _mm256_adds_epu8(codes, _mm256_set1_epi8(0x70));
        let second = _mm256_sub_epi8(codes, _mm256_set1_epi8(16));
        let half = |at: usize| _mm256_broadcastsi128_si256(_mm_load_si128(table.add(at)));
        let byte = |number: usize| {
            _mm256_or_si256(
                _mm256_shuffle_epi8(half(2 * number), first),
                _mm256_shuffle_epi8(half(2 * number + 1), second),
            )
        };
        let low = words(byte(0), byte(1), byte(2), byte(3));
        if V::IS != Sum::F64 {
            for (sum, word) in sum.iter_mut().zip(low) {
                *sum = plus::<V>(*sum, word);
            }
            return;
        }
        let high = words(byte(4), byte(5), byte(6), byte(7));
        for (number, (low, high)) in low.into_iter().zip(high).enumerate() {
            sum[2 * number] = plus::<V>(sum[2 * number], _mm256_unpacklo_epi32(low, high));
            sum[2 * number + 1] = plus::<V>(sum[2 * number + 1], _mm256_unpackhi_epi32(low, high));
        }
    }
}

/// Words of 32 bits out of their bytes, the lowest first.
#[inline(always)]
unsafe fn words(a: __m256i, b: __m256i, c: __m256i, d: __m256i) -> [__m256i; 4] {
    // SAFETY: the processor has AVX2, by promise of the caller.
    unsafe {
        let (low, high) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
        let (low_2, high_2) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
        [
            _mm256_unpacklo_epi16(low, low_2),
            _mm256_unpackhi_epi16(low, low_2),
            _mm256_unpacklo_epi16(high, high_2),
            _mm256_unpackhi_epi16(high, high_2),
        ]
    }
}

/// The sums of four doubles, or of eight numbers of 32 bits.
#[inline(always)]
unsafe fn plus<V: Value>(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the processor has AVX2, by promise of the caller.
    unsafe {
        match V::IS {
            Sum::F64 => _mm256_castpd_si256(_mm256_add_pd(_mm256_castsi256_pd(a), _mm256_castsi256_pd(b))),
            Sum::F32 => _mm256_castps_si256(_mm256_add_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b))),
            Sum::I32 => _mm256_add_epi32(a, b),
        }
    }
}

/// Adds the values of 32 codes, looked up in memory.
///
/// # Safety
/// The codes are within the tree's tables, and the processor has AVX2.
#[inline(always)]
unsafe fn add_stored<V: Value>(
    sum: &mut [__m256i; 8],
    kind: Kind,
    leaves: *const u16,
    values: *const V,
    codes: *const u8,
) {
    let order = if V::IS == Sum::F64 { &WIDE_CODES } else { &NARROW_CODES };
    // SAFETY: promised by the caller; `found` has room for 32 numbers of up to 64 bits.
    unsafe {
        let mut found = [_mm256_setzero_si256(); 8];
        let places: *mut V = found.as_mut_ptr().cast();
        for (place, &code) in order.iter().enumerate() {
            let code = codes.add(usize::from(code));
            let entry = if kind == Kind::Plain { usize::from(*code) } else { deep_leaf(leaves, code) };
            *places.add(place) = *values.add(entry);
        }
        for (sum, found) in sum.iter_mut().zip(found).take(size_of::<V>()) {
            *sum = plus::<V>(*sum, found);
        }
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
