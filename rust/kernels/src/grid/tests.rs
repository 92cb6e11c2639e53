use super::*;
use crate::exact::tests::Random;
use crate::isa::Isa;

#[test]
fn what_fits_comes_back_and_what_does_not_is_said() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let mut random = Random(7);
        for exponent in [0, 6, 15, 23] {
            let unit = 2f64.powi(-exponent);
            let integers: Vec<i32> = (0..999).map(|_| random.below(1 << 24) as i32 - (1 << 23)).collect();
            let doubles: Vec<f64> = integers.iter().map(|&i| f64::from(i) * unit).collect();
            let singles: Vec<f32> = doubles.iter().map(|&v| v as f32).collect();
            let mut grid = vec![0; 999];
            let fit = f64_to_grid(isa, &doubles, exponent, &mut grid);
            assert!(fit.exact);
            assert_eq!(grid, integers);
            assert_eq!(
                (fit.low, fit.high),
                (*integers.iter().min().unwrap_or(&0), *integers.iter().max().unwrap_or(&0))
            );
            assert!(f32_to_grid(isa, &singles, exponent, &mut grid).exact);
            assert_eq!(grid, integers);
            for bad in [unit / 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, unit * 1e9, 5e-324] {
                let mut changed = doubles.clone();
                changed[random.below(999) as usize] = bad;
                assert!(!f64_to_grid(isa, &changed, exponent, &mut grid).exact, "{bad} on 2^-{exponent}");
            }
            let mut changed = singles.clone();
            changed[500] = f32::NAN;
            assert!(!f32_to_grid(isa, &changed, exponent, &mut grid).exact);
            changed[500] = (unit * 2f64.powi(31)) as f32;
            assert!(!f32_to_grid(isa, &changed, exponent, &mut grid).exact);
        }
    }
}

#[test]
fn integers_beyond_the_limit_do_not_fit() {
    let mut grid = [0; 2];
    assert!(integers_to_grid(&[(1u64 << 26) - 1, 3], &mut grid).exact);
    assert!(!integers_to_grid(&[1u64 << 26, 3], &mut grid).exact);
    assert!(!integers_to_grid(&[1u64 << 32, 3], &mut grid).exact);
    assert!(!integers_to_grid(&[i64::MIN, 3], &mut grid).exact);
    assert!(integers_to_grid(&[-5i64, 3], &mut grid).exact);
    assert_eq!(grid, [-5, 3]);
}

#[test]
fn the_coarsest_grid_is_found() {
    assert_eq!(coarsest([612.25, -3.0].into_iter()), Some(2));
    assert_eq!(coarsest([1024.0, 4096.0].into_iter()), Some(0));
    assert_eq!(coarsest([2f64.powi(26)].into_iter()), None);
    assert_eq!(coarsest([0.0, -0.0].into_iter()), Some(0));
    assert_eq!(coarsest([1.0, 2f64.powi(-26)].into_iter()), None);
    assert_eq!(coarsest([1.0, f64::NAN].into_iter()), None);
    assert_eq!(coarsest(std::iter::empty()), Some(0));
}

#[test]
fn rounding_to_26_bits_is_to_nearest_even() {
    let mut random = Random(9);
    for _ in 0..10_000 {
        let mantissa = random.next() >> random.below(60);
        let (rounded, exponent) = round_to_26(mantissa, 0);
        assert!(rounded <= 1 << 26);
        let error = (i128::from(rounded) << exponent) - i128::from(mantissa);
        assert!(error.unsigned_abs() * 2 <= 1 << exponent, "{mantissa}");
    }
    assert_eq!(round_to_26((1 << 26) + 1, 5), (1 << 25, 6));
    assert_eq!(round_to_26((1 << 26) + 3, 5), ((1 << 25) + 2, 6));
    assert_eq!(round_to_26(u64::MAX, 0), (1 << 26, 38));
}

#[test]
fn decoding_gives_the_value_back() {
    for value in [1.0, -0.5, 5e-324, f64::MAX, 1e-300, 0.0] {
        let (negative, mantissa, exponent) = decode(value).expect("finite");
        let magnitude = mantissa as f64 * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
        assert_eq!(if negative { -magnitude } else { magnitude }, value);
    }
    assert_eq!(decode(f64::NAN), None);
}
