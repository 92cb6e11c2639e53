//! Records that say what they said, of whom only what is made is another.
//!
//! In: keys, then, part by part, new values of the columns that are made. Out: the records' rows in the order in which
//! they lie, so that whoever reads them goes through memory forwards, and changes for [`State::stage`]. Each record is
//! looked up, gathered and hashed once; nothing of the state changes here. That they say the same is known, so no claim
//! is compared (law 1).

use std::sync::{Arc, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat;
use arrow_select::take::take;
use creditcore::batch::Source;
use creditcore::error::{Error, Place, Result};
use creditcore::exec::{Control, in_order, sorted};
use creditcore::refresh::{Halves, Keys};

use super::changes::{Changes, Counts, DEAD};
use super::hashes::difference;
use super::layout::{Delta, Layout};
use super::lookup::Asked;
use super::manifest::Named;
use super::portfolio::State;
use super::said::{Said, with_column};
use super::segment::{DELETED, Segment, TOLD};
use super::staging::{Staged, Written};

/// The column of fingerprints.
const PRINT: &str = "_inputs";
/// The column of made values that says which record of the part each row is of.
const AT: &str = "_at";

/// Records of some keys, in the order of their rows.
pub struct Found {
    /// Each one's row, its place among the keys, and where its key is spread to.
    records: Vec<(u32, u32, u64)>,
}

impl Found {
    /// For each record the place of its key among those asked for.
    pub fn asked(&self) -> Vec<u32> {
        self.records.iter().map(|&(_, asked, _)| asked).collect()
    }
}

/// Some of the records that were found, with the columns that were asked for.
pub struct Part {
    records: Vec<(u32, u32, u64)>,
    batch: RecordBatch,
    /// Whether it is known what each record says, so that the columns which that is in are not all here.
    lean: bool,
}

impl Part {
    /// The records.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }
}

impl State {
    /// Finds the records of some keys.
    ///
    /// # Errors
    /// `Schema`: a column that cannot hold keys.
    pub fn look_up(&self, keys: &dyn Source, control: &Control) -> Result<Found> {
        let records = self.live(keys, control)?;
        let records = sorted(self.threads, records.len(), |range| records[range].to_vec())?;
        Ok(Found { records })
    }

    /// The records that keys lead to, in the order of the keys: each one's row, its key's place, where that is spread to.
    pub(super) fn live(&self, keys: &dyn Source, control: &Control) -> Result<Vec<(u32, u32, u64)>> {
        let layout = Layout { columns: Vec::new(), ..self.layout.clone() };
        let mut records = Vec::new();
        let schema = self.rows.schema().cloned();
        let take = |delta: Delta, layout: &Layout| {
            let keys = Keys::new(&layout.key, delta.batch.column(0).clone())?;
            let asked = Asked::new(keys, self.threads)?;
            let rows = self.known().current(&asked)?;
            let found = (0u32..).zip(rows).zip(asked.spread).filter(|((_, row), _)| row & DEAD == 0);
            records = found.map(|((asked, row), spread)| (row, asked, spread)).collect();
            Ok(())
        };
        layout.read(keys, usize::MAX, control, take, || schema.clone())?;
        Ok(records)
    }

    /// Gathers some of the records that were found, in all columns, or in some of them and in those that a change needs.
    ///
    /// # Errors
    /// `State`: rows that cannot be gathered.
    pub fn part(
        &self,
        found: &Found,
        start: usize,
        rows: usize,
        columns: Option<&[String]>,
        threads: Option<usize>,
    ) -> Result<Part> {
        let threads = threads.unwrap_or(self.threads);
        let start = start.min(found.records.len());
        let records = found.records[start..(start + rows).min(found.records.len())].to_vec();
        let numbers: Vec<u32> = records.iter().map(|&(row, ..)| row).collect();
        if let Some(columns) = columns {
            let mut names = self.layout.lean();
            names.extend(columns.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
            let batch = self.rows.gather_shared(&numbers, Some(&names), threads)?;
            if Said::of(&batch).is_some() {
                return Ok(Part { batch, records, lean: true });
            }
        }
        Ok(Part { batch: self.rows.gather_shared(&numbers, None, threads)?, records, lean: false })
    }

    /// Notes what is made of some records now, for [`stage`](Self::stage): `_at` says which of the part a row is of. Others may
    /// read meanwhile; parts are staged in the order in which they are noted.
    ///
    /// # Errors
    /// `Schema`: values that the state's types do not hold; a place that the part does not have.
    pub fn renew(&self, part: &Part, made: &dyn Source, control: &Control) -> Result<()> {
        let own = |name: &str| name != AT && self.layout.made.iter().any(|made| made == name);
        let given = made.column_names();
        let columns = self.layout.columns.iter().filter(|(name, _)| own(name) && given.contains(name));
        let layout = Layout {
            key: AT.to_owned(),
            version: String::new(),
            columns: columns.cloned().collect(),
            one_kind: None,
            ..self.layout.clone()
        };
        let mut read = None;
        let schema = self.rows.schema().cloned();
        let keep = |delta: Delta, _: &Layout| {
            read = Some(delta.batch);
            Ok(())
        };
        layout.read(made, usize::MAX, control, keep, || schema.clone())?;
        if let Some(made) = read.filter(|made| made.num_rows() > 0) {
            let changes = self.changes_of(part, &made)?;
            self.noted().push(changes);
        }
        Ok(())
    }

    /// What was noted and not staged yet.
    pub(super) fn noted(&self) -> MutexGuard<'_, Vec<Changes>> {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes_of(&self, part: &Part, made: &RecordBatch) -> Result<Changes> {
        let places = made.column(0).as_primitive::<Int64Type>().values();
        let outside = |&&at: &&i64| usize::try_from(at).map_or(true, |at| at >= part.records.len());
        if let Some(at) = places.iter().find(outside) {
            let text = format!("record {at} of a part of {}", part.records.len());
            return Err(Error::schema(Place::default(), text));
        }
        let whole = places.len() == part.records.len() && (0i64..).zip(places).all(|(a, &b)| a == b);
        let indices = UInt32Array::from_iter_values(places.iter().map(|&at| at as u32));
        let known = if part.lean { some(&part.batch, &self.layout.lean())? } else { part.batch.clone() };
        let old = if whole { known } else { taken(&known, &indices, self.threads)? };
        let mut fields: Vec<Arc<Field>> = old.schema().fields().to_vec();
        let mut columns = old.columns().to_vec();
        for (field, column) in made.schema().fields().iter().zip(made.columns()).skip(1) {
            match fields.iter().position(|known| known.name() == field.name()) {
                Some(at) => (fields[at], columns[at]) = (field.clone(), column.clone()),
                None => {
                    fields.push(field.clone());
                    columns.push(column.clone());
                }
            }
        }
        let batch =
            RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| broken(&error))?;
        let given: Vec<String> = made.schema().fields().iter().map(|field| field.name().clone()).collect();
        let lanes = Said::of(&old).filter(|_| part.lean).map(|said| said.lanes());
        let names = (given.as_slice(), self.layout.made.as_slice());
        let hash = difference(&old, &batch, names, lanes.as_deref(), self.threads)?;
        let moves = places.iter().map(|&at| part.records[at as usize]).map(|(row, _, spread)| (spread, row));
        Ok(Changes {
            records: batch.num_rows(),
            moves: moves.collect(),
            batch,
            old: vec![old],
            hash,
            ..Changes::none()
        })
    }

    /// Changes of which the rows have every column again, for a file that they stand in as a whole.
    pub(super) fn whole(&self, changes: Changes) -> Result<Changes> {
        let schema = changes.batch.schema();
        let known = self.rows.schema().into_iter().flat_map(|schema| schema.fields());
        let names = known.map(|field| field.name().clone());
        let absent: Vec<String> = names.filter(|name| schema.index_of(name).is_err()).collect();
        let rows: Vec<u32> = changes.moves.iter().map(|&(_, row)| row).collect();
        let rest = self.rows.gather_shared(&rows, Some(&absent), self.threads)?;
        let columns = rest
            .schema()
            .fields()
            .iter()
            .zip(rest.columns())
            .map(|(one, column)| (one.clone(), column.clone()))
            .collect::<Vec<_>>();
        let batch = columns
            .into_iter()
            .try_fold(changes.batch, |batch, (field, column)| with_column(&batch, field.name(), column))?;
        Ok(Changes { batch, ..changes })
    }

    /// The records that are staged for the first file and for the second one, in some of their columns; those that are not
    /// there are left out. Where it is known what they say, their fingerprints stand beside them.
    ///
    /// # Errors
    /// `State`: columns that do not fit each other.
    pub fn staged(&self, names: &[String]) -> Result<[Vec<RecordBatch>; 2]> {
        let Some(Staged { changes, apart, .. }) = &self.staged else { return Ok([Vec::new(), Vec::new()]) };
        let halves = self.moving_halves();
        let own = (changes.batch.num_rows() > 0).then(|| changes.batch.slice(0, changes.records));
        let first = usize::from(own.is_some());
        let batches: Vec<RecordBatch> =
            own.into_iter().chain(apart.iter().map(|one| one.batch.clone())).collect();
        let threads = (self.threads / batches.len().max(1)).max(1);
        let mut told = in_order(self.threads, batches.len(), |at| {
            self.printed(&batches[at], names, halves.as_ref(), threads)
        })?;
        let apart = told.split_off(first);
        Ok([told, apart])
    }

    /// Some columns of rows; where it is known what they say, with the fingerprints of their inputs.
    pub(super) fn printed(
        &self,
        batch: &RecordBatch,
        names: &[String],
        halves: Option<&Halves>,
        threads: usize,
    ) -> Result<RecordBatch> {
        let shown = some(batch, names)?;
        let (Some(halves), Some(said)) = (halves, Said::of(batch)) else { return Ok(shown) };
        let prints = halves.whole(&said.halves(), batch, threads)?;
        with_column(&shown, PRINT, Arc::new(prints))
    }

    /// Writes what is made anew of many records, and where the rest of each lies.
    pub(super) fn write_apart(&self, staged: &Staged, file: &str) -> Result<Option<Written>> {
        if staged.apart.is_empty() {
            return Ok(None);
        }
        let apart = self.layout.made.iter().filter(|name| !self.layout.still.contains(name));
        let names: Vec<String> = std::iter::once(&self.layout.key).chain(apart).cloned().collect();
        let parts = staged.apart.iter().map(|one| some(&one.batch, &names)).collect::<Result<Vec<_>>>()?;
        let batch = under(&parts, self.threads)?;
        let rows: Vec<u32> =
            staged.apart.iter().flat_map(|one| one.moves.iter().map(|&(_, row)| row)).collect();
        self.rows.room(staged.changes.batch.num_rows() + rows.len())?;
        let told = UInt32Array::from(self.rows.told(&rows)?);
        let mut fields: Vec<Arc<Field>> = batch.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(TOLD, DataType::UInt32, false)));
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(told));
        // A column that is made is never read where the others lie.
        for name in names.iter().filter(|name| batch.column_by_name(name).is_none()) {
            fields.push(Arc::new(Field::new(name, DataType::Null, true)));
            columns.push(new_null_array(&DataType::Null, rows.len()));
        }
        let batch =
            RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| broken(&error))?;
        let path = self.folder.join(file);
        let sum = Segment::write(&path, &batch, &self.layout.together(), self.threads)?;
        let named = Named::new(file, batch.num_rows() as u64, sum);
        let segment = Segment::open(&self.folder, &named, false)?;
        Ok(Some(Written { named, segment, taken: 0 }))
    }
}

/// Some columns of a batch.
fn some(batch: &RecordBatch, names: &[String]) -> Result<RecordBatch> {
    let schema = batch.schema();
    let named = schema.fields().iter().zip(batch.columns());
    let (fields, columns): (Vec<Arc<Field>>, Vec<ArrayRef>) = named
        .filter(|(field, _)| names.contains(field.name()))
        .map(|(field, column)| (field.clone(), column.clone()))
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|error| broken(&error))
}

/// The changes of a delta and those of renewed records as one: records, then what deletes.
pub(super) fn joined(own: Option<Changes>, renewed: Vec<Changes>, threads: usize) -> Result<Option<Changes>> {
    let mut all: Vec<Changes> =
        own.into_iter().chain(renewed).filter(|one| one.batch.num_rows() > 0).collect();
    if all.len() < 2 {
        return Ok(all.pop());
    }
    let records: usize = all.iter().map(|one| one.records).sum();
    let lived = |one: &Changes| one.batch.slice(0, one.records);
    let died = |one: &Changes| one.batch.slice(one.records, one.batch.num_rows() - one.records);
    let batches: Vec<RecordBatch> = all.iter().map(lived).chain(all.iter().map(died)).collect();
    let batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    let batch = under(&batches, threads)?;
    let moves = all.iter().flat_map(|one| &one.moves[..one.records]);
    let moves = moves.chain(all.iter().flat_map(|one| &one.moves[one.records..])).copied().collect();
    let hash = all.iter().fold(0u128, |hash, one| hash.wrapping_add(one.hash));
    let counts = all.iter().fold(Counts::default(), |counts, one| counts.with(one.counts));
    let old = all.into_iter().flat_map(|one| one.old).collect();
    Ok(Some(Changes { batch, records, moves, old, hash, counts, ..Changes::none() }))
}

/// Batches under each other, by the names of their columns; what one lacks is null there, and no row deletes where it
/// does not say so.
fn under(batches: &[RecordBatch], threads: usize) -> Result<RecordBatch> {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for field in batches.iter().flat_map(|batch| batch.schema().fields().to_vec()) {
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            Some(known) if *known.data_type() == DataType::Null => *known = field,
            Some(_) => {}
            None => fields.push(field),
        }
    }
    let columns = in_order(threads, fields.len(), |at| {
        let field = &fields[at];
        let part = |batch: &RecordBatch| -> ArrayRef {
            match batch.column_by_name(field.name()) {
                Some(column) if column.data_type() == field.data_type() => column.clone(),
                None if field.name() == DELETED => {
                    Arc::new(BooleanArray::from(vec![false; batch.num_rows()]))
                }
                _ => new_null_array(field.data_type(), batch.num_rows()),
            }
        };
        let parts: Vec<ArrayRef> = batches.iter().map(part).collect();
        concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>()).map_err(|error| broken(&error))
    })?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let fields = fields.iter().map(|field| Field::clone(field).with_nullable(field.name() != DELETED));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns, &options)
        .map_err(|error| broken(&error))
}

/// Some rows of a batch.
fn taken(batch: &RecordBatch, rows: &UInt32Array, threads: usize) -> Result<RecordBatch> {
    let column = |at: usize| take(batch.column(at), rows, None).map_err(|error| broken(&error));
    let columns = in_order(threads, batch.num_columns(), column)?;
    RecordBatch::try_new(batch.schema(), columns).map_err(|error| broken(&error))
}

fn broken(error: &arrow_schema::ArrowError) -> Error {
    Error::state(Place::default(), format!("records cannot be renewed: {error}; open the portfolio again"))
}
