//! A schema over a source: the inputs of a fleet.
//!
//! In: a [`Schema`] and a source of records. Out: record batches of the features in the schema's order, in
//! the order of the rows, and counts. Neither depends on threads or on where batches are cut (law 2).

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef};

use super::read::{Counts, read};
use super::schema::{Feature, Kind, Schema};
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::expr::{Failure, Span};

/// The most faults that are told one by one.
const MOST_FAULTS: usize = 1_000;

/// A row in which a derived feature has no value because something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeatureFault {
    /// The row, from 0 over the whole source.
    pub row: u64,
    /// The position of the feature in the schema.
    pub feature: usize,
    /// Where in its expression.
    pub span: Span,
    /// What.
    pub failure: Failure,
}

/// What a schema makes of a source.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The columns: those kept, then the features.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// How many rows.
    pub rows: u64,
    /// For each feature of the schema, what happened to its values.
    pub counts: Vec<Counts>,
    /// The first thousand faults, by row.
    pub faults: Vec<FeatureFault>,
}

#[derive(Default)]
struct Part {
    task: usize,
    rows: u64,
    batches: Vec<RecordBatch>,
    counts: Vec<Counts>,
    faults: Vec<FeatureFault>,
}

impl Schema {
    /// Computes every feature of a source. `keep` names columns that are handed on as they are.
    ///
    /// Memory: the result, and the columns of a batch for each thread.
    ///
    /// # Errors
    /// `Schema`: a column that is not there, or of a type that does not fit; a value that does not fit, with
    /// its row. What the source gives back.
    pub fn apply(
        &self,
        source: &dyn Source,
        keep: &[String],
        threads: usize,
        control: &Control,
    ) -> Result<Applied> {
        let wanted = self.wanted(source, keep)?;
        let work = |parts: &mut Vec<Part>, task: usize| {
            let mut part =
                Part { task, counts: vec![Counts::default(); self.features.len()], ..Part::default() };
            source.read(task, &wanted, control, &mut |batch| {
                self.apply_batch(batch, &wanted, keep, &mut part)
            })?;
            parts.push(part);
            Ok(())
        };
        let mut parts: Vec<Part> =
            parallel(threads, source.tasks(), || Ok(Vec::new()), work)?.into_iter().flatten().collect();
        parts.sort_by_key(|part| part.task);
        let mut applied = Applied {
            schema: self.empty(keep),
            batches: Vec::new(),
            rows: 0,
            counts: vec![Counts::default(); self.features.len()],
            faults: Vec::new(),
        };
        for part in parts {
            // A part counts its rows from 0; a batch counts those of its file.
            let before = applied.rows;
            applied.rows += part.rows;
            applied.batches.extend(part.batches);
            applied.counts.iter_mut().zip(part.counts).for_each(|(all, of_part)| all.merge(of_part));
            let faults = part.faults.into_iter();
            applied.faults.extend(faults.map(|fault| FeatureFault { row: before + fault.row, ..fault }));
        }
        applied.faults.sort_unstable();
        applied.faults.truncate(MOST_FAULTS);
        if let Some(first) = applied.batches.first() {
            applied.schema = first.schema();
        }
        match applied.batches.iter().find(|batch| batch.schema() != applied.schema) {
            None => Ok(applied),
            Some(_) => Err(Error::schema(
                Place::default(),
                "the columns to keep differ in type from file to file; cast them to one type",
            )),
        }
    }

    fn wanted(&self, source: &dyn Source, keep: &[String]) -> Result<Vec<Wanted>> {
        let names = source.column_names();
        for feature in &self.features {
            let told = |error: Error| {
                let text = format!("feature `{}`: {error}", feature.name);
                Error::schema(Place::file(&self.place), text)
            };
            match &feature.derived {
                None => find_column(names, &feature.source).map(drop).map_err(told)?,
                Some(derived) => {
                    let known = self.features.iter().map(|feature| feature.name.clone());
                    derived.require(&known.chain(names.iter().cloned()).collect::<Vec<_>>()).map_err(told)?;
                }
            }
        }
        let mut wanted: Vec<&str> = self.sources();
        for name in keep {
            find_column(names, name)?;
            if self.features.iter().any(|feature| feature.output && feature.name == *name) {
                let told = format!("`{name}` is a feature and cannot be kept beside itself");
                return Err(Error::argument(told));
            }
            if !wanted.contains(&name.as_str()) {
                wanted.push(name);
            }
        }
        Ok(wanted.into_iter().map(|name| Wanted { name: name.to_owned(), role: Role::Key }).collect())
    }

    fn apply_batch(&self, batch: &Batch, wanted: &[Wanted], keep: &[String], part: &mut Part) -> Result<()> {
        let raw: HashMap<&str, &ArrayRef> =
            wanted.iter().map(|column| column.name.as_str()).zip(&batch.columns).collect();
        let mut made: Vec<Option<ArrayRef>> = vec![None; self.features.len()];
        let mut named: HashMap<&str, ArrayRef> =
            raw.iter().map(|(name, array)| (*name, (*array).clone())).collect();
        // A feature's name stands for the feature, not for the column that it is read from.
        for &index in &self.order {
            let feature = &self.features[index];
            let (array, counts) = match &feature.derived {
                None => read(feature, raw[feature.source.as_str()], batch)?,
                Some(_) => self.derive(index, &named, batch, part)?,
            };
            named.insert(&feature.name, array.clone());
            made[index] = Some(array);
            part.counts[index].merge(counts);
        }
        part.rows += batch.rows as u64;
        let kept = keep.iter().map(|name| (name.as_str(), raw[name.as_str()].clone()));
        let features = self.features.iter().zip(made).filter(|(feature, _)| feature.output);
        let columns = kept.chain(features.filter_map(|(feature, made)| Some((feature.name.as_str(), made?))));
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)));
        part.batches.push(batch.map_err(|error| Error::schema(Place::default(), error.to_string()))?);
        Ok(())
    }

    fn derive(
        &self,
        index: usize,
        named: &HashMap<&str, ArrayRef>,
        batch: &Batch,
        part: &mut Part,
    ) -> Result<(ArrayRef, Counts)> {
        let feature = &self.features[index];
        let Some(derived) = &feature.derived else {
            return Err(Error::argument("the feature is not derived"));
        };
        let columns: Vec<(&str, &ArrayRef)> =
            derived.columns().into_iter().filter_map(|name| Some((name, named.get(name)?))).collect();
        let outcome = derived.evaluate(&columns, batch.rows, self.nan).map_err(|error| {
            Error::schema(Place::file(&self.place), format!("feature `{}`: `derived`, {error}", feature.name))
        })?;
        let (array, mut counts) = read(feature, &outcome.values, batch)?;
        counts.faults = outcome.faults.len() as u64;
        let room = MOST_FAULTS.saturating_sub(part.faults.len());
        part.faults.extend(outcome.faults.into_iter().take(room).map(|fault| FeatureFault {
            row: part.rows + fault.row as u64,
            feature: index,
            span: fault.span,
            failure: fault.failure,
        }));
        Ok((array, counts))
    }

    /// The columns of a result without rows; of the kept ones no type is known.
    fn empty(&self, keep: &[String]) -> SchemaRef {
        let kept = keep.iter().map(|name| Field::new(name, DataType::Null, true));
        let features = self.features.iter().filter(|feature| feature.output);
        let fields = features.map(|feature| Field::new(&feature.name, arrow_type(feature), true));
        Arc::new(arrow_schema::Schema::new(kept.chain(fields).collect::<Vec<_>>()))
    }
}

fn arrow_type(feature: &Feature) -> DataType {
    match feature.kind {
        Kind::Float64 => DataType::Float64,
        Kind::Float32 => DataType::Float32,
        Kind::Int64 => DataType::Int64,
        Kind::Boolean => DataType::Boolean,
        Kind::Text | Kind::Category => DataType::LargeUtf8,
    }
}
