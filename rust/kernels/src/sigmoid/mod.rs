//! The logistic function of many numbers: 1 / (1 + exp(-scale x)).
//!
//! In: numbers, a scale. Out: probabilities in their place. The exponential function is that of Arm's optimized routines,
//! which glibc (from 2.28 on) and musl have, operation by operation and with fused multiply-adds, so the bits are those of
//! the C library of a processor that has these, on every processor. Its cases are chosen without a branch, which lets
//! the compiler take eight numbers at a time.

mod table;

use crate::isa::{Isa, multiversion};
use table::{BITS, TABLE};

/// From here on the function leaves the range in which one formula holds.
const ORDINARY: f64 = 512.0;
/// 1.5 * 2^52: what is added to it becomes an integer in its last bits.
const SHIFT: f64 = f64::from_bits(0x4338_0000_0000_0000);
/// 128 / ln 2, and -ln 2 / 128 in two parts.
const INVERSE: f64 = f64::from_bits(0x3ff7_1547_652b_82fe) * 128.0;
const STEP_HI: f64 = -f64::from_bits(0x3f76_2e42_fefa_0000);
const STEP_LO: f64 = -f64::from_bits(0x3d0c_f79a_bc9e_3b39);
/// The polynomial of exp(r) - 1 - r.
const C2: f64 = f64::from_bits(0x3fdf_ffff_ffff_fdbd);
const C3: f64 = f64::from_bits(0x3fc5_5555_5555_543c);
const C4: f64 = f64::from_bits(0x3fa5_5555_cf17_2b91);
const C5: f64 = f64::from_bits(0x3f81_1111_67a4_d017);

/// exp(x) for |x| below [`ORDINARY`]: 2^(k/128) from a table, times exp(r) for what is left.
#[inline(always)]
fn exp(x: f64) -> f64 {
    let shifted = INVERSE.mul_add(x, SHIFT);
    let (k, whole) = (shifted.to_bits(), shifted - SHIFT);
    let r = whole.mul_add(STEP_LO, whole.mul_add(STEP_HI, x));
    let [tail, head] = TABLE[(k % (1 << BITS)) as usize];
    let scale = f64::from_bits(head.wrapping_add(k << (52 - BITS)));
    let r2 = r * r;
    let low = r2.mul_add(r.mul_add(C3, C2), f64::from_bits(tail) + r);
    let part = (r2 * r2).mul_add(r.mul_add(C5, C4), low);
    scale.mul_add(part, scale)
}

#[inline(always)]
fn all(values: &mut [f64], scale: f64) -> bool {
    let inside = |value: &f64| (-scale * value).abs() < ORDINARY;
    if !values.iter().fold(true, |all, value| all & inside(value)) {
        return false;
    }
    values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + exp(-scale * *value)));
    true
}

multiversion! {
    /// Does so for values of which none is far out or no number; leaves them as they are otherwise, and says so.
    fn ordinary(values: &mut [f64], scale: f64) -> bool = all;
}

/// Numbers that are taken at a time.
const BLOCK: usize = 512;

/// Puts 1 / (1 + exp(-scale x)) in the place of every x.
pub fn sigmoid(isa: Isa, scale: f64, values: &mut [f64]) {
    for block in values.chunks_mut(BLOCK) {
        if ordinary(isa, block, scale) {
            continue;
        }
        for value in block {
            if !ordinary(isa, std::slice::from_mut(value), scale) {
                *value = 1.0 / (1.0 + (-scale * *value).exp());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::tests::Random;
    use crate::sized;

    fn tried() -> Vec<f64> {
        let mut random = Random(17);
        let edges = [0.0, -0.0, 1e-300, -5e-324, 1e-17, 511.9, 512.0, -512.0, 745.0, 1e300, f64::INFINITY];
        let edges = edges.into_iter().flat_map(|x| [x, -x]).chain([f64::NAN]);
        let drawn = (0..sized(400_000, 300)).map(|at| {
            let share = random.next() as i64 as f64 / i64::MAX as f64;
            share * [1.0, 8.0, 40.0, 600.0][at % 4]
        });
        // Blocks with what is far out, and, behind them, blocks without.
        let mut values: Vec<f64> = edges.chain(drawn).collect();
        let plain: Vec<f64> = values.iter().copied().filter(|x| x.abs() < 100.0).collect();
        values.extend(plain);
        values
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits_block_by_block_and_one_by_one() {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        for scale in [1.0, 0.3, 2.0] {
            let mut one_by_one = tried();
            one_by_one.iter_mut().for_each(|x| sigmoid(Isa::Scalar, scale, std::slice::from_mut(x)));
            for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
                let mut values = tried();
                sigmoid(isa, scale, &mut values);
                assert_eq!(bits(&values), bits(&one_by_one), "{isa} {scale}");
            }
        }
    }

    /// That of a processor with fused multiply-adds; others may differ in the last bit.
    #[test]
    #[cfg(all(target_arch = "x86_64", target_env = "gnu", not(miri)))]
    fn the_bits_are_those_of_the_c_library() {
        if is_x86_feature_detected!("fma") {
            let mut values = tried();
            sigmoid(Isa::best(), 1.0, &mut values);
            for (x, found) in tried().into_iter().zip(values) {
                let wanted = 1.0 / (1.0 + (-x).exp());
                assert!(found == wanted || found.is_nan() && wanted.is_nan(), "{x:e}: {found:e}, {wanted:e}");
            }
        }
    }

    #[test]
    fn it_is_the_logistic_function() {
        let mut values = [0.0, 1.0, -1.0, 40.0, -40.0, 1e4, -1e4];
        sigmoid(Isa::best(), 1.0, &mut values);
        let wanted =
            [0.5, 0.731_058_578_630_004_9, 0.268_941_421_369_995_1, 1.0, 4.248_354_255_291_589e-18, 1.0, 0.0];
        for (found, wanted) in values.into_iter().zip(wanted) {
            assert!((found - wanted).abs() <= 4.0 * f64::EPSILON * wanted, "{found} {wanted}");
        }
    }
}
