//! A tree in memory.
//!
//! In: what a format's reader found. Out: a [`Tree`] that is proven to be one: each node and leaf hangs below exactly one
//! other, so following links ends. Law 3: it keeps all that decides a leaf.

use creditcore_kernels::room::fitted;

/// What counts as missing at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Missing {
    /// Nothing: NaN is compared as zero.
    Nothing,
    /// Zero, and NaN, which is taken for zero.
    Zero,
    /// NaN.
    Nan,
}

/// The test of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test {
    /// Left where the value is at most `cut`.
    Number {
        /// A threshold `x < t` of f32 values stands here as the next f32 below it.
        cut: f64,
        /// What is missing.
        missing: Missing,
        /// Where missing values go.
        missing_left: bool,
    },
    /// By membership in a set of categories: `count` entries of [`Tree::categories`] from `first` on.
    Category {
        /// The first entry.
        first: u32,
        /// How many entries, in increasing order.
        count: u32,
        /// Members go left (LightGBM), or all others do (XGBoost).
        members_left: bool,
        /// Where missing values go.
        missing_left: bool,
    },
}

/// Bits of the kind of a test.
pub(super) const CATEGORY: u8 = 1;
pub(super) const MISSING_LEFT: u8 = 2;
pub(super) const MEMBERS_LEFT: u8 = 4;
/// What is missing at a numeric test, in the bits from here on: nothing, zero, NaN.
pub(super) const MISSING_SHIFT: u8 = 3;

/// A node with two children: 24 bytes, because a fleet has hundreds of thousands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The position of the feature in [`super::Ensemble::features`].
    pub feature: u32,
    /// Left child: a node, or, below zero, the leaf `!left`.
    pub left: i32,
    /// Right child.
    pub right: i32,
    kind: u8,
    asked: u64,
}

impl Node {
    /// A node that asks `test`.
    pub fn new(feature: u32, test: Test, left: i32, right: i32) -> Self {
        let (kind, asked) = match test {
            Test::Number { cut, missing, missing_left } => {
                (((missing as u8) << MISSING_SHIFT) | (u8::from(missing_left) * MISSING_LEFT), cut.to_bits())
            }
            Test::Category { first, count, members_left, missing_left } => {
                let ways = (u8::from(missing_left) * MISSING_LEFT) | (u8::from(members_left) * MEMBERS_LEFT);
                (CATEGORY | ways, u64::from(first) | (u64::from(count) << 32))
            }
        };
        Self { feature, left, right, kind, asked }
    }

    /// The kind of the test, and the bits of its cut, or the place (low) and length (high) of its set.
    pub fn coded(&self) -> (u8, u64) {
        (self.kind, self.asked)
    }

    /// What is asked.
    #[inline]
    pub fn test(&self) -> Test {
        let missing_left = self.kind & MISSING_LEFT != 0;
        if self.kind & CATEGORY == 0 {
            let missing = match self.kind >> MISSING_SHIFT {
                0 => Missing::Nothing,
                1 => Missing::Zero,
                _ => Missing::Nan,
            };
            return Test::Number { cut: f64::from_bits(self.asked), missing, missing_left };
        }
        let (first, count) = (self.asked as u32, (self.asked >> 32) as u32);
        Test::Category { first, count, members_left: self.kind & MEMBERS_LEFT != 0, missing_left }
    }
}

/// A tree: a single leaf, or nodes of which the first is the root.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Nodes with children.
    pub nodes: Vec<Node>,
    /// What each leaf adds to the sum.
    pub values: Vec<f64>,
    /// The sets of the categorical tests, one after the other.
    pub categories: Vec<u32>,
    /// The longest way from the root, in tests.
    pub depth: usize,
    /// To which output it adds.
    pub output: u32,
    /// How much of the training came to each node, and to each leaf.
    covers: Covers,
    /// The leaves' numbers in the library's own numbering; empty where those are their places.
    numbers: Vec<i32>,
}

/// Training rows (LightGBM), sums of their hessians (XGBoost) or weights (CatBoost) that came to the nodes and then to
/// the leaves of a tree; NaN where the file does not tell. Sums need none of them, so they take half the room where
/// nothing is lost by it.
#[derive(Clone, Debug, PartialEq)]
enum Covers {
    /// All of them are numbers of single precision.
    Single(Vec<f32>),
    /// Some are not.
    Double(Vec<f64>),
}

impl Covers {
    fn of(covers: Vec<f64>) -> Self {
        let kept = |cover: &f64| cover.is_nan() || f64::from(*cover as f32) == *cover;
        if covers.iter().all(kept) {
            Self::Single(covers.iter().map(|&cover| cover as f32).collect())
        } else {
            Self::Double(fitted(covers))
        }
    }

    fn at(&self, place: usize) -> f64 {
        match self {
            Self::Single(covers) => f64::from(covers[place]),
            Self::Double(covers) => covers[place],
        }
    }
}

impl Tree {
    /// A tree, once its links are proven to make one; `covers` are those of the nodes, then of the leaves.
    ///
    /// # Errors
    /// A child that is not there, is reached twice (a cycle among them) or never; the text names it.
    pub fn new(
        nodes: Vec<Node>,
        values: Vec<f64>,
        covers: Vec<f64>,
        categories: Vec<u32>,
        output: u32,
    ) -> Result<Self, String> {
        if covers.len() != nodes.len() + values.len() {
            let (covers, nodes, leaves) = (covers.len(), nodes.len(), values.len());
            return Err(format!("{covers} weights for {nodes} nodes and {leaves} leaves"));
        }
        let depth = match depth_in_order(&nodes, values.len()) {
            Some(depth) => depth,
            None => depth_of(&nodes, values.len())?,
        };
        let (nodes, values, categories) = (fitted(nodes), fitted(values), fitted(categories));
        Ok(Self { nodes, values, categories, depth, output, covers: Covers::of(covers), numbers: Vec::new() })
    }

    /// The tree with its leaves' numbers in the library's own numbering, where those may differ from their places.
    pub fn numbered(mut self, numbers: Vec<i32>) -> Self {
        let as_placed = numbers.iter().zip(0..).all(|(&number, place)| number == place);
        self.numbers = if as_placed { Vec::new() } else { fitted(numbers) };
        self
    }

    /// The set of a categorical test.
    pub fn members(&self, first: u32, count: u32) -> &[u32] {
        &self.categories[first as usize..][..count as usize]
    }

    /// The number of a leaf in the library's own numbering.
    pub fn number(&self, leaf: usize) -> i32 {
        self.numbers.get(leaf).copied().unwrap_or(leaf as i32)
    }

    /// How much of the training came to a child: a node, or, below zero, a leaf.
    pub fn cover(&self, child: i32) -> f64 {
        self.covers.at(usize::try_from(child).unwrap_or_else(|_| self.nodes.len() + !child as usize))
    }

    /// The covers of the nodes, then those of the leaves.
    pub fn covers(&self) -> impl Iterator<Item = f64> {
        (0..self.nodes.len() + self.values.len()).map(|place| self.covers.at(place))
    }
}

/// The length of the longest way, where every node stands before its children, as libraries write them: then a link
/// leads to what no earlier link led to, and all is reached once as many links as children have been followed. None
/// where it is otherwise, which [`depth_of`] looks into.
fn depth_in_order(nodes: &[Node], leaves: usize) -> Option<usize> {
    let count = nodes.len();
    if leaves != count + 1 || count == 0 {
        return None;
    }
    // For each node and then for each leaf how far below the root it hangs; 0 where no link has led there.
    let mut below = vec![0u32; count + leaves];
    let mut deepest = 0;
    for (at, node) in nodes.iter().enumerate() {
        let depth = below[at] + 1;
        deepest = deepest.max(depth);
        for child in [node.left, node.right] {
            let place = if child < 0 { count + !child as usize } else { child as usize };
            let below = below.get_mut(place).filter(|below| **below == 0 && place > at)?;
            if child >= 0 && place >= count {
                return None;
            }
            *below = depth;
        }
    }
    Some(deepest as usize)
}

/// Follows every link once, and gives the length of the longest way.
fn depth_of(nodes: &[Node], leaves: usize) -> Result<usize, String> {
    if nodes.is_empty() {
        return if leaves == 1 { Ok(0) } else { Err(format!("no nodes but {leaves} leaves")) };
    }
    let (mut seen_nodes, mut seen_leaves) = (vec![false; nodes.len()], vec![false; leaves]);
    let mut deepest = 0;
    let mut open = vec![(0i32, 0usize)];
    while let Some((child, depth)) = open.pop() {
        deepest = deepest.max(depth);
        let (seen, index, what) = match usize::try_from(child) {
            Ok(node) => (&mut seen_nodes, node, "node"),
            Err(_) => (&mut seen_leaves, !child as usize, "leaf"),
        };
        match seen.get_mut(index) {
            None => return Err(format!("a child is {what} {index}, which is not there")),
            Some(true) => return Err(format!("{what} {index} is the child of two nodes, or of itself")),
            Some(seen) => *seen = true,
        }
        if child >= 0 {
            open.extend([(nodes[index].left, depth + 1), (nodes[index].right, depth + 1)]);
        }
    }
    for (seen, what) in [(&seen_nodes, "node"), (&seen_leaves, "leaf")] {
        if let Some(index) = seen.iter().position(|seen| !seen) {
            return Err(format!("{what} {index} is no node's child"));
        }
    }
    Ok(deepest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node((left, right): (i32, i32)) -> Node {
        let test = Test::Number { cut: 0.0, missing: Missing::Nan, missing_left: true };
        Node::new(0, test, left, right)
    }

    /// A tree that grows by splitting a leaf after the other, as libraries write them.
    fn grown(splits: &[usize]) -> Vec<(i32, i32)> {
        let mut links = vec![(!0, !1)];
        for (&split, leaves) in splits.iter().zip(2i32..) {
            let (leaf, fresh) = (!((split % leaves as usize) as i32), links.len() as i32);
            for (left, right) in &mut links {
                [left, right].into_iter().filter(|link| **link == leaf).for_each(|link| *link = fresh);
            }
            links.push((leaf, !leaves));
        }
        links
    }

    proptest! {
        /// One pass and following every link agree, on trees and on what one changed link makes of them.
        #[test]
        fn one_pass_proves_what_following_proves(
            splits in prop::collection::vec(0usize..40, 0..20),
            changed in prop::option::of((0usize..20, -22i32..22)),
        ) {
            let mut links = grown(&splits);
            if let Some((place, link)) = changed {
                let count = links.len();
                links[place % count].0 = link;
            }
            let nodes: Vec<Node> = links.into_iter().map(node).collect();
            let leaves = nodes.len() + 1;
            let followed = depth_of(&nodes, leaves);
            match depth_in_order(&nodes, leaves) {
                Some(depth) => prop_assert_eq!(followed, Ok(depth)),
                None => prop_assert!(changed.is_some(), "a tree in order is not seen as one"),
            }
        }
    }
}
