use super::*;
use crate::exact::tests::Random;
use crate::grid::LIMIT;
use crate::moments::tests::twin;

fn sets() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.available())
}

fn expected(groups: &[u16], rows: &[(i128, i128)], group: u16) -> (u64, Moments) {
    let of_group = groups.iter().zip(rows).filter(|&(&g, _)| g == group).map(|(_, &row)| row);
    (of_group.clone().count() as u64, twin(of_group))
}

#[test]
fn narrow_tables_equal_the_twin_up_to_the_last_row() {
    for isa in sets() {
        let mut random = Random(21);
        let mut table = NarrowTable::new();
        table.grow(7);
        for extreme in [false, true] {
            for rows in [0, 1, 5, 1000, NARROW_ROWS] {
                let groups: Vec<u16> =
                    (0..rows).map(|_| if extreme { 6 } else { random.below(7) as u16 }).collect();
                let x: Vec<u16> =
                    (0..rows).map(|_| if extreme { u16::MAX } else { random.next() as u16 }).collect();
                let w: Vec<u8> =
                    (0..rows).map(|_| if extreme { u8::MAX } else { random.next() as u8 }).collect();
                let pairs: Vec<(i128, i128)> =
                    x.iter().zip(&w).map(|(&x, &w)| (x.into(), w.into())).collect();
                let half = rows / 2;
                table.add(isa, &groups[..half], &x[..half], &w[..half]);
                table.add(isa, &groups[half..], &x[half..], &w[half..]);
                let mut seen = 0;
                table.empty(|group, n, moments| {
                    assert_eq!((n, moments), expected(&groups, &pairs, group as u16), "{isa}");
                    seen += n;
                });
                assert_eq!(seen, rows as u64);
            }
        }
        table.empty(|_, _, _| panic!("an emptied table is empty"));
    }
}

#[test]
fn pair_tables_equal_the_twin_up_to_the_limits() {
    for isa in sets().filter(|&isa| PairTable::available(isa)) {
        let mut random = Random(22);
        let mut table = PairTable::default();
        table.grow(5);
        for extreme in [false, true] {
            for rows in [0, 1, 9, 1001, PAIR_ROWS] {
                let groups: Vec<u16> =
                    (0..rows).map(|_| if extreme { 2 } else { random.below(5) as u16 }).collect();
                let mut draw = || if extreme { LIMIT } else { random.below(LIMIT as u64 + 1) as i32 };
                let (x, w): (Vec<i32>, Vec<i32>) = (0..rows).map(|_| (draw(), draw())).unzip();
                let pairs: Vec<(i128, i128)> =
                    x.iter().zip(&w).map(|(&x, &w)| (x.into(), w.into())).collect();
                let most = (LIMIT as u64) * (LIMIT as u64);
                if !table.has_room(rows, most) {
                    table.empty(|_, _, _| {});
                }
                table.add(isa, &groups, &x, &w, most);
                table.empty(|group, n, moments| {
                    assert_eq!((n, moments), expected(&groups, &pairs, group as u16), "{isa}");
                });
            }
        }
        // Many blocks without emptying: carries move up, and room ends before a lane can overflow.
        let (mut rows, mut n) = (Vec::new(), 0);
        while table.has_room(1000, 1 << 40) && n < 40_000 {
            let (x, w): (Vec<i32>, Vec<i32>) =
                (0..1000).map(|_| (random.below(1 << 25) as i32, random.below(1 << 15) as i32)).unzip();
            rows.extend(x.iter().zip(&w).map(|(&x, &w)| (i128::from(x), i128::from(w))));
            table.add(isa, &[3; 1000], &x, &w, 1 << 40);
            n += 1000;
        }
        table.empty(|group, count, moments| {
            assert_eq!((group, count, moments), (3, n, twin(rows.iter().copied())));
        });
        assert!(table.has_room(PAIR_ROWS, (LIMIT as u64) * (LIMIT as u64)));
        let most = (LIMIT as u64) * (LIMIT as u64);
        table.add(isa, &[3; PAIR_ROWS], &[LIMIT; PAIR_ROWS], &[LIMIT; PAIR_ROWS], most);
        assert!(!table.has_room(PAIR_ROWS, most));
        table.empty(|_, _, _| {});
    }
}

#[test]
#[should_panic(expected = "a group without a line")]
fn an_unknown_group_is_refused() {
    let mut table = NarrowTable::new();
    table.grow(4);
    table.add(Isa::best(), &[4], &[1], &[1]);
}
