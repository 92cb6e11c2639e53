//! A fleet: models that are evaluated together, each column of a frame read once for all of them.
//!
//! In: models by name, and frames. Out: raw outputs or predictions, leaves, contributions, categories that no
//! model knows. Work is cut into blocks of rows; no result depends on the cuts or on the threads (law 2), and
//! each row's result depends on that row alone (law 4).

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_buffer::NullBuffer;

use super::applies::applies;
use super::binding::{Columns, Inputs, Rows};
use super::choice::{Engines, Reason};
use super::engine::{Block, Bound, ENGINES, Precision};
use super::ensemble::{Categories, Ensemble, Library};
use super::input::Unseen;
use super::{golden, shap};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::expr::Expression;

/// Rows of one block where no engine says how many it likes.
const BLOCK_ROWS: usize = 1024;
/// Rows of the smallest blocks into which a call is cut for several threads.
const FEWEST_ROWS: usize = 64;

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

/// What a prediction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The sum of the trees.
    Raw,
    /// The library's own transform of it.
    Prediction,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The model's name, with `:class` behind it where there are several.
    pub name: String,
    /// A value for each row.
    pub values: Vec<f64>,
    /// The rows that the model applies to, where it does not apply to all.
    pub applies: Option<NullBuffer>,
}

/// A result with several numbers for each row: a matrix of `rows` by `shape`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T> {
    /// The model's name.
    pub name: String,
    /// The lengths behind that of the rows.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Vec<T>,
}

/// Models that are evaluated together. Immutable, and safe to use from many threads.
pub struct Fleet {
    models: Vec<Model>,
    inputs: Inputs,
    engines: Engines,
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
        Ok(Self { models, inputs, engines })
    }

    /// The models, in order.
    pub fn models(&self) -> &[Model] {
        &self.models
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
        let ensembles = || self.models.iter().map(|model| &*model.ensemble);
        if output == Output::Prediction
            && let Some(model) = self.models.iter().find(|model| model.ensemble.link.is_none())
        {
            let text = format!(
                "model `{}` gives its raw output alone: its objective `{}` is unknown",
                model.name, model.ensemble.objective
            );
            return Err(Error::model(Place::default(), text));
        }
        let applies = applies(&self.models, rows, threads, control)?;
        let widths: Vec<usize> = ensembles().map(Ensemble::outputs).collect();
        let total = rows.batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let chosen = self.engines.choose(total, threads, control)?;
        let most = chosen.iter().map(|chosen| chosen.kind.block_rows).max().unwrap_or(BLOCK_ROWS);
        let filled =
            self.fill(rows, &widths, most, threads, control, |block, parts: &mut [&mut [f64]]| {
                for chosen in &chosen {
                    let mut its: Vec<&mut [f64]> = Vec::with_capacity(chosen.models.len());
                    let mut asked = chosen.models.iter().zip(&chosen.asked).peekable();
                    for (number, part) in parts.iter_mut().enumerate() {
                        if let Some((_, &asked)) = asked.next_if(|(model, _)| **model == number) {
                            its.push(if asked { part } else { &mut [] });
                        }
                    }
                    chosen.engine.margins(block, precision, control, &mut its)?;
                }
                if output == Output::Prediction {
                    ensembles().zip(parts).for_each(|(ensemble, part)| transform(ensemble, part));
                }
                Ok(())
            })?;
        let named = self.models.iter().zip(filled).zip(&applies);
        Ok(named.flat_map(|((model, values), applies)| columns(model, values, applies.as_ref())).collect())
    }

    /// For every model the library's number of the leaf of each tree.
    ///
    /// # Errors
    /// A column that is missing or of a wrong type, a request to stop.
    pub fn leaves(&self, rows: &Rows, threads: usize, control: &Control) -> Result<Vec<Matrix<i32>>> {
        let widths: Vec<usize> = self.models.iter().map(|model| model.ensemble.trees.len()).collect();
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
                (_, Library::XgBoost) => vec![outputs, columns],
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
        let positions = self.inputs.positions(&self.models, rows)?;
        let total: usize = rows.batches.iter().map(RecordBatch::num_rows).sum();
        // Every thread has a part of a small call, too.
        let share = total.div_ceil(threads.max(1)).next_multiple_of(FEWEST_ROWS).max(FEWEST_ROWS);
        let cuts = rows.cuts(most.min(share));
        let mut outputs = Vec::with_capacity(widths.len());
        for width in widths {
            outputs.push(room(total, *width)?);
        }
        let parts = cut_outputs(&mut outputs, widths, cuts.iter().map(|cut| cut.2));
        parallel(
            threads,
            cuts.len(),
            || Ok(Block::default()),
            |block, task| {
                control.check()?;
                let (batch, start, length) = cuts[task];
                self.inputs.read_block(
                    &self.models,
                    &rows.batches[batch].slice(start, length),
                    &positions,
                    block,
                )?;
                let taken = parts[task].lock().unwrap_or_else(PoisonError::into_inner).take();
                let mut mine: Vec<&mut [T]> = taken.unwrap_or_default();
                work(block, &mut mine)?;
                control.advance(length as u64);
                Ok(())
            },
        )?;
        drop(parts);
        Ok(outputs)
    }
}

/// Room for rows x width numbers.
fn room<T: Clone + Default>(rows: usize, width: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let wanted = rows.checked_mul(width);
    if wanted.is_none_or(|wanted| values.try_reserve_exact(wanted).is_err()) {
        let text =
            format!("{rows} rows of {width} numbers do not fit into memory; give fewer rows at a time");
        return Err(Error::argument(text));
    }
    values.resize(rows * width, T::default());
    Ok(values)
}

type Part<'a, T> = Mutex<Option<Vec<&'a mut [T]>>>;

/// Cuts every output at the same rows; a task takes its parts once.
fn cut_outputs<'a, T>(
    outputs: &'a mut [Vec<T>],
    widths: &[usize],
    lengths: impl Iterator<Item = usize>,
) -> Vec<Part<'a, T>> {
    let mut rests: Vec<&mut [T]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let mut parts = Vec::new();
    for length in lengths {
        let mut mine = Vec::with_capacity(rests.len());
        for (rest, width) in rests.iter_mut().zip(widths) {
            let (head, tail) = std::mem::take(rest).split_at_mut(length * width);
            mine.push(head);
            *rest = tail;
        }
        parts.push(Mutex::new(Some(mine)));
    }
    parts
}

/// Turns raw outputs into predictions.
fn transform(ensemble: &Ensemble, values: &mut [f64]) {
    let divisor = ensemble.divisor();
    for row in values.chunks_mut(ensemble.outputs()) {
        row.iter_mut().for_each(|value| *value /= divisor);
        if let Some(link) = ensemble.link {
            link.apply(row);
        }
    }
}

/// The names of a model's outputs.
fn output_names(model: &Model) -> impl Iterator<Item = String> + '_ {
    let outputs = model.ensemble.outputs();
    let name = move |class| if outputs == 1 { model.name.clone() } else { format!("{}:{class}", model.name) };
    (0..outputs).map(name)
}

/// The columns of a model's outputs.
fn columns(model: &Model, values: Vec<f64>, applies: Option<&NullBuffer>) -> Vec<Column> {
    let outputs = model.ensemble.outputs();
    if outputs == 1 {
        return vec![Column { name: model.name.clone(), values, applies: applies.cloned() }];
    }
    let column = |(class, name)| Column {
        name,
        values: values.iter().skip(class).step_by(outputs).copied().collect(),
        applies: applies.cloned(),
    };
    output_names(model).enumerate().map(column).collect()
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
