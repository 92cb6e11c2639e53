//! The portable form, and what all forms take from it: transpositions, and tables in memory.

use super::ROWS;
use super::program::Tree;
use super::run::{CODE_BYTES, Kernel, Sum, Value};
use super::tables::Kind;
use super::word::{LINE_BYTES, PLANE_BYTES, Word};

/// The portable form.
pub(super) struct Portable;

/// Eight words of 64 bits; the compiler takes what vectors the target has.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Words([u64; 8]);

impl Word for Words {
    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: promised by the caller.
        unsafe { *at.cast() }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: promised by the caller.
        unsafe { *at.cast() = self }
    }

    #[inline(always)]
    unsafe fn choose(test: Self, right: Self, left: Self) -> Self {
        Self(std::array::from_fn(|word| left.0[word] ^ (test.0[word] & (left.0[word] ^ right.0[word]))))
    }

    #[inline(always)]
    unsafe fn join(a: Self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|word| a.0[word] | (b.0[word] & c.0[word])))
    }
}

/// For each byte a word whose bytes are its bits.
static SPREAD: [u64; 256] = {
    let mut spread = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            spread[byte] |= ((byte >> bit & 1) as u64) << (8 * bit);
            bit += 1;
        }
        byte += 1;
    }
    spread
};

/// Rows in their own order.
pub(super) const NATURAL: [u16; ROWS] = {
    let mut places = [0; ROWS];
    let mut row = 0;
    while row < ROWS {
        places[row] = row as u16;
        row += 1;
    }
    places
};

impl Kernel for Portable {
    type Word = Words;
    const WIDE: [u16; ROWS] = NATURAL;
    const NARROW: [u16; ROWS] = NATURAL;

    #[inline(always)]
    unsafe fn codes<const N: usize>(planes: *const u8, code: &[u16; 8], out: *mut u8) {
        let used = code.iter().rposition(|&plane| plane != 0).map_or(0, |last| last + 1);
        for byte in 0..N * LINE_BYTES {
            let mut rows = 0u64;
            for (bit, &plane) in code[..used].iter().enumerate() {
                // SAFETY: the planes are there.
                let bits = unsafe { *planes.add(usize::from(plane) * PLANE_BYTES + byte) };
                rows |= SPREAD[usize::from(bits)] << bit;
            }
            // SAFETY: eight rows for each byte of a plane; the processor's order of bytes is settled here.
            unsafe { out.add(byte * 8).cast::<[u8; 8]>().write(rows.to_le_bytes()) };
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
        unsafe { add_plain(trees, tables, codes, sums, rows) }
    }
}

/// Adds values that stand in memory, eight rows at a time.
///
/// # Safety
/// As for [`Kernel::add`]; the tables are plain or deep.
#[inline(always)]
pub(super) unsafe fn add_plain<V: Value>(
    trees: &[Tree],
    tables: [*const u8; 2],
    codes: *const u8,
    sums: *mut V,
    rows: usize,
) {
    for start in (0..rows).step_by(8) {
        // SAFETY: promised by the caller: codes are within their tables, and there is room for the sums.
        unsafe {
            let out = sums.add(start).cast::<[V; 8]>();
            let mut sum = *out;
            for (number, tree) in trees.iter().enumerate() {
                let values = values_of::<V>(tree, tables);
                let low = codes.add(number * CODE_BYTES + start);
                if tree.kind != Kind::Deep {
                    for (row, sum) in sum.iter_mut().enumerate() {
                        *sum = sum.plus(*values.add(usize::from(*low.add(row))));
                    }
                } else {
                    let leaves = tables[0].add(tree.at.leaves as usize * 64).cast::<u16>();
                    for (row, sum) in sum.iter_mut().enumerate() {
                        *sum = sum.plus(*values.add(deep_leaf(leaves, low.add(row))));
                    }
                }
            }
            *out = sum;
        }
    }
}

/// The table of a tree's values.
///
/// # Safety
/// The tables are those of the tree.
#[inline(always)]
pub(super) unsafe fn values_of<V: Value>(tree: &Tree, tables: [*const u8; 2]) -> *const V {
    let [exact, fixed] = tables;
    // SAFETY: promised by the caller.
    unsafe {
        match V::IS {
            Sum::I32 => fixed.add(tree.at.fixed as usize * 64).cast(),
            Sum::F64 | Sum::F32 => exact.add(tree.at.values as usize * 64).cast(),
        }
    }
}

/// The leaf of a code of two bytes.
///
/// # Safety
/// The code is within the table, and its high byte stands [`ROWS`] after its low one.
#[inline(always)]
pub(super) unsafe fn deep_leaf(leaves: *const u16, low: *const u8) -> usize {
    // SAFETY: promised by the caller.
    unsafe {
        let code = usize::from(*low) | usize::from(*low.add(ROWS)) << 8;
        usize::from(*leaves.add(code))
    }
}

/// Turns 64 words of 64 bits on their diagonal: bit `i` of word `j` becomes bit `j` of word `i`.
pub(super) fn transpose_64(words: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_ffff_ffffu64;
    while width > 0 {
        let mut at = 0;
        while at < 64 {
            let swap = (words[at] >> width ^ words[at + width]) & mask;
            words[at] ^= swap << width;
            words[at + width] ^= swap;
            at = (at + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}
