//! From sums to predictions: each library's own transforms.
//!
//! In: the raw outputs of a row. Out: what the library's `predict` gives. The functions are those of the C
//! library that the training libraries themselves call, in the same precision and order of operations, so the
//! bits are theirs. The logistic function is a kernel, with the bits of glibc on a processor that multiplies and adds
//! in one step; the others are the one place where a result may depend on the machine's C library.

use creditcore_kernels::isa::Isa;
use creditcore_kernels::sigmoid::sigmoid;

/// A transform of the outputs of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// The sum itself.
    Identity,
    /// 1 / (1 + exp(-scale x)), of every output by itself.
    Sigmoid {
        /// LightGBM's parameter `sigmoid`.
        scale: f64,
    },
    /// exp(x).
    Exp,
    /// exp(x - max) over their sum.
    Softmax,
    /// ln(1 + exp(x)).
    Log1pExp,
    /// x |x|: the objective was fitted to square roots.
    SignedSquare,
    /// XGBoost's sigmoid, in f32.
    SigmoidSingle,
    /// exp(x) in f32.
    ExpSingle,
    /// XGBoost's softmax: f32 terms, f64 sum.
    SoftmaxSingle,
    /// 1 where x > 0, else 0.
    Hinge,
}

impl Link {
    /// Whether the outputs are probabilities.
    pub fn is_probability(self) -> bool {
        matches!(self, Self::Sigmoid { .. } | Self::Softmax | Self::SigmoidSingle | Self::SoftmaxSingle)
    }

    /// Whether the outputs of a row hang on each other.
    pub(super) fn joins(self) -> bool {
        matches!(self, Self::Softmax | Self::SoftmaxSingle)
    }

    /// Transforms the outputs of one row in place, or of any number of rows where each output is by itself.
    pub fn apply(self, row: &mut [f64]) {
        match self {
            Self::Identity => {}
            Self::Softmax => softmax(row),
            Self::SoftmaxSingle => softmax_single(row),
            // Every instruction set gives the same bits.
            Self::Sigmoid { scale } => sigmoid(Isa::active().unwrap_or(Isa::Scalar), scale, row),
            Self::Exp => each(row, f64::exp),
            Self::Log1pExp => each(row, |x| x.exp().ln_1p()),
            Self::SignedSquare => each(row, |x| sign(x) * x * x),
            Self::SigmoidSingle => each_single(row, sigmoid_single),
            Self::ExpSingle => each_single(row, f32::exp),
            Self::Hinge => each(row, |x| f64::from(u8::from(x > 0.0))),
        }
    }
}

fn each(row: &mut [f64], of: impl Fn(f64) -> f64) {
    for x in row {
        *x = of(*x);
    }
}

fn each_single(row: &mut [f64], of: impl Fn(f32) -> f32) {
    for x in row {
        *x = f64::from(of(*x as f32));
    }
}

fn sign(x: f64) -> f64 {
    f64::from(i8::from(x > 0.0) - i8::from(x < 0.0))
}

/// The library bounds the exponent so that it does not overflow, and adds an epsilon that f32 cannot hold.
fn sigmoid_single(x: f32) -> f32 {
    // Like C's `min(-x, 88.7f)`, which gives its first argument where that is NaN.
    let exponent = if 88.7 < -x { 88.7 } else { -x };
    1.0 / (exponent.exp() + 1.0 + 1e-16)
}

fn softmax(row: &mut [f64]) {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x - top).exp();
        sum += *x;
    }
    each(row, |x| x / sum);
}

fn softmax_single(row: &mut [f64]) {
    let top = row.iter().map(|x| *x as f32).fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0f64;
    for x in row.iter_mut() {
        *x = f64::from((*x as f32 - top).exp());
        sum += *x;
    }
    let sum = sum as f32;
    each_single(row, |x| x / sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(link: Link, x: f64) -> f64 {
        let mut row = [x];
        link.apply(&mut row);
        row[0]
    }

    #[test]
    fn each_link_is_its_formula() {
        assert_eq!(one(Link::Identity, -3.5), -3.5);
        assert_eq!(one(Link::Sigmoid { scale: 2.0 }, 0.0), 0.5);
        assert_eq!(one(Link::Exp, 0.0), 1.0);
        assert_eq!(one(Link::SignedSquare, -3.0), -9.0);
        assert_eq!(one(Link::Hinge, 0.0), 0.0);
        assert_eq!(one(Link::SigmoidSingle, 0.0), 0.5);
        assert!((one(Link::Log1pExp, 0.0) - 2f64.ln()).abs() < 1e-15);
        // Far out neither overflows nor leaves the unit interval.
        assert!(one(Link::SigmoidSingle, -1e30) > 0.0);
        assert_eq!(one(Link::SigmoidSingle, 1e30), 1.0);
    }

    #[test]
    fn a_softmax_adds_up_to_one() {
        for link in [Link::Softmax, Link::SoftmaxSingle] {
            let mut row = [1000.0, 999.0, -1000.0];
            link.apply(&mut row);
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            assert!(row[0] > row[1] && row[1] > row[2]);
        }
    }
}
