//! Every variant against a naive twin.

use super::*;

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

#[test]
fn every_variant_marks_the_same_rows() {
    let bounds =
        [(i64::MIN, i64::MAX), (0, 0), (-3, 2), (1, 0), (i64::MIN, -1), (5, i64::MAX), (i64::MAX, i64::MAX)];
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        for seed in 1..6 {
            let wide: Box<[i64; ROWS]> = keys(seed).into_boxed_slice().try_into().expect("a block");
            let narrow: Box<[i32; ROWS]> =
                wide.iter().map(|&key| (key >> 32) as i32).collect::<Vec<_>>().try_into().expect("a block");
            for (low, high) in bounds {
                let mut mask = [7; WORDS];
                within_wide(isa, &wide, low, high, &mut mask);
                for (row, key) in wide.iter().enumerate() {
                    assert_eq!(
                        mask[row / 64] >> (row % 64) & 1 == 1,
                        low <= *key && *key <= high,
                        "{isa} {row}"
                    );
                }
                let (low, high) = ((low >> 32) as i32, (high >> 32) as i32);
                within_narrow(isa, &narrow, low, high, &mut mask);
                for (row, key) in narrow.iter().enumerate() {
                    assert_eq!(
                        mask[row / 64] >> (row % 64) & 1 == 1,
                        low <= *key && *key <= high,
                        "{isa} {row}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_variant_intersects_alike() {
    let masks: Vec<Mask> =
        (1..5).map(|seed| std::array::from_fn(|word| keys(seed)[word + 64] as u64)).collect();
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let mut out = [0; WORDS];
        let any = intersect(isa, &masks, &[0, 2, 3], &masks[1], &mut out);
        let expected: Mask = std::array::from_fn(|word| masks.iter().fold(!0, |all, mask| all & mask[word]));
        assert_eq!((out, any), (expected, expected.iter().any(|word| *word != 0)));
        assert!(!intersect(isa, &masks, &[0], &[0; WORDS], &mut out));
        let mut rows = Vec::new();
        each_row(&expected, |row| rows.push(row));
        assert_eq!(rows.len() as u64, count(&expected));
        assert!(rows.iter().all(|row| expected[row / 64] >> (row % 64) & 1 == 1));
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
