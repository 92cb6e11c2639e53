//! The walk itself, several trees or several rows at a time.
//!
//! In: a [`Forest`] and codes whose lengths its door has checked. Out: sums. Why no step leaves its slice: a forest's
//! nodes have views below its number of views and children inside of their tree, and a leaf is its own child as long
//! as the view of zeros holds 0, which the door has checked. There is one variant for all instruction sets: with AVX2
//! and AVX-512 the compiler makes gathers of the loads, which took three times as long.

use super::{Forest, Nodes, SET_FLAG, Tree};

/// Rows that walk one tree at once: enough to hide the latency of a step, few enough for the registers.
const ROWS: usize = 8;
/// Trees that one row walks at once: their nodes come from afar, so more of them are fetched together.
const TREES: usize = 16;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Adds the leaves of every row to its sums.
pub(super) fn add(forest: &Forest, codes: &[u32], sums: &mut [f64]) {
    match (&forest.nodes, forest.sets.is_empty(), forest.single) {
        (Nodes::Narrow(nodes), _, false) => Walk { forest, nodes }.rows::<false, false>(codes, sums),
        (Nodes::Narrow(nodes), _, true) => Walk { forest, nodes }.rows::<false, true>(codes, sums),
        (Nodes::Wide(nodes), true, false) => Walk { forest, nodes }.rows::<false, false>(codes, sums),
        (Nodes::Wide(nodes), true, true) => Walk { forest, nodes }.rows::<false, true>(codes, sums),
        (Nodes::Wide(nodes), false, false) => Walk { forest, nodes }.rows::<true, false>(codes, sums),
        (Nodes::Wide(nodes), false, true) => Walk { forest, nodes }.rows::<true, true>(codes, sums),
    }
}

/// A node in its packed form.
trait Node: Copy {
    fn cut(self) -> u32;
    fn view(self) -> usize;
    fn distance(self) -> usize;
    fn asks_set(self) -> bool;
}

impl Node for u32 {
    #[inline(always)]
    fn cut(self) -> u32 {
        self & 0xffff
    }
    #[inline(always)]
    fn view(self) -> usize {
        (self >> 16) as usize & 0xff
    }
    #[inline(always)]
    fn distance(self) -> usize {
        (self >> 24) as usize
    }
    #[inline(always)]
    fn asks_set(self) -> bool {
        false
    }
}

impl Node for u64 {
    #[inline(always)]
    fn cut(self) -> u32 {
        self as u32
    }
    #[inline(always)]
    fn view(self) -> usize {
        (self >> 32) as usize & 0x7fff
    }
    #[inline(always)]
    fn distance(self) -> usize {
        (self >> 48) as usize
    }
    #[inline(always)]
    fn asks_set(self) -> bool {
        self & SET_FLAG != 0
    }
}

struct Walk<'a, N> {
    forest: &'a Forest,
    nodes: &'a [N],
}

impl<N: Node> Walk<'_, N> {
    /// Full groups of rows go tree by tree, so that a tree's nodes are fetched once; the rest row by row.
    #[inline(always)]
    fn rows<const SETS: bool, const SINGLE: bool>(&self, codes: &[u32], sums: &mut [f64]) {
        let (views, outputs) = (self.forest.views, self.forest.outputs);
        let rows = sums.len() / outputs;
        let full = rows - rows % ROWS;
        let (codes, rest) = codes.split_at(full * views);
        let (sums, rest_sums) = sums.split_at_mut(full * outputs);
        if full > 0 {
            for tree in &self.forest.trees {
                let groups = codes.chunks_exact(ROWS * views);
                for (codes, sums) in groups.zip(sums.chunks_exact_mut(ROWS * outputs)) {
                    self.group::<SETS, SINGLE>(tree, codes, sums);
                }
            }
        }
        for (codes, sums) in rest.chunks_exact(views).zip(rest_sums.chunks_exact_mut(outputs)) {
            self.row::<SETS, SINGLE>(codes, sums);
        }
    }

    /// One tree, [`ROWS`] rows.
    #[inline(always)]
    fn group<const SETS: bool, const SINGLE: bool>(&self, tree: &Tree, codes: &[u32], sums: &mut [f64]) {
        let mut at = [tree.first as usize; ROWS];
        for _ in 0..tree.depth {
            for (lane, at) in at.iter_mut().enumerate() {
                // SAFETY: as the module says; the group holds the codes of `ROWS` rows.
                *at = unsafe { self.step::<SETS>(codes.as_ptr().add(lane * self.forest.views), *at) };
            }
        }
        for (at, sums) in at.iter().zip(sums.chunks_exact_mut(self.forest.outputs)) {
            // SAFETY: after `depth` steps every walk stands at a leaf of the tree.
            let value = unsafe { self.leaf(tree, *at) };
            let sum = &mut sums[tree.output as usize];
            *sum = plus::<SINGLE>(*sum, value);
        }
    }

    /// One row, [`TREES`] trees at a time; the last group walks its last tree again where trees are lacking.
    #[inline(always)]
    fn row<const SETS: bool, const SINGLE: bool>(&self, codes: &[u32], sums: &mut [f64]) {
        let mut groups = self.forest.trees.chunks(TREES).peekable();
        while let Some(trees) = groups.next() {
            if let Some(next) = groups.peek() {
                next.iter().for_each(|tree| self.fetch(tree));
            }
            let mut at = [0; TREES];
            let mut depth = 0;
            for (lane, at) in at.iter_mut().enumerate() {
                let tree = trees[lane.min(trees.len() - 1)];
                *at = tree.first as usize;
                depth = depth.max(tree.depth);
            }
            for _ in 0..depth {
                for at in &mut at {
                    // SAFETY: as the module says; `codes` is one row.
                    *at = unsafe { self.step::<SETS>(codes.as_ptr(), *at) };
                }
            }
            for (at, tree) in at.iter().zip(trees) {
                // SAFETY: after as many steps as the deepest tree has, every walk stands at a leaf of its tree.
                let value = unsafe { self.leaf(tree, *at) };
                let sum = &mut sums[tree.output as usize];
                *sum = plus::<SINGLE>(*sum, value);
            }
        }
    }

    /// Asks for the upper nodes of a tree ahead of its walk.
    #[inline(always)]
    fn fetch(&self, tree: &Tree) {
        let first = self.nodes[tree.first as usize..].as_ptr();
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing, whatever the address.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(first.cast());
                _mm_prefetch::<_MM_HINT_T0>(first.cast::<i8>().wrapping_add(LINE));
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = first;
    }

    /// The child that a row goes to from the node `at`, or the leaf itself.
    ///
    /// # Safety
    /// `at` is a node of the forest, and `codes` points to the forest's number of codes.
    #[inline(always)]
    unsafe fn step<const SETS: bool>(&self, codes: *const u32, at: usize) -> usize {
        // SAFETY: the caller's promise, and views of nodes are below the forest's number of views.
        let (node, code) = unsafe {
            let node = *self.nodes.get_unchecked(at);
            (node, *codes.add(node.view()))
        };
        let right = if SETS && node.asks_set() {
            !within(&self.forest.sets, node.cut(), code)
        } else {
            code > node.cut()
        };
        at + node.distance() + usize::from(right)
    }

    /// The value of the leaf of `tree` that `at` is.
    ///
    /// # Safety
    /// `at` is a leaf of the tree.
    #[inline(always)]
    unsafe fn leaf(&self, tree: &Tree, at: usize) -> f64 {
        // SAFETY: the caller's promise; the cut of a leaf is its number in its tree.
        unsafe {
            let number = self.nodes.get_unchecked(at).cut();
            *self.forest.leaves.get_unchecked((tree.first_leaf + number) as usize)
        }
    }
}

/// Whether the set at `place` holds a code.
#[inline(always)]
fn within(sets: &[u64], place: u32, code: u32) -> bool {
    let (place, word) = (place as usize, (code / 64) as usize);
    word < sets[place] as usize && sets[place + 1 + word] >> (code % 64) & 1 == 1
}

#[inline(always)]
fn plus<const SINGLE: bool>(sum: f64, value: f64) -> f64 {
    if SINGLE { f64::from(sum as f32 + value as f32) } else { sum + value }
}
