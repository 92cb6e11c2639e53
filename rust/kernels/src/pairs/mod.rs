//! The largest scaled difference between one number and many.
//!
//! In: doubles, none of them NaN. Out: one of the products, so no order of looking at them changes a bit.

use crate::isa::{Isa, multiversion};

/// Lanes that the largest is taken in, so that the compiler uses vectors.
const LANES: usize = 16;

multiversion! {
    /// The largest `|value - other| * scale`, at least 0, over pairs of `others` and `scales`.
    fn largest(value: f64, others: &[f64], scales: &[f64]) -> f64 = largest_loop;
}

/// The largest `|value - other| * scale`, at least 0; `others` and `scales` are of one length.
pub fn largest_difference(isa: Isa, value: f64, others: &[f64], scales: &[f64]) -> f64 {
    assert_eq!(others.len(), scales.len(), "a scale for each number");
    largest(isa, value, others, scales)
}

#[inline(always)]
fn largest_loop(value: f64, others: &[f64], scales: &[f64]) -> f64 {
    let mut lanes = [0.0f64; LANES];
    let (others, last_others) = others.as_chunks::<LANES>();
    let (scales, last_scales) = scales.as_chunks::<LANES>();
    for (others, scales) in others.iter().zip(scales) {
        for ((lane, other), scale) in lanes.iter_mut().zip(others).zip(scales) {
            let difference = (value - other).abs() * scale;
            *lane = if difference > *lane { difference } else { *lane };
        }
    }
    let last = last_others.iter().zip(last_scales).map(|(other, scale)| (value - other).abs() * scale);
    last.chain(lanes).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_finds_what_a_plain_loop_finds() {
        let mut state = 1u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 50) as f64 - 4.0
        };
        for length in (0..70).chain([369, 1000]) {
            let (value, others): (f64, Vec<f64>) = (draw(), (0..length).map(|_| draw()).collect());
            let scales: Vec<f64> = (0..length).map(|_| draw().abs()).collect();
            let mut plain = 0.0f64;
            for (other, scale) in others.iter().zip(&scales) {
                plain = plain.max((value - other).abs() * scale);
            }
            for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
                let found = largest_difference(isa, value, &others, &scales);
                assert_eq!(found.to_bits(), plain.to_bits(), "{isa}, {length}");
            }
        }
    }
}
