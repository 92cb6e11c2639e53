//! A tree as a network of multiplexers.
//!
//! In: a tree, and the plane of each node's test. Out: [`TreeParts`]: multiplexers in an order in which each one's
//! operands stand before it, the planes of the code's bits, and the leaf of each code.

use creditcore_kernels::sliced::{Form, MOST_BITS, ONES, TreeParts, ZEROS};

use super::super::ensemble::Tree;
use super::codes::{Plan, Shape};

/// The most leaves of a tree: with more, a tree's tests could need more planes than can be numbered.
pub(super) const MOST_LEAVES: usize = 16_000;
/// Planes for what multiplexers write. The side with more leaves is made first, so that at most 14 unfinished codes
/// of up to 16 bits wait, and three more are in the making.
pub(super) const SCRATCH: usize = (14 + 3) * MOST_BITS;

/// The leaves that a code stands for are those of all codes that differ from it in bits that do not matter.
#[derive(Clone, Copy, Default)]
struct Code {
    bits: u32,
    any: u32,
}

/// A tree that is being made into a network.
struct Builder<'a> {
    tree: &'a Tree,
    shape: Shape<'a>,
    /// For each node the plane of its test.
    tests: &'a [u16],
    plans: Vec<Plan>,
    /// For each node, and for each leaf, the planes of its code while nobody has taken them.
    planes: Vec<Vec<u16>>,
    leaf_planes: Vec<Vec<u16>>,
    codes: Vec<Code>,
    muxes: Vec<[u16; 4]>,
    scratch: u16,
    used: u16,
    free: Vec<u16>,
}

/// Makes a tree into a network. `tests` holds the plane of each node's test; multiplexers write the [`SCRATCH`] planes
/// from `scratch` on. Values are left to the caller.
pub(super) fn network(form: Form, tree: &Tree, tests: &[u16], scratch: u16) -> TreeParts {
    if tree.nodes.is_empty() {
        return TreeParts { leaf_of_code: vec![0], ..TreeParts::default() };
    }
    let shape = Shape::new(tree);
    let bits = shape.best_bits(form);
    let mut builder = Builder {
        tree,
        shape,
        tests,
        plans: vec![Plan::Range { start: 0 }; tree.nodes.len()],
        planes: vec![Vec::new(); tree.nodes.len()],
        leaf_planes: vec![Vec::new(); tree.values.len()],
        codes: vec![Code::default(); tree.values.len()],
        muxes: Vec::new(),
        scratch,
        used: 0,
        free: Vec::new(),
    };
    builder.assign(bits);
    builder.emit();
    let mut leaf_of_code = vec![0; 1 << bits];
    for (leaf, code) in builder.codes.iter().enumerate() {
        // Every subset of the bits that do not matter.
        let mut subset = 0u32;
        loop {
            leaf_of_code[(code.bits | subset) as usize] = leaf as u16;
            subset = subset.wrapping_sub(code.any) & code.any;
            if subset == 0 {
                break;
            }
        }
    }
    let code = std::mem::take(&mut builder.planes[0]);
    TreeParts { muxes: builder.muxes, code, leaf_of_code, ..TreeParts::default() }
}

impl Builder<'_> {
    /// Gives every node its plan, and every leaf its code, from the root down.
    fn assign(&mut self, bits: usize) {
        let mut given = vec![(Code::default(), bits, None); self.tree.nodes.len()];
        for position in 0..self.shape.order.len() {
            let number = self.shape.order[position];
            let (code, bits, range) = given[number as usize];
            let node = self.tree.nodes[number as usize];
            let plan = match range {
                Some(start) => Plan::Range { start },
                None => self.shape.plan(number, bits),
            };
            self.plans[number as usize] = plan;
            let sides = match plan {
                Plan::Range { start } => {
                    let middle = start + self.shape.leaves_below(node.left);
                    [(node.left, code, bits, Some(start)), (node.right, code, bits, Some(middle))]
                }
                Plan::Split { left, right } => {
                    // Bits that only the other side has do not matter.
                    let side = |child: i32, length: u8, own: u32| {
                        let unused = (1u32 << (bits - 1)) - (1u32 << length);
                        let code = Code { bits: code.bits | own, any: code.any | unused };
                        (child, code, usize::from(length), None)
                    };
                    [side(node.left, left, 0), side(node.right, right, 1 << (bits - 1))]
                }
            };
            for (child, code, bits, range) in sides {
                match usize::try_from(child) {
                    Ok(child) => given[child] = (code, bits, range),
                    Err(_) => {
                        let start = range.unwrap_or(0);
                        self.codes[!child as usize] = Code { bits: code.bits | start, any: code.any };
                        let constant = |bit: usize| if start >> bit & 1 == 1 { ONES } else { ZEROS };
                        self.leaf_planes[!child as usize] = (0..bits).map(constant).collect();
                    }
                }
            }
        }
    }

    /// Makes the multiplexers of every node behind those of its children, and of the side with more leaves first.
    fn emit(&mut self) {
        let mut open = vec![(0usize, false)];
        while let Some((number, ready)) = open.pop() {
            if ready {
                self.join(number);
                continue;
            }
            open.push((number, true));
            let node = &self.tree.nodes[number];
            let mut sides = [node.left, node.right];
            sides.sort_by_key(|&side| self.shape.leaves_below(side));
            open.extend(
                sides.into_iter().filter_map(|side| usize::try_from(side).ok()).map(|side| (side, false)),
            );
        }
    }

    /// The planes of a child's code.
    fn take(&mut self, child: i32) -> Vec<u16> {
        match usize::try_from(child) {
            Ok(node) => std::mem::take(&mut self.planes[node]),
            Err(_) => std::mem::take(&mut self.leaf_planes[!child as usize]),
        }
    }

    /// The code of a node, out of its children's.
    fn join(&mut self, number: usize) {
        let node = &self.tree.nodes[number];
        let test = self.tests[number];
        let (left, right) = (self.take(node.left), self.take(node.right));
        let mut planes = Vec::with_capacity(left.len().max(right.len()) + 1);
        for bit in 0..left.len().max(right.len()) {
            planes.push(match (left.get(bit), right.get(bit)) {
                (Some(&left), Some(&right)) => self.choose(test, left, right),
                (Some(&plane), None) | (None, Some(&plane)) => plane,
                (None, None) => ZEROS,
            });
        }
        if matches!(self.plans[number], Plan::Split { .. }) {
            planes.push(test);
        }
        self.planes[number] = planes;
    }

    /// The plane of `test ? right : left`.
    fn choose(&mut self, test: u16, left: u16, right: u16) -> u16 {
        if left == right {
            return left;
        }
        if (left, right) == (ZEROS, ONES) {
            return test;
        }
        for side in [left, right] {
            if (self.scratch..self.scratch + SCRATCH as u16).contains(&side) {
                self.free.push(side);
            }
        }
        let out = self.free.pop().unwrap_or_else(|| {
            assert!(usize::from(self.used) < SCRATCH, "more unfinished codes than a tree can have");
            self.used += 1;
            self.scratch + self.used - 1
        });
        self.muxes.push([test, left, right, out]);
        out
    }
}
