//! Contributions of the features to one raw output: exact Shapley values of the trees.
//!
//! In: a model and rows. Out: for each row and output a number for each feature, and last the base; they add up
//! to the raw output. The algorithm is the path-dependent one of Lundberg, Erion and Lee, *Consistent
//! Individualized Feature Attribution for Tree Ensembles* (arXiv:1802.03888), algorithm 2, in f64: a node that is
//! not known splits its weight between its children as the training rows (LightGBM's counts, XGBoost's
//! hessians) did.

use super::engine::{Block, Bound};
use super::ensemble::{Ensemble, Library, Node, Tree};
use super::golden::goes_left;
use crate::error::Result;
use crate::exec::Control;

/// The deepest tree that contributions are computed of: their cost grows with the square of the depth.
const DEEPEST: usize = 1024;

/// Why contributions of a model cannot be computed.
pub(super) fn refusal(ensemble: &Ensemble) -> Option<String> {
    if !ensemble.extra.lines.is_empty() {
        return Some("its leaves hold linear functions, of which the library tells none either".to_owned());
    }
    if !ensemble.extra.computed.is_empty() {
        return Some("its trees test features that are computed from several categories (CTR)".to_owned());
    }
    for (index, tree) in ensemble.trees.iter().enumerate() {
        if tree.depth > DEEPEST {
            return Some(format!(
                "tree {index} is {} levels deep; at most {DEEPEST} are followed",
                tree.depth
            ));
        }
        if !tree.nodes.is_empty() && !tree.covers().all(|cover| cover >= 0.0 && cover.is_finite()) {
            return Some(format!(
                "tree {index} lacks the weights of its nodes (`leaf_count` and `internal_count`, `sum_hessian`, or \
                 `leaf_weights`)"
            ));
        }
    }
    None
}

/// What the features contribute to each output, row by row: `out` holds rows x outputs x (features + 1).
pub(super) fn contributions(model: &Bound, block: &Block, control: &Control, out: &mut [f64]) -> Result<()> {
    let ensemble = &model.ensemble;
    let width = ensemble.features.len() + 1;
    let bases: Vec<f64> = ensemble.trees.iter().map(expected).collect();
    for (row, out) in out.chunks_mut(width * ensemble.outputs()).enumerate() {
        control.check()?;
        out.fill(0.0);
        for (output, base) in ensemble.base.iter().enumerate() {
            let out = &mut out[output * width..][..width];
            out[width - 1] = *base;
            if let Some(linear) = &ensemble.extra.linear {
                linear.contributions(output, *base, |feature| model.value(block, feature, row), out);
            }
        }
        for (tree, base) in ensemble.trees.iter().zip(&bases) {
            let out = &mut out[tree.output as usize * width..][..width];
            out[width - 1] += base;
            if !tree.nodes.is_empty() {
                let value = |feature| model.value(block, feature, row);
                let mut walk = Walk { library: ensemble.library, tree, value: &value, out };
                walk.visit(0, &[], Step { feature: None, zero: 1.0, one: 1.0 });
            }
        }
        finish(ensemble, width, out);
    }
    Ok(())
}

/// What a scale and a bias do with contributions: they are linear, so the parts stay parts.
fn finish(ensemble: &Ensemble, width: usize, out: &mut [f64]) {
    let Some(finish) = &ensemble.extra.finish else { return };
    for (part, bias) in out.chunks_mut(width).zip(&finish.bias) {
        part.iter_mut().for_each(|value| *value *= finish.scale);
        part[width - 1] += bias;
    }
}

/// The mean of a tree's leaves by the rows that came to them.
fn expected(tree: &Tree) -> f64 {
    if tree.nodes.is_empty() {
        return tree.values[0];
    }
    if tree.cover(0) == 0.0 {
        return 0.0;
    }
    // Children stand behind no particular parent: weigh from the root down.
    let mut sum = 0.0;
    let mut open = vec![(0i32, 1.0)];
    while let Some((at, share)) = open.pop() {
        match usize::try_from(at) {
            Err(_) => sum += share * tree.values[!at as usize],
            Ok(node) => {
                let Node { left, right, .. } = tree.nodes[node];
                open.extend([left, right].map(|child| (child, share * part(tree, at, child))));
            }
        }
    }
    sum
}

/// Which part of a node's weight went to a child.
fn part(tree: &Tree, node: i32, child: i32) -> f64 {
    let whole = tree.cover(node);
    if whole == 0.0 { 0.0 } else { tree.cover(child) / whole }
}

/// One feature on the way: which part of the paths flows through where it is unknown, and where it is known.
#[derive(Clone, Copy, Debug)]
struct Step {
    feature: Option<u32>,
    zero: f64,
    one: f64,
}

/// A step, and the weight of the subsets that hold as many features as steps stand before it.
#[derive(Clone, Copy, Debug)]
struct Weighed {
    step: Step,
    weight: f64,
}

struct Walk<'a, V> {
    library: Library,
    tree: &'a Tree,
    value: &'a V,
    out: &'a mut [f64],
}

impl<V: Fn(u32) -> f64> Walk<'_, V> {
    fn visit(&mut self, at: i32, way: &[Weighed], step: Step) {
        let mut way = way.to_vec();
        extend(&mut way, step);
        let Ok(number) = usize::try_from(at) else {
            let value = self.tree.values[!at as usize];
            for place in 1..way.len() {
                let Step { feature, zero, one } = way[place].step;
                if let Some(feature) = feature {
                    self.out[feature as usize] += unwound_sum(&way, place) * (one - zero) * value;
                }
            }
            return;
        };
        let node = self.tree.nodes[number];
        let left = goes_left(self.library, self.tree, &node, (self.value)(node.feature));
        let (hot, cold) = if left { (node.left, node.right) } else { (node.right, node.left) };
        // A feature that was met before is taken back, so that it counts once.
        let (mut zero, mut one) = (1.0, 1.0);
        if let Some(place) = way.iter().position(|seen| seen.step.feature == Some(node.feature)) {
            (zero, one) = (way[place].step.zero, way[place].step.one);
            unwind(&mut way, place);
        }
        let feature = Some(node.feature);
        self.visit(hot, &way, Step { feature, zero: zero * part(self.tree, at, hot), one });
        self.visit(cold, &way, Step { feature, zero: zero * part(self.tree, at, cold), one: 0.0 });
    }
}

/// Adds a step to a way (EXTEND of the paper).
fn extend(way: &mut Vec<Weighed>, step: Step) {
    let length = way.len();
    way.push(Weighed { step, weight: if length == 0 { 1.0 } else { 0.0 } });
    let steps = (length + 1) as f64;
    for place in (0..length).rev() {
        way[place + 1].weight += step.one * way[place].weight * (place + 1) as f64 / steps;
        way[place].weight = step.zero * way[place].weight * (length - place) as f64 / steps;
    }
}

/// Takes a step back (UNWIND of the paper).
fn unwind(way: &mut Vec<Weighed>, taken: usize) {
    let last = way.len() - 1;
    let Step { zero, one, .. } = way[taken].step;
    let mut next = way[last].weight;
    for place in (0..last).rev() {
        let weight = way[place].weight;
        way[place].weight = unwound(weight, &mut next, place, last, zero, one);
    }
    for place in taken..last {
        way[place].step = way[place + 1].step;
    }
    way.pop();
}

/// The sum of the weights that a way would have without one of its steps.
fn unwound_sum(way: &[Weighed], taken: usize) -> f64 {
    let last = way.len() - 1;
    let Step { zero, one, .. } = way[taken].step;
    let mut next = way[last].weight;
    (0..last).rev().map(|place| unwound(way[place].weight, &mut next, place, last, zero, one)).sum()
}

/// One weight without the step of the parts `zero` and `one`; `next` is what the step of the place behind left.
fn unwound(weight: f64, next: &mut f64, place: usize, last: usize, zero: f64, one: f64) -> f64 {
    let steps = (last + 1) as f64;
    if one != 0.0 {
        let found = *next * steps / ((place + 1) as f64 * one);
        *next = weight - found * zero * (last - place) as f64 / steps;
        found
    } else if zero != 0.0 {
        weight * steps / (zero * (last - place) as f64)
    } else {
        // No path flows through here, known or not.
        0.0
    }
}
