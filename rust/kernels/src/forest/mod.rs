//! Packed decision trees, walked over ranks instead of values.
//!
//! In: trees whose tests compare small integers, and rows of such integers (codes). Out: for each row the sums of the
//! leaves that it ends in, added tree by tree in their order. A node has 4 or 8 bytes; the nodes of a tree lie in
//! breadth-first order with siblings side by side, so that a step is one addition without a branch, and several walks
//! go on at once (Browne, Mhembere, Tomita, Vogelstein and Burns, *Forest Packing*, SDM 2019). A [`Forest`] is built
//! only from links that make a tree, which is what lets the walk go without checks.

#[cfg(test)]
mod tests;
mod walk;

use std::collections::VecDeque;

/// Views that a forest can have.
pub const MOST_VIEWS: usize = 1 << 15;
/// Branches that a tree can have.
pub const MOST_BRANCHES: usize = (1 << 15) - 1;
/// The view that holds 0 in every row.
pub const ZERO_VIEW: u16 = 0;

/// Marks a node whose cut is the place of a set; the other bits of the half word are its view.
const SET_FLAG: u64 = 1 << 47;

/// What a branch asks of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Left where the code is at most this.
    AtMost(u32),
    /// Left where the bit of the code is set; bits behind the last word are not.
    Within(Vec<u64>),
}

/// A node with two children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Whose code.
    pub view: u16,
    /// What is asked.
    pub ask: Ask,
    /// Left child: a branch, or, below zero, the leaf `!left`.
    pub left: i32,
    /// Right child.
    pub right: i32,
}

/// A tree in a forest.
#[derive(Clone, Copy, Debug)]
struct Tree {
    first: u32,
    first_leaf: u32,
    depth: u32,
    output: u32,
}

/// The nodes of a forest. A leaf asks [`ZERO_VIEW`], which never exceeds its cut, the leaf's number in its tree, and
/// has itself for a left child.
#[derive(Clone, Debug)]
enum Nodes {
    /// Cut (16 bits), view (8), distance to the left child (8); no sets.
    Narrow(Vec<u32>),
    /// Cut (32 bits), view (15), set flag (1), distance to the left child (16).
    Wide(Vec<u64>),
}

/// Trees that are summed together.
#[derive(Clone, Debug)]
pub struct Forest {
    nodes: Nodes,
    trees: Vec<Tree>,
    leaves: Vec<f64>,
    /// Words of sets, each with the number of its words before it.
    sets: Vec<u64>,
    views: usize,
    outputs: usize,
    single: bool,
}

impl Forest {
    /// An empty forest over `views` codes a row, which sums `outputs` numbers a row, in f32 where `single`.
    pub fn new(views: usize, outputs: usize, single: bool) -> Self {
        assert!((1..=MOST_VIEWS).contains(&views), "a forest has 1 to {MOST_VIEWS} views");
        let (trees, leaves, sets) = (Vec::new(), Vec::new(), Vec::new());
        let nodes = Nodes::Narrow(Vec::new());
        Self { nodes, trees, leaves, sets, views, outputs: outputs.max(1), single }
    }

    /// Adds a tree behind the others: branches of which the first is the root, or a single leaf.
    ///
    /// # Errors
    /// Links that make no tree, a view or an output that is not there, more than a forest can number.
    pub fn push(&mut self, branches: &[Branch], leaves: &[f64], output: u32) -> Result<(), String> {
        if branches.len() > MOST_BRANCHES || leaves.len() != branches.len() + 1 {
            return Err(format!("{} branches and {} leaves make no tree", branches.len(), leaves.len()));
        }
        if output as usize >= self.outputs {
            return Err(format!("output {output} is not there"));
        }
        let first = match &self.nodes {
            Nodes::Narrow(nodes) => nodes.len(),
            Nodes::Wide(nodes) => nodes.len(),
        };
        let sets = self.sets.len();
        if u32::try_from(first + 2 * leaves.len()).is_err() || u32::try_from(sets).is_err() {
            return Err("there are more nodes than can be numbered".to_owned());
        }
        let (packed, depth) = self.pack(branches, leaves.len()).inspect_err(|_| self.sets.truncate(sets))?;
        self.append(&packed);
        let first_leaf = self.leaves.len() as u32;
        self.leaves.extend_from_slice(leaves);
        self.trees.push(Tree { first: first as u32, first_leaf, depth, output });
        Ok(())
    }

    /// Makes room for some trees of so many branches in all.
    pub fn reserve(&mut self, trees: usize, branches: usize) {
        match &mut self.nodes {
            Nodes::Narrow(nodes) => nodes.reserve_exact(2 * branches + trees),
            Nodes::Wide(nodes) => nodes.reserve_exact(2 * branches + trees),
        }
        self.trees.reserve_exact(trees);
        self.leaves.reserve_exact(branches + trees);
    }

    /// Appends nodes; one that does not fit 4 bytes makes all of them wide.
    fn append(&mut self, packed: &[u64]) {
        if let Nodes::Narrow(nodes) = &mut self.nodes {
            let first = nodes.len();
            nodes.extend(packed.iter().map_while(|&node| narrow(node)));
            if nodes.len() == first + packed.len() {
                return;
            }
            nodes.truncate(first);
            self.nodes = Nodes::Wide(nodes.iter().map(|&node| widened(node)).collect());
        }
        if let Nodes::Wide(nodes) = &mut self.nodes {
            nodes.extend_from_slice(packed);
        }
    }

    /// The nodes of a tree in breadth-first order, and its depth.
    fn pack(&mut self, branches: &[Branch], leaves: usize) -> Result<(Vec<u64>, u32), String> {
        let total = branches.len() + leaves;
        let (mut open, mut met, mut deepest) = (VecDeque::new(), 1, 0);
        open.push_back((if branches.is_empty() { !0 } else { 0i32 }, 0u32));
        let mut packed = Vec::with_capacity(total);
        while let Some((link, depth)) = open.pop_front() {
            deepest = deepest.max(depth);
            packed.push(match usize::try_from(link) {
                Err(_) if (!link as usize) < leaves => !link as u64,
                Ok(index) if index < branches.len() && met + 2 <= total => {
                    let branch = &branches[index];
                    let node = self.node(branch)? | (((met - packed.len()) as u64) << 48);
                    open.extend([(branch.left, depth + 1), (branch.right, depth + 1)]);
                    met += 2;
                    node
                }
                _ => return Err(format!("link {link} makes no tree")),
            });
        }
        let lost = total - packed.len();
        if lost == 0 { Ok((packed, deepest)) } else { Err(format!("{lost} nodes are no node's child")) }
    }

    fn node(&mut self, branch: &Branch) -> Result<u64, String> {
        if usize::from(branch.view) >= self.views {
            return Err(format!("view {} is not there", branch.view));
        }
        let view = u64::from(branch.view) << 32;
        Ok(match &branch.ask {
            Ask::AtMost(cut) => u64::from(*cut) | view,
            Ask::Within(words) => {
                // The upper half of a node is its view.
                let Ok(place) = u32::try_from(self.sets.len()) else {
                    return Err("there are more sets than can be numbered".to_owned());
                };
                let place = u64::from(place);
                self.sets.push(words.len() as u64);
                self.sets.extend_from_slice(words);
                place | view | SET_FLAG
            }
        })
    }

    /// Adds to each row's sums, `outputs` side by side, the leaves that it ends in. `codes` holds the rows' views
    /// side by side.
    ///
    /// # Panics
    /// Where the lengths do not fit each other, or a row's [`ZERO_VIEW`] is not 0.
    pub fn add(&self, codes: &[u32], sums: &mut [f64]) {
        let rows = sums.len() / self.outputs;
        assert_eq!(sums.len(), rows * self.outputs, "whole rows are summed");
        assert_eq!(codes.len(), rows * self.views, "there is a code for each row and view");
        let zeros = codes.chunks_exact(self.views).all(|row| row[usize::from(ZERO_VIEW)] == 0);
        assert!(zeros, "the view of zeros holds zeros");
        walk::add(self, codes, sums);
    }
}

/// A wide node in 4 bytes, if it fits.
fn narrow(node: u64) -> Option<u32> {
    let (cut, view, distance) = (node as u32, (node >> 32) as u16, node >> 48);
    let fits = cut <= 0xffff && view <= 0xff && distance <= 0xff;
    fits.then_some(cut | (u32::from(view) << 16) | ((distance as u32) << 24))
}

/// The reverse.
fn widened(node: u32) -> u64 {
    u64::from(node & 0xffff) | (u64::from(node >> 16 & 0xff) << 32) | (u64::from(node >> 24) << 48)
}
