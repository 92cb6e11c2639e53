//! From exact sums to published figures, each rounded once.
//!
//! In: [`Sums`]. Out: means, shares and ratios with their standard errors as the nearest doubles of the exact
//! rational (or its root). This is the only place where a sum is rounded.
//!
//! With units of weight w and value x: the mean is m = sum(w x) / sum(w); its standard error, of a weighted
//! mean as a ratio of two sums under sampling with replacement (Cochran, Sampling Techniques, 3rd ed., 6.4;
//! the linearisation estimator), is sqrt(n / (n - 1) * sum(w^2 (x - m)^2)) / sum(w).

use std::cmp::Ordering;

use creditcore_kernels::exact::Exact;
use num_bigint::{BigInt, BigUint, Sign};

use super::sums::Sums;

/// The figures of one group. A mean over no weight has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Units.
    pub n: u64,
    /// Sum of weights.
    pub sum_weight: f64,
    /// Units of equal weight that would be as good: (sum of w)^2 / sum of w^2 (Kish, Survey Sampling, 1965).
    pub n_eff: Option<f64>,
    /// Weighted mean, share or ratio.
    pub mean: Option<f64>,
    /// The same without weights.
    pub mean_plain: Option<f64>,
    /// Standard error of the weighted mean; none for a single unit.
    pub se: Option<f64>,
}

/// Digits behind the point of the decimal columns that sums were made of (0 for other columns).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimals {
    /// Of the value or numerator.
    pub value: i8,
    /// Of the denominator.
    pub denominator: i8,
    /// Of the weight.
    pub weight: i8,
}

impl Estimate {
    /// Rounds the figures out of exact sums.
    pub fn of(sums: &Sums, decimals: Decimals) -> Self {
        let Decimals { value, denominator, weight } = decimals;
        let (value, denominator, weight) = (i32::from(value), i32::from(denominator), i32::from(weight));
        let scale = denominator - value;
        let [w, wx, d, x, ww] = [&sums.w, &sums.wx, &sums.d, &sums.x, &sums.ww].map(Binary::of);
        Self {
            n: sums.n,
            sum_weight: w.over(&Binary::one()).times_ten(-(weight + denominator)).to_f64(),
            n_eff: (!sums.ww.is_zero()).then(|| w.times(&w).over(&ww).to_f64()),
            mean: (!sums.w.is_zero()).then(|| wx.over(&w).times_ten(scale).to_f64()),
            mean_plain: (!sums.d.is_zero()).then(|| x.over(&d).times_ten(scale).to_f64()),
            se: (sums.n > 1 && !sums.w.is_zero()).then(|| variance(sums).times_ten(2 * scale).sqrt_to_f64()),
        }
    }
}

/// The square of the standard error: n (ww_xx w^2 - 2 ww_x wx w + ww wx^2) / ((n - 1) w^4).
fn variance(sums: &Sums) -> Fraction {
    let [w, wx] = [&sums.w, &sums.wx].map(Binary::of);
    let [ww, wwx, wwxx] = [&sums.ww, &sums.wwx, &sums.wwxx].map(Binary::of);
    let w_square = w.times(&w);
    let squares = wwxx.times(&w_square).plus(&ww.times(&wx.times(&wx)));
    let twice = Binary { integer: BigInt::from(-2), exponent: 0 };
    let deviations = squares.plus(&wwx.times(&wx.times(&w)).times(&twice));
    let count = |n: u64| Binary { integer: BigInt::from(n), exponent: 0 };
    deviations.times(&count(sums.n)).over(&w_square.times(&w_square).times(&count(sums.n - 1)))
}

/// Compares the weighted means of two groups exactly; a group without weight comes last.
pub fn compare_means(a: &Sums, b: &Sums) -> Ordering {
    match (a.w.is_zero(), b.w.is_zero()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => {
            let left = Binary::of(&a.wx).times(&Binary::of(&b.w));
            let right = Binary::of(&b.wx).times(&Binary::of(&a.w));
            left.plus(&right.negated()).integer.cmp(&BigInt::ZERO)
        }
    }
}

/// The mean of exact values, rounded once.
pub(super) fn rounded_mean(sum: &Exact, count: u64) -> f64 {
    Binary::of(sum).over(&Binary { integer: BigInt::from(count), exponent: 0 }).to_f64()
}

/// `integer * 2^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Binary {
    pub(super) integer: BigInt,
    pub(super) exponent: i64,
}

impl Binary {
    fn one() -> Self {
        Self { integer: BigInt::from(1), exponent: 0 }
    }

    pub(super) fn of(exact: &Exact) -> Self {
        let (low, limbs) = exact.canonical();
        let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        Self { integer: BigInt::from_signed_bytes_le(&bytes), exponent: 64 * i64::from(low) }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self { integer: &self.integer * &other.integer, exponent: self.exponent + other.exponent }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let shifted = |term: &Self| &term.integer << (term.exponent - exponent);
        Self { integer: shifted(self) + shifted(other), exponent }
    }

    pub(super) fn negated(&self) -> Self {
        Self { integer: -&self.integer, exponent: self.exponent }
    }

    fn over(&self, other: &Self) -> Fraction {
        let sign = if self.integer.sign() == other.integer.sign() { 1 } else { -1 };
        Fraction {
            negative: sign < 0 && self.integer.sign() != Sign::NoSign,
            numerator: self.integer.magnitude().clone(),
            denominator: other.integer.magnitude().clone(),
            exponent: self.exponent - other.exponent,
        }
    }
}

/// `numerator / denominator * 2^exponent`, with a sign.
#[derive(Clone, Debug)]
struct Fraction {
    negative: bool,
    numerator: BigUint,
    denominator: BigUint,
    exponent: i64,
}

impl Fraction {
    fn times_ten(mut self, power: i32) -> Self {
        let ten = BigUint::from(10u8).pow(power.unsigned_abs());
        if power >= 0 {
            self.numerator *= ten;
        } else {
            self.denominator *= ten;
        }
        self
    }

    /// The nearest double, ties to even.
    fn to_f64(&self) -> f64 {
        if self.numerator == BigUint::ZERO {
            return 0.0;
        }
        // A quotient of at least 64 bits, so that what is cut off below only decides the rounding.
        let shift = (64 + self.denominator.bits() as i64 - self.numerator.bits() as i64).max(0);
        let numerator = &self.numerator << shift;
        let quotient = &numerator / &self.denominator;
        let inexact = &quotient * &self.denominator != numerator;
        let magnitude = round(&quotient, inexact, self.exponent - shift);
        if self.negative { -magnitude } else { magnitude }
    }

    /// The nearest double to the square root; 0 for a negative number, which only the rounding of the values
    /// behind a standard error can leave.
    fn sqrt_to_f64(&self) -> f64 {
        if self.negative || self.numerator == BigUint::ZERO {
            return 0.0;
        }
        let mut shift = (130 + self.denominator.bits() as i64 - self.numerator.bits() as i64).max(0);
        // The exponent that stays outside of the root must be even.
        shift += (self.exponent - shift).rem_euclid(2);
        let numerator = &self.numerator << shift;
        let quotient = &numerator / &self.denominator;
        let root = quotient.sqrt();
        let inexact = &root * &root != quotient || &quotient * &self.denominator != numerator;
        round(&root, inexact, (self.exponent - shift) / 2)
    }
}

/// The nearest double to `(integer + something below 1 if inexact) * 2^exponent`, ties to even.
fn round(integer: &BigUint, inexact: bool, exponent: i64) -> f64 {
    let bits = integer.bits() as i64;
    // The value lies in [2^top, 2^(top + 1)). A double has 53 bits, fewer below 2^-1022.
    let top = bits - 1 + exponent;
    let kept = 53.min(top + 1075);
    if kept < 0 {
        return 0.0;
    }
    let cut = bits - kept;
    let (mut mantissa, up) = if cut <= 0 {
        (integer << -cut, false)
    } else {
        let head = integer >> cut;
        let rest = integer - (&head << cut);
        let order = rest.cmp(&(BigUint::from(1u8) << (cut - 1)));
        let tie_up = inexact || head.bit(0);
        (head, order == Ordering::Greater || (order == Ordering::Equal && tie_up))
    };
    if up {
        mantissa += 1u8;
    }
    let mantissa = u64::try_from(mantissa).unwrap_or(u64::MAX);
    let scale = exponent + cut;
    if scale > 1024 {
        return f64::INFINITY;
    }
    // Powers of two in steps that are doubles themselves; every product is exact, or overflows for good.
    let half = (scale / 2) as i32;
    mantissa as f64 * 2f64.powi(half) * 2f64.powi(scale as i32 - half)
}
