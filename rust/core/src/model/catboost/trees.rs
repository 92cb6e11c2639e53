//! CatBoost's trees, symmetric ones and others.
//!
//! In: the tests of a model by number, and trees as lists of these numbers with values and weights of their leaves.
//! Out: [`Tree`]s; where a model has several outputs, a tree for each of them. A test `x > border` is the other side
//! of `x <= border`, so the right child is the one where the test holds.

use crate::model::ensemble::{Missing, Node, Test, Tree};

/// The deepest symmetric tree.
const DEEPEST: usize = 24;

/// A test of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Split {
    /// Whether a number lies above a border.
    Above { feature: u32, border: f32, missing_above: bool },
    /// Whether a category has a code.
    Is { feature: u32, code: u32 },
}

impl Split {
    fn feature(self) -> u32 {
        match self {
            Self::Above { feature, .. } | Self::Is { feature, .. } => feature,
        }
    }

    /// The test, and the set that it needs.
    fn test(self, categories: &mut Vec<u32>) -> Test {
        match self {
            Self::Above { border, missing_above, .. } => {
                Test::Number { cut: f64::from(border), missing: Missing::Nan, missing_left: !missing_above }
            }
            Self::Is { code, .. } => {
                let first = categories.iter().position(|known| *known == code).unwrap_or_else(|| {
                    categories.push(code);
                    categories.len() - 1
                });
                Test::Category { first: first as u32, count: 1, members_left: false, missing_left: true }
            }
        }
    }
}

/// Values and weights of a tree's leaves; `values` holds as many for each leaf as there are outputs.
pub(super) struct Leaves<'a> {
    pub(super) values: &'a [f64],
    /// Empty where the file does not tell them.
    pub(super) weights: &'a [f64],
}

impl Leaves<'_> {
    fn weight(&self, number: usize) -> f64 {
        self.weights.get(number).copied().unwrap_or(f64::NAN)
    }
}

/// A symmetric tree: the bit of a leaf's number at place `i` says whether test `i` holds.
///
/// The last test stands at the root, as in the library's own conversion; contributions depend on it.
pub(super) fn symmetric(splits: &[Split], leaves: &Leaves<'_>, outputs: usize) -> Result<Vec<Tree>, String> {
    if splits.len() > DEEPEST {
        return Err(format!("it is {} levels deep; at most {DEEPEST} are read", splits.len()));
    }
    let ends = 1usize << splits.len();
    if leaves.values.len() != ends * outputs {
        let found = leaves.values.len();
        return Err(format!("{found} values for {ends} leaves and {outputs} outputs"));
    }
    let (mut nodes, mut categories) = (Vec::with_capacity(ends - 1), Vec::new());
    for (level, split) in splits.iter().rev().enumerate() {
        let test = split.test(&mut categories);
        for place in (1usize << level) - 1..(2usize << level) - 1 {
            let child = |next: usize| if next < ends - 1 { next as i32 } else { !((next + 1 - ends) as i32) };
            let (left, right) = (child(2 * place + 1), child(2 * place + 2));
            nodes.push(Node::new(split.feature(), test, left, right));
        }
    }
    (0..outputs).map(|output| finished(&nodes, &categories, leaves, ends, output, outputs)).collect()
}

/// The tree of an output, its nodes weighed from the leaves up. Children stand behind their parents.
fn finished(
    nodes: &[Node],
    categories: &[u32],
    leaves: &Leaves<'_>,
    ends: usize,
    output: usize,
    outputs: usize,
) -> Result<Tree, String> {
    let values = (0..ends).map(|number| leaves.values[number * outputs + output]).collect();
    let mut covers = vec![f64::NAN; nodes.len()];
    covers.extend((0..ends).map(|number| leaves.weight(number)));
    for (place, node) in nodes.iter().enumerate().rev() {
        let cover = |child: i32| {
            let place = usize::try_from(child).unwrap_or_else(|_| nodes.len() + !child as usize);
            covers.get(place).copied().unwrap_or(f64::NAN)
        };
        covers[place] = cover(node.left) + cover(node.right);
    }
    Tree::new(nodes.to_vec(), values, covers, categories.to_vec(), output as u32)
}

/// A step of a tree that is not symmetric: how far it is to either child, and the leaf where it stops.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    /// Zero ends the way in this step's own leaf.
    pub(super) left: usize,
    pub(super) right: usize,
    /// The number of its leaf in the tree.
    pub(super) leaf: usize,
    /// Its test; of no matter where both ways end.
    pub(super) split: Option<Split>,
}

/// A tree of steps, which stand behind their parents.
pub(super) fn of_steps(steps: &[Step], leaves: &Leaves<'_>, outputs: usize) -> Result<Vec<Tree>, String> {
    let ends = leaves.values.len() / outputs;
    // A step's place among those that test.
    let mut places = Vec::with_capacity(steps.len());
    let mut inner = 0;
    for step in steps {
        places.push(inner);
        inner += usize::from(step.left + step.right > 0);
    }
    let (mut nodes, mut categories) = (Vec::with_capacity(inner), Vec::new());
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.left + step.right > 0) {
        let child = |distance: usize| -> Result<i32, String> {
            let next = steps
                .get(number + distance)
                .ok_or_else(|| format!("step {number} leads {distance} steps on, behind the last"))?;
            let leaf = if distance == 0 { step.leaf } else { next.leaf };
            Ok(if distance == 0 || next.left + next.right == 0 {
                !(leaf.min(ends) as i32)
            } else {
                places[number + distance] as i32
            })
        };
        let split = step.split.ok_or_else(|| format!("step {number} has no test"))?;
        let (left, right) = (child(step.left)?, child(step.right)?);
        nodes.push(Node::new(split.feature(), split.test(&mut categories), left, right));
    }
    (0..outputs).map(|output| finished(&nodes, &categories, leaves, ends, output, outputs)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ensemble::Library;
    use crate::model::golden::leaf_of;

    fn above(feature: u32, border: f32) -> Split {
        Split::Above { feature, border, missing_above: false }
    }

    #[test]
    fn a_leaf_of_a_symmetric_tree_has_the_bits_of_its_tests() {
        let splits = [above(0, 0.5), above(1, 0.5), Split::Is { feature: 2, code: 3 }];
        let values: Vec<f64> = (0..16).map(f64::from).collect();
        let leaves = Leaves { values: &values, weights: &[1.0; 8] };
        let trees = symmetric(&splits, &leaves, 2).expect("two trees");
        for number in 0..8u8 {
            let value = |feature: u32| match (feature, number >> feature & 1) {
                (2, 1) => 3.0,
                (2, _) => -1.0,
                (_, bit) => f64::from(bit),
            };
            for (output, tree) in trees.iter().enumerate() {
                let leaf = leaf_of(Library::CatBoost, tree, value);
                assert_eq!(tree.number(leaf), i32::from(number));
                assert_eq!(tree.values[leaf], f64::from(number) * 2.0 + output as f64);
            }
        }
        assert_eq!(trees[0].cover(0), 8.0);
        assert!(symmetric(&splits[1..], &leaves, 1).is_err());
    }

    #[test]
    fn steps_must_make_a_tree() {
        let step = |left, right, leaf| Step { left, right, leaf, split: Some(above(0, 0.0)) };
        let leaves = Leaves { values: &[1.0, 2.0], weights: &[] };
        // The left way ends in the step itself.
        let trees = of_steps(&[step(0, 1, 0), step(0, 0, 1)], &leaves, 1).expect("a tree");
        assert_eq!(leaf_of(Library::CatBoost, &trees[0], |_| 0.0), 0);
        assert_eq!(leaf_of(Library::CatBoost, &trees[0], |_| 1.0), 1);
        assert!(of_steps(&[step(0, 7, 0), step(0, 0, 1)], &leaves, 1).is_err());
        assert!(of_steps(&[step(1, 1, 0), step(0, 0, 1)], &leaves, 1).is_err());
        assert!(of_steps(&[step(0, 1, 5), step(0, 0, 1)], &leaves, 1).is_err());
    }
}
