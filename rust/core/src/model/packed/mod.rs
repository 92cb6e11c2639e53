//! The packed engine: for one record, and for small batches.
//!
//! In: models and blocks of rows. Out: raw outputs equal to the golden engine's, to the bit (law 3). Every value is
//! turned into its rank among the cuts of all models, once ([`codes`]); the trees are walked over ranks, several at
//! once (the kernel `forest`). A rank keeps every comparison, and sums are made in the golden order and precision.

mod codes;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use creditcore_kernels::forest::{Branch, Forest, MOST_BRANCHES, MOST_VIEWS};

use self::codes::{Codes, Room};
use super::engine::{Block, Bound, Engine, Precision};
use super::ensemble::{Ensemble, Library, Test};
use super::golden::Golden;
use crate::error::{Error, Result};
use crate::exec::{Control, parallel};

/// Codes of categories that sets are packed for.
const MOST_CODES: u32 = 1 << 13;
/// Words of all sets of a model.
const MOST_WORDS: usize = 1 << 21;
/// Words of all sets of a fleet: 64 MiB.
const MOST_FLEET_WORDS: usize = 1 << 23;
/// Rows that are walked together: their codes stay in the nearest cache.
const ROWS: usize = 64;

/// Why a model cannot be packed.
pub(super) fn refuses(ensemble: &Ensemble) -> Option<String> {
    if let Some(why) = ensemble.extra.refusal() {
        return Some(why);
    }
    let mut words = 0;
    for (number, tree) in ensemble.trees.iter().enumerate() {
        if tree.nodes.len() > MOST_BRANCHES {
            return Some(format!("tree {number} has more than {MOST_BRANCHES} nodes"));
        }
        for node in &tree.nodes {
            let Test::Category { first, count, .. } = node.test() else { continue };
            let highest = tree.members(first, count).last().copied().unwrap_or(0);
            if highest >= MOST_CODES {
                return Some(format!(
                    "tree {number} tests the category {highest}; codes below {MOST_CODES} are packed"
                ));
            }
            words += highest as usize / 64 + 2;
        }
    }
    if words > MOST_WORDS {
        return Some(format!("its sets of categories fill {words} words; at most {MOST_WORDS} are packed"));
    }
    let features = ensemble.features.iter().filter(|feature| feature.splits > 0).count();
    let most = (MOST_VIEWS - 1) / codes::TAKES;
    (features > most).then(|| format!("it tests {features} features; at most {most} are packed"))
}

/// The packed engine.
pub(super) struct Packed {
    codes: Codes,
    models: Vec<Model>,
    /// Codes of rows, kept between calls.
    spare: Mutex<Vec<Scratch>>,
}

enum Model {
    Packed {
        forest: Forest,
        base: Vec<f64>,
    },
    /// One for whose views or sets there is no room beside those of the models before it.
    Golden(Golden),
}

#[derive(Default)]
struct Scratch {
    codes: Vec<u32>,
    ranks: Vec<u32>,
}

impl Packed {
    /// Packs models that are not refused.
    ///
    /// # Errors
    /// A request to stop.
    pub(super) fn new(bound: &[Bound], threads: usize, control: &Control) -> Result<Self> {
        Self::within(bound, &Room { views: MOST_VIEWS, words: MOST_FLEET_WORDS }, threads, control)
    }

    fn within(bound: &[Bound], room: &Room, threads: usize, control: &Control) -> Result<Self> {
        let (codes, places) = Codes::of(bound, room);
        let made: Vec<Mutex<Option<Model>>> = bound.iter().map(|_| Mutex::new(None)).collect();
        parallel(
            threads,
            bound.len(),
            || Ok(()),
            |(), task| {
                control.check()?;
                let model = match &places[task] {
                    Some(places) => pack(&codes, places, &bound[task], control)?,
                    None => Model::Golden(Golden::new(vec![bound[task].clone()])),
                };
                *made[task].lock().unwrap_or_else(PoisonError::into_inner) = Some(model);
                Ok(())
            },
        )?;
        let models =
            made.into_iter().filter_map(|model| model.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(Self { codes, models: models.collect(), spare: Mutex::default() })
    }

    fn scratch(&self) -> Scratch {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }
}

fn pack(codes: &Codes, places: &[usize], model: &Bound, control: &Control) -> Result<Model> {
    let ensemble = &*model.ensemble;
    let mut forest = Forest::new(codes.views(), ensemble.outputs(), ensemble.library == Library::XgBoost);
    forest.reserve(ensemble.trees.len(), ensemble.trees.iter().map(|tree| tree.nodes.len()).sum());
    for tree in &ensemble.trees {
        control.check()?;
        let branch = |node: &super::ensemble::Node| {
            let (view, ask) = codes.test(places, tree, node);
            Branch { view, ask, left: node.left, right: node.right }
        };
        let branches: Vec<Branch> = tree.nodes.iter().map(branch).collect();
        forest.push(&branches, &tree.values, tree.output).map_err(Error::argument)?;
    }
    Ok(Model::Packed { forest, base: ensemble.base.clone() })
}

impl Engine for Packed {
    fn margins(
        &self,
        block: &Block,
        precision: Precision,
        control: &Control,
        outputs: &mut [&mut [f64]],
    ) -> Result<()> {
        let mut scratch = self.scratch();
        for start in (0..block.rows).step_by(ROWS) {
            control.check()?;
            let rows = ROWS.min(block.rows - start);
            let Scratch { codes, ranks } = &mut scratch;
            self.codes.read(block, start, rows, ranks, codes);
            for (model, sums) in self.models.iter().zip(&mut *outputs) {
                let Model::Packed { forest, base } = model else { continue };
                if !sums.is_empty() {
                    let width = base.len();
                    let sums = &mut sums[start * width..][..rows * width];
                    sums.chunks_exact_mut(width).for_each(|sums| sums.copy_from_slice(base));
                    forest.add(codes, sums);
                }
            }
        }
        for (model, sums) in self.models.iter().zip(outputs) {
            if let Model::Golden(golden) = model {
                golden.margins(block, precision, control, &mut [&mut **sums])?;
            }
        }
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        Ok(())
    }
}
