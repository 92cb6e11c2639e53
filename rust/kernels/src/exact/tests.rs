use super::*;
use crate::sized;

/// A small generator of test values (SplitMix64), so that this crate needs no other.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn bytes(exact: &Exact) -> Vec<u8> {
    let mut bytes = Vec::new();
    exact.write_to(&mut bytes);
    bytes
}

/// The twin: the value as an i128, for sums that fit one.
fn as_i128(exact: &Exact) -> i128 {
    let (low, limbs) = exact.canonical();
    assert!((0..2).contains(&low) && limbs.len() as i32 + low <= 2, "{low} {limbs:?}");
    let sign = limbs.last().map_or(0, |top| (*top as i64) >> 63) as i128;
    let mut value = sign;
    for limb in limbs.iter().rev() {
        value = (value << 64) | i128::from(*limb);
    }
    value << (64 * low)
}

#[test]
fn sums_equal_the_twin_in_128_bits() {
    let mut random = Random(1);
    for _ in 0..sized(300, 5) {
        let (mut exact, mut twin) = (Exact::zero(), 0i128);
        for _ in 0..50 {
            let value = i128::from(random.next() as i64) >> random.below(60);
            let shift = random.below(55) as i32;
            exact.add_scaled(value, shift);
            twin += value << shift;
            assert_eq!(as_i128(&exact), twin);
        }
    }
}

#[test]
fn any_order_and_any_split_give_the_same_bytes_and_retraction_leaves_no_trace() {
    let mut random = Random(2);
    for _ in 0..sized(200, 4) {
        let parts: Vec<(i128, i32)> = (0..40)
            .map(|_| (i128::from(random.next() as i64) << random.below(60), random.below(4000) as i32 - 2200))
            .collect();
        let sum = |parts: &[(i128, i32)]| {
            let mut exact = Exact::zero();
            parts.iter().for_each(|&(value, exponent)| exact.add_scaled(value, exponent));
            exact
        };
        let forward = sum(&parts);
        let mut reversed = parts.clone();
        reversed.reverse();
        assert_eq!(bytes(&forward), bytes(&sum(&reversed)));
        let (mut left, right) = (sum(&parts[..13]), sum(&parts[13..]));
        let kept = bytes(&left);
        left.add(&right);
        assert_eq!(bytes(&forward), bytes(&left));
        left.subtract(&right);
        assert_eq!(kept, bytes(&left));
        left.subtract(&sum(&parts[..13]));
        assert!(left.is_zero());
        assert_eq!(left, Exact::zero());
    }
}

#[test]
fn products_with_the_top_bit_are_added_whole() {
    let mut exact = Exact::zero();
    exact.add_product(false, u128::MAX, -3);
    exact.add_product(true, u128::MAX - 1, -3);
    assert_eq!(exact, Exact::from_scaled(1, -3));
}

#[test]
fn negation_of_the_lowest_limb_pattern() {
    let lowest = Exact::from_scaled(i128::from(i64::MIN), 0);
    let mut sum = lowest.negated();
    assert_eq!(sum, Exact::from_scaled(1 << 63, 0));
    sum.add(&lowest);
    assert!(sum.is_zero());
}

#[test]
fn bytes_go_both_ways_and_bad_bytes_are_refused() {
    let mut random = Random(3);
    for _ in 0..sized(200, 4) {
        let mut exact = Exact::zero();
        for _ in 0..random.below(6) {
            exact.add_scaled(i128::from(random.next() as i64), random.below(3000) as i32 - 1500);
        }
        let written = bytes(&exact);
        let mut rest = written.as_slice();
        assert_eq!(Exact::read_from(&mut rest).as_ref(), Some(&exact));
        assert!(rest.is_empty());
        for cut in 0..written.len() {
            assert_eq!(Exact::read_from(&mut &written[..cut]), None);
        }
    }
    let padded = [0i32.to_le_bytes().as_slice(), &1u32.to_le_bytes(), &0u64.to_le_bytes()].concat();
    assert_eq!(Exact::read_from(&mut padded.as_slice()), None, "a zero limb is not canonical");
    let huge = [0i32.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
    assert_eq!(Exact::read_from(&mut huge.as_slice()), None);
}
