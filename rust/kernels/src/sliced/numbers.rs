//! A column of numbers to planes: ranks among cuts, and thermometers of their digits.

use super::form::Form;
use super::planes::Planes;
use super::search::{Keys, MISSING, MOST_KEYS};
use super::{LINE_ROWS, LINES, Line, ROWS, lines_of};
use crate::isa::{Isa, multiversion};

/// Where the thermometers of a column stand. A rank has up to three digits: the lowest has `low_bits` bits, the
/// next one `middle_bits`, and the highest what is left. The thermometer of a digit with a largest value of `n` has `n`
/// planes; plane `first + i - 1` says that the digit is at least `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thermometers {
    /// Bits of the lowest digit.
    pub low_bits: u32,
    /// Bits of the middle digit.
    pub middle_bits: u32,
    /// The first plane of the lowest digit.
    pub low: u16,
    /// The first plane of the middle digit.
    pub middle: u16,
    /// The first plane of the highest digit.
    pub high: u16,
    /// The first plane of the highest digit with the missing values in every plane, where tests need it.
    pub high_or_missing: Option<u16>,
    /// The plane of the missing values.
    pub missing: u16,
}

impl Thermometers {
    /// The planes of the lowest digit.
    pub fn low_planes(&self) -> usize {
        (1 << self.low_bits) - 1
    }

    /// The planes of the middle digit.
    pub fn middle_planes(&self) -> usize {
        (1 << self.middle_bits) - 1
    }

    /// The planes of the highest digit, where there are `cuts` cuts.
    pub fn high_planes(&self, cuts: usize) -> usize {
        cuts >> (self.low_bits + self.middle_bits)
    }

    /// The last plane that is written.
    fn last(&self, cuts: usize) -> usize {
        let end = |first: u16, planes: usize| usize::from(first) + planes;
        let high = self.high_planes(cuts);
        end(self.low, self.low_planes())
            .max(end(self.middle, self.middle_planes()))
            .max(end(self.high, high))
            .max(self.high_or_missing.map_or(0, |first| end(first, high)))
            .max(end(self.missing, 1))
            - 1
    }
}

/// The cuts of a column of numbers, and its planes.
#[derive(Debug)]
pub struct Numbers {
    isa: Isa,
    keys: Keys,
    count: usize,
    zero: f64,
    at: Thermometers,
    last: usize,
}

impl Numbers {
    /// Cuts in increasing order. Values of at most `zero` in magnitude are missing too, where it is given.
    ///
    /// # Panics
    /// If there are no cuts or more than [`MOST_KEYS`], if they are not in order, if planes lie on [`ZEROS`](super::ZEROS)
    /// or [`ONES`](super::ONES), or if this processor lacks the form's instructions.
    pub fn new(form: Form, cuts: &[f64], zero: Option<f64>, at: Thermometers) -> Self {
        assert!(form.available(), "{form} is not there");
        assert!((1..=MOST_KEYS).contains(&cuts.len()), "{} cuts", cuts.len());
        assert!(cuts.is_sorted_by(|a, b| a < b), "cuts are not in order");
        let firsts = [at.low, at.middle, at.high, at.missing, at.high_or_missing.unwrap_or(at.high)];
        assert!(firsts.iter().all(|&first| first > 1), "planes of constants");
        let last = at.last(cuts.len());
        Self {
            isa: form.isa(),
            keys: Keys::new(cuts),
            count: cuts.len(),
            zero: zero.unwrap_or(-1.0),
            at,
            last,
        }
    }

    /// Writes how many cuts each value exceeds, [`MISSING`] where it is missing. Best for many rows at once, for which the
    /// cuts then stay in the caches.
    ///
    /// # Panics
    /// If there are not as many ranks as values.
    pub fn rank(&self, column: &[f64], ranks: &mut [u16]) {
        assert!(column.len() == ranks.len());
        self.keys.search(column, self.zero, ranks);
    }

    /// Writes the planes of up to [`ROWS`] ranks, as many lines of them as a step of so many rows goes over; further rows
    /// of those are missing.
    ///
    /// # Panics
    /// If a plane is not there, or there are too many ranks.
    pub fn write(&self, ranks: &[u16], planes: &mut Planes) {
        assert!(ranks.len() <= ROWS && self.last < planes.count());
        let isa = self.isa;
        let lines = lines_of(ranks.len());
        let mut all = [MISSING; ROWS];
        all[..ranks.len()].copy_from_slice(ranks);
        let mut missing = [Line([u64::MAX; 8]); LINES];
        let mut bits = [[Line::default(); LINES]; 16];
        let digits = usize::BITS - self.count.leading_zeros();
        split(isa, &all[..lines * LINE_ROWS], &mut missing, &mut bits[..digits as usize]);
        planes.of(usize::from(self.at.missing)).copy_from_slice(&missing);
        let (low, rest) = bits[..digits as usize].split_at(self.at.low_bits as usize);
        let (middle, high) = rest.split_at(self.at.middle_bits as usize);
        thermometer(isa, low, lines, planes.range(self.at.low.into(), self.at.low_planes()));
        thermometer(isa, middle, lines, planes.range(self.at.middle.into(), self.at.middle_planes()));
        let count = self.at.high_planes(self.count);
        thermometer(isa, high, lines, planes.range(self.at.high.into(), count));
        if let Some(first) = self.at.high_or_missing {
            for plane in 0..count {
                let mut or_missing = [Line::default(); LINES];
                or_missing.copy_from_slice(planes.of(usize::from(self.at.high) + plane));
                for (line, missing) in or_missing[..lines].iter_mut().zip(&missing) {
                    line.0.iter_mut().zip(&missing.0).for_each(|(word, missing)| *word |= missing);
                }
                planes.of(usize::from(first) + plane)[..lines].copy_from_slice(&or_missing[..lines]);
            }
        }
    }
}

/// Which ranks are missing, and the planes of the bits of the others.
#[inline(always)]
fn split_all(ranks: &[u16], missing: &mut [Line; LINES], bits: &mut [[Line; LINES]]) {
    for (number, ranks) in ranks.chunks_exact(64).enumerate() {
        let none = word(ranks, |rank| rank == MISSING);
        missing[number / 8].0[number % 8] = none;
        for (bit, lines) in bits.iter_mut().enumerate() {
            lines[number / 8].0[number % 8] = word(ranks, |rank| rank >> bit & 1 != 0) & !none;
        }
    }
}

/// A bit for each of 64 ranks.
#[inline(always)]
fn word(ranks: &[u16], is: impl Fn(u16) -> bool) -> u64 {
    ranks.iter().enumerate().fold(0, |word, (row, &rank)| word | u64::from(is(rank)) << row)
}

multiversion! {
    fn split(ranks: &[u16], missing: &mut [Line; LINES], bits: &mut [[Line; LINES]]) = split_all;
}

/// The thermometer of a digit, bit by bit from the lowest: with a further bit `top` of worth `half`, the digit is at
/// least `i` where it was or `top` is set, and at least `half + i` where it was at least `i` and `top` is set. The first
/// `lines` lines of each plane are written.
#[inline(always)]
fn thermometer_all(bits: &[[Line; LINES]], lines: usize, out: &mut [Line]) {
    let planes = out.len() / LINES;
    for (bit, top) in bits.iter().enumerate() {
        let half = 1usize << bit;
        for at in 1..half.min(planes + 1) {
            for line in 0..lines {
                let lower = out[(at - 1) * LINES + line].0;
                if half + at <= planes {
                    out[(half + at - 1) * LINES + line] =
                        Line(std::array::from_fn(|word| lower[word] & top[line].0[word]));
                }
                out[(at - 1) * LINES + line] =
                    Line(std::array::from_fn(|word| lower[word] | top[line].0[word]));
            }
        }
        if half <= planes {
            out[(half - 1) * LINES..half * LINES].copy_from_slice(top);
        }
    }
}

multiversion! {
    fn thermometer(bits: &[[Line; LINES]], lines: usize, out: &mut [Line]) = thermometer_all;
}
