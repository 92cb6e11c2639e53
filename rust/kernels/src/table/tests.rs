use super::*;
use crate::exact::tests::Random;
use crate::grid::LIMIT;
use crate::moments::tests::twin;
use crate::sized;

fn sets() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.available())
}

fn expected(groups: &[u16], rows: &[(i128, i128)], group: u16) -> (u64, Moments) {
    let of_group = groups.iter().zip(rows).filter(|&(&g, _)| g == group).map(|(_, &row)| row);
    (of_group.clone().count() as u64, twin(of_group))
}

/// Groups, values and weights; all in one group and as large as may be where `extreme`.
fn rows(random: &mut Random, rows: usize, extreme: Option<(u64, u64)>) -> (Vec<u16>, Vec<i32>, Vec<i32>) {
    let mut drawn = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let (group, x, w) = match extreme {
            Some((x, w)) => (6, x, w),
            None => {
                let w = random.below(SHORT_WEIGHT as u64 + 1);
                // As large as the weight allows, now and then.
                let most = (LIMIT as u64).min(SHORT_PRODUCT / w.max(1));
                (random.below(7), random.below(most + 1) >> random.below(27), w)
            }
        };
        drawn.0.push(group as u16);
        drawn.1.push(x as i32);
        drawn.2.push(w as i32);
    }
    drawn
}

#[test]
fn short_tables_equal_the_twin_up_to_the_last_row() {
    let extremes = [
        None,
        Some((LIMIT as u64, 64)),
        Some((SHORT_PRODUCT / SHORT_WEIGHT as u64, SHORT_WEIGHT as u64)),
        Some((0xffff, 0xff)),
        Some((0, SHORT_WEIGHT as u64)),
        Some((LIMIT as u64, 0)),
    ];
    for isa in sets() {
        let mut random = Random(21);
        let mut table = ShortTable::default();
        table.grow(7);
        for extreme in extremes {
            for length in [0, 1, 5, 63, 64, 1000, SHORT_ROWS].into_iter().take(sized(7, 5)) {
                let (groups, x, w) = rows(&mut random, length, extreme);
                let pairs: Vec<(i128, i128)> =
                    x.iter().zip(&w).map(|(&x, &w)| (x.into(), w.into())).collect();
                let half = length / 2;
                table.add_grid(isa, &groups[..half], &x[..half], &w[..half]);
                table.add_grid(isa, &groups[half..], &x[half..], &w[half..]);
                assert_eq!(table.has_room(1), length < SHORT_ROWS);
                let mut seen = 0;
                table.empty(|group, n, moments| {
                    assert_eq!((n, moments), expected(&groups, &pairs, group as u16), "{isa} {extreme:?}");
                    seen += n;
                });
                assert_eq!(seen, length as u64);
            }
        }
        table.empty(|_, _, _| panic!("an emptied table is empty"));
    }
}

#[test]
fn narrow_columns_equal_the_same_integers_on_a_grid() {
    for isa in sets() {
        let (groups, rows) = (sized(300, 20), sized(3000, 100));
        let mut random = Random(23);
        let (mut narrow, mut grid) = (ShortTable::default(), ShortTable::default());
        narrow.grow(groups);
        grid.grow(groups);
        let groups: Vec<u16> = (0..rows).map(|_| random.below(groups as u64) as u16).collect();
        let x: Vec<u16> = (0..rows).map(|_| random.next() as u16).collect();
        let w: Vec<u8> = (0..rows).map(|_| random.next() as u8).collect();
        narrow.add_narrow(isa, &groups, &x, &w);
        let x: Vec<i32> = x.into_iter().map(i32::from).collect();
        let w: Vec<i32> = w.into_iter().map(i32::from).collect();
        grid.add_grid(isa, &groups, &x, &w);
        let taken = |table: &mut ShortTable| {
            let mut all = Vec::new();
            table.empty(|group, n, moments| all.push((group, n, moments)));
            all
        };
        assert_eq!(taken(&mut narrow), taken(&mut grid), "{isa}");
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
    let mut table = ShortTable::default();
    table.grow(4);
    table.add_narrow(Isa::best(), &[4], &[1], &[1]);
}
