use super::*;
use crate::exact::tests::Random;
use crate::grid::LIMIT;
use crate::isa::Isa;

/// The twin: the definition, in 128 bits.
pub(crate) fn twin(rows: impl Iterator<Item = (i128, i128)>) -> Moments {
    rows.fold(Moments::default(), |m, (x, w)| Moments {
        w: m.w + w,
        x: m.x + x,
        wx: m.wx + w * x,
        wxx: m.wxx + w * x * x,
        ww: m.ww + w * w,
        wwx: m.wwx + w * w * x,
        wwxx: m.wwxx + w * w * x * x,
    })
}

fn sets() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.available())
}

#[test]
fn narrow_sums_equal_the_twin() {
    for isa in sets() {
        let mut random = Random(11);
        for rows in [0, 1, 7, 64, 255, MOST_ROWS] {
            for extreme in [false, true] {
                let pairs: Vec<(u16, u8)> = (0..rows)
                    .map(|_| {
                        if extreme {
                            (u16::MAX, u8::MAX)
                        } else {
                            (random.next() as u16, random.next() as u8)
                        }
                    })
                    .collect();
                let (x, w): (Vec<u16>, Vec<u8>) = pairs.iter().copied().unzip();
                assert_eq!(
                    narrow(isa, &x, &w),
                    twin(pairs.iter().map(|&(x, w)| (x.into(), w.into()))),
                    "{isa}"
                );
            }
        }
    }
}

#[test]
fn pair_sums_equal_the_twin_up_to_the_limits() {
    for isa in sets() {
        let mut random = Random(12);
        for rows in [0, 1, 9, 256, MOST_ROWS] {
            for case in 0..4 {
                let pairs: Vec<(i32, i32)> = (0..rows)
                    .map(|_| match case {
                        0 => (LIMIT, LIMIT),
                        1 => (-LIMIT, LIMIT),
                        _ => (
                            random.below(2 * LIMIT as u64 + 1) as i32 - LIMIT,
                            random.below(LIMIT as u64 + 1) as i32,
                        ),
                    })
                    .collect();
                let (xs, ws): (Vec<i32>, Vec<i32>) = pairs.iter().copied().unzip();
                let expected = twin(pairs.iter().map(|&(x, w)| (x.into(), w.into())));
                assert_eq!(super::pairs(isa, &xs, &ws), expected, "{isa}");
                let (x, xx) = values(isa, &xs);
                let unweighted = twin(xs.iter().map(|&x| (x.into(), 1)));
                assert_eq!((i128::from(x), i128::from(xx)), (unweighted.x, unweighted.wxx), "{isa}");
            }
        }
    }
}

#[test]
fn runs_are_told_from_changes_at_every_place() {
    for isa in sets() {
        assert!(!is_run(isa, &[]));
        for place in 0..100 {
            let mut codes = [7u16; 100];
            assert!(is_run(isa, &codes));
            codes[place] = 8;
            assert!(!is_run(isa, &codes));
        }
    }
}
