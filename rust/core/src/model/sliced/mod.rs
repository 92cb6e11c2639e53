//! The sliced engine: all models of a fleet, bit by bit, for many rows at a time.
//!
//! In: models, and blocks of rows. Out: their raw outputs, with the golden engine's bits, or as sums of integers
//! where speed matters more than the last digits. Law 3: leaves are the library's own, and so is the order of summands.
//!
//! What a model asks becomes numbers in [`question`]; columns get planes in [`layout`]; a tree gets short codes for its
//! leaves in [`codes`] and becomes a network in [`network`]; [`compile`] makes programs, and the kernels run them
//! (`creditcore_kernels::sliced`, where the algorithm is told; see also `docs/engines.md`).

mod codes;
mod compile;
mod fixed;
mod layout;
mod network;
mod question;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use creditcore_kernels::isa::Isa;
use creditcore_kernels::sliced::{Form, Planes, ROWS, Workspace};

use super::bins::Bins;
use super::engine::{Block, Bound, Engine, Precision};
use super::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::exec::Control;
use compile::Group;
use layout::NumberColumn;
use question::Column;

/// Rows of the blocks that it likes.
pub(super) const BLOCK_ROWS: usize = 2 * ROWS;

/// Why the engine cannot evaluate a model.
pub(super) fn refuses(ensemble: &Ensemble) -> Option<String> {
    if let Some(why) = ensemble.extra.refusal() {
        return Some(why);
    }
    for (number, tree) in ensemble.trees.iter().enumerate() {
        if tree.values.len() > network::MOST_LEAVES {
            let (leaves, most) = (tree.values.len(), network::MOST_LEAVES);
            return Some(format!("tree {number} has {leaves} leaves; at most {most} are sliced"));
        }
        if let Some(why) = tree.nodes.iter().find_map(|node| question::refusal(ensemble.library, node)) {
            return Some(format!("tree {number}: {why}"));
        }
    }
    None
}

/// The sliced engine.
pub(super) struct Sliced {
    /// How many outputs each model has.
    widths: Vec<usize>,
    groups: Vec<Group>,
    /// The ranks of the bins that came first, which are a fleet's own: no call brings others.
    ranks_of: OnceLock<RanksOf>,
    /// Memory of threads that are not at work.
    spare: Mutex<Vec<Memory>>,
}

/// For each group, column and bin the rank among the column's cuts.
struct RanksOf {
    bins: Arc<Bins>,
    ranks: Vec<Vec<Vec<u16>>>,
}

/// What a thread works in.
struct Memory {
    planes: Planes,
    /// The ranks of a block, column after column.
    ranks: Vec<u16>,
    positions: Vec<[u32; ROWS]>,
    workspace: Workspace,
}

impl Sliced {
    /// Compiles models that are not refused.
    ///
    /// # Errors
    /// `CREDITCORE_ISA` names no instruction set, or a request to stop.
    pub(super) fn new(models: &[Bound], threads: usize, control: &Control) -> Result<Self> {
        let form = Form::of(Isa::active().map_err(Error::argument)?);
        Self::with_form(form, models, threads, control)
    }

    /// Compiles models for a form.
    fn with_form(form: Form, models: &[Bound], threads: usize, control: &Control) -> Result<Self> {
        let groups = compile::compile(form, models, threads, control)?;
        let widths = models.iter().map(|model| model.ensemble.outputs()).collect();
        Ok(Self { widths, groups, ranks_of: OnceLock::new(), spare: Mutex::default() })
    }

    /// For each group, column and bin of a block the rank; none where it came as values, or as bins of another fleet.
    fn ranks_of(&self, block: &Block) -> Option<&[Vec<Vec<u16>>]> {
        let bins = block.bins.as_ref()?;
        let known = self.ranks_of.get_or_init(|| RanksOf {
            bins: bins.clone(),
            ranks: self.groups.iter().map(|group| ranks_of(group, bins)).collect(),
        });
        Arc::ptr_eq(&known.bins, bins).then_some(&known.ranks)
    }

    /// Memory for a thread.
    fn memory(&self) -> Memory {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| {
            let most = |of: fn(&Group) -> usize| self.groups.iter().map(of).max().unwrap_or(0);
            Memory {
                planes: Planes::new(most(|group| group.planes).max(2)),
                ranks: Vec::new(),
                positions: vec![[0; ROWS]; most(|group| group.layout.categories.len())],
                workspace: Workspace::new(),
            }
        })
    }
}

impl Engine for Sliced {
    fn margins(
        &self,
        block: &Block,
        precision: Precision,
        control: &Control,
        outputs: &mut [&mut [f64]],
    ) -> Result<()> {
        let mut memory = self.memory();
        let fast = precision == Precision::Fast;
        let of_bins = self.ranks_of(block);
        for (number, group) in self.groups.iter().enumerate() {
            rank(group, block, of_bins.map(|of| &of[number][..]), &mut memory.ranks);
            for start in (0..block.rows).step_by(ROWS) {
                let rows = ROWS.min(block.rows - start);
                control.check()?;
                read(group, block, start, rows, &mut memory);
                for program in &group.programs {
                    let width = self.widths[program.model];
                    let all = &mut outputs[program.model];
                    if all.is_empty() {
                        continue;
                    }
                    let part = &mut all[start * width..][..rows * width];
                    let Memory { planes, positions, workspace, .. } = &mut memory;
                    for segment in &program.segments {
                        segment.run(planes, positions, workspace, fast, width, part);
                    }
                }
            }
        }
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        Ok(())
    }
}

/// Finds the ranks of all rows of a block: each column's cuts come into the caches once.
fn rank(group: &Group, block: &Block, of_bins: Option<&[Vec<u16>]>, ranks: &mut Vec<u16>) {
    ranks.resize(group.layout.numbers.len() * block.rows, 0);
    let parts = ranks.chunks_exact_mut(block.rows.max(1));
    for (number, (column, ranks)) in group.layout.numbers.iter().zip(parts).enumerate() {
        let slot = column.slot as usize;
        match of_bins.map(|of| &of[number]).filter(|of| !of.is_empty()) {
            Some(of) => {
                let codes = block.codes[slot][..block.rows].iter();
                ranks.iter_mut().zip(codes).for_each(|(rank, &code)| *rank = of[usize::from(code)]);
            }
            None => column.numbers.rank(&block.values(slot, 0..block.rows), ranks),
        }
    }
}

/// For each column of a group and bin the rank of the value that stands for it; none for a column without bins.
fn ranks_of(group: &Group, bins: &Bins) -> Vec<Vec<u16>> {
    let of_column = |column: &NumberColumn| {
        let values = bins.values(column.slot as usize).unwrap_or_default();
        let mut ranks = vec![0; values.len()];
        column.numbers.rank(values, &mut ranks);
        ranks
    };
    group.layout.numbers.iter().map(of_column).collect()
}

/// Turns the inputs of some rows into planes.
fn read(group: &Group, block: &Block, start: usize, rows: usize, memory: &mut Memory) {
    for (column, ranks) in group.layout.numbers.iter().zip(memory.ranks.chunks_exact(block.rows)) {
        column.numbers.write(&ranks[start..][..rows], &mut memory.planes);
    }
    for (category, positions) in group.layout.categories.iter().zip(&mut memory.positions) {
        let Column::Categories { slot, library } = category.column else { continue };
        let values = block.values(slot as usize, start..start + rows);
        category.codes.find(&values, |value| library.code(value), positions);
    }
}
