//! Sums of doubles whose exponents lie close together: 64-bit integers in one frame for all rows.
//!
//! In: plain rows (see [`all_plain`](super::all_plain)) whose exponents a [`Frame`] spans. Out: the seven
//! sums of each group as 128-bit integers, in units of the frame, several times as fast as windows.

use super::{Exact, SUMS};
use crate::isa::{Isa, multiversion};

/// Exponents above a frame's lowest that a number may have: its 53 bits then fit 63.
const SPAN: u64 = 10;
/// What values and weights may use of it together: a product of two factors of 26 bits then fits 64.
const SPAN_OF_BOTH: u64 = 11;
/// Rows after which sums must be taken out: each term of a 128-bit sum is below 2^100.
pub(super) const MOST_ROWS: u64 = 1 << 26;

/// The lowest and the highest exponent field among numbers that are not zero; the lowest first.
type Range = (u64, u64);
/// The range of zeros alone.
const EMPTY: Range = (u64::MAX, 0);

/// The exponent fields of the smallest value and weight that are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    x: u64,
    w: u64,
}

#[inline(always)]
fn range_of(values: &[f64]) -> Range {
    let field = |value: &f64| (value.to_bits() >> 52) & 0x7ff;
    let lowest = values.iter().fold(u64::MAX, |lowest, value| lowest.min(field(value).wrapping_sub(1)));
    let highest = values.iter().fold(0, |highest, value| highest.max(field(value)));
    if highest == 0 { EMPTY } else { (lowest + 1, highest) }
}

multiversion! {
    /// The exponents of plain numbers.
    fn range(values: &[f64]) -> Range = range_of;
}

impl Frame {
    /// Whether the frame spans all of these rows.
    fn spans(self, x: Range, w: Range) -> bool {
        let above = |(lowest, highest): Range, base: u64| match highest {
            0 => Some(0),
            _ => (lowest >= base && highest - base <= SPAN).then(|| highest - base),
        };
        above(x, self.x).zip(above(w, self.w)).is_some_and(|(x, w)| x + w <= SPAN_OF_BOTH)
    }

    /// A frame that spans rows, with room below and above where they leave some.
    fn around(x: Range, w: Range) -> Option<Self> {
        let width = |(lowest, highest): Range| highest.saturating_sub(lowest);
        let left = SPAN_OF_BOTH.checked_sub(width(x) + width(w))?;
        let base = |(lowest, highest): Range| match highest {
            0 => 1023,
            _ => lowest - (left / 4).min(SPAN.saturating_sub(width((lowest, highest)))),
        };
        Some(Self { x: base(x), w: base(w) }).filter(|frame| frame.spans(x, w))
    }
}

/// The rows of one group, and their sums: w, x, w x (low and high 64 bits of each term), w x x, w w, w w x, w w x x
/// (likewise low and high).
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Held {
    rows: u64,
    w: i128,
    x: i128,
    wx: [i128; 2],
    wxx: i128,
    ww: i128,
    wwx: i128,
    wwxx: [i128; 2],
}

/// A number in a frame: its integer, and that of its rounding to 26 bits in units 2^27 as large.
#[inline(always)]
fn parts(bits: u64, base: u64) -> (u64, u64) {
    let field = (bits >> 52) & 0x7ff;
    let hidden = u64::from(field != 0) << 52;
    let mantissa = (bits & ((1 << 52) - 1)) | hidden;
    let shift = field.wrapping_sub(base) & 63;
    // To the nearest, ties to even.
    let rounded = (mantissa + ((1 << 26) - 1) + ((mantissa >> 27) & 1)) >> 27;
    (mantissa << shift, rounded << shift)
}

#[inline(always)]
fn halves(sum: &mut [i128; 2], term: i128) {
    sum[0] += i128::from(term as u64);
    sum[1] += term >> 64;
}

#[inline(always)]
fn add_rows(held: &mut [Held], codes: &[u32], x: &[f64], w: &[f64], frame: Frame) {
    for ((&code, &x), &w) in codes.iter().zip(x).zip(w) {
        let sign = i128::from(x.to_bits() as i64 >> 63);
        let signed = |value: i128| (value ^ sign) - sign;
        let ((x, rx), (w, rw)) = (parts(x.to_bits(), frame.x), parts(w.to_bits(), frame.w));
        let p = rw * rx;
        let group = &mut held[code as usize];
        group.rows += 1;
        group.w += i128::from(w);
        group.x += signed(x.into());
        halves(&mut group.wx, signed(i128::from(w) * i128::from(x)));
        group.wxx += i128::from(p) * i128::from(rx);
        group.ww += i128::from(rw) * i128::from(rw);
        group.wwx += signed(i128::from(p) * i128::from(rw));
        // p is at most 2^63, so its square is below 2^127.
        halves(&mut group.wwxx, i128::from(p) * i128::from(p));
    }
}

multiversion! {
    fn add_all(held: &mut [Held], codes: &[u32], x: &[f64], w: &[f64], frame: Frame) = add_rows;
}

/// Sums by group in the frame that fitted last.
#[derive(Debug, Default)]
pub(super) struct Framed {
    held: Vec<Held>,
    /// What other frames have left, by group.
    before: Vec<(u64, [Exact; SUMS])>,
    frame: Option<Frame>,
    rows: u64,
    /// Frames so far, and calls: frames that change again and again cost more than they save.
    frames: u64,
    calls: u64,
}

impl Framed {
    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.held.len() {
            self.held.resize(groups, Held::default());
            self.before.resize(groups, Default::default());
        }
    }

    /// Adds plain rows, fewer than [`MOST_ROWS`], if a frame spans them; says whether it did.
    pub(super) fn add(&mut self, isa: Isa, codes: &[u32], x: &[f64], w: &[f64]) -> bool {
        self.calls += 1;
        let (of_x, of_w) = (range(isa, x), range(isa, w));
        let Some(frame) = self.choose(of_x, of_w) else {
            return false;
        };
        self.rows += codes.len() as u64;
        if self.rows > MOST_ROWS || self.frame != Some(frame) {
            self.settle();
            self.rows = codes.len() as u64;
        }
        self.frame = Some(frame);
        add_all(isa, &mut self.held, codes, x, w, frame);
        true
    }

    fn choose(&mut self, x: Range, w: Range) -> Option<Frame> {
        if let Some(frame) = self.frame.filter(|frame| frame.spans(x, w)) {
            return Some(frame);
        }
        if self.frames > 16 + self.calls / 64 {
            return None;
        }
        let frame = Frame::around(x, w)?;
        self.frames += 1;
        Some(frame)
    }

    /// Moves what the frame holds to sums of any size.
    fn settle(&mut self) {
        let Some(frame) = self.frame else { return };
        let (x, w) = (frame.x as i32 - 1075, frame.w as i32 - 1075);
        let (rx, rw) = (x + 27, w + 27);
        for (held, (rows, sums)) in self.held.iter_mut().zip(&mut self.before) {
            let held = std::mem::take(held);
            *rows += held.rows;
            let [of_w, of_x, of_wx, of_wxx, of_ww, of_wwx, of_wwxx] = sums;
            of_w.add_scaled(held.w, w);
            of_x.add_scaled(held.x, x);
            of_wx.add_scaled(held.wx[0], w + x);
            of_wx.add_scaled(held.wx[1], w + x + 64);
            of_wxx.add_scaled(held.wxx, rw + 2 * rx);
            of_ww.add_scaled(held.ww, 2 * rw);
            of_wwx.add_scaled(held.wwx, 2 * rw + rx);
            of_wwxx.add_scaled(held.wwxx[0], 2 * (rw + rx));
            of_wwxx.add_scaled(held.wwxx[1], 2 * (rw + rx) + 64);
        }
    }

    /// Each group's rows and sums; starts again from zero.
    pub(super) fn empty(&mut self) -> impl Iterator<Item = (u64, [Exact; SUMS])> {
        self.settle();
        (self.frame, self.rows) = (None, 0);
        self.before.iter_mut().map(std::mem::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::tests::Random;

    #[test]
    fn frames_span_what_they_are_made_around() {
        let mut random = Random(51);
        let (mut made, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut draw = || match random.below(9) {
                0 => EMPTY,
                _ => {
                    let lowest = 984 + random.below(70);
                    (lowest, lowest + random.below(13))
                }
            };
            let (x, w) = (draw(), draw());
            let width = |(lowest, highest): Range| highest.saturating_sub(lowest);
            match Frame::around(x, w) {
                Some(frame) => {
                    assert!(frame.spans(x, w));
                    made += 1;
                }
                None => {
                    assert!(
                        width(x) + width(w) > SPAN_OF_BOTH || width(x) > SPAN || width(w) > SPAN,
                        "{x:?} {w:?}"
                    );
                    refused += 1;
                }
            }
        }
        assert!(made > 1000 && refused > 1000);
    }

    #[test]
    fn the_range_leaves_zeros_out() {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            assert_eq!(range(isa, &[0.0, -0.0]), EMPTY);
            assert_eq!(range(isa, &[]), EMPTY);
            assert_eq!(range(isa, &[0.0, 1.0, -8.5, 0.25]), (1021, 1026));
        }
    }
}
