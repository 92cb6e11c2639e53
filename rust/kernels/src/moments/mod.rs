//! The sums of one group over a run of a few hundred rows of integers on a grid.
//!
//! In: the values and the weights of the run. Out: exact sums of w, x, wx, wxx, ww,
//! wwx and wwxx as integers in units of the grids. Overflow is excluded by the lengths and magnitudes
//! that each function states and checks.

#[cfg(doc)]
use crate::grid::LIMIT;
use crate::isa::multiversion;

/// Rows that one call may sum.
pub const MOST_ROWS: usize = 512;

/// Exact sums over rows with weight `w` and value `x`, as integers in units of the grids' products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Sum of w.
    pub w: i128,
    /// Sum of x.
    pub x: i128,
    /// Sum of w x.
    pub wx: i128,
    /// Sum of w x x.
    pub wxx: i128,
    /// Sum of w w.
    pub ww: i128,
    /// Sum of w w x.
    pub wwx: i128,
    /// Sum of w w x x.
    pub wwxx: i128,
}

impl Moments {
    /// The moments of one row.
    #[inline]
    pub fn of(x: i64, w: i64) -> Self {
        let (x, w) = (i128::from(x), i128::from(w));
        let p = w * x;
        Self { w, x, wx: p, wxx: p * x, ww: w * w, wwx: p * w, wwxx: p * p }
    }
}

impl std::ops::AddAssign for Moments {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.w += other.w;
        self.x += other.x;
        self.wx += other.wx;
        self.wxx += other.wxx;
        self.ww += other.ww;
        self.wwx += other.wwx;
        self.wwxx += other.wwxx;
    }
}

#[inline(always)]
fn sum_narrow(x: &[u16], w: &[u8]) -> Moments {
    assert!(x.len() <= MOST_ROWS);
    let (xs, ws) = (x, w);
    // One variable for each sum: the compiler keeps them in vector registers, as it does not with an array.
    let [mut w, mut x, mut wx, mut wxx, mut ww, mut wwx, mut wwxx] = [0u64; 7];
    for (&rx, &rw) in xs.iter().zip(ws) {
        // w x < 2^24, so every product has factors of 32 bits, and the largest sum, of w w x x < 2^48,
        // stays below 2^57.
        let (rx, rw) = (u64::from(rx), u64::from(rw));
        let p = rw * rx;
        w += rw;
        x += rx;
        wx += p;
        wxx += p * rx;
        ww += rw * rw;
        wwx += p * rw;
        wwxx += p * p;
    }
    let [w, x, wx, wxx, ww, wwx, wwxx] = [w, x, wx, wxx, ww, wwx, wwxx].map(i128::from);
    Moments { w, x, wx, wxx, ww, wwx, wwxx }
}

multiversion! {
    /// Sums at most [`MOST_ROWS`] rows of narrow columns.
    pub fn narrow(x: &[u16], w: &[u8]) -> Moments = sum_narrow;
}

/// Bits of the lower part when a product of two grid values (at most 2^52) is cut in two.
const CUT: u32 = 26;

#[inline(always)]
fn sum_pairs(x: &[i32], w: &[i32]) -> Moments {
    assert!(x.len() <= MOST_ROWS);
    let (xs, ws) = (x, w);
    // |x| and w are below 2^26, so each product below is at most 2^52 (2^53 for the sum of two) and
    // the sum of 512 of them fits an i64.
    let [mut w, mut x, mut wx, mut ww] = [0i64; 4];
    let [mut wwx_high, mut wwx_low, mut wxx_high, mut wxx_low] = [0i64; 4];
    let [mut wwxx_high, mut wwxx_middle, mut wwxx_low] = [0i64; 3];
    for (&rx, &rw) in xs.iter().zip(ws) {
        let (rx, rw) = (i64::from(rx), i64::from(rw));
        let a = rw * rw;
        let b = rx * rx;
        // Factors as 32-bit integers: the compiler then uses the short multiplication.
        let (a_high, a_low) = (i64::from((a >> CUT) as i32), i64::from(a as i32 & ((1 << CUT) - 1)));
        let (b_high, b_low) = (i64::from((b >> CUT) as i32), i64::from(b as i32 & ((1 << CUT) - 1)));
        w += rw;
        x += rx;
        wx += rw * rx;
        ww += a;
        wwx_high += a_high * rx;
        wwx_low += a_low * rx;
        wxx_high += b_high * rw;
        wxx_low += b_low * rw;
        wwxx_high += a_high * b_high;
        wwxx_middle += a_high * b_low + a_low * b_high;
        wwxx_low += a_low * b_low;
    }
    let join = |high: i64, low: i64| (i128::from(high) << CUT) + i128::from(low);
    Moments {
        w: w.into(),
        x: x.into(),
        wx: wx.into(),
        wxx: join(wxx_high, wxx_low),
        ww: ww.into(),
        wwx: join(wwx_high, wwx_low),
        wwxx: (i128::from(wwxx_high) << (2 * CUT)) + join(wwxx_middle, wwxx_low),
    }
}

multiversion! {
    /// Sums at most [`MOST_ROWS`] rows of values at most [`LIMIT`] in magnitude with weights from 0 to
    /// [`LIMIT`].
    pub fn pairs(x: &[i32], w: &[i32]) -> Moments = sum_pairs;
}

#[inline(always)]
fn sum_values(rows: &[i32]) -> (i64, i64) {
    assert!(rows.len() <= MOST_ROWS);
    let (mut x, mut xx) = (0i64, 0i64);
    for &row in rows {
        let value = i64::from(row);
        x += value;
        xx += value * value;
    }
    (x, xx)
}

multiversion! {
    /// Sums of x and of x x over at most [`MOST_ROWS`] values at most [`LIMIT`] in magnitude.
    pub fn values(rows: &[i32]) -> (i64, i64) = sum_values;
}

#[inline(always)]
fn all_equal(codes: &[u16]) -> bool {
    let Some(&first) = codes.first() else { return false };
    codes.iter().fold(true, |same, &code| same & (code == first))
}

multiversion! {
    /// Whether all codes are the same one (a run of rows of one group); not for none.
    pub fn is_run(codes: &[u16]) -> bool = all_equal;
}
#[cfg(test)]
pub(crate) mod tests;
