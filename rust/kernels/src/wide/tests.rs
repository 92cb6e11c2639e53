use super::*;
use crate::exact::tests::Random;
use crate::grid::decode;

/// The twin: one row's terms, each added to a sum of any size.
fn twin(sums: &mut [Exact; SUMS], x: f64, w: f64) {
    let part = |value: f64| decode(value).expect("a finite number");
    let ((negative, x, ex), (_, w, ew)) = (part(x), part(w));
    let ((rx, erx), (rw, erw)) = (round_to_26(x, ex), round_to_26(w, ew));
    let wide = |value: u64| u128::from(value);
    let terms = [
        (false, wide(w), ew),
        (negative, wide(x), ex),
        (negative, wide(w) * wide(x), ew + ex),
        (false, wide(rw * rx) * wide(rx), erw + 2 * erx),
        (false, wide(rw) * wide(rw), 2 * erw),
        (negative, wide(rw * rx) * wide(rw), 2 * erw + erx),
        (false, wide(rw * rx) * wide(rw * rx), 2 * (erw + erx)),
    ];
    for (sum, (negative, value, exponent)) in sums.iter_mut().zip(terms) {
        sum.add_product(negative, value, exponent);
    }
}

/// A plain number of any exponent, sometimes one of the ends.
fn plain(random: &mut Random) -> f64 {
    let fraction = match random.below(8) {
        0 => 0,
        1 => (1 << 52) - 1,
        _ => random.next() >> 12,
    };
    match random.below(16) {
        0 => 0.0,
        _ => f64::from_bits((1023 - PLAIN + random.below(2 * PLAIN + 1)) << 52 | fraction),
    }
}

#[test]
fn sums_equal_the_twin_on_every_instruction_set() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let mut random = Random(41);
        let mut table = WideTable::default();
        table.grow(5);
        let mut expected = vec![<[Exact; SUMS]>::default(); 5];
        let mut counts = [0; 5];
        for rows in [0, 1, 3, 2000] {
            let codes: Vec<u32> = (0..rows).map(|_| random.below(5) as u32).collect();
            let w: Vec<f64> = (0..rows).map(|_| plain(&mut random)).collect();
            let x: Vec<f64> = (0..rows)
                .map(|_| if random.below(2) == 0 { plain(&mut random) } else { -plain(&mut random) })
                .collect();
            assert!(all_plain(isa, &x, &w));
            table.add(isa, &codes, &x, &w);
            for ((&code, &x), &w) in codes.iter().zip(&x).zip(&w) {
                twin(&mut expected[code as usize], x, w);
                counts[code as usize] += 1;
            }
        }
        assert!(table.has_room(1 << 29) && !table.has_room(1 << 30));
        let mut seen = 0;
        table.empty(|group, n, sums| {
            assert_eq!((n, &sums), (counts[group], &expected[group]), "{isa}");
            seen += n;
        });
        assert_eq!(seen, 2004);
        table.empty(|_, _, _| panic!("an emptied table is empty"));
    }
}

#[test]
fn rows_outside_of_the_windows_are_not_plain() {
    let (low, high) = (2f64.powi(-39), 2f64.powi(40));
    for good in [0.0, low, 1.0, high.next_down()] {
        assert!(row_is_plain(good, good) && row_is_plain(-good, good));
    }
    for bad in [low.next_down(), high, f64::NAN, f64::INFINITY, 5e-324] {
        assert!(!row_is_plain(bad, 1.0) && !row_is_plain(1.0, bad), "{bad}");
        assert!(!all_plain(Isa::best(), &[1.0, bad], &[1.0, 1.0]));
    }
    assert!(!row_is_plain(1.0, -1.0) && !row_is_plain(1.0, -0.0));
}

#[test]
#[should_panic(expected = "not plain")]
fn a_row_that_does_not_fit_is_not_lost() {
    let mut table = WideTable::default();
    table.grow(1);
    table.add(Isa::best(), &[0], &[2f64.powi(300)], &[1.0]);
}
