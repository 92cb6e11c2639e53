//! Where models find their inputs in a frame: every column once for each way of reading it.
//!
//! In: models, and the columns of a frame. Out: for each model the slot of each of its features, and blocks of
//! values by slot. Columns are matched by name; position is taken only where it was allowed.

use std::collections::{BTreeMap, HashMap, HashSet};

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::bins::Bins;
use super::engine::{Block, UNUSED};
use super::ensemble::Computed;
use super::fleet::Model;
use super::input::{self, Reading, Unseen};
use super::record::Value;
use crate::batch::find_column;
use crate::error::{Error, Place, Result};

/// Where a model's features stand in a frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Columns {
    /// The column of each feature, by name.
    Names(Vec<String>),
    /// The first feature is the frame's first column, and so on; the frame has no other columns.
    Positions,
}

/// A column that one or more models read in one way.
#[derive(Clone, Debug)]
struct Input {
    column: ColumnAt,
    reading: Reading,
    /// The model and feature that asked for it first, for errors.
    model: usize,
    feature: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ColumnAt {
    Name(String),
    Position(usize),
    /// None: the number of a computed feature.
    Computed(usize),
}

/// Where an input comes from.
pub(super) enum Source<'a> {
    /// A column of this name.
    Column(&'a str),
    /// A column by its position.
    Position,
    /// Other inputs.
    Computed,
}

/// The rows to evaluate.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The names of the columns.
    pub names: Vec<String>,
    /// The rows, in order.
    pub batches: Vec<RecordBatch>,
    /// The column of bins of those columns that are not here themselves.
    pub binned: Option<Binned>,
}

/// A column of bins.
#[derive(Clone, Debug)]
pub struct Binned {
    /// Whose.
    pub bins: Arc<Bins>,
    /// Its position.
    pub position: usize,
}

impl Rows {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The rows cut into blocks of `most` at most: batch, first row in it, length.
    pub(super) fn cuts(&self, most: usize) -> Vec<(usize, usize, usize)> {
        let of_batch = |(batch, part): (usize, &RecordBatch)| {
            let rows = part.num_rows();
            (0..rows).step_by(most).map(move |start| (batch, start, most.min(rows - start)))
        };
        self.batches.iter().enumerate().flat_map(of_batch).collect()
    }
}

/// The inputs of a fleet, each once.
#[derive(Default)]
pub(super) struct Inputs {
    list: Vec<Input>,
    by_column: HashMap<ColumnAt, Vec<u32>>,
    /// Computed features with the slots of what they are computed from.
    computed: Vec<(Arc<Computed>, Vec<u32>)>,
}

impl Inputs {
    /// The slot of each feature of a model.
    pub(super) fn of_model(&mut self, number: usize, model: &Model) -> Result<Vec<u32>> {
        let features = &model.ensemble.features;
        if let Columns::Names(names) = &model.columns
            && names.len() != features.len()
        {
            return Err(Error::argument(format!(
                "`names` of model `{}` holds {} names; it has {} features",
                model.name,
                names.len(),
                features.len()
            )));
        }
        let mut slots = Vec::with_capacity(features.len());
        for (index, feature) in features.iter().enumerate() {
            if feature.splits == 0 {
                slots.push(UNUSED);
                continue;
            }
            let column = match &model.columns {
                Columns::Names(names) => ColumnAt::Name(names[index].clone()),
                Columns::Positions => ColumnAt::Position(index),
            };
            let library = model.ensemble.library;
            let reading = if let Some(hashes) = &feature.hashes {
                Reading::Hashed((!hashes.is_empty()).then(|| hashes.clone()))
            } else if feature.categorical {
                let (values, codes) = (feature.categories.clone(), feature.codes.clone());
                Reading::Category { library, values, codes }
            } else {
                Reading::Number(library)
            };
            slots.push(self.slot(Input { column, reading, model: number, feature: index }));
        }
        for computed in &model.ensemble.extra.computed {
            slots.push(self.computed(number, model, computed));
        }
        Ok(slots)
    }

    /// The slot of a feature that is computed from others; theirs stand before it.
    fn computed(&mut self, number: usize, model: &Model, computed: &Arc<Computed>) -> u32 {
        let mut slots = Vec::new();
        for (source, hashed) in computed.sources() {
            let feature = source as usize;
            let column = match &model.columns {
                Columns::Names(names) => ColumnAt::Name(names[feature].clone()),
                Columns::Positions => ColumnAt::Position(feature),
            };
            let reading =
                if hashed { Reading::Hashed(None) } else { Reading::Number(model.ensemble.library) };
            slots.push(self.slot(Input { column, reading, model: number, feature }));
        }
        let column = ColumnAt::Computed(self.computed.len());
        self.computed.push((computed.clone(), slots));
        let reading = Reading::Number(model.ensemble.library);
        self.slot(Input { column, reading, model: number, feature: 0 })
    }

    fn slot(&mut self, input: Input) -> u32 {
        let known = self.by_column.entry(input.column.clone()).or_default();
        if let Some(&slot) = known.iter().find(|&&slot| self.list[slot as usize].reading == input.reading) {
            return slot;
        }
        let slot = self.list.len() as u32;
        known.push(slot);
        self.list.push(input);
        slot
    }

    /// Where each input stands in a frame.
    pub(super) fn positions(&self, models: &[Model], rows: &Rows) -> Result<Vec<usize>> {
        let mut known: HashMap<&str, usize> = HashMap::with_capacity(rows.names.len());
        let mut twice = HashSet::new();
        for (position, name) in rows.names.iter().enumerate() {
            if known.insert(name, position).is_some() {
                twice.insert(name.as_str());
            }
        }
        let binned = |slot| rows.binned.as_ref().is_some_and(|binned| binned.bins.has(slot));
        let position = |(slot, input): (usize, &Input)| match &input.column {
            ColumnAt::Name(_) if binned(slot) => Ok(0),
            ColumnAt::Name(name) => match known.get(name.as_str()) {
                Some(&position) if !twice.contains(name.as_str()) => Ok(position),
                _ => Err(missing(&models[input.model], name, rows)),
            },
            ColumnAt::Computed(_) => Ok(0),
            ColumnAt::Position(position) => {
                let model = &models[input.model];
                let wanted = model.ensemble.features.len();
                if rows.names.len() == wanted {
                    return Ok(*position);
                }
                let text = format!(
                    "model `{}` takes its {wanted} features by position, but the frame has {} columns; give it \
                     these columns alone, or name them (`names`)",
                    model.name,
                    rows.names.len()
                );
                Err(Error::schema(Place::default(), text))
            }
        };
        self.list.iter().enumerate().map(position).collect()
    }

    /// Reads some rows.
    pub(super) fn read_block(
        &self,
        models: &[Model],
        batch: &RecordBatch,
        (positions, binned): (&[usize], Option<&Binned>),
        block: &mut Block,
    ) -> Result<()> {
        block.rows = batch.num_rows();
        block.columns.resize(self.list.len(), Vec::new());
        if let Some(Binned { bins, position }) = binned {
            bins.read(batch.column(*position), block)?;
        }
        for (slot, (input, &position)) in self.list.iter().zip(positions).enumerate() {
            if binned.is_some_and(|binned| binned.bins.has(slot)) {
                continue;
            }
            let (before, rest) = block.columns.split_at_mut(slot);
            let column = &mut rest[0];
            column.clear();
            if let ColumnAt::Computed(number) = input.column {
                let (computed, slots) = &self.computed[number];
                let value = |row: usize| computed.value(slots.iter().map(|&slot| before[slot as usize][row]));
                column.extend((0..block.rows).map(value));
                continue;
            }
            input::read(batch.column(position), &input.reading, column, None)
                .map_err(|text| refused(&models[input.model], input, &text))?;
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The column of an input, and how it is read; none for one that is computed or found by position.
    pub(super) fn named(&self, slot: usize) -> Option<(&str, &Reading)> {
        let input = &self.list[slot];
        match &input.column {
            ColumnAt::Name(name) => Some((name, &input.reading)),
            ColumnAt::Position(_) | ColumnAt::Computed(_) => None,
        }
    }

    /// Where each input comes from, and a model that reads it.
    pub(super) fn sources(&self) -> impl Iterator<Item = (Source<'_>, usize)> {
        self.list.iter().map(|input| match &input.column {
            ColumnAt::Name(name) => (Source::Column(name), input.model),
            ColumnAt::Position(_) => (Source::Position, input.model),
            ColumnAt::Computed(_) => (Source::Computed, input.model),
        })
    }

    /// Reads one row from values of its own, each input from the value at its place.
    pub(super) fn read_record(
        &self,
        models: &[Model],
        values: &[Value<'_>],
        places: &[usize],
        block: &mut Block,
    ) -> Result<()> {
        block.rows = 1;
        block.columns.resize(self.list.len(), Vec::new());
        for (slot, (input, &place)) in self.list.iter().zip(places).enumerate() {
            let value = match input.column {
                ColumnAt::Computed(number) => {
                    let (computed, slots) = &self.computed[number];
                    computed.value(slots.iter().map(|&slot| block.columns[slot as usize][0]))
                }
                _ => values[place]
                    .read(&input.reading)
                    .map_err(|text| refused(&models[input.model], input, &text))?,
            };
            let column = &mut block.columns[slot];
            column.clear();
            column.push(value);
        }
        Ok(())
    }

    /// Counts the category values of some rows that models do not know, by input.
    pub(super) fn count_unseen(
        &self,
        models: &[Model],
        batch: &RecordBatch,
        positions: &[usize],
        counts: &mut BTreeMap<usize, Unseen>,
    ) -> Result<()> {
        let mut values = Vec::new();
        for (slot, input) in self.list.iter().enumerate() {
            if matches!(input.reading, Reading::Category { .. }) {
                let unseen = Some(counts.entry(slot).or_default());
                values.clear();
                input::read(batch.column(positions[slot]), &input.reading, &mut values, unseen)
                    .map_err(|text| refused(&models[input.model], input, &text))?;
            }
        }
        Ok(())
    }
}

fn missing(model: &Model, name: &str, rows: &Rows) -> Error {
    let reason = match find_column(&rows.names, name) {
        Err(error) => error.to_string(),
        Ok(_) => {
            return Error::schema(Place::default(), format!("column `{name}` is there more than once"));
        }
    };
    let hint = if model.ensemble.real_names {
        ""
    } else {
        "; the model's file has no names for its features: give them (`names`), or allow `by_position`"
    };
    Error::schema(Place::default(), format!("model `{}`: {reason}{hint}", model.name))
}

fn refused(model: &Model, input: &Input, text: &str) -> Error {
    let column = match &input.column {
        ColumnAt::Name(name) => format!("`{name}`"),
        ColumnAt::Position(position) => format!("{}", position + 1),
        ColumnAt::Computed(_) => "that is computed".to_owned(),
    };
    let feature = &model.ensemble.features[input.feature].name;
    let text = format!("column {column}, feature `{feature}` of model `{}`, {text}", model.name);
    Error::schema(Place::default(), text)
}
