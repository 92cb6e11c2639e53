//! Every form against naive twins: numbers by comparing, sets by looking, trees bit by bit and row by row.

use super::*;
use crate::exact::tests::Random;
use crate::sized;

fn forms() -> impl Iterator<Item = Form> {
    Form::ALL.into_iter().filter(|form| form.available())
}

fn values(random: &mut Random, rows: usize) -> Vec<f64> {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e-310, -1e-310, 1e-36, f64::MAX];
    let value = |random: &mut Random| match random.below(4) {
        0 => odd[random.below(odd.len() as u64) as usize],
        _ => random.below(3000) as f64 / 10.0 - 150.0,
    };
    (0..rows).map(|_| value(random)).collect()
}

fn cuts(random: &mut Random, count: usize) -> Vec<f64> {
    let mut cuts = vec![f64::NEG_INFINITY, f64::INFINITY, 0.0, 1e-311, -1e-311];
    cuts.truncate(count);
    while cuts.len() < count {
        cuts.push((random.below(1 << 20) as f64 / f64::from(1 << 20) - 0.5) * 300.0);
    }
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    cuts
}

/// Thermometers one after the other, from plane 2 on.
fn stacked(low_bits: u32, middle_bits: u32, count: usize, or_missing: bool) -> (Thermometers, usize) {
    let mut at = Thermometers { low_bits, middle_bits, ..Thermometers::default() };
    let mut next = 2;
    let mut take = |planes: usize| {
        next += planes;
        (next - planes) as u16
    };
    at.missing = take(1);
    at.low = take(at.low_planes());
    at.middle = take(at.middle_planes());
    at.high = take(at.high_planes(count));
    at.high_or_missing = or_missing.then(|| take(at.high_planes(count)));
    (at, next)
}

#[test]
fn thermometers_are_digits_of_ranks() {
    let mut random = Random(5);
    let shapes =
        [(1, 0, 0), (2, 0, 0), (3, 1, 0), (60, 0, 0), (95, 2, 0), (400, 4, 0), (5000, 4, 4), (31, 2, 2)];
    for form in forms() {
        for (count, low_bits, middle_bits) in shapes.into_iter().take(sized(8, 3)) {
            let cuts = cuts(&mut random, count);
            for (rows, zero, or_missing) in [
                (1, None, true),
                (513, Some(1e-35), false),
                (ROWS - 77, Some(1e-35), false),
                (ROWS, None, true),
            ]
            .into_iter()
            .take(sized(4, 2))
            {
                let (at, planes) = stacked(low_bits, middle_bits, cuts.len(), or_missing);
                let mut planes = Planes::new(planes);
                let column = values(&mut random, rows);
                let (numbers, mut ranks) = (Numbers::new(form, &cuts, zero, at), vec![9; rows]);
                numbers.rank(&column, &mut ranks);
                numbers.write(&ranks, &mut planes);
                for row in 0..lines_of(rows) * LINE_ROWS {
                    let value = column.get(row).copied().unwrap_or(f64::NAN);
                    let missing = value.is_nan() || zero.is_some_and(|zero| value.abs() <= zero);
                    let rank = if missing { 0 } else { cuts.iter().filter(|&&cut| value > cut).count() };
                    let (low, rest) = (rank & at.low_planes(), rank >> low_bits);
                    let (middle, high) = (rest & at.middle_planes(), rest >> middle_bits);
                    assert_eq!(planes.bit(at.missing.into(), row), missing);
                    let check = |first: u16, count: usize, is: &dyn Fn(usize) -> bool| {
                        for plane in 0..count {
                            let found = planes.bit(usize::from(first) + plane, row);
                            assert_eq!(found, is(plane + 1), "{form} {value} {rank} {plane}");
                        }
                    };
                    check(at.low, at.low_planes(), &|least| low >= least);
                    check(at.middle, at.middle_planes(), &|least| middle >= least);
                    let highs = at.high_planes(cuts.len());
                    check(at.high, highs, &|least| high >= least);
                    if let Some(first) = at.high_or_missing {
                        check(first, highs, &|least| high >= least || missing);
                    }
                }
            }
        }
    }
}

#[test]
fn zeros_of_both_signs_are_one_number() {
    for cuts in
        [vec![-0.0], vec![-0.0, 1e-306], vec![-1.0, -0.0], vec![-1e-300, -0.0, 1e-300], vec![0.0, 1.0]]
    {
        let (at, _) = stacked(2, 0, cuts.len(), false);
        let column = [0.0, -0.0, 1e-320, -1e-320, 1.0, -1.0];
        let exceeded = column.map(|value| cuts.iter().filter(|&&cut| value > cut).count() as u16);
        for form in forms() {
            let mut ranks = [9; 6];
            Numbers::new(form, &cuts, None, at).rank(&column, &mut ranks);
            assert_eq!(ranks, exceeded, "{form} {cuts:?}");
        }
    }
}

#[test]
fn sets_send_rows_where_their_tables_say() {
    let mut random = Random(8);
    let codes = Codes::new((0..200).map(|code| code * 3).collect());
    let table: Vec<u64> = (0..codes.positions()).map(|_| random.next()).collect();
    let tests = SetTests { column: 1, count: 37, right: table.clone() };
    let column = values(&mut random, ROWS);
    let code = |value: f64| (0.0..1e9).contains(&value).then_some(value as u32);
    let mut columns = [[9; ROWS], [0; ROWS]];
    codes.find(&column, code, &mut columns[1]);
    let mut planes = Planes::new(60);
    tests.run(&columns, &mut planes, 5, super::LINES);
    for (row, &value) in column.iter().enumerate() {
        let (unknown, missing) = Codes::others();
        let position = match code(value) {
            _ if value.is_nan() => missing,
            Some(code) => codes.position(code).unwrap_or(unknown),
            None => unknown,
        };
        for test in (0..37).step_by(sized(1, 9)) {
            assert_eq!(planes.bit(5 + test, row), table[position] >> test & 1 == 1);
        }
        assert!(!planes.bit(5 + 37, row));
    }
}

#[test]
fn a_matrix_of_bits_is_turned() {
    let mut random = Random(3);
    let words: [u64; 64] = std::array::from_fn(|_| random.next());
    let mut turned = words;
    scalar::transpose_64(&mut turned);
    for (row, turned) in turned.iter().enumerate() {
        for (column, word) in words.iter().enumerate() {
            assert_eq!(turned >> column & 1, word >> row & 1);
        }
    }
}

const PLANES: u64 = 120;
const TESTS: u16 = 50;

/// A program of random networks, which need not be trees.
fn parts(random: &mut Random, sums: Sums, fixed: bool) -> SegmentParts {
    let plane = |random: &mut Random| random.below(PLANES) as u16;
    let number = |random: &mut Random| match sums {
        Sums::F64 => random.next() as i64 as f64 / 7.0,
        Sums::F32 => f64::from((random.next() as i64 as f32) / 7.0),
    };
    let mut trees = Vec::new();
    for (bits, leaves) in [
        (0, 1),
        (1, 2),
        (5, 31),
        (5, 32),
        (6, 20),
        (6, 50),
        (7, 32),
        (7, 33),
        (7, 90),
        (7, 128),
        (8, 31),
        (8, 200),
        (9, 300),
        (12, 31),
        (3, 4),
        (4, 9),
        (2, 3),
        (1, 1),
        (16, 5000),
    ]
    .into_iter()
    .take(sized(19, 18))
    {
        let mux =
            |random: &mut Random| [plane(random), plane(random), plane(random), 2 + random.below(30) as u16];
        trees.push(TreeParts {
            muxes: (0..random.below(20)).map(|_| mux(random)).collect(),
            code: (0..bits).map(|_| plane(random)).collect(),
            leaf_of_code: (0..1 << bits).map(|_| random.below(leaves) as u16).collect(),
            values: (0..leaves).map(|_| number(random)).collect(),
            fixed: (0..leaves).map(|_| random.next() as i16 as i32).collect(),
        });
    }
    let count = trees.len();
    let fixed = fixed.then_some(Fixed { unit: 0.25, base: -77 });
    let run = |output, trees, start| Run { output, trees, sums, fixed, start };
    SegmentParts {
        pairs: (0..9).map(|_| std::array::from_fn(|_| plane(random))).collect(),
        triples: (0..7).map(|_| std::array::from_fn(|_| plane(random))).collect(),
        sets: Vec::new(),
        first_test: TESTS,
        trees,
        runs: vec![
            run(1, 0..11, Start::Base(number(random))),
            run(0, 11..count, Start::Output),
            run(2, count..count, Start::Base(number(random))),
        ],
    }
}

/// The outputs of one row.
fn twin(parts: &SegmentParts, fast: bool, mut bits: Vec<bool>, outputs: &mut [f64]) {
    let first = usize::from(parts.first_test);
    for (at, &[a, b, c]) in parts.pairs.iter().enumerate() {
        let [a, b, c] = [a, b, c].map(|plane| bits[usize::from(plane)]);
        bits[first + at] = a || b && c;
    }
    for (at, test) in parts.triples.iter().enumerate() {
        let [a, b, c, d, e] = test.map(|plane| bits[usize::from(plane)]);
        bits[first + parts.pairs.len() + at] = a || b && (c || d && e);
    }
    for run in &parts.runs {
        let fixed = run.fixed.filter(|_| fast);
        let unit = fixed.map_or(1.0, |fixed| fixed.unit);
        let mut sum = match (run.start, fixed) {
            (Start::Base(_), Some(fixed)) => fixed.base.into(),
            (Start::Base(base), None) => base,
            (Start::Output, _) => outputs[run.output] / unit,
        };
        for tree in &parts.trees[run.trees.clone()] {
            for &[test, left, right, out] in &tree.muxes {
                bits[usize::from(out)] =
                    bits[usize::from(if bits[usize::from(test)] { right } else { left })];
            }
            let code = tree
                .code
                .iter()
                .rev()
                .fold(0, |code, &plane| code << 1 | usize::from(bits[usize::from(plane)]));
            let leaf = usize::from(tree.leaf_of_code[code]);
            let value = if fixed.is_some() { tree.fixed[leaf].into() } else { tree.values[leaf] };
            sum = match run.sums {
                Sums::F32 if fixed.is_none() => f64::from(sum as f32 + value as f32),
                _ => sum + value,
            };
        }
        outputs[run.output] = sum * unit;
    }
}

#[test]
fn programs_give_the_twin_s_bits_in_every_form() {
    let mut random = Random(13);
    let ways = [
        (Sums::F64, true, false),
        (Sums::F32, true, false),
        (Sums::F64, true, true),
        (Sums::F32, false, true),
    ];
    for (sums, fixed, fast) in ways.into_iter().take(sized(4, 3)) {
        let parts_of = parts(&mut random, sums, fixed);
        let planes: Vec<[u64; ROWS / 64]> =
            (0..PLANES).map(|_| std::array::from_fn(|_| random.next())).collect();
        for rows in [1, 65, 512, 513, 1024, 1025, ROWS - 3, ROWS].into_iter().take(sized(8, 2)) {
            let started: Vec<f64> = (0..rows * 4).map(|at| at as f64 * 0.5).collect();
            for form in forms() {
                let mut mine = Planes::new(PLANES as usize);
                for (plane, words) in planes.iter().enumerate().skip(2) {
                    words.iter().enumerate().for_each(|(word, &bits)| mine.set_word(plane, word, bits));
                }
                let segment = Segment::new(form, parts_of.clone());
                let mut outputs = started.clone();
                segment.run(&mut mine, &[], &mut Workspace::new(), fast, 4, &mut outputs);
                for (row, found) in outputs.chunks(4).enumerate() {
                    let bit = |plane: usize| match plane {
                        0 => false,
                        1 => true,
                        _ => planes[plane][row / 64] >> (row % 64) & 1 == 1,
                    };
                    let mut expected = started[row * 4..][..4].to_vec();
                    twin(&parts_of, fast, (0..PLANES as usize).map(bit).collect(), &mut expected);
                    let bits =
                        |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(found), bits(&expected), "{form}, row {row} of {rows}");
                }
            }
        }
    }
}

#[test]
fn a_program_that_contradicts_itself_is_no_program() {
    let tree = |muxes: Vec<[u16; 4]>, code: Vec<u16>, leaf: u16| TreeParts {
        muxes,
        leaf_of_code: vec![leaf; 1 << code.len()],
        code,
        values: vec![1.0],
        fixed: Vec::new(),
    };
    let made = |tree: TreeParts, runs: usize| {
        let run = |trees| Run { output: 0, trees, sums: Sums::F64, fixed: None, start: Start::Base(0.0) };
        let parts = SegmentParts {
            first_test: 4,
            trees: vec![tree],
            runs: if runs == 0 { Vec::new() } else { vec![run(0..runs)] },
            ..SegmentParts::default()
        };
        std::panic::catch_unwind(|| Segment::new(Form::Portable, parts))
    };
    assert!(made(tree(vec![[2, 3, 3, 2]], vec![2], 0), 1).is_ok());
    assert!(made(tree(vec![[2, 3, 3, 1]], vec![2], 0), 1).is_err(), "a constant is written");
    assert!(made(tree(vec![], vec![2], 1), 1).is_err(), "a leaf that there is not");
    assert!(made(tree(vec![], vec![2; 17], 0), 1).is_err(), "a code that is too long");
    assert!(made(tree(vec![], vec![2], 0), 0).is_err(), "a tree without a run");
    let segment = made(tree(vec![], vec![9], 0), 1).expect("a program");
    let run = |planes: usize, width: usize| {
        let mut out = vec![0.0; width];
        let mut planes = Planes::new(planes);
        let mut run = || segment.run(&mut planes, &[], &mut Workspace::new(), false, width, &mut out);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut run)).is_ok()
    };
    assert!(run(10, 1) && !run(9, 1) && !run(10, 0));
}
