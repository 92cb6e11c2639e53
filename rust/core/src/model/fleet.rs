//! A fleet: models that are evaluated together, each column of a frame read once for all of them.
//!
//! In: models by name, and frames. Out: raw outputs or predictions, leaves, contributions, categories that no
//! model knows. Work is cut into blocks of rows; no result depends on the cuts or on the threads (law 2), and
//! each row's result depends on that row alone (law 4).

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError};

use super::applies::applies;
use super::binding::{Columns, Inputs, Rows};
use super::choice::{Chosen, Engines, Reason};
use super::engine::{Block, Bound, ENGINES, Precision};
use super::ensemble::{Categories, Ensemble, Library};
use super::input::Unseen;
use super::outputs::{
    Column, Layout, Matrix, Output, blank, columns, cut_outputs, output_names, room, split, spread, transform,
};
use super::record::Record;
use super::{golden, shap};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::expr::Expression;

/// Rows of one block where no engine says how many it likes.
const BLOCK_ROWS: usize = 1024;
/// Rows of the smallest blocks into which a call is cut for several threads.
const FEWEST_ROWS: usize = 64;

/// Rows times trees of a call that takes some milliseconds.
const BRIEF: usize = 1 << 20;

/// A model of a fleet, as it is declared.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name: that of its output column.
    pub name: String,
    /// What it computes.
    pub ensemble: Arc<Ensemble>,
    /// Where it finds its features.
    pub columns: Columns,
    /// The rows that it applies to; all of them without a condition. Elsewhere its predictions are null.
    pub applies_to: Option<Expression>,
}

/// Models that are evaluated together. Immutable, and safe to use from many threads.
pub struct Fleet {
    pub(super) models: Vec<Model>,
    pub(super) inputs: Inputs,
    pub(super) engines: Engines,
    pub(super) record: Record,
}

impl Fleet {
    /// A fleet of models; `engine` forces one.
    ///
    /// # Errors
    /// Two models of one name, a list of columns that does not fit a model, an engine that there is not.
    pub fn new(models: Vec<Model>, engine: Option<&str>) -> Result<Self> {
        let (mut inputs, mut bound) = (Inputs::default(), Vec::new());
        let mut names = HashSet::new();
        for (number, model) in models.iter().enumerate() {
            if let Some(twice) = output_names(model).find(|name| !names.insert(name.clone())) {
                return Err(Error::argument(format!("two outputs are called `{twice}`; rename a model")));
            }
            bound.push(Bound { ensemble: model.ensemble.clone(), slots: inputs.of_model(number, model)? });
        }
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        let engines = Engines::new(&ENGINES, &names, bound, engine)?;
        let record = Record::new(&models, &inputs);
        Ok(Self { models, inputs, engines, record })
    }

    /// The models, in order.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The names of the outputs, in order.
    pub fn output_names(&self) -> Vec<String> {
        self.models.iter().flat_map(output_names).collect()
    }

    /// What each engine says of each model, for calls of `rows` rows or of any number.
    pub fn engines(&self, rows: Option<u64>) -> Vec<Vec<Reason>> {
        (0..self.models.len()).map(|model| self.engines.reasons(model, rows)).collect()
    }

    /// Builds the engines that are the best for calls of `rows` rows, or of any number, so that no call has to.
    ///
    /// # Errors
    /// A request to stop.
    pub fn prepare(&self, rows: Option<u64>, threads: usize, control: &Control) -> Result<()> {
        self.engines.prepare(rows, threads, control)
    }

    /// Whether a call of some rows ends so soon that nobody needs to be able to stop it: nothing has to be built, and
    /// there are few trees to walk.
    pub fn is_brief(&self, rows: usize, precision: Precision) -> bool {
        let trees: usize = self.models.iter().map(|model| model.ensemble.trees.len()).sum();
        rows.saturating_mul(trees) <= BRIEF && self.engines.are_built(rows as u64, precision)
    }

    /// The outputs of every model.
    ///
    /// # Errors
    /// A column that is missing or of a wrong type, a model without predictions, a request to stop.
    pub fn predict(
        &self,
        rows: &Rows,
        output: Output,
        precision: Precision,
        threads: usize,
        control: &Control,
    ) -> Result<Vec<Column>> {
        self.require(output)?;
        let applies = applies(&self.models, rows, threads, control)?;
        let (widths, total) = (self.widths(), rows.count());
        let chosen = self.engines.choose(total as u64, precision, threads, control)?;
        let most = block_rows(&chosen);
        let filled = self.fill(rows, &widths, most, threads, control, |block, parts| {
            self.evaluate(&chosen, block, output, precision, control, parts)
        })?;
        let named = self.models.iter().zip(filled).zip(&applies);
        Ok(named.flat_map(|((model, values), applies)| columns(model, values, applies.as_ref())).collect())
    }

    /// The outputs of every model, into an array of rows by outputs; NaN where a model does not apply.
    ///
    /// # Errors
    /// As [`Fleet::predict`], and an array of another size.
    pub fn predict_into(
        &self,
        rows: &Rows,
        (output, precision): (Output, Precision),
        (layout, out): (Layout, &mut [f64]),
        threads: usize,
        control: &Control,
    ) -> Result<()> {
        self.require(output)?;
        let (widths, total) = (self.widths(), rows.count());
        let outputs: usize = widths.iter().sum();
        if Some(out.len()) != total.checked_mul(outputs) {
            let text =
                format!("`out` holds {} numbers; {total} rows of {outputs} outputs are needed", out.len());
            return Err(Error::argument(text));
        }
        let applies = applies(&self.models, rows, threads, control)?;
        let chosen = self.engines.choose(total as u64, precision, threads, control)?;
        let (slices, of_slice): (Vec<&mut [f64]>, Vec<usize>) = match layout {
            Layout::Rows => (vec![&mut *out], vec![outputs]),
            Layout::Columns => (out.chunks_exact_mut(total.max(1)).collect(), vec![1; outputs]),
        };
        // Columns of models with one output are where the engines write anyway.
        let direct = layout == Layout::Columns && widths.iter().all(|&width| width == 1);
        self.fill_slices(
            rows,
            (slices, &of_slice),
            block_rows(&chosen),
            threads,
            control,
            |block, parts, spare| {
                if direct {
                    return self.evaluate(&chosen, block, output, precision, control, parts);
                }
                spare.resize(block.rows * outputs, 0.0);
                let mut found = split(spare, block.rows, &widths);
                self.evaluate(&chosen, block, output, precision, control, &mut found)?;
                spread(&found, &widths, layout, parts);
                Ok(())
            },
        )?;
        blank(&applies, &widths, layout, total, out);
        Ok(())
    }

    /// Refuses predictions of a model that has none.
    pub(super) fn require(&self, output: Output) -> Result<()> {
        let without = self.models.iter().find(|model| model.ensemble.link.is_none());
        match without.filter(|_| output == Output::Prediction) {
            None => Ok(()),
            Some(model) => {
                let text = format!(
                    "model `{}` gives its raw output alone: its objective `{}` is unknown",
                    model.name, model.ensemble.objective
                );
                Err(Error::model(Place::default(), text))
            }
        }
    }

    /// How many outputs each model has.
    pub(super) fn widths(&self) -> Vec<usize> {
        self.models.iter().map(|model| model.ensemble.outputs()).collect()
    }

    /// The outputs of all models for a block, model by model and row by row.
    pub(super) fn evaluate(
        &self,
        chosen: &[Chosen<'_>],
        block: &Block,
        output: Output,
        precision: Precision,
        control: &Control,
        parts: &mut [&mut [f64]],
    ) -> Result<()> {
        for chosen in chosen {
            let mut its: Vec<&mut [f64]> = Vec::with_capacity(chosen.models.len());
            let mut asked = chosen.models.iter().zip(&chosen.asked).peekable();
            for (number, part) in parts.iter_mut().enumerate() {
                if let Some((_, &asked)) = asked.next_if(|(model, _)| **model == number) {
                    its.push(if asked { part } else { &mut [] });
                }
            }
            chosen.engine.margins(block, precision, control, &mut its)?;
        }
        for (model, part) in self.models.iter().zip(parts.iter_mut()) {
            if let Some(finish) = &model.ensemble.extra.finish {
                finish.apply(part);
            }
        }
        if output == Output::Prediction {
            self.models.iter().zip(parts).for_each(|(model, part)| transform(&model.ensemble, part));
        }
        Ok(())
    }

    /// For every model the library's number of the leaf of each tree.
    ///
    /// # Errors
    /// A linear model, a column that is missing or of a wrong type, a request to stop.
    pub fn leaves(&self, rows: &Rows, threads: usize, control: &Control) -> Result<Vec<Matrix<i32>>> {
        if let Some(model) = self.models.iter().find(|model| model.ensemble.extra.linear.is_some()) {
            let text = format!("model `{}` is linear: it has no trees, so no leaves", model.name);
            return Err(Error::model(Place::default(), text));
        }
        let widths: Vec<usize> = self.models.iter().map(|model| model.ensemble.own_trees()).collect();
        let filled =
            self.fill(rows, &widths, BLOCK_ROWS, threads, control, |block, parts: &mut [&mut [i32]]| {
                let mut models = self.engines.bound().iter().zip(parts);
                models.try_for_each(|(model, part)| golden::leaves(model, block, control, part))
            })?;
        let matrix = |(index, values): (usize, Vec<i32>)| Matrix {
            name: self.models[index].name.clone(),
            shape: vec![widths[index]],
            values,
        };
        Ok(filled.into_iter().enumerate().map(matrix).collect())
    }

    /// For every model what each feature contributes to each raw output, and last the base.
    ///
    /// # Errors
    /// A model without the weights of its nodes, a column that is missing or of a wrong type, a request to stop.
    pub fn contributions(&self, rows: &Rows, threads: usize, control: &Control) -> Result<Vec<Matrix<f64>>> {
        for model in &self.models {
            if let Some(why) = shap::refusal(&model.ensemble) {
                let text = format!("model `{}` has no contributions: {why}", model.name);
                return Err(Error::model(Place::default(), text));
            }
        }
        let width = |model: &Model| model.ensemble.outputs() * (model.ensemble.features.len() + 1);
        let widths: Vec<usize> = self.models.iter().map(width).collect();
        let filled =
            self.fill(rows, &widths, BLOCK_ROWS, threads, control, |block, parts: &mut [&mut [f64]]| {
                let mut models = self.engines.bound().iter().zip(parts);
                models.try_for_each(|(model, part)| shap::contributions(model, block, control, part))
            })?;
        let matrix = |(model, values): (&Model, Vec<f64>)| {
            let (outputs, columns) = (model.ensemble.outputs(), model.ensemble.features.len() + 1);
            // As each library documents it: side by side, or an axis of their own.
            let shape = match (outputs, model.ensemble.library) {
                (1, _) => vec![columns],
                (_, Library::LightGbm) => vec![outputs * columns],
                (_, Library::XgBoost | Library::CatBoost) => vec![outputs, columns],
            };
            Matrix { name: model.name.clone(), shape, values }
        };
        Ok(self.models.iter().zip(filled).map(matrix).collect())
    }

    /// For every categorical input the values that its model does not know, and in how many rows: (model,
    /// feature, value, rows).
    ///
    /// # Errors
    /// A column that is missing or of a wrong type, a request to stop.
    pub fn unseen(&self, rows: &Rows, control: &Control) -> Result<Vec<(String, String, String, u64)>> {
        let positions = self.inputs.positions(&self.models, rows)?;
        let mut counts: BTreeMap<usize, Unseen> = BTreeMap::new();
        for batch in &rows.batches {
            control.check()?;
            self.inputs.count_unseen(&self.models, batch, &positions, &mut counts)?;
        }
        let mut found = Vec::new();
        for (model, bound) in self.models.iter().zip(self.engines.bound()) {
            for (feature, slot) in model.ensemble.features.iter().zip(&bound.slots) {
                let Some(unseen) = counts.get(&(*slot as usize)) else { continue };
                let row = |(value, rows): (&String, &u64)| {
                    (model.name.clone(), feature.name.clone(), value.clone(), *rows)
                };
                found.extend(unseen.iter().map(row));
            }
        }
        Ok(found)
    }

    /// Runs `work` on every block of at most `most` rows; it writes `widths[model]` numbers for each row and model.
    fn fill<T: Clone + Default + Send>(
        &self,
        rows: &Rows,
        widths: &[usize],
        most: usize,
        threads: usize,
        control: &Control,
        work: impl Fn(&Block, &mut [&mut [T]]) -> Result<()> + Sync,
    ) -> Result<Vec<Vec<T>>> {
        let mut outputs = Vec::with_capacity(widths.len());
        for width in widths {
            outputs.push(room(rows.count(), *width)?);
        }
        let slices = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.fill_slices(rows, (slices, widths), most, threads, control, |block, parts, _| {
            work(block, parts)
        })?;
        Ok(outputs)
    }

    /// The same into slices of `widths` numbers a row; `work` also has room of its own, which threads keep.
    fn fill_slices<T: Send>(
        &self,
        rows: &Rows,
        (slices, widths): (Vec<&mut [T]>, &[usize]),
        most: usize,
        threads: usize,
        control: &Control,
        work: impl Fn(&Block, &mut [&mut [T]], &mut Vec<f64>) -> Result<()> + Sync,
    ) -> Result<()> {
        let positions = self.inputs.positions(&self.models, rows)?;
        // Every thread has a part of a small call, too.
        let share = rows.count().div_ceil(threads.max(1)).next_multiple_of(FEWEST_ROWS).max(FEWEST_ROWS);
        let cuts = rows.cuts(most.min(share));
        let parts = cut_outputs(slices, widths, cuts.iter().map(|cut| cut.2));
        parallel(
            threads,
            cuts.len(),
            || Ok((Block::default(), Vec::new())),
            |(block, spare), task| {
                control.check()?;
                let (batch, start, length) = cuts[task];
                let part = rows.batches[batch].slice(start, length);
                self.inputs.read_block(&self.models, &part, (&positions, rows.binned.as_ref()), block)?;
                let taken = parts[task].lock().unwrap_or_else(PoisonError::into_inner).take();
                work(block, &mut taken.unwrap_or_default(), spare)?;
                control.advance(length as u64);
                Ok(())
            },
        )?;
        Ok(())
    }
}

/// Rows of the blocks that engines like.
fn block_rows(chosen: &[Chosen<'_>]) -> usize {
    chosen.iter().map(|chosen| chosen.kind.block_rows).max().unwrap_or(BLOCK_ROWS)
}

/// Gives features category values that their file does not tell; the order is that of the codes.
///
/// # Errors
/// A feature that there is not, or a value that is there twice.
pub fn declare_categories(
    ensemble: &mut Ensemble,
    declared: &BTreeMap<String, Vec<String>>,
) -> std::result::Result<(), String> {
    for (name, values) in declared {
        let feature = ensemble.features.iter_mut().find(|feature| feature.name == *name);
        let feature = feature.ok_or_else(|| format!("`categories` names `{name}`, which is no feature"))?;
        feature.categorical = true;
        feature.categories = Some(Arc::new(Categories::new(values.clone())?));
    }
    Ok(())
}
