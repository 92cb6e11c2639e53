use super::*;
use crate::exact::tests::Random;
use crate::sized;

/// A naive twin: follows the links as they were given.
fn walk(branches: &[Branch], leaves: &[f64], codes: &[u32]) -> f64 {
    let mut at = if branches.is_empty() { !0 } else { 0 };
    while at >= 0 {
        let branch = &branches[at as usize];
        let code = codes[usize::from(branch.view)];
        let left = match &branch.ask {
            Ask::AtMost(cut) => code <= *cut,
            Ask::Within(words) => {
                words.get(code as usize / 64).is_some_and(|word| word >> (code % 64) & 1 == 1)
            }
        };
        at = if left { branch.left } else { branch.right };
    }
    leaves[!at as usize]
}

/// A tree of some branches: each is hung below a leaf that is there already.
fn grown(
    random: &mut Random,
    branches: usize,
    views: usize,
    sets: bool,
    highest: u32,
) -> (Vec<Branch>, Vec<f64>) {
    let (mut grown, mut leaves): (Vec<Branch>, usize) = (Vec::new(), 1);
    for number in 0..branches as i32 {
        let here = !(random.below(leaves as u64) as i32);
        for parent in &mut grown {
            if parent.left == here {
                parent.left = number;
            } else if parent.right == here {
                parent.right = number;
            }
        }
        let ask = if sets && random.below(3) == 0 {
            Ask::Within((0..random.below(3)).map(|_| random.below(u64::MAX)).collect())
        } else {
            Ask::AtMost([0, 3, 7, 100, highest][random.below(5) as usize])
        };
        let view = random.below(views as u64) as u16;
        grown.push(Branch { view, ask, left: here, right: !(leaves as i32) });
        leaves += 1;
    }
    let values = (0..leaves).map(|_| (random.below(2001) as f64 - 1000.0) / 7.0).collect();
    (grown, values)
}

#[test]
fn every_walk_ends_where_the_links_lead() {
    let mut random = Random(11);
    for round in 0..sized(60, 6) {
        let (views, outputs, single) = (2 + round % 5, 1 + round % 3, round % 2 == 0);
        let (sets, wide) = (round % 4 < 2, round % 3 == 0);
        let mut forest = Forest::new(views, outputs, single);
        let trees: Vec<_> = (0..random.below(sized(30, 8) as u64) as usize)
            .map(|tree| {
                let size = [0, 1, 5, 40, 300][random.below(sized(5, 4) as u64) as usize];
                (grown(&mut random, size, views, sets, if wide { u32::MAX } else { 0xffff }), tree % outputs)
            })
            .collect();
        for ((branches, leaves), output) in &trees {
            forest.push(branches, leaves, *output as u32).expect("a tree");
        }
        for rows in [0, 1, 9, 7, 8, 33].into_iter().take(sized(6, 3)) {
            let mut codes: Vec<u32> = (0..rows * views)
                .map(|_| [0, 1, 4, 8, 70, 101, 200, u32::MAX][random.below(8) as usize])
                .collect();
            codes.iter_mut().step_by(views).for_each(|code| *code = 0);
            let mut expected = vec![0.25; rows * outputs];
            for (codes, sums) in codes.chunks(views).zip(expected.chunks_mut(outputs)) {
                for ((branches, leaves), output) in &trees {
                    let (sum, leaf) = (&mut sums[*output], walk(branches, leaves, codes));
                    *sum = if single { f64::from(*sum as f32 + leaf as f32) } else { *sum + leaf };
                }
            }
            let mut sums = vec![0.25; rows * outputs];
            forest.add(&codes, &mut sums);
            assert_eq!(sums, expected, "{rows} rows");
        }
    }
}

#[test]
fn what_is_no_tree_is_refused_and_leaves_no_trace() {
    let branch = |view, left, right| Branch { view, ask: Ask::AtMost(1), left, right };
    let mut forest = Forest::new(2, 1, false);
    for (branches, leaves, output) in [
        (vec![], 2, 0),
        (vec![branch(1, 0, !0)], 2, 0),
        (vec![branch(1, !0, !2)], 2, 0),
        (vec![branch(1, !0, i32::MAX)], 2, 0),
        (vec![branch(1, !0, i32::MIN)], 2, 0),
        (vec![branch(2, !0, !1)], 2, 0),
        (vec![branch(1, !0, !1)], 2, 1),
        (vec![branch(1, !0, !1), branch(1, 1, !2)], 3, 0),
        (vec![branch(1, 1, 1), branch(1, !0, !1)], 3, 0),
    ] {
        assert!(forest.push(&branches, &vec![1.0; leaves], output).is_err(), "{branches:?}");
    }
    forest.push(&[branch(1, !0, !1)], &[1.0, 2.0], 0).expect("a tree");
    let mut sums = [0.0; 2];
    forest.add(&[0, 1, 0, 2], &mut sums);
    assert_eq!(sums, [1.0, 2.0]);
}

#[test]
#[should_panic(expected = "the view of zeros")]
fn a_row_without_its_zero_is_not_walked() {
    Forest::new(1, 1, false).add(&[1], &mut [0.0]);
}
