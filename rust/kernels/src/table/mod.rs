//! The sums of every group over a block of rows whose groups change from row to row.
//!
//! In: group codes, values and weights of a block. Out: the block's sums added to a table, one line of
//! 64-bit lanes for each group, which the caller empties into wider sums before a lane can overflow (after
//! [`NARROW_ROWS`] rows; as [`PairTable::has_room`] says). One vector addition to the group's line does all moments
//! of a row, so the cost of a row hardly depends on how many moments there are.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use crate::isa::{Isa, multiversion};
use crate::moments::Moments;

/// Rows after which a [`NarrowTable`] must be emptied: each lane holds 2^15 terms below 2^48.
pub const NARROW_ROWS: usize = 1 << 15;
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
    fn highest(groups: &[u16]) -> u16 = highest_of;
}

/// The sums of one group: w w x x, w w x, w x x, w x, w w, w, x and the number of rows.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct NarrowLine([u64; 8]);

/// For a weight w the factors of the lanes: each lane's term is its factor times x x, x, x x, x, 1, 1, x, 1.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Factors([u64; 8]);

/// Block sums of narrow columns (values below 2^16, weights below 2^8) by group.
#[derive(Debug)]
pub struct NarrowTable {
    lines: Vec<NarrowLine>,
    factors: Box<[Factors; 256]>,
    rows: usize,
}

impl NarrowTable {
    /// An empty table without groups.
    pub fn new() -> Self {
        let factors = (0..256u64).map(|w| Factors([w * w, w * w, w, w, w * w, w, 1, 1])).collect::<Vec<_>>();
        let factors = factors.try_into().unwrap_or_else(|_| unreachable!("256 factors were collected"));
        Self { lines: Vec::new(), factors, rows: 0 }
    }

    /// Makes room for groups `0..groups`.
    pub fn grow(&mut self, groups: usize) {
        if groups > self.lines.len() {
            self.lines.resize(groups, NarrowLine::default());
        }
    }

    /// Adds rows.
    ///
    /// # Panics
    /// If the slices differ in length, a group has no line, or more than [`NARROW_ROWS`] rows were added
    /// since the table was last emptied.
    pub fn add(&mut self, isa: Isa, groups: &[u16], x: &[u16], w: &[u8]) {
        self.rows += groups.len();
        assert!(self.rows <= NARROW_ROWS && groups.len() == x.len() && groups.len() == w.len());
        assert!(
            groups.is_empty() || usize::from(highest(isa, groups)) < self.lines.len(),
            "a group without a line"
        );
        #[cfg(target_arch = "x86_64")]
        match isa {
            // SAFETY: the features are there (`available`), the lengths are equal and every group has a line.
            Isa::Avx512 if isa.available() => unsafe {
                return avx512::narrow(&mut self.lines, &self.factors, groups, x, w);
            },
            // SAFETY: as above.
            Isa::Avx2 if isa.available() => unsafe {
                return avx2::narrow(&mut self.lines, &self.factors, groups, x, w);
            },
            _ => {}
        }
        let _ = isa;
        scalar::narrow(&mut self.lines, groups, x, w);
    }

    /// Hands each group's number of rows and sums to `take`, and starts again from zero.
    pub fn empty(&mut self, mut take: impl FnMut(usize, u64, Moments)) {
        if self.rows == 0 {
            return;
        }
        self.rows = 0;
        for (group, line) in self.lines.iter_mut().enumerate() {
            let [wwxx, wwx, wxx, wx, ww, w, x, n] = std::mem::take(line).0;
            if n > 0 {
                let [wwxx, wwx, wxx, wx, ww, w, x] = [wwxx, wwx, wxx, wx, ww, w, x].map(i128::from);
                take(group, n, Moments { w, x, wx, wxx, ww, wwx, wwxx });
            }
        }
    }
}

impl Default for NarrowTable {
    fn default() -> Self {
        Self::new()
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
