//! Every variant against a naive twin.

use super::*;
use crate::sized;

/// Numbers that look random, extremes among them.
fn keys(seed: u64) -> Vec<i64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..ROWS)
        .map(|row| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            match row % 9 {
                0 => i64::MIN,
                1 => i64::MAX,
                2 => (state % 7) as i64 - 3,
                _ => state as i64,
            }
        })
        .collect()
}

fn is_marked(mask: &Mask, row: usize) -> bool {
    mask[row / 64] >> (row % 64) & 1 == 1
}

#[test]
fn every_variant_marks_the_same_rows() {
    let bounds = [i64::MIN, i64::MIN + 1, -3, 0, 2, 5 << 40, i64::MAX - 1, i64::MAX];
    let narrow_bounds = bounds.map(|bound| (bound >> 32) as i32);
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        for seed in 1..sized(6, 2) as u64 {
            let wide: Box<[i64; ROWS]> = keys(seed).into_boxed_slice().try_into().expect("a block");
            let narrow: Box<[i32; ROWS]> =
                wide.iter().map(|&key| (key >> 32) as i32).collect::<Vec<_>>().try_into().expect("a block");
            let mut masks = [[7; WORDS]; 8];
            at_least_wide(isa, &wide, &bounds, &mut masks);
            for (bound, mask) in bounds.iter().zip(&masks) {
                for (row, key) in wide.iter().enumerate() {
                    assert_eq!(is_marked(mask, row), key >= bound, "{isa} {row}");
                }
            }
            at_least_narrow(isa, &narrow, &narrow_bounds, &mut masks);
            for (bound, mask) in narrow_bounds.iter().zip(&masks) {
                for (row, key) in narrow.iter().enumerate() {
                    assert_eq!(is_marked(mask, row), key >= bound, "{isa} {row}");
                }
            }
        }
    }
}

#[test]
fn every_variant_finds_the_same_members() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        for seed in 1..sized(6, 2) as u64 {
            let small: Box<[u8; ROWS]> = keys(seed)
                .iter()
                .map(|&key| (key >> 20) as u8)
                .collect::<Vec<_>>()
                .try_into()
                .expect("a block");
            let drawn = keys(seed + 9);
            let random: Set = std::array::from_fn(|word| drawn[word + 3] as u64);
            for set in [[0; 4], [!0; 4], [1, 0, 0, 1 << 63], random] {
                let mut mask = [7; WORDS];
                members(isa, &small, &set, &mut mask);
                for (row, &key) in small.iter().enumerate() {
                    let expected = set[usize::from(key) / 64] >> (key % 64) & 1 == 1;
                    assert_eq!(is_marked(&mask, row), expected, "{isa} {row} {key}");
                }
            }
        }
    }
}

#[test]
fn every_variant_intersects_alike() {
    let mask = |keys: Vec<i64>| std::array::from_fn(|word| keys[word + 64] as u64);
    let masks: Vec<Mask> = (1..5).map(|seed| mask(keys(seed))).collect();
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let mut out = [0; WORDS];
        let any = intersect(isa, &masks, &[0, 2, 3], &masks[1], &mut out);
        let expected: Mask = std::array::from_fn(|word| masks.iter().fold(!0, |all, mask| all & mask[word]));
        assert_eq!((out, any), (expected, expected.iter().any(|word| *word != 0)));
        assert!(!intersect(isa, &masks, &[0], &[0; WORDS], &mut out));
        let (mut each, mut counts) = ([[0; WORDS]; 3], [7; 3]);
        intersect_each(isa, &masks, &[9, 0, 2, 3, 0], &[1, 4, 4, 5], &masks[1], &mut each, &mut counts);
        let two: Mask = std::array::from_fn(|word| masks[1][word] & masks[0][word]);
        assert_eq!(each, [expected, masks[1], two]);
        assert_eq!(counts.map(u64::from), each.map(|mask| count(&mask)));
        let mut rows = Vec::new();
        each_row(&expected, |row| rows.push(row));
        assert_eq!(rows.len() as u64, count(&expected));
        assert!(rows.iter().all(|row| is_marked(&expected, *row)));
    }
}

#[test]
fn keys_have_the_order_of_the_numbers() {
    let numbers = [
        f64::NEG_INFINITY,
        -1e300,
        -1.5,
        -5e-324,
        -0.0,
        0.0,
        5e-324,
        0.1,
        1.5,
        1e300,
        f64::INFINITY,
        f64::NAN,
    ];
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let mut keys = [0; 12];
        double_keys(isa, &numbers, &mut keys);
        assert_eq!(keys[4], keys[5]);
        assert!(keys.windows(2).enumerate().all(|(at, pair)| at == 4 || pair[0] < pair[1]), "{isa} {keys:?}");
        let singles = [f32::NEG_INFINITY, -1e30, -1e-45, -0.0, 0.0, 1e-45, 0.1, f32::INFINITY, f32::NAN];
        let mut keys = [0; 9];
        single_keys(isa, &singles, &mut keys);
        assert_eq!(keys[3], keys[4]);
        assert!(keys.windows(2).enumerate().all(|(at, pair)| at == 3 || pair[0] < pair[1]), "{isa} {keys:?}");
    }
}
