//! The walk of packed trees: 200 forests of 100 trees with 31 leaves, for one row and for 64.

use std::hint::black_box;

use creditcore_kernels::forest::{Ask, Branch, Forest};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const VIEWS: usize = 130;
const FORESTS: usize = 200;
const TREES: usize = 100;

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A tree of 30 branches and at most 8 levels, each hung below a leaf of those there are.
fn tree(random: &mut Random, highest: u64) -> Vec<Branch> {
    let (mut branches, mut depths): (Vec<Branch>, Vec<u32>) = (Vec::new(), vec![0]);
    while branches.len() < 30 {
        let leaf = random.below(depths.len() as u64) as usize;
        if depths[leaf] == 8 {
            continue;
        }
        let (here, number) = (!(leaf as i32), branches.len() as i32);
        for parent in &mut branches {
            let parent: &mut Branch = parent;
            if parent.left == here {
                parent.left = number;
            } else if parent.right == here {
                parent.right = number;
            }
        }
        let view = 1 + random.below(VIEWS as u64 - 1) as u16;
        let ask = Ask::AtMost(random.below(highest) as u32);
        branches.push(Branch { view, ask, left: here, right: !(depths.len() as i32) });
        depths[leaf] += 1;
        depths.push(depths[leaf]);
    }
    branches
}

fn walks(c: &mut Criterion) {
    let mut group = c.benchmark_group("forest");
    group.sample_size(10);
    for (name, highest) in [("4 bytes a node", 1 << 13), ("8 bytes a node", 1 << 20)] {
        let mut random = Random(7);
        let mut forest = || {
            let mut forest = Forest::new(VIEWS, 1, false);
            for _ in 0..TREES {
                forest.push(&tree(&mut random, highest), &[0.5; 31], 0).expect("a tree");
            }
            forest
        };
        let forests: Vec<Forest> = (0..FORESTS).map(|_| forest()).collect();
        for rows in [1, 64] {
            let mut codes: Vec<u32> = (0..rows * VIEWS).map(|_| random.below(highest) as u32).collect();
            codes.iter_mut().step_by(VIEWS).for_each(|code| *code = 0);
            let mut sums = vec![0.0; rows];
            group.throughput(Throughput::Elements((rows * FORESTS * TREES) as u64));
            group.bench_function(format!("{name}, {rows} rows"), |b| {
                b.iter(|| forests.iter().for_each(|forest| forest.add(black_box(&codes), &mut sums)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, walks);
criterion_main!(benches);
