use super::*;
use crate::exact::tests::Random;
use crate::grid::decode;
use crate::sized;

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

/// A number with an exponent field from `lowest` to `lowest + span`, sometimes an end, sometimes zero.
fn close(random: &mut Random, lowest: u64, span: u64) -> f64 {
    let fraction = match random.below(8) {
        0 => 0,
        1 => (1 << 52) - 1,
        // A half of what rounding to 26 bits leaves, and one more or less.
        2 => (random.next() >> 12 >> 27 << 27 | 1 << 26) + random.below(3) - 1,
        _ => random.next() >> 12,
    };
    match random.below(16) {
        0 => 0.0,
        _ => f64::from_bits((lowest + random.below(span + 1)) << 52 | fraction),
    }
}

/// Adds rows as `draw` gives them to a table and to the twin, and compares.
fn compare(mut draw: impl FnMut(&mut Random, usize) -> (f64, f64)) {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let mut random = Random(41);
        let mut table = WideTable::default();
        table.grow(5);
        let mut expected = vec![<[Exact; SUMS]>::default(); 5];
        let mut counts = [0; 5];
        let lengths = [0, 1, 3, 2000, 7, 500, 500, 900].map(|rows: usize| rows.min(sized(2000, 8)));
        for (call, rows) in lengths.into_iter().enumerate() {
            let codes: Vec<u32> = (0..rows).map(|_| random.below(5) as u32).collect();
            let (x, w): (Vec<f64>, Vec<f64>) = (0..rows)
                .map(|_| {
                    let (x, w) = draw(&mut random, call);
                    (if random.below(2) == 0 { x } else { -x }, w)
                })
                .unzip();
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
        assert_eq!(seen, lengths.iter().sum::<usize>() as u64);
        table.empty(|_, _, _| panic!("an emptied table is empty"));
    }
}

#[test]
fn sums_equal_the_twin_on_every_instruction_set() {
    compare(|random, _| (plain(random), plain(random)));
}

#[test]
fn sums_in_frames_equal_the_twin() {
    for (of_x, of_w) in [(1, 8), (0, 0), (10, 1), (1, 10), (0, 10), (5, 6)] {
        // One frame for all calls.
        compare(|random, _| (close(random, 1031, of_x), close(random, 1020, of_w)));
        // A frame that changes, to both ends of what is plain, and calls that no frame spans.
        compare(|random, call| match call % 4 {
            0 => (close(random, 1023 - PLAIN, of_x), close(random, 1023 - PLAIN, of_w)),
            1 => (close(random, 1023 + PLAIN - of_x, of_x), close(random, 1023 + PLAIN - of_w, of_w)),
            2 => (plain(random), close(random, 1023, of_w)),
            _ => (close(random, 1031, of_x), 0.0),
        });
    }
    // The largest that two factors may be at once.
    let (x, w) = (2f64.powi(11).next_down(), 2f64.powi(-2).next_down());
    compare(|random, call| if call < 4 && random.below(50) == 0 { (1.0, 2f64.powi(-4)) } else { (x, w) });
}

#[test]
fn frames_that_change_with_every_call_are_given_up() {
    let isa = Isa::best();
    let mut table = WideTable::default();
    table.grow(1);
    let mut expected = <[Exact; SUMS]>::default();
    for call in 0..200 {
        let x = if call % 2 == 0 { 0.1 } else { 1e7 / 3.0 };
        table.add(isa, &[0, 0], &[x, -x], &[1.0, 0.3]);
        twin(&mut expected, x, 1.0);
        twin(&mut expected, -x, 0.3);
    }
    table.empty(|_, n, sums| assert_eq!((n, &sums), (400, &expected)));
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
