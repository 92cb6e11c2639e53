//! The sums of every group over rows of doubles that fit no grid of small integers.
//!
//! In: group codes, values and weights, all of them plain (see [`all_plain`]). Out: seven sums for each
//! group, which the caller empties into exact ones before they are full: in a frame where the exponents of
//! the rows lie close together, else in [`Window`]s. Products are made of integers, so nothing is rounded but
//! the factors of the sums behind a standard error, each to 26 significant bits.

mod frame;

use frame::Framed;

use crate::exact::{Exact, MOST_NUMBERS, Window};
use crate::grid::round_to_26;
use crate::isa::{Isa, multiversion};

/// The sums of a group, in this order: w, x, w x, w x x, w w, w w x, w w x x.
pub const SUMS: usize = 7;

/// Exponents of plain numbers: below 2^40 and not below 2^-39, so that every product fits a window.
const PLAIN: u64 = 39;

#[derive(Clone, Debug, Default)]
struct Group {
    windows: [Window; SUMS],
    /// Rows, in windows or in a frame.
    rows: u64,
}

/// Sums of plain rows by group.
#[derive(Debug, Default)]
pub struct WideTable {
    groups: Vec<Group>,
    framed: Framed,
    rows: u64,
}

/// Whether a number is zero or has a plain exponent.
#[inline(always)]
fn is_plain(bits: u64) -> bool {
    let exponent = (bits >> 52) & 0x7ff;
    (bits << 1 == 0) | (exponent.wrapping_sub(1023 - PLAIN) <= 2 * PLAIN)
}

/// Whether a row of this value and weight can be added: both are zero or between 2^-39 and 2^40 in
/// magnitude, and the weight has no sign.
#[inline(always)]
pub fn row_is_plain(x: f64, w: f64) -> bool {
    is_plain(x.to_bits()) & is_plain(w.to_bits()) & w.is_sign_positive()
}

#[inline(always)]
fn rows_are_plain(x: &[f64], w: &[f64]) -> bool {
    x.iter().zip(w).fold(true, |all, (&x, &w)| all & row_is_plain(x, w))
}

multiversion! {
    /// Whether every row [is plain](row_is_plain).
    pub fn all_plain(x: &[f64], w: &[f64]) -> bool = rows_are_plain;
}

/// A plain number as (negative, mantissa, exponent).
#[inline(always)]
fn parts(value: f64) -> (bool, u64, i32) {
    let bits = value.to_bits();
    if bits << 1 == 0 {
        return (false, 0, 0);
    }
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1075;
    (value.is_sign_negative(), (bits & ((1 << 52) - 1)) | 1 << 52, exponent)
}

#[inline(always)]
fn add_rows(groups: &mut [Group], codes: &[u32], x: &[f64], w: &[f64]) -> bool {
    let mut fit = true;
    for ((&code, &x), &w) in codes.iter().zip(x).zip(w) {
        let ((negative, x, x_exponent), (_, w, w_exponent)) = (parts(x), parts(w));
        let (rx, rx_exponent) = round_to_26(x, x_exponent);
        let (rw, rw_exponent) = round_to_26(w, w_exponent);
        // At most 2^26 * 2^26, so the product of two such products has at most 105 bits.
        let (p, p_exponent) = (rw * rx, rw_exponent + rx_exponent);
        let group = &mut groups[code as usize];
        group.rows += 1;
        let [of_w, of_x, of_wx, of_wxx, of_ww, of_wwx, of_wwxx] = &mut group.windows;
        fit &= of_w.add_short(false, w, w_exponent);
        fit &= of_x.add_short(negative, x, x_exponent);
        fit &= of_wx.add(negative, u128::from(w) * u128::from(x), w_exponent + x_exponent);
        fit &= of_wxx.add(false, u128::from(p) * u128::from(rx), p_exponent + rx_exponent);
        fit &= of_ww.add_short(false, rw * rw, 2 * rw_exponent);
        fit &= of_wwx.add(negative, u128::from(p) * u128::from(rw), p_exponent + rw_exponent);
        fit &= of_wwxx.add(false, u128::from(p) * u128::from(p), 2 * p_exponent);
    }
    fit
}

multiversion! {
    fn add_all(groups: &mut [Group], codes: &[u32], x: &[f64], w: &[f64]) -> bool = add_rows;
}

impl WideTable {
    /// Makes room for groups `0..groups`.
    pub fn grow(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize(groups, Group::default());
            self.framed.grow(groups);
        }
    }

    /// Whether `rows` more rows fit before the table must be emptied.
    pub fn has_room(&self, rows: usize) -> bool {
        self.rows + rows as u64 <= MOST_NUMBERS
    }

    /// Adds plain rows to the sums of their groups.
    ///
    /// # Panics
    /// If the slices differ in length, a group has no sums, a row is not plain, or there is no room.
    pub fn add(&mut self, isa: Isa, groups: &[u32], x: &[f64], w: &[f64]) {
        assert!(groups.len() == x.len() && groups.len() == w.len() && self.has_room(x.len()));
        assert!(all_plain(isa, x, w), "a row that is not plain");
        self.rows += x.len() as u64;
        if self.framed.add(isa, groups, x, w) {
            return;
        }
        let fit = add_all(isa, &mut self.groups, groups, x, w);
        assert!(fit, "a plain row fits the windows");
    }

    /// Hands each group's number of rows and sums to `take`, and starts again from zero.
    pub fn empty(&mut self, mut take: impl FnMut(usize, u64, [Exact; SUMS])) {
        self.rows = 0;
        for (place, (group, (framed, mut sums))) in
            self.groups.iter_mut().zip(self.framed.empty()).enumerate()
        {
            let rows = std::mem::take(&mut group.rows) + framed;
            if rows > 0 {
                group.windows.iter_mut().zip(&mut sums).for_each(|(window, sum)| window.move_to(sum));
                take(place, rows, sums);
            }
        }
    }
}

#[cfg(test)]
mod tests;
