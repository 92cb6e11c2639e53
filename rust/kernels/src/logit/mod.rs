//! Log-odds of many probabilities: log(p) - log1p(-p), in integers of a unit.
//!
//! In: probabilities, bounds, units in one. Out: integers, and whether every probability was an ordinary one. Logarithms
//! are those of FreeBSD's `e_log.c` and `s_log1p.c` (as in the crate `libm`), operation by operation, so the bits are
//! theirs; their cases are chosen without a branch, which lets the compiler take eight numbers at a time.

use crate::isa::multiversion;

/// Numbers that are taken at a time.
pub const BLOCK: usize = 512;

const LN2_HI: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LO: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// The coefficients of the polynomial of log(1 + f), FreeBSD's `Lg1` to `Lg7`.
const LG: [f64; 7] = [
    f64::from_bits(0x3fe5_5555_5555_5593),
    f64::from_bits(0x3fd9_9999_9997_fa04),
    f64::from_bits(0x3fd2_4924_9422_9359),
    f64::from_bits(0x3fcc_71c5_1d8e_78af),
    f64::from_bits(0x3fc7_4664_96cb_03de),
    f64::from_bits(0x3fc3_9a09_d078_c69f),
    f64::from_bits(0x3fc2_f112_df3e_5244),
];
/// The high words of 1 and of sqrt(2)/2, where both reduce their arguments.
const ONE: u64 = 0x3ff0_0000 << 32;
const HALF_ROOT: u64 = 0x3fe6_a09e << 32;
/// From here on log1p(-p) reduces its argument.
const REDUCED_FROM: u64 = 0x3fd2_bec5 << 32;
/// Below it log1p(-p) is -p: 2^-53.
const TINY: f64 = f64::from_bits(0x3ca0_0000 << 32);
/// 2^52 as bits: a small integer in its last bits is added to it.
const INTEGERS: u64 = 0x4330_0000 << 32;

/// Cuts a number into 2^k (1 + f) with 1 + f from sqrt(2)/2 to sqrt(2); gives k and f.
#[inline(always)]
fn reduced(value: f64) -> (f64, f64) {
    let moved = value.to_bits() + (ONE - HALF_ROOT);
    let k = f64::from_bits(INTEGERS | (moved >> 52)) - (f64::from_bits(INTEGERS) + 1023.0);
    let one_and_f = f64::from_bits((moved & ((1 << 52) - 1)) + HALF_ROOT);
    (k, one_and_f - 1.0)
}

/// k ln 2 + log(1 + f) + c, as both functions end.
#[inline(always)]
fn joined(k: f64, f: f64, low: f64) -> f64 {
    let [lg1, lg2, lg3, lg4, lg5, lg6, lg7] = LG;
    let hfsq = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let t1 = w * (lg2 + w * (lg4 + w * lg6));
    let t2 = z * (lg1 + w * (lg3 + w * (lg5 + w * lg7)));
    let r = t2 + t1;
    s * (hfsq + r) + low - hfsq + f + k * LN2_HI
}

#[inline(always)]
fn log(p: f64) -> f64 {
    let (k, f) = reduced(p);
    joined(k, f, k * LN2_LO)
}

/// log1p(-p).
#[inline(always)]
fn log1p_negative(p: f64) -> f64 {
    let x = -p;
    let near = p.to_bits() < REDUCED_FROM;
    let u = 1.0 + x;
    let (k, f) = reduced(u);
    let c = (x - (u - 1.0)) / u;
    let (k, f, c) = (if near { 0.0 } else { k }, if near { x } else { f }, if near { 0.0 } else { c });
    let found = joined(k, f, k * LN2_LO + c);
    if p < TINY { x } else { found }
}

#[inline(always)]
fn all(probabilities: &[f64], bound: f64, units: f64, out: &mut [i64]) -> bool {
    let mut ordinary = true;
    for (&p, out) in probabilities.iter().zip(out) {
        let inside = (f64::MIN_POSITIVE..1.0).contains(&p);
        ordinary &= inside;
        let p = if inside { p } else { 0.5 };
        let log_odds = (log(p) - log1p_negative(p)).clamp(-bound, bound);
        *out = (log_odds * units).round() as i64;
    }
    ordinary
}

multiversion! {
    /// Writes the log-odds of at most [`BLOCK`] probabilities, within a bound, times `units`, rounded half away from zero.
    ///
    /// Gives whether all of them are ordinary: below 1, and no smaller than the least number of full precision. For any
    /// other what is written has no meaning.
    pub fn log_odds(probabilities: &[f64], bound: f64, units: f64, out: &mut [i64]) -> bool = all;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::sized;

    /// Probabilities of every size, the edges of every case among them.
    fn tried() -> Vec<f64> {
        let edges = [REDUCED_FROM, HALF_ROOT, TINY.to_bits(), ONE, 0.5f64.to_bits(), 1 << 52];
        let beside = edges.iter().flat_map(|&bits| (0..9).map(move |step| f64::from_bits(bits - 4 + step)));
        let mut state = 7u64;
        let drawn = (0..sized(50_000, 500)).map(|at| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let share = (state >> 11) as f64 / (1u64 << 53) as f64;
            match at % 3 {
                0 => share,
                1 => share.powi(40),
                _ => 1.0 - share.powi(30),
            }
        });
        beside.chain(drawn).collect()
    }

    #[test]
    fn it_is_the_logarithm_of_the_odds() {
        for p in tried().into_iter().filter(|p| (f64::MIN_POSITIVE..1.0).contains(p)) {
            let (found, told) = (log(p) - log1p_negative(p), p.ln() - (-p).ln_1p());
            assert!((found - told).abs() <= 1e-14 * told.abs().max(1.0), "{p}: {found} {told}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let units = (1u64 << 48) as f64;
        for block in tried().chunks(BLOCK) {
            let mut wanted = vec![0; block.len()];
            let ordinary = all(block, 64.0, units, &mut wanted);
            assert_eq!(ordinary, block.iter().all(|p| (f64::MIN_POSITIVE..1.0).contains(p)));
            for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
                let mut found = vec![0; block.len()];
                assert_eq!(log_odds(isa, block, 64.0, units, &mut found), ordinary);
                assert_eq!(found, wanted);
            }
        }
    }

    #[test]
    fn what_is_no_probability_is_told() {
        for odd in [0.0, -0.0, 1.0, 1.5, -0.2, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE / 2.0] {
            let mut out = [0; 3];
            assert!(!log_odds(Isa::best(), &[0.5, odd, 0.25], 64.0, 1024.0, &mut out));
            assert_eq!((out[0], out[2]), (0, -1125));
        }
    }
}
