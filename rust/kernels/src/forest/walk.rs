//! The walk itself, several trees or several rows at a time.
//!
//! In: a [`Forest`] and codes whose lengths its door has checked. Out: sums. Why no step leaves its slice: a forest's
//! nodes have views below its number of views and children inside of their tree, and a leaf is its own child as long
//! as the view of zeros holds 0, which the door has checked.

use super::{Forest, SET_FLAG, Tree};
use crate::isa::multiversion;

/// Walks that go on at once: enough to hide the latency of a step, few enough for the registers.
const LANES: usize = 8;

multiversion! {
    /// Adds the leaves of every row to its sums.
    pub(super) fn add(forest: &Forest, codes: &[u32], sums: &mut [f64]) = add_of;
}

#[inline(always)]
fn add_of(forest: &Forest, codes: &[u32], sums: &mut [f64]) {
    match (forest.sets.is_empty(), forest.single) {
        (true, false) => add_rows::<false, false>(forest, codes, sums),
        (true, true) => add_rows::<false, true>(forest, codes, sums),
        (false, false) => add_rows::<true, false>(forest, codes, sums),
        (false, true) => add_rows::<true, true>(forest, codes, sums),
    }
}

/// Full groups of rows go tree by tree, so that a tree's nodes are fetched once; the rest row by row.
#[inline(always)]
fn add_rows<const SETS: bool, const SINGLE: bool>(forest: &Forest, codes: &[u32], sums: &mut [f64]) {
    let rows = sums.len() / forest.outputs;
    let full = rows - rows % LANES;
    let (codes, rest) = codes.split_at(full * forest.views);
    let (sums, rest_sums) = sums.split_at_mut(full * forest.outputs);
    if full > 0 {
        for tree in &forest.trees {
            let groups = codes.chunks_exact(LANES * forest.views);
            for (codes, sums) in groups.zip(sums.chunks_exact_mut(LANES * forest.outputs)) {
                add_group::<SETS, SINGLE>(forest, tree, codes, sums);
            }
        }
    }
    for (codes, sums) in rest.chunks_exact(forest.views).zip(rest_sums.chunks_exact_mut(forest.outputs)) {
        add_row::<SETS, SINGLE>(forest, codes, sums);
    }
}

/// One tree, [`LANES`] rows.
#[inline(always)]
fn add_group<const SETS: bool, const SINGLE: bool>(
    forest: &Forest,
    tree: &Tree,
    codes: &[u32],
    sums: &mut [f64],
) {
    let mut at = [tree.first as usize; LANES];
    for _ in 0..tree.depth {
        for (lane, at) in at.iter_mut().enumerate() {
            // SAFETY: as the module says; the group holds the codes of `LANES` rows.
            *at = unsafe { step::<SETS>(forest, codes.as_ptr().add(lane * forest.views), *at) };
        }
    }
    for (at, sums) in at.iter().zip(sums.chunks_exact_mut(forest.outputs)) {
        // SAFETY: after `depth` steps every walk stands at a leaf.
        let value = unsafe { leaf(forest, *at) };
        let sum = &mut sums[tree.output as usize];
        *sum = plus::<SINGLE>(*sum, value);
    }
}

/// One row, [`LANES`] trees at a time; the last group walks its last tree again where trees are lacking.
#[inline(always)]
fn add_row<const SETS: bool, const SINGLE: bool>(forest: &Forest, codes: &[u32], sums: &mut [f64]) {
    for trees in forest.trees.chunks(LANES) {
        let mut at = [0; LANES];
        let mut depth = 0;
        for (lane, at) in at.iter_mut().enumerate() {
            let tree = trees[lane.min(trees.len() - 1)];
            *at = tree.first as usize;
            depth = depth.max(tree.depth);
        }
        for _ in 0..depth {
            for at in &mut at {
                // SAFETY: as the module says; `codes` is one row.
                *at = unsafe { step::<SETS>(forest, codes.as_ptr(), *at) };
            }
        }
        for (at, tree) in at.iter().zip(trees) {
            // SAFETY: after as many steps as the deepest tree has, every walk stands at a leaf.
            let value = unsafe { leaf(forest, *at) };
            let sum = &mut sums[tree.output as usize];
            *sum = plus::<SINGLE>(*sum, value);
        }
    }
}

/// The child that a row goes to from the node `at`, or the leaf itself.
///
/// # Safety
/// `at` is a node of the forest, and `codes` points to the forest's number of codes.
#[inline(always)]
unsafe fn step<const SETS: bool>(forest: &Forest, codes: *const u32, at: usize) -> usize {
    // SAFETY: the caller's promise, and views of nodes are below the forest's number of views.
    let (node, code) = unsafe {
        let node = *forest.nodes.get_unchecked(at);
        (node, *codes.add((node >> 32) as usize & 0x7fff))
    };
    let right = if SETS && node & SET_FLAG != 0 {
        !within(&forest.sets, node as u32, code)
    } else {
        code > node as u32
    };
    at + (node >> 48) as usize + usize::from(right)
}

/// Whether the set at `place` holds a code.
#[inline(always)]
fn within(sets: &[u64], place: u32, code: u32) -> bool {
    let (place, word) = (place as usize, (code / 64) as usize);
    word < sets[place] as usize && sets[place + 1 + word] >> (code % 64) & 1 == 1
}

/// The value of the leaf that `at` is.
///
/// # Safety
/// `at` is a leaf of the forest.
#[inline(always)]
unsafe fn leaf(forest: &Forest, at: usize) -> f64 {
    // SAFETY: the caller's promise; the low half of a leaf's node is its number.
    unsafe { *forest.leaves.get_unchecked(*forest.nodes.get_unchecked(at) as u32 as usize) }
}

#[inline(always)]
fn plus<const SINGLE: bool>(sum: f64, value: f64) -> f64 {
    if SINGLE { f64::from(sum as f32 + value as f32) } else { sum + value }
}
