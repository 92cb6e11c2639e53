//! The AVX-512 forms: a plane's line is one register, and leaves' values are permuted out of registers.
//!
//! Doubles are looked up in halves: a permutation of words of 32 bits chooses among 32 entries in two registers, one
//! of 64 bits only among 16, and unpacking the halves costs less than that difference.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi32_si128, _mm512_add_epi32, _mm512_add_pd, _mm512_add_ps, _mm512_castpd_si512,
    _mm512_castps_si512, _mm512_castsi512_pd, _mm512_castsi512_ps, _mm512_gf2p8affine_epi64_epi8,
    _mm512_load_si512, _mm512_mask_add_epi8, _mm512_mask_blend_epi32, _mm512_permutex2var_epi8,
    _mm512_permutex2var_epi32, _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srl_epi32, _mm512_store_si512, _mm512_ternarylogic_epi64,
    _mm512_test_epi32_mask, _mm512_unpackhi_epi8, _mm512_unpackhi_epi16, _mm512_unpackhi_epi32,
    _mm512_unpacklo_epi8, _mm512_unpacklo_epi16, _mm512_unpacklo_epi32,
};

use super::ROWS;
use super::planes::Planes;
use super::program::{Segment, Tree};
use super::run::{CODE_BYTES, Kernel, Rows, Sum, Value, Workspace, interpret, places};
use super::scalar::{deep_leaf, values_of};
use super::tables::Kind;
use super::word::{LINE_BYTES, PLANE_BYTES, Word};

/// AVX-512 without extensions: planes become masks of additions.
struct Avx512;

/// AVX-512 with VBMI and GFNI.
struct Vbmi;

impl Word for __m512i {
    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe { _mm512_load_si512(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: promised by the caller.
        unsafe { _mm512_store_si512(at.cast(), self) }
    }

    #[inline(always)]
    unsafe fn choose(test: Self, right: Self, left: Self) -> Self {
        // SAFETY: the processor has AVX-512, by promise of the caller.
        unsafe { _mm512_ternarylogic_epi64::<0xca>(test, right, left) }
    }

    #[inline(always)]
    unsafe fn join(a: Self, b: Self, c: Self) -> Self {
        // SAFETY: the processor has AVX-512, by promise of the caller.
        unsafe { _mm512_ternarylogic_epi64::<0xf8>(a, b, c) }
    }
}

/// Runs a segment.
///
/// # Safety
/// The planes that it names exist, and the processor has AVX-512 F, BW, DQ and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2")]
pub(super) unsafe fn run(
    segment: &Segment,
    planes: &mut Planes,
    workspace: &mut Workspace,
    out: &mut Rows<'_>,
) {
    // SAFETY: promised by the caller.
    unsafe { interpret::<Avx512>(segment, planes, workspace, out) }
}

/// Runs a segment.
///
/// # Safety
/// As for [`run`]; the processor has VBMI and GFNI too.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni,bmi2")]
pub(super) unsafe fn run_vbmi(
    segment: &Segment,
    planes: &mut Planes,
    workspace: &mut Workspace,
    out: &mut Rows<'_>,
) {
    // SAFETY: promised by the caller.
    unsafe { interpret::<Vbmi>(segment, planes, workspace, out) }
}

/// The place of a code's sum of 32 bits: register `code % 4` of the 64 codes, word `code / 4`.
const fn narrow(code: u16) -> u16 {
    code / 64 * 64 + code % 4 * 16 + code % 64 / 4
}

/// The place of a code's sum of 64 bits: words of 32 bits are unpacked, the first two of four in each quarter of a
/// register to one register, the others to the next.
const fn wide(code: u16) -> u16 {
    let word = code % 64 / 4;
    let (quarter, half, rest) = (word / 4, word % 4 / 2, word % 2);
    code / 64 * 64 + (code % 4 * 2 + half) * 8 + quarter * 2 + rest
}

/// The place of each row's sum, from the place of its code.
const fn sums_of(codes: [u16; ROWS], are_wide: bool) -> [u16; ROWS] {
    let mut places = [0; ROWS];
    let mut row = 0;
    while row < ROWS {
        places[row] = if are_wide { wide(codes[row]) } else { narrow(codes[row]) };
        row += 1;
    }
    places
}

/// For each place of a sum among 64 the code that belongs there.
const fn codes_of(are_wide: bool) -> [u8; 64] {
    let mut codes = [0; 64];
    let mut code = 0;
    while code < 64 {
        let place = if are_wide { wide(code) } else { narrow(code) };
        codes[place as usize] = code as u8;
        code += 1;
    }
    codes
}

static WIDE_CODES: [u8; 64] = codes_of(true);
static NARROW_CODES: [u8; 64] = codes_of(false);

/// The place of each row's code after [`Vbmi`]'s unpacking, as for AVX2 but with four quarters.
const UNPACKED: [u16; ROWS] = places({
    let mut places = [0; 512];
    let mut row = 0;
    while row < 512 {
        let (quarter, register, rest) = (row / 128, row % 128 / 16, row % 16);
        places[row] = (register * 64 + quarter * 16 + rest) as u16;
        row += 1;
    }
    places
});

impl Kernel for Avx512 {
    type Word = __m512i;
    const WIDE: [u16; ROWS] = sums_of(super::scalar::NATURAL, true);
    const NARROW: [u16; ROWS] = sums_of(super::scalar::NATURAL, false);

    #[inline(always)]
    unsafe fn codes<const N: usize>(planes: *const u8, code: &[u16; 8], out: *mut u8) {
        for word in 0..N * LINE_BYTES / 8 {
            // SAFETY: the planes are there, `out` has room for 64 rows for each word; instructions by promise.
            unsafe {
                let mut rows = _mm512_setzero_si512();
                for (bit, &plane) in code.iter().enumerate() {
                    let mask = *planes.add(usize::from(plane) * PLANE_BYTES + word * 8).cast::<u64>();
                    rows = _mm512_mask_add_epi8(rows, mask, rows, _mm512_set1_epi8((1u8 << bit) as i8));
                }
                _mm512_store_si512(out.add(word * 64).cast(), rows);
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
        // SAFETY: promised by the caller; this form turns no codes into leaves.
        unsafe { add_lanes::<V, false>(trees, tables, codes, sums, rows) }
    }
}

impl Kernel for Vbmi {
    type Word = __m512i;
    const WIDE: [u16; ROWS] = sums_of(UNPACKED, true);
    const NARROW: [u16; ROWS] = sums_of(UNPACKED, false);

    #[inline(always)]
    unsafe fn codes<const N: usize>(planes: *const u8, code: &[u16; 8], out: *mut u8) {
        for line in 0..N {
            // SAFETY: the planes are there, `out` has room for 512 rows for each line; instructions by promise.
            unsafe {
                let plane = code.map(|plane| {
                    _mm512_load_si512(planes.add(usize::from(plane) * PLANE_BYTES + line * 64).cast())
                });
                let out = out.add(line * 512).cast::<__m512i>();
                let diagonal = _mm512_set1_epi64(0x8040_2010_0804_0201u64 as i64);
                for (number, bytes) in interleave(plane).into_iter().enumerate() {
                    // The word's bytes are the rows of the matrix, and the argument's bytes are unit vectors.
                    let rows = _mm512_gf2p8affine_epi64_epi8::<0>(diagonal, bytes);
                    _mm512_store_si512(out.add(number), rows);
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
        // SAFETY: promised by the caller.
        unsafe { add_lanes::<V, true>(trees, tables, codes, sums, rows) }
    }
}

/// Gathers byte `j` of eight registers in one word, the last register's lowest, for each `j`.
#[inline(always)]
unsafe fn interleave(p: [__m512i; 8]) -> [__m512i; 8] {
    // SAFETY: the processor has AVX-512, by promise of the caller.
    unsafe {
        let half = |ab: __m512i, cd: __m512i, ef: __m512i, gh: __m512i| {
            let (low, low_2) = (_mm512_unpacklo_epi16(ab, cd), _mm512_unpackhi_epi16(ab, cd));
            let (high, high_2) = (_mm512_unpacklo_epi16(ef, gh), _mm512_unpackhi_epi16(ef, gh));
            [
                _mm512_unpacklo_epi32(low, high),
                _mm512_unpackhi_epi32(low, high),
                _mm512_unpacklo_epi32(low_2, high_2),
                _mm512_unpackhi_epi32(low_2, high_2),
            ]
        };
        let low = |a: usize| _mm512_unpacklo_epi8(p[a], p[a - 1]);
        let high = |a: usize| _mm512_unpackhi_epi8(p[a], p[a - 1]);
        let [a, b, c, d] = half(low(7), low(5), low(3), low(1));
        let [e, f, g, h] = half(high(7), high(5), high(3), high(1));
        [a, b, c, d, e, f, g, h]
    }
}

/// Registers of codes that are looked up together, so that a tree's table is loaded half as often.
const TOGETHER: usize = 2;

/// Adds the values of some trees, 128 codes at a time.
///
/// # Safety
/// As for [`Kernel::add`]; with `BYTES` the processor has VBMI, without it no tree turns codes into leaves.
#[inline(always)]
unsafe fn add_lanes<V: Value, const BYTES: bool>(
    trees: &[Tree],
    tables: [*const u8; 2],
    codes: *const u8,
    sums: *mut V,
    rows: usize,
) {
    let registers = size_of::<V>();
    for start in (0..rows).step_by(64 * TOGETHER) {
        // SAFETY: promised by the caller.
        unsafe {
            let out = sums.add(start).cast::<__m512i>();
            let mut sum = [[_mm512_setzero_si512(); 8]; TOGETHER];
            for (part, sum) in sum.iter_mut().enumerate() {
                for (register, sum) in sum[..registers].iter_mut().enumerate() {
                    *sum = _mm512_load_si512(out.add(part * registers + register));
                }
            }
            for (number, tree) in trees.iter().enumerate() {
                let codes = codes.add(number * CODE_BYTES + start);
                let values = values_of::<V>(tree, tables);
                match tree.kind {
                    Kind::Lanes { entries, leaves } => {
                        let mut code: [__m512i; TOGETHER] =
                            std::array::from_fn(|part| _mm512_load_si512(codes.add(part * 64).cast()));
                        if BYTES && leaves > 0 {
                            let table = tables[0].add(tree.at.leaves as usize * 64);
                            leaf_bytes(table, leaves, &mut code);
                        }
                        match entries {
                            5 => add_found::<V, 2>(&mut sum, values.cast(), &code),
                            6 => add_found::<V, 4>(&mut sum, values.cast(), &code),
                            _ => add_found::<V, 8>(&mut sum, values.cast(), &code),
                        }
                    }
                    Kind::Plain | Kind::Bytes | Kind::Deep => {
                        let leaves = tables[0].add(tree.at.leaves as usize * 64).cast();
                        for (part, sum) in sum.iter_mut().enumerate() {
                            add_deep::<V>(sum, leaves, values, codes.add(part * 64));
                        }
                    }
                }
            }
            for (part, sum) in sum.iter().enumerate() {
                for (register, sum) in sum[..registers].iter().enumerate() {
                    _mm512_store_si512(out.add(part * registers + register), *sum);
                }
            }
        }
    }
}

/// Turns codes of 6 or 7 bits into leaves.
///
/// # Safety
/// `table` holds a byte for each code, and the processor has VBMI.
#[inline(always)]
unsafe fn leaf_bytes(table: *const u8, bits: u8, codes: &mut [__m512i; TOGETHER]) {
    // SAFETY: promised by the caller.
    unsafe {
        let first = _mm512_load_si512(table.cast());
        if bits == 6 {
            codes.iter_mut().for_each(|codes| *codes = _mm512_permutexvar_epi8(*codes, first));
            return;
        }
        let second = _mm512_load_si512(table.add(64).cast());
        codes.iter_mut().for_each(|codes| *codes = _mm512_permutex2var_epi8(first, *codes, second));
    }
}

/// Adds the values of codes, looked up in a table of `REGISTERS` registers (two of them for doubles).
///
/// # Safety
/// The table is there, and the processor has AVX-512.
#[inline(always)]
unsafe fn add_found<V: Value, const REGISTERS: usize>(
    sums: &mut [[__m512i; 8]; TOGETHER],
    table: *const __m512i,
    codes: &[__m512i; TOGETHER],
) {
    // SAFETY: promised by the caller.
    unsafe {
        let load = |first: usize| -> [__m512i; REGISTERS] {
            std::array::from_fn(|register| _mm512_load_si512(table.add(first + register)))
        };
        let low_table = load(0);
        let high_table = if V::IS == Sum::F64 { load(REGISTERS) } else { low_table };
        for (sum, &codes) in sums.iter_mut().zip(codes) {
            for byte in 0..4usize {
                // Permutations look at the lowest bits of a word only.
                let at = _mm512_srl_epi32(codes, _mm_cvtsi32_si128(8 * byte as i32));
                let low = find(&low_table, at);
                if V::IS == Sum::F64 {
                    let high = find(&high_table, at);
                    let (first, second) =
                        (_mm512_unpacklo_epi32(low, high), _mm512_unpackhi_epi32(low, high));
                    sum[2 * byte] = plus::<V>(sum[2 * byte], first);
                    sum[2 * byte + 1] = plus::<V>(sum[2 * byte + 1], second);
                } else {
                    sum[byte] = plus::<V>(sum[byte], low);
                }
            }
        }
    }
}

/// Looks 16 numbers up in a table.
#[inline(always)]
unsafe fn find<const REGISTERS: usize>(table: &[__m512i; REGISTERS], at: __m512i) -> __m512i {
    // SAFETY: the processor has AVX-512, by promise of the caller.
    unsafe {
        let pair = |pair: usize| _mm512_permutex2var_epi32(table[2 * pair], at, table[2 * pair + 1]);
        if REGISTERS == 2 {
            return pair(0);
        }
        let above = |bit: i32| _mm512_test_epi32_mask(at, _mm512_set1_epi32(bit));
        let four = |first: usize| _mm512_mask_blend_epi32(above(32), pair(first), pair(first + 1));
        if REGISTERS == 4 {
            return four(0);
        }
        _mm512_mask_blend_epi32(above(64), four(0), four(2))
    }
}

/// The sums of eight doubles, or of sixteen numbers of 32 bits.
#[inline(always)]
unsafe fn plus<V: Value>(a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the processor has AVX-512, by promise of the caller.
    unsafe {
        match V::IS {
            Sum::F64 => _mm512_castpd_si512(_mm512_add_pd(_mm512_castsi512_pd(a), _mm512_castsi512_pd(b))),
            Sum::F32 => _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b))),
            Sum::I32 => _mm512_add_epi32(a, b),
        }
    }
}

/// Adds the values of 64 codes of two bytes, looked up in memory.
///
/// # Safety
/// The codes are within the table of leaves, and the leaves within that of values.
#[inline(always)]
unsafe fn add_deep<V: Value>(sum: &mut [__m512i; 8], leaves: *const u16, values: *const V, codes: *const u8) {
    let order = if V::IS == Sum::F64 { &WIDE_CODES } else { &NARROW_CODES };
    // SAFETY: promised by the caller; `found` has room for 64 numbers of up to 64 bits.
    unsafe {
        let mut found = [_mm512_setzero_si512(); 8];
        let places: *mut V = found.as_mut_ptr().cast();
        for (place, &code) in order.iter().enumerate() {
            *places.add(place) = *values.add(deep_leaf(leaves, codes.add(usize::from(code))));
        }
        for (sum, found) in sum.iter_mut().zip(found).take(size_of::<V>()) {
            *sum = plus::<V>(*sum, found);
        }
    }
}
