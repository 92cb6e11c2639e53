//! The sums of every group over a block of rows whose groups change from row to row.
//!
//! In: group codes, values and weights of a block. Out: the block's sums added to a table, one line of
//! 64-bit lanes for each group, which the caller empties into wider sums before a lane can overflow (as the tables'
//! `has_room` says). One vector addition to the group's line does all moments
//! of a row, so the cost of a row hardly depends on how many moments there are.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use crate::isa::{Isa, multiversion};
use crate::moments::Moments;

/// Rows after which a [`ShortTable`] must be emptied: each lane holds 2^14 terms below 2^50.
pub const SHORT_ROWS: usize = 1 << 14;
/// The largest weight of a [`ShortTable`].
pub const SHORT_WEIGHT: i32 = (1 << 9) - 1;
/// A [`ShortTable`]'s products of a value and its weight are at most this: values of 24 bits, as 32-bit floats
/// have them, times any weight.
pub const SHORT_PRODUCT: u64 = (1 << 33) - 1;
/// Rows that may be added to a [`PairTable`] at once: a low lane holds what is left
/// after a carry and as many terms, each below 2^52.
pub const PAIR_ROWS: usize = (1 << 12) - 1;
/// Groups up to which a table pays: beyond, emptying it costs more than summing its rows one by one.
pub const MOST_GROUPS: usize = 1 << 12;

#[inline(always)]
fn highest_of(groups: &[u16]) -> u16 {
    groups.iter().fold(0, |highest, &group| highest.max(group))
}

multiversion! {
    /// The highest group, 0 for none.
    pub fn highest(groups: &[u16]) -> u16 = highest_of;
}

/// The sums of one group, of p (w x), its low 16 and high 17 bits l and h, x, w and 1:
/// p l, p h, x l, x h, p w, p, x + 2^48, w w + 2^40 w.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct ShortLine([u64; 8]);

/// Bits of the sixth lane below the number of rows.
const ROWS_AT: u32 = 48;
/// Bits of the seventh lane below the sum of weights.
const WEIGHTS_AT: u32 = 40;

/// Rows that are made ready at a time.
const BLOCK: usize = 128;

/// Bits of the third word of a row below the 33rd bit of p.
const TOP_AT: u32 = 16;

/// Rows as the low 32 bits of p, x, w with the 33rd bit of p above it, and 1.
#[repr(C, align(64))]
struct Block([[u32; 4]; BLOCK]);

/// Fills a block; says whether a product has 33 bits.
#[inline(always)]
fn fill<X: Copy, W: Copy>(
    block: &mut Block,
    xs: &[X],
    ws: &[W],
    x_of: impl Fn(X) -> u32,
    w_of: impl Fn(W) -> u32,
) -> bool {
    let mut tops = 0;
    for ((row, &x), &w) in block.0.iter_mut().zip(xs).zip(ws) {
        let (x, w) = (x_of(x), w_of(w));
        let p = u64::from(x) * u64::from(w);
        let top = (p >> 32) as u32;
        tops |= top;
        *row = [p as u32, x, w | top << TOP_AT, 1];
    }
    tops != 0
}

#[inline(always)]
fn fill_narrow(block: &mut Block, x: &[u16], w: &[u8]) -> bool {
    fill(block, x, w, u32::from, u32::from)
}

#[inline(always)]
fn fill_grid(block: &mut Block, x: &[i32], w: &[i32]) -> bool {
    fill(block, x, w, |x| x as u32, |w| w as u32)
}

multiversion! {
    /// Makes narrow rows ready.
    fn narrow_block(block: &mut Block, x: &[u16], w: &[u8]) -> bool = fill_narrow;
}
multiversion! {
    /// Makes rows on a grid ready.
    fn grid_block(block: &mut Block, x: &[i32], w: &[i32]) -> bool = fill_grid;
}

/// Block sums by group of values from 0 to [`LIMIT`](crate::grid::LIMIT) with weights from 0 to
/// [`SHORT_WEIGHT`], whose products are at most [`SHORT_PRODUCT`].
#[derive(Debug, Default)]
pub struct ShortTable {
    lines: Vec<ShortLine>,
    rows: usize,
}

impl ShortTable {
    /// Makes room for groups `0..groups`.
    pub fn grow(&mut self, groups: usize) {
        if groups > self.lines.len() {
            self.lines.resize(groups, ShortLine::default());
        }
    }

    /// Whether `rows` more rows fit before the table must be emptied.
    pub fn has_room(&self, rows: usize) -> bool {
        self.rows + rows <= SHORT_ROWS
    }

    /// Adds rows of narrow columns.
    ///
    /// # Panics
    /// If the slices differ in length, a group has no line, or there is no room.
    pub fn add_narrow(&mut self, isa: Isa, groups: &[u16], x: &[u16], w: &[u8]) {
        self.add(isa, groups, x, w, narrow_block);
    }

    /// Adds rows on a grid. Values, weights and products above the limits give wrong sums, no fault.
    ///
    /// # Panics
    /// As [`add_narrow`](Self::add_narrow).
    pub fn add_grid(&mut self, isa: Isa, groups: &[u16], x: &[i32], w: &[i32]) {
        self.add(isa, groups, x, w, grid_block);
    }

    fn add<X, W>(
        &mut self,
        isa: Isa,
        groups: &[u16],
        x: &[X],
        w: &[W],
        ready: impl Fn(Isa, &mut Block, &[X], &[W]) -> bool,
    ) {
        assert!(self.has_room(groups.len()), "no room");
        assert!(groups.len() == x.len() && groups.len() == w.len(), "columns of one length");
        let known = groups.is_empty() || usize::from(highest(isa, groups)) < self.lines.len();
        assert!(known, "a group without a line");
        self.rows += groups.len();
        let way = Way::of(isa);
        let mut block = Block([[0; 4]; BLOCK]);
        for ((groups, x), w) in groups.chunks(BLOCK).zip(x.chunks(BLOCK)).zip(w.chunks(BLOCK)) {
            let long = ready(isa, &mut block, x, w);
            let rows = &block.0[..groups.len()];
            match way {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the features are there (`Way::of`), every group has a line, a row for each group.
                Way::Ifma => unsafe { avx512::short(&mut self.lines, groups, rows) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above; every product has 32 bits.
                Way::Avx2 if !long => unsafe { avx2::short(&mut self.lines, groups, rows) },
                _ => scalar::short(&mut self.lines, groups, rows),
            }
        }
    }

    /// Hands each group's number of rows and sums to `take`, and starts again from zero.
    pub fn empty(&mut self, mut take: impl FnMut(usize, u64, Moments)) {
        if self.rows == 0 {
            return;
        }
        self.rows = 0;
        for (group, line) in self.lines.iter_mut().enumerate() {
            let [pl, ph, xl, xh, pw, p, x, w] = line.0;
            let n = x >> ROWS_AT;
            if n > 0 {
                *line = ShortLine::default();
                let join = |low: u64, high: u64| i128::from(low) + (i128::from(high) << 16);
                let below = |lane: u64, at: u32| i128::from(lane & ((1 << at) - 1));
                let (wwx, wx, wxx, wwxx) = (pw.into(), p.into(), join(xl, xh), join(pl, ph));
                let (ww, w) = (below(w, WEIGHTS_AT), i128::from(w >> WEIGHTS_AT));
                take(group, n, Moments { w, x: below(x, ROWS_AT), wx, wxx, ww, wwx, wwxx });
            }
        }
    }
}

/// Which form of [`ShortTable`] a processor runs.
#[derive(Clone, Copy)]
enum Way {
    #[cfg(target_arch = "x86_64")]
    Ifma,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Scalar,
}

impl Way {
    fn of(isa: Isa) -> Self {
        #[cfg(target_arch = "x86_64")]
        match isa {
            Isa::Avx512 if PairTable::available(isa) => return Self::Ifma,
            Isa::Avx512 | Isa::Avx2 if Isa::Avx2.available() => return Self::Avx2,
            _ => {}
        }
        let _ = isa;
        Self::Scalar
    }
}

/// The sums of one group in two lines: the low 52 bits of p p, p w, p x, w w, w x, w, x and 1 (where p is
/// w x), and above them the high 52 bits of the same products.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct PairLine {
    low: [u64; 8],
    high: [u64; 8],
}

/// Block sums of values and weights on a grid, both from 0 to [`LIMIT`](crate::grid::LIMIT), by group.
#[derive(Debug, Default)]
pub struct PairTable {
    lines: Vec<PairLine>,
    /// Rows since the low lanes last handed their carries to the high ones.
    rows: usize,
    /// A bound on the largest high lane.
    spent: u64,
}

/// Bits of a low lane that stay when its carry moves to the high one.
const LOW_BITS: u32 = 52;

#[inline(always)]
fn carry_lines(lines: &mut [PairLine]) {
    for line in lines {
        for (low, high) in line.low.iter_mut().zip(&mut line.high) {
            *high += *low >> LOW_BITS;
            *low &= (1 << LOW_BITS) - 1;
        }
    }
}

multiversion! {
    /// Moves what the low lanes hold above 52 bits to the high lanes.
    fn carry(lines: &mut [PairLine]) = carry_lines;
}

impl PairTable {
    /// Whether this processor has the fused 52-bit multiplications that the table needs.
    pub fn available(isa: Isa) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            isa == Isa::Avx512 && isa.available() && is_x86_feature_detected!("avx512ifma")
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = isa;
            false
        }
    }

    /// Makes room for groups `0..groups`.
    pub fn grow(&mut self, groups: usize) {
        if groups > self.lines.len() {
            self.lines.resize(groups, PairLine::default());
        }
    }

    /// What `rows` rows whose products w x are at most `most` can add to a high lane.
    fn cost(rows: usize, most: u64) -> u64 {
        let square = (u128::from(most) * u128::from(most)) >> LOW_BITS;
        // Two more for a row: the carry of its low lane, and the rounding down of the bound.
        (square as u64).saturating_add(2).saturating_mul(rows as u64)
    }

    /// Whether `rows` more rows whose products w x are at most `most` fit before the table must be emptied.
    pub fn has_room(&self, rows: usize, most: u64) -> bool {
        self.spent.checked_add(Self::cost(rows, most)).is_some()
    }

    /// Adds rows whose products w x are at most `most`.
    ///
    /// # Panics
    /// If the slices differ in length or exceed [`PAIR_ROWS`], a group has no line, there is no room, or
    /// the processor lacks what [`available`](Self::available) asks for.
    pub fn add(&mut self, isa: Isa, groups: &[u16], x: &[i32], w: &[i32], most: u64) {
        assert!(groups.len() <= PAIR_ROWS && groups.len() == x.len() && groups.len() == w.len());
        assert!(self.has_room(groups.len(), most) && Self::available(isa), "no room, or no AVX-512 IFMA");
        if self.rows + groups.len() > PAIR_ROWS {
            carry(isa, &mut self.lines);
            self.rows = 0;
        }
        self.rows += groups.len();
        self.spent += Self::cost(groups.len(), most);
        assert!(
            groups.is_empty() || usize::from(highest(isa, groups)) < self.lines.len(),
            "a group without a line"
        );
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the features are there, the lengths are equal and every group has a line.
        unsafe {
            avx512::pairs(&mut self.lines, groups, x, w);
        }
    }

    /// Hands each group's number of rows and sums to `take`, and starts again from zero.
    pub fn empty(&mut self, mut take: impl FnMut(usize, u64, Moments)) {
        if self.spent == 0 {
            return;
        }
        (self.rows, self.spent) = (0, 0);
        for (group, line) in self.lines.iter_mut().enumerate() {
            let n = line.low[7];
            if n > 0 {
                let PairLine { low, high } = std::mem::take(line);
                let [wwxx, wwx, wxx, ww, wx, w, x, _] =
                    std::array::from_fn(|lane| i128::from(low[lane]) + (i128::from(high[lane]) << LOW_BITS));
                take(group, n, Moments { w, x, wx, wxx, ww, wwx, wwxx });
            }
        }
    }
}

#[cfg(test)]
mod tests;
