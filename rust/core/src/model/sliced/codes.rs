//! Codes of leaves: which bits tell them apart with the fewest multiplexers.
//!
//! In: the shape of a tree. Out: for each number of bits of a code the fewest multiplexers, and a [`Plan`] to get them.
//! A node makes its code out of its children's in one of two ways.
//!
//! *Split*: the node's own test is the highest bit. Below it the children share bits: bit `i` is chosen by the test
//! where both children have it, and is simply that of the one child that has it otherwise (the other does not care).
//! With `l` and `r` bits below, the code has `max(l, r) + 1` bits and costs `min(l, r)` multiplexers.
//!
//! *Range*: the leaves below are numbered from a start on, from left to right, so the code is dense. A node then
//! chooses every bit that is not the same for all leaves below it, but for one that is its own test.
//!
//! Splits are cheap and long, ranges dense; dynamic programming over nodes and lengths finds the best mixture.

use creditcore_kernels::sliced::{Form, MOST_BITS};

use super::super::ensemble::Tree;

/// No code of this length.
const NEVER: u32 = 1 << 24;
/// Ranges start at one of the first numbers: sometimes an unused code before the first leaf aligns the rest.
const STARTS: usize = 4;
/// Nodes with more leaves are split (but for the root, where it must be possible to have a dense code).
const MOST_RANGED: usize = 512;

/// How a node makes its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// By its test, and the codes of its children, of so many bits.
    Split { left: u8, right: u8 },
    /// By a range from here on.
    Range { start: u32 },
}

/// A tree's nodes in an order in which each stands before its children, and what can be made of them.
pub(super) struct Shape<'a> {
    tree: &'a Tree,
    /// Nodes before their children, all those below a node right behind it.
    pub(super) order: Vec<u32>,
    /// How many leaves stand below each node.
    leaves: Vec<u32>,
    /// For each node and length of a code the fewest multiplexers.
    fewest: Vec<[u32; MOST_BITS + 1]>,
    /// For each node the cost of a range from each start on.
    ranges: Vec<[u32; STARTS]>,
    longest: usize,
}

/// Bits up to the highest in which two numbers differ.
fn differing(a: u32, b: u32) -> u32 {
    u32::BITS - (a ^ b).leading_zeros()
}

impl<'a> Shape<'a> {
    /// Works out every code of a tree with two leaves or more.
    pub(super) fn new(tree: &'a Tree) -> Self {
        let count = tree.nodes.len();
        let (mut order, mut open) = (Vec::with_capacity(count), vec![0u32]);
        while let Some(number) = open.pop() {
            order.push(number);
            let node = &tree.nodes[number as usize];
            open.extend([node.right, node.left].into_iter().filter_map(|child| u32::try_from(child).ok()));
        }
        let dense = bits_for(tree.values.len());
        let mut shape = Shape {
            tree,
            order,
            leaves: vec![0; count],
            fewest: vec![[NEVER; MOST_BITS + 1]; count],
            ranges: vec![[NEVER; STARTS]; count],
            // Much longer codes need tables that no cache holds.
            longest: (dense + 3).clamp(8, MOST_BITS),
        };
        let mut starts = vec![0; count];
        for position in (0..count).rev() {
            shape.count_leaves(position);
            shape.cost_splits(position);
            shape.cost_ranges(position, &mut starts);
        }
        shape
    }

    /// How many leaves stand below a child.
    pub(super) fn leaves_below(&self, child: i32) -> u32 {
        usize::try_from(child).map_or(1, |node| self.leaves[node])
    }

    /// The fewest multiplexers of a child's code of so many bits.
    fn fewest_below(&self, child: i32, bits: usize) -> u32 {
        match usize::try_from(child) {
            Ok(node) => self.fewest[node][bits],
            Err(_) if bits == 0 => 0,
            Err(_) => NEVER,
        }
    }

    fn count_leaves(&mut self, position: usize) {
        let number = self.order[position] as usize;
        let node = &self.tree.nodes[number];
        self.leaves[number] = self.leaves_below(node.left) + self.leaves_below(node.right);
    }

    /// The cost of a split into codes of so many bits.
    fn split(&self, number: usize, left: usize, right: usize) -> u32 {
        let node = &self.tree.nodes[number];
        self.fewest_below(node.left, left) + self.fewest_below(node.right, right) + left.min(right) as u32
    }

    fn cost_splits(&mut self, position: usize) {
        let number = self.order[position] as usize;
        let node = &self.tree.nodes[number];
        // The best shorter code of each side, with the multiplexers that share its bits.
        let (mut left, mut right) = (NEVER, NEVER);
        for bits in 1..=self.longest {
            let long = bits - 1;
            left = left.min(self.fewest_below(node.left, long) + long as u32);
            right = right.min(self.fewest_below(node.right, long) + long as u32);
            let best =
                (left + self.fewest_below(node.right, long)).min(self.fewest_below(node.left, long) + right);
            self.fewest[number][bits] = best.min(NEVER);
        }
    }

    fn cost_ranges(&mut self, position: usize, starts: &mut [u32]) {
        let number = self.order[position] as usize;
        let leaves = self.leaves[number];
        if leaves as usize > MOST_RANGED && position > 0 {
            return;
        }
        for start in 0..STARTS {
            let bits = bits_for(start + leaves as usize);
            if bits > self.longest {
                return;
            }
            starts[number] = start as u32;
            let mut cost = 0;
            for &below in &self.order[position..position + leaves as usize - 1] {
                let node = &self.tree.nodes[below as usize];
                let first = starts[below as usize];
                let middle = first + self.leaves_below(node.left);
                let last = first + self.leaves[below as usize] - 1;
                let chosen = differing(first, last);
                let own_test = differing(first, middle - 1) < chosen && differing(middle, last) < chosen;
                cost += chosen - u32::from(own_test);
                for (child, from) in [(node.left, first), (node.right, middle)] {
                    if let Ok(child) = usize::try_from(child) {
                        starts[child] = from;
                    }
                }
            }
            self.ranges[number][start] = cost;
            self.fewest[number][bits] = self.fewest[number][bits].min(cost);
        }
    }

    /// The length of the code that is cheapest with its look-up.
    pub(super) fn best_bits(&self, form: Form) -> usize {
        let leaves = self.tree.values.len();
        let cost = |bits: &usize| self.fewest[0][*bits].saturating_add(form.code_cost(*bits, leaves));
        (1..=self.longest)
            .filter(|&bits| self.fewest[0][bits] < NEVER)
            .min_by_key(cost)
            .unwrap_or(self.longest)
    }

    /// How a node makes a code of so many bits.
    pub(super) fn plan(&self, number: u32, bits: usize) -> Plan {
        let number = number as usize;
        let wanted = self.fewest[number][bits];
        let long = bits - 1;
        for short in 0..bits {
            for (left, right) in [(short, long), (long, short)] {
                if self.split(number, left, right) == wanted {
                    return Plan::Split { left: left as u8, right: right as u8 };
                }
            }
        }
        let fits = |start: usize| bits_for(start + self.leaves[number] as usize) == bits;
        let range = (0..STARTS).find(|&start| fits(start) && self.ranges[number][start] == wanted);
        Plan::Range { start: range.unwrap_or(0) as u32 }
    }
}

/// How many bits tell so many leaves apart.
fn bits_for(leaves: usize) -> usize {
    (usize::BITS - (leaves - 1).leading_zeros()) as usize
}
