//! The golden engine: slow, readable, exact; every other engine must equal it.
//!
//! In: models and blocks of rows. Out: raw outputs with the training library's own bits, and the leaf of every
//! tree. Law 3: LightGBM sums doubles from zero in the order of the trees; XGBoost sums f32 in that order,
//! starting from the base margin; CatBoost sums doubles from zero. What is beside trees is in [`super::extra`].

use std::borrow::Cow;

use super::engine::{Block, Bound, Engine, Precision, UNUSED};
use super::ensemble::{Ensemble, Library, Missing, Node, Test, Tree};
use crate::error::Result;
use crate::exec::Control;

/// Rows between two looks at a request to stop.
const ROWS_PER_CHECK: usize = 64;

/// Whether a node sends a value to the left. `value` is as [`Library::narrow`] gives it; NaN is missing.
pub(super) fn goes_left(library: Library, tree: &Tree, node: &Node, value: f64) -> bool {
    match node.test() {
        Test::Number { cut, missing, missing_left } => {
            let is_missing = match missing {
                Missing::Nothing => false,
                Missing::Zero => value.is_nan() || library.narrow(value) == 0.0,
                Missing::Nan => value.is_nan(),
            };
            // Where NaN is not missing it is zero.
            let value = if value.is_nan() { 0.0 } else { value };
            if is_missing { missing_left } else { value <= cut }
        }
        Test::Category { missing_left, .. } if value.is_nan() => missing_left,
        Test::Category { first, count, members_left, .. } => {
            let members = tree.members(first, count);
            let member = library.code(value).is_some_and(|code| members.binary_search(&code).is_ok());
            member == members_left
        }
    }
}

/// The leaf that a row ends in, as a position in [`Tree::values`]. `value` gives the value of a feature.
pub(super) fn leaf_of(library: Library, tree: &Tree, value: impl Fn(u32) -> f64) -> usize {
    let mut at = if tree.nodes.is_empty() { !0 } else { 0 };
    while at >= 0 {
        let node = &tree.nodes[at as usize];
        at = if goes_left(library, tree, node, value(node.feature)) { node.left } else { node.right };
    }
    !at as usize
}

/// The golden engine.
pub(super) struct Golden {
    models: Vec<Bound>,
}

impl Golden {
    pub(super) fn new(models: Vec<Bound>) -> Self {
        Self { models }
    }
}

impl Engine for Golden {
    fn margins(
        &self,
        block: &Block,
        _precision: Precision,
        control: &Control,
        outputs: &mut [&mut [f64]],
    ) -> Result<()> {
        for (model, outputs) in self.models.iter().zip(outputs) {
            let width = model.ensemble.outputs();
            for (part, sums) in outputs.chunks_mut(ROWS_PER_CHECK * width).enumerate() {
                control.check()?;
                let start = part * ROWS_PER_CHECK;
                sum_trees(&model.ensemble, &model.columns(block, start, sums.len() / width), sums);
            }
        }
        Ok(())
    }
}

impl Bound {
    /// The values of each feature in some rows; none of those that no node tests.
    fn columns<'a>(&self, block: &'a Block, start: usize, rows: usize) -> Vec<Cow<'a, [f64]>> {
        let column = |&slot: &u32| match slot {
            UNUSED => Cow::Borrowed(&[][..]),
            slot => block.values(slot as usize, start..start + rows),
        };
        self.slots.iter().map(column).collect()
    }

    /// The value of a feature in a row.
    pub(super) fn value(&self, block: &Block, feature: u32, row: usize) -> f64 {
        block.value(self.slots[feature as usize] as usize, row)
    }
}

/// Sums the trees over some rows, each row in the order of the trees.
fn sum_trees(ensemble: &Ensemble, columns: &[Cow<'_, [f64]>], sums: &mut [f64]) {
    let (library, outputs) = (ensemble.library, ensemble.outputs());
    sums.chunks_mut(outputs).for_each(|sums| sums.copy_from_slice(&ensemble.base));
    if let Some(linear) = &ensemble.extra.linear {
        for (row, sums) in sums.chunks_mut(outputs).enumerate() {
            for (output, sum) in sums.iter_mut().enumerate() {
                *sum = linear.value(output, *sum, |feature| columns[feature as usize][row]);
            }
        }
    }
    for (number, tree) in ensemble.trees.iter().enumerate() {
        for (row, sums) in sums.chunks_mut(outputs).enumerate() {
            let value = |feature: u32| columns[feature as usize][row];
            let end = leaf_of(library, tree, value);
            let line = ensemble.extra.line(number, end).and_then(|line| line.value(value));
            let leaf = line.unwrap_or(tree.values[end]);
            let sum = &mut sums[tree.output as usize];
            *sum = match library {
                Library::LightGbm | Library::CatBoost => *sum + leaf,
                Library::XgBoost => f64::from(*sum as f32 + leaf as f32),
            };
        }
    }
}

/// Writes the library's number of the leaf of every tree, row by row.
pub(super) fn leaves(model: &Bound, block: &Block, control: &Control, out: &mut [i32]) -> Result<()> {
    let ensemble = &model.ensemble;
    for (row, out) in out.chunks_mut(ensemble.own_trees().max(1)).enumerate() {
        if row % ROWS_PER_CHECK == 0 {
            control.check()?;
        }
        for (tree, out) in ensemble.trees.iter().step_by(ensemble.extra.copies).zip(out) {
            let value = |feature| model.value(block, feature, row);
            *out = tree.number(leaf_of(model.ensemble.library, tree, value));
        }
    }
    Ok(())
}
