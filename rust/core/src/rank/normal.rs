//! The normal distribution: quantiles, and draws that are the same on every machine.
//!
//! In: probabilities, seeds and numbers of draws. Out: doubles. Law 2: a draw is a function of its seed and its
//! number, and logarithms and sines come from `libm`, so neither threads nor machines change one.

use std::f64::consts::{SQRT_2, TAU};

use crate::id::mixed;

/// The value that a standard normal variable exceeds with probability `1 - p`, for `p` within (0, 1).
pub(super) fn quantile(p: f64) -> f64 {
    // Forty bits by halving and some more; the distribution function is monotone.
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if 0.5 * libm::erfc(-middle / SQRT_2) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Fills `out` with independent standard normal values: the `draw`-th set of a seed (Box and Muller, 1958).
pub(super) fn fill(seed: u64, draw: u64, out: &mut [f64]) {
    for (pair, values) in out.chunks_mut(2).enumerate() {
        let counter = mix(seed ^ mix(draw)).wrapping_add(pair as u64);
        let radius = libm::sqrt(-2.0 * libm::log(uniform(mix(counter))));
        let angle = TAU * uniform(mix(counter ^ 0x5DEE_CE66_D1CE_4E5B));
        values[0] = radius * libm::cos(angle);
        if let Some(second) = values.get_mut(1) {
            *second = radius * libm::sin(angle);
        }
    }
}

/// A number within (0, 1], from the upper 53 bits.
fn uniform(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

/// A bijection that scatters bits (SplitMix64: Steele, Lea, Flood, 2014).
fn mix(value: u64) -> u64 {
    mixed(value.wrapping_add(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, value) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.005, -2.575_829_303_548_901)] {
            assert!((quantile(p) - value).abs() < 1e-12, "{p}");
        }
    }

    #[test]
    fn draws_look_normal_and_depend_on_their_number_alone() {
        let mut values = vec![0.0; 100_001];
        fill(7, 3, &mut values);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
        let beyond =
            values.iter().filter(|value| value.abs() > 1.959_964).count() as f64 / values.len() as f64;
        assert!(mean.abs() < 0.01 && (square - 1.0).abs() < 0.015 && (beyond - 0.05).abs() < 0.003);
        let mut again = vec![0.0; 10];
        fill(7, 3, &mut again);
        assert_eq!(again, values[..10]);
        fill(7, 4, &mut again);
        assert_ne!(again, values[..10]);
    }
}
